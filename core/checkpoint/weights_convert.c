/*
 * weights_convert.c - tensors of any dtype and stride as row-major float32.
 *
 * A released checkpoint holds 300 MB of halves, so that loop counts: no branch in it, a
 * version of it for numbers side by side, and compiled as the kernels are.
 */
#include "core/checkpoint/weights.h"

#include <string.h>

#include "core/base/clones.h"

static inline uint32_t bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* binary16 has 5 bits of exponent (bias 15) and 10 of fraction. Moved into a float's
 * places its value is too small by 2^(127 - 15), which one exact product mends, for
 * subnormals too; infinity and NaN get the float's largest exponent instead. */
static inline float float_of_half(uint16_t half)
{
    uint32_t magnitude = half & 0x7FFFu, sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t bits = bits_of_float(float_of_bits(magnitude << 13) * 0x1p112f);
    uint32_t beyond = magnitude >= 0x7C00u ? 0x7F800000u : 0;
    return float_of_bits(bits | beyond | sign);
}

/* n elements, `step` bytes apart, of `type`; `expr` turns the element v into a float.
 * Elements side by side are copied to where they are aligned first: compilers vectorise
 * that, and not loads from anywhere. */
enum { CHUNK = 256 };
#define CONVERT_RUN(type, expr)                                                        \
    if (step == (ptrdiff_t)sizeof(type)) {                                             \
        type chunk[CHUNK];                                                             \
        for (size_t at = 0; at < n; at += CHUNK) {                                     \
            size_t m = n - at < CHUNK ? n - at : CHUNK;                                \
            memcpy(chunk, src + at * sizeof(type), m * sizeof(type));                  \
            for (size_t i = 0; i < m; i++) {                                           \
                type v = chunk[i];                                                     \
                dst[at + i] = (expr);                                                  \
            }                                                                          \
        }                                                                              \
        break;                                                                         \
    }                                                                                  \
    for (size_t i = 0; i < n; i++) {                                                   \
        type v;                                                                        \
        memcpy(&v, src + (ptrdiff_t)i * step, sizeof v);                               \
        dst[i] = (expr);                                                               \
    }                                                                                  \
    break

PF_CLONES
static void convert_run(pf_dtype dtype, const uint8_t *restrict src, ptrdiff_t step,
                        size_t n, float *restrict dst)
{
    switch (dtype) {
    case PF_DTYPE_F32:
        CONVERT_RUN(float, v);
    case PF_DTYPE_F16:
        CONVERT_RUN(uint16_t, float_of_half(v));
    case PF_DTYPE_BF16:
        CONVERT_RUN(uint16_t, float_of_bits((uint32_t)v << 16));
    case PF_DTYPE_F64:
        CONVERT_RUN(double, (float)v);
    case PF_DTYPE_I64:
        CONVERT_RUN(int64_t, (float)v);
    case PF_DTYPE_I32:
        CONVERT_RUN(int32_t, (float)v);
    case PF_DTYPE_I16:
        CONVERT_RUN(int16_t, (float)v);
    case PF_DTYPE_I8:
        CONVERT_RUN(int8_t, (float)v);
    case PF_DTYPE_U8:
        CONVERT_RUN(uint8_t, (float)v);
    case PF_DTYPE_BOOL:
        CONVERT_RUN(uint8_t, v ? 1.0f : 0.0f);
    }
}

void pf_tensor_read_f32(const pf_tensor *t, float *dst)
{
    size_t left = pf_tensor_elements(t);
    ptrdiff_t size = (ptrdiff_t)pf_dtype_size(t->dtype);
    if (pf_tensor_is_contiguous(t)) {
        if (t->dtype == PF_DTYPE_F32)
            memcpy(dst, t->data, left * sizeof *dst);
        else
            convert_run(t->dtype, t->data, size, left, dst);
        return;
    }
    /* An odometer over all axes but the last, which is one run. Not contiguous means
     * that the rank is at least 1. */
    int last = t->rank - 1;
    size_t run = (size_t)t->shape[last];
    int64_t index[PF_TENSOR_MAX_RANK] = {0};
    const uint8_t *src = t->data;
    for (;; dst += run) {
        convert_run(t->dtype, src, (ptrdiff_t)t->stride[last] * size, run, dst);
        left -= run;
        if (left == 0)
            return;
        int axis = last - 1;
        while (index[axis] == t->shape[axis] - 1) {
            src -= (ptrdiff_t)(index[axis] * t->stride[axis]) * size;
            index[axis--] = 0;
        }
        index[axis]++;
        src += (ptrdiff_t)t->stride[axis] * size;
    }
}
