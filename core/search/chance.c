/*
 * chance.c - see chance.h.
 *
 * When is the best hit no better than chance? Some image is always nearest, and the
 * nearest of many lies far out among random pairs whether it shows what was asked or
 * not. So the rule does not look at those at all, but at pairs that do belong together:
 * the best hit is called chance when it is less near to the question than 98 in 100
 * captions of the catalog are to their own images. That is for questions whose cosines
 * are between a caption and an image: phrases that ask for images or cases, pictures
 * that ask for captions. A caption that has the words of the phrase is no chance.
 *
 * bench/chance.py compares rules on three collections; bench/results.md has its tables.
 * Rules over random pairs (a percentile, so many sigmas above the median, the best of N
 * normal ones) do nearly as well where a collection has films of all kinds, but among
 * films of chests alone they call 40 to 100 % of good phrases chance: random pairs are
 * alike there, and many of them true. Rules over the scores of the question itself
 * catch less and call more good phrases chance. This one called none of the good
 * phrases chance in any of the three collections, and 36 to 88 % of those that have no
 * answer.
 *
 * Left unsaid: a phrase among captions and a picture among images. No rule was found
 * for them that stood in all three collections.
 */
#include "core/search/chance.h"

#include <math.h>

#include "core/search/session.h"

/* Fewer pairs say nothing: of a percentile these make steps of 0.1 %. */
enum { MIN_PAIRS = 1000, MIN_OWN_PAIRS = 100 };

/* No better than chance is what is less near than this percentile of captions are to
 * their own images. */
static const double OWN_PERCENTILE = 2;

/* ---- which pairs ---- */

static pf_background_kind kind_of(const pf_query *q)
{
    bool has_picture = false;
    for (size_t i = 0; i < q->n_parts; i++)
        has_picture = has_picture || q->parts[i].kind != PF_PART_PHRASE;
    if (q->find == PF_FIND_CAPTIONS)
        return has_picture ? PF_BACKGROUND_CAPTION_IMAGE : PF_BACKGROUND_CAPTIONS;
    return has_picture ? PF_BACKGROUND_IMAGES : PF_BACKGROUND_CAPTION_IMAGE;
}

/* A damaged background keeps nobody from searching. */
static bool read_background(pf_search *s, pf_background_kind kind, pf_notes *notes,
                            pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    if (s->background[kind].is_read)
        return true;
    if (!pf_store_find_background(pf_catalog_store(s->catalog), kind,
                                  &s->background[kind].pairs,
                                  &s->background[kind].is_there, &local)) {
        if (local.code != PF_ERR_FORMAT)
            return pf_fail(err, local.code, "%s", local.msg);
        pf_notes_add(notes, "%s; percentiles are not known", local.msg);
    }
    s->background[kind].is_read = true;
    return true;
}

static bool say_unknown(const pf_search *s, pf_background_kind kind, pf_err *err)
{
    static const char *const pairs[] = {
        [PF_BACKGROUND_IMAGES] = "pictures",
        [PF_BACKGROUND_CAPTION_IMAGE] = "pictures and captions",
        [PF_BACKGROUND_CAPTIONS] = "captions",
    };
    if (!s->background[kind].is_there)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "catalog '%s' does not say yet how near unrelated things are in "
                       "it: run plainfilm-index once",
                       pf_search_folder(s));
    return pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' is too small for percentiles: it has %llu pairs of "
                   "unrelated %s, they need %d",
                   pf_search_folder(s),
                   (unsigned long long)s->background[kind].pairs.pairs, pairs[kind],
                   MIN_PAIRS);
}

bool pf_chance_prepare(pf_backgrounds *out, pf_query *q, pf_search *s, pf_by by,
                       pf_notes *notes, pf_err *err)
{
    *out = (pf_backgrounds){0};
    if (!(q->min_percentile >= 0 && q->min_percentile <= 100))
        return pf_fail(err, PF_ERR_MISUSE, "a percentile is a number from 0 to 100");
    if (by == PF_BY_WORDS)
        return q->min_percentile <= 0 ||
               pf_fail(err, PF_ERR_MISUSE, "words have no percentile");
    const pf_background_kind kind = kind_of(q);
    if (!read_background(s, kind, notes, err))
        return false;
    const pf_background *b = &s->background[kind].pairs;
    if (b->pairs >= MIN_PAIRS)
        out->random = b;
    if (kind == PF_BACKGROUND_CAPTION_IMAGE) {
        if (!read_background(s, PF_BACKGROUND_OWN, notes, err))
            return false;
        if (s->background[PF_BACKGROUND_OWN].pairs.pairs >= MIN_OWN_PAIRS)
            out->own = &s->background[PF_BACKGROUND_OWN].pairs;
    }
    if (q->min_percentile <= 0)
        return true;
    if (!out->random)
        return say_unknown(s, kind, err);
    q->min_score = fmax(q->min_score, pf_background_cosine(b, q->min_percentile));
    return true;
}

/* ---- what to say ---- */

void pf_chance_tell(const pf_backgrounds *with, pf_answer *a)
{
    const pf_background *b = with->random, *own = with->own;
    for (size_t i = 0; i < a->n_hits; i++)
        a->hits[i].percentile =
            b ? pf_background_percentile(b, a->hits[i].score) : (double)NAN;
    if (a->has_words_hits)
        a->chance = PF_CHANCE_BETTER;
    else if (own && a->best >= -1.5)
        a->chance = a->best < pf_background_cosine(own, OWN_PERCENTILE)
                        ? PF_CHANCE_NO_BETTER
                        : PF_CHANCE_BETTER;
}
