/*
 * chance.c - see chance.h.
 *
 * When is the best hit no better than chance? Some image is always nearest, and the
 * nearest of many lies far out among random pairs whether it shows what was asked or
 * not. So the rule does not look at those, but at questions that do have an answer: the
 * catalog's own. Each of its captions has a nearest image, its own one among them; the
 * best hit of a phrase is called chance when it is less near than 99 in 100 of those
 * are. For a phrase that asks for captions it is the nearest image that is looked at,
 * too: texts are near to each other for their wording. A picture that asks for captions
 * is compared with what images of captions find among captions; one that asks for
 * images with what images of cases find outside of their own case. A caption that has
 * the words of the phrase is no chance.
 *
 * So the line is drawn by model and collection themselves. It says that one in a
 * hundred questions worded as the captions are would be called chance; it cannot
 * promise what share of the others is seen: of a collection that has everything, or
 * with a model that knows no difference, it is none.
 *
 * bench/chance.py compares rules on three collections; bench/results.md has its tables.
 * Rules over random pairs (a percentile, so many sigmas above the median, the best of N
 * normal ones) do nearly as well where a collection has films of all kinds, but among
 * films of chests alone they call 40 to 100 % of good phrases chance: random pairs are
 * alike there, and many of them true. Rules over the scores of the question itself
 * catch less and call more good phrases chance, and so does the nearest other caption
 * for phrases. This one called none of the good phrases chance in any of the three, and
 * 30 to 90 % of those that have no answer.
 */
#include "core/search/chance.h"

#include <math.h>

/* Fewer pairs say nothing: of a percentile these make steps of 0.1 %. */
enum { MIN_PAIRS = 1000, MIN_OWN_PAIRS = 100 };

/* No better than chance is what is less near than this percentile of what the catalog's
 * own captions and images find; of captions with their own images, in a catalog that
 * was last published before these were counted, than another. */
static const double BEST_PERCENTILE = 1, OWN_PERCENTILE = 2;

/* ---- which pairs ---- */

static bool has_picture(const pf_query *q)
{
    for (size_t i = 0; i < q->n_parts; i++) {
        if (q->parts[i].kind != PF_PART_PHRASE)
            return true;
    }
    return false;
}

static pf_background_kind kind_of(const pf_query *q)
{
    if (q->find == PF_FIND_CAPTIONS)
        return has_picture(q) ? PF_BACKGROUND_CAPTION_IMAGE : PF_BACKGROUND_CAPTIONS;
    return has_picture(q) ? PF_BACKGROUND_IMAGES : PF_BACKGROUND_CAPTION_IMAGE;
}

static pf_background_kind own_kind_of(const pf_query *q)
{
    if (!has_picture(q))
        return PF_BACKGROUND_CAPTION_BEST;
    return q->find == PF_FIND_CAPTIONS ? PF_BACKGROUND_IMAGE_BEST
                                       : PF_BACKGROUND_IMAGE_OTHER;
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

/* One that has enough pairs to say something. */
static bool find_own(pf_backgrounds *out, pf_reader *r, pf_background_kind kind,
                     double percentile, bool *is_there, pf_err *err)
{
    const pf_background *own = NULL;
    if (!pf_reader_find_background(r, kind, &own, err))
        return false;
    *is_there = own != NULL;
    if (own && own->pairs >= MIN_OWN_PAIRS) {
        out->own = own;
        out->own_percentile = percentile;
    }
    return true;
}

/* A damaged background keeps nobody from searching. */
static bool find(pf_backgrounds *out, pf_reader *r, const pf_query *q,
                 pf_background_kind kind, const pf_background **random, pf_err *err)
{
    bool is_there;
    if (!pf_reader_find_background(r, kind, random, err))
        return false;
    if (*random && (*random)->pairs >= MIN_PAIRS)
        out->random = *random;
    if (!find_own(out, r, own_kind_of(q), BEST_PERCENTILE, &is_there, err))
        return false;
    out->is_by_images = kind == PF_BACKGROUND_CAPTIONS;
    return is_there || kind != PF_BACKGROUND_CAPTION_IMAGE ||
           find_own(out, r, PF_BACKGROUND_OWN, OWN_PERCENTILE, &is_there, err);
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
    if (!find(out, r, q, kind, &random, err))
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
    const double best = with->is_by_images ? a->best_image : a->best;
    if (a->has_words_hits)
        a->chance = PF_CHANCE_BETTER;
    else if (own && best >= -1.5)
        a->chance = best < pf_background_cosine(own, with->own_percentile)
                        ? PF_CHANCE_NO_BETTER
                        : PF_CHANCE_BETTER;
}
