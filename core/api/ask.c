/*
 * ask.c - from a request to an answer: which part of the engine does it, and what is
 * told of it. The questions themselves are answered in core/search and core/evaluate.
 */
#include <string.h>

#include "core/api/answer.h"
#include "core/api/gallery.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/evaluate/evaluate.h"
#include "core/model/pipeline.h"
#include "core/search/duplicates.h"
#include "core/search/facets.h"
#include "core/words/fields.h"

/* One request on its way. */
typedef struct {
    pf_reader *reader;
    const pf_request *request;
    pf_work work; /* all of it, whatever the caller knows */
    pf_answer *out;
} job;

static int threads_of(const job *j)
{
    return j->work.threads > 0 ? j->work.threads : pf_pipeline_cores();
}

/* For work that does not say what it is. */
typedef struct {
    const pf_work *work;
    const char *what;
} progress;

static void tell(void *context, size_t done, size_t total)
{
    const progress *p = context;
    if (p->work->progress)
        p->work->progress(p->work->context, p->what, done, total, 0);
}

/* ---- searching ---- */

/* Another order each time, unless it is said which; as large as JSON has numbers. */
static uint64_t seed_of(const job *j)
{
    const double now = pf_clock_seconds();
    return j->request->has_seed
               ? j->request->query.seed
               : pf_hash_seeded(&now, sizeof now, 0) & (PF_SEED_MAX - 1);
}

static bool search(job *j, pf_err *err)
{
    pf_query query = j->request->query;
    pf_answer_about *about = &j->out->about;
    about->sort = query.sort;
    if (query.sort == PF_SORT_DEFAULT)
        about->sort = query.n_parts > 0 ? PF_SORT_RELEVANCE : PF_SORT_DATE;
    if (query.sort == PF_SORT_RANDOM)
        about->seed = query.seed = seed_of(j);
    if (query.hides_paths) /* what file names say would show by what is found */
        query.in = (query.in ? query.in : PF_FIELDS_ALL) & ~(1u << PF_FIELD_NAME);
    return pf_search_run(j->reader, &query, &j->out->hits, err);
}

static bool list_values(job *j, pf_err *err)
{
    pf_query query = j->request->query;
    query.limit = j->request->has_limit ? query.limit : PF_LIMIT_MAX;
    return pf_search_count_values(j->reader, &query, j->request->values_key,
                                  &j->out->hits, err);
}

/* Of each label only the name is kept. */
static bool make_classifier(job *j, pf_classifier **out, pf_err *err)
{
    const pf_model *model;
    pf_labels labels = j->request->labels;
    if (!pf_reader_get_model(j->reader, PF_CLIP_TEXT, &model, err) ||
        !pf_classifier_new(out, &labels, model, err))
        return false;
    j->out->about.n_truncated = pf_classifier_truncated(*out);
    return pf_answer_take_labels(j->out, &labels, err);
}

static bool classify_each_hit(job *j, const pf_classifier *c, pf_err *err)
{
    pf_answer *a = j->out;
    const size_t n = a->n_labels;
    pf_label_score *scores = pf_alloc_array(n, sizeof *scores, err);
    a->labels = pf_alloc_array(a->hits.n_hits, n * sizeof *a->labels, err);
    bool ok = scores && a->labels;
    for (size_t i = 0; ok && i < a->hits.n_hits; i++) {
        ok = pf_classify_image(c, j->reader, a->hits.hits[i].id, scores, err);
        if (ok)
            pf_answer_name_labels(a, scores, a->labels + i * n);
    }
    pf_free(scores);
    return ok;
}

static bool classify_hits(job *j, pf_err *err)
{
    pf_classifier *c = NULL;
    const bool ok = pf_reader_check_catalog(j->reader, err) &&
                    make_classifier(j, &c, err) && search(j, err) &&
                    classify_each_hit(j, c, err);
    pf_classifier_free(c);
    return ok;
}

static bool classify_pictures(job *j, pf_err *err)
{
    pf_classifier *c = NULL;
    pf_gallery g = {.answer = j->out, .work = &j->work, .threads = threads_of(j)};
    const bool ok = pf_gallery_list(&g, j->request, err) &&
                    make_classifier(j, &c, err) &&
                    pf_gallery_classify(&g, j->reader, c, err);
    pf_gallery_reset(&g);
    pf_classifier_free(c);
    return ok;
}

static bool rank_phrases(job *j, pf_err *err)
{
    progress p = {&j->work, "reading phrases"};
    const pf_phrases_work work = {.threads = threads_of(j),
                                  .stop = pf_stop_flag(j->work.stop),
                                  .progress = tell,
                                  .context = &p};
    pf_query query = j->request->query;
    query.limit += query.offset;
    if (!pf_phrases_rank(&j->out->hits, &j->request->phrases, &query, j->reader, &work,
                         &j->out->about.n_truncated, err))
        return false;
    pf_hits_drop_first(&j->out->hits, query.offset);
    return true;
}

/* ---- the rest ---- */

