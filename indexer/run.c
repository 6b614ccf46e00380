/* run.c - see run.h. */
#include "indexer/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/image/sandbox.h"
#include "core/model/pipeline.h"
#include "indexer/apply.h"
#include "indexer/archive.h"
#include "indexer/edits.h"
#include "indexer/losses.h"
#include "indexer/run_model.h"
#include "indexer/settle.h"
#include "indexer/sources.h"

static const double SLOW_SECONDS = 60; /* for one picture, until it is told of */

typedef struct {
    const pf_run_options *options;
    pf_run_report *report;
    pf_catalog *catalog; /* NULL in a dry run, and until a first run makes it */
    pf_store *store;     /* the catalog's; in a dry run its own, for reading */
    pf_run_model model;
    int64_t model_id; /* in the store */
    pf_sources sources;
    int64_t run_id;

    /* While embedding: what is to be embedded, and how far it is. */
    pf_plan_item **items;
    pf_picture_ref *pictures; /* of the items */
    const char **inputs;      /* or caption texts */
    size_t n_inputs, done, failed;
} run;

static void tell(run *r, const char *what, size_t done, size_t total)
{
    if (r->options->progress)
        r->options->progress(r->options->context, what, done, total, r->failed);
}

/* ---- planning ---- */

static void tell_reading(void *context, size_t done, size_t total)
{
    tell(context, "reading", done, total);
}

static pf_plan_options planning_of(run *r, const pf_source *source)
{
    return (pf_plan_options){
        .store = r->store,
        .source_id = source->id,
        .model_id = r->model_id,
        .seen_model = r->model.in_use,
        .verify_content = r->options->verify_content || r->model.is_replacing,
        .retry = r->options->retry,
        .settle_seconds = r->options->dry_run ? 0 : r->options->settle_seconds,
        .stop = r->options->stop,
        .progress = tell_reading,
        .context = r};
}

static bool plan_all(run *r, pf_err *err)
{
    for (size_t i = 0; i < r->sources.count; i++) {
        pf_source *source = &r->sources.at[i];
        const pf_plan_options o = planning_of(r, source);
        if (!pf_plan_make(&source->plan, &source->found, &o, err))
            return false;
    }
    if (!pf_settle(&r->sources, r->store, err))
        return false;
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!pf_edits_find(&r->sources.at[i], r->store, err))
            return false;
    }
    return pf_losses_judge(&r->sources, err);
}

/* ---- embedding pictures ---- */

static size_t count_pictures(const run *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->sources.count; i++)
        n += r->sources.at[i].plan.count;
    return n;
}

static bool needs_embedding(const pf_plan_item *item)
{
    return !item->failure && item->picture_id == 0 && item->twin == PF_PLAN_NO_TWIN;
}

static bool list_pictures(run *r, pf_err *err)
{
    size_t most = count_pictures(r);
    r->items = pf_alloc_array(most, sizeof(pf_plan_item *), err);
    r->pictures = pf_alloc_array(most, sizeof *r->pictures, err);
    if (!r->items || !r->pictures)
        return false;
    for (size_t i = 0; i < r->sources.count; i++) {
        pf_plan *plan = &r->sources.at[i].plan;
        for (size_t k = 0; k < plan->count; k++) {
            if (!needs_embedding(&plan->items[k]))
                continue;
            const pf_collected_image *image = plan->items[k].image;
            r->items[r->n_inputs] = &plan->items[k];
            r->pictures[r->n_inputs++] =
                (pf_picture_ref){.path = image->path,
                                 .frame = image->frame,
                                 .within = r->sources.at[i].found.within,
                                 .as_it_was = &plan->items[k].stamp};
        }
    }
    return true;
}

/* Of a file with several frames some may be fine: the reason says which one is not. */
static bool keep_failure(run *r, pf_plan_item *item, const pf_err *failure, pf_err *err)
{
    pf_err why = *failure;
    if (item->image->frame > 0)
        pf_fail_in(&why, "frame %d", item->image->frame);
    r->failed++;
    return pf_plan_fail(item, &why, err);
}

/* Nobody knows then whether it may show a name. */
static bool is_silent_dicom(const pf_embedded *e, const pf_plan_item *item, pf_err *why)
{
    return strcmp(e->format, "dicom") == 0 && !item->image->has_facts &&
           !pf_fail(why, PF_ERR_FORMAT,
                    "a DICOM file that does not say what it is: its header is damaged, "
                    "or its name should end in .dcm");
}

