/*
 * pool.c - attention with a single query, which makes one row of many.
 *
 * A ResNet asks with the mean of its last map (resnet.c). A head asks with a probe that
 * was learnt, the same for all pictures (timm's attention pool, transformers'
 * SiglipMultiheadAttentionPoolingHead):
 *
 *     y = output(softmax(query(probe) key(x)^T) value(x));  y += down(act(up(norm(y))))
 */
#include "core/model/tower.h"

#include <stdio.h>

bool pf_pool_attend(pf_session *s, const float *q, size_t ldq, const float *kv,
                    size_t n, size_t rows, size_t width, size_t heads, float *out,
                    pf_err *err)
{
    float *scratch = pf_session_room(s, PF_ROOM_HEAD,
                                     pf_attention_scratch(1, rows, width / heads), err);
    if (!scratch)
        return false;
    for (size_t i = 0; i < n; i++) {
        const float *rows_of = kv + i * rows * 2 * width;
        pf_attention a = {.q = q + i * ldq,
                          .k = rows_of,
                          .v = rows_of + width,
                          .out = out + i * width,
                          .scratch = scratch,
                          .nq = 1,
                          .nk = rows,
                          .heads = heads,
                          .head_width = width / heads,
                          .ldq = width,
                          .ldkv = 2 * width,
                          .ldo = width};
        pf_kernel_attention(&a, 0, heads);
    }
    return true;
}

bool pf_head_bind(pf_head *h, pf_binder *b, const pf_stack_dims *d, const char *stem,
                  pf_err *err)
{
    char norm[160];
    snprintf(norm, sizeof norm, "%s.layernorm", stem);
    pf_linear *const l[3] = {&h->query, &h->key, &h->value};
    return pf_bind(b, &h->probe, PF_SHAPE3(1, 1, d->width), err, "%s.probe", stem) &&
           pf_qkv_bind(l, b, d->width, err, stem, "attention.in_proj_") &&
           pf_linear_bind(&h->output, b, d->width, d->width, true, err, stem,
                          "attention.out_proj") &&
           pf_norm_bind(&h->norm, b, d->width, err, norm) &&
           pf_linear_bind(&h->up, b, d->width, d->mlp, true, err, stem, "mlp.fc1") &&
           pf_linear_bind(&h->down, b, d->mlp, d->width, true, err, stem, "mlp.fc2");
}

/* y [n, width] += down(act(up(norm(y)))) */
static bool add_mlp(const pf_head *h, const pf_stack_dims *d, pf_session *s, float *y,
                    size_t n, pf_err *err)
{
    const size_t width = (size_t)d->width, wide = (size_t)d->mlp;
    float *normed = pf_session_room(s, PF_ROOM_NORMED, n * width, err);
    float *mlp = pf_session_room(s, PF_ROOM_MLP, n * wide, err);
    if (!normed || !mlp)
        return false;
    pf_kernel_layer_norm(&h->norm, d->eps, y, n, width, normed);
    pf_session_tell(s, "image.head.norm", normed, n, width);
    pf_session_linear(s, &h->up, normed, n, mlp, wide, false);
    pf_kernel_activate(d->activation, mlp, n * wide);
    pf_session_linear(s, &h->down, mlp, n, y, width, true);
    return true;
}

bool pf_head_run(const pf_head *h, const pf_stack_dims *d, pf_session *s,
                 const float *x, size_t n, size_t rows, pf_err *err)
{
    const size_t width = (size_t)d->width;
    float *kv = pf_session_room(s, PF_ROOM_QKV, n * rows * 2 * width, err);
    float *q = pf_session_room(s, PF_ROOM_NORMED, (n + 1) * width, err);
    float *y = pf_session_room(s, PF_ROOM_POOLED, n * width, err);
    const size_t wide = (size_t)d->mlp;
    if (!kv || !q || !y ||
        !pf_session_reserve(s, n * rows, wide > width ? wide : width, err))
        return false;
    float *attended = q + width;
    pf_session_linear(s, &h->query, h->probe, 1, q, width, false);
    pf_session_linear(s, &h->key, x, n * rows, kv, 2 * width, false);
    pf_session_linear(s, &h->value, x, n * rows, kv + width, 2 * width, false);
    if (!pf_pool_attend(s, q, 0, kv, n, rows, width, (size_t)d->heads, attended, err))
        return false;
    pf_session_linear(s, &h->output, attended, n, y, width, false);
    pf_session_tell(s, "image.head.attention", y, n, width);
    return add_mlp(h, d, s, y, n, err);
}
