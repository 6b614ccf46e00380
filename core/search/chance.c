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

static bool say_unknown(const pf_reader *r, pf_background_kind kind,
                        const pf_background *b, pf_err *err)
{
    static const char *const pairs[] = {
        [PF_BACKGROUND_IMAGES] = "pictures",
        [PF_BACKGROUND_CAPTION_IMAGE] = "pictures and captions",
        [PF_BACKGROUND_CAPTIONS] = "captions",
    };
    if (!b)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "catalog '%s' does not say yet how near unrelated things are in "
                       "it: run plainfilm-index once",
                       pf_reader_folder(r));
    return pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' is too small for percentiles: it has %llu pairs of "
                   "unrelated %s, they need %d",
                   pf_reader_folder(r), (unsigned long long)b->pairs, pairs[kind],
                   MIN_PAIRS);
}

/* A damaged background keeps nobody from searching. */
static bool find(pf_backgrounds *out, pf_reader *r, pf_background_kind kind,
                 const pf_background **random, pf_err *err)
{
    const pf_background *own = NULL;
    if (!pf_reader_find_background(r, kind, random, err))
        return false;
    if (*random && (*random)->pairs >= MIN_PAIRS)
        out->random = *random;
    if (kind != PF_BACKGROUND_CAPTION_IMAGE)
        return true;
    if (!pf_reader_find_background(r, PF_BACKGROUND_OWN, &own, err))
        return false;
    if (own && own->pairs >= MIN_OWN_PAIRS)
        out->own = own;
    return true;
}

bool pf_chance_prepare(pf_backgrounds *out, pf_query *q, pf_reader *r, pf_by by,
                       pf_err *err)
{
    *out = (pf_backgrounds){0};
    if (!(q->min_percentile >= 0 && q->min_percentile <= 100))
        return pf_fail(err, PF_ERR_MISUSE, "a percentile is a number from 0 to 100");
    if (by == PF_BY_WORDS)
        return q->min_percentile <= 0 ||
               pf_fail(err, PF_ERR_MISUSE, "words have no percentile");
    const pf_background_kind kind = kind_of(q);
    const pf_background *random;
    if (!find(out, r, kind, &random, err))
        return false;
    if (q->min_percentile <= 0)
        return true;
    if (!out->random)
        return say_unknown(r, kind, random, err);
    q->min_score = fmax(q->min_score, pf_background_cosine(random, q->min_percentile));
    return true;
}

/* ---- what to say ---- */

void pf_chance_tell(const pf_backgrounds *with, pf_hits *a)
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