static bool keep_picture(run *r, const pf_embedded *e, pf_err *err)
{
    pf_plan_item *item = r->items[e->item];
    pf_err why = e->failure;
    item->content = e->content; /* it may have changed since it was planned */
    if (why.code != PF_OK || is_silent_dicom(e, item, &why))
        return keep_failure(r, item, &why, err);
    pf_store_picture row = {.model_id = r->model_id,
                            .content = e->content,
                            .frame = item->image->frame,
                            .width = e->width,
                            .height = e->height,
                            .format = e->format,
                            .vector = e->vector};
    r->report->embedded++;
    return pf_store_put_picture(r->store, &row, &item->picture_id, err) &&
           (!e->thumbnail ||
            pf_store_put_thumbnail(r->store, item->picture_id, e->thumbnail,
                                   e->thumbnail_size, err));
}

/* One commit per batch: what is lost by a kill is at most the batches under way. */
static bool keep_pictures(void *context, const pf_embedded *results, size_t n,
                          pf_err *err)
{
    run *r = context;
    bool ok = pf_store_begin(r->store, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = keep_picture(r, &results[i], err);
    if (!ok) {
        pf_store_rollback(r->store);
        return false;
    }
    if (!pf_store_commit(r->store, err))
        return false;
    r->done += n;
    tell(r, "embedding", r->done, r->n_inputs);
    return true;
}

/* Twins take what their first has come to. Those whose first failed (it may have gone
 * meanwhile, or have a name that misleads the decoder) or had other bytes by then are
 * on their own: how many. */
static size_t settle_twins(pf_plan *plan)
{
    size_t left = 0;
    for (size_t i = 0; i < plan->count; i++) {
        pf_plan_item *item = &plan->items[i];
        if (item->twin == PF_PLAN_NO_TWIN)
            continue;
        const pf_plan_item *first = &plan->items[item->twin];
        if (!first->failure && pf_hash_equal(&first->content, &item->content))
            item->picture_id = first->picture_id;
        else
            left++;
        item->twin = PF_PLAN_NO_TWIN;
    }
    return left;
}

static void forget_inputs(run *r)
{
    pf_free(r->items);
    pf_free(r->pictures);
    pf_free(r->inputs);
    r->items = NULL;
    r->pictures = NULL;
    r->inputs = NULL;
    r->n_inputs = r->done = 0;
}

static void tell_slow(void *context, const pf_picture_ref *picture)
{
    const run *r = context;
    char line[8192];
    snprintf(line, sizeof line, "'%s' takes more than a minute", picture->path);
    if (r->options->warning)
        r->options->warning(r->options->context, line);
}

static pf_pipeline pipeline_of(run *r)
{
    return (pf_pipeline){.model = r->model.model,
                         .makes_thumbnails = true,
                         .open = pf_archive_open_file,
                         .jobs = r->options->jobs,
                         .batch = r->options->batch,
                         .slow = tell_slow,
                         .context = r,
                         .patience = SLOW_SECONDS,
                         .stop = r->options->stop};
}

static bool embed_pictures(run *r, pf_err *err)
{
    pf_pipeline p = pipeline_of(r);
    double start = pf_clock_seconds();
    bool ok = true;
    for (size_t left = 1; ok && left > 0;) {
        ok = list_pictures(r, err) &&
             pf_pipeline_pictures(&p, r->pictures, r->n_inputs, keep_pictures, r, err);
        forget_inputs(r);
        left = 0;
        for (size_t i = 0; ok && i < r->sources.count; i++)
            left += settle_twins(&r->sources.at[i].plan);
    }
    r->report->embed_seconds += pf_clock_seconds() - start;
    return ok;
}

/* Files that somebody was writing to: once more, now that everything else is done. */
static bool retry_pictures(run *r, pf_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        pf_source *source = &r->sources.at[i];
        const pf_plan_options o = planning_of(r, source);
        size_t more;
        if (!pf_plan_retry(&source->plan, &source->found, &o, &more, err))
            return false;
        n += more;
    }
    return n == 0 || embed_pictures(r, err);
}

static bool embed_all_pictures(run *r, pf_err *err)
{
    const bool ok = embed_pictures(r, err) && retry_pictures(r, err);
    if (pf_sandbox_lack() && r->options->notice)
        r->options->notice(r->options->context, pf_sandbox_lack());
    return ok;
}

