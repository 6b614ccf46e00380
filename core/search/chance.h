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
#include "core/base/notes.h"
#include "core/catalog/background.h"
#include "core/search/search.h"

/* What the scores of the question `q` are compared with: *out borrowed from `s`, NULL
 * when nothing is known. The lowest percentile becomes part of q->min_score. MISUSE for
 * one outside of 0 .. 100 or by words; NOT_FOUND, with the reason, where percentiles
 * are not known. */
PF_MUST_CHECK bool pf_chance_prepare(const pf_background **out, pf_query *q,
                                     pf_search *s, pf_by by, pf_notes *notes,
                                     pf_err *err);

/* The percentiles of the hits, and whether the best is more than chance (chance.c says
 * by which rule); `background` may be NULL. */
void pf_chance_tell(const pf_background *background, const pf_query *q,
                    pf_answer *answer);

#endif
