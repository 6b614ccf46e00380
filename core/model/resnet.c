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

/* Feature maps of n pictures, square, in one of the session's rooms. */
typedef struct {
    float *at;
    size_t n, side, channels;
} maps;

/* Pictures go alone as far as the first block of the third stage, for maps are large
 * there, and some at a time from then on, for weights are: they are read once for all
 * of them. So many, that their maps take no more than GROUP_FLOATS. */
enum { GROUP = 8, GROUP_FLOATS = 4 << 20 };

static size_t blocks_alone(const pf_dims *d)
{
    return (size_t)d->stages[0] + (size_t)d->stages[1] + 1;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What a pass needs. */
typedef struct {
    size_t group;
    size_t map;       /* floats of the largest map, or maps of a group */
    size_t collected; /* floats of a group's maps when it comes together */
    size_t scratch;   /* bytes of a convolution's working memory */
} needs;

/* The largest map of a block, and its working memory, for n pictures. */
static void measure_block(const pf_bottleneck *b, size_t n, size_t *side, needs *out)
{
    out->map = most(out->map, n * *side * *side * b->spatial.kernel.out);
    out->scratch = most(out->scratch, pf_conv_scratch(&b->reduce, n, *side, *side));
    out->scratch = most(out->scratch, pf_conv_scratch(&b->spatial, n, *side, *side));
    *side /= b->pool;
    out->map = most(out->map, n * *side * *side * b->expand.kernel.out);
    out->scratch = most(out->scratch, pf_conv_scratch(&b->expand, n, *side, *side));
    if (b->has_shortcut)
        out->scratch =
            most(out->scratch, pf_conv_scratch(&b->shortcut, n, *side, *side));
}

/* Of n pictures. */
static needs measure(const pf_clip *clip, size_t size, size_t n)
{
    const pf_resnet_tower *r = &clip->resnet;
    const size_t alone = blocks_alone(&clip->dims);
    needs out = {.map = size * size * 3};
    size_t side = size;
    for (size_t i = 0; i < 3; i++) {
        out.scratch = most(out.scratch, pf_conv_scratch(&r->stem[i], 1, side, side));
        side = pf_conv_side(&r->stem[i], side);
        out.map = most(out.map, side * side * r->stem[i].kernel.out);
    }
    side /= 2;
    for (size_t i = 0; i < alone; i++)
        measure_block(&r->blocks[i], 1, &side, &out);
    const size_t floats = side * side * r->blocks[alone - 1].expand.kernel.out;
    out.group = n < GROUP ? n : GROUP;
    while (out.group > 1 && out.group * floats > GROUP_FLOATS)
        out.group--;
    out.collected = out.group * floats;
    for (size_t i = alone; i < r->n_blocks; i++)
        measure_block(&r->blocks[i], out.group, &side, &out);
    out.map = most(out.map, out.collected);
    return out;
}

/* What becomes of `in`, alone or added to what is in `out`. */
typedef enum { ALONE, ALONE_RELU, ADDED_RELU } becoming;

static void convolve(pf_session *s, const pf_conv *c, const maps *in, maps *out,
                     becoming what)
{
    const pf_conv_maps run = {.x = in->at,
                              .n = in->n,
                              .height = in->side,
                              .width = in->side,
                              .y = out->at,
                              .scratch = s->room[PF_ROOM_FIELDS],
                              .add = what == ADDED_RELU,
                              .relu = what != ALONE};
    pf_kernel_conv(c, &run);
    out->n = in->n;
    out->side = pf_conv_side(c, in->side);
    out->channels = c->kernel.out;
}

static void pool(const maps *in, maps *out, size_t size)
{
    const size_t side = in->side / size;
    for (size_t i = 0; i < in->n; i++)
        pf_kernel_average_pool(in->at + i * in->side * in->side * in->channels,
                               in->side, in->side, in->channels, size,
                               out->at + i * side * side * in->channels);
    out->n = in->n;
    out->side = side;
    out->channels = in->channels;
}

static void swap(maps *a, maps *b)
{
    maps t = *a;
    *a = *b;
    *b = t;
}

/* x becomes relu(expand(pool(spatial(reduce(x)))) + around), with around = x itself or
 * shortcut(pool(x)). m[0] is x; m[1..3] are free and used. */
static void run_bottleneck(pf_session *s, const pf_bottleneck *b, maps m[4])
{
    convolve(s, &b->reduce, &m[0], &m[1], ALONE_RELU);
    convolve(s, &b->spatial, &m[1], &m[2], ALONE_RELU);
    if (b->pool > 1) {
        pool(&m[2], &m[1], b->pool);
        swap(&m[1], &m[2]);
        pool(&m[0], &m[1], b->pool);
        swap(&m[0], &m[1]);
    }
    if (b->has_shortcut) {
        convolve(s, &b->shortcut, &m[0], &m[1], ALONE);
        swap(&m[0], &m[1]);
    }
    convolve(s, &b->expand, &m[2], &m[0], ADDED_RELU);
}

/* pixels [3, size, size] -> [size, size, 3] */
static void interleave(const float *pixels, size_t size, maps *out)
{
    const size_t area = size * size;
    for (size_t i = 0; i < area; i++) {
        for (size_t c = 0; c < 3; c++)
            out->at[3 * i + c] = pixels[c * area + i];
    }
    out->n = 1;
    out->side = size;
    out->channels = 3;
}

static void tell(pf_session *s, const char *stage, const maps *m)
{
    pf_session_tell(s, stage, m->at, m->n * m->side * m->side, m->channels);
}

/* Blocks `first` to `end` - 1, and tell what stages end there. */
static void run_blocks(pf_session *s, size_t first, size_t end, maps m[4])
{
    size_t stage = 0, end_of_stage = (size_t)s->clip->dims.stages[0];
    for (size_t i = first; i < end; i++) {
        run_bottleneck(s, &s->clip->resnet.blocks[i], m);
        while (end_of_stage <= i)
            end_of_stage += (size_t)s->clip->dims.stages[++stage];
        if (i + 1 == end_of_stage) {
            char name[24];
            snprintf(name, sizeof name, "image.layer%zu", stage + 1);
            tell(s, name, &m[0]);
        }
    }
}

/* One picture, to where groups begin; the map is left in m[0]. */
static void run_alone(pf_session *s, const float *pixels, size_t size, maps m[4])
{
    const pf_resnet_tower *r = &s->clip->resnet;
    interleave(pixels, size, &m[0]);
    for (size_t i = 0; i < 3; i++) {
        convolve(s, &r->stem[i], &m[0], &m[1], ALONE_RELU);
        swap(&m[0], &m[1]);
    }
    pool(&m[0], &m[1], 2);
    swap(&m[0], &m[1]);
    tell(s, "image.stem", &m[0]);
    run_blocks(s, 0, blocks_alone(&s->clip->dims), m);
}

/* n pictures, a group; their last maps are left in m[0]. `collected` has room for what
 * comes of each alone. */
static void run_maps(pf_session *s, const float *pixels, size_t size, size_t n,
                     float *collected, maps m[4])
{
    for (size_t i = 0; i < n; i++) {
        run_alone(s, pixels + i * 3 * size * size, size, m);
        const size_t floats = m[0].side * m[0].side * m[0].channels;
        memcpy(collected + i * floats, m[0].at, floats * sizeof *collected);
        if (i + 1 == n)
            memcpy(m[0].at, collected, n * floats * sizeof *collected);
    }
    m[0].n = n;
    run_blocks(s, blocks_alone(&s->clip->dims), s->clip->resnet.n_blocks, m);
}

/* A picture's last map, position by position and, before them, their mean:
 * [1 + side * side, channels]. */
static void pool_tokens(const pf_resnet_tower *r, const float *map, size_t cells,
                        float *x)
{
    const size_t width = r->query.in;
    memset(x, 0, width * sizeof *x);
    for (size_t i = 0; i < cells; i++)
        pf_kernel_add(x, map + i * width, width);
    for (size_t j = 0; j < width; j++)
        x[j] /= (float)cells;
    memcpy(x + width, map, cells * width * sizeof *x);
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

/* Rooms of a pass, and the maps in them. */
static bool take_rooms(pf_session *s, const needs *needed, size_t n, maps m[4],
                       pf_err *err)
{
    const pf_resnet_tower *r = &s->clip->resnet;
    const size_t grid = (size_t)s->clip->dims.grid, rows = grid * grid + 1;
    for (int i = 0; i < 4; i++) {
        m[i].at = pf_session_room(s, (pf_room)(PF_ROOM_MAP_A + i), needed->map, err);
        if (!m[i].at)
            return false;
    }
    return pf_session_room(s, PF_ROOM_X, n * rows * r->query.in, err) &&
           pf_session_room(s, PF_ROOM_COLLECTED, needed->collected, err) &&
           pf_session_room(s, PF_ROOM_FIELDS, needed->scratch / sizeof(float) + 1, err);
}

bool pf_resnet_embed(pf_session *s, const float *pixels, int size, size_t n, float *out,
                     pf_err *err)
{
    const pf_resnet_tower *r = &s->clip->resnet;
    const size_t side = (size_t)size, grid = (size_t)s->clip->dims.grid;
    const size_t cells = grid * grid, width = r->query.in;
    const needs needed = measure(s->clip, side, n);
    maps m[4] = {{0}};
    if (!take_rooms(s, &needed, n, m, err))
        return false;
    float *x = s->room[PF_ROOM_X];
    for (size_t at = 0; at < n; at += needed.group) {
        const size_t some = n - at < needed.group ? n - at : needed.group;
        run_maps(s, pixels + at * 3 * side * side, side, some,
                 s->room[PF_ROOM_COLLECTED], m);
        for (size_t i = 0; i < some; i++)
            pool_tokens(r, m[0].at + i * cells * width, cells,
                        x + (at + i) * (cells + 1) * width);
    }
    return attention_pool(s, n, out, err);
}
