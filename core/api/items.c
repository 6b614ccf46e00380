/*
 * items.c - all that a catalog has, one by one (plainfilm.h): images or captions with
 * their vectors, for whoever works with them elsewhere.
 *
 * Vectors come from the database, in whose order they are walked; what else is told of
 * each is looked up on the way. All of it is of the reader's one snapshot.
 */
#include <string.h>

#include "core/api/request.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/engine/reader.h"
#include "core/search/scope.h"

typedef struct {
    pf_store *store;
    const pf_query *query;
    const pf_id_set *scope; /* images that pass the filters; NULL: all do */
    const pf_stop *stop;
    pf_item_fn *fn;
    void *context;
} walk;

static bool go_on(const walk *w, pf_err *err)
{
    return !w->stop || atomic_load(pf_stop_flag(w->stop)) == 0 ||
           pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

static char *path_of(const walk *w, int64_t image_id, int *frame, pf_err *err)
{
    char *path;
    if (!pf_store_get_image_path(w->store, image_id, &path, frame, NULL, err))
        return NULL;
    if (!path || !w->query->hides_paths) {
        if (!path)
            pf_fail(err, PF_ERR_FORMAT,
                    "the catalog is damaged: image %lld is not there",
                    (long long)image_id);
        return path;
    }
    pf_free(path);
    return pf_strf(err, "image %lld", (long long)image_id);
}

/* The item, with the path of its image, if that passes. */
static bool hand_over(const walk *w, pf_item *item, pf_err *err)
{
    if (!go_on(w, err))
        return false;
    if (w->scope && !pf_id_set_has(w->scope, item->image_id))
        return true;
    char *path = path_of(w, item->image_id, &item->frame, err);
    item->struct_size = sizeof *item;
    item->path = path;
    const bool ok = path && w->fn(w->context, item, err);
    pf_free(path);
    return ok;
}

static bool take_image(void *user, int64_t id, const float *vector, int dim,
                       pf_err *err)
{
    pf_item item = {.id = id, .image_id = id, .vector = vector, .dim = (size_t)dim};
    return hand_over(user, &item, err);
}

/* A caption that belongs to no image is not seen by readers. */
static bool take_caption(void *user, int64_t id, const float *vector, int dim,
                         pf_err *err)
{
    const walk *w = user;
    pf_item item = {.id = id, .vector = vector, .dim = (size_t)dim};
    char *text;
    if (!pf_store_get_caption(w->store, id, &text, &item.image_id, err))
        return false;
    item.caption = text;
    const bool ok = !text || item.image_id == 0 || hand_over(w, &item, err);
    pf_free(text);
    return ok;
}

static bool walk_all(walk *w, pf_err *err)
{
    return (w->query->find == PF_FIND_CAPTIONS
                ? pf_store_each_caption_vector(w->store, take_caption, w, err)
                : pf_store_each_image_vector(w->store, take_image, w, err));
}

bool pf_reader_each_item(pf_reader *reader, const pf_request *request,
                         const pf_stop *stop, pf_item_fn *fn, void *context,
                         pf_err *err)
{
    const pf_query *q = &request->query;
    if (q->find == PF_FIND_CASES)
        return pf_fail(err, PF_ERR_MISUSE, "only images and captions have vectors");
    if (q->n_parts > 0)
        return pf_fail(err, PF_ERR_MISUSE, "a phrase or picture chooses no items");
    if (!pf_reader_begin(reader, err) || !pf_reader_check_catalog(reader, err))
        return false;
    pf_id_set scope = {0};
    walk w = {.store = pf_reader_store(reader),
              .query = q,
              .scope = q->n_filters > 0 ? &scope : NULL,
              .stop = stop,
              .fn = fn,
              .context = context};
    const bool ok =
        (!w.scope || pf_scope_images(&scope, w.store, q->filters, q->n_filters, err)) &&
        walk_all(&w, err);
    pf_id_set_reset(&scope);
    return ok;
}
