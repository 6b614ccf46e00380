/*
 * vit.c - the Vision Transformer image tower: patches, perhaps a class token in front
 * of them, blocks, and the class token's row or what a head makes of all of them.
 */
#include "core/model/tower.h"

#include <string.h>

#include "core/base/mem.h"

/* ---- binding ---- */

static bool bind_patches(pf_vit_tower *v, pf_binder *b, const pf_dims *d, pf_err *err)
{
    const pf_image_parts *p = &d->family->image;
    const int width = d->vit.width;
    v->patches.in = (size_t)(3 * d->patch * d->patch);
    v->patches.out = (size_t)width;
    return pf_bind(b, &v->patches.weight, PF_SHAPE4(width, 3, d->patch, d->patch), err,
                   "%s.weight", p->patches) &&
           (!p->patches_have_bias ||
            pf_bind(b, &v->patches.bias, PF_SHAPE1(width), err, "%s.bias", p->patches));
}

static bool bind_rows(pf_vit_tower *v, pf_binder *b, const pf_dims *d, pf_err *err)
{
    const pf_image_parts *p = &d->family->image;
    const int width = d->vit.width, rows = pf_dims_class_rows(d) + d->grid * d->grid;
    return (!p->class_row ||
            pf_bind(b, &v->class_row,
                    p->is_boxed ? PF_SHAPE3(1, 1, width) : PF_SHAPE1(width), err, "%s",
                    p->class_row)) &&
           pf_bind(b, &v->positions,
                   p->is_boxed ? PF_SHAPE3(1, rows, width) : PF_SHAPE2(rows, width),
                   err, "%s", p->positions);
}

bool pf_vit_bind(pf_clip *clip, pf_err *err)
{
    const pf_dims *d = &clip->dims;
    const pf_image_parts *p = &d->family->image;
    pf_vit_tower *v = &clip->vit;
    pf_binder *b = clip->binder;
    const int width = d->vit.width;
    return bind_patches(v, b, d, err) && bind_rows(v, b, d, err) &&
           (!p->first_norm ||
            pf_norm_bind(&v->first_norm, b, width, err, p->first_norm)) &&
           pf_stack_bind(&v->stack, b, &d->vit, &p->blocks, err) &&
           pf_norm_bind(&v->final_norm, b, width, err, p->final_norm) &&
           (!p->head || pf_head_bind(&v->head, b, &d->vit, p->head, err)) &&
           pf_projection_bind(&v->projection, b, &p->projection, width, 0, d->embed,
                              err);
}

/* ---- the forward pass ---- */

/* Patch (row, column) of one picture [3, size, size] -> [3, patch, patch]. */
static void cut_patch(const float *pixels, size_t size, size_t patch, size_t row,
                      size_t column, float *out)
{
    for (size_t c = 0; c < 3; c++) {
        const float *from = pixels + (c * size + row * patch) * size + column * patch;
        for (size_t y = 0; y < patch; y++, from += size, out += patch)
            memcpy(out, from, patch * sizeof *out);
    }
}

/* Rows of PF_ROOM_X: the class token, if any, and the embedded patches, each plus its
 * position. */