/* ---- embedding captions ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Add those of the captions that are not in the store. */
static bool list_captions(run *r, const pf_collection *found, pf_text_chain captions,
                          pf_err *err)
{
    for (uint32_t at = captions.first; at; at = found->texts[at].next) {
        const char *text = found->texts[at].value;
        int64_t id = 0;
        if (!pf_store_find_caption_text(r->store, r->model_id, text, &id, err))
            return false;
        if (id == 0)
            r->inputs[r->n_inputs++] = text;
    }
    return true;
}

/* Those of one source that have to be there; those of a case once. */
static bool list_source_texts(run *r, const pf_source *source, pf_err *err)
{
    const pf_collection *found = &source->found;
    bool *is_listed = pf_alloc_array(found->n_cases + 1, sizeof *is_listed, err);
    bool ok = is_listed != NULL;
    for (size_t i = 0; ok && i < source->plan.count; i++) {
        const pf_plan_item *item = &source->plan.items[i];
        const uint32_t in_case = item->image->in_case;
        if (!pf_apply_needs_texts(source, item, r->model.is_replacing))
            continue;
        ok = list_captions(r, found, item->image->captions, err);
        if (ok && in_case > 0 && !is_listed[in_case])
            ok = list_captions(r, found, found->cases[in_case - 1].captions, err);
        is_listed[in_case] = true;
    }
    pf_free(is_listed);
    return ok;
}

/* The texts to embed, each once, in r->inputs. */
static bool list_texts(run *r, pf_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < r->sources.count; i++)
        most += r->sources.at[i].found.n_captions;
    r->inputs = pf_alloc_array(most, sizeof(char *), err);
    if (!r->inputs)
        return false;
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!list_source_texts(r, &r->sources.at[i], err))
            return false;
    }
    qsort(r->inputs, r->n_inputs, sizeof *r->inputs, by_text);
    size_t unique = 0;
    for (size_t i = 0; i < r->n_inputs; i++) {
        if (i == 0 || strcmp(r->inputs[i], r->inputs[unique - 1]) != 0)
            r->inputs[unique++] = r->inputs[i];
    }
    r->n_inputs = unique;
    return true;
}

static bool keep_texts(void *context, const pf_embedded *results, size_t n, pf_err *err)
{
    run *r = context;
    bool ok = pf_store_begin(r->store, err);
    for (size_t i = 0; ok && i < n; i++) {
        int64_t id;
        ok =
            pf_store_put_caption_text(r->store, r->model_id, r->inputs[results[i].item],
                                      results[i].vector, &id, err) &&
            (!results[i].is_truncated || pf_store_mark_cut(r->store, id, err));
    }
    if (!ok) {
        pf_store_rollback(r->store);
        return false;
    }
    if (!pf_store_commit(r->store, err))
        return false;
    r->done += n;
    tell(r, "captions", r->done, r->n_inputs);
    return true;
}

static bool embed_texts(run *r, pf_err *err)
{
    pf_pipeline p = pipeline_of(r);
    bool ok = list_texts(r, err) &&
              pf_pipeline_texts(&p, r->inputs, r->n_inputs, keep_texts, r, err);
    forget_inputs(r);
    return ok;
}

/* ---- the report ---- */

static bool report_failure(pf_run_report *report, const char *path, const char *reason,
                           pf_err *err)
{
    if (!pf_grow_array(&report->failures, &report->failures_room, report->n_failures,
                       sizeof *report->failures, err))
        return false;
    pf_run_failure f = {pf_strdup(path, err), pf_strdup(reason, err)};
    report->failures[report->n_failures++] = f;
    report->failed++;
    return f.path && f.reason;
}

/* What nobody would take for a picture. */
static bool is_text(const char *kind)
{
    static const char *const texts[] = {"",    "txt", "csv",  "tsv", "json", "jsonl",
                                        "xml", "md",  "html", "htm", "log",  "ini"};
    size_t i = 0;
    while (i < sizeof texts / sizeof *texts && strcmp(kind, texts[i]) != 0)
        i++;
    return i < sizeof texts / sizeof *texts;
}

static void count_others(pf_run_report *report, const pf_collection *found)
{
    for (size_t i = 0; i < found->n_others; i++) {
        const pf_scan_kind *kind = &found->others[i];
        size_t k = 0;
        while (k < report->n_others && strcmp(report->others[k].name, kind->name) != 0)
            k++;
        if (is_text(kind->name))
            continue;
        if (k < report->n_others)
            report->others[k].count += kind->count;
        else if (k < PF_SCAN_KINDS_MAX)
            report->others[report->n_others++] = *kind;
    }
}

