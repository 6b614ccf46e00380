/*
 * vscan.h - the nearest vectors of an index file, exactly.
 *
 * All codes are multiplied with the query, which says between which two numbers each
 * score lies (vcodes.h). A vector whose upper number is below the k-th best lower one
 * cannot be among the k nearest; what is left, some dozens, is scored by its exact
 * vector. So answers are those of comparing with every vector, at a quarter of the
 * reading.
 */
#ifndef PF_CORE_CATALOG_VSCAN_H
#define PF_CORE_CATALOG_VSCAN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vlists.h"

enum { PF_VSCAN_THREADS_MAX = 256 };

typedef struct {
    float score;
    int64_t id;
} pf_vscan_hit;

typedef struct {
    pf_vfile *file;
    const float *queries; /* [n_queries, dim], unit vectors */
    size_t n_queries;
    const uint64_t *allowed; /* a bit per position; NULL: all may be found */
    size_t n_allowed;        /* how many bits are set; all */
    /* Or look here alone [n_ranges], best first; n_allowed is what they have. */
    const pf_vlists_range *ranges;
    size_t n_ranges;
    int threads; /* 1 to PF_VSCAN_THREADS_MAX */
} pf_vscan;

/* The `k` nearest of each query: hits [n_queries, k], by (score, id), and how
 * many there are in counts [n_queries]. Memory for each query and thread: some
 * kilobytes, or k; at worst 8 bytes per vector. */
PF_MUST_CHECK bool pf_vscan_nearest(const pf_vscan *scan, size_t k, pf_vscan_hit *hits,
                                    size_t *counts, pf_err *err);

/* By how much the score of a vector [dim] may differ from the product of its codes,
 * beside their error. */
float pf_vscan_noise(const pf_vcodes_query *query, size_t dim);

typedef void pf_vscan_fn(void *user, size_t query, int64_t id);
/* Every pair that scores `min_score` or more, query by query; some just below it, by
 * PF_VINDEX_NOISE at most, may be among them. */
PF_MUST_CHECK bool pf_vscan_near(const pf_vscan *scan, float min_score, pf_vscan_fn *fn,
                                 void *user, pf_err *err);

#endif
