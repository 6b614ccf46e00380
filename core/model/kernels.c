/*
 * kernels.c - layers made of products (product.h) and of loops that the compiler can
 * vectorise. See kernels.h.
 *
 * Loops that matter are compiled twice (clones.h). No -ffast-math anywhere: order of
 * operations is what is written.
 */
#include "core/model/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/clones.h"
#include "core/model/product.h"

/*
 * e^x for x <= 0 or so, good to 2 units in the last place, without a branch so that it
 * vectorises: x = n ln 2 + r with |r| <= ln 2 / 2, then e^r by its Taylor series (the
 * eighth term is below 6e-9) and 2^n by building the exponent. x is held in a range
 * where 2^n is a normal number.
 */
static inline float exp_of(float x)
{
    const float round_to_int =
        12582912.0f; /* 1.5 * 2^23: adding it drops the fraction */
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
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
void pf_kernel_add(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void set_rows(float *y, size_t ldy, size_t n, const float *bias, size_t width)
{
    for (size_t i = 0; i < n; i++)
        memcpy(y + i * ldy, bias, width * sizeof *y);
}

static void clear_rows(float *y, size_t ldy, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++)
        memset(y + i * ldy, 0, width * sizeof *y);
}

static void add_to_rows(float *y, size_t ldy, size_t n, const float *bias, size_t width)
{
    for (size_t i = 0; i < n; i++)
        pf_kernel_add(y + i * ldy, bias, width);
}

void pf_kernel_linear(const pf_linear *l, const float *x, size_t n, float *y,
                      size_t ldy, bool add)
{
    if (l->bias && add)
        add_to_rows(y, ldy, n, l->bias, l->out);
    else if (l->bias)
        set_rows(y, ldy, n, l->bias, l->out);
    else if (!add)
        clear_rows(y, ldy, n, l->out);
    const pf_product p = {.x = x,
                          .w = l->weight,
                          .y = y,
                          .ldx = l->in,
                          .ldw = l->in,
                          .ldy = ldy,
                          .n = n,
                          .depth = l->in,
                          .width = l->out,
                          .w_is_transposed = true};
    pf_product_add(&p);
}

/* Sums run in eight lanes, so that they vectorise and stay the same on every machine.
 */
enum { LANES = 8 };

static inline float sum_lanes(const float *lane)
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static inline float row_sum(const float *x, size_t n)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            lane[j] += x[i + j];
    }
    for (; i < n; i++)
        lane[i % LANES] += x[i];
    return sum_lanes(lane);
}

static inline float row_square_sum(const float *x, size_t n, float mean)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
    }
    for (; i < n; i++)
        lane[i % LANES] += (x[i] - mean) * (x[i] - mean);
    return sum_lanes(lane);
}

PF_CLONES
void pf_kernel_layer_norm(const pf_norm *norm, float eps, const float *x, size_t n,
                          size_t width, float *y)
{
    const float *gain = norm->gain, *bias = norm->bias;
    for (size_t i = 0; i < n; i++, x += width, y += width) {
        float mean = row_sum(x, width) / (float)width;
        float variance = row_square_sum(x, width, mean) / (float)width;
        float scale = 1.0f / sqrtf(variance + eps);
        for (size_t j = 0; j < width; j++)
            y[j] = (x[j] - mean) * scale * gain[j] + bias[j];
    }
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

PF_CLONES
void pf_kernel_relu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0.0f ? x[i] : 0.0f;
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
        float scale = 1.0f / row_sum(x, width);
        for (size_t j = 0; j < width; j++)
            x[j] *= scale;
    }
}

/* Causal rows grow by one: row i has i + 1 scores that count, the rest become zero. */
static void causal_softmax(float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pf_kernel_softmax(scores + i * n, 1, i + 1);
        memset(scores + i * n + i + 1, 0, (n - i - 1) * sizeof *scores);
    }
}

/* scores [nq, nk] = scale * q k^T of the head whose columns begin at `at` */
static void score(const pf_attention *a, size_t at)
{
    const float scale = 1.0f / sqrtf((float)a->head_width);
    const pf_product p = {.x = a->q + at,
                          .w = a->k + at,
                          .y = a->scores,
                          .ldx = a->ldq,
                          .ldw = a->ldkv,
                          .ldy = a->nk,
                          .n = a->nq,
                          .depth = a->head_width,
                          .width = a->nk,
                          .w_is_transposed = true};
    clear_rows(a->scores, a->nk, a->nq, a->nk);
    pf_product_add(&p);
    for (size_t i = 0; i < a->nq * a->nk; i++)
        a->scores[i] *= scale;
}

