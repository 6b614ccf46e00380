/*
 * neighbours.h - the nearest of a vector, as lists. Internal to search and evaluate.
 */
#ifndef PF_CORE_SEARCH_NEIGHBOURS_H
#define PF_CORE_SEARCH_NEIGHBOURS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/vindex.h"
#include "core/search/scope.h"

typedef struct {
    int64_t *ids;  /* [n], best first */
    float *scores; /* [n] cosines */
    size_t n;
} pf_neighbours;

/* Room for `n` of them; `n` is still 0. What there is stays in *out on failure, for the
 * reset. */
PF_MUST_CHECK bool pf_neighbours_alloc(pf_neighbours *out, size_t n, pf_err *err);
void pf_neighbours_reset(pf_neighbours *neighbours); /* frees; all zero is fine */

/* The k nearest to `vector` [dim], of all in `index` or of those in `only`; fewer where
 * there are fewer. *out must be all zero; reset it on failure, too. */
PF_MUST_CHECK bool pf_neighbours_find(pf_neighbours *out, const pf_vindex *index,
                                      const float *vector, size_t k,
                                      const pf_id_set *only, pf_err *err);

#endif
