/*
 * transformer.c - the block that the text tower and the ViT share.
 *
 *     pre-norm                              post-norm (norms_follow)
 *     x += attention(norm1(x))              x = norm1(x + attention(x))
 *     x += mlp(norm2(x))                    x = norm2(x + mlp(x))
 *
 * with attention(h) = output(softmax(query(h) key(h)^T) value(h)) head by head, and
 * mlp(h) = down(activation(up(h))).
 *
 * Sequences of different lengths lie one after another in one matrix, so that linear
 * layers see all rows at once and no padding is ever computed.
 */
#include "core/model/tower.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

/* ---- binding ---- */

/* Query, key and value: three matrices, then three biases, in one tensor or in six. */
static bool bind_attention(pf_block *block, pf_binder *b, int width,
                           const pf_block_parts *parts, const char *stem, pf_err *err)
{
    const char *const name[3] = {parts->query, parts->key, parts->value};
    pf_linear *const l[3] = {&block->query, &block->key, &block->value};
    if (parts->qkv)
        return pf_qkv_bind(l, b, width, err, stem, parts->qkv);
    for (size_t i = 0; i < 3; i++) {
        if (!pf_linear_bind(l[i], b, width, width, false, err, stem, name[i]))
            return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (!pf_bind(b, &l[i]->bias, PF_SHAPE1(width), err, "%s.%s.bias", stem,
                     name[i]))
            return false;
    }
    return true;
}

static bool bind_block(pf_block *block, pf_binder *b, const pf_stack_dims *d,
                       const pf_block_parts *n, const char *stem, pf_err *err)
{
    char norm1[160], norm2[160];
    snprintf(norm1, sizeof norm1, "%s.%s", stem, n->norm1);
    snprintf(norm2, sizeof norm2, "%s.%s", stem, n->norm2);
    return pf_norm_bind(&block->norm1, b, d->width, err, norm1) &&
           bind_attention(block, b, d->width, n, stem, err) &&
           pf_linear_bind(&block->output, b, d->width, d->width, true, err, stem,
                          n->output) &&
           pf_norm_bind(&block->norm2, b, d->width, err, norm2) &&
           pf_linear_bind(&block->up, b, d->width, d->mlp, true, err, stem, n->up) &&
           pf_linear_bind(&block->down, b, d->mlp, d->width, true, err, stem, n->down);
}

bool pf_stack_bind(pf_stack *stack, pf_binder *b, const pf_stack_dims *dims,
                   const pf_block_parts *parts, pf_err *err)
{
    stack->dims = *dims;
    stack->norms_follow = parts->norms_follow;
    stack->blocks = pf_alloc_array((size_t)dims->layers, sizeof *stack->blocks, err);
    if (!stack->blocks)
        return false;
    for (int i = 0; i < dims->layers; i++) {
        char stem[96];
        snprintf(stem, sizeof stem, "%s.%d", parts->stem, i);
        if (!bind_block(&stack->blocks[i], b, dims, parts, stem, err))
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
    float *x, *normed, *qkv, *mlp, *head, *pooled;
    size_t head_size; /* of `head`, for each thread */
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
    const size_t mlp = (size_t)d->mlp;
    p->x = pf_session_room(p->session, PF_ROOM_X, p->rows * width, err);
    p->normed = pf_session_room(p->session, PF_ROOM_NORMED, p->rows * width, err);
    p->qkv = pf_session_room(p->session, PF_ROOM_QKV, p->rows * width * 3, err);
    p->mlp = pf_session_room(p->session, PF_ROOM_MLP, p->rows * mlp, err);
    p->head_size = pf_attention_scratch(most, most, width / (size_t)d->heads);
    p->head = pf_session_room(p->session, PF_ROOM_HEAD,
                              p->head_size * pf_crew_size(p->session->crew), err);
    p->pooled = pf_session_room(p->session, PF_ROOM_POOLED, p->n * width, err);
    return p->x && p->normed && p->qkv && p->mlp && p->head && p->pooled &&
           pf_session_reserve(p->session, p->rows, width > mlp ? width : mlp, err);
}

/* The MLP's half of a block on x [rows, width]; `normed` is working memory of the same
 * size. */
static void add_mlp(const pass *p, const pf_block *block, float *x, float *normed,
                    size_t rows)
{
    const pf_stack_dims *d = &p->stack->dims;
    const bool follows = p->stack->norms_follow;
    size_t width = (size_t)d->width, wide = (size_t)d->mlp;
    if (!follows)
        pf_kernel_layer_norm(&block->norm2, d->eps, x, rows, width, normed);
    const pf_product up = {
        .layer = &block->up,
        .rows = pf_session_rows(p->session, &block->up, follows ? x : normed, rows),
        .y = p->mlp,
        .ldy = wide,
        .then = d->activation};
    pf_session_multiply(p->session, &up);
    pf_session_linear(p->session, &block->down, p->mlp, rows, x, width, true);
    if (follows)
        pf_kernel_layer_norm(&block->norm2, d->eps, x, rows, width, x);
}

/* What queries, keys and values are made of: x, or norm1(x) in p->normed. */
static const float *attended_rows(const pass *p, const pf_block *block)
{
    if (p->stack->norms_follow)
        return p->x;
    pf_kernel_layer_norm(&block->norm1, p->stack->dims.eps, p->x, p->rows,
                         (size_t)p->stack->dims.width, p->normed);
    return p->normed;
}

/* x [rows, width] += output(attended), the end of the attention's half. */
static void add_attention(const pass *p, const pf_block *block, const float *attended,
                          float *x, size_t rows)
{
    const size_t width = (size_t)p->stack->dims.width;
    pf_session_linear(p->session, &block->output, attended, rows, x, width, true);
    if (p->stack->norms_follow)
        pf_kernel_layer_norm(&block->norm1, p->stack->dims.eps, x, rows, width, x);
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
                          .scratch = p->head,
                          .nq = nq,
                          .nk = p->starts[i + 1] - p->starts[i],
                          .heads = (size_t)d->heads,
                          .head_width = width / (size_t)d->heads,
                          .ldq = ldq,
                          .ldkv = 3 * width,
                          .ldo = width,
                          .is_causal = p->is_causal && nq > 1};
}

