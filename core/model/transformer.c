/*
 * transformer.c - the block that the text tower and the ViT share.
 *
 *     x += output(attention(query(h), key(h), value(h)))   with h = norm1(x)
 *     x += down(quick_gelu(up(norm2(x))))
 *
 * Sequences of different lengths lie one after another in one matrix, so that linear
 * layers see all rows at once and no padding is ever computed.
 */
#include "core/model/tower.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

/* ---- names ---- */

typedef struct {
    const char *tower[2]; /* image, text */
    const char *norm1, *norm2, *output, *up, *down;
} block_names;

static const block_names names_of[] = {
    [PF_NAMES_HF] = {{"vision_model.encoder.layers", "text_model.encoder.layers"},
                     "layer_norm1",
                     "layer_norm2",
                     "self_attn.out_proj",
                     "mlp.fc1",
                     "mlp.fc2"},
    [PF_NAMES_OPENAI] = {{"visual.transformer.resblocks", "transformer.resblocks"},
                         "ln_1",
                         "ln_2",
                         "attn.out_proj",
                         "mlp.c_fc",
                         "mlp.c_proj"},
};

bool pf_norm_bind(pf_norm *norm, pf_binder *b, int width, pf_err *err, const char *name)
{
    return pf_bind(b, &norm->gain, PF_SHAPE1(width), err, "%s.weight", name) &&
           pf_bind(b, &norm->bias, PF_SHAPE1(width), err, "%s.bias", name);
}

static bool bind_linear(pf_linear *l, pf_binder *b, int in, int out, pf_err *err,
                        const char *stem, const char *name)
{
    l->in = (size_t)in;
    l->out = (size_t)out;
    return pf_bind(b, &l->weight, PF_SHAPE2(out, in), err, "%s.%s.weight", stem,
                   name) &&
           pf_bind(b, &l->bias, PF_SHAPE1(out), err, "%s.%s.bias", stem, name);
}

bool pf_projection_bind(pf_linear *l, pf_binder *b, int in, int out, pf_names names,
                        pf_err *err, const char *name)
{
    l->in = (size_t)in;
    l->out = (size_t)out;
    l->bias = NULL;
    if (names == PF_NAMES_OPENAI)
        return pf_bind_transposed(b, &l->weight, in, out, err, "%s", name);
    return pf_bind(b, &l->weight, PF_SHAPE2(out, in), err, "%s.weight", name);
}

/* Query, key and value: three matrices, then three biases, in either layout. */
static bool bind_qkv(pf_block *block, pf_binder *b, int width, pf_names names,
                     const char *stem, pf_err *err)
{
    static const char *const part[3] = {"q", "k", "v"};
    pf_linear *l[3] = {&block->query, &block->key, &block->value};
    const size_t w = (size_t)width;
    const float *weight = NULL, *bias = NULL;
    if (names == PF_NAMES_OPENAI &&
        (!pf_bind(b, &weight, PF_SHAPE2(3 * width, width), err,
                  "%s.attn.in_proj_weight", stem) ||
         !pf_bind(b, &bias, PF_SHAPE1(3 * width), err, "%s.attn.in_proj_bias", stem)))
        return false;
    for (size_t i = 0; i < 3; i++) {
        l[i]->in = l[i]->out = w;
        if (names == PF_NAMES_OPENAI)
            l[i]->weight = weight + i * w * w;
        else if (!pf_bind(b, &l[i]->weight, PF_SHAPE2(width, width), err,
                          "%s.self_attn.%s_proj.weight", stem, part[i]))
            return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (names == PF_NAMES_OPENAI)
            l[i]->bias = bias + i * w;
        else if (!pf_bind(b, &l[i]->bias, PF_SHAPE1(width), err,
                          "%s.self_attn.%s_proj.bias", stem, part[i]))
            return false;
    }
    return true;
}

