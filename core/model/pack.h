/*
 * pack.h - the packed weights of all layers of a tower, one after another.
 *
 * Immutable once made, so shared by all threads, as the model is.
 */
#ifndef PF_CORE_MODEL_PACK_H
#define PF_CORE_MODEL_PACK_H

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/model/kernels.h"

typedef struct pf_pack pf_pack;

/* Copies n floats of a layer's weights, which may lie in a mapped file: see
 * pf_bind_read(). Called by several threads at once. */
typedef bool pf_pack_read(const void *context, const float *from, size_t n, float *to,
                          pf_err *err);

/* What is to be packed. */
typedef struct {
    pf_linear *linear;
    pf_precision precision;
    const pf_conv *conv; /* whose points `linear` is; NULL: it has weights itself */
} pf_layer;

/* Pack the weights of n layers: each one's `packed` afterwards; they stay packed as
 * long as *out lives. All cores work on it. With a key they are read from the cache, or
 * kept there (cache_file.h); it has to be that of these weights in these precisions. */
PF_MUST_CHECK bool pf_pack_make(pf_pack **out, const pf_layer *layers, size_t n,
                                const pf_hash *key, pf_pack_read *read,
                                const void *context, pf_err *err);
void pf_pack_free(pf_pack *pack); /* NULL is fine */

#endif
