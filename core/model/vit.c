/* vit.c - the Vision Transformer image tower: patches, class token, blocks, projection.
 */
#include "core/model/tower.h"

#include <string.h>

#include "core/base/mem.h"

bool pf_vit_bind(pf_clip *clip, pf_err *err)
{
    const pf_dims *d = &clip->dims;
    pf_vit_tower *v = &clip->vit;
    pf_binder *b = clip->binder;
    const bool is_hf = d->names == PF_NAMES_HF;
    const int width = d->vit.width, positions = 1 + d->grid * d->grid;
    v->patches.in = (size_t)(3 * d->patch * d->patch);
    v->patches.out = (size_t)width;
    if (is_hf)
        pf_bind_ignore(b, "vision_model.embeddings.position_ids");
    /* "pre_layrnorm" is how transformers spells it. */
    return pf_bind(b, &v->patches.weight, PF_SHAPE4(width, 3, d->patch, d->patch), err,
                   "%s",
                   is_hf ? "vision_model.embeddings.patch_embedding.weight"
                         : "visual.conv1.weight") &&
           pf_bind(b, &v->class_row, PF_SHAPE1(width), err, "%s",
                   is_hf ? "vision_model.embeddings.class_embedding"
                         : "visual.class_embedding") &&
           pf_bind(b, &v->positions, PF_SHAPE2(positions, width), err, "%s",
                   is_hf ? "vision_model.embeddings.position_embedding.weight"
                         : "visual.positional_embedding") &&
           pf_norm_bind(&v->first_norm, b, width, err,
                        is_hf ? "vision_model.pre_layrnorm" : "visual.ln_pre") &&
           pf_stack_bind(&v->stack, b, &d->vit, d->names, false, err) &&
           pf_norm_bind(&v->final_norm, b, width, err,
                        is_hf ? "vision_model.post_layernorm" : "visual.ln_post") &&
           pf_projection_bind(&v->projection, b, width, d->embed, d->names, err,
                              is_hf ? "visual_projection" : "visual.proj");
}

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

/* Rows of PF_ROOM_X: the class token and the embedded patches, each plus its position.
 */
static bool embed_patches(pf_session *s, const float *pixels, size_t size, size_t n,
                          pf_err *err)
{
    const pf_vit_tower *v = &s->clip->vit;
    const size_t grid = (size_t)s->clip->dims.grid, cells = grid * grid;
    const size_t width = v->patches.out, patch = (size_t)s->clip->dims.patch;
    float *cut = pf_session_room(s, PF_ROOM_PATCHES, n * cells * v->patches.in, err);
    float *embedded = pf_session_room(s, PF_ROOM_NORMED, n * (cells + 1) * width, err);
    float *x = pf_session_room(s, PF_ROOM_X, n * (cells + 1) * width, err);
    if (!cut || !embedded || !x)
        return false;
    for (size_t i = 0; i < n * cells; i++)
        cut_patch(pixels + i / cells * 3 * size * size, size, patch, i % cells / grid,
                  i % grid, cut + i * v->patches.in);
    pf_kernel_linear(&v->patches, cut, n * cells, embedded, width, false);
    for (size_t i = 0; i < n; i++, x += (cells + 1) * width) {
        memcpy(x, v->class_row, width * sizeof *x);
        memcpy(x + width, embedded + i * cells * width, cells * width * sizeof *x);
        pf_kernel_add(x, v->positions, (cells + 1) * width);
    }
    return true;
}

bool pf_vit_embed(pf_session *s, const float *pixels, int size, size_t n, float *out,
                  pf_err *err)
{
    const pf_vit_tower *v = &s->clip->vit;
    const size_t width = v->patches.out;
    const size_t rows = (size_t)(s->clip->dims.grid * s->clip->dims.grid) + 1;
    size_t *starts = pf_session_starts(s, n, err);
    size_t *class_rows = starts ? pf_alloc_array(n, sizeof *class_rows, err) : NULL;
    if (!class_rows)
        return false;
    for (size_t i = 0; i <= n; i++)
        starts[i] = i * rows;
    bool ok = embed_patches(s, pixels, (size_t)size, n, err);
    if (ok) {
        float *x = s->room[PF_ROOM_X];
        pf_kernel_layer_norm(&v->first_norm, v->stack.dims.eps, x, n * rows, width, x);
        pf_session_tell(s, "image.ln_pre", x, n * rows, width);
        ok = pf_stack_run(&v->stack, s, n, class_rows, false, "image", err);
    }
    if (ok) {
        float *pooled = s->room[PF_ROOM_POOLED];
        pf_kernel_layer_norm(&v->final_norm, v->stack.dims.eps, pooled, n, width,
                             pooled);
        pf_kernel_linear(&v->projection, pooled, n, out, v->projection.out, false);
    }
    pf_free(class_rows);
    return ok;
}
