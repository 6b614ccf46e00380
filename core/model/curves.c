/*
 * curves.c - what stands between products: activations and softmax, with one e^x behind
 * them. See kernels.h.
 *
 * A multiplication and an addition become one instruction where there is one
 * (-ffp-contract=fast), so last bits differ between machines.
 */
#include "core/model/kernels.h"

#include <math.h>
#include <stdint.h>

#include "core/base/clones.h"

/*
 * x held between -87 and 88, where 2^n is a normal number. The bits of floats of one
 * sign are in the order of the floats, and integers have instructions for this. (Said
 * with floats, gcc makes branches of it and divides twice, once by so much that the
 * processor takes its time: QuickGELU took ten times as long.) A NaN comes out as a
 * number; nothing that has one in it depends on this alone.
 */
static inline float hold(float x)
{
    const int32_t top = 0x42B00000;     /* 88 */
    const uint32_t bottom = 0xC2AE0000; /* -87 */
    union {
        float value;
        int32_t bits;
        uint32_t size; /* the larger, the lower, of what is below zero */
    } u = {.value = x};
    u.bits = u.bits < top ? u.bits : top;
    u.size = u.size < bottom ? u.size : bottom;
    return u.value;
}

/*
 * e^x for x <= 0 or so, good to 2 units in the last place, without a branch so that it
 * vectorises: x = n ln 2 + r with |r| <= ln 2 / 2, then e^r by its Taylor series (the
 * eighth term is below 6e-9) and 2^n by building the exponent.
 */
static inline float exp_of(float x)
{
    const float round_to_int =
        12582912.0f; /* 1.5 * 2^23: adding it drops the fraction */
    x = hold(x);
    float n = (x * 1.44269504f + round_to_int) - round_to_int;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two pieces */
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    union {
        uint32_t bits;
        float value;
    } power = {.bits = (uint32_t)((int32_t)n + 127) << 23};
    return p * power.value;
}

PF_CLONES
static void quick_gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1.0f + exp_of(-1.702f * x[i]));
}

/*
 * Phi(-a) for a >= 0, the tail of the normal distribution: e^(-a^2 / 2) times a
 * polynomial in t = 1 / (1 + 0.33 a), fitted to it by Remez' exchange so that the
 * largest relative error is 1.6e-8; after rounding to float some 1e-6 far out, where
 * the tail is nothing, and 2e-7 where it matters.
 */
static inline float tail_of(float a)
{
    const float t = 1.0f / (1.0f + 0.33f * a);
    float p = -0.00949340958f;
    p = p * t + 0.0274377065f;
    p = p * t + 0.0177437656f;
    p = p * t - 0.1379035544f;
    p = p * t + 0.1266522095f;
    p = p * t - 0.0091329675f;
    p = p * t + 0.1072323364f;
    p = p * t + 0.1138130540f;
    p = p * t + 0.1320160720f;
    p = p * t + 0.1316347800f;
    return p * t * exp_of(-0.5f * a * a);
}

PF_CLONES
static void gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float tail = tail_of(fabsf(x[i]));
        x[i] *= x[i] < 0.0f ? tail : 1.0f - tail;
    }
}

/* (1 + tanh(u)) / 2 is 1 / (1 + e^(-2 u)). */
PF_CLONES
static void gelu_tanh(float *x, size_t n)
{
    const float twice = 1.5957691216f; /* 2 sqrt(2 / pi) */
    for (size_t i = 0; i < n; i++) {
        const float u = x[i] + 0.044715f * x[i] * x[i] * x[i];
        x[i] = x[i] / (1.0f + exp_of(-twice * u));
    }
}

void pf_kernel_activate(pf_activation activation, float *x, size_t n)
{
    if (activation == PF_GELU)
        gelu(x, n);
    else if (activation == PF_GELU_TANH)
        gelu_tanh(x, n);
    else
        quick_gelu(x, n);
}

enum { LANES = 16 };

/* In one order on every machine, so that it vectorises. */
static inline float sum_of(const float *x, size_t n)
{
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            lane[j] += x[i + j];
    }
    for (; i < n; i++)
        lane[i % LANES] += x[i];
    for (size_t j = 0; j < LANES; j++)
        sum += lane[j];
    return sum;
}

PF_CLONES
void pf_kernel_softmax(float *x, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++, x += width) {
        float top = x[0];
        for (size_t j = 1; j < width; j++)
            top = x[j] > top ? x[j] : top;
        for (size_t j = 0; j < width; j++)
            x[j] = exp_of(x[j] - top);
        float scale = 1.0f / sum_of(x, width);
        for (size_t j = 0; j < width; j++)
            x[j] *= scale;
    }
}
