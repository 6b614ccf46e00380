/*
 * evaluate.c - see evaluate.h: which questions, in which order of work, and what comes
 * of it. judged.c has the questions, cosines.c and fusion.c the rankings, metrics.c the
 * figures.
 */
#include "core/evaluate/evaluate.h"

#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/search/combine.h"
#include "core/evaluate/cosines.h"
#include "core/search/fusion.h"
#include "core/evaluate/judged.h"
#include "core/search/scope.h"
#include "core/base/team.h"

enum {
    THREADS_MAX = 256,
    AT_ONCE = 64, /* questions of one look at an index: FAISS multiplies matrices */
};

typedef struct {
    pf_reader *r;
    const pf_vindex *images_index, *captions_index;
    const pf_words *words; /* NULL until they are needed */
    const pf_evaluate_options *o;
    pf_evaluate_result *out;
    pf_notes *notes;
    size_t threads;
    pf_id_set captions;          /* of these, with filters and by words or both */
    pf_id_set images;            /* that take part */
    pf_judged_list judged;       /* the texts that ask */
    const float **image_vectors; /* [images.n], borrowed from the index */
    const float **text_vectors;  /* [judged.n], of the index or `own` */
    float *own;                  /* [judged.n, dim] of phrases, or NULL */
    pf_words_many *many;         /* NULL until words are needed */
} evaluation;

static size_t count_threads(int asked)
{
    const long cores = asked > 0 ? asked : sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
}

static void tell(const evaluation *e, const char *what, size_t done, size_t total)
{
    if (e->o->progress)
        e->o->progress(e->o->context, what, done, total);
}

static bool is_stopped(const evaluation *e, pf_err *err)
{
    if (!e->o->stop || atomic_load(e->o->stop) == 0)
        return false;
    pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
    return true;
}

/* ---- who asks, and for what ------------------------------------------------------ */

static bool has_captions(const evaluation *e)
{
    return pf_vindex_count(e->captions_index) > 0;
}

static bool wants(const evaluation *e, pf_by by)
{
    if (e->o->by == PF_BY_DEFAULT)
        return by == PF_BY_MEANING || has_captions(e);
    return e->o->by == by;
}

static bool get_indexes(evaluation *e, pf_err *err)
{
    return pf_reader_check_catalog(e->r, err) &&
           pf_reader_get_index(e->r, PF_INDEX_IMAGES, &e->images_index, err) &&
           pf_reader_get_index(e->r, PF_INDEX_CAPTIONS, &e->captions_index, err);
}

static bool check(const evaluation *e, pf_err *err)
{
    if (e->o->n_filters > PF_FILTERS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu filters, the most is %d",
                       e->o->n_filters, PF_FILTERS_MAX);
    if (has_captions(e))
        return true;
    if (!e->o->queries)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "catalog '%s' has no captions to ask with: give questions of "
                       "your own",
                       pf_reader_folder(e->r));
    return !(e->o->by == PF_BY_WORDS || e->o->by == PF_BY_BOTH) ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' has no captions in which words could be found",
                   pf_reader_folder(e->r));
}

static bool find_images(evaluation *e, pf_err *err)
{
    return pf_scope_images(&e->images, pf_reader_store(e->r), e->o->filters,
                           e->o->n_filters, err) &&
           (e->images.n > 0 ||
            pf_fail(err, PF_ERR_NOT_FOUND,
                    e->o->n_filters > 0 ? "no image matches the filter"
                                        : "there are no images in the catalog"));
}

static bool find_questions(evaluation *e, pf_err *err)
{
    pf_store *store = pf_reader_store(e->r);
    if (!(e->o->queries ? pf_judged_read(&e->judged, store, &e->images, e->o->queries,
                                         e->o->stop, e->notes, err)
                        : pf_judged_captions(&e->judged, store, &e->images, err)))
        return false;
    e->out->questions = e->judged.n;
    e->out->skipped = e->judged.skipped;
    e->out->images = e->images.n;
    if (e->judged.n > 0)
        return true;
    return e->o->queries
               ? pf_fail(err, PF_ERR_NOT_FOUND,
                         "there is no question in '%s' that an image answers",
                         e->o->queries)
               : pf_fail(err, PF_ERR_NOT_FOUND,
                         "none of the images that match the filter has a caption");
}

/* ---- vectors --------------------------------------------------------------------- */

static bool no_vector(const char *what, int64_t id, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "%s %lld has no vector in the index", what,
                   (long long)id);
}

