/* text.c - the text tower: tokens, positions, causal blocks, the end token's row. */
#include "core/model/tower.h"

#include <string.h>

#include "core/base/mem.h"

bool pf_text_bind(pf_clip *clip, pf_err *err)
{
    const pf_dims *d = &clip->dims;
    pf_text_tower *t = &clip->text;
    pf_binder *b = clip->binder;
    const bool is_hf = d->names == PF_NAMES_HF;
    const int width = d->text.width;
    if (is_hf)
        pf_bind_ignore(b, "text_model.embeddings.position_ids");
    return pf_bind(b, &t->tokens, PF_SHAPE2(d->vocab, width), err, "%s",
                   is_hf ? "text_model.embeddings.token_embedding.weight"
                         : "token_embedding.weight") &&
           pf_bind(b, &t->positions, PF_SHAPE2(d->context, width), err, "%s",
                   is_hf ? "text_model.embeddings.position_embedding.weight"
                         : "positional_embedding") &&
           pf_stack_bind(&t->stack, b, &d->text, d->names, true, err) &&
           pf_norm_bind(&t->final_norm, b, width, err,
                        is_hf ? "text_model.final_layer_norm" : "ln_final") &&
           pf_projection_bind(&t->projection, b, width, d->embed, d->names, err,
                              "text_projection");
}

/* Check one text and find its highest id: the end token, where the text is read. */
static bool find_end(const pf_dims *d, const int32_t *ids, size_t n, size_t *end,
                     pf_err *err)
{
    if (n < 1 || n > (size_t)d->context)
        return pf_fail(err, PF_ERR_LIMIT, "a text has %zu tokens, expected 1 to %d", n,
                       d->context);
    *end = 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= d->vocab)
            return pf_fail(
                err, PF_ERR_MISMATCH,
                "token %d is not in the model's vocabulary of %d; the tokenizer "
                "belongs to another model",
                ids[i], d->vocab);
        if (ids[i] > ids[*end])
            *end = i;
    }
    return true;
}

static bool embed_rows(pf_session *s, const int32_t *ids, size_t n, pf_err *err)
{
    const pf_text_tower *t = &s->clip->text;
    const size_t width = t->projection.in;
    float *x = pf_session_room(s, PF_ROOM_X, s->starts[n] * width, err);
    if (!x)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t rows = s->starts[i + 1] - s->starts[i];
        float *first = x + s->starts[i] * width;
        for (size_t j = 0; j < rows; j++)
            memcpy(first + j * width, t->tokens + (size_t)*ids++ * width,
                   width * sizeof *x);
        pf_kernel_add(first, t->positions, rows * width);
    }
    return true;
}

static bool run(pf_session *s, const int32_t *ids, size_t n, const size_t *ends,
                float *out, pf_err *err)
{
    const pf_text_tower *t = &s->clip->text;
    if (!embed_rows(s, ids, n, err) ||
        !pf_stack_run(&t->stack, s, n, ends, true, "text", err))
        return false;
    float *pooled = s->room[PF_ROOM_POOLED];
    pf_kernel_layer_norm(&t->final_norm, t->stack.dims.eps, pooled, n, t->projection.in,
                         pooled);
    pf_kernel_linear(&t->projection, pooled, n, out, t->projection.out, false);
    return true;
}

bool pf_text_embed(pf_session *s, const int32_t *ids, const size_t *lengths, size_t n,
                   float *out, pf_err *err)
{
    size_t *starts = pf_session_starts(s, n, err);
    size_t *ends = starts ? pf_alloc_array(n, sizeof *ends, err) : NULL;
    if (!ends)
        return false;
    bool ok = true;
    starts[0] = 0;
    for (size_t i = 0; ok && i < n; i++) {
        ok = find_end(&s->clip->dims, ids + starts[i], lengths[i], &ends[i], err);
        starts[i + 1] = starts[i] + lengths[i];
    }
    ok = ok && run(s, ids, n, ends, out, err);
    pf_free(ends);
    return ok;
}