static bool embed_patches(pf_session *s, const float *pixels, size_t size, size_t n,
                          pf_err *err)
{
    const pf_vit_tower *v = &s->clip->vit;
    const size_t grid = (size_t)s->clip->dims.grid, cells = grid * grid;
    const size_t width = v->patches.out, patch = (size_t)s->clip->dims.patch;
    const size_t front = v->class_row ? 1 : 0, rows = front + cells;
    float *cut = pf_session_room(s, PF_ROOM_PATCHES, n * cells * v->patches.in, err);
    float *embedded = pf_session_room(s, PF_ROOM_NORMED, n * rows * width, err);
    float *x = pf_session_room(s, PF_ROOM_X, n * rows * width, err);
    if (!cut || !embedded || !x ||
        !pf_session_reserve(s, n * cells, v->patches.in, err))
        return false;
    for (size_t i = 0; i < n * cells; i++)
        cut_patch(pixels + i / cells * 3 * size * size, size, patch, i % cells / grid,
                  i % grid, cut + i * v->patches.in);
    pf_session_linear(s, &v->patches, cut, n * cells, embedded, width, false);
    pf_session_tell(s, "image.patches", embedded, n * cells, width);
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * rows * width;
        if (v->class_row)
            memcpy(row, v->class_row, width * sizeof *row);
        memcpy(row + front * width, embedded + i * cells * width,
               cells * width * sizeof *row);
        pf_kernel_add(row, v->positions, rows * width);
    }
    pf_session_tell(s, "image.embeddings", x, n * rows, width);
    return true;
}

/* All rows of PF_ROOM_X through the final norm and the head. */
static bool pool_all(pf_session *s, size_t n, size_t rows, pf_err *err)
{
    const pf_vit_tower *v = &s->clip->vit;
    const size_t width = v->patches.out;
    float *x = s->room[PF_ROOM_X];
    pf_kernel_layer_norm(&v->final_norm, v->stack.dims.eps, x, n * rows, width, x);
    pf_session_tell(s, "image.norm", x, n * rows, width);
    return pf_head_run(&v->head, &v->stack.dims, s, x, n, rows, err);
}

/* The class tokens' rows, in PF_ROOM_POOLED, through the final norm. */
static bool norm_pooled(pf_session *s, size_t n, size_t rows, pf_err *err)
{
    const pf_vit_tower *v = &s->clip->vit;
    const size_t width = v->patches.out;
    const float eps = v->stack.dims.eps;
    float *pooled = s->room[PF_ROOM_POOLED];
    if (!pf_norm_tell(&v->final_norm, eps, s, s->room[PF_ROOM_X], n * rows, width,
                      "image.norm", err))
        return false;
    pf_kernel_layer_norm(&v->final_norm, eps, pooled, n, width, pooled);
    return true;
}

static bool run(pf_session *s, size_t n, size_t rows, const size_t *class_rows,
                float *out, pf_err *err)
{
    const pf_vit_tower *v = &s->clip->vit;
    const size_t width = v->patches.out;
    float *x = s->room[PF_ROOM_X];
    if (v->first_norm.gain) {
        pf_kernel_layer_norm(&v->first_norm, v->stack.dims.eps, x, n * rows, width, x);
        pf_session_tell(s, "image.ln_pre", x, n * rows, width);
    }
    if (!pf_stack_run(&v->stack, s, n, class_rows, false, "image", err) ||
        !(class_rows ? norm_pooled(s, n, rows, err) : pool_all(s, n, rows, err)))
        return false;
    const float *pooled = s->room[PF_ROOM_POOLED];
    pf_session_tell(s, "image.pooled", pooled, n, width);
    if (v->projection.kind != PF_PROJECTION_NONE)
        return pf_projection_run(&v->projection, s, pooled, n, out, "image", err);
    memcpy(out, pooled, n * width * sizeof *out);
    return true;
}

bool pf_vit_embed(pf_session *s, const float *pixels, int size, size_t n, float *out,
                  pf_err *err)
{
    const pf_dims *d = &s->clip->dims;
    const size_t rows = (size_t)(d->grid * d->grid + pf_dims_class_rows(d));
    size_t *starts = pf_session_starts(s, n, err);
    size_t *class_rows = starts ? pf_alloc_array(n, sizeof *class_rows, err) : NULL;
    if (!class_rows)
        return false;
    for (size_t i = 0; i <= n; i++)
        starts[i] = i * rows;
    const bool ok =
        embed_patches(s, pixels, (size_t)size, n, err) &&
        run(s, n, rows, s->clip->vit.head.probe ? NULL : class_rows, out, err);
    pf_free(class_rows);
    return ok;
}
