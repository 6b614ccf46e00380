/*
 * request_json.c - a request as JSON: the keys are those of answers' "query", and a
 * contract (plainfilm-query(1), section BATCH).
 *
 * A key may be written as the option is, with '-' in the place of '_'. "parts", as
 * answers have it, has weights of its own; what its texts begin with counts as text.
 */
#include <string.h>

#include "core/api/request.h"
#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"

enum { ITEMS_MAX = 2000, PHRASE_MAX_BYTES = 1 << 20, LABELS_MAX_BYTES = 1 << 20 };
enum { PICTURE_MAX_BYTES = 256 << 20 };

typedef struct {
    pf_request *request;
    bool may_name_files;
    size_t n_items;
} taker;

/* ---- what is asked with ---- */

typedef enum {
    PHRASE,
    IMAGE,
    IMAGE_BYTES,
    KEPT,
    LIKE,
    WITHOUT,
    FILTER,
    FACET
} item_kind;

static bool count_item(taker *t, pf_err *err)
{
    return ++t->n_items <= ITEMS_MAX ||
           pf_fail(err, PF_ERR_LIMIT, "a question of more than %d parts", ITEMS_MAX);
}

/* The caller is to give it; until then it has no bytes. */
static bool want_picture(taker *t, double weight, pf_err *err)
{
    pf_request *r = t->request;
    if (r->wants_picture)
        return pf_fail(err, PF_ERR_MISUSE, "'-' can be read only once");
    if (!pf_request_add_picture(r, NULL, 0, "-", weight, err))
        return false;
    r->wants_picture = true;
    r->wanted = r->query.n_parts - 1;
    return true;
}

static bool add_file(taker *t, const char *path, double weight, pf_err *err)
{
    if (!t->may_name_files)
        return pf_fail(err, PF_ERR_MISUSE,
                       "files may not be named here: send the picture's bytes as "
                       "'image_bytes'");
    if (strcmp(path, "-") == 0)
        return want_picture(t, weight, err);
    return pf_request_add_picture_file(t->request, path, weight, err);
}

static bool is_number(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return *text == '\0';
}

/* A path would be looked for on the disk, through all of its links. */
static bool add_like(taker *t, const char *image, double weight, pf_err *err)
{
    if (!t->may_name_files && !is_number(image))
        return pf_fail(err, PF_ERR_MISUSE,
                       "an image of the catalog is named by its number here");
    return pf_request_add_like(t->request, image, weight, err);
}

static bool add_bytes(taker *t, const char *text, size_t n, double weight, pf_err *err)
{
    uint8_t *bytes;
    size_t size;
    if (!pf_base64_decode(text, n, &bytes, &size, err))
        return pf_fail_in(err, "'image_bytes'");
    const bool ok =
        pf_request_add_picture(t->request, bytes, size, "image_bytes", weight, err);
    pf_free(bytes);
    return ok;
}

static bool add_weighed(taker *t, item_kind kind, const char *text, size_t n,
                        double weight, pf_err *err)
{
    if (text[0] == '\0')
        return pf_fail(err, PF_ERR_MISUSE, "an empty text in the question");
    switch (kind) {
    case IMAGE:
        return add_file(t, text, weight, err);
    case IMAGE_BYTES:
        return add_bytes(t, text, n, weight, err);
    case KEPT:
        return pf_request_add_kept_picture(t->request, text, weight, err);
    case LIKE:
        return add_like(t, text, weight, err);
    case WITHOUT:
        return pf_request_add_phrase(t->request, text, -weight, err);
    case FILTER:
        return pf_request_add_filter(t->request, text, err);
    case FACET:
        return pf_request_add_facet(t->request, text, err);
    case PHRASE:
        break;
    }
    return pf_request_add_phrase(t->request, text, weight, err);
}