static int by_count(const void *a, const void *b)
{
    const pf_scan_kind *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : strcmp(x->name, y->name);
}

static bool count_source(const run *r, const pf_source *source, pf_err *err)
{
    pf_run_report *report = r->report;
    size_t *const counter[] = {[PF_PLAN_UNCHANGED] = &report->unchanged,
                               [PF_PLAN_TOUCHED] = &report->unchanged,
                               [PF_PLAN_NEW] = &report->added,
                               [PF_PLAN_CHANGED] = &report->updated,
                               [PF_PLAN_MOVED] = &report->moved};
    for (size_t i = 0; i < source->plan.count; i++) {
        const pf_plan_item *item = &source->plan.items[i];
        if (item->is_others)
            continue;
        /* A replaced model gives every picture another vector. */
        bool is_anew = (r->model.is_replacing || item->has_new_texts) &&
                       item->image_id != 0 && item->kind != PF_PLAN_MOVED;
        if (!item->failure)
            ++*counter[is_anew ? PF_PLAN_CHANGED : item->kind];
        else if (!report_failure(report, item->image->path, item->failure, err))
            return false;
    }
    size_t n_removed = 0;
    for (size_t i = 0; i < source->plan.n_gone; i++)
        n_removed += pf_plan_removes(&source->plan, &source->plan.gone[i]);
    const size_t n_doubted = pf_plan_count_gone(&source->plan) - n_removed;
    report->removed += n_removed;
    report->kept += n_doubted;
    report->unchanged += source->plan.n_kept + n_doubted;
    if (source->plan.doubt &&
        !report_failure(report, source->path, source->plan.doubt, err))
        return false;
    report->links_out += source->found.n_links_out;
    report->burned_in += source->found.n_burned_in;
    count_others(report, &source->found);
    for (size_t i = 0; i < source->found.n_gaps; i++) {
        const pf_collected_gap *gap = &source->found.gaps[i];
        if (gap->reason[0] != '\0' &&
            !report_failure(report, gap->path, gap->reason, err))
            return false;
    }
    return true;
}

static bool report_stale(pf_run_report *report, const pf_stale_row *row, pf_err *err)
{
    if (!pf_grow_array(&report->stale, &report->stale_room, report->n_stale,
                       sizeof *report->stale, err))
        return false;
    const pf_run_stale_row s = {.table = pf_strdup(row->table, err),
                                .name = pf_strdup(row->name, err),
                                .line = row->line,
                                .is_ambiguous = row->is_ambiguous};
    report->stale[report->n_stale++] = s;
    return s.table && s.name;
}

static bool report_rowless(pf_run_report *report, const char *path, pf_err *err)
{
    if (!pf_grow_array(&report->rowless, &report->rowless_room, report->n_rowless,
                       sizeof *report->rowless, err))
        return false;
    char *copy = pf_strdup(path, err);
    report->rowless[report->n_rowless++] = copy;
    return copy != NULL;
}

/* Where tables and pictures do not fit each other. */
static bool report_tables(pf_run_report *report, const pf_collection *found,
                          pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < found->n_stale; i++)
        ok = report_stale(report, &found->stale[i], err);
    for (size_t i = 0; ok && i < found->n_images; i++) {
        if (pf_collected_lacks_row(&found->images[i]))
            ok = report_rowless(report, found->images[i].path, err);
    }
    return ok;
}

static bool count_all(run *r, pf_err *err)
{
    for (size_t i = 0; i < r->sources.count; i++) {
        if (!count_source(r, &r->sources.at[i], err) ||
            !report_tables(r->report, &r->sources.at[i].found, err))
            return false;
    }
    pf_store_counts n;
    qsort(r->report->others, r->report->n_others, sizeof *r->report->others, by_count);
    if (!r->store)
        return true;
    if (!pf_store_count(r->store, &n, err))
        return false;
    r->report->images = n.images;
    r->report->captions = n.captions;
    r->report->captions_long = pf_store_cut_texts(r->store);
    r->report->cases = n.cases;
    r->report->captions_cut = n.cut_captions;
    r->report->bare_images = n.bare_images;
    return true;
}

