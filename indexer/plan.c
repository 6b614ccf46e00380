/* plan.c - see plan.h. */
#include "indexer/plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/image/picture.h"

typedef struct {
    pf_plan *plan;
    const pf_collection *found;
    const pf_plan_options *options;
    size_t next; /* first image of the collection that was not compared yet */
} maker;

/* ---- comparing with the store ---- */

static bool add_gone(pf_plan *plan, const pf_store_image *image, pf_err *err)
{
    if (!pf_grow_array(&plan->gone, &plan->gone_room, plan->n_gone, sizeof *plan->gone,
                       err))
        return false;
    pf_plan_gone gone = {.image_id = image->id,
                         .source_id = image->source_id,
                         .picture_id = image->picture_id,
                         .path = pf_strdup(image->path, err),
                         .size = image->size,
                         .mtime_ns = image->mtime_ns};
    if (!gone.path)
        return false;
    plan->gone[plan->n_gone++] = gone;
    return true;
}

static int compare_names(const pf_collected_image *found, const pf_store_image *image)
{
    const int order = strcmp(found->path, image->path);
    return order ? order
                 : (found->frame > image->frame) - (found->frame < image->frame);
}

/* An image of the store that was not found. */
static bool miss_image(maker *m, const pf_store_image *image, pf_err *err)
{
    if (image->source_id != m->options->source_id &&
        !pf_path_is_under(image->path, m->found->source))
        return true;
    if (!pf_collection_is_in_gap(m->found, image->path))
        return add_gone(m->plan, image, err);
    m->plan->n_kept++;
    return true;
}

/* Told every image of the store by ascending path and frame. */
static bool compare_image(void *context, const pf_store_image *image, pf_err *err)
{
    maker *m = context;
    const pf_collection *found = m->found;
    int order = 1;
    while (m->next < found->n_images &&
           (order = compare_names(&found->images[m->next], image)) < 0)
        m->next++;
    if (m->next == found->n_images || order != 0)
        return miss_image(m, image, err);
    pf_plan_item *item = &m->plan->items[m->next++];
    bool is_same =
        item->image->size == image->size && item->image->mtime_ns == image->mtime_ns;
    item->image_id = image->id;
    item->source_id = image->source_id;
    item->seen_id = image->picture_id;
    if (m->options->model_id == m->options->seen_model)
        item->picture_id = image->picture_id;
    item->kind = is_same ? PF_PLAN_UNCHANGED : PF_PLAN_CHANGED;
    return true;
}

/* ---- reading content ---- */

static bool hash_file(const pf_collected_image *image, const char *within, pf_hash *out,
                      pf_err *err)
{
    int fd;
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    if ((uint64_t)image->size > limits.max_file_bytes)
        return pf_fail(err, PF_ERR_LIMIT, "'%s' has %lld bytes, the limit is %zu",
                       image->path, (long long)image->size, limits.max_file_bytes);
    if (!pf_file_open_within(&fd, image->path, within, err))
        return false;
    const bool ok = pf_hash_open_file(out, fd, image->path, err);
    close(fd);
    return ok;
}

bool pf_plan_fail(pf_plan_item *item, const pf_err *why, pf_err *err)
{
    item->keeps_old = why->code == PF_ERR_IO && item->image_id != 0;
    item->failure = pf_strdup(why->msg, err);
    return item->failure != NULL;
}

static bool find_picture(const pf_plan_options *o, int64_t model_id,
                         const pf_plan_item *item, int64_t *id, pf_err *err)
{
    return !o->store || model_id == 0 ||
           pf_store_find_picture(o->store, model_id, &item->content, item->image->frame,
                                 id, err);
}

/* Frames of one file stand one behind the other: it is read for the first of them. */
static bool is_hashed_before(const maker *m, const pf_plan_item *item)
{
    return item > m->plan->items && item[-1].is_hashed &&
           strcmp(item[-1].image->path, item->image->path) == 0;
}

static bool look_inside(maker *m, pf_plan_item *item, pf_err *err)
{
    const pf_plan_options *o = m->options;
    const int64_t known = item->seen_id;
    pf_err why = PF_ERR_INIT;
    if (is_hashed_before(m, item))
        item->content = item[-1].content;
    else if (!hash_file(item->image, m->found->within, &item->content, &why))
        return why.code == PF_ERR_NOMEM ? pf_fail_as(err, &why)
                                        : pf_plan_fail(item, &why, err);
    item->is_hashed = true;
    item->picture_id = item->seen_id = 0;
    if (!find_picture(o, o->seen_model, item, &item->seen_id, err) ||
        !find_picture(o, o->model_id, item, &item->picture_id, err))
        return false;
    if (item->kind == PF_PLAN_CHANGED && known != 0 && item->seen_id == known)
        item->kind = PF_PLAN_TOUCHED;
    else if (item->kind == PF_PLAN_UNCHANGED && item->seen_id != known)
        item->kind = PF_PLAN_CHANGED;
    return true;
}