/* "2:effusion" has its weight in front. */
static bool add_text(taker *t, item_kind kind, const char *text, size_t n, pf_err *err)
{
    double weight = 1;
    const char *rest = text;
    const bool is_phrase = kind == PHRASE || kind == WITHOUT;
    if (kind != IMAGE_BYTES && kind != FILTER && kind != FACET &&
        !(is_phrase ? pf_read_phrase_weight : pf_read_weight)(&rest, &weight, err))
        return false;
    return count_item(t, err) &&
           add_weighed(t, kind, rest, n - (size_t)(rest - text), weight, err);
}

/* A string; an image may be named by its number as answers have it, which is written
 * into `digits`. */
static const char *text_of(item_kind kind, const pf_json *value, char digits[24],
                           size_t *n)
{
    int64_t id;
    if (kind != LIKE || !pf_json_to_int(value, &id))
        return pf_json_string(value, n);
    *n = (size_t)snprintf(digits, 24, "%lld", (long long)id);
    return digits;
}

/* A string, or an array of them. */
static bool add_items(taker *t, item_kind kind, const pf_json_member *m, pf_err *err)
{
    char digits[24];
    size_t n;
    const char *text = text_of(kind, m->value, digits, &n);
    if (text)
        return add_text(t, kind, text, n, err);
    if (pf_json_get_kind(m->value) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_MISUSE,
                       "'%s' is neither a string nor an array of strings", m->key);
    for (size_t i = 0; i < pf_json_size(m->value); i++) {
        text = text_of(kind, pf_json_at(m->value, i), digits, &n);
        if (!text)
            return pf_fail(err, PF_ERR_MISUSE, "'%s' has an element that is no string",
                           m->key);
        if (!add_text(t, kind, text, n, err))
            return false;
    }
    return true;
}

/* Where strings are joined, what parts them must not be in them. */
static bool check_elements(const pf_json_member *m, char between, const char *what,
                           pf_err *err)
{
    for (size_t i = 0; i < pf_json_size(m->value); i++) {
        const char *text = pf_json_string(pf_json_at(m->value, i), NULL);
        if (text && strchr(text, between))
            return pf_fail(err, PF_ERR_MISUSE, "'%s' has an element %s", m->key, what);
    }
    return true;
}

/* Strings joined with `between`, `first` in front. */
static bool join(const pf_json_member *m, const char *first, const char *between,
                 size_t max_bytes, char **out, pf_err *err)
{
    pf_buf b;
    bool ok = true;
    pf_buf_init(&b, max_bytes);
    for (size_t i = 0; ok && i < pf_json_size(m->value); i++) {
        const char *text = pf_json_string(pf_json_at(m->value, i), NULL);
        ok = text ? pf_buf_add_str(&b, i == 0 ? first : between, err) &&
                        pf_buf_add_str(&b, text, err)
                  : pf_fail(err, PF_ERR_MISUSE, "'%s' has an element that is no string",
                            m->key);
    }
    *out = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return *out != NULL;
}

/* An array is the words of one phrase, as on a command line. */
static bool read_phrase(taker *t, const pf_json_member *m, pf_err *err)
{
    char *text;
    if (pf_json_get_kind(m->value) != PF_JSON_ARRAY)
        return add_items(t, PHRASE, m, err);
    if (!join(m, "", " ", PHRASE_MAX_BYTES, &text, err))
        return pf_fail_in(err, "the phrase");
    const bool ok = add_text(t, PHRASE, text, strlen(text), err);
    pf_free(text);
    return ok;
}

/* {"phrase": "effusion", "weight": 2}, as answers have them: of a picture that was sent
 * they have the hash as well, by which it is known for a while, and that counts. */
