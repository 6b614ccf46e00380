/*
 * search.c - see search.h: one question after another.
 *
 * The order of a question: how it is answered, one vector per part (which opens a tower
 * if need be), their sum, neighbours from the indexes that this way of answering looks
 * at, then what SQLite knows about each; and, for total and facets, all that matches.
 * All of it reads the reader's one snapshot.
 */
#include "core/search/search.h"

#include "core/base/mem.h"
#include "core/search/chance.h"
#include "core/search/combine.h"
#include "core/search/facets.h"
#include "core/search/fusion.h"
#include "core/search/hits.h"
#include "core/search/list.h"
#include "core/search/matched.h"
#include "core/search/matches.h"
#include "core/search/missing.h"
#include "core/search/nearest.h"
#include "core/search/neighbours.h"

enum { PARTS_MAX = 1000 };

void pf_query_init(pf_query *query)
{
    *query = (pf_query){.find = PF_FIND_IMAGES, .limit = 10, .min_score = -1};
}

/* ---- one question ---- */

/* Which index has what is found: cases are found by their images. */
static pf_index_kind index_for(pf_find find)
{
    return find == PF_FIND_CAPTIONS ? PF_INDEX_CAPTIONS : PF_INDEX_IMAGES;
}

/* One question on its way. */
typedef struct {
    pf_by by;
    pf_combined asked;
    pf_id_set scope; /* images that pass the filters, if there are any */
} question;

static void reset_question(question *a)
{
    pf_combined_reset(&a->asked);
    pf_id_set_reset(&a->scope);
}

/* A list needs to know what there is in any case. */
static bool is_limited(const pf_query *q)
{
    return q->n_filters > 0 || q->n_parts == 0;
}

static bool pass_filters(pf_reader *r, const pf_query *q, question *a, pf_err *err)
{
    return !is_limited(q) || pf_scope_images(&a->scope, pf_reader_store(r), q->filters,
                                             q->n_filters, err);
}

static bool find_nearest(pf_reader *r, const pf_query *q, const question *a,
                         pf_hits *out, pf_err *err)
{
    const pf_vindex *index;
    if (!pf_reader_get_index(r, index_for(q->find), &index, err))
        return false;
    const pf_nearest nearest = {
        .store = pf_reader_store(r),
        .index = index,
        .folder = pf_reader_folder(r),
        .vector = a->asked.vector,
        .like = a->asked.like,
        .n_like = a->asked.n_like,
        .images = is_limited(q) ? &a->scope : NULL,
    };
    return pf_nearest_run(&nearest, q, out, err);
}

/* ---- by words ---- */

static bool has_captions(const pf_reader *r)
{
    return pf_reader_count(r, PF_INDEX_CAPTIONS) > 0;
}

/* The phrase whose words are looked for; NULL unless there is exactly one. */
static const char *phrase_of(const pf_query *q)
{
    const char *phrase = NULL;
    for (size_t i = 0; i < q->n_parts; i++) {
        if (q->parts[i].kind != PF_PART_PHRASE || q->parts[i].weight <= 0)
            continue;
        if (phrase)
            return NULL;
        phrase = q->parts[i].text;
    }
    return phrase;
}

static bool choose_by(const pf_reader *r, const pf_query *q, pf_by *by, pf_err *err)
{
    const char *phrase = phrase_of(q);
    *by = q->n_parts == 0 ? PF_BY_DEFAULT : q->by; /* a list is not looked for */
    if (q->n_parts == 0)
        return true;
    if (q->by == PF_BY_DEFAULT)
        *by = phrase && q->n_parts == 1 && has_captions(r) ? PF_BY_BOTH : PF_BY_MEANING;
    if (*by == PF_BY_MEANING)
        return true;
    if (!phrase)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "words can be looked for of one phrase only; ask by meaning for the rest");
    if (*by == PF_BY_WORDS && q->n_parts > 1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "only a phrase can be looked for by words alone");
    bool are_there = false;
    if (!pf_store_has_captions(pf_reader_store(r), &are_there, err))
        return false;
    return are_there ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' has no captions in which words could be found",
                   pf_reader_folder(r));
}

