/*
 * resnet.c - CLIP's ModifiedResNet image tower (clip/model.py).
 *
 * Feature maps are laid out [height, width, channels], so that a 1 x 1 convolution is
 * one matrix product, a receptive field is a few straight copies, and the attention
 * pool finds its tokens ready. Batch norms (running statistics, eps 1e-5) are folded
 * into the convolution before them when the model is bound: w' = w g / sqrt(var + eps),
 * b' = bias - mean g / sqrt(var + eps).
 */
#include "core/model/tower.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

static const double batch_norm_eps = 1e-5; /* torch.nn.BatchNorm2d */

/* ---- binding ---- */

typedef struct {
    const float *gain, *bias, *mean, *variance;
} batch_norm;

static bool bind_batch_norm(batch_norm *bn, pf_binder *b, int channels,
                            const char *name, pf_err *err)
{
    pf_shape shape = PF_SHAPE1(channels);
    pf_bind_ignore(b, "%s.num_batches_tracked", name);
    return pf_bind(b, &bn->gain, shape, err, "%s.weight", name) &&
           pf_bind(b, &bn->bias, shape, err, "%s.bias", name) &&
           pf_bind(b, &bn->mean, shape, err, "%s.running_mean", name) &&
           pf_bind(b, &bn->variance, shape, err, "%s.running_var", name);
}

/* w [out, in, size, size] times its channel's scale -> weight [out, size, size, in]. */
static void fold(const float *w, const batch_norm *bn, size_t in, size_t out,
                 size_t size, float *weight, float *bias)
{
    const size_t area = size * size;
    for (size_t o = 0; o < out; o++) {
        double scale = bn->gain[o] / sqrt((double)bn->variance[o] + batch_norm_eps);
        bias[o] = (float)(bn->bias[o] - bn->mean[o] * scale);
        for (size_t k = 0; k < area; k++) {
            for (size_t i = 0; i < in; i++)
                weight[(o * area + k) * in + i] =
                    (float)(w[(o * in + i) * area + k] * scale);
        }
    }
}

static bool bind_conv(pf_conv *c, pf_binder *b, int in, int out, int size, int stride,
                      const char *conv, const char *norm, pf_err *err)
{
    const float *w = NULL;
    batch_norm bn;
    if (!pf_bind_passing(b, &w, PF_SHAPE4(out, in, size, size), err, "%s.weight",
                         conv) ||
        !bind_batch_norm(&bn, b, out, norm, err))
        return false;
    size_t field = (size_t)(in * size * size);
    float *weight = pf_bind_room(b, (size_t)out * field, err);
    float *bias = weight ? pf_bind_room(b, (size_t)out, err) : NULL;
    if (!bias)
        return false;
    for (int o = 0; o < out; o++) {
        if (!((double)bn.variance[o] + batch_norm_eps > 0))
            return pf_fail(err, PF_ERR_FORMAT,
                           "tensor '%s.running_var' has the value %g", norm,
                           (double)bn.variance[o]);
    }
    fold(w, &bn, (size_t)in, (size_t)out, (size_t)size, weight, bias);
    pf_bind_passed(b);
    *c = (pf_conv){.kernel = {weight, bias, field, (size_t)out, {0}},
                   .channels = (size_t)in,
                   .size = (size_t)size,
                   .stride = (size_t)stride,
                   .padding = (size_t)size / 2};
    return true;
}

static bool bind_stem(pf_resnet_tower *r, pf_binder *b, int width, pf_err *err)
{
    const int half = width / 2;
    return bind_conv(&r->stem[0], b, 3, half, 3, 2, "visual.conv1", "visual.bn1",
                     err) &&
           bind_conv(&r->stem[1], b, half, half, 3, 1, "visual.conv2", "visual.bn2",
                     err) &&
           bind_conv(&r->stem[2], b, half, width, 3, 1, "visual.conv3", "visual.bn3",
                     err);
}

static bool bind_part(pf_conv *c, pf_binder *b, int in, int out, int size,
                      const char *stem, const char *conv, const char *norm, pf_err *err)
{
    char conv_name[64], norm_name[64];
    snprintf(conv_name, sizeof conv_name, "%s.%s", stem, conv);
    snprintf(norm_name, sizeof norm_name, "%s.%s", stem, norm);
    return bind_conv(c, b, in, out, size, 1, conv_name, norm_name, err);
}

/* `in` channels come, 4 * mid go. */
static bool bind_bottleneck(pf_bottleneck *n, pf_binder *b, int in, int mid,
                            bool halves, bool has_shortcut, const char *stem,
                            pf_err *err)
{
    n->pool = halves ? 2 : 1;
    n->has_shortcut = has_shortcut;
    return bind_part(&n->reduce, b, in, mid, 1, stem, "conv1", "bn1", err) &&
           bind_part(&n->spatial, b, mid, mid, 3, stem, "conv2", "bn2", err) &&
           bind_part(&n->expand, b, mid, 4 * mid, 1, stem, "conv3", "bn3", err) &&
           (!has_shortcut || bind_part(&n->shortcut, b, in, 4 * mid, 1, stem,
                                       "downsample.0", "downsample.1", err));
}