static bool get_tokens(job *j, pf_embedder *e, const pf_part *part, pf_err *err)
{
    const pf_model *model = pf_embedder_model(e);
    const size_t context = (size_t)pf_clip_dims(pf_model_clip(model))->context;
    j->out->tokens = pf_alloc_array(context, sizeof *j->out->tokens, err);
    return j->out->tokens &&
           pf_embed_token_ids(e, part->text, j->out->tokens, &j->out->n_tokens,
                              &j->out->about.is_truncated, err);
}

static bool embed(job *j, pf_err *err)
{
    const pf_part *part = j->request->parts;
    pf_answer *a = j->out;
    pf_embedder *e;
    pf_sandbox *sandbox;
    if (!pf_reader_get_embedder(j->reader, pf_part_tower(part), &e, err) ||
        !pf_reader_get_sandbox(j->reader, &sandbox, err))
        return false;
    a->dim = pf_reader_dim(j->reader);
    a->vector = pf_alloc_floats(a->dim, err);
    return a->vector &&
           pf_part_embed(part, e, sandbox, a->vector, &a->about.is_truncated, err) &&
           (part->kind != PF_PART_PHRASE || get_tokens(j, e, part, err));
}

static bool take_groups(pf_answer *a, pf_duplicates *found, pf_err *err)
{
    a->groups = pf_alloc_array(found->n_groups, sizeof *a->groups, err);
    for (size_t i = 0; a->groups && i < found->n_groups; i++) {
        const pf_duplicates_group *g = &found->groups[i];
        a->groups[i] = (pf_group){sizeof *a->groups, g->first, g->n, g->lowest};
    }
    if (!a->groups)
        return false;
    a->about.n_groups = found->n_groups;
    a->about.n_found = found->n_found;
    a->about.n_compared = found->n_images;
    a->hits = found->images;
    found->images = (pf_hits){0};
    return true;
}

static bool find_duplicates(job *j, pf_err *err)
{
    const pf_request *r = j->request;
    progress p = {&j->work, "comparing"};
    const pf_duplicates_query query = {
        .threshold = r->duplicates,
        .limit = r->has_limit ? r->query.limit : 0,
        .filters = r->query.filters,
        .n_filters = r->query.n_filters,
        .threads = threads_of(j),
        .stop = pf_stop_flag(j->work.stop),
        .progress = tell,
        .context = &p,
    };
    pf_duplicates found = {0};
    j->out->duplicates = r->duplicates;
    const bool ok = pf_duplicates_find(&found, j->reader, &query, err) &&
                    take_groups(j->out, &found, err);
    pf_duplicates_reset(&found);
    return ok;
}

static void tell_step(void *context, const char *what, size_t done, size_t total)
{
    const pf_work *work = context;
    if (work->progress)
        work->progress(work->context, what, done, total, 0);
}

static const pf_figures *take_figures(pf_figures *to, const pf_evaluated_way *from)
{
    if (!from->is_there)
        return NULL;
    *to = (pf_figures){.struct_size = sizeof *to,
                       .questions = from->metrics.n,
                       .seconds = from->seconds};
    memcpy(to->of, from->metrics.of, sizeof to->of);
    return to;
}

static void take_evaluation(pf_answer *a, const pf_evaluate_result *from)
{
    const pf_evaluated_way *ways = from->text_to_image;
    a->evaluation = (pf_evaluation){
        .struct_size = sizeof a->evaluation,
        .questions = from->questions,
        .skipped = from->skipped,
        .images = from->images,
        .resamples = from->resamples,
        .meaning = take_figures(&a->figures[0], &ways[PF_EVALUATED_MEANING]),
        .words = take_figures(&a->figures[1], &ways[PF_EVALUATED_WORDS]),
        .both = take_figures(&a->figures[2], &ways[PF_EVALUATED_BOTH]),
        .image_to_text = take_figures(&a->image_to_text, &from->image_to_text),
    };
    a->seed = from->seed;
    a->about.n_truncated = from->n_truncated;
}

static bool evaluate(job *j, pf_err *err)
{
    const pf_request *r = j->request;
    const pf_evaluate_options options = {.by = r->query.by,
                                         .queries = r->queries,
                                         .filters = r->query.filters,
                                         .n_filters = r->query.n_filters,
                                         .threads = threads_of(j),
                                         .seed = PF_METRICS_SEED,
                                         .stop = pf_stop_flag(j->work.stop),
                                         .progress = tell_step,
                                         .context = &j->work};
    pf_evaluate_result result = {0};
    pf_notes notes = {0};
    const bool ok = pf_evaluate(j->reader, &options, &result, &notes, err);
    pf_engine_tell(j->reader->engine, PF_NOTE_SKIPPED, &notes);
    if (ok)
        take_evaluation(j->out, &result);
    pf_evaluate_result_reset(&result);
    return ok;
}

/* ---- all of it ---- */