/* Both look at the vectors of captions, and of images when these are found; words alone
 * at no vectors, unless near ones are folded. */
static bool get_indexes(pf_reader *r, const pf_query *q, pf_by by, pf_fusion *f,
                        pf_err *err)
{
    const bool finds_captions = q->find == PF_FIND_CAPTIONS;
    const bool wants_any = by == PF_BY_BOTH || q->collapses;
    if (wants_any && !finds_captions &&
        !pf_reader_get_index(r, PF_INDEX_IMAGES, &f->images, err))
        return false;
    return !(by == PF_BY_BOTH || (wants_any && finds_captions)) ||
           pf_reader_get_index(r, PF_INDEX_CAPTIONS, &f->captions, err);
}

static bool find_fused(pf_reader *r, const pf_query *q, const question *a, pf_hits *out,
                       pf_err *err)
{
    pf_fusion fusion = {
        .store = pf_reader_store(r),
        .folder = pf_reader_folder(r),
        .vector = a->by == PF_BY_BOTH ? a->asked.vector : NULL,
        .phrase = phrase_of(q),
        .may_lack_words = q->by == PF_BY_DEFAULT,
        .like = a->asked.like,
        .n_like = a->asked.n_like,
        .only = is_limited(q) ? &a->scope : NULL,
    };
    return pf_engine_get_words(r->engine, &fusion.words, err) &&
           pf_reader_find_word_rows(r, fusion.words, &fusion.rows, err) &&
           get_indexes(r, q, a->by, &fusion, err) &&
           pf_fusion_run(&fusion, q, out, err) &&
           pf_matched_tell(fusion.words, fusion.phrase, out, err) &&
           (out->has_all_words ||
            pf_missing_find(fusion.words, fusion.store, fusion.phrase, q->in,
                            &out->missing, &out->n_missing, err));
}

/* ---- what matches ---- */

/* By meaning that is what is near enough; words have told it (fusion.h). */
static bool find_near(pf_reader *r, const pf_query *q, const question *a, pf_hits *out,
                      pf_err *err)
{
    const pf_id_set *only = is_limited(q) ? &a->scope : NULL;
    const pf_vindex *index;
    pf_id_set captions = {0};
    if (out->has_found || a->by == PF_BY_DEFAULT || q->min_score <= -1)
        return true;
    bool ok = pf_reader_get_index(r, index_for(q->find), &index, err);
    if (ok && only && q->find == PF_FIND_CAPTIONS) {
        ok = pf_scope_captions(&captions, pf_reader_store(r), only, err);
        only = &captions;
    }
    ok = ok &&
         pf_matches_near(&out->found, index, a->asked.vector, q->min_score, only, err);
    out->has_found = ok;
    pf_id_set_reset(&captions);
    return ok;
}

static bool count_facets(pf_reader *r, const pf_query *q, const pf_matches *m,
                         pf_hits *out, pf_err *err)
{
    out->facets = pf_alloc_array(q->n_facets, sizeof *out->facets, err);
    if (!out->facets)
        return false;
    for (; out->n_facets < q->n_facets; out->n_facets++) {
        if (!pf_counts_make(&out->facets[out->n_facets], pf_reader_store(r),
                            q->facets[out->n_facets], m, PF_FACET_VALUES_MAX, err))
            return false;
    }
    return true;
}

static pf_matching matching_of(pf_reader *r, const pf_query *q, const question *a,
                               const pf_hits *out)
{
    return (pf_matching){.store = pf_reader_store(r),
                         .find = q->find,
                         .only = is_limited(q) ? &a->scope : NULL,
                         .found = out->has_found ? &out->found : NULL,
                         .like = a->asked.like,
                         .n_like = a->asked.n_like};
}

/* Images that were asked with, which are not found; each once. */
static size_t count_like(const pf_query *q, const question *a)
{
    size_t n = 0;
    for (size_t i = 0; q->find == PF_FIND_IMAGES && i < a->asked.n_like; i++) {
        bool is_first = true;
        for (size_t k = 0; is_first && k < i; k++)
            is_first = a->asked.like[k] != a->asked.like[i];
        n += is_first;
    }
    return n;
}

