/*
 * bench_catalog.h - a catalog to measure with: images of one caption each. Vectors are
 * noise of length 1, a caption's near its image's, captions those of the drawn
 * phantoms. An image has one of 6 modalities, of 41 body parts, and a date.
 */
#ifndef PF_BENCH_BENCH_CATALOG_H
#define PF_BENCH_BENCH_CATALOG_H

#include "core/base/err.h"

enum { PF_BENCH_DIM_MAX = 4096 };

/* `dim` is 1 .. PF_BENCH_DIM_MAX. */
PF_MUST_CHECK bool pf_bench_write_catalog(const char *folder, int pairs, int dim,
                                          pf_err *err);

#endif
