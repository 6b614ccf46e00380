/* parts.c - norms, linear layers and projections: bound, and what is more than one
 * kernel to run. See tower.h. */
#include "core/model/tower.h"

#include <stdio.h>
#include <string.h>

bool pf_norm_bind(pf_norm *norm, pf_binder *b, int width, pf_err *err, const char *name)
{
    return pf_bind(b, &norm->gain, PF_SHAPE1(width), err, "%s.weight", name) &&
           pf_bind(b, &norm->bias, PF_SHAPE1(width), err, "%s.bias", name);
}

bool pf_linear_bind(pf_linear *l, pf_binder *b, int in, int out, bool has_bias,
                    pf_err *err, const char *stem, const char *name)
{
    l->in = (size_t)in;
    l->out = (size_t)out;
    l->bias = NULL;
    return pf_bind(b, &l->weight, PF_SHAPE2(out, in), err, "%s.%s.weight", stem,
                   name) &&
           (!has_bias ||
            pf_bind(b, &l->bias, PF_SHAPE1(out), err, "%s.%s.bias", stem, name));
}

bool pf_qkv_bind(pf_linear *const l[3], pf_binder *b, int width, pf_err *err,
                 const char *stem, const char *qkv)
{
    const size_t w = (size_t)width;
    const float *weight = NULL, *bias = NULL;
    if (!pf_bind(b, &weight, PF_SHAPE2(3 * width, width), err, "%s.%sweight", stem,
                 qkv) ||
        !pf_bind(b, &bias, PF_SHAPE1(3 * width), err, "%s.%sbias", stem, qkv))
        return false;
    for (size_t i = 0; i < 3; i++)
        *l[i] = (pf_linear){weight + i * w * w, bias + i * w, w, w, {0}};
    return true;
}

/* ---- projections ---- */

/* A matrix that is stored as [in, out]. */
static bool bind_matrix(pf_linear *l, pf_binder *b, int in, int out, const char *name,
                        pf_err *err)
{
    *l = (pf_linear){.in = (size_t)in, .out = (size_t)out};
    return pf_bind_transposed(b, &l->weight, in, out, err, "%s", name);
}

static bool bind_layer(pf_linear *l, pf_binder *b, int in, int out, bool has_bias,
                       const char *name, pf_err *err)
{
    *l = (pf_linear){.in = (size_t)in, .out = (size_t)out};
    return pf_bind(b, &l->weight, PF_SHAPE2(out, in), err, "%s.weight", name) &&
           (!has_bias || pf_bind(b, &l->bias, PF_SHAPE1(out), err, "%s.bias", name));
}

bool pf_projection_bind(pf_projection *p, pf_binder *b,
                        const pf_projection_parts *parts, int in, int middle, int out,
                        pf_err *err)
{
    p->kind = parts->kind;
    switch (parts->kind) {
    case PF_PROJECTION_NONE:
        return true;
    case PF_PROJECTION_IN_OUT:
        return bind_matrix(&p->first, b, in, out, parts->name, err);
    case PF_PROJECTION_OUT_IN:
    case PF_PROJECTION_BIASED:
        return bind_layer(&p->first, b, in, out, parts->kind == PF_PROJECTION_BIASED,
                          parts->name, err);
    case PF_PROJECTION_TWO:
        return bind_layer(&p->first, b, in, middle, false, parts->name, err) &&
               bind_layer(&p->second, b, middle, out, false, parts->second, err);
    }
    return false;
}

bool pf_projection_run(const pf_projection *p, pf_session *s, const float *x, size_t n,
                       float *out, const char *tower, pf_err *err)
{
    char stage[64];
    const pf_linear *last = p->kind == PF_PROJECTION_TWO ? &p->second : &p->first;
    const size_t widest = last->in > p->first.in ? last->in : p->first.in;
    if (!pf_session_reserve(s, n, widest, err))
        return false;
    if (p->kind == PF_PROJECTION_TWO) {
        float *middle = pf_session_room(s, PF_ROOM_MLP, n * p->first.out, err);
        if (!middle)
            return false;
        pf_session_linear(s, &p->first, x, n, middle, p->first.out, false);
        snprintf(stage, sizeof stage, "%s.projection.first", tower);
        pf_session_tell(s, stage, middle, n, p->first.out);
        pf_kernel_activate(PF_GELU, middle, n * p->first.out);
        x = middle;
    }
    pf_session_linear(s, last, x, n, out, last->out, false);
    snprintf(stage, sizeof stage, "%s.projection", tower);
    pf_session_tell(s, stage, out, n, last->out);
    return true;
}

bool pf_norm_tell(const pf_norm *norm, float eps, pf_session *s, const float *x,
                  size_t rows, size_t width, const char *stage, pf_err *err)
{
    if (!s->probe)
        return true;
    float *normed = pf_session_room(s, PF_ROOM_NORMED, rows * width, err);
    if (!normed)
        return false;
    pf_kernel_layer_norm(norm, eps, x, rows, width, normed);
    pf_session_tell(s, stage, normed, rows, width);
    return true;
}