static bool find_image_vectors(evaluation *e, pf_err *err)
{
    const pf_vindex *index = e->images_index;
    e->image_vectors = pf_alloc_array(e->images.n, sizeof *e->image_vectors, err);
    if (!e->image_vectors)
        return false;
    for (size_t i = 0; i < e->images.n; i++) {
        if (!pf_vindex_get(index, e->images.ids[i], &e->image_vectors[i], err))
            return false;
        if (!e->image_vectors[i])
            return no_vector("image", e->images.ids[i], err);
    }
    return true;
}

static bool embed_phrase(evaluation *e, size_t i, size_t dim, pf_err *err)
{
    const pf_part part = {
        .kind = PF_PART_PHRASE, .text = e->judged.at[i].text, .weight = 1};
    pf_combined c = {0};
    pf_query q;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    if (!pf_combine(&c, e->r, &q, err))
        return false;
    memcpy(e->own + i * dim, c.vector, dim * sizeof *e->own);
    e->text_vectors[i] = e->own + i * dim;
    e->out->n_truncated += c.n_truncated;
    pf_combined_reset(&c);
    return true;
}

static bool embed_phrases(evaluation *e, pf_err *err)
{
    const size_t dim = (size_t)pf_vindex_dim(e->images_index);
    e->own = pf_alloc_array(e->judged.n, dim * sizeof *e->own, err);
    bool ok = e->own != NULL;
    for (size_t i = 0; ok && i < e->judged.n; i++) {
        tell(e, "embedding phrases", i, e->judged.n);
        ok = !is_stopped(e, err) && embed_phrase(e, i, dim, err);
    }
    return ok;
}

/* Captions with the same text have the same vector. */
static bool find_text_vectors(evaluation *e, pf_err *err)
{
    e->text_vectors = pf_alloc_array(e->judged.n, sizeof *e->text_vectors, err);
    if (!e->text_vectors)
        return false;
    if (e->o->queries)
        return (!wants(e, PF_BY_MEANING) && !wants(e, PF_BY_BOTH)) ||
               embed_phrases(e, err);
    for (size_t i = 0; i < e->judged.n; i++) {
        const int64_t id = e->judged.at[i].captions.ids[0];
        if (!pf_vindex_get(e->captions_index, id, &e->text_vectors[i], err))
            return false;
        if (!e->text_vectors[i])
            return no_vector("caption", id, err);
    }
    return true;
}

/* ---- by meaning ------------------------------------------------------------------ */

static bool finish(evaluation *e, pf_evaluated_way *out, size_t *ranks, size_t n,
                   double start, pf_err *err)
{
    out->is_there = true;
    out->ranks = ranks;
    const bool ok = pf_metrics_compute(&out->metrics, ranks, n, e->out->resamples,
                                       e->out->seed, err);
    out->seconds = pf_clock_seconds() - start;
    return ok;
}

/* Images that ask close ranks. */
static size_t keep_asking(size_t *ranks, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (ranks[i] > 0)
            ranks[kept++] = ranks[i];
    }
    return kept;
}

static bool rank_by_meaning(evaluation *e, pf_err *err)
{
    const double start = pf_clock_seconds();
    const bool has_images = !e->o->queries;
    pf_cosines c = {
        .dim = (size_t)pf_vindex_dim(e->images_index),
        .texts = e->judged.at,
        .text_vectors = e->text_vectors,
        .n_texts = e->judged.n,
        .images = &e->images,
        .image_vectors = e->image_vectors,
    };
    const pf_team how = {.stop = e->o->stop,
                         .progress = e->o->progress,
                         .context = e->o->context,
                         .what = "ranking by meaning"};
    c.text_ranks = pf_alloc_array(e->judged.n, sizeof *c.text_ranks, err);
    if (has_images)
        c.image_ranks = pf_alloc_array(e->images.n, sizeof *c.image_ranks, err);
    if (!c.text_ranks || (has_images && !c.image_ranks) ||
        !pf_cosines_rank(&c, e->threads, &how, err)) {
        pf_free(c.text_ranks);
        pf_free(c.image_ranks);
        return false;
    }
    const size_t n_asking = has_images ? keep_asking(c.image_ranks, e->images.n) : 0;
    /* both hand their ranks over, even on failure */
    const bool ok = finish(e, &e->out->text_to_image[PF_EVALUATED_MEANING],
                           c.text_ranks, e->judged.n, start, err);
    return !has_images ? ok
                       : finish(e, &e->out->image_to_text, c.image_ranks, n_asking,
                                start, err) &&
                             ok;
}

/* ---- by words, and both ---------------------------------------------------------- */

