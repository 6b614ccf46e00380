/* apply.c - see apply.h. */
#include "indexer/apply.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"

enum { FORGOTTEN_MAX_BYTES = 1 << 30 };

typedef struct {
    pf_store *store;
    int64_t model_id;
    bool is_replacing;
    bool is_noticeable; /* readers would see a difference */
} applier;

/* The image's row in the store can stay as it is, but for a new path. */
static bool is_as_stored(const pf_source *source, const pf_plan_item *item)
{
    return (item->kind == PF_PLAN_UNCHANGED || item->kind == PF_PLAN_MOVED) &&
           item->source_id == source->id;
}

bool pf_apply_needs_captions(const pf_source *source, const pf_plan_item *item,
                             bool is_replacing)
{
    return !item->failure &&
           (is_replacing || source->captions_changed || !is_as_stored(source, item));
}

/* ---- captions and attributes of one picture ---- */

static bool set_captions(const applier *a, int64_t image_id, const pf_caption_row *rows,
                         size_t n, pf_err *err)
{
    int64_t *ids = pf_alloc_array(n, sizeof *ids, err);
    bool ok = ids != NULL;
    size_t k = 0;
    for (size_t i = 0; ok && i < n; i++) {
        if (!rows[i].text[0])
            continue;
        ok = pf_store_find_caption_text(a->store, a->model_id, rows[i].text, &ids[k],
                                        err);
        if (ok && ids[k] == 0)
            ok = pf_fail(err, PF_ERR_NOT_FOUND,
                         "the caption of line %zu was not embedded", rows[i].line);
        k++;
    }
    ok = ok && pf_store_set_captions(a->store, image_id, ids, k, err);
    pf_free(ids);
    return ok;
}

static bool set_attributes(const applier *a, int64_t image_id,
                           const pf_captions *captions, const pf_caption_row *rows,
                           size_t n, pf_err *err)
{
    pf_store_attribute *list = pf_alloc_array(n * captions->n_keys, sizeof *list, err);
    if (!list)
        return false;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < captions->n_keys; c++) {
            if (rows[i].values[c][0])
                list[k++] = (pf_store_attribute){captions->keys[c], rows[i].values[c]};
        }
    }
    bool ok = pf_store_set_image_attributes(a->store, image_id, list, k, err);
    pf_free(list);
    return ok;
}

/* The first row with a case decides; the others do not contradict it. */
static bool set_case(const applier *a, const pf_source *source, int64_t image_id,
                     const pf_caption_row *rows, size_t n, pf_err *err)
{
    int64_t id = 0;
    const char *key = "";
    for (size_t i = 0; i < n && !key[0]; i++)
        key = rows[i].case_key;
    if (key[0] && !pf_store_put_case(a->store, source->id, key, key, &id, err))
        return false;
    return pf_store_set_image_case(a->store, image_id, id, err);
}

static bool apply_captions(applier *a, const pf_source *source,
                           const pf_plan_item *item, int64_t image_id, pf_err *err)
{
    if (!pf_apply_needs_captions(source, item, a->is_replacing))
        return true;
    size_t n;
    const pf_caption_row *rows =
        pf_captions_find(&source->captions, item->file->path, &n);
    a->is_noticeable |= source->captions_changed;
    return set_captions(a, image_id, rows, n, err) &&
           set_case(a, source, image_id, rows, n, err) &&
           set_attributes(a, image_id, &source->captions, rows, n, err);
}

/* ---- one file ---- */

static bool apply_failure(applier *a, const pf_source *source, const pf_plan_item *item,
                          pf_err *err)
{
    pf_store_failure row = {.source_id = source->id,
                            .path = item->file->path,
                            .reason = item->failure,
                            .size = item->file->size,
                            .mtime_ns = item->file->mtime_ns};
    if (!pf_store_put_failure(a->store, &row, err))
        return false;
    /* What is indexed under this path is not what the file holds now, or has a vector
     * of a model that goes. */
    if (item->image_id == 0 || (item->keeps_old && !a->is_replacing))
        return true;
    a->is_noticeable = true;
    return pf_store_delete_image(a->store, item->image_id, err);
}

static bool apply_item(applier *a, const pf_source *source, const pf_plan_item *item,
                       pf_err *err)
{
    if (item->failure)
        return apply_failure(a, source, item, err);
    int64_t id = item->image_id;
    const pf_scan_file *f = item->file;
    if (item->kind == PF_PLAN_MOVED &&
        !pf_store_move_image(a->store, id, source->id, f->path, f->size, f->mtime_ns,
                             err))
        return false;
    pf_store_image row = {.source_id = source->id,
                          .picture_id = item->picture_id,
                          .path = f->path,
                          .size = f->size,
                          .mtime_ns = f->mtime_ns};
    bool stays = is_as_stored(source, item) && !a->is_replacing;
    if (!stays && !pf_store_put_image(a->store, &row, &id, err))
        return false;
    a->is_noticeable |=
        item->kind != PF_PLAN_UNCHANGED && item->kind != PF_PLAN_TOUCHED;
    return apply_captions(a, source, item, id, err);
}

/* ---- one source ---- */

