/* term.c - see term.h. */
#include "core/search/term.h"

#include <string.h>

#include "core/base/mapfile.h"

unsigned pf_term_tower(const pf_term *term)
{
    switch (term->kind) {
    case PF_TERM_PHRASE:
        return PF_CLIP_TEXT;
    case PF_TERM_FILE:
    case PF_TERM_PICTURE:
        return PF_CLIP_IMAGE;
    case PF_TERM_LIKE:
        break;
    }
    return 0;
}

static bool embed_phrase(const char *phrase, pf_embedder *embedder, float *vector,
                         bool *is_truncated, pf_err *err)
{
    if (phrase[strspn(phrase, " \t\r\n\v\f")] == '\0')
        return pf_fail(err, PF_ERR_MISUSE, "the phrase is empty");
    return pf_embed_texts(embedder, &phrase, 1, vector, is_truncated, err);
}

static bool embed_bytes(const uint8_t *bytes, size_t n, const char *name,
                        pf_embedder *embedder, float *vector, pf_err *err)
{
    pf_picture picture = {0};
    bool ok = pf_picture_decode(&picture, bytes, n, name, NULL, err) &&
              pf_embed_picture(embedder, &picture, vector, err);
    pf_picture_reset(&picture);
    return ok || pf_fail_in(err, "picture '%s'", name);
}

static bool embed_file(const char *path, pf_embedder *embedder, float *vector,
                       pf_err *err)
{
    pf_mapfile map;
    if (!pf_mapfile_open(&map, path, err))
        return false;
    bool ok = embed_bytes(map.data, map.size, path, embedder, vector, err);
    pf_mapfile_close(&map);
    return ok;
}

bool pf_term_embed(const pf_term *term, pf_embedder *embedder, float *vector,
                   bool *is_truncated, pf_err *err)
{
    if (is_truncated)
        *is_truncated = false;
    switch (term->kind) {
    case PF_TERM_PHRASE:
        return embed_phrase(term->text, embedder, vector, is_truncated, err);
    case PF_TERM_FILE:
        return embed_file(term->text, embedder, vector, err);
    case PF_TERM_PICTURE:
        return embed_bytes(term->bytes, term->n_bytes, term->text, embedder, vector,
                           err);
    case PF_TERM_LIKE:
        break;
    }
    return pf_fail(err, PF_ERR_MISUSE,
                   "'%s' is an image of a catalog, and there is none", term->text);
}
