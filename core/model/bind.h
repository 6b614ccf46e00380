/*
 * bind.h - from named tensors to the places where the towers want their numbers.
 *
 * A binder hands out `const float *` for a tensor name and shape: straight from the
 * mapping when the bytes can be used in place, read into memory of its own when they
 * are few, half precision, unaligned or transposed. The mapping is not looked at here:
 * what is checked or converted is read. It remembers which tensors were asked for, so
 * that those nobody knows can be named. Past it nobody checks a shape again.
 *
 * With `verify` every number is looked at: a NaN or infinity is refused, and a hash of
 * all weights in binding order (float32, our layout) is kept, which is the same
 * whatever container and naming the checkpoint came in.
 */
#ifndef PF_CORE_MODEL_BIND_H
#define PF_CORE_MODEL_BIND_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/model/dims.h"
#include "core/model/kernels.h"
#include "core/checkpoint/weights.h"

typedef struct pf_binder pf_binder;

PF_MUST_CHECK bool pf_binder_new(pf_binder **out, const pf_weights *weights,
                                 const char *prefix, bool verify, pf_err *err);
/* Frees every converted tensor too: the binder lives as long as the model. */
void pf_binder_free(pf_binder *b);

typedef struct {
    int rank;
    int64_t size[4];
} pf_shape;

#define PF_SHAPE1(a) ((pf_shape){1, {(a)}})
#define PF_SHAPE2(a, b) ((pf_shape){2, {(a), (b)}})
#define PF_SHAPE3(a, b, c) ((pf_shape){3, {(a), (b), (c)}})
#define PF_SHAPE4(a, b, c, d) ((pf_shape){4, {(a), (b), (c), (d)}})

/* The tensor of that name, which must be there and have that shape. */
PF_MUST_CHECK bool pf_bind(pf_binder *b, const float **slot, pf_shape shape,
                           pf_err *err, const char *name_format, ...) PF_PRINTF(5, 6);
/* The same for numbers that something else is computed from: they are there until
 * pf_bind_passed() or the next of these. */
PF_MUST_CHECK bool pf_bind_passing(pf_binder *b, const float **slot, pf_shape shape,
                                   pf_err *err, const char *name_format, ...)
    PF_PRINTF(5, 6);
void pf_bind_passed(pf_binder *b); /* fine when there is none */
/* A matrix stored as [in, out], given as [out, in]. */
PF_MUST_CHECK bool pf_bind_transposed(pf_binder *b, const float **slot, int64_t in,
                                      int64_t out, pf_err *err, const char *name_format,
                                      ...) PF_PRINTF(6, 7);
PF_MUST_CHECK bool pf_bind_scalar(pf_binder *b, float *out, pf_err *err,
                                  const char *name);

/* Memory of the model's own, `n` floats, for numbers that are computed from tensors. */
PF_MUST_CHECK float *pf_bind_room(pf_binder *b, size_t n, pf_err *err);

/* Note that a tensor is known but not needed. Nothing happens when it is absent. */
void pf_bind_ignore(pf_binder *b, const char *name_format, ...) PF_PRINTF(2, 3);

/* Fails, naming the first of them, when tensors are left that nobody asked for; `what`
 * they do not belong to. */
PF_MUST_CHECK bool pf_bind_finish(const pf_binder *b, const char *what, pf_err *err);

/* Copy n floats that were bound: those that lie in the mapped file are read from it.
 * Any number of threads may do so at once. */
PF_MUST_CHECK bool pf_bind_read(const void *binder, const float *from, size_t n,
                                float *to, pf_err *err);

/* Is the file behind the numbers still as it was? To be asked before they are used. */
PF_MUST_CHECK bool pf_bind_check(const pf_binder *b, pf_err *err);

/* Hash of what was bound; all zero without `verify`. May be called once. */
pf_hash pf_bind_hash(pf_binder *b);

#endif
