/* embedder.c - texts and pictures to vectors with one thread's working memory. The
 * declarations are in model.h. */
#include "core/model/model.h"

#include <string.h>

#include "core/base/mem.h"

struct pf_embedder {
    const pf_model *model;
    pf_session *session;
    int32_t *ids; /* [room, context] */
    size_t *lengths;
    size_t room;   /* texts that fit */
    float *pixels; /* one picture; NULL until the first */
};

bool pf_embedder_new(pf_embedder **out, const pf_model *model, pf_err *err)
{
    *out = NULL;
    pf_embedder *e = pf_zalloc(sizeof *e, err);
    if (!e)
        return false;
    e->model = model;
    if (!pf_session_new(&e->session, pf_model_clip(model), err)) {
        pf_embedder_free(e);
        return false;
    }
    *out = e;
    return true;
}

void pf_embedder_free(pf_embedder *e)
{
    if (!e)
        return;
    pf_session_free(e->session);
    pf_free(e->ids);
    pf_free(e->lengths);
    pf_free(e->pixels);
    pf_free(e);
}

bool pf_embedder_set_threads(pf_embedder *e, size_t n, pf_err *err)
{
    return pf_session_set_threads(e->session, n, err);
}

const pf_model *pf_embedder_model(const pf_embedder *e)
{
    return e->model;
}

static size_t context_of(const pf_embedder *e)
{
    return (size_t)pf_clip_dims(pf_model_clip(e->model))->context;
}

static bool make_room(pf_embedder *e, size_t n, pf_err *err)
{
    if (n <= e->room)
        return true;
    e->room = 0;
    pf_free(e->ids);
    pf_free(e->lengths);
    e->ids = pf_alloc_array(n, context_of(e) * sizeof *e->ids, err);
    e->lengths = pf_alloc_array(n, sizeof *e->lengths, err);
    if (!e->ids || !e->lengths)
        return false;
    e->room = n;
    return true;
}

bool pf_embed_token_ids(pf_embedder *e, const char *text, int32_t *ids, size_t *n_ids,
                        bool *is_truncated, pf_err *err)
{
    return pf_tokenizer_encode(pf_model_tokenizer(e->model), text, strlen(text), ids,
                               n_ids, is_truncated, err);
}

bool pf_embed_texts(pf_embedder *e, const char *const *texts, size_t n, float *out,
                    bool *is_truncated, pf_err *err)
{
    if (!make_room(e, n, err))
        return false;
    int32_t *ids = e->ids; /* texts lie one after another, without padding */
    for (size_t i = 0; i < n; i++) {
        bool cut = false;
        if (!pf_embed_token_ids(e, texts[i], ids, &e->lengths[i], &cut, err))
            return false;
        if (is_truncated)
            is_truncated[i] = cut;
        ids += e->lengths[i];
    }
    return pf_session_embed_tokens(e->session, e->ids, e->lengths, n, out, err);
}

size_t pf_embed_pixels_size(const pf_model *model)
{
    size_t side = (size_t)pf_model_preprocess(model)->size;
    return 3 * side * side;
}

bool pf_embed_pixels(pf_embedder *e, const float *pixels, size_t n, float *out,
                     pf_err *err)
{
    return pf_session_embed_images(e->session, pixels,
                                   pf_model_preprocess(e->model)->size, n, out, err);
}

bool pf_embed_picture(pf_embedder *e, const uint8_t *rgb, float *out, pf_err *err)
{
    if (!e->pixels)
        e->pixels = pf_alloc_floats(pf_embed_pixels_size(e->model), err);
    if (!e->pixels)
        return false;
    pf_preprocess_normalise(pf_model_preprocess(e->model), rgb, e->pixels);
    return pf_embed_pixels(e, e->pixels, 1, out, err);
}
