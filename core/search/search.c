/*
 * search.c - see search.h: the catalog, its model, and one question after another.
 *
 * The order of a question: model (if a part needs one), one vector per part, their sum,
 * neighbours from FAISS, then what SQLite knows about each. All of it reads the one
 * snapshot that the catalog was opened at.
 */
#include "core/search/search.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/search/fusion.h"
#include "core/search/nearest.h"

/* A sum of unit vectors shorter than this has no direction worth asking for: rounding
 * alone leaves about 1e-7 of two vectors that cancel out. */
static const double SHORTEST_SUM = 1e-5;

enum { PARTS_MAX = 1000 };

struct pf_search {
    pf_catalog *catalog;
    unsigned find;
    char *model_path, *tokenizer_path; /* as asked for; NULL: what the catalog says */
    pf_store_model stored;             /* the model of the catalog; id 0 = none */
    pf_model *model;                   /* NULL until a part needs it */
    unsigned towers;                   /* those that `model` has */
    pf_embedder *embedder;             /* NULL or of `model` */
    char *synonyms_path;               /* NULL: the built-in table */
    bool ignores_negation;
    pf_words *words; /* NULL until a question needs it */
};

void pf_search_set_threads(int n)
{
    pf_vindex_set_threads(n);
}

void pf_query_init(pf_query *query)
{
    *query = (pf_query){.find = PF_FIND_IMAGES, .limit = 10, .min_score = -1};
}

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

/* A catalog that was rebuilt with the same model has "/N" behind the fingerprint. */
static bool has_stored_fingerprint(const pf_search *s, const pf_model *model,
                                   char hex[PF_HASH_HEX_SIZE])
{
    const pf_hash fingerprint = pf_model_fingerprint(model);
    pf_hash_hex(&fingerprint, hex);
    size_t n = strcspn(s->stored.fingerprint, "/");
    return n == strlen(hex) && strncmp(hex, s->stored.fingerprint, n) == 0;
}

static bool other_model(const pf_search *s, const char *hex, pf_err *err)
{
    return pf_fail(err, PF_ERR_MISMATCH,
                   "model '%s' (%s) is not the one catalog '%s' was made with (%.*s): "
                   "name that one with --model, or make the catalog anew with "
                   "plainfilm-index --rebuild --model",
                   model_path(s), hex, pf_search_folder(s),
                   (int)strcspn(s->stored.fingerprint, "/"), s->stored.fingerprint);
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

static bool must_have_model(const pf_search *s, pf_err *err)
{
    return s->stored.id != 0 ||
           pf_fail(err, PF_ERR_NOT_FOUND, "catalog '%s' is empty", pf_search_folder(s));
}

static bool see_to_model(pf_search *s, unsigned towers, pf_notes *notes, pf_err *err)
{
    if ((s->towers & towers) == towers)
        return true;
    if (!must_have_model(s, err))
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
    if (!see_to_model(s, towers, notes, err))
        return false;
    *out = s->model;
    return true;
}

const char *pf_search_notice(const pf_search *s)
{
    return s->model ? pf_model_notice(s->model) : NULL;
}

/* ---- from parts to one vector ---- */

/* "17" is an id, anything else a path. */
static bool is_id(const char *text, int64_t *id)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    errno = 0;
    const long long v = strtoll(text, NULL, 10);
    *id = errno == 0 ? v : 0;
    return true;
}

/* The catalog has absolute paths; a shell has relative ones and links. */
static bool find_by_path(pf_store *store, const char *path, int64_t *id, pf_err *err)
{
    char real[PATH_MAX];
    if (!pf_store_find_image(store, path, 0, id, err))
        return false;
    if (*id != 0 || !realpath(path, real))
        return true;
    return pf_store_find_image(store, real, 0, id, err);
}