static bool read_part(taker *t, const pf_json *part, pf_err *err)
{
    double weight = 1;
    const pf_json *w = pf_json_get(part, "weight");
    static const struct {
        const char *key;
        item_kind kind;
    } kinds[] = {{"picture", KEPT},
                 {"phrase", PHRASE},
                 {"image", IMAGE},
                 {"image_bytes", IMAGE_BYTES},
                 {"like", LIKE}};
    if (w && !pf_json_to_real(w, &weight))
        return pf_fail(err, PF_ERR_MISUSE, "'weight' is no number");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char digits[24];
        size_t n;
        const pf_json *value = pf_json_get(part, kinds[i].key);
        const char *text = value ? text_of(kinds[i].kind, value, digits, &n) : NULL;
        const bool is_named = kinds[i].kind == KEPT && pf_json_get(part, "image");
        if (text && pf_json_size(part) == 1u + (w != NULL) + is_named)
            return count_item(t, err) &&
                   add_weighed(t, kinds[i].kind, text, n, weight, err);
    }
    return pf_fail(err, PF_ERR_MISUSE,
                   "an element of 'parts' is not one of 'phrase', 'image', "
                   "'image_bytes', 'picture' and 'like', with a 'weight' or without");
}

static bool read_parts(taker *t, const pf_json *value, pf_err *err)
{
    if (pf_json_get_kind(value) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_MISUSE, "'parts' is no array");
    for (size_t i = 0; i < pf_json_size(value); i++) {
        if (!read_part(t, pf_json_at(value, i), err))
            return false;
    }
    return true;
}

/* ---- how it is answered ---- */

static bool read_find(taker *t, const pf_json *value, pf_err *err)
{
    static const char *const names[] = {[PF_FIND_IMAGES] = "images",
                                        [PF_FIND_CAPTIONS] = "captions",
                                        [PF_FIND_CASES] = "cases"};
    const char *text = pf_json_string(value, NULL);
    for (int i = 0; text && i <= PF_FIND_CASES; i++) {
        if (strcmp(names[i], text) == 0) {
            pf_request_set_find(t->request, (pf_find)i);
            return true;
        }
    }
    return pf_fail(err, PF_ERR_MISUSE, "'find' is none of: images, captions, cases");
}

static bool read_by(taker *t, const pf_json *value, pf_err *err)
{
    static const char *const names[] = {
        [PF_BY_MEANING] = "meaning", [PF_BY_WORDS] = "words", [PF_BY_BOTH] = "both"};
    const char *text = pf_json_string(value, NULL);
    if (!text)
        return pf_fail(err, PF_ERR_MISUSE, "'by' is no string");
    for (int i = PF_BY_MEANING; i <= PF_BY_BOTH; i++) {
        if (strcmp(names[i], text) == 0) {
            pf_request_set_by(t->request, (pf_by)i);
            return true;
        }
    }
    return pf_fail(err, PF_ERR_MISUSE, "'by' is none of: meaning, words, both");
}

static bool read_sort(taker *t, const pf_json *value, pf_err *err)
{
    static const char *const names[] = {
        [PF_SORT_RELEVANCE] = "relevance", [PF_SORT_DATE] = "date",
        [PF_SORT_ADDED] = "added",         [PF_SORT_PATH] = "path",
        [PF_SORT_RANDOM] = "random",
    };
    const char *text = pf_json_string(value, NULL);
    for (int i = PF_SORT_RELEVANCE; text && i <= PF_SORT_RANDOM; i++) {
        if (strcmp(names[i], text) == 0) {
            pf_request_set_sort(t->request, (pf_sort)i);
            return true;
        }
    }
    return pf_fail(err, PF_ERR_MISUSE,
                   "'sort' is none of: relevance, date, added, path, random");
}

static bool read_seed(taker *t, const pf_json *value, pf_err *err)
{
    int64_t n;
    return (pf_json_to_int(value, &n) && n >= 0 &&
            pf_request_set_seed(t->request, (uint64_t)n, NULL)) ||
           pf_fail(err, PF_ERR_MISUSE, "'seed' is no whole number from 0 to 2^53");
}

/* A key; true are the keys. */
static bool read_values(taker *t, const pf_json *value, pf_err *err)
{
    bool is_wanted;
    const char *key = pf_json_string(value, NULL);
    if (key)
        return pf_request_count_values(t->request, key, err);
    if (!pf_json_to_bool(value, &is_wanted))
        return pf_fail(err, PF_ERR_MISUSE, "'values' is neither a key nor true");
    return !is_wanted || pf_request_count_values(t->request, NULL, err);
}

