/* part.c - see part.h. */
#include "core/search/part.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/c_locale.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

static const char digits[] = "0123456789";

/* Bytes of the number that `s` begins with, or 0. */
static size_t number_at(const char *s)
{
    size_t n = strspn(s, digits);
    if (s[n] == '.' && strspn(s + n + 1, digits) > 0)
        n += 1 + strspn(s + n + 1, digits);
    return n;
}

bool pf_read_weight(const char **text, double *weight, pf_err *err)
{
    const char *s = *text;
    const size_t n = number_at(s);
    *weight = 1;
    if (n == 0 || s[n] != ':')
        return true;
    const pf_c_locale locale = pf_c_locale_begin();
    const double w = strtod(s, NULL);
    pf_c_locale_end(locale);
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

/* Is the "00 position" of "3:00 position" a number, and not a word such as "2nd"? */
static bool begins_with_number(const char *s)
{
    s += strspn(s, " ");
    const size_t n = number_at(s);
    return n > 0 && (s[n] == '\0' || strchr(" ,;:/-)", s[n]));
}

bool pf_read_phrase_weight(const char **text, double *weight, pf_err *err)
{
    const char *s = *text;
    const size_t n = number_at(s);
    const bool is_one = n == 1 && *s == '1'; /* "1:3:00" is 3:00, said to be so */
    if (n > 0 && s[n] == ':' && begins_with_number(s + n + 1) &&
        !(is_one && s[n + 1 + number_at(s + n + 1)] == ':')) {
        *weight = 1;
        return true;
    }
    return pf_read_weight(text, weight, err);
}

unsigned pf_part_tower(const pf_part *part)
{
    switch (part->kind) {
    case PF_PART_PHRASE:
        return PF_CLIP_TEXT;
    case PF_PART_FILE:
    case PF_PART_PICTURE:
    case PF_PART_KEPT:
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

/* What a picture is embedded with; its bytes are in the sandbox. */
typedef struct {
    pf_embedder *embedder;
    pf_sandbox *sandbox;
    float *vector;
} embedding;

static bool embed_taken(const embedding *e, const char *name, pf_err *err)
{
    const pf_preprocess *p = pf_model_preprocess(pf_embedder_model(e->embedder));
    const pf_intake_options options = {.name = name, .preprocess = p};
    pf_intake intake = {0};
    intake.pixels = pf_alloc_array((size_t)p->size * (size_t)p->size, 3, err);
    const bool ok = intake.pixels &&
                    pf_sandbox_decode(e->sandbox, &intake, &options, err) &&
                    pf_embed_picture(e->embedder, intake.pixels, e->vector, err);
    pf_free(intake.pixels);
    return ok || pf_fail_in(err, "picture '%s'", name);
}

static bool embed_file(const embedding *e, const char *path, pf_err *err)
{
    pf_hash hash;
    return pf_sandbox_read(e->sandbox, path, NULL, &hash, err) &&
           embed_taken(e, path, err);
}

static bool embed_bytes(const embedding *e, const pf_part *part, pf_err *err)
{
    return (pf_sandbox_put(e->sandbox, part->bytes, part->n_bytes, err) ||
            pf_fail_in(err, "picture '%s'", part->text)) &&
           embed_taken(e, part->text, err);
}

bool pf_part_embed(const pf_part *part, pf_embedder *embedder, pf_sandbox *sandbox,
                   float *vector, bool *is_truncated, pf_err *err)
{
    const embedding e = {embedder, sandbox, vector};
    if (is_truncated)
        *is_truncated = false;
    switch (part->kind) {
    case PF_PART_PHRASE:
        return embed_phrase(part->text, embedder, vector, is_truncated, err);
    case PF_PART_FILE:
        return embed_file(&e, part->text, err);
    case PF_PART_PICTURE:
        return embed_bytes(&e, part, err);
    case PF_PART_KEPT:
        return pf_fail(err, PF_ERR_MISUSE,
                       "picture '%s' is only searched with by its hash: send it",
                       part->text);
    case PF_PART_LIKE:
        break;
    }
    return pf_fail(err, PF_ERR_MISUSE,
                   "'%s' is an image of a catalog, and there is none", part->text);
}