/* How many there are is known without looking when everything matches. */
static bool count_matches(pf_reader *r, const pf_query *q, const question *a,
                          pf_hits *out, pf_err *err)
{
    if (!find_near(r, q, a, out, err))
        return false;
    const pf_matching of = matching_of(r, q, a, out);
    const size_t count = pf_reader_count(r, index_for(q->find));
    if (q->n_facets == 0 && !of.only && !of.found && count > 0 &&
        q->find != PF_FIND_CASES) {
        out->total = count - count_like(q, a);
        return true;
    }
    pf_matches m = {0};
    const bool ok = pf_matches_make(&m, &of, err) && count_facets(r, q, &m, out, err);
    out->total = m.total;
    pf_matches_reset(&m);
    return ok;
}

/* ---- all of it ---- */

static bool check_list(const pf_query *q, pf_err *err)
{
    if (q->n_filters == 0 && q->n_facets == 0 && q->sort == PF_SORT_DEFAULT)
        return pf_fail(err, PF_ERR_MISUSE, "nothing was asked");
    if (q->sort == PF_SORT_RELEVANCE)
        return pf_fail(err, PF_ERR_MISUSE,
                       "nothing is asked that a list could be relevant to: sort by "
                       "date, added, path or random");
    if (q->min_score > -1 || q->min_percentile > 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "a lowest score or percentile is for a question, a list has "
                       "none");
    return !q->collapses || pf_fail(err, PF_ERR_MISUSE,
                                    "folding of near duplicates is for a question, and "
                                    "not for a list");
}

static bool check_order(const pf_query *q, pf_err *err)
{
    return q->sort == PF_SORT_DEFAULT || q->sort == PF_SORT_RELEVANCE ||
           pf_fail(err, PF_ERR_MISUSE,
                   "what is asked for comes in the order of relevance: another one is "
                   "for a list, with filters alone");
}

static bool check_query(const pf_reader *r, const pf_query *q, pf_err *err)
{
    if (!(q->n_parts == 0 ? check_list : check_order)(q, err))
        return false;
    if (q->n_facets > PF_FACETS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu facets, the most is %d", q->n_facets,
                       PF_FACETS_MAX);
    if (q->n_parts > PARTS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu parts, the most is %d", q->n_parts,
                       PARTS_MAX);
    if (q->n_filters > PF_FILTERS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu filters, the most is %d", q->n_filters,
                       PF_FILTERS_MAX);
    if (q->limit == 0)
        return pf_fail(err, PF_ERR_MISUSE, "a limit of 0 leaves no answer");
    if (q->collapses && q->find == PF_FIND_CASES)
        return pf_fail(err, PF_ERR_MISUSE, "only images and captions can be collapsed");
    if (q->collapses && !(q->collapse >= 0 && q->collapse <= 1))
        return pf_fail(err, PF_ERR_MISUSE, "a threshold of %g is outside 0..1",
                       q->collapse);
    return pf_reader_check_catalog(r, err);
}

/* Words alone find captions that have no vectors. */
static bool check_captions(const pf_reader *r, const pf_query *q, pf_by by, pf_err *err)
{
    if (q->find != PF_FIND_CAPTIONS || has_captions(r) || q->n_parts == 0 ||
        (by == PF_BY_WORDS && !q->collapses))
        return true;
    return pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' has no captions, only images can be found in it",
                   pf_reader_folder(r));
}

static bool find_hits(pf_reader *r, const pf_query *q, question *a, pf_hits *out,
                      pf_err *err)
{
    if (a->by == PF_BY_MEANING)
        return find_nearest(r, q, a, out, err);
    if (a->by != PF_BY_DEFAULT)
        return find_fused(r, q, a, out, err);
    const pf_list list = {.store = pf_reader_store(r),
                          .folder = pf_reader_folder(r),
                          .only = is_limited(q) ? &a->scope : NULL};
    return pf_list_run(&list, q, out, err);
}