/* What lies near each of a few questions. */
typedef struct {
    size_t k;       /* of each: PF_FUSION_DEPTH, or all there are */
    float *queries; /* [AT_ONCE, dim] */
    int64_t *ids;   /* [AT_ONCE, k] */
    float *scores;  /* [AT_ONCE, k] */
    size_t *counts; /* [AT_ONCE] */
} near_many;

typedef struct {
    const evaluation *e;
    pf_reader *own; /* NULL: the caller's is used */
    pf_store *store;
    bool has_meaning;
    near_many images, captions; /* all zero without meaning */
    size_t *ranks;
} asker;

static const pf_id_set *only_images(const evaluation *e)
{
    return e->o->n_filters > 0 ? &e->images : NULL;
}

static const pf_id_set *only_captions(const evaluation *e)
{
    return e->o->n_filters > 0 ? &e->captions : NULL;
}

static bool make_near(near_many *m, const pf_vindex *index, const pf_id_set *only,
                      pf_err *err)
{
    const size_t count = only ? only->n : pf_vindex_count(index);
    m->k = count < PF_FUSION_DEPTH ? count : PF_FUSION_DEPTH;
    return (m->queries =
                pf_alloc_floats(AT_ONCE * (size_t)pf_vindex_dim(index), err)) &&
           (m->ids = pf_alloc_array(AT_ONCE * m->k, sizeof *m->ids, err)) &&
           (m->scores = pf_alloc_array(AT_ONCE * m->k, sizeof *m->scores, err)) &&
           (m->counts = pf_alloc_array(AT_ONCE, sizeof *m->counts, err));
}

static void free_near(near_many *m)
{
    pf_free(m->queries);
    pf_free(m->ids);
    pf_free(m->scores);
    pf_free(m->counts);
}

static bool look(near_many *m, const evaluation *e, const pf_vindex *index,
                 const pf_id_set *only, size_t first, size_t n, pf_err *err)
{
    const size_t dim = (size_t)pf_vindex_dim(index);
    for (size_t i = 0; i < n; i++)
        memcpy(m->queries + i * dim, e->text_vectors[first + i],
               dim * sizeof *m->queries);
    return m->k == 0 ||
           pf_vindex_search(index, m->queries, n, m->k, only ? only->ids : NULL,
                            only ? only->n : 0, m->ids, m->scores, m->counts, err);
}

static pf_neighbours near_of(const near_many *m, size_t i)
{
    if (m->k == 0)
        return (pf_neighbours){0}; /* there are no arrays then */
    return (pf_neighbours){m->ids + i * m->k, m->scores + i * m->k, m->counts[i]};
}

/* Question `item`, which is number i of those that were looked for at once. */
static bool ask(const asker *a, size_t item, size_t i, pf_err *err)
{
    const pf_judged *j = &a->e->judged.at[item];
    const pf_neighbours images = near_of(&a->images, i),
                        captions = near_of(&a->captions, i);
    const pf_fusion fusion = {
        .store = a->store,
        .folder = pf_reader_folder(a->e->r),
        .images = a->e->images_index,
        .captions = a->e->captions_index,
        .vector = a->has_meaning ? a->e->text_vectors[item] : NULL,
        .words = a->e->words,
        .many = a->e->many,
        .phrase = j->text,
        .may_lack_words = true,
        .only = only_images(a->e),
        .only_captions = only_captions(a->e),
        .near_images = a->has_meaning ? &images : NULL,
        .near_captions = a->has_meaning ? &captions : NULL,
    };
    int64_t *ids;
    size_t n;
    if (!pf_fusion_rank(&fusion, &ids, &n, err))
        return false;
    size_t at = 0;
    while (at < n && !pf_id_set_has(&j->right, ids[at]))
        at++;
    a->ranks[item] = at < n ? at + 1 : 0;
    pf_free(ids);
    return true;
}

static bool ask_block(void *context, size_t block, pf_err *err)
{
    asker *a = context;
    const evaluation *e = a->e;
    const size_t first = block * AT_ONCE, left = e->judged.n - first;
    const size_t n = left < AT_ONCE ? left : AT_ONCE;
    bool ok =
        !a->has_meaning ||
        (look(&a->images, e, e->images_index, only_images(e), first, n, err) &&
         look(&a->captions, e, e->captions_index, only_captions(e), first, n, err));
    for (size_t i = 0; ok && i < n; i++)
        ok = !is_stopped(e, err) && ask(a, first + i, i, err);
    return ok;
}

/* A reader for another thread. When an indexer has published since, it would see more
 * than we do and is of no use: *is_there = false. */
static bool open_another(asker *a, bool *is_there, pf_err *err)
{
    if (!pf_reader_open_beside(&a->own, a->e->r, err))
        return false;
    *is_there = a->own != NULL;
    a->store = a->own ? pf_reader_store(a->own) : NULL;
    return true;
}