static bool bind_stages(pf_resnet_tower *r, pf_binder *b, const pf_dims *d, pf_err *err)
{
    for (int s = 0; s < 4; s++)
        r->n_blocks += (size_t)d->stages[s];
    r->blocks = pf_alloc_array(r->n_blocks, sizeof *r->blocks, err);
    if (!r->blocks)
        return false;
    pf_bottleneck *next = r->blocks;
    int in = d->stem;
    for (int s = 0; s < 4; s++) {
        int mid = d->stem << s;
        for (int i = 0; i < d->stages[s]; i++, in = 4 * mid) {
            char stem[48];
            snprintf(stem, sizeof stem, "visual.layer%d.%d", s + 1, i);
            if (!bind_bottleneck(next++, b, in, mid, s > 0 && i == 0, i == 0, stem,
                                 err))
                return false;
        }
    }
    return true;
}

static bool bind_pool_linear(pf_linear *l, pf_binder *b, int in, int out,
                             const char *name, pf_err *err)
{
    l->in = (size_t)in;
    l->out = (size_t)out;
    return pf_bind(b, &l->weight, PF_SHAPE2(out, in), err, "visual.attnpool.%s.weight",
                   name) &&
           pf_bind(b, &l->bias, PF_SHAPE1(out), err, "visual.attnpool.%s.bias", name);
}

bool pf_resnet_bind(pf_clip *clip, pf_err *err)
{
    const pf_dims *d = &clip->dims;
    pf_resnet_tower *r = &clip->resnet;
    pf_binder *b = clip->binder;
    const int wide = 32 * d->stem, positions = 1 + d->grid * d->grid;
    return bind_stem(r, b, d->stem, err) && bind_stages(r, b, d, err) &&
           pf_bind(b, &r->positions, PF_SHAPE2(positions, wide), err,
                   "visual.attnpool.positional_embedding") &&
           bind_pool_linear(&r->query, b, wide, wide, "q_proj", err) &&
           bind_pool_linear(&r->key, b, wide, wide, "k_proj", err) &&
           bind_pool_linear(&r->value, b, wide, wide, "v_proj", err) &&
           bind_pool_linear(&r->output, b, wide, d->embed, "c_proj", err);
}

/* ---- the forward pass ---- */

/* A feature map, square, in one of the session's rooms. */
typedef struct {
    float *at;
    size_t side, channels;
} map;

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The largest map, in floats, and the largest working memory of a convolution, in
 * bytes, of a whole pass. */
static void measure(const pf_resnet_tower *r, size_t size, size_t *map_size,
                    size_t *scratch)
{
    size_t side = size, largest = size * size * 3, needed = 0;
    for (size_t i = 0; i < 3; i++) {
        needed = most(needed, pf_conv_scratch(&r->stem[i], side, side));
        side = pf_conv_side(&r->stem[i], side);
        largest = most(largest, side * side * r->stem[i].kernel.out);
    }
    side /= 2;
    for (size_t i = 0; i < r->n_blocks; i++) {
        const pf_bottleneck *b = &r->blocks[i];
        largest = most(largest, side * side * b->spatial.kernel.out);
        needed = most(needed, most(pf_conv_scratch(&b->reduce, side, side),
                                   pf_conv_scratch(&b->spatial, side, side)));
        side /= b->pool;
        largest = most(largest, side * side * b->expand.kernel.out);
        needed = most(needed, pf_conv_scratch(&b->expand, side, side));
        if (b->has_shortcut)
            needed = most(needed, pf_conv_scratch(&b->shortcut, side, side));
    }
    *map_size = largest;
    *scratch = needed;
}

static void convolve(pf_session *s, const pf_conv *c, const map *in, map *out,
                     bool relu)
{
    pf_kernel_conv(c, in->at, in->side, in->side, out->at, s->room[PF_ROOM_FIELDS],
                   relu);
    out->side = pf_conv_side(c, in->side);
    out->channels = c->kernel.out;
}

static void pool(const map *in, map *out, size_t size)
{
    pf_kernel_average_pool(in->at, in->side, in->side, in->channels, size, out->at);
    out->side = in->side / size;
    out->channels = in->channels;
}

static void swap(map *a, map *b)
{
    map t = *a;
    *a = *b;
    *b = t;
}

/* x becomes relu(expand(pool(spatial(reduce(x)))) + around), with around = x itself or
 * shortcut(pool(x)). m[0] is x; m[1..3] are free and used. */