/* Vector and id of the image that PF_PART_LIKE names. */
static bool find_like(const pf_search *s, const char *text, float *vector, int64_t *id,
                      pf_err *err)
{
    pf_store *store = pf_catalog_store(s->catalog);
    bool found = false;
    *id = 0;
    if (!is_id(text, id) && !find_by_path(store, text, id, err))
        return false;
    if (*id > 0 &&
        !pf_store_get_image_vector(store, *id, s->stored.dim, vector, &found, err))
        return false;
    return found ||
           pf_fail(err, PF_ERR_NOT_FOUND, "there is no image '%s' in catalog '%s'",
                   text, pf_search_folder(s));
}

/* Brings `v` to length 1; false when it is too short to have a direction. */
static bool normalize(float *v, const double *sum, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++)
        square += sum[i] * sum[i];
    const double length = sqrt(square);
    if (!(length >= SHORTEST_SUM) || !isfinite(length))
        return false;
    for (size_t i = 0; i < dim; i++)
        v[i] = (float)(sum[i] / length);
    return true;
}

/* One question on its way. */
typedef struct {
    float *vector; /* [dim] of the question */
    double *sum;   /* [dim] */
    int64_t *like; /* [n_parts] images that find_like() found */
    size_t n_like;
    pf_id_set scope; /* images that pass the filters, if there are any */
} question;

static void free_question(question *a)
{
    pf_free(a->vector);
    pf_free(a->sum);
    pf_free(a->like);
    pf_id_set_reset(&a->scope);
}

static bool add_part(pf_search *s, const pf_part *part, question *a,
                     size_t *n_truncated, pf_err *err)
{
    bool is_truncated = false;
    const bool ok =
        part->kind == PF_PART_LIKE
            ? find_like(s, part->text, a->vector, &a->like[a->n_like++], err)
            : pf_part_embed(part, s->embedder, a->vector, &is_truncated, err);
    if (!ok)
        return false;
    *n_truncated += is_truncated;
    for (int i = 0; i < s->stored.dim; i++)
        a->sum[i] += part->weight * (double)a->vector[i];
    return true;
}

static bool add_parts(pf_search *s, const pf_query *q, question *a, size_t *n_truncated,
                      pf_err *err)
{
    const size_t dim = (size_t)s->stored.dim;
    a->vector = pf_alloc_floats(dim, err);
    a->sum = pf_alloc_array(dim, sizeof *a->sum, err);
    a->like = pf_alloc_array(q->n_parts, sizeof *a->like, err);
    if (!a->vector || !a->sum || !a->like)
        return false;
    for (size_t i = 0; i < q->n_parts; i++) {
        if (!add_part(s, &q->parts[i], a, n_truncated, err))
            return false;
    }
    return normalize(a->vector, a->sum, dim) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "the parts of the question cancel each other out");
}

/* ---- one question ---- */

static const pf_vindex *index_of(const pf_search *s, pf_find find)
{
    return find == PF_FIND_CAPTIONS ? pf_catalog_captions(s->catalog)
                                    : pf_catalog_images(s->catalog);
}

static bool pass_filters(pf_search *s, const pf_query *q, question *a, pf_err *err)
{
    return q->n_filters == 0 || pf_scope_images(&a->scope, pf_catalog_store(s->catalog),
                                                q->filters, q->n_filters, err);
}

static bool find_nearest(pf_search *s, const pf_query *q, const question *a,
                         pf_answer *out, pf_err *err)
{
    const pf_nearest nearest = {
        .store = pf_catalog_store(s->catalog),
        .index = index_of(s, q->find),
        .folder = pf_search_folder(s),
        .vector = a->vector,
        .like = a->like,
        .n_like = a->n_like,
        .images = q->n_filters > 0 ? &a->scope : NULL,
    };
    return pf_nearest_run(&nearest, q, out, err);
}

/* ---- by words ---- */

static bool has_captions(const pf_search *s)
{
    const pf_vindex *captions = pf_catalog_captions(s->catalog);
    return captions && pf_vindex_count(captions) > 0;
}

/* The phrase whose words are looked for; NULL unless there is exactly one. */
static const char *phrase_of(const pf_query *q)
{
    const char *phrase = NULL;
    for (size_t i = 0; i < q->n_parts; i++) {
        if (q->parts[i].kind != PF_PART_PHRASE || q->parts[i].weight <= 0)
            continue;
        if (phrase)
            return NULL;
        phrase = q->parts[i].text;
    }
    return phrase;
}