/* out [nq, head_width] = scores v */
static void mix(const pf_attention *a, size_t at)
{
    const pf_product p = {.x = a->scores,
                          .w = a->v + at,
                          .y = a->out + at,
                          .ldx = a->nk,
                          .ldw = a->ldkv,
                          .ldy = a->ldo,
                          .n = a->nq,
                          .depth = a->nk,
                          .width = a->head_width};
    clear_rows(a->out + at, a->ldo, a->nq, a->head_width);
    pf_product_add(&p);
}

void pf_kernel_attention(const pf_attention *a)
{
    for (size_t h = 0; h < a->heads; h++) {
        const size_t at = h * a->head_width;
        score(a, at);
        if (a->is_causal)
            causal_softmax(a->scores, a->nk);
        else
            pf_kernel_softmax(a->scores, a->nq, a->nk);
        mix(a, at);
    }
}

/* Looks at the exponent bits, so that it vectorises. */
PF_CLONES
bool pf_kernel_is_finite(const float *x, size_t n)
{
    const uint32_t exponent = 0x7F800000u;
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return bad == 0;
}

bool pf_kernel_normalize(float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * x[i];
    if (!isfinite(squares) || squares <= 0)
        return false;
    double scale = 1 / sqrt(squares);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] * scale);
    return true;
}

size_t pf_conv_columns_size(const pf_conv *c)
{
    bool is_pointwise = c->size == 1 && c->stride == 1 && c->padding == 0;
    return is_pointwise ? 0 : PF_CONV_BLOCK * c->kernel.in;
}

size_t pf_conv_side(const pf_conv *c, size_t side)
{
    return (side + 2 * c->padding - c->size) / c->stride + 1;
}

/* The receptive field of output position (row, column): [size, size, channels], with
 * zeros where it hangs over the edge. */
static void gather_field(const pf_conv *c, const float *x, size_t height, size_t width,
                         size_t row, size_t column, float *field)
{
    const size_t run = c->size * c->channels;
    /* Positions are unsigned; one left of or above the picture wraps to a huge number
     * and fails the same comparison as one beyond the other edge. */
    size_t x0 = column * c->stride - c->padding;
    for (size_t i = 0; i < c->size; i++, field += run) {
        size_t yy = row * c->stride + i - c->padding;
        if (yy >= height) {
            memset(field, 0, run * sizeof *field);
        } else if (x0 < width && x0 + c->size <= width) {
            memcpy(field, x + (yy * width + x0) * c->channels, run * sizeof *field);
        } else {
            for (size_t j = 0; j < c->size; j++) {
                float *to = field + j * c->channels;
                if (x0 + j < width)
                    memcpy(to, x + (yy * width + x0 + j) * c->channels,
                           c->channels * sizeof *to);
                else
                    memset(to, 0, c->channels * sizeof *to);
            }
        }
    }
}

void pf_kernel_conv(const pf_conv *c, const float *x, size_t height, size_t width,
                    float *y, float *columns, bool relu)
{
    size_t out_width = pf_conv_side(c, width);
    size_t positions = pf_conv_side(c, height) * out_width;
    bool is_pointwise = pf_conv_columns_size(c) == 0;
    for (size_t at = 0; at < positions; at += PF_CONV_BLOCK) {
        size_t n = positions - at < PF_CONV_BLOCK ? positions - at : PF_CONV_BLOCK;
        const float *fields = is_pointwise ? x + at * c->channels : columns;
        for (size_t i = 0; !is_pointwise && i < n; i++)
            gather_field(c, x, height, width, (at + i) / out_width,
                         (at + i) % out_width, columns + i * c->kernel.in);
        float *to = y + at * c->kernel.out;
        pf_kernel_linear(&c->kernel, fields, n, to, c->kernel.out, false);
        if (relu)
            pf_kernel_relu(to, n * c->kernel.out);
    }
}

PF_CLONES
void pf_kernel_average_pool(const float *restrict x, size_t height, size_t width,
                            size_t channels, size_t size, float *restrict y)
{
    const float scale = 1.0f / (float)(size * size);
    for (size_t row = 0; row < height / size; row++) {
        for (size_t column = 0; column < width / size; column++, y += channels) {
            memset(y, 0, channels * sizeof *y);
            for (size_t k = 0; k < size * size; k++) {
                const float *from =
                    x + ((row * size + k / size) * width + column * size + k % size) *
                            channels;
                for (size_t j = 0; j < channels; j++)
                    y[j] += from[j];
            }
            for (size_t j = 0; j < channels; j++)
                y[j] *= scale;
        }
    }
}
