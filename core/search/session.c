/*
 * session.c - see session.h, and search.h for opening and closing.
 */
#include "core/search/session.h"

#include <string.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/mem.h"

/* ---- open and close ---- */

static bool copy_optional(char **out, const char *s, pf_err *err)
{
    return !s || (*out = pf_strdup(s, err)) != NULL;
}

static unsigned indexes_for(unsigned find)
{
    return (find & (PF_FIND_IMAGES | PF_FIND_CASES) ? PF_CATALOG_IMAGES : 0u) |
           (find & PF_FIND_CAPTIONS ? PF_CATALOG_CAPTIONS : 0u);
}

bool pf_search_open(pf_search **out, const pf_search_options *options, pf_notes *notes,
                    pf_err *err)
{
    *out = NULL;
    pf_search *s = pf_zalloc(sizeof *s, err);
    if (!s)
        return false;
    s->find = options->find;
    s->ignores_negation = options->words.ignores_negation;
    if (!copy_optional(&s->model_path, options->model, err) ||
        !copy_optional(&s->tokenizer_path, options->tokenizer, err) ||
        !copy_optional(&s->synonyms_path, options->words.synonyms, err) ||
        !pf_catalog_open_reader(&s->catalog, options->folder, indexes_for(s->find),
                                notes, err) ||
        !pf_store_find_model(pf_catalog_store(s->catalog), &s->stored, err)) {
        pf_search_close(s);
        return false;
    }
    *out = s;
    return true;
}

static void drop_model(pf_search *s)
{
    pf_embedder_free(s->embedder);
    pf_model_close(s->model);
    s->embedder = NULL;
    s->model = NULL;
    s->towers = 0;
}

void pf_search_close(pf_search *s)
{
    if (!s)
        return;
    drop_model(s);
    pf_store_model_reset(&s->stored);
    pf_catalog_close(s->catalog);
    pf_free(s->model_path);
    pf_free(s->tokenizer_path);
    pf_free(s->synonyms_path);
    pf_words_free(s->words);
    pf_free(s);
}

const char *pf_search_folder(const pf_search *s)
{
    return pf_catalog_folder(s->catalog);
}

bool pf_search_check(pf_search *s, pf_notes *problems, pf_err *err)
{
    return pf_catalog_check(s->catalog, problems, err);
}

/* ---- the model ---- */

static const char *model_path(const pf_search *s)
{
    return s->model_path ? s->model_path : s->stored.path;
}

/* NULL: beside the model, where one that was moved may have it. */
static const char *tokenizer_path(const pf_search *s)
{
    const char *stored = s->stored.tokenizer;
    if (s->tokenizer_path)
        return s->tokenizer_path;
    return stored && s->model_path && !pf_path_exists(stored) ? NULL : stored;
}

static bool open_towers(const pf_search *s, unsigned what, pf_model **out,
                        pf_notes *notes, pf_err *err)
{
    const pf_model_options options = {
        .preprocess = s->stored.preprocess,
        .tokenizer = tokenizer_path(s),
        .what = what,
    };
    return pf_model_open(out, model_path(s), &options, notes, err);
}

/* Are the files of `model` those that were there when the catalog was made? A model
 * opened without its tokenizer has the beginning of the stamp, up to a line's end, and
 * makes the same vectors of pictures whatever the tokenizer. */
static bool has_stored_stamp(const pf_search *s, const pf_model *model, bool *same,
                             pf_err *err)
{
    char *stamp = pf_model_stamp(model, err);
    if (!stamp)
        return false;
    size_t n = strlen(stamp);
    *same = n > 0 && (pf_model_bpe(model) ? strcmp(stamp, s->stored.stamp) == 0
                                          : strncmp(stamp, s->stored.stamp, n) == 0);
    pf_free(stamp);
    return true;
}

static bool has_stored_fingerprint(const pf_search *s, const pf_model *model,
                                   char hex[PF_HASH_HEX_SIZE])
{
    const pf_hash fingerprint = pf_model_fingerprint(model);
    pf_hash_hex(&fingerprint, hex);
    return strcmp(hex, s->stored.fingerprint) == 0;
}

static bool other_model(const pf_search *s, const char *hex, pf_err *err)
{
    return pf_fail(err, PF_ERR_MISMATCH,
                   "model '%s' (%s) is not the one catalog '%s' was made with (%s): "
                   "name that one with --model, or make the catalog anew with "
                   "plainfilm-index --rebuild --model",
                   model_path(s), hex, pf_search_folder(s), s->stored.fingerprint);
}

/* Open and trust: by stamp, else by reading all of it. */
static bool open_model(pf_search *s, unsigned towers, pf_notes *notes, pf_err *err)
{
    char hex[PF_HASH_HEX_SIZE];
    bool same = false, ok = open_towers(s, towers, &s->model, notes, err) &&
                            has_stored_stamp(s, s->model, &same, err);
    if (ok && !same) {
        drop_model(s);
        ok = open_towers(s, towers | PF_CLIP_VERIFY, &s->model, NULL, err) &&
             (has_stored_fingerprint(s, s->model, hex) || other_model(s, hex, err));
    }
    if (ok && pf_model_dim(s->model) != s->stored.dim)
        ok = pf_fail(err, PF_ERR_FORMAT,
                     "catalog '%s' has vectors of %d numbers, its model makes %d",
                     pf_search_folder(s), s->stored.dim, pf_model_dim(s->model));
    if (ok && pf_embedder_new(&s->embedder, s->model, err)) {
        s->towers = towers;
        return true;
    }
    drop_model(s);
    return false;
}

bool pf_session_has_model(const pf_search *s, pf_err *err)
{
    return s->stored.id != 0 ||
           pf_fail(err, PF_ERR_NOT_FOUND, "catalog '%s' is empty", pf_search_folder(s));
}

bool pf_session_open_towers(pf_search *s, unsigned towers, pf_notes *notes, pf_err *err)
{
    if ((s->towers & towers) == towers)
        return true;
    if (!pf_session_has_model(s, err))
        return false;
    if (!s->model_path && !pf_path_exists(s->stored.path))
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "the model of catalog '%s' is not at '%s' any more: name its "
                       "new place with --model",
                       pf_search_folder(s), s->stored.path);
    towers |= s->towers;
    drop_model(s);
    return open_model(s, towers, notes, err);
}

bool pf_search_get_model(pf_search *s, unsigned towers, const pf_model **out,
                         pf_notes *notes, pf_err *err)
{
    *out = NULL;
    if (!pf_session_open_towers(s, towers, notes, err))
        return false;
    *out = s->model;
    return true;
}

const char *pf_search_notice(const pf_search *s)
{
    return s->model ? pf_model_notice(s->model) : NULL;
}

/* ---- words ---- */

bool pf_session_get_words(pf_search *s, pf_err *err)
{
    const pf_words_settings settings = {.synonyms = s->synonyms_path,
                                        .ignores_negation = s->ignores_negation};
    return s->words || pf_words_new(&s->words, &settings, err);
}