static bool bind_block(pf_block *block, pf_binder *b, const pf_stack_dims *d,
                       pf_names names, const char *stem, pf_err *err)
{
    const block_names *n = &names_of[names];
    char norm1[128], norm2[128];
    snprintf(norm1, sizeof norm1, "%s.%s", stem, n->norm1);
    snprintf(norm2, sizeof norm2, "%s.%s", stem, n->norm2);
    return pf_norm_bind(&block->norm1, b, d->width, err, norm1) &&
           bind_qkv(block, b, d->width, names, stem, err) &&
           bind_linear(&block->output, b, d->width, d->width, err, stem, n->output) &&
           pf_norm_bind(&block->norm2, b, d->width, err, norm2) &&
           bind_linear(&block->up, b, d->width, d->mlp, err, stem, n->up) &&
           bind_linear(&block->down, b, d->mlp, d->width, err, stem, n->down);
}

bool pf_stack_bind(pf_stack *stack, pf_binder *b, const pf_stack_dims *dims,
                   pf_names names, bool is_text, pf_err *err)
{
    stack->dims = *dims;
    stack->blocks = pf_alloc_array((size_t)dims->layers, sizeof *stack->blocks, err);
    if (!stack->blocks)
        return false;
    for (int i = 0; i < dims->layers; i++) {
        char stem[96];
        snprintf(stem, sizeof stem, "%s.%d", names_of[names].tower[is_text], i);
        if (!bind_block(&stack->blocks[i], b, dims, names, stem, err))
            return false;
    }
    return true;
}

/* ---- the forward pass ---- */

/* Where one pass keeps its rows. */
typedef struct {
    const pf_stack *stack;
    pf_session *session;
    const size_t *starts;
    size_t n, rows;
    bool is_causal;
    float *x, *normed, *qkv, *mlp, *scores, *pooled;
} pass;

static size_t longest(const size_t *starts, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = starts[i + 1] - starts[i] > most ? starts[i + 1] - starts[i] : most;
    return most;
}

static bool take_rooms(pass *p, pf_err *err)
{
    const pf_stack_dims *d = &p->stack->dims;
    size_t width = (size_t)d->width, most = longest(p->starts, p->n);
    p->x = pf_session_room(p->session, PF_ROOM_X, p->rows * width, err);
    p->normed = pf_session_room(p->session, PF_ROOM_NORMED, p->rows * width, err);
    p->qkv = pf_session_room(p->session, PF_ROOM_QKV, p->rows * width * 3, err);
    p->mlp = pf_session_room(p->session, PF_ROOM_MLP, p->rows * (size_t)d->mlp, err);
    p->scores = pf_session_room(p->session, PF_ROOM_SCORES, most * most, err);
    p->pooled = pf_session_room(p->session, PF_ROOM_POOLED, p->n * width, err);
    return p->x && p->normed && p->qkv && p->mlp && p->scores && p->pooled;
}

/* x [rows, width] += mlp(norm2(x)); `normed` is working memory of the same size. */
static void add_mlp(const pass *p, const pf_block *block, float *x, float *normed,
                    size_t rows)
{
    const pf_stack_dims *d = &p->stack->dims;
    size_t width = (size_t)d->width, wide = (size_t)d->mlp;
    pf_kernel_layer_norm(&block->norm2, d->eps, x, rows, width, normed);
    pf_kernel_linear(&block->up, normed, rows, p->mlp, wide, false);
    pf_kernel_quick_gelu(p->mlp, rows * wide);
    pf_kernel_linear(&block->down, p->mlp, rows, x, width, true);
}

/* Attention of sequence i: `nq` queries at `q` with row stride ldq. */
static pf_attention attention_of(const pass *p, size_t i, const float *q, size_t nq,
                                 size_t ldq, float *out)
{
    const pf_stack_dims *d = &p->stack->dims;
    size_t width = (size_t)d->width;
    const float *rows = p->qkv + p->starts[i] * 3 * width;
    return (pf_attention){.q = q,
                          .k = rows + width,
                          .v = rows + 2 * width,
                          .out = out,
                          .scores = p->scores,
                          .nq = nq,
                          .nk = p->starts[i + 1] - p->starts[i],
                          .heads = (size_t)d->heads,
                          .head_width = width / (size_t)d->heads,
                          .ldq = ldq,
                          .ldkv = 3 * width,
                          .ldo = width,
                          .is_causal = p->is_causal && nq > 1};
}

