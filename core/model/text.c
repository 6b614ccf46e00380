/*
 * text.c - the text tower: tokens and positions, blocks, one row of each text, and the
 * projection of that.
 */
#include "core/model/tower.h"

#include <string.h>

#include "core/base/mem.h"

enum { PADDING = 0 }; /* the id that is hidden, where a family hides it */

bool pf_text_bind(pf_clip *clip, pf_err *err)
{
    const pf_dims *d = &clip->dims;
    const pf_text_parts *p = &d->family->text;
    pf_text_tower *t = &clip->text;
    pf_binder *b = clip->binder;
    const int width = d->text.width;
    return pf_bind(b, &t->tokens, PF_SHAPE2(d->vocab, width), err, "%s", p->tokens) &&
           (!p->kinds ||
            pf_bind(b, &t->kind, PF_SHAPE2(2, width), err, "%s", p->kinds)) &&
           pf_bind(b, &t->positions, PF_SHAPE2(d->positions, width), err, "%s",
                   p->positions) &&
           (!p->first_norm ||
            pf_norm_bind(&t->first_norm, b, width, err, p->first_norm)) &&
           pf_stack_bind(&t->stack, b, &d->text, &p->blocks, err) &&
           (!p->final_norm ||
            pf_norm_bind(&t->final_norm, b, width, err, p->final_norm)) &&
           pf_projection_bind(&t->projection, b, &p->projection, width, d->middle,
                              d->embed, err);
}

/* ---- one text's ids ---- */

static bool check_ids(const pf_dims *d, const int32_t *ids, size_t n, pf_err *err)
{
    if (n < 1 || n > (size_t)d->context)
        return pf_fail(err, PF_ERR_LIMIT, "a text has %zu tokens, expected 1 to %d", n,
                       d->context);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= d->vocab)
            return pf_fail(
                err, PF_ERR_MISMATCH,
                "token %d is not in the model's vocabulary of %d; the tokenizer "
                "belongs to another model",
                ids[i], d->vocab);
    }
    return true;
}

/* Where the text ends: the first of its end token or, as OpenAI has it, of its highest
 * id. The first place when there is no end token, as in transformers. */
static size_t find_end(const pf_dims *d, const int32_t *ids, size_t n)
{
    size_t highest = 0;
    for (size_t i = 0; i < n; i++) {
        if (d->end_id >= 0 && ids[i] == d->end_id)
            return i;
        if (ids[i] > ids[highest])
            highest = i;
    }
    return d->end_id >= 0 ? 0 : highest;
}

/* The row that is read, counted among those that are not hidden. */
static bool find_row(const pf_dims *d, const int32_t *ids, size_t n, size_t *row,
                     pf_err *err)
{
    switch (d->family->text.pooling) {
    case PF_POOL_END:
        *row = find_end(d, ids, n);
        return true;
    case PF_POOL_FIRST:
        *row = 0;
        return !d->family->text.hides_padding || ids[0] != PADDING ||
               pf_fail(err, PF_ERR_MISMATCH,
                       "a text begins with padding; the tokenizer belongs to another "
                       "model");
    case PF_POOL_LAST:
        *row = n - 1;
        return n == (size_t)d->context ||
               pf_fail(err, PF_ERR_MISMATCH,
                       "a text has %zu tokens, expected %d with its padding", n,
                       d->context);
    }
    return false;
}

/* A token that no other sees is left out altogether, which is the same to the others:
 * they keep their positions. */
static bool is_hidden(const pf_dims *d, int32_t id)
{
    return d->family->text.hides_padding && id == PADDING;
}

static size_t count_rows(const pf_dims *d, const int32_t *ids, size_t n)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += !is_hidden(d, ids[i]);
    return rows;
}

/* ---- the forward pass ---- */

static void embed_text(const pf_clip *clip, const int32_t *ids, size_t n, float *x)
{
    const pf_text_tower *t = &clip->text;
    const size_t width = (size_t)clip->dims.text.width;
    for (size_t i = 0; i < n; i++) {
        if (is_hidden(&clip->dims, ids[i]))
            continue;
        memcpy(x, t->tokens + (size_t)ids[i] * width, width * sizeof *x);
        if (t->kind)
            pf_kernel_add(x, t->kind, width);
        pf_kernel_add(x, t->positions + i * width, width);
        x += width;
    }
}

/* Rows of PF_ROOM_X, as the blocks take them. */
static bool embed_rows(pf_session *s, const int32_t *ids, const size_t *lengths,
                       size_t n, pf_err *err)
{
    const pf_text_tower *t = &s->clip->text;
    const size_t width = (size_t)s->clip->dims.text.width, rows = s->starts[n];
    float *x = pf_session_room(s, PF_ROOM_X, rows * width, err);
    if (!x)
        return false;
    for (size_t i = 0; i < n; ids += lengths[i++])
        embed_text(s->clip, ids, lengths[i], x + s->starts[i] * width);
    if (t->first_norm.gain)
        pf_kernel_layer_norm(&t->first_norm, t->stack.dims.eps, x, rows, width, x);
    pf_session_tell(s, "text.embeddings", x, rows, width);
    return true;
}

static bool run(pf_session *s, const int32_t *ids, const size_t *lengths, size_t n,
                const size_t *pooled_row, float *out, pf_err *err)
{
    const pf_text_tower *t = &s->clip->text;
    const size_t width = (size_t)s->clip->dims.text.width;
    const float eps = t->stack.dims.eps;
    if (!embed_rows(s, ids, lengths, n, err) ||
        !pf_stack_run(&t->stack, s, n, pooled_row, s->clip->dims.family->text.is_causal,
                      "text", err))
        return false;
    float *pooled = s->room[PF_ROOM_POOLED];
    if (t->final_norm.gain) {
        if (!pf_norm_tell(&t->final_norm, eps, s, s->room[PF_ROOM_X], s->starts[n],
                          width, "text.norm", err))
            return false;
        pf_kernel_layer_norm(&t->final_norm, eps, pooled, n, width, pooled);
    }
    pf_session_tell(s, "text.pooled", pooled, n, width);
    return pf_projection_run(&t->projection, s, pooled, n, out, "text", err);
}

bool pf_text_embed(pf_session *s, const int32_t *ids, const size_t *lengths, size_t n,
                   float *out, pf_err *err)
{
    const pf_dims *d = &s->clip->dims;
    size_t *starts = pf_session_starts(s, n, err);
    size_t *pooled_row = starts ? pf_alloc_array(n, sizeof *pooled_row, err) : NULL;
    if (!pooled_row)
        return false;
    bool ok = true;
    const int32_t *at = ids;
    starts[0] = 0;
    for (size_t i = 0; ok && i < n; at += lengths[i++]) {
        ok = check_ids(d, at, lengths[i], err) &&
             find_row(d, at, lengths[i], &pooled_row[i], err);
        if (ok)
            starts[i + 1] = starts[i] + count_rows(d, at, lengths[i]);
    }
    ok = ok && run(s, ids, lengths, n, pooled_row, out, err);
    pf_free(pooled_row);
    return ok;
}