static bool look_inside_all(maker *m, bool read_all, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < m->plan->count; i++) {
        pf_plan_item *item = &m->plan->items[i];
        if (m->options->stop && atomic_load(m->options->stop))
            ok = pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
        else if (read_all || item->kind != PF_PLAN_UNCHANGED)
            ok = look_inside(m, item, err);
        if (m->options->progress)
            m->options->progress(m->options->context, i + 1, m->plan->count);
    }
    return ok;
}

/* ---- twins and moves ---- */

typedef struct {
    pf_hash content;
    int frame;
    size_t item;
} hashed;

static int compare_pictures(const hashed *x, const hashed *y)
{
    const int order = memcmp(x->content.b, y->content.b, sizeof x->content.b);
    return order ? order : (x->frame > y->frame) - (x->frame < y->frame);
}

static int by_picture_and_item(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    const int order = compare_pictures(x, y);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* One frame of two files with one content is embedded once. */
static bool find_twins(pf_plan *plan, pf_err *err)
{
    hashed *list = pf_alloc_array(plan->count, sizeof *list, err);
    if (!list)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const pf_plan_item *item = &plan->items[i];
        if (item->is_hashed && item->picture_id == 0 && !item->failure)
            list[n++] = (hashed){item->content, item->image->frame, i};
    }
    qsort(list, n, sizeof *list, by_picture_and_item);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (compare_pictures(&list[i], &list[first]) == 0)
            plan->items[list[i].item].twin = (int64_t)list[first].item;
        else
            first = i;
    }
    pf_free(list);
    return true;
}

static int by_picture(const void *a, const void *b)
{
    const pf_plan_gone *x = a, *y = b;
    if (x->picture_id != y->picture_id)
        return x->picture_id < y->picture_id ? -1 : 1;
    return (x->image_id > y->image_id) - (x->image_id < y->image_id);
}

/* A new file with the content of one that is gone is that one under another name; so it
 * is with each of its frames. */
static void find_moves(pf_plan *plan)
{
    if (plan->n_gone == 0)
        return;
    qsort(plan->gone, plan->n_gone, sizeof *plan->gone, by_picture);
    for (size_t i = 0; i < plan->count; i++) {
        pf_plan_item *item = &plan->items[i];
        if (item->kind != PF_PLAN_NEW || item->seen_id == 0)
            continue;
        size_t g = pf_ids_lower(&plan->gone->picture_id, plan->n_gone,
                                sizeof *plan->gone, item->seen_id);
        while (g < plan->n_gone && plan->gone[g].picture_id == item->seen_id &&
               plan->gone[g].is_moved)
            g++;
        if (g < plan->n_gone && plan->gone[g].picture_id == item->seen_id) {
            plan->gone[g].is_moved = true;
            item->kind = PF_PLAN_MOVED;
            item->image_id = plan->gone[g].image_id;
            item->source_id = plan->gone[g].source_id;
        }
    }
}

bool pf_plan_make(pf_plan *plan, const pf_collection *found,
                  const pf_plan_options *options, pf_err *err)
{
    *plan = (pf_plan){0};
    plan->items = pf_alloc_array(found->n_images, sizeof *plan->items, err);
    if (!plan->items)
        return false;
    plan->count = found->n_images;
    for (size_t i = 0; i < plan->count; i++)
        plan->items[i] = (pf_plan_item){
            .image = &found->images[i], .kind = PF_PLAN_NEW, .twin = PF_PLAN_NO_TWIN};
    maker m = {.plan = plan, .found = found, .options = options};
    if (options->store &&
        !pf_store_each_image(options->store, 0, compare_image, &m, err))
        return false;
    if (!look_inside_all(&m, options->verify_content, err) || !find_twins(plan, err))
        return false;
    find_moves(plan);
    return true;
}

size_t pf_plan_count_gone(const pf_plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->n_gone; i++)
        n += !plan->gone[i].is_moved;
    return n;
}

void pf_plan_reset(pf_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        pf_free(plan->items[i].failure);
    for (size_t i = 0; i < plan->n_gone; i++)
        pf_free(plan->gone[i].path);
    pf_free(plan->items);
    pf_free(plan->gone);
    pf_free(plan->doubt);
    *plan = (pf_plan){0};
}
