/* apply.c - see apply.h. */
#include "indexer/apply.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "indexer/edits.h"

enum { FORGOTTEN_MAX_BYTES = 1 << 30 };

typedef struct {
    pf_store *store;
    int64_t model_id;
    bool is_replacing, is_cut;
    bool is_noticeable; /* readers would see a difference */
    bool has_settlers;  /* images that brought their case from another source */

    /* While one source is applied: */
    pf_source *source;
    int64_t *case_ids; /* [source->found.n_cases]; 0: not taken in (yet) */
} applier;

/* The image's row in the store can stay as it is, but for a new path. */
static bool is_as_stored(const pf_source *source, const pf_plan_item *item)
{
    return (item->kind == PF_PLAN_UNCHANGED || item->kind == PF_PLAN_MOVED) &&
           item->source_id == source->id;
}

/* What was read may not be all there is. */
static bool keeps_texts(const pf_plan_item *item)
{
    return item->image_id != 0 &&
           (item->image->keeps_texts ||
            (item->image->keeps_rows && !item->has_lost_document));
}

bool pf_apply_needs_texts(const pf_source *source, const pf_plan_item *item,
                          bool is_replacing)
{
    if (item->failure || item->is_others || keeps_texts(item))
        return false;
    return is_replacing || item->has_new_texts ||
           (!is_as_stored(source, item) && !pf_edits_brings_texts(source, item));
}

/* ---- captions and attributes of an image or a case ---- */

typedef bool set_captions_fn(pf_store *store, int64_t id, const int64_t *texts,
                             size_t n, pf_err *err);
typedef bool set_attributes_fn(pf_store *store, int64_t id,
                               const pf_store_attribute *attributes, size_t n,
                               pf_err *err);

static bool find_text(const applier *a, const char *text, int64_t *id, pf_err *err)
{
    if (!pf_store_find_caption_text(a->store, a->model_id, text, id, err))
        return false;
    return *id != 0 ||
           pf_fail(err, PF_ERR_NOT_FOUND, "the caption '%.*s' was not embedded",
                   pf_utf8_shown(text, strlen(text)), text);
}

static bool apply_captions(const applier *a, const pf_collection *found,
                           const pf_text_chain *captions, set_captions_fn *set,
                           int64_t id, pf_err *err)
{
    int64_t *texts = pf_alloc_array(captions->count, sizeof *texts, err);
    bool ok = texts != NULL;
    size_t n = 0;
    for (uint32_t at = captions->first; ok && at; at = found->texts[at].next)
        ok = find_text(a, found->texts[at].value, &texts[n++], err);
    ok = ok && set(a->store, id, texts, n, err);
    pf_free(texts);
    return ok;
}

static bool apply_attributes(const applier *a, const pf_collection *found,
                             const pf_text_chain *attributes, set_attributes_fn *set,
                             int64_t id, pf_err *err)
{
    pf_store_attribute *list = pf_alloc_array(attributes->count, sizeof *list, err);
    if (!list)
        return false;
    size_t n = 0;
    for (uint32_t at = attributes->first; at; at = found->texts[at].next) {
        const pf_collected_text *t = &found->texts[at];
        list[n++] = (pf_store_attribute){found->keys[t->key], t->value};
    }
    bool ok = set(a->store, id, list, n, err);
    pf_free(list);
    return ok;
}

static bool apply_case(const applier *a, const pf_collected_case *c, int64_t *id,
                       pf_err *err)
{
    const pf_collection *found = &a->source->found;
    return pf_store_put_case(a->store, a->source->id, c->key, c->title, id, err) &&
           apply_captions(a, found, &c->captions, pf_store_set_case_captions, *id,
                          err) &&
           apply_attributes(a, found, &c->attributes, pf_store_set_case_attributes, *id,
                            err);
}

/* A case is taken in with the first of its images that needs it. */
static bool find_case(applier *a, uint32_t in_case, int64_t *id, pf_err *err)
{
    *id = 0;
    if (in_case == 0)
        return true;
    int64_t *known = &a->case_ids[in_case - 1];
    bool ok =
        *known != 0 || apply_case(a, &a->source->found.cases[in_case - 1], known, err);
    *id = *known;
    return ok;
}

