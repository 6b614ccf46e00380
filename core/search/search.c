/*
 * search.c - see search.h: one question after another.
 *
 * The order of a question: model (if a part needs one), one vector per part, their sum,
 * neighbours from FAISS, then what SQLite knows about each. All of it reads the one
 * snapshot that the catalog was opened at.
 */
#include "core/search/search.h"

#include <time.h>

#include "core/search/chance.h"
#include "core/search/combine.h"
#include "core/search/fusion.h"
#include "core/search/nearest.h"
#include "core/search/session.h"

enum { PARTS_MAX = 1000 };

void pf_query_init(pf_query *query)
{
    *query = (pf_query){.find = PF_FIND_IMAGES, .limit = 10, .min_score = -1};
}

/* ---- one question ---- */

static const pf_vindex *index_of(const pf_search *s, pf_find find)
{
    return find == PF_FIND_CAPTIONS ? pf_catalog_captions(s->catalog)
                                    : pf_catalog_images(s->catalog);
}

/* One question on its way. */
typedef struct {
    pf_combined asked;
    pf_id_set scope; /* images that pass the filters, if there are any */
} question;

static void reset_question(question *a)
{
    pf_combined_reset(&a->asked);
    pf_id_set_reset(&a->scope);
}

static bool pass_filters(pf_search *s, const pf_query *q, question *a, pf_err *err)
{
    return q->n_filters == 0 || pf_scope_images(&a->scope, pf_catalog_store(s->catalog),
                                                q->filters, q->n_filters, err);
}

static bool find_nearest(pf_search *s, const pf_query *q, const question *a,
                         pf_answer *out, pf_err *err)
{
    const pf_nearest nearest = {
        .store = pf_catalog_store(s->catalog),
        .index = index_of(s, q->find),
        .folder = pf_search_folder(s),
        .vector = a->asked.vector,
        .like = a->asked.like,
        .n_like = a->asked.n_like,
        .images = q->n_filters > 0 ? &a->scope : NULL,
    };
    return pf_nearest_run(&nearest, q, out, err);
}

/* ---- by words ---- */

static bool has_captions(const pf_search *s)
{
    const pf_vindex *captions = pf_catalog_captions(s->catalog);
    return captions && pf_vindex_count(captions) > 0;
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

static bool choose_by(const pf_search *s, const pf_query *q, pf_by *by, pf_err *err)
{
    const char *phrase = phrase_of(q);
    *by = q->by;
    if (q->by == PF_BY_DEFAULT)
        *by = phrase && q->n_parts == 1 && has_captions(s) ? PF_BY_BOTH : PF_BY_MEANING;
    if (*by == PF_BY_MEANING)
        return true;
    if (!phrase)
        return pf_fail(err, PF_ERR_MISUSE,
                       "words are looked for of exactly one phrase: --by meaning takes "
                       "anything");
    if (*by == PF_BY_WORDS && q->n_parts > 1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "only a phrase can be looked for by words alone");
    bool are_there = false;
    if (!pf_store_has_captions(pf_catalog_store(s->catalog), &are_there, err))
        return false;
    return are_there ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' has no captions in which words could be found",
                   pf_search_folder(s));
}

static bool find_fused(pf_search *s, const pf_query *q, const question *a, pf_by by,
                       pf_answer *out, pf_err *err)
{
    if (!pf_session_get_words(s, err))
        return false;
    const pf_fusion fusion = {
        .store = pf_catalog_store(s->catalog),
        .folder = pf_search_folder(s),
        .images = pf_catalog_images(s->catalog),
        .captions = pf_catalog_captions(s->catalog),
        .vector = by == PF_BY_BOTH ? a->asked.vector : NULL,
        .words = s->words,
        .phrase = phrase_of(q),
        .may_lack_words = q->by == PF_BY_DEFAULT,
        .like = a->asked.like,
        .n_like = a->asked.n_like,
        .only = q->n_filters > 0 ? &a->scope : NULL,
    };
    return pf_fusion_run(&fusion, q, out, err);
}

/* ---- all of it ---- */

static bool check_query(const pf_search *s, const pf_query *q, pf_err *err)
{
    if (q->n_parts == 0)
        return pf_fail(err, PF_ERR_MISUSE, "nothing was asked");
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
    return pf_session_has_model(s, err);
}

/* Words alone need no vectors, unless near ones are folded. */
static bool check_indexes(const pf_search *s, const pf_query *q, pf_by by, pf_err *err)
{
    if (by == PF_BY_WORDS && !q->collapses)
        return true;
    if (!index_of(s, q->find))
        return pf_fail(err, PF_ERR_MISUSE,
                       "the search was not opened for what the question looks for");
    if (q->find == PF_FIND_CAPTIONS && pf_vindex_count(index_of(s, q->find)) == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "catalog '%s' has no captions, only images can be found in it",
                       pf_search_folder(s));
    return true;
}

static double milliseconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

bool pf_search_run(pf_search *s, const pf_query *q, pf_answer *out, pf_notes *notes,
                   pf_err *err)
{
    const double start = milliseconds_now();
    question a = {0};
    pf_by by;
    if (!check_query(s, q, err) || !choose_by(s, q, &by, err) ||
        !check_indexes(s, q, by, err))
        return false;

    out->best = -2;
    pf_query with = *q;
    pf_backgrounds backgrounds;
    bool ok = pf_chance_prepare(&backgrounds, &with, s, by, notes, err) &&
              pass_filters(s, q, &a, err) &&
              (by == PF_BY_WORDS ||
               pf_combine(&a.asked, s, q->parts, q->n_parts, notes, err));
    out->n_truncated = a.asked.n_truncated;
    out->no_image_passes = ok && q->n_filters > 0 && a.scope.n == 0;
    if (ok && !out->no_image_passes)
        ok = by == PF_BY_MEANING ? find_nearest(s, &with, &a, out, err)
                                 : find_fused(s, &with, &a, by, out, err);
    out->by = by;
    if (ok)
        pf_chance_tell(&backgrounds, out);
    reset_question(&a);
    if (!ok)
        pf_answer_reset(out);
    else
        out->took_ms = milliseconds_now() - start;
    return ok;
}
