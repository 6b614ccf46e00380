/*
 * kernels.h - the arithmetic of the towers.
 *
 * Everything is row-major float32; shapes stand beside the pointers as [rows, columns].
 * Nothing allocates and nothing can fail: callers have checked shapes when the model
 * was loaded. A row's numbers depend on that row alone, to the last bit, whatever rows
 * are computed with it: so a picture and a text have the same vector alone and in every
 * batch. No BLAS promises that; OpenBLAS treats the rows at an edge otherwise than
 * those within (bench/results.md). It holds on one machine: another has another
 * instruction set, and other last bits.
 */
#ifndef PF_CORE_MODEL_KERNELS_H
#define PF_CORE_MODEL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model/packed.h"

/* A linear layer: y = x w^T + bias. */
typedef struct {
    const float *weight; /* [out, in], as PyTorch stores it; packed, it is not read */
    const float *bias;   /* [out], or NULL */
    size_t in, out;
    pf_packed packed; /* the weights as products take them */
} pf_linear;

typedef struct {
    const float *gain, *bias; /* [width] each */
} pf_norm;

/* y[n, width] = (x - mean) / sqrt(variance + eps) * gain + bias, row by row. y may be
 * x. */
void pf_kernel_layer_norm(const pf_norm *norm, float eps, const float *x, size_t n,
                          size_t width, float *y);

/* What stands between the two layers of an MLP; a checkpoint works with its own only.
 */
typedef enum {
    PF_ACTIVATION_UNKNOWN, /* nobody has said; never in a tower */
    PF_QUICK_GELU,         /* x * sigmoid(1.702 x): OpenAI's (clip/model.py) */
    PF_GELU,               /* x * Phi(x), Phi the normal distribution: exact */
    PF_GELU_TANH,          /* x * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
} pf_activation;

/* In place. */
void pf_kernel_activate(pf_activation activation, float *x, size_t n);

/* y[n, ldy] = rows w^T + bias; with `add`, y += that. `ldy` >= out. `then`, unless it
 * is PF_ACTIVATION_UNKNOWN, is applied to what comes of it, or max(y, 0) with `relu`.
 */
typedef struct {
    const pf_linear *layer;
    pf_rows rows; /* [n, layer->in], of the precision that it is packed in */
    float *y;
    size_t ldy;
    bool add, relu;
    pf_activation then;
} pf_product;

/* The columns of panels `first` to `end` - 1 alone. */
void pf_kernel_linear(const pf_product *p, size_t first, size_t end);

/* y += x */
void pf_kernel_add(float *y, const float *x, size_t n);

/*
 * Scaled dot-product attention of one sequence, all heads.
 *
 * q [nq, heads * head_width] with row stride ldq, k and v [nk, ...] with row stride
 * ldkv, out [nq, ...] with row stride ldo. With `is_causal`, query i sees keys 0..i (nq
 * == nk).
 */
typedef struct {
    const float *q, *k, *v;
    float *out;
    float *scratch; /* pf_attention_scratch() floats, aligned to 64 bytes */
    size_t nq, nk, heads, head_width, ldq, ldkv, ldo;
    bool is_causal;
} pf_attention;

/* A multiple of 16. */
size_t pf_attention_scratch(size_t nq, size_t nk, size_t head_width);
/* Heads `first` to `end` - 1. */
void pf_kernel_attention(const pf_attention *a, size_t first, size_t end);

/* Row-wise softmax in place: x [n, width]. */
void pf_kernel_softmax(float *x, size_t n, size_t width);

/* False when there is a NaN or an infinity among them. */
bool pf_kernel_is_finite(const float *x, size_t n);

/* Scale the vector to length 1. Returns false, leaving it alone, when its length is
 * zero or not finite. The length is accumulated in double. */
bool pf_kernel_normalize(float *x, size_t n);

/*
 * Convolution over maps laid out [height, width, channels], as one matrix product per
 * block of output positions: the receptive fields are gathered and multiplied by the
 * weights [out, size, size, in]. Integers are made of a whole map at once, so that a
 * number is rounded once and not once for each field it is in. Where its `points` are
 * packed in the place of the kernel it goes another way (winograd.h).
 */
typedef struct {
    pf_linear kernel; /* in = size * size * channels; bias always there */
    size_t channels, size, stride, padding;
    bool has_points;
    pf_linear points;
} pf_conv;

enum { PF_CONV_BLOCK = 240 }; /* output positions gathered at once */

/* Bytes of working memory that pf_kernel_conv() needs for n maps, however it is
 * computed. */
size_t pf_conv_scratch(const pf_conv *c, size_t n, size_t height, size_t width);
/* Output side for an input side. */
size_t pf_conv_side(const pf_conv *c, size_t side);
/* x [n, height, width, channels] -> y [n, height', width', out]. */
typedef struct {
    const float *x;
    size_t n, height, width;
    float *y;
    void *scratch; /* pf_conv_scratch() bytes, aligned to 64 */
    bool add;      /* to what y is already; of a product for each position alone */
    bool relu;     /* max(y, 0) at the end */
} pf_conv_maps;

void pf_kernel_conv(const pf_conv *c, const pf_conv_maps *maps);

/* Mean over size x size squares (stride = size; what does not fill one is left out):
 * x [height, width, channels] -> y [height / size, width / size, channels]. */
void pf_kernel_average_pool(const float *x, size_t height, size_t width,
                            size_t channels, size_t size, float *y);

#endif