/* A name, several with commas between them, or an array of such. */
static bool read_in(taker *t, const pf_json *value, pf_err *err)
{
    const char *text = pf_json_string(value, NULL);
    if (!text && pf_json_get_kind(value) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_MISUSE,
                       "'in' is neither a string nor an array of strings");
    t->request->query.in = 0;
    if (text)
        return pf_request_add_in(t->request, text, err);
    for (size_t i = 0; i < pf_json_size(value); i++) {
        text = pf_json_string(pf_json_at(value, i), NULL);
        if (!text)
            return pf_fail(err, PF_ERR_MISUSE, "'in' has an element that is no string");
        if (!pf_request_add_in(t->request, text, err))
            return false;
    }
    return true;
}

static bool read_limit(taker *t, const pf_json *value, pf_err *err)
{
    int64_t n;
    return pf_json_to_int(value, &n) && n >= 1 && n <= PF_LIMIT_MAX
               ? pf_request_set_limit(t->request, (size_t)n, t->request->query.offset,
                                      err)
               : pf_fail(err, PF_ERR_MISUSE, "'limit' is no whole number from 1 to %d",
                         PF_LIMIT_MAX);
}

static bool read_offset(taker *t, const pf_json *value, pf_err *err)
{
    int64_t n;
    if (!pf_json_to_int(value, &n) || n < 0 || n > PF_LIMIT_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "'offset' is no whole number from 0 to %d",
                       PF_LIMIT_MAX);
    t->request->query.offset = (size_t)n;
    return true;
}

static bool read_min_score(taker *t, const pf_json *value, pf_err *err)
{
    double x;
    return (pf_json_to_real(value, &x) &&
            pf_request_set_min_score(t->request, x, NULL)) ||
           pf_fail(err, PF_ERR_MISUSE, "'min_score' is no number from -1 to 1");
}

static bool read_min_percentile(taker *t, const pf_json *value, pf_err *err)
{
    double x;
    return (pf_json_to_real(value, &x) &&
            pf_request_set_min_percentile(t->request, x, NULL)) ||
           pf_fail(err, PF_ERR_MISUSE, "'min_percentile' is no number from 0 to 100");
}

/* A cosine; true is the default one; false is -1. */
static bool to_cosine(const pf_json *value, double *out)
{
    bool is_wanted;
    if (pf_json_to_bool(value, &is_wanted)) {
        *out = is_wanted ? PF_NEAR_DUPLICATES : -1;
        return true;
    }
    return pf_json_to_real(value, out) && *out >= 0 && *out <= 1;
}

static bool read_collapse(taker *t, const pf_json *value, pf_err *err)
{
    double x;
    return to_cosine(value, &x)
               ? pf_request_set_collapse(t->request, x, err)
               : pf_fail(err, PF_ERR_MISUSE,
                         "'collapse' is neither true or false nor a number from 0 to "
                         "1");
}

static bool read_hide_paths(taker *t, const pf_json *value, pf_err *err)
{
    bool hides_them;
    if (!pf_json_to_bool(value, &hides_them))
        return pf_fail(err, PF_ERR_MISUSE, "'hide_paths' is neither true nor false");
    pf_request_hide_paths(t->request, hides_them);
    return true;
}

/* ---- what is done ---- */

/* "template" may come before or after. */
static bool read_labels(taker *t, const pf_json *object, const pf_json_member *m,
                        pf_err *err)
{
    const pf_json *pattern = pf_json_get(object, "template");
    const char *pattern_text = pattern ? pf_json_string(pattern, NULL) : NULL;
    const char *text = pf_json_string(m->value, NULL);
    char *joined = NULL;
    if (pattern && !pattern_text)
        return pf_fail(err, PF_ERR_MISUSE, "'template' is no string");
    if (!text && pf_json_get_kind(m->value) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_MISUSE,
                       "'%s' is neither a string nor an array of strings", m->key);
    const bool ok =
        (text || (check_elements(m, ',', "with a comma", err) &&
                  join(m, "", ",", LABELS_MAX_BYTES, &joined, err))) &&
        pf_request_classify(t->request, text ? text : joined, pattern_text, err);
    pf_free(joined);
    return ok;
}

