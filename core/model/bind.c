/* bind.c - see bind.h. */
#include "core/model/bind.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

enum {
    NAME_MAX_BYTES = 192,
    FEW = 4096,      /* floats; a bias, the weights of a layer norm */
    PIECE = 1 << 15, /* floats that stay in the cache between reading and looking */
};

struct pf_binder {
    const pf_weights *weights;
    const char *prefix;
    bool *is_known; /* [count], in the order of pf_weights_at() */
    float **room;   /* converted tensors, owned */
    size_t n_room, cap_room;
    float *passing;    /* of pf_bind_passing() */
    pf_hasher *hasher; /* NULL without verify */
    float *piece;      /* [PIECE] with verify */
};

bool pf_binder_new(pf_binder **out, const pf_weights *weights, const char *prefix,
                   bool verify, pf_err *err)
{
    *out = NULL;
    pf_binder *b = pf_zalloc(sizeof *b, err);
    if (!b)
        return false;
    b->weights = weights;
    b->prefix = prefix;
    b->is_known = pf_alloc_array(pf_weights_count(weights), sizeof *b->is_known, err);
    if (verify) {
        b->hasher = pf_hasher_new(err);
        b->piece = pf_alloc_floats(PIECE, err);
    }
    if (!b->is_known || (verify && (!b->hasher || !b->piece))) {
        pf_binder_free(b);
        return false;
    }
    *out = b;
    return true;
}

void pf_binder_free(pf_binder *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n_room; i++)
        pf_free(b->room[i]);
    pf_free(b->room);
    pf_free(b->passing);
    pf_free(b->piece);
    pf_free(b->is_known);
    pf_hasher_free(b->hasher);
    pf_free(b);
}

float *pf_bind_room(pf_binder *b, size_t n, pf_err *err)
{
    if (!pf_grow_array(&b->room, &b->cap_room, b->n_room, sizeof *b->room, err))
        return NULL;
    float *room = pf_alloc_floats(n, err);
    if (room)
        b->room[b->n_room++] = room;
    return room;
}

static void shape_text(int rank, const int64_t *size, char *text, size_t n)
{
    size_t at = (size_t)snprintf(text, n, "[");
    for (int i = 0; i < rank && at < n; i++)
        at += (size_t)snprintf(text + at, n - at, "%s%lld", i ? ", " : "",
                               (long long)size[i]);
    if (at < n)
        snprintf(text + at, n - at, "]");
}

static const pf_tensor *look_up(pf_binder *b, const char *name)
{
    const pf_tensor *t = pf_weights_find(b->weights, name);
    for (size_t i = 0; t && i < pf_weights_count(b->weights); i++)
        b->is_known[i] |= pf_weights_at(b->weights, i) == t;
    return t;
}

static const pf_tensor *claim(pf_binder *b, const char *name, pf_shape shape,
                              pf_err *err)
{
    const pf_tensor *t = look_up(b, name);
    if (!t) {
        pf_fail(err, PF_ERR_FORMAT, "tensor '%s' is missing", name);
        return NULL;
    }
    if (t->rank != shape.rank ||
        memcmp(t->shape, shape.size, (size_t)t->rank * sizeof *t->shape) != 0) {
        char is[128], expected[128];
        shape_text(t->rank, t->shape, is, sizeof is);
        shape_text(shape.rank, shape.size, expected, sizeof expected);
        pf_fail(err, PF_ERR_FORMAT, "tensor '%s' has shape %s, expected %s", name, is,
                expected);
        return NULL;
    }
    switch (t->dtype) {
    case PF_DTYPE_F32:
    case PF_DTYPE_F16:
    case PF_DTYPE_BF16:
    case PF_DTYPE_F64:
        return t;
    default:
        pf_fail(err, PF_ERR_FORMAT, "tensor '%s' holds %s, expected floating point",
                name, pf_dtype_name(t->dtype));
        return NULL;
    }
}

static bool look_at(pf_binder *b, const char *name, const float *x, size_t n,
                    pf_err *err)
{
    if (!pf_kernel_is_finite(x, n))
        return pf_fail(
            err, PF_ERR_FORMAT,
            "tensor '%s' holds a NaN or an infinity; fetch the checkpoint again", name);
    pf_hasher_add(b->hasher, x, n * sizeof *x);
    return true;
}

/* All of a tensor that was read to `x`, or NULL: of one that stays where it is. */
static bool look_through(pf_binder *b, const pf_tensor *t, const float *x, pf_err *err)
{
    const size_t n = pf_tensor_elements(t);
    for (size_t at = 0; b->hasher && at < n; at += PIECE) {
        const size_t left = n - at < PIECE ? n - at : PIECE;
        if (!x && !pf_weights_read_plain(b->weights, t, at, left, b->piece, err))
            return pf_fail_in(err, "tensor '%s'", t->name);
        if (!look_at(b, t->name, x ? x + at : b->piece, left, err))
            return false;
    }
    return true;
}

static bool read_into(pf_binder *b, const pf_tensor *t, float *room, pf_err *err)
{
    return (pf_weights_read_f32(b->weights, t, room, err) ||
            pf_fail_in(err, "tensor '%s'", t->name)) &&
           look_through(b, t, room, err);
}

/* The floats of `t`, where they are or in memory of the model's own. */
static const float *floats_of(pf_binder *b, const pf_tensor *t, pf_err *err)
{
    const size_t n = pf_tensor_elements(t);
    if (pf_tensor_is_plain_f32(t) && n > FEW)
        return look_through(b, t, NULL, err) ? (const float *)(const void *)t->data
                                             : NULL;
    float *room = pf_bind_room(b, n, err);
    return room && read_into(b, t, room, err) ? room : NULL;
}

