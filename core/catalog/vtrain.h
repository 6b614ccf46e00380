/*
 * vtrain.h - groups of vectors that lie near each other, and which group is nearest.
 *
 * k-means over unit vectors (spherical: a middle is a unit vector, too), started from
 * vectors spread over what is given. The nearest middle is found as the nearest vector
 * is (vscan.h): products of codes leave a few that it may be, and those are compared
 * exactly. So the groups do not depend on how many threads work, nor on the
 * instructions that multiply codes.
 */
#ifndef PF_CORE_CATALOG_VTRAIN_H
#define PF_CORE_CATALOG_VTRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { PF_VTRAIN_THREADS_MAX = 256 };

/* The middles [n_lists, dim], unit vectors, of `n_lists` groups of `vectors` [n, dim],
 * which are as many at least. */
PF_MUST_CHECK bool pf_vtrain_centroids(const float *vectors, size_t n, size_t dim,
                                       size_t n_lists, size_t n_threads,
                                       float *centroids, pf_err *err);

/* The sum of vectors becomes their middle, of length 1; `otherwise` when it is nought,
 * as it is of opposites, or of none. */
void pf_vtrain_make_middle(float *sum, size_t dim, const float *otherwise);

/* Centroids with their codes. Any number of threads may ask. */
typedef struct pf_vtrain_lists pf_vtrain_lists;

/* `centroids` [n_lists, dim] are borrowed. */
PF_MUST_CHECK bool pf_vtrain_lists_new(pf_vtrain_lists **out, const float *centroids,
                                       size_t n_lists, size_t dim, pf_err *err);
void pf_vtrain_lists_free(pf_vtrain_lists *lists); /* NULL is fine */

/* Finds the nearest of them for some vectors at once. One per thread. */
typedef struct pf_vtrain_finder pf_vtrain_finder;
enum { PF_VTRAIN_AT_ONCE = 32 };

/* `lists` are borrowed. */
PF_MUST_CHECK bool pf_vtrain_finder_new(pf_vtrain_finder **out,
                                        const pf_vtrain_lists *lists, pf_err *err);
void pf_vtrain_finder_free(pf_vtrain_finder *finder); /* NULL is fine */

/* Of each of `n` unit vectors, at most PF_VTRAIN_AT_ONCE, the nearest centroid, of
 * equal ones the first, and the product with it: `list` and `product` [n]. */
PF_MUST_CHECK bool pf_vtrain_find(pf_vtrain_finder *finder, const float *const *vectors,
                                  size_t n, uint32_t *list, float *product,
                                  pf_err *err);

#endif