void pf_run_report_reset(pf_run_report *report)
{
    for (size_t i = 0; i < report->n_failures; i++) {
        pf_free(report->failures[i].path);
        pf_free(report->failures[i].reason);
    }
    pf_free(report->failures);
    for (size_t i = 0; i < report->n_stale; i++) {
        pf_free(report->stale[i].table);
        pf_free(report->stale[i].name);
    }
    pf_free(report->stale);
    for (size_t i = 0; i < report->n_rowless; i++)
        pf_free(report->rowless[i]);
    pf_free(report->rowless);
    for (size_t i = 0; i < report->n_notices; i++)
        pf_free(report->notices[i]);
    pf_free(report->notices);
    *report = (pf_run_report){0};
}

/* ---- the catalog ---- */

static bool catalog_exists(const char *folder, bool *exists, pf_err *err)
{
    char *db = pf_path_join(folder, "catalog.db", err);
    if (!db)
        return false;
    *exists = !pf_path_is_gone(db); /* also when it may not be looked at */
    pf_free(db);
    return true;
}

static void tell_of_remote(const run *r)
{
    char text[400];
    const char *kind = pf_store_remote_kind(r->store);
    if (!kind || !r->options->notice)
        return;
    snprintf(text, sizeof text,
             "the catalog lies on a network file system (%s), where searches and the "
             "indexer wait for each other: a local disk is better",
             kind);
    r->options->notice(r->options->context, text);
}

static void tell_of_upgrade(const run *r)
{
    char text[200];
    const int from = pf_store_upgraded_from(r->store);
    if (from == 0 || !r->options->notice)
        return;
    snprintf(
        text, sizeof text,
        "the catalog had format %d and was brought up to date; catalog.format%d.db "
        "in it is what it was, and can be removed",
        from, from);
    r->options->notice(r->options->context, text);
}

static bool open_catalog(run *r, pf_err *err)
{
    pf_catalog_writer_options o = {.wait_seconds = r->options->wait_seconds,
                                   .stop = r->options->stop};
    if (!pf_catalog_open_writer(&r->catalog, r->options->catalog, &o, err))
        return false;
    r->store = pf_catalog_store(r->catalog);
    tell_of_remote(r);
    tell_of_upgrade(r);
    return (r->options->share == PF_SHARE_AS_IT_IS ||
            pf_catalog_share(r->catalog, r->options->share == PF_SHARE_GROUP, err)) &&
           (!r->options->index ||
            pf_catalog_choose_index(r->catalog, r->options->index, err));
}

/* A dry run reads, beside whoever writes, and changes nothing. */
static bool open_to_look(run *r, pf_err *err)
{
    char *path = pf_path_join(r->options->catalog, "catalog.db", err);
    bool ok = path && pf_store_open(&r->store, path, PF_STORE_READ, err) &&
              pf_store_begin_read(r->store, err);
    pf_free(path);
    return ok;
}

/* The folder was looked at before there was a catalog, and another indexer may have
 * made one since: everything that was found out would be wrong. */
static bool make_catalog(run *r, pf_err *err)
{
    pf_store_model model = {0};
    if (!open_catalog(r, err) || !pf_store_find_model(r->store, &model, err))
        return false;
    bool is_new = model.id == 0;
    pf_store_model_reset(&model);
    return is_new || pf_fail(err, PF_ERR_BUSY,
                             "another indexer has just made catalog '%s'; try again",
                             r->options->catalog);
}

static void close_catalog(run *r)
{
    if (r->store && !r->catalog) {
        pf_store_end_read(r->store);
        pf_store_close(r->store);
    }
    pf_catalog_close(r->catalog);
}

/* The model's row and the run's own, before anything is embedded. */
static bool start_diary(run *r, pf_err *err)
{
    pf_store *s = r->store;
    bool ok = pf_store_begin(s, err);
    if (ok && r->model.is_new_to_store)
        ok = pf_store_put_model(s, &r->model.row, &r->model_id, err);
    ok = ok && pf_store_start_run(s, &r->run_id, err);
    if (!ok) {
        pf_store_rollback(s);
        return false;
    }
    return pf_store_commit(s, err);
}

