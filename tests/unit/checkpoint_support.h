/*
 * checkpoint_support.h - the micro checkpoints of tests/golden/containers, and ways to
 * break them. A blob has room to grow, so patches may lengthen it.
 */
#ifndef PF_TESTS_UNIT_CHECKPOINT_SUPPORT_H
#define PF_TESTS_UNIT_CHECKPOINT_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/checkpoint/weights.h"
#include "tests/support/tree.h"
#include "tests/unit/guarded.h"
#include "tests/unit/test_support.h"

#define CONTAINERS PF_TESTS_DIR "/golden/containers/"

enum { BLOB_ROOM = 1 << 20 };

typedef struct {
    uint8_t *p;
    size_t n;
} blob;

static const char *blob_case = ""; /* the patch that is being made */

static inline blob blob_read(const char *path)
{
    blob b = {malloc(BLOB_ROOM), 0};
    assert_non_null(b.p);
    b.n = pf_tree_read(path, b.p, BLOB_ROOM);
    return b;
}

static inline blob blob_golden(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", CONTAINERS, name);
    return blob_read(path);
}

static inline void blob_free(blob *b)
{
    free(b->p);
    *b = (blob){0};
}

/* Where `what` starts, from `from` on; SIZE_MAX when it is not there. */
static inline size_t blob_search(const blob *b, size_t from, const void *what, size_t n)
{
    for (size_t i = from; n <= b->n && i <= b->n - n; i++) {
        if (memcmp(b->p + i, what, n) == 0)
            return i;
    }
    return SIZE_MAX;
}

static inline size_t blob_find(const blob *b, const void *what, size_t n)
{
    size_t at = blob_search(b, 0, what, n);
    if (at == SIZE_MAX)
        fail_msg("patch '%s' finds no place", blob_case);
    return at;
}

/* Put `n_new` bytes in place of `n_old` at `at`. */
static inline void blob_splice(blob *b, size_t at, size_t n_old, const void *bytes,
                               size_t n_new)
{
    assert_true(b->n - n_old + n_new <= BLOB_ROOM);
    memmove(b->p + at + n_new, b->p + at + n_old, b->n - at - n_old);
    memcpy(b->p + at, bytes, n_new);
    b->n = b->n - n_old + n_new;
}

/* Replace the first occurrence of a literal by another one. */
#define blob_swap(b, from, to)                                                         \
    blob_splice(b, blob_find(b, from, sizeof from - 1), sizeof from - 1, to,           \
                sizeof to - 1)

static inline void blob_set(blob *b, size_t at, uint64_t v, size_t width)
{
    for (size_t i = 0; i < width; i++)
        b->p[at + i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t blob_get(const blob *b, size_t at, size_t width)
{
    uint64_t v = 0;
    for (size_t i = width; i-- > 0;)
        v = v << 8 | b->p[at + i];
    return v;
}

/* CRC-32 as zlib and Python's binascii compute it. */
static inline uint32_t crc32_of(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static inline float *tensor_floats(const pf_tensor *t)
{
    pf_err err = PF_ERR_INIT;
    float *v = pf_alloc_floats(pf_tensor_elements(t), &err);
    if (!v)
        fail_msg("%s", err.msg);
    pf_tensor_read_f32(t, v);
    return v;
}

/* One number for all that a checkpoint says: names, dtypes, shapes, values. */
static inline uint32_t checkpoint_digest(const pf_weights *w)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < pf_weights_count(w); i++) {
        const pf_tensor *t = pf_weights_at(w, i);
        float *v = tensor_floats(t);
        uint32_t part[] = {sum, crc32_of(t->name, strlen(t->name)), (uint32_t)t->dtype,
                           crc32_of(t->shape, (size_t)t->rank * sizeof *t->shape),
                           crc32_of(v, pf_tensor_elements(t) * sizeof *v)};
        sum = crc32_of(part, sizeof part);
        pf_free(v);
    }
    return sum;
}

#endif
