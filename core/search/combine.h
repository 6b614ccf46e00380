/*
 * combine.h - from the parts of a question to one unit vector. Internal to search and
 * evaluate.
 */
#ifndef PF_CORE_SEARCH_COMBINE_H
#define PF_CORE_SEARCH_COMBINE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/search/search.h"

typedef struct {
    float *vector; /* [dim], length 1, owned */
    int64_t *like; /* [n_like] images that PF_PART_LIKE named, owned */
    size_t n_like;
    size_t n_truncated; /* phrases of which only the beginning was read */
} pf_combined;

/* Add the vectors of the question's parts, each times its weight; opens the towers they
 * need. *out must be all zero; it stays so on failure. MISUSE when the parts cancel
 * out, and for a PF_PART_LIKE without a catalog or that several files are called
 * (named.h), NOT_FOUND for one that the catalog does not have. */
PF_MUST_CHECK bool pf_combine(pf_combined *out, pf_reader *r, const pf_query *query,
                              pf_err *err);
void pf_combined_reset(pf_combined *combined); /* frees; all zero is fine */

#endif