/* A run that could not even note its end is found as interrupted later. */
static bool finish_diary(run *r, const char *state, pf_err *err)
{
    const pf_run_report *c = r->report;
    pf_store_run row = {.id = r->run_id,
                        .added = (int64_t)c->added,
                        .updated = (int64_t)c->updated,
                        .moved = (int64_t)c->moved,
                        .removed = (int64_t)c->removed,
                        .unchanged = (int64_t)c->unchanged,
                        .failed = (int64_t)c->failed};
    memcpy(row.state, state, strlen(state) + 1);
    if (!pf_store_begin(r->store, err))
        return false;
    const bool ok =
        pf_store_finish_run(r->store, &row, err) && pf_store_commit(r->store, err);
    if (!ok)
        pf_store_rollback(r->store);
    return ok;
}

/* ---- the run ---- */

static bool tell_note(run *r, const char *text, pf_err *err)
{
    pf_run_report *report = r->report;
    if (r->options->notice)
        r->options->notice(r->options->context, text);
    if (!pf_grow_array(&report->notices, &report->notices_room, report->n_notices,
                       sizeof *report->notices, err) ||
        !(report->notices[report->n_notices] = pf_strdup(text, err)))
        return false;
    report->n_notices++;
    return true;
}

static bool tell_notes(run *r, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < r->sources.count; i++) {
        const pf_source *source = &r->sources.at[i];
        const bool are_news = source->texts_changed || source->tables_are_given;
        for (size_t k = 0; ok && k < source->found.n_notes; k++) {
            const pf_collected_note *note = &source->found.notes[k];
            ok = (note->is_of_texts && !are_news) || tell_note(r, note->text, err);
        }
    }
    return ok;
}

static bool refuse_rowless(const pf_collection *found, pf_err *err)
{
    const char *first = NULL;
    size_t n = 0;
    for (size_t i = found->n_images; i-- > 0;) {
        if (!pf_collected_lacks_row(&found->images[i]))
            continue;
        first = found->images[i].path;
        n++;
    }
    return n == 0 || pf_fail(err, PF_ERR_NOT_FOUND,
                             "--strict: no row of a captions file is about '%s' (%zu "
                             "such pictures)",
                             first, n);
}

/* With --strict tables and pictures have to fit. */
static bool check_tables(const run *r, pf_err *err)
{
    for (size_t i = 0; i < r->sources.count; i++) {
        const pf_collection *found = &r->sources.at[i].found;
        if (found->n_stale > 0)
            return pf_fail(
                err, PF_ERR_NOT_FOUND,
                "--strict: captions file '%s': line %zu: there is no picture "
                "'%s' under '%s' (%zu such rows); correct the line or remove "
                "it",
                found->stale[0].table, found->stale[0].line, found->stale[0].name,
                r->sources.at[i].path, found->n_stale);
        if (!refuse_rowless(found, err))
            return false;
    }
    return true;
}

/* What the user says is about the sources named, or all when none is. */
static void set_ways(pf_source *source, const pf_run_options *o)
{
    pf_store_reading *how = &source->reading;
    how->follows_links |= o->follow_links;
    how->reads_as_owner |= o->as_owner;
    if (o->n_paths > 0 && !source->is_given)
        return;
    source->allows_removals = o->allow_removals;
    if (o->burned_in != PF_BURNED_IN_AS_IT_IS)
        how->refuses_burned_in = o->burned_in == PF_BURNED_IN_REFUSED;
    if (o->frames)
        snprintf(how->frames, sizeof how->frames, "%s", o->frames);
}

/* Everything that can be refused without touching the catalog. */
static bool prepare(run *r, pf_notes *notes, pf_err *err)
{
    const pf_run_options *o = r->options;
    bool exists = false;
    if (!catalog_exists(o->catalog, &exists, err))
        return false;
    if (!exists && o->n_paths == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "there is no catalog '%s' yet: name a folder of pictures, and "
                       "--model, to make it",
                       o->catalog);
    if (exists && !(o->dry_run ? open_to_look(r, err) : open_catalog(r, err)))
        return false;
    const pf_sources_given given = {.paths = o->paths,
                                    .n_paths = o->n_paths,
                                    .tables = o->captions,
                                    .n_tables = o->n_captions,
                                    .columns = o->columns};
    if (!pf_sources_choose(&r->sources, r->store, &given, o->rebuild, err))
        return false;
    for (size_t i = 0; i < r->sources.count; i++)
        set_ways(&r->sources.at[i], o);
    if (!pf_sources_exclude(&r->sources, r->store, o->excluded, o->n_excluded,
                            o->n_paths == 0, err))
        return false;
    if (!pf_run_model_open(&r->model, o, r->store, notes, err))
        return false;
    r->model_id = r->model.is_replacing ? 0 : r->model.in_use;
    const char *notice = pf_model_notice(r->model.model);
    if (notice && o->notice)
        o->notice(o->context, notice);
    char *real = realpath(o->catalog, NULL);
    bool ok =
        pf_sources_read(&r->sources, r->store, real, o->verify_content, o->stop, err);
    free(real);
    return ok && tell_notes(r, err) && (!o->strict || check_tables(r, err));
}

