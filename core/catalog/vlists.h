/*
 * vlists.h - the vectors of an index file in lists of what lies near each other (IVF).
 *
 * Each list has a middle, its centroid, and a vector lies in the list whose centroid is
 * nearest to it. A search that looks into some of the lists, nearest centroids first,
 * multiplies a fraction of all codes, and misses a neighbour only when that lies in
 * another list. How many lists are enough is measured on the collection itself
 * (vlists_make.h).
 */
#ifndef PF_CORE_CATALOG_VLISTS_H
#define PF_CORE_CATALOG_VLISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { PF_VLISTS_MAX = 65536 };

/* Positions in an index file: first .. end - 1. */
typedef struct {
    size_t first, end;
} pf_vlists_range;

/* Borrowed from whoever has them. List i has the positions starts[i] .. starts[i + 1] -
 * 1, by ascending id. */
typedef struct {
    size_t n;               /* 0: there are none */
    const float *centroids; /* [n, dim], unit vectors */
    const uint32_t *starts; /* [n + 1], from 0 to the number of vectors */
} pf_vlists;

/* FORMAT: centroids have not length 1, or the lists are not those of `count` vectors of
 * `dim` floats. */
PF_MUST_CHECK bool pf_vlists_check(const pf_vlists *lists, size_t dim, size_t count,
                                   pf_err *err);

/* The list in which a position is; bisects. */
size_t pf_vlists_find(const pf_vlists *lists, size_t position);

/* The `n` lists whose centroids are nearest to `query` [dim], nearest first, equal ones
 * by their number: ranges [n]. *n_vectors: how many lie in them. */
PF_MUST_CHECK bool pf_vlists_choose(const pf_vlists *lists, size_t dim,
                                    const float *query, size_t n,
                                    pf_vlists_range *ranges, size_t *n_vectors,
                                    pf_err *err);

#endif
