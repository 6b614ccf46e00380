/*
 * background.h - how near to each other unrelated things of a catalog are: the cosines
 * of its random pairs, as a histogram.
 *
 * A cosine of 0.3 means little by itself, for each model fills its own narrow part of
 * the scale. Its percentile says more: the share of pairs that have nothing to do with
 * each other and are less near. Pairs that do belong together are left out: the same
 * content, one case, a caption with a picture that has it. Those nobody has marked, two
 * pneumothoraces of two patients, stay in and make the upper tail heavy. Others are of
 * pairs that are not random: captions with their own images, and the nearest that the
 * catalog's captions and images have in it, which is what a question with an answer
 * looks like there.
 *
 * Everything follows from the catalog alone: the same vectors under the same ids give
 * the same counts on the same machine.
 */
#ifndef PF_CORE_CATALOG_BACKGROUND_H
#define PF_CORE_CATALOG_BACKGROUND_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/catalog/vindex.h"

/* ---- the histogram (the type is in store.h) ---- */

/* Count one pair; a cosine past -1 or 1 by rounding goes into the last bin there. */
void pf_background_add(pf_background *b, double cosine);

/* Share of pairs with a lower cosine, 0 .. 100; never falls as the cosine rises. Within
 * a bin it rises evenly, so that it is exact at multiples of 0.001 and elsewhere off by
 * less than the share of one bin. NaN without any pair. */
double pf_background_percentile(const pf_background *b, double cosine);

/* The lowest cosine with at least this percentile (0 .. 100) by the function above, to
 * the last bit; -1 for 0; NaN without any pair. */
double pf_background_cosine(const pf_background *b, double percentile);

/* ---- making it ---- */

typedef struct pf_background_sample pf_background_sample;

/* Pick at most PF_BACKGROUND_SAMPLE images or captions of `index`, spread over all of
 * it, and copy their vectors: the index is not needed afterwards. What belongs together
 * is read from `store`. Given. */
enum { PF_BACKGROUND_SAMPLE = 10000 };
PF_MUST_CHECK bool pf_background_sample_take(pf_background_sample **out,
                                             pf_store *store, pf_index_kind kind,
                                             const pf_vindex *index, pf_err *err);
/* How many there are, with their ids [n], which ascend, and vectors [n, dim], borrowed.
 */
size_t pf_background_sample_get(const pf_background_sample *sample, const int64_t **ids,
                                const float **vectors);
void pf_background_sample_free(pf_background_sample *sample); /* NULL is fine */

/* Count pairs of two samples, or of one with itself (`a` == `b`): all there are, or
 * PF_BACKGROUND_PAIRS drawn ones. *out is all zero when there are none. */
enum { PF_BACKGROUND_PAIRS = 100000 };
void pf_background_draw(pf_background *out, const pf_background_sample *a,
                        const pf_background_sample *b);

/* Count captions of a sample, at most PF_BACKGROUND_OWN_PAIRS, each with its own image,
 * whose vector is read from `store`. */
enum { PF_BACKGROUND_OWN_PAIRS = 2000 };
PF_MUST_CHECK bool pf_background_draw_own(pf_background *out, pf_store *store,
                                          const pf_background_sample *captions,
                                          pf_err *err);

/* The catalog asks itself: the best cosine of each question, counted. At most
 * PF_BACKGROUND_ASKED captions of the sample ask among the images of the other, their
 * images (whose vectors are read from `store`) among the captions; and as many images
 * that belong to a case, among those of others. What is only in the catalog and not in
 * a sample is not found: of more than PF_BACKGROUND_SAMPLE the best are a little lower
 * than they would be. Cost: three times 300 searches of 10,000, whatever the size. */
enum { PF_BACKGROUND_ASKED = 300 };
typedef struct {
    pf_background caption_best, caption_other; /* its own image included; left out */
    pf_background image_best;                  /* its own captions included */
    pf_background image_other; /* its case, and near duplicates, left out */
} pf_background_nearest;
PF_MUST_CHECK bool pf_background_ask(pf_background_nearest *out, pf_store *store,
                                     const pf_background_sample *captions,
                                     const pf_background_sample *images, pf_err *err);

#endif
