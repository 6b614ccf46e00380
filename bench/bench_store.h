/*
 * bench_store.h - what programs that measure write into a catalog without a model or a
 * picture: a model that is nowhere, one source, images under names of their own.
 */
#ifndef PF_BENCH_BENCH_STORE_H
#define PF_BENCH_BENCH_STORE_H

#include "core/catalog/catalog.h"

typedef struct {
    pf_store *store; /* borrowed from the catalog */
    int64_t model, source;
} pf_bench_store;

/* Begin to write to a new catalog: its model, of vectors of `dim` numbers, and the
 * source "/films". pf_catalog_publish() ends it. */
PF_MUST_CHECK bool pf_bench_begin(pf_bench_store *out, pf_catalog *catalog, int dim,
                                  pf_err *err);
/* An image with a picture of its own, whose vector is v [dim]. */
PF_MUST_CHECK bool pf_bench_put_image(const pf_bench_store *s, const char *path,
                                      const float *v, int64_t *id, pf_err *err);
/* Give the image its one caption, with a vector as well. */
PF_MUST_CHECK bool pf_bench_put_caption(const pf_bench_store *s, int64_t image,
                                        const char *text, const float *v, pf_err *err);

#endif