static void full_name(const pf_binder *b, char name[NAME_MAX_BYTES], const char *format,
                      va_list ap) PF_PRINTF(3, 0);

static void full_name(const pf_binder *b, char name[NAME_MAX_BYTES], const char *format,
                      va_list ap)
{
    size_t n = strlen(b->prefix);
    memcpy(name, b->prefix, n);
    vsnprintf(name + n, NAME_MAX_BYTES - n, format, ap);
}

bool pf_bind(pf_binder *b, const float **slot, pf_shape shape, pf_err *err,
             const char *name_format, ...)
{
    char name[NAME_MAX_BYTES];
    va_list ap;
    va_start(ap, name_format);
    full_name(b, name, name_format, ap);
    va_end(ap);
    const pf_tensor *t = claim(b, name, shape, err);
    *slot = t ? floats_of(b, t, err) : NULL;
    return *slot != NULL;
}

bool pf_bind_passing(pf_binder *b, const float **slot, pf_shape shape, pf_err *err,
                     const char *name_format, ...)
{
    char name[NAME_MAX_BYTES];
    va_list ap;
    va_start(ap, name_format);
    full_name(b, name, name_format, ap);
    va_end(ap);
    pf_bind_passed(b);
    *slot = NULL;
    const pf_tensor *t = claim(b, name, shape, err);
    if (!t)
        return false;
    b->passing = pf_alloc_floats(pf_tensor_elements(t), err);
    if (b->passing && read_into(b, t, b->passing, err))
        *slot = b->passing;
    return *slot != NULL;
}

void pf_bind_passed(pf_binder *b)
{
    pf_free(b->passing);
    b->passing = NULL;
}

bool pf_bind_transposed(pf_binder *b, const float **slot, int64_t in, int64_t out,
                        pf_err *err, const char *name_format, ...)
{
    char name[NAME_MAX_BYTES];
    va_list ap;
    va_start(ap, name_format);
    full_name(b, name, name_format, ap);
    va_end(ap);
    const pf_tensor *t = claim(b, name, PF_SHAPE2(in, out), err);
    if (!t) {
        *slot = NULL;
        return false;
    }
    pf_tensor turned = *t;
    turned.shape[0] = t->shape[1];
    turned.shape[1] = t->shape[0];
    turned.stride[0] = t->stride[1];
    turned.stride[1] = t->stride[0];
    *slot = floats_of(b, &turned, err);
    return *slot != NULL;
}

bool pf_bind_scalar(pf_binder *b, float *out, pf_err *err, const char *name)
{
    const float *x = NULL;
    char full[NAME_MAX_BYTES];
    snprintf(full, sizeof full, "%s%s", b->prefix, name);
    const pf_tensor *t = pf_weights_find(b->weights, full);
    /* torch.save() keeps some scalars as [1]. */
    pf_shape shape = t && t->rank == 1 ? PF_SHAPE1(1) : (pf_shape){0, {0}};
    if (!pf_bind(b, &x, shape, err, "%s", name))
        return false;
    *out = *x;
    return true;
}

void pf_bind_ignore(pf_binder *b, const char *name_format, ...)
{
    char name[NAME_MAX_BYTES];
    va_list ap;
    va_start(ap, name_format);
    full_name(b, name, name_format, ap);
    va_end(ap);
    look_up(b, name);
}

bool pf_bind_finish(const pf_binder *b, const char *what, pf_err *err)
{
    size_t n_unknown = 0;
    const char *first = NULL;
    for (size_t i = 0; i < pf_weights_count(b->weights); i++) {
        if (b->is_known[i])
            continue;
        if (n_unknown++ == 0)
            first = pf_weights_at(b->weights, i)->name;
    }
    if (n_unknown == 0)
        return true;
    if (n_unknown == 1)
        return pf_fail(err, PF_ERR_FORMAT, "tensor '%s' belongs to no %s of this size",
                       first, what);
    return pf_fail(err, PF_ERR_FORMAT,
                   "tensor '%s' and %zu more belong to no %s of this size", first,
                   n_unknown - 1, what);
}

bool pf_bind_read(const void *binder, const float *from, size_t n, float *to,
                  pf_err *err)
{
    const pf_binder *b = binder;
    const uintptr_t at = (uintptr_t)from;
    for (size_t i = 0; i < pf_weights_count(b->weights); i++) {
        const pf_tensor *t = pf_weights_at(b->weights, i);
        const uintptr_t start = (uintptr_t)t->data;
        if (at < start || !pf_tensor_is_plain_f32(t) ||
            at - start >= pf_tensor_elements(t) * sizeof *to)
            continue;
        const size_t first = (at - start) / sizeof *to;
        return pf_weights_read_plain(b->weights, t, first, n, to, err) ||
               pf_fail_in(err, "tensor '%s'", t->name);
    }
    memcpy(to, from, n * sizeof *to);
    return true;
}

bool pf_bind_check(const pf_binder *b, pf_err *err)
{
    return pf_weights_check(b->weights, err) || pf_fail_in(err, "checkpoint");
}

pf_hash pf_bind_hash(pf_binder *b)
{
    pf_hash hash = {{0}};
    if (b->hasher)
        hash = pf_hasher_finish(b->hasher);
    b->hasher = NULL;
    return hash;
}