static bool are_embedded(const applier *a, const pf_text_chain *captions, bool *all,
                         pf_err *err)
{
    const pf_collected_text *texts = a->source->found.texts;
    for (uint32_t at = captions->first; *all && at; at = texts[at].next) {
        int64_t id;
        if (!pf_store_find_caption_text(a->store, a->model_id, texts[at].value, &id,
                                        err))
            return false;
        *all = id != 0;
    }
    return true;
}

/* The captions of an image and of its case. */
static bool has_all_texts(const applier *a, const pf_collected_image *image, bool *all,
                          pf_err *err)
{
    const uint32_t in_case = image->in_case;
    *all = true;
    return are_embedded(a, &image->captions, all, err) &&
           (in_case == 0 ||
            are_embedded(a, &a->source->found.cases[in_case - 1].captions, all, err));
}

static bool apply_texts(applier *a, const pf_plan_item *item, int64_t image_id,
                        pf_err *err)
{
    const pf_collection *found = &a->source->found;
    const pf_collected_image *image = item->image;
    int64_t case_id;
    bool has_all = true;
    if (!pf_apply_needs_texts(a->source, item, a->is_replacing))
        return true;
    if (a->is_cut && !has_all_texts(a, image, &has_all, err))
        return false;
    if (!has_all)
        return true;
    a->is_noticeable |= item->has_new_texts;
    return apply_captions(a, found, &image->captions, pf_store_set_captions, image_id,
                          err) &&
           find_case(a, image->in_case, &case_id, err) &&
           pf_store_set_image_case(a->store, image_id, case_id, err) &&
           apply_attributes(a, found, &image->attributes, pf_store_set_image_attributes,
                            image_id, err);
}

/* ---- one image ---- */

static bool apply_failure(applier *a, const pf_plan_item *item, pf_err *err)
{
    pf_store_failure row = {.source_id = a->source->id,
                            .path = item->image->path,
                            .frame = item->image->frame,
                            .reason = item->failure,
                            .size = item->stamp.size,
                            .mtime_ns = item->stamp.mtime_ns,
                            .is_lasting = item->is_lasting};
    if (!item->is_recalled && !pf_store_put_failure(a->store, &row, err))
        return false;
    /* What is indexed under this path is not what the file holds now, or has a vector
     * of a model that goes. */
    if (item->image_id == 0 || (item->keeps_old && !a->is_replacing))
        return true;
    a->is_noticeable = true;
    return pf_store_delete_image(a->store, item->image_id, err);
}

static bool apply_item(applier *a, const pf_plan_item *item, pf_err *err)
{
    if (item->is_others || item->is_left)
        return true;
    if (item->failure)
        return apply_failure(a, item, err);
    int64_t id = item->image_id;
    const pf_collected_image *image = item->image;
    const bool brings = pf_edits_brings_texts(a->source, item);
    a->has_settlers |= brings;
    if ((item->kind == PF_PLAN_MOVED || brings) &&
        !pf_store_move_image(a->store, id, a->source->id, image->path, item->stamp.size,
                             item->stamp.mtime_ns, err))
        return false;
    pf_store_image row = {.source_id = a->source->id,
                          .picture_id = item->picture_id,
                          .path = image->path,
                          .frame = image->frame,
                          .size = item->stamp.size,
                          .mtime_ns = item->stamp.mtime_ns};
    bool stays = (brings || is_as_stored(a->source, item)) && !a->is_replacing;
    if (!stays && !pf_store_put_image(a->store, &row, &id, err))
        return false;
    a->is_noticeable |=
        (item->kind != PF_PLAN_UNCHANGED && item->kind != PF_PLAN_TOUCHED) ||
        item->source_id != a->source->id;
    return apply_texts(a, item, id, err);
}

/* ---- one source ---- */