static bool ask_all(const evaluation *e, asker *askers, void **members,
                    const char *what, pf_err *err)
{
    const size_t blocks = (e->judged.n + AT_ONCE - 1) / AT_ONCE;
    size_t n = 1;
    bool ok = true, is_there = true;
    askers[0].store = pf_reader_store(e->r);
    members[0] = &askers[0];
    for (; ok && is_there && n < e->threads && n < blocks; n += ok && is_there) {
        members[n] = &askers[n];
        ok = open_another(&askers[n], &is_there, err);
    }
    const pf_team team = {.work = ask_block,
                          .members = members,
                          .n_members = n,
                          .n_items = blocks,
                          .n_told = e->judged.n,
                          .stop = e->o->stop,
                          .progress = e->o->progress,
                          .context = e->o->context,
                          .what = what};
    for (size_t i = 0; ok && askers[0].has_meaning && i < n; i++)
        ok = make_near(&askers[i].images, e->images_index, only_images(e), err) &&
             make_near(&askers[i].captions, e->captions_index, only_captions(e), err);
    ok = ok && pf_team_run(&team, err);
    for (size_t i = 0; i < e->threads; i++) {
        free_near(&askers[i].images);
        free_near(&askers[i].captions);
        pf_reader_close(askers[i].own);
    }
    return ok;
}

/* Words and both have the same questions, and share what is known of their words. */
static bool get_words(evaluation *e, pf_err *err)
{
    pf_store *store = pf_reader_store(e->r);
    return e->many || (pf_engine_get_words(e->r->engine, &e->words, err) &&
                       (e->o->n_filters == 0 ||
                        pf_scope_captions(&e->captions, store, &e->images, err)) &&
                       pf_words_many_new(&e->many, e->words, store, err));
}

static bool rank_by_asking(evaluation *e, bool has_meaning, pf_err *err)
{
    const double start = pf_clock_seconds();
    asker *askers = pf_alloc_array(e->threads, sizeof *askers, err);
    void **members = pf_alloc_array(e->threads, sizeof *members, err);
    size_t *ranks = pf_alloc_array(e->judged.n, sizeof *ranks, err);
    bool ok = askers && members && ranks && get_words(e, err);
    for (size_t i = 0; ok && i < e->threads; i++)
        askers[i] = (asker){.e = e, .has_meaning = has_meaning, .ranks = ranks};
    ok = ok && ask_all(e, askers, members,
                       has_meaning ? "ranking by both" : "ranking by words", err);
    pf_free(askers);
    pf_free(members);
    if (!ok) {
        pf_free(ranks);
        return false;
    }
    const int which = has_meaning ? PF_EVALUATED_BOTH : PF_EVALUATED_WORDS;
    return finish(e, &e->out->text_to_image[which], ranks, e->judged.n, start, err);
}

/* ---- all of it ------------------------------------------------------------------- */

static bool rank_all(evaluation *e, pf_err *err)
{
    return (!wants(e, PF_BY_MEANING) || rank_by_meaning(e, err)) &&
           (!wants(e, PF_BY_WORDS) || rank_by_asking(e, false, err)) &&
           (!wants(e, PF_BY_BOTH) || rank_by_asking(e, true, err));
}

bool pf_evaluate(pf_reader *reader, const pf_evaluate_options *options,
                 pf_evaluate_result *out, pf_notes *notes, pf_err *err)
{
    evaluation e = {.r = reader,
                    .o = options,
                    .out = out,
                    .notes = notes,
                    .threads = count_threads(options->threads)};
    out->resamples = options->resamples ? options->resamples : PF_METRICS_RESAMPLES;
    out->seed = options->seed;
    const bool ok = get_indexes(&e, err) && check(&e, err) && find_images(&e, err) &&
                    find_questions(&e, err) && find_image_vectors(&e, err) &&
                    find_text_vectors(&e, err) && rank_all(&e, err);
    pf_id_set_reset(&e.images);
    pf_id_set_reset(&e.captions);
    pf_judged_list_reset(&e.judged);
    pf_free(e.image_vectors);
    pf_free(e.text_vectors);
    pf_free(e.own);
    pf_words_many_free(e.many);
    if (!ok)
        pf_evaluate_result_reset(out);
    return ok;
}

void pf_evaluate_result_reset(pf_evaluate_result *e)
{
    for (int i = 0; i < PF_N_EVALUATED; i++)
        pf_free(e->text_to_image[i].ranks);
    pf_free(e->image_to_text.ranks);
    *e = (pf_evaluate_result){0};
}