/* Behind each other as in a file; a line each, behind a blank: none is a comment. */
static bool read_phrases(taker *t, const pf_json_member *m, pf_err *err)
{
    char *text;
    if (pf_json_get_kind(m->value) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_MISUSE, "'phrases' is no array of strings");
    if (!check_elements(m, '\n', "of several lines", err) ||
        !join(m, " ", "\n ", PF_PHRASES_MAX_BYTES, &text, err))
        return false;
    const bool ok =
        pf_request_rank_phrases(t->request, text, strlen(text), "phrases", err);
    pf_free(text);
    return ok;
}

static bool read_embed(taker *t, const pf_json *value, pf_err *err)
{
    bool is_wanted;
    if (!pf_json_to_bool(value, &is_wanted))
        return pf_fail(err, PF_ERR_MISUSE, "'embed' is neither true nor false");
    if (is_wanted)
        pf_request_embed(t->request);
    return true;
}

/* "queries" names a file, and may come before or after. */
static bool read_evaluate(taker *t, const pf_json *object, const pf_json *value,
                          pf_err *err)
{
    bool is_wanted;
    const pf_json *queries = pf_json_get(object, "queries");
    const char *path = queries ? pf_json_string(queries, NULL) : NULL;
    if (!pf_json_to_bool(value, &is_wanted))
        return pf_fail(err, PF_ERR_MISUSE, "'evaluate' is neither true nor false");
    if (queries && !path)
        return pf_fail(err, PF_ERR_MISUSE, "'queries' is no string");
    if (path && !t->may_name_files)
        return pf_fail(err, PF_ERR_MISUSE, "files may not be named here");
    return !is_wanted || pf_request_evaluate(t->request, path, err);
}

static bool read_duplicates(taker *t, const pf_json *value, pf_err *err)
{
    double x;
    if (!to_cosine(value, &x))
        return pf_fail(err, PF_ERR_MISUSE,
                       "'duplicates' is neither true or false nor a number from 0 to "
                       "1");
    return x < 0 || pf_request_find_duplicates(t->request, x, err);
}

static bool read_bytes(taker *t, const pf_json *value, pf_err *err)
{
    int64_t n;
    if (!pf_json_to_int(value, &n) || n < 1 || n > PICTURE_MAX_BYTES)
        return pf_fail(err, PF_ERR_MISUSE, "'bytes' is no whole number from 1 to %d",
                       PICTURE_MAX_BYTES);
    t->request->picture_bytes = (size_t)n;
    return true;
}

static bool read_id(taker *t, const pf_json *value, pf_err *err)
{
    const pf_json_kind kind = pf_json_get_kind(value);
    if (kind == PF_JSON_ARRAY || kind == PF_JSON_OBJECT)
        return pf_fail(err, PF_ERR_MISUSE, "'id' is neither a string nor a number");
    char *text = pf_json_text(value, err);
    if (!text)
        return false;
    pf_free(t->request->id);
    t->request->id = text;
    return true;
}

/* ---- all of it ---- */

/* As in the table of keys, whatever the reader calls the option. */
static bool is_key(const char *key, const char *name)
{
    for (; *key && (*key == *name || (*key == '-' && *name == '_')); key++)
        name++;
    return *key == *name;
}