static bool do_job(job *j, pf_err *err)
{
    switch (j->out->about.job) {
    case PF_JOB_CLASSIFY_PICTURES:
        return classify_pictures(j, err);
    case PF_JOB_CLASSIFY_HITS:
        return classify_hits(j, err);
    case PF_JOB_PHRASES:
        return rank_phrases(j, err);
    case PF_JOB_EMBED:
        return embed(j, err);
    case PF_JOB_DUPLICATES:
        return find_duplicates(j, err);
    case PF_JOB_EVALUATE:
        return evaluate(j, err);
    case PF_JOB_VALUES:
        return list_values(j, err);
    case PF_JOB_SEARCH:
        break;
    }
    return search(j, err);
}

static bool hide_path(const char **path, int64_t id, pf_err *err)
{
    char *shown = pf_strf(err, "image %lld", (long long)id);
    if (!shown)
        return false;
    pf_free((char *)*path);
    *path = shown;
    return true;
}

/* Sources are paths. */
static void hide_sources(pf_unmet *unmet)
{
    if (unmet->values.key && strcmp(unmet->values.key, "source") == 0)
        pf_counts_reset(&unmet->values);
}

static bool hide_paths(pf_hits *hits, pf_err *err)
{
    bool ok = true;
    hide_sources(&hits->unmet);
    for (size_t i = 0; ok && i < hits->n_hits; i++) {
        const pf_hit *h = &hits->hits[i];
        pf_hit_image *images = (pf_hit_image *)h->images; /* const for all but us */
        ok = !h->path || hide_path(&hits->hits[i].path, h->image_id, err);
        for (size_t k = 0; ok && k < h->n_images; k++)
            ok = hide_path(&images[k].path, images[k].id, err);
    }
    return ok;
}

static bool is_list(const job *j)
{
    const pf_job what = j->out->about.job;
    return j->request->query.n_parts == 0 &&
           (what == PF_JOB_SEARCH || what == PF_JOB_CLASSIFY_HITS ||
            what == PF_JOB_VALUES);
}

/* What is told of every answer alike. */
static bool finish(job *j, double start, pf_err *err)
{
    pf_answer *a = j->out;
    const pf_request *r = j->request;
    a->offset = r->query.offset;
    a->about.struct_size = sizeof a->about;
    a->about.find = a->about.job == PF_JOB_DUPLICATES ? PF_FIND_IMAGES : r->query.find;
    a->about.by = a->hits.by;
    if (a->hits.by == PF_BY_DEFAULT && !is_list(j))
        a->about.by = PF_BY_MEANING;
    a->about.total = a->hits.total;
    a->about.total_of = a->hits.total_of;
    a->about.offset = r->query.offset;
    a->about.generation = pf_reader_generation(j->reader);
    a->about.is_truncated = a->about.is_truncated || a->hits.n_truncated > 0;
    a->about.no_image_passes = a->hits.no_image_passes;
    a->about.is_collapsed = r->query.collapses;
    a->about.chance = a->hits.chance;
    a->id = r->id ? pf_strdup(r->id, err) : NULL;
    a->query = pf_answer_query_json(a, r, err);
    a->about.took_ms = 1e3 * (pf_clock_seconds() - start);
    return a->query && (!r->id || a->id) &&
           (!r->query.hides_paths || hide_paths(&a->hits, err));
}

/* A caller that was built with an older header knows less of it. */
static bool read_work(pf_work *out, const pf_work *given, pf_err *err)
{
    const pf_work defaults = PF_WORK_INIT;
    *out = defaults;
    if (!given)
        return true;
    if (given->struct_size < sizeof given->struct_size ||
        given->struct_size > sizeof *out)
        return pf_fail(err, PF_ERR_MISUSE, "pf_work was not made by PF_WORK_INIT");
    memcpy(out, given, given->struct_size);
    return true;
}

static bool ask_once(pf_reader *reader, const pf_request *request, const pf_work *work,
                     pf_answer **out, pf_err *err)
{
    const double start = pf_clock_seconds();
    job j = {reader, request, *work, NULL};
    pf_answer *a = pf_zalloc(sizeof *a, err);
    *out = NULL;
    if (!a)
        return false;
    j.out = a;
    a->about.job = pf_request_job(request);
    const bool ok = do_job(&j, err) && finish(&j, start, err);
    pf_engine_tell_sandbox(reader->engine);
    if (!ok) {
        pf_answer_free(a);
        return false;
    }
    *out = a;
    return true;
}

/* An index may turn out to be damaged when a question needs more of it. Then it is
 * asked again, of the vectors in the database. */
bool pf_reader_ask(pf_reader *reader, const pf_request *request, const pf_work *given,
                   pf_answer **out, pf_err *err)
{
    pf_work work;
    *out = NULL;
    if (!read_work(&work, given, err) || !pf_request_check(request, err) ||
        !pf_reader_begin(reader, err))
        return false;
    for (int replaced = 0;; replaced++) {
        pf_err why = PF_ERR_INIT;
        bool any = false;
        if (ask_once(reader, request, &work, out, &why))
            return true;
        if (why.code == PF_ERR_FORMAT && replaced < PF_INDEX_KINDS &&
            !pf_reader_replace_damaged(reader, &why, &any, err))
            return false;
        if (!any)
            return pf_fail_as(err, &why);
    }
}