/* Every image that stays needs a vector of the new model, also those in what cannot be
 * read: better to say so now than to lose them. */
static bool check_replaceable(const run *r, pf_err *err)
{
    for (size_t i = 0; r->model.is_replacing && i < r->sources.count; i++) {
        const pf_source *source = &r->sources.at[i];
        if (pf_collection_misses_texts(&source->found))
            return pf_fail(err, PF_ERR_IO,
                           "--rebuild has to read every text, and '%s' "
                           "cannot be read: %s",
                           source->found.gaps[0].path, source->found.gaps[0].reason);
        if (source->plan.n_kept > 0)
            return pf_fail(err, PF_ERR_IO,
                           "--rebuild has to read every picture, and %zu lie in '%s': "
                           "%s",
                           source->plan.n_kept, source->found.gaps[0].path,
                           source->found.gaps[0].reason);
        if (source->plan.doubt)
            return pf_fail(err, PF_ERR_IO,
                           "--rebuild has to read every picture, and in '%s' %s",
                           source->path, source->plan.doubt);
    }
    return true;
}

static bool apply(run *r, bool is_cut, pf_err *err)
{
    const pf_apply_options o = {.model_id = r->model_id,
                                .is_replacing = r->model.is_replacing,
                                .is_cut = is_cut};
    return pf_apply(r->catalog, &r->sources, &o, &r->report->is_published, err);
}

/* Of what was not embedded when the run was interrupted. */
static void leave_the_rest(run *r)
{
    for (size_t i = 0; i < r->sources.count; i++) {
        pf_plan *plan = &r->sources.at[i].plan;
        settle_twins(plan);
        for (size_t k = 0; k < plan->count; k++)
            plan->items[k].is_left = needs_embedding(&plan->items[k]);
    }
}

/* A first run of ten hours that is interrupted shows what it has. A model that is
 * replaced has to be so in all images at once. */
static bool publish_part(run *r, pf_err *err)
{
    const pf_err interrupted = *err;
    if (err->code != PF_ERR_INTERRUPTED || r->model.is_replacing ||
        r->report->embedded == 0)
        return false;
    *err = (pf_err)PF_ERR_INIT;
    leave_the_rest(r);
    return apply(r, true, err) && pf_fail_as(err, &interrupted);
}

static bool embed_and_apply(run *r, pf_err *err)
{
    if (!start_diary(r, err) || !plan_all(r, err) || !check_replaceable(r, err))
        return false;
    if (!embed_all_pictures(r, err))
        return publish_part(r, err);
    if (!pf_losses_judge(&r->sources, err) || !check_replaceable(r, err))
        return false;
    if (!embed_texts(r, err))
        return publish_part(r, err);
    return apply(r, false, err) && count_all(r, err);
}

static bool run_all(run *r, pf_notes *notes, pf_err *err)
{
    if (!prepare(r, notes, err))
        return false;
    if (r->options->dry_run)
        return plan_all(r, err) && check_replaceable(r, err) && count_all(r, err);
    if (!r->catalog && !make_catalog(r, err))
        return false;
    if (!embed_and_apply(r, err)) {
        pf_err ignored = PF_ERR_INIT;
        if (r->run_id)
            (void)!finish_diary(
                r, err->code == PF_ERR_INTERRUPTED ? "interrupted" : "failed",
                &ignored);
        return false;
    }
    /* What is in the log is safe; a disk that does not take it has to be told of. */
    return finish_diary(r, "done", err) && pf_store_checkpoint(r->store, err);
}

bool pf_run(const pf_run_options *options, pf_run_report *report, pf_notes *notes,
            pf_err *err)
{
    double start = pf_clock_seconds();
    run r = {.options = options, .report = report};
    *report = (pf_run_report){0};
    bool ok = run_all(&r, notes, err);
    report->seconds = pf_clock_seconds() - start;
    pf_sources_reset(&r.sources);
    pf_run_model_close(&r.model);
    close_catalog(&r);
    return ok;
}