static bool put_gap(const applier *a, const char *path, const char *reason, pf_err *err)
{
    const pf_store_failure row = {
        .source_id = a->source->id, .path = path, .reason = reason};
    return pf_store_put_failure(a->store, &row, err);
}

static bool put_gaps(const applier *a, pf_err *err)
{
    const pf_source *source = a->source;
    for (size_t i = 0; i < source->found.n_gaps; i++) {
        const pf_collected_gap *gap = &source->found.gaps[i];
        if (gap->reason[0] != '\0' && !put_gap(a, gap->path, gap->reason, err))
            return false;
    }
    return !source->plan.doubt || put_gap(a, source->path, source->plan.doubt, err);
}

/* Failures of an earlier run that stand no more: but for those in what cannot be read
 * now, and those that are put again, as one more try. */
typedef struct {
    const pf_source *source;
    pf_buf names; /* frame and path, with its NUL, one after the other */
} forgetter;

static bool still_fails(const pf_source *source, const pf_store_failure *failure)
{
    const pf_collection *found = &source->found;
    const pf_collected_image *image =
        pf_collection_find(found, failure->path, failure->frame);
    return image ? source->plan.items[image - found->images].failure != NULL
                 : pf_collection_is_in_gap(found, failure->path) ||
                       (source->plan.doubt && strcmp(failure->path, source->path) == 0);
}

static bool list_forgotten(void *context, const pf_store_failure *failure, pf_err *err)
{
    forgetter *f = context;
    return still_fails(f->source, failure) ||
           (pf_buf_add(&f->names, &failure->frame, sizeof failure->frame, err) &&
            pf_buf_add(&f->names, failure->path, strlen(failure->path) + 1, err));
}

static bool forget_failures(const applier *a, pf_err *err)
{
    forgetter f = {.source = a->source};
    pf_buf_init(&f.names, FORGOTTEN_MAX_BYTES);
    bool ok = pf_store_each_failure(a->store, a->source->id, list_forgotten, &f, err);
    for (size_t at = 0; ok && at < f.names.size;) {
        int frame;
        memcpy(&frame, f.names.data + at, sizeof frame);
        const char *path = f.names.data + at + sizeof frame;
        ok = pf_store_delete_failure(a->store, path, frame, err);
        at += sizeof frame + strlen(path) + 1;
    }
    pf_buf_free(&f.names);
    return ok;
}

/* What the tables and the pictures do not have in common, as far as both could be read.
 */
static bool put_stale(const applier *a, pf_err *err)
{
    const pf_collection *found = &a->source->found;
    const int64_t id = a->source->id;
    if (pf_collection_is_in_gap(found, a->source->path))
        return true;
    bool ok = pf_store_forget_stale(a->store, id, err);
    for (size_t i = 0; ok && i < found->n_stale; i++) {
        const pf_store_stale_row row = {.table = found->stale[i].table,
                                        .name = found->stale[i].name,
                                        .line = (int64_t)found->stale[i].line,
                                        .is_ambiguous = found->stale[i].is_ambiguous};
        ok = pf_store_put_stale_row(a->store, id, &row, err);
    }
    for (size_t i = 0; ok && i < found->n_images; i++) {
        if (pf_collected_lacks_row(&found->images[i]))
            ok = pf_store_put_rowless(a->store, id, found->images[i].path, err);
    }
    return ok;
}

/* Were the texts of all images taken in? Those of a folder that could not be read were
 * not: the next run has to see that they have changed. */
static bool is_whole(const pf_source *source)
{
    bool is_whole = source->found.n_gaps == 0 && !source->plan.doubt;
    for (size_t i = 0; is_whole && i < source->plan.count; i++)
        is_whole = !source->plan.items[i].keeps_old;
    return is_whole;
}

static bool is_read_anew(const pf_store_reading *a, const pf_store_reading *b)
{
    return a->follows_links != b->follows_links ||
           a->reads_as_owner != b->reads_as_owner ||
           a->refuses_burned_in != b->refuses_burned_in ||
           strcmp(a->frames, b->frames) != 0;
}

