/*
 * chance.h - is a score more than chance? Internal to search.
 *
 * A score's percentile is the share of the catalog's random pairs (background.h) that
 * are less near. Which pairs depends on what is asked and what is found:
 *
 *   asked                        images, cases       captions
 *   phrases only                 caption and image   caption and caption
 *   a picture among the parts    image and image     caption and image
 *
 * A question of pictures and phrases lies between both kinds of vectors; it counts as
 * its pictures do, whose cosines are the higher ones.
 */
#ifndef PF_CORE_SEARCH_CHANCE_H
#define PF_CORE_SEARCH_CHANCE_H

#include "core/base/err.h"
#include "core/catalog/background.h"
#include "core/search/search.h"

/* What the scores of one question are compared with; borrowed from the
 * reader's view. */
typedef struct {
    const pf_background *random; /* NULL: percentiles are not known */
    const pf_background *own;    /* of the best that the catalog's own captions, or
                                    images, find; NULL: not known, or no measure for
                                    such a question */
    double own_percentile;       /* of those; what is less near is chance */
    bool is_by_images; /* it is the nearest image that is compared, whatever is found */
} pf_backgrounds;

/* Find them for the question `q`; the lowest percentile becomes part of q->min_score.
 * MISUSE for one outside of 0 .. 100 or by words; NOT_FOUND, with the reason, where
 * percentiles are not known. */
PF_MUST_CHECK bool pf_chance_prepare(pf_backgrounds *out, pf_query *q, pf_reader *r,
                                     pf_by by, pf_err *err);

/* The percentiles of the hits, and whether the best is more than chance (chance.c says
 * by which rule). */
void pf_chance_tell(const pf_backgrounds *with, pf_hits *answer);

#endif