/* Queries, keys or values of all rows, one of three columns of p->qkv. */
static void project(const pass *p, const pf_linear *l, const pf_rows *rows, float *y)
{
    const size_t width = (size_t)p->stack->dims.width;
    const pf_product product = {.layer = l, .rows = *rows, .y = y, .ldy = 3 * width};
    pf_session_multiply(p->session, &product);
}

/* One head of one sequence: query, keys and values of all rows. */
static void attend(void *context, size_t worker, size_t item)
{
    const pass *p = context;
    const size_t width = (size_t)p->stack->dims.width;
    const size_t heads = (size_t)p->stack->dims.heads, i = item / heads;
    pf_attention a = attention_of(p, i, p->qkv + p->starts[i] * 3 * width,
                                  p->starts[i + 1] - p->starts[i], 3 * width,
                                  p->normed + p->starts[i] * width);
    a.scratch += worker * p->head_size;
    pf_kernel_attention(&a, item % heads, item % heads + 1);
}

static void run_block(const pass *p, const pf_block *block)
{
    size_t width = (size_t)p->stack->dims.width;
    const float *h = attended_rows(p, block);
    const pf_rows rows_of_h = pf_session_rows(p->session, &block->query, h, p->rows);
    project(p, &block->query, &rows_of_h, p->qkv);
    project(p, &block->key, &rows_of_h, p->qkv + width);
    project(p, &block->value, &rows_of_h, p->qkv + 2 * width);
    pf_crew_each(p->session->crew, p->n * (size_t)p->stack->dims.heads, attend,
                 (void *)p);
    add_attention(p, block, p->normed, p->x, p->rows);
    add_mlp(p, block, p->x, p->normed, p->rows);
}

/* The last block for the pooled rows alone: keys and values of all rows, the rest of n.
 */
static void run_pooled_block(const pass *p, const pf_block *block,
                             const size_t *pooled_row)
{
    size_t width = (size_t)p->stack->dims.width;
    const float *h = attended_rows(p, block);
    const pf_rows rows_of_h = pf_session_rows(p->session, &block->key, h, p->rows);
    project(p, &block->key, &rows_of_h, p->qkv + width);
    project(p, &block->value, &rows_of_h, p->qkv + 2 * width);
    for (size_t i = 0; i < p->n; i++) {
        size_t row = p->starts[i] + pooled_row[i];
        memcpy(p->pooled + i * width, p->x + row * width, width * sizeof *p->x);
        memmove(p->normed + i * width, h + row * width, width * sizeof *p->x);
    }
    float *q = p->x; /* all that was needed of x is in `pooled` now */
    pf_session_linear(p->session, &block->query, p->normed, p->n, q, width, false);
    for (size_t i = 0; i < p->n; i++) {
        pf_attention a =
            attention_of(p, i, q + i * width, 1, width, p->normed + i * width);
        pf_kernel_attention(&a, 0, a.heads);
    }
    add_attention(p, block, p->normed, p->pooled, p->n);
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
    if (p->session->probe || !pooled_row)
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
    for (size_t i = 0; pooled_row && i < n; i++)
        memcpy(p.pooled + i * width, p.x + (p.starts[i] + pooled_row[i]) * width,
               width * sizeof *p.x);
    return true;
}