/* What is known of the filters: nothing passes, and because of which. */
static bool tell_unmet(pf_reader *r, const pf_query *q, pf_hits *out, pf_err *err)
{
    out->no_image_passes = true;
    return pf_unmet_find(&out->unmet, pf_reader_store(r), q->filters, q->n_filters,
                         err);
}

/* Captions are near to a phrase for their wording: whether the catalog shows what was
 * asked is asked of its images, when no words have said so. */
static bool find_best_image(pf_reader *r, const pf_backgrounds *with, const question *a,
                            const pf_query *q, pf_hits *out, pf_err *err)
{
    const pf_vindex *index;
    pf_neighbours found = {0};
    if (!with->is_by_images || !with->own || out->has_words_hits ||
        a->by == PF_BY_WORDS)
        return true;
    const bool ok = pf_reader_get_index(r, PF_INDEX_IMAGES, &index, err) &&
                    pf_neighbours_find(&found, index, a->asked.vector, 1,
                                       is_limited(q) ? &a->scope : NULL, err);
    if (ok && found.n > 0)
        out->best_image = (double)found.scores[0];
    pf_neighbours_reset(&found);
    return ok;
}

/* Of a ranking that is `offset` longer than what is asked for. */
static bool answer(pf_reader *r, const pf_query *q, question *a, pf_hits *out,
                   pf_err *err)
{
    pf_query with = *q;
    pf_backgrounds backgrounds = {0};
    const bool is_list = a->by == PF_BY_DEFAULT;
    if (!is_list)
        with.limit = q->limit + q->offset;
    const bool ok =
        (is_list || pf_chance_prepare(&backgrounds, &with, r, a->by, err)) &&
        pass_filters(r, q, a, err) &&
        (is_list || a->by == PF_BY_WORDS || pf_combine(&a->asked, r, q, err));
    out->n_truncated = a->asked.n_truncated;
    if (!ok)
        return false;
    const bool is_empty = q->n_filters > 0 && a->scope.n == 0;
    if (!(is_empty ? tell_unmet(r, q, out, err)
                   : find_hits(r, &with, a, out, err) &&
                         find_best_image(r, &backgrounds, a, q, out, err)) ||
        !count_matches(r, &with, a, out, err))
        return false;
    if (!is_list) {
        pf_chance_tell(&backgrounds, out);
        pf_hits_drop_first(out, q->offset);
    }
    return true;
}

bool pf_search_run(pf_reader *r, const pf_query *q, pf_hits *out, pf_err *err)
{
    question a = {0};
    if (!check_query(r, q, err) || !choose_by(r, q, &a.by, err) ||
        !check_captions(r, q, a.by, err))
        return false;
    out->best = out->best_image = -2;
    const bool ok = answer(r, q, &a, out, err);
    out->by = a.by;
    reset_question(&a);
    if (!ok)
        pf_hits_reset(out);
    return ok;
}

/* ---- values ---- */

static bool count_values(pf_reader *r, const pf_query *q, question *a, const char *key,
                         pf_hits *out, pf_err *err)
{
    if (!pass_filters(r, q, a, err) ||
        (q->n_filters > 0 && a->scope.n == 0 && !tell_unmet(r, q, out, err)))
        return false;
    pf_matches m = {0};
    const pf_matching of = matching_of(r, q, a, out);
    out->facets = pf_alloc_array(1, sizeof *out->facets, err);
    const bool ok =
        out->facets && pf_matches_make(&m, &of, err) &&
        pf_counts_make(out->facets, pf_reader_store(r), key, &m, q->limit, err);
    out->n_facets = ok;
    out->total = m.total;
    pf_matches_reset(&m);
    return ok;
}

bool pf_search_count_values(pf_reader *r, const pf_query *q, const char *key,
                            pf_hits *out, pf_err *err)
{
    question a = {0};
    const bool ok =
        pf_reader_check_catalog(r, err) && count_values(r, q, &a, key, out, err);
    reset_question(&a);
    if (!ok)
        pf_hits_reset(out);
    return ok;
}