static void run_block(const pass *p, const pf_block *block)
{
    size_t width = (size_t)p->stack->dims.width;
    pf_kernel_layer_norm(&block->norm1, p->stack->dims.eps, p->x, p->rows, width,
                         p->normed);
    pf_kernel_linear(&block->query, p->normed, p->rows, p->qkv, 3 * width, false);
    pf_kernel_linear(&block->key, p->normed, p->rows, p->qkv + width, 3 * width, false);
    pf_kernel_linear(&block->value, p->normed, p->rows, p->qkv + 2 * width, 3 * width,
                     false);
    for (size_t i = 0; i < p->n; i++) {
        size_t rows = p->starts[i + 1] - p->starts[i];
        pf_attention a = attention_of(p, i, p->qkv + p->starts[i] * 3 * width, rows,
                                      3 * width, p->normed + p->starts[i] * width);
        pf_kernel_attention(&a);
    }
    pf_kernel_linear(&block->output, p->normed, p->rows, p->x, width, true);
    add_mlp(p, block, p->x, p->normed, p->rows);
}

/* The last block for the pooled rows alone: keys and values of all rows, the rest of n.
 */
static void run_pooled_block(const pass *p, const pf_block *block,
                             const size_t *pooled_row)
{
    size_t width = (size_t)p->stack->dims.width;
    pf_kernel_layer_norm(&block->norm1, p->stack->dims.eps, p->x, p->rows, width,
                         p->normed);
    pf_kernel_linear(&block->key, p->normed, p->rows, p->qkv + width, 3 * width, false);
    pf_kernel_linear(&block->value, p->normed, p->rows, p->qkv + 2 * width, 3 * width,
                     false);
    for (size_t i = 0; i < p->n; i++) {
        size_t row = p->starts[i] + pooled_row[i];
        memcpy(p->pooled + i * width, p->x + row * width, width * sizeof *p->x);
        memmove(p->normed + i * width, p->normed + row * width, width * sizeof *p->x);
    }
    float *q = p->x; /* all that was needed of x is in `pooled` now */
    pf_kernel_linear(&block->query, p->normed, p->n, q, width, false);
    for (size_t i = 0; i < p->n; i++) {
        pf_attention a =
            attention_of(p, i, q + i * width, 1, width, p->normed + i * width);
        pf_kernel_attention(&a);
    }
    pf_kernel_linear(&block->output, p->normed, p->n, p->pooled, width, true);
    add_mlp(p, block, p->pooled, p->normed, p->n);
}

static void tell(const pass *p, const char *tower, int layer)
{
    char stage[64];
    snprintf(stage, sizeof stage, "%s.block%d", tower, layer);
    pf_session_tell(p->session, stage, p->x, p->rows, (size_t)p->stack->dims.width);
}

/* One query without a mask sees all keys, which is right only for the last row. */
static bool can_shorten(const pass *p, const size_t *pooled_row)
{
    if (p->session->probe)
        return false;
    for (size_t i = 0; p->is_causal && i < p->n; i++) {
        if (p->starts[i] + pooled_row[i] + 1 != p->starts[i + 1])
            return false;
    }
    return true;
}

bool pf_stack_run(const pf_stack *stack, pf_session *s, size_t n,
                  const size_t *pooled_row, bool is_causal, const char *tower,
                  pf_err *err)
{
    const int last = stack->dims.layers - 1;
    const size_t width = (size_t)stack->dims.width;
    pass p = {.stack = stack,
              .session = s,
              .starts = s->starts,
              .n = n,
              .rows = s->starts[n],
              .is_causal = is_causal};
    if (!take_rooms(&p, err))
        return false;
    bool shorten = can_shorten(&p, pooled_row);
    for (int i = 0; i < last + !shorten; i++) {
        run_block(&p, &stack->blocks[i]);
        tell(&p, tower, i);
    }
    if (shorten) {
        run_pooled_block(&p, &stack->blocks[last], pooled_row);
        return true;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(p.pooled + i * width, p.x + (p.starts[i] + pooled_row[i]) * width,
               width * sizeof *p.x);
    return true;
}