static bool put_gaps(const applier *a, const pf_source *source, pf_err *err)
{
    for (size_t i = 0; i < source->scan.n_gaps; i++) {
        pf_store_failure row = {.source_id = source->id,
                                .path = source->scan.gaps[i].path,
                                .reason = source->scan.gaps[i].reason};
        if (!pf_store_put_failure(a->store, &row, err))
            return false;
    }
    return true;
}

/* Failures of an earlier run, but for those in folders that cannot be read now; those
 * that still stand are put again by apply_item(). */
typedef struct {
    const pf_source *source;
    pf_buf paths; /* one after the other, each with its NUL */
} forgetter;

static bool list_forgotten(void *context, const pf_store_failure *failure, pf_err *err)
{
    forgetter *f = context;
    return pf_scan_is_in_gap(&f->source->scan, failure->path) ||
           pf_buf_add(&f->paths, failure->path, strlen(failure->path) + 1, err);
}

static bool forget_failures(const applier *a, const pf_source *source, pf_err *err)
{
    forgetter f = {.source = source};
    pf_buf_init(&f.paths, FORGOTTEN_MAX_BYTES);
    bool ok = pf_store_each_failure(a->store, source->id, list_forgotten, &f, err);
    for (size_t at = 0; ok && at < f.paths.size; at += strlen(f.paths.data + at) + 1)
        ok = pf_store_delete_failures(a->store, f.paths.data + at, err);
    pf_buf_free(&f.paths);
    return ok;
}

/* Were the captions of all pictures taken in? Those of a folder that could not be read
 * were not: the next run has to see that the captions have changed. */
static bool is_whole(const pf_source *source)
{
    bool is_whole = source->scan.n_gaps == 0;
    for (size_t i = 0; is_whole && i < source->plan.count; i++)
        is_whole = !source->plan.items[i].keeps_old;
    return is_whole;
}

static bool apply_source(applier *a, pf_source *source, pf_err *err)
{
    pf_store_source row = {
        .path = source->path, .kind = "folder", .captions_path = source->captions_path};
    if (!source->captions_changed || is_whole(source))
        row.captions_hash = source->captions_hash;
    a->is_noticeable |= source->id == 0;
    if (!pf_store_put_source(a->store, &row, &source->id, err) ||
        !forget_failures(a, source, err) || !put_gaps(a, source, err))
        return false;
    const pf_plan *plan = &source->plan;
    for (size_t i = 0; i < plan->n_gone; i++) {
        if (plan->gone[i].is_moved)
            continue;
        a->is_noticeable = true;
        if (!pf_store_delete_image(a->store, plan->gone[i].image_id, err))
            return false;
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (!apply_item(a, source, &plan->items[i], err))
            return false;
    }
    return true;
}

/* Sources that now lie inside a larger one. What the larger one could not read this
 * time is still theirs, and goes over to it. */
typedef struct {
    int64_t outer, inner;
} nesting;

typedef struct {
    const pf_sources *sources;
    pf_buf found; /* of nesting */
} absorber;

static bool list_inner(void *context, const pf_store_source *row, pf_err *err)
{
    absorber *b = context;
    for (size_t i = 0; i < b->sources->count; i++) {
        const pf_source *s = &b->sources->at[i];
        nesting n = {.outer = s->id, .inner = row->id};
        if (n.outer != n.inner && pf_path_is_under(row->path, s->path))
            return pf_buf_add(&b->found, &n, sizeof n, err);
    }
    return true;
}

static bool absorb(const applier *a, const pf_sources *sources, pf_err *err)
{
    absorber b = {.sources = sources};
    pf_buf_init(&b.found, FORGOTTEN_MAX_BYTES);
    bool ok = pf_store_each_source(a->store, list_inner, &b, err);
    for (size_t at = 0; ok && at < b.found.size; at += sizeof(nesting)) {
        nesting n;
        memcpy(&n, b.found.data + at, sizeof n);
        ok = pf_store_adopt_source(a->store, n.inner, n.outer, err) &&
             pf_store_delete_source(a->store, n.inner, err);
    }
    pf_buf_free(&b.found);
    return ok;
}

static bool apply_all(applier *a, pf_sources *sources, pf_err *err)
{
    for (size_t i = 0; i < sources->count; i++) {
        if (!apply_source(a, &sources->at[i], err))
            return false;
    }
    return absorb(a, sources, err) && pf_store_delete_empty_cases(a->store, err) &&
           pf_store_use_model(a->store, a->model_id, err);
}

bool pf_apply(pf_catalog *catalog, pf_sources *sources, int64_t model_id,
              bool is_replacing, bool *is_published, pf_err *err)
{
    applier a = {.store = pf_catalog_store(catalog),
                 .model_id = model_id,
                 .is_replacing = is_replacing};
    bool is_index_broken = false;
    *is_published = false;
    if (!pf_catalog_needs_publish(catalog, &is_index_broken, err) ||
        !pf_store_begin(a.store, err))
        return false;
    a.is_noticeable =
        is_replacing || is_index_broken || pf_catalog_generation(catalog) == 0;
    if (!apply_all(&a, sources, err)) {
        pf_store_rollback(a.store);
        return false;
    }
    *is_published = a.is_noticeable;
    return a.is_noticeable ? pf_catalog_publish(catalog, err)
                           : pf_store_commit(a.store, err);
}
