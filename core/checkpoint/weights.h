/*
 * weights.h - "name -> dtype, shape, bytes", whatever the container.
 *
 * A checkpoint file is mapped, its directory is read and checked, and from then on a
 * tensor is known to lie inside the mapping: nobody behind this boundary validates
 * again, and nobody in front of it knows safetensors, torch zips or pickles. Tensor
 * bytes are not touched by opening. A pf_weights is immutable once open, so threads may
 * share it.
 *
 * What the file's owner does to it meanwhile is an error of the next call that reads
 * it or asks pf_weights_check(); see source.h.
 */
#ifndef PF_CORE_CHECKPOINT_WEIGHTS_H
#define PF_CORE_CHECKPOINT_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"

typedef enum {
    PF_DTYPE_F32,
    PF_DTYPE_F16,
    PF_DTYPE_BF16,
    PF_DTYPE_F64,
    PF_DTYPE_I64,
    PF_DTYPE_I32,
    PF_DTYPE_I16,
    PF_DTYPE_I8,
    PF_DTYPE_U8,
    PF_DTYPE_BOOL,
} pf_dtype;

enum { PF_TENSOR_MAX_RANK = 8 };

/* One tensor; everything is borrowed from the pf_weights. */
typedef struct {
    const char *name; /* UTF-8, no NUL inside */
    pf_dtype dtype;
    int rank;                           /* 0 is a scalar */
    int64_t shape[PF_TENSOR_MAX_RANK];  /* each at least 1 */
    int64_t stride[PF_TENSOR_MAX_RANK]; /* in elements; row-major when contiguous */
    const uint8_t *data; /* first element, little-endian, any alignment; mapped, to be
                            used after pf_weights_check() */
} pf_tensor;

typedef struct pf_weights pf_weights;

/* Open a checkpoint file: safetensors, torch zip or torch legacy, told apart by
 * content, or an index (its name ends in ".index.json") of several safetensors files
 * beside it. Of a torch file only the tensors of its state dict are listed. Oddities
 * that are no failure (entries that were passed over, say) go to `notes`, which may be
 * NULL. On success *out is the caller's and holds at least one tensor; on failure it is
 * NULL. The tensors may show twice as many bytes as the file has: some are tied, but a
 * storage that many share would fill any memory.
 * PF_ERR_UNSUPPORTED: something else than a checkpoint, or of a kind not read here;
 * PF_ERR_FORMAT: damaged; PF_ERR_LIMIT: more of something than is accepted. */
PF_MUST_CHECK bool pf_weights_open(pf_weights **out, const char *path, pf_notes *notes,
                                   pf_err *err);
/* The same for a file that is already in memory; `bytes` must outlive *out. */
PF_MUST_CHECK bool pf_weights_open_bytes(pf_weights **out, const void *bytes, size_t n,
                                         pf_notes *notes, pf_err *err);
void pf_weights_close(pf_weights *w); /* NULL is fine */

/* "safetensors", "safetensors in parts", "torch zip" or "torch legacy". */
const char *pf_weights_container(const pf_weights *w);
/* The files that an index names; none without one. */
size_t pf_weights_parts(const pf_weights *w);
const char *pf_weights_part(const pf_weights *w, size_t i); /* its path */

size_t pf_weights_count(const pf_weights *w);
const pf_tensor *pf_weights_at(const pf_weights *w, size_t i); /* sorted by name */
/* NULL when there is none of that name. */
const pf_tensor *pf_weights_find(const pf_weights *w, const char *name);

const char *pf_dtype_name(pf_dtype dtype); /* "float32", "int64", ... */
size_t pf_dtype_size(pf_dtype dtype);      /* bytes of one element */
size_t pf_tensor_elements(const pf_tensor *t);
bool pf_tensor_is_contiguous(const pf_tensor *t);

/* True when the bytes can be used in place as `const float *` in row-major order. */
bool pf_tensor_is_plain_f32(const pf_tensor *t);
/* Convert to row-major float32: `dst` holds pf_tensor_elements() floats. Any dtype. For
 * a tensor in memory: one of a file is read by the next. */
void pf_tensor_read_f32(const pf_tensor *t, float *dst);

/* The same, from the file. */
PF_MUST_CHECK bool pf_weights_read_f32(const pf_weights *w, const pf_tensor *t,
                                       float *dst, pf_err *err);
/* Copy the floats first .. first + n - 1 of a tensor that can be used in place. */
PF_MUST_CHECK bool pf_weights_read_plain(const pf_weights *w, const pf_tensor *t,
                                         size_t first, size_t n, float *dst,
                                         pf_err *err);
/* Is the file still as it was? To be asked before each use of tensors in place; costs
 * an fstat(). */
PF_MUST_CHECK bool pf_weights_check(const pf_weights *w, pf_err *err);

#endif