static bool choose_by(const pf_search *s, const pf_query *q, pf_by *by, pf_err *err)
{
    const char *phrase = phrase_of(q);
    *by = q->by;
    if (q->by == PF_BY_DEFAULT)
        *by = phrase && q->n_parts == 1 && has_captions(s) ? PF_BY_BOTH : PF_BY_MEANING;
    if (*by == PF_BY_MEANING)
        return true;
    if (!phrase)
        return pf_fail(err, PF_ERR_MISUSE, "words are those of one phrase");
    if (*by == PF_BY_WORDS && q->n_parts > 1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "only a phrase can be looked for by words alone");
    return has_captions(s) ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' has no captions in which words could be found",
                   pf_search_folder(s));
}

static bool see_to_words(pf_search *s, pf_err *err)
{
    const pf_words_settings settings = {.synonyms = s->synonyms_path,
                                        .ignores_negation = s->ignores_negation};
    return s->words || pf_words_new(&s->words, &settings, err);
}

static bool find_fused(pf_search *s, const pf_query *q, const question *a, pf_by by,
                       pf_answer *out, pf_err *err)
{
    if (!see_to_words(s, err))
        return false;
    const pf_fusion fusion = {
        .store = pf_catalog_store(s->catalog),
        .folder = pf_search_folder(s),
        .images = pf_catalog_images(s->catalog),
        .captions = pf_catalog_captions(s->catalog),
        .vector = by == PF_BY_BOTH ? a->vector : NULL,
        .words = s->words,
        .phrase = phrase_of(q),
        .may_lack_words = q->by == PF_BY_DEFAULT,
        .like = a->like,
        .n_like = a->n_like,
        .only = q->n_filters > 0 ? &a->scope : NULL,
    };
    return pf_fusion_run(&fusion, q, out, err);
}

/* ---- all of it ---- */

static bool check_query(const pf_search *s, const pf_query *q, pf_err *err)
{
    if (q->n_parts == 0)
        return pf_fail(err, PF_ERR_MISUSE, "nothing was asked");
    if (q->n_parts > PARTS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu parts, the most is %d", q->n_parts,
                       PARTS_MAX);
    if (q->n_filters > PF_FILTERS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu filters, the most is %d", q->n_filters,
                       PF_FILTERS_MAX);
    if (q->limit == 0)
        return pf_fail(err, PF_ERR_MISUSE, "a limit of 0 leaves no answer");
    if (!must_have_model(s, err))
        return false;
    if (!index_of(s, q->find))
        return pf_fail(err, PF_ERR_MISUSE,
                       "the search was not opened for what the question looks for");
    if (q->find == PF_FIND_CAPTIONS && pf_vindex_count(index_of(s, q->find)) == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "catalog '%s' has no captions, only images can be found in it",
                       pf_search_folder(s));
    return true;
}

static double milliseconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

bool pf_search_run(pf_search *s, const pf_query *q, pf_answer *out, pf_notes *notes,
                   pf_err *err)
{
    const double start = milliseconds_now();
    unsigned towers = 0;
    question a = {0};
    pf_by by;
    if (!check_query(s, q, err) || !choose_by(s, q, &by, err))
        return false;
    for (size_t i = 0; i < q->n_parts; i++)
        towers |= pf_part_tower(&q->parts[i]);

    bool ok = pass_filters(s, q, &a, err) &&
              (by == PF_BY_WORDS || (see_to_model(s, towers, notes, err) &&
                                     add_parts(s, q, &a, &out->n_truncated, err)));
    out->no_image_passes = ok && q->n_filters > 0 && a.scope.n == 0;
    if (ok && !out->no_image_passes)
        ok = by == PF_BY_MEANING ? find_nearest(s, q, &a, out, err)
                                 : find_fused(s, q, &a, by, out, err);
    out->by = by;
    free_question(&a);
    if (!ok)
        pf_answer_reset(out);
    else
        out->took_ms = milliseconds_now() - start;
    return ok;
}
