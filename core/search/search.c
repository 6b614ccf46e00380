/*
 * search.c - see search.h: one question after another.
 *
 * The order of a question: how it is answered, one vector per part (which opens a tower
 * if need be), their sum, neighbours from the indexes that this way of answering looks
 * at, then what SQLite knows about each. All of it reads the reader's one snapshot.
 */
#include "core/search/search.h"

#include "core/search/chance.h"
#include "core/search/combine.h"
#include "core/search/fusion.h"
#include "core/search/hits.h"
#include "core/search/matched.h"
#include "core/search/missing.h"
#include "core/search/nearest.h"

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

static bool pass_filters(pf_reader *r, const pf_query *q, question *a, pf_err *err)
{
    return q->n_filters == 0 || pf_scope_images(&a->scope, pf_reader_store(r),
                                                q->filters, q->n_filters, err);
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
        .images = q->n_filters > 0 ? &a->scope : NULL,
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
    *by = q->by;
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
        .only = q->n_filters > 0 ? &a->scope : NULL,
    };
    return pf_engine_get_words(r->engine, &fusion.words, err) &&
           get_indexes(r, q, a->by, &fusion, err) &&
           pf_fusion_run(&fusion, q, out, err) &&
           pf_matched_tell(fusion.words, fusion.phrase, out, err) &&
           (out->has_all_words ||
            pf_missing_find(fusion.words, fusion.store, fusion.phrase, q->in,
                            &out->missing, &out->n_missing, err));
}

/* ---- all of it ---- */

static bool check_query(const pf_reader *r, const pf_query *q, pf_err *err)
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
    return pf_reader_check_catalog(r, err);
}

/* Words alone find captions that have no vectors. */
static bool check_captions(const pf_reader *r, const pf_query *q, pf_by by, pf_err *err)
{
    if (q->find != PF_FIND_CAPTIONS || has_captions(r) ||
        (by == PF_BY_WORDS && !q->collapses))
        return true;
    return pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' has no captions, only images can be found in it",
                   pf_reader_folder(r));
}

/* Of a ranking that is `offset` longer than what is asked for. */
static bool answer(pf_reader *r, const pf_query *q, question *a, pf_hits *out,
                   pf_err *err)
{
    pf_query with = *q;
    pf_backgrounds backgrounds;
    with.limit = q->limit + q->offset;
    bool ok = pf_chance_prepare(&backgrounds, &with, r, a->by, err) &&
              pass_filters(r, q, a, err) &&
              (a->by == PF_BY_WORDS || pf_combine(&a->asked, r, q, err));
    out->n_truncated = a->asked.n_truncated;
    out->no_image_passes = ok && q->n_filters > 0 && a->scope.n == 0;
    if (ok && !out->no_image_passes)
        ok = a->by == PF_BY_MEANING ? find_nearest(r, &with, a, out, err)
                                    : find_fused(r, &with, a, out, err);
    if (!ok)
        return false;
    pf_chance_tell(&backgrounds, out);
    pf_hits_drop_first(out, q->offset);
    return true;
}

bool pf_search_run(pf_reader *r, const pf_query *q, pf_hits *out, pf_err *err)
{
    question a = {0};
    if (!check_query(r, q, err) || !choose_by(r, q, &a.by, err) ||
        !check_captions(r, q, a.by, err))
        return false;
    out->best = -2;
    const bool ok = answer(r, q, &a, out, err);
    out->by = a.by;
    reset_question(&a);
    if (!ok)
        pf_hits_reset(out);
    return ok;
}
