/* gallery.c - see gallery.h. */
#include "core/api/gallery.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/image/scan.h"
#include "core/model/pipeline.h"

enum { PICTURES_AT_ONCE = 8 }; /* in one forward pass, as the indexer has it */

/* A picture, waiting to be done or for those before it. */
struct pf_gallery_item {
    char *path;          /* or the name of the bytes */
    const pf_part *part; /* of bytes; NULL: a file */
    bool is_done;
    pf_label_score *scores; /* NULL: it failed */
    char *failure;          /* why */
};

static void reset_item(pf_gallery_item *item)
{
    pf_free(item->path);
    pf_free(item->scores);
    pf_free(item->failure);
    *item = (pf_gallery_item){0};
}

void pf_gallery_reset(pf_gallery *g)
{
    for (size_t i = 0; i < g->n; i++)
        reset_item(&g->items[i]);
    pf_free(g->items);
    g->items = NULL;
    g->n = 0;
}

/* ---- telling ---- */

static bool refused(pf_err *err)
{
    return pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

/* `picture` is the answer's when nobody takes it, and borrowed by whoever does. */
static bool tell(pf_gallery *g, pf_classified *picture, pf_err *err)
{
    pf_answer *a = g->answer;
    a->about.n_failed += picture->failure != NULL;
    if (g->work->classified) {
        const bool goes_on = g->work->classified(g->work->context, picture);
        pf_classified_reset(picture);
        return goes_on || refused(err);
    }
    if (!pf_grow_array(&a->pictures, &a->pictures_room, a->n_pictures,
                       sizeof *a->pictures, err)) {
        pf_classified_reset(picture);
        return false;
    }
    a->pictures[a->n_pictures++] = *picture;
    return true;
}

/* Path and failure are taken. */
static bool tell_item(pf_gallery *g, pf_gallery_item *item, pf_err *err)
{
    pf_classified picture = {
        .struct_size = sizeof picture, .path = item->path, .failure = item->failure};
    item->path = item->failure = NULL;
    if (item->scores) {
        pf_label *labels = pf_alloc_array(g->answer->n_labels, sizeof *labels, err);
        picture.labels = labels;
        if (!labels) {
            pf_classified_reset(&picture);
            return false;
        }
        pf_answer_name_labels(g->answer, item->scores, labels);
        picture.n_labels = g->answer->n_labels;
    }
    return tell(g, &picture, err);
}

/* `vector` NULL: the picture failed for this reason. */
static bool finish(pf_gallery *g, size_t i, const float *vector, const char *reason,
                   pf_err *err)
{
    pf_gallery_item *item = &g->items[i];
    if (vector) {
        item->scores = pf_alloc_array(g->answer->n_labels, sizeof *item->scores, err);
        if (!item->scores)
            return false;
        pf_classify(g->classifier, vector, item->scores);
    } else if (!(item->failure = pf_strdup(reason, err))) {
        return false;
    }
    item->is_done = true;
    g->n_done++;
    for (; g->next < g->n && g->items[g->next].is_done; g->next++) {
        const bool ok = tell_item(g, &g->items[g->next], err);
        reset_item(&g->items[g->next]);
        if (!ok)
            return false;
    }
    if (g->work->progress)
        g->work->progress(g->work->context, "classifying", g->n_done, g->n,
                          g->answer->about.n_failed);
    return true;
}

/* ---- which pictures ---- */

/* `path` is taken, also on failure. */
static bool add(pf_gallery *g, char *path, const pf_part *part, pf_err *err)
{
    if (!path || !pf_grow_array(&g->items, &g->room, g->n, sizeof *g->items, err)) {
        pf_free(path);
        return false;
    }
    g->items[g->n++] = (pf_gallery_item){.path = path, .part = part};
    return true;
}

static bool add_scan(pf_gallery *g, pf_scan *scan, const char *folder, pf_err *err)
{
    if (scan->count == 0 && scan->n_gaps == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND, "there is no picture in folder '%s'",
                       folder);
    for (size_t i = 0; i < scan->count; i++) {
        char *path = scan->files[i].path;
        scan->files[i].path = NULL;
        if (!add(g, path, NULL, err))
            return false;
    }
    for (size_t i = 0; i < scan->n_gaps; i++) {
        pf_classified gap = {.struct_size = sizeof gap,
                             .path = pf_strdup(scan->gaps[i].path, err),
                             .failure = pf_strdup(scan->gaps[i].reason, err)};
        if (!gap.path || !gap.failure) {
            pf_classified_reset(&gap);
            return false;
        }
        if (!tell(g, &gap, err))
            return false;
    }
    return true;
}

static bool add_folder(pf_gallery *g, const char *folder, pf_err *err)
{
    pf_scan scan = {0};
    const pf_scan_options scanning = {.stop = pf_stop_flag(g->work->stop)};
    const bool ok = pf_scan_source(&scan, folder, &scanning, err) &&
                    add_scan(g, &scan, folder, err);
    pf_scan_reset(&scan);
    g->has_folder = true;
    return ok;
}

bool pf_gallery_list(pf_gallery *g, const pf_request *request, pf_err *err)
{
    for (size_t i = 0; i < request->query.n_parts; i++) {
        const pf_part *part = &request->parts[i];
        const bool is_file = part->kind == PF_PART_FILE;
        if (!(is_file && pf_path_is_folder(part->text)
                  ? add_folder(g, part->text, err)
                  : add(g, pf_strdup(part->text, err), is_file ? NULL : part, err)))
            return false;
    }
    g->answer->about.is_single = g->n == 1 && !g->has_folder;
    return true;
}

/* ---- classifying ---- */

static bool embed_one(const pf_gallery_item *item, pf_reader *reader, float *vector,
                      pf_err *err)
{
    const pf_part file = {.kind = PF_PART_FILE, .text = item->path, .weight = 1};
    pf_embedder *e;
    pf_sandbox *sandbox;
    return pf_reader_get_embedder(reader, PF_CLIP_IMAGE, &e, err) &&
           pf_reader_get_sandbox(reader, &sandbox, err) &&
           pf_part_embed(item->part ? item->part : &file, e, sandbox, vector, NULL,
                         err);
}

/* Those that came as bytes, here and now. */
static bool classify_bytes(pf_gallery *g, pf_reader *reader, float *vector, pf_err *err)
{
    const atomic_int *stop = pf_stop_flag(g->work->stop);
    for (size_t i = 0; i < g->n; i++) {
        pf_err why = PF_ERR_INIT;
        if (!g->items[i].part)
            continue;
        if (stop && atomic_load(stop))
            return refused(err);
        const bool is_read = embed_one(&g->items[i], reader, vector, &why);
        if (!is_read && why.code == PF_ERR_NOMEM)
            return pf_fail_as(err, &why);
        if (!finish(g, i, is_read ? vector : NULL, why.msg, err))
            return false;
    }
    return true;
}

typedef struct {
    pf_gallery *gallery;
    pf_picture_ref *files;
    size_t *place; /* of each in the gallery */
    size_t n;
} file_list;

static bool take_results(void *context, const pf_embedded *results, size_t n,
                         pf_err *err)
{
    const file_list *l = context;
    for (size_t i = 0; i < n; i++) {
        const pf_embedded *r = &results[i];
        if (!finish(l->gallery, l->place[r->item], r->vector, r->failure.msg, err))
            return false;
    }
    return true;
}

static bool classify_files(pf_gallery *g, pf_reader *reader, pf_err *err)
{
    const pf_model *model;
    if (!pf_reader_get_model(reader, PF_CLIP_IMAGE, &model, err))
        return false;
    file_list l = {.gallery = g,
                   .files = pf_alloc_array(g->n, sizeof *l.files, err),
                   .place = pf_alloc_array(g->n, sizeof *l.place, err)};
    const pf_pipeline pipeline = {.model = model,
                                  .jobs = g->threads,
                                  .batch = PICTURES_AT_ONCE,
                                  .stop = pf_stop_flag(g->work->stop)};
    bool ok = l.files && l.place;
    for (size_t i = 0; ok && i < g->n; i++) {
        /* those that came as bytes have been done, and what was handed on is empty */
        if (g->items[i].part || !g->items[i].path)
            continue;
        l.files[l.n] = (pf_picture_ref){.path = g->items[i].path};
        l.place[l.n++] = i;
    }
    ok = ok && pf_pipeline_pictures(&pipeline, l.files, l.n, take_results, &l, err);
    pf_free(l.files);
    pf_free(l.place);
    return ok;
}

bool pf_gallery_classify(pf_gallery *g, pf_reader *reader,
                         const pf_classifier *classifier, pf_err *err)
{
    g->classifier = classifier;
    float *vector = pf_alloc_floats(pf_reader_dim(reader), err);
    bool ok = vector != NULL;
    if (ok && g->answer->about.is_single)
        ok = embed_one(&g->items[0], reader, vector, err) &&
             finish(g, 0, vector, NULL, err);
    else
        ok = ok && classify_bytes(g, reader, vector, err) &&
             classify_files(g, reader, err);
    pf_free(vector);
    return ok;
}