static bool read_setting(taker *t, const pf_json_member *m, bool *is_known, pf_err *err)
{
    static const struct {
        const char *name;
        bool (*read)(taker *t, const pf_json *value, pf_err *err);
    } settings[] = {{"parts", read_parts},
                    {"find", read_find},
                    {"by", read_by},
                    {"in", read_in},
                    {"limit", read_limit},
                    {"offset", read_offset},
                    {"sort", read_sort},
                    {"seed", read_seed},
                    {"min_score", read_min_score},
                    {"min_percentile", read_min_percentile},
                    {"collapse", read_collapse},
                    {"hide_paths", read_hide_paths},
                    {"embed", read_embed},
                    {"duplicates", read_duplicates},
                    {"values", read_values}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (is_key(m->key, settings[i].name))
            return settings[i].read(t, m->value, err);
    }
    *is_known = false;
    return true;
}

static bool read_member(taker *t, const pf_json *object, const pf_json_member *m,
                        pf_err *err)
{
    static const struct {
        const char *name;
        item_kind kind;
    } items[] = {{"image", IMAGE}, {"image_bytes", IMAGE_BYTES}, {"picture", KEPT},
                 {"like", LIKE},   {"without", WITHOUT},         {"filter", FILTER},
                 {"facets", FACET}};
    bool is_known = true;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (is_key(m->key, items[i].name))
            return add_items(t, items[i].kind, m, err);
    }
    if (strcmp(m->key, "classify") == 0)
        return read_labels(t, object, m, err);
    if (strcmp(m->key, "phrases") == 0)
        return read_phrases(t, m, err);
    if (strcmp(m->key, "evaluate") == 0)
        return read_evaluate(t, object, m->value, err);
    if (strcmp(m->key, "phrase") == 0 || strcmp(m->key, "id") == 0 ||
        strcmp(m->key, "bytes") == 0 || strcmp(m->key, "truncated") == 0 ||
        (strcmp(m->key, "template") == 0 && pf_json_get(object, "classify")) ||
        (strcmp(m->key, "queries") == 0 && pf_json_get(object, "evaluate")))
        return true; /* seen to elsewhere, or what an answer says of its question */
    if (strcmp(m->key, "template") == 0 || strcmp(m->key, "queries") == 0)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' is for '%s'", m->key,
                       m->key[0] == 't' ? "classify" : "evaluate");
    if (!read_setting(t, m, &is_known, err))
        return false;
    return is_known ||
           pf_fail(
               err, PF_ERR_MISUSE,
               "'%.80s' is none of: id, phrase, image, image_bytes, bytes, "
               "picture, like, without, parts, filter, find, by, in, limit, offset, "
               "sort, seed, min_score, min_percentile, collapse, facets, hide_paths, "
               "classify, template, phrases, embed, duplicates, values, evaluate, "
               "queries",
               m->key);
}

/* The mark first, so that an answer that says no has it, too, and how many bytes are to
 * be read over then; then the phrase, which comes before the other parts wherever it
 * stands. */
static bool read_object(taker *t, const pf_json *object, pf_err *err)
{
    pf_json_member m = {0};
    const pf_json_member phrase = {"phrase", pf_json_get(object, "phrase"), NULL};
    const pf_json *id = pf_json_get(object, "id");
    const pf_json *bytes = pf_json_get(object, "bytes");
    if ((id && !read_id(t, id, err)) || (bytes && !read_bytes(t, bytes, err)))
        return false;
    if (phrase.value && !read_phrase(t, &phrase, err))
        return false;
    while (pf_json_next_member(object, &m)) {
        if (!read_member(t, object, &m, err))
            return false;
    }
    return !bytes || t->request->wants_picture ||
           pf_fail(err, PF_ERR_MISUSE, "'bytes' is for 'image': \"-\"");
}

bool pf_request_read_json(pf_request *request, const char *text, size_t n,
                          bool may_name_files, pf_err *err)
{
    pf_json *json;
    taker t = {.request = request, .may_name_files = may_name_files};
    if (!pf_json_parse(&json, text, n, err))
        return false;
    const bool ok = pf_json_get_kind(json) == PF_JSON_OBJECT
                        ? read_object(&t, json, err)
                        : pf_fail(err, PF_ERR_MISUSE, "a question is a JSON object");
    pf_json_free(json);
    return ok;
}