static void run_bottleneck(pf_session *s, const pf_bottleneck *b, map m[4])
{
    convolve(s, &b->reduce, &m[0], &m[1], true);
    convolve(s, &b->spatial, &m[1], &m[2], true);
    if (b->pool > 1) {
        pool(&m[2], &m[1], b->pool);
        swap(&m[1], &m[2]);
    }
    convolve(s, &b->expand, &m[2], &m[1], false);
    if (b->pool > 1) {
        pool(&m[0], &m[2], b->pool);
        swap(&m[0], &m[2]);
    }
    if (b->has_shortcut) {
        convolve(s, &b->shortcut, &m[0], &m[2], false);
        swap(&m[0], &m[2]);
    }
    size_t n = m[1].side * m[1].side * m[1].channels;
    pf_kernel_add(m[1].at, m[0].at, n);
    pf_kernel_relu(m[1].at, n);
    swap(&m[0], &m[1]);
}

/* pixels [3, size, size] -> [size, size, 3] */
static void interleave(const float *pixels, size_t size, map *out)
{
    const size_t area = size * size;
    for (size_t i = 0; i < area; i++) {
        for (size_t c = 0; c < 3; c++)
            out->at[3 * i + c] = pixels[c * area + i];
    }
    out->side = size;
    out->channels = 3;
}

static void tell(pf_session *s, const char *stage, const map *m)
{
    pf_session_tell(s, stage, m->at, m->side * m->side, m->channels);
}

/* One picture through stem and stages; the last map is left in m[0]. */
static void run_maps(pf_session *s, const float *pixels, size_t size, map m[4])
{
    const pf_resnet_tower *r = &s->clip->resnet;
    interleave(pixels, size, &m[0]);
    for (size_t i = 0; i < 3; i++) {
        convolve(s, &r->stem[i], &m[0], &m[1], true);
        swap(&m[0], &m[1]);
    }
    pool(&m[0], &m[1], 2);
    swap(&m[0], &m[1]);
    tell(s, "image.stem", &m[0]);
    const pf_bottleneck *b = r->blocks;
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < s->clip->dims.stages[stage]; i++)
            run_bottleneck(s, b++, m);
        char name[24];
        snprintf(name, sizeof name, "image.layer%d", stage + 1);
        tell(s, name, &m[0]);
    }
}

/* The last map's positions and, before them, their mean: [1 + side * side, channels].
 */
static void pool_tokens(const pf_resnet_tower *r, const map *m, float *x)
{
    const size_t width = m->channels, cells = m->side * m->side;
    memset(x, 0, width * sizeof *x);
    for (size_t i = 0; i < cells; i++)
        pf_kernel_add(x, m->at + i * width, width);
    for (size_t j = 0; j < width; j++)
        x[j] /= (float)cells;
    memcpy(x + width, m->at, cells * width * sizeof *x);
    pf_kernel_add(x, r->positions, (cells + 1) * width);
}

/* Attention with the mean token as the only query, all pictures at once. */
static bool attention_pool(pf_session *s, size_t n, float *out, pf_err *err)
{
    const pf_resnet_tower *r = &s->clip->resnet;
    const size_t width = r->query.in,
                 rows = (size_t)s->clip->dims.grid * (size_t)s->clip->dims.grid + 1;
    const float *x = s->room[PF_ROOM_X];
    float *kv = pf_session_room(s, PF_ROOM_QKV, n * rows * 2 * width, err);
    float *q = pf_session_room(s, PF_ROOM_NORMED, n * 3 * width, err);
    if (!kv || !q || !pf_session_reserve(s, n * rows, width, err))
        return false;
    float *mean = q + n * width, *attended = q + 2 * n * width;
    for (size_t i = 0; i < n; i++)
        memcpy(mean + i * width, x + i * rows * width, width * sizeof *x);
    pf_session_linear(s, &r->query, mean, n, q, width, false);
    pf_session_linear(s, &r->key, x, n * rows, kv, 2 * width, false);
    pf_session_linear(s, &r->value, x, n * rows, kv + width, 2 * width, false);
    if (!pf_pool_attend(s, q, width, kv, n, rows, width,
                        (size_t)s->clip->dims.pool_heads, attended, err))
        return false;
    pf_session_linear(s, &r->output, attended, n, out, r->output.out, false);
    return true;
}

bool pf_resnet_embed(pf_session *s, const float *pixels, int size, size_t n, float *out,
                     pf_err *err)
{
    const pf_resnet_tower *r = &s->clip->resnet;
    const size_t side = (size_t)size, grid = (size_t)s->clip->dims.grid;
    const size_t rows = grid * grid + 1, width = r->query.in;
    size_t map_size, scratch;
    measure(r, side, &map_size, &scratch);
    map m[4] = {{0}};
    for (int i = 0; i < 4; i++) {
        m[i].at = pf_session_room(s, (pf_room)(PF_ROOM_MAP_A + i), map_size, err);
        if (!m[i].at)
            return false;
    }
    float *x = pf_session_room(s, PF_ROOM_X, n * rows * width, err);
    if (!x || !pf_session_room(s, PF_ROOM_FIELDS, scratch / sizeof(float) + 1, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        run_maps(s, pixels + i * 3 * side * side, side, m);
        pool_tokens(r, &m[0], x + i * rows * width);
    }
    return attention_pool(s, n, out, err);
}