static bool put_source(applier *a, pf_err *err)
{
    /* Of no texts, also of none at all: the next run looks at each image. */
    static const pf_hash not_all = {{0xFF}};
    pf_source *source = a->source;
    pf_store_source row = {.path = source->path,
                           .kind = source->importer->name,
                           .tables = (const char *const *)source->tables,
                           .n_tables = source->n_tables,
                           .columns = source->columns,
                           .reading = source->reading};
    const bool is_done = !a->is_cut && (!source->texts_changed || is_whole(source));
    row.texts_hash = is_done ? source->found.texts_hash : not_all;
    a->is_noticeable |= source->id == 0 || source->has_new_table ||
                        is_read_anew(&source->reading, &source->was_read);
    return pf_store_put_source(a->store, &row, &source->id, err) &&
           pf_store_set_exclusions(a->store, source->id,
                                   (const char *const *)source->excluded,
                                   source->n_excluded, err);
}

static bool delete_gone(applier *a, pf_err *err)
{
    const pf_plan *plan = &a->source->plan;
    for (size_t i = 0; i < plan->n_gone; i++) {
        if (!pf_plan_removes(plan, &plan->gone[i]))
            continue;
        a->is_noticeable = true;
        if (!pf_store_delete_image(a->store, plan->gone[i].image_id, err))
            return false;
    }
    return true;
}

static bool put_facts(applier *a, pf_err *err)
{
    const pf_collection *found = &a->source->found;
    const int64_t id = a->source->id;
    bool ok = true;
    for (size_t i = 0; ok && i < found->n_facts; i++) {
        const pf_collected_facts *f = &found->facts[i];
        const pf_store_facts row = {f->path, f->size, f->mtime_ns, f->text};
        ok = f->text ? pf_store_put_facts(a->store, id, &row, err)
                     : pf_store_delete_facts(a->store, id, f->path, err);
    }
    return ok;
}

static bool apply_source(applier *a, pf_source *source, pf_err *err)
{
    const pf_plan *plan = &source->plan;
    a->is_noticeable |= source->is_spent;
    if (source->is_spent)
        return a->is_cut || pf_store_delete_source(a->store, source->id, err);
    a->source = source;
    a->case_ids = pf_alloc_array(source->found.n_cases, sizeof *a->case_ids, err);
    bool ok = a->case_ids && put_source(a, err) && put_facts(a, err) &&
              (a->is_cut || forget_failures(a, err)) && put_gaps(a, err) &&
              (a->is_cut || (put_stale(a, err) && delete_gone(a, err)));
    for (size_t i = 0; ok && i < plan->count; i++)
        ok = apply_item(a, &plan->items[i], err);
    pf_free(a->case_ids);
    a->case_ids = NULL;
    return ok;
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
    return absorb(a, sources, err) &&
           (!a->has_settlers || pf_store_settle_cases(a->store, err)) &&
           pf_store_delete_empty_cases(a->store, err) &&
           pf_store_use_model(a->store, a->model_id, err);
}

bool pf_apply(pf_catalog *catalog, pf_sources *sources, const pf_apply_options *options,
              bool *is_published, pf_err *err)
{
    applier a = {.store = pf_catalog_store(catalog),
                 .model_id = options->model_id,
                 .is_replacing = options->is_replacing,
                 .is_cut = options->is_cut};
    bool is_index_broken = false;
    *is_published = false;
    if (!pf_catalog_needs_publish(catalog, &is_index_broken, err) ||
        !pf_store_begin(a.store, err))
        return false;
    a.is_noticeable =
        a.is_replacing || is_index_broken || pf_catalog_generation(catalog) == 0;
    if (!apply_all(&a, sources, err)) {
        pf_store_rollback(a.store);
        return false;
    }
    *is_published = a.is_noticeable;
    if (a.is_noticeable)
        return pf_catalog_publish(catalog, err);
    if (!pf_store_sweep(a.store, err)) {
        pf_store_rollback(a.store);
        return false;
    }
    return pf_store_commit(a.store, err) && pf_catalog_tidy(catalog, err);
}
