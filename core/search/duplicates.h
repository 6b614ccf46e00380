/*
 * duplicates.h - groups of images whose vectors are nearly the same.
 *
 * Single linkage: two images whose cosine is at least the threshold are in one group,
 * and so are all that are joined by a chain of such pairs. In a long chain the ends may
 * be less alike than the threshold; `lowest` tells. Images with equal vectors, which
 * all copies of one picture are, are together at every threshold.
 *
 * Exact: the groups are those that a comparison of all pairs gives.
 */
#ifndef PF_CORE_SEARCH_DUPLICATES_H
#define PF_CORE_SEARCH_DUPLICATES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/search/search.h"

/* Pictures that were saved again, at half the size or in JPEG at quality 50, are above
 * it with the demo model, and no two different ones of the sample; see
 * bench/results.md.
 */
#define PF_DUPLICATES_THRESHOLD 0.995

typedef struct {
    double threshold;         /* 0 .. 1 */
    size_t limit;             /* at most so many groups; 0: all */
    const pf_filter *filters; /* only images that meet all of them */
    size_t n_filters;
    int threads;            /* that work at once, >= 1 */
    const atomic_int *stop; /* may be NULL; non-zero ends it (INTERRUPTED) */
    /* May be NULL; called by the caller's thread with images compared so far. */
    void (*progress)(void *context, size_t done, size_t total);
    void *context;
} pf_duplicates_query;

typedef struct {
    size_t first, n; /* its hits, so many in a row, by id */
    double lowest;   /* cosine of the two that are least alike */
} pf_duplicates_group;

typedef struct {
    pf_hits images; /* the score of each is its cosine to its group's first;
                         no_image_passes as in every answer */
    pf_duplicates_group *groups; /* largest first, then by the id of the first image */
    size_t n_groups;
    size_t n_found;  /* groups there are, those past the limit included */
    size_t n_images; /* compared */
} pf_duplicates;

/* *out must be all zero; it stays so on failure. NOT_FOUND for a filter whose key
 * nothing has. Starts threads of its own, which are gone on return. */
PF_MUST_CHECK bool pf_duplicates_find(pf_duplicates *out, pf_reader *reader,
                                      const pf_duplicates_query *query, pf_err *err);
void pf_duplicates_reset(pf_duplicates *duplicates); /* frees; all zero is fine */

#endif
