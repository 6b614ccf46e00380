/* part.c - see part.h. */
#include "core/search/part.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mapfile.h"
#include "core/base/utf8.h"

static const char digits[] = "0123456789";

bool pf_part_read_weight(const char **text, double *weight, pf_err *err)
{
    const char *s = *text;
    size_t n = strspn(s, digits);
    *weight = 1;
    if (s[n] == '.' && strspn(s + n + 1, digits) > 0)
        n += 1 + strspn(s + n + 1, digits);
    if (n == 0 || s[n] != ':')
        return true;
    const double w = strtod(s, NULL);
    if (!(w >= PF_PART_WEIGHT_MIN && w <= PF_PART_WEIGHT_MAX))
        return pf_fail(err, PF_ERR_MISUSE,
                       "the weight in '%.*s' is outside %g..%g (1: in front takes the "
                       "rest as it is)",
                       pf_utf8_shown(s, strlen(s)), s, PF_PART_WEIGHT_MIN,
                       PF_PART_WEIGHT_MAX);
    if (s[n + 1] == '\0')
        return pf_fail(err, PF_ERR_MISUSE, "there is nothing behind the weight '%.80s'",
                       s);
    *text = s + n + 1;
    *weight = w;
    return true;
}

unsigned pf_part_tower(const pf_part *part)
{
    switch (part->kind) {
    case PF_PART_PHRASE:
        return PF_CLIP_TEXT;
    case PF_PART_FILE:
    case PF_PART_PICTURE:
        return PF_CLIP_IMAGE;
    case PF_PART_LIKE:
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
    bool ok = pf_picture_decode(&picture, bytes, n, name, 0, NULL, err) &&
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

bool pf_part_embed(const pf_part *part, pf_embedder *embedder, float *vector,
                   bool *is_truncated, pf_err *err)
{
    if (is_truncated)
        *is_truncated = false;
    switch (part->kind) {
    case PF_PART_PHRASE:
        return embed_phrase(part->text, embedder, vector, is_truncated, err);
    case PF_PART_FILE:
        return embed_file(part->text, embedder, vector, err);
    case PF_PART_PICTURE:
        return embed_bytes(part->bytes, part->n_bytes, part->text, embedder, vector,
                           err);
    case PF_PART_LIKE:
        break;
    }
    return pf_fail(err, PF_ERR_MISUSE,
                   "'%s' is an image of a catalog, and there is none", part->text);
}
