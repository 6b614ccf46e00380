/* import_sidecars.c - see import_sidecars.h. */
#include "indexer/import_sidecars.h"

#include <string.h>
#include <strings.h>

#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "indexer/columns.h"

enum { FILE_MAX_BYTES = 1 << 20 };

typedef struct {
    pf_texts *texts;
    const char *path;
    pf_buf bytes;
    pf_json *json; /* NULL: it is a text */
    char *text;    /* trimmed */
    pf_columns columns;
} sidecar;

/* ---- its content ---- */

static char *trimmed(const char *s, size_t n, pf_err *err)
{
    pf_utf8_trim(&s, &n);
    return pf_strndup(s, n, err);
}

static bool read_object(sidecar *s, pf_err *err)
{
    const char *keys[PF_TABLE_MAX_COLUMNS];
    size_t n = 0;
    if (!pf_json_parse_texts(&s->json, s->bytes.data, s->bytes.size, err))
        return false;
    if (pf_json_get_kind(s->json) != PF_JSON_OBJECT)
        return pf_fail(err, PF_ERR_FORMAT, "it is no JSON object");
    pf_json_member m = {0};
    while (pf_json_next_member(s->json, &m)) {
        if (n == PF_TABLE_MAX_COLUMNS)
            return pf_fail(err, PF_ERR_LIMIT, "it has more than %d keys",
                           PF_TABLE_MAX_COLUMNS);
        keys[n++] = m.key;
    }
    return pf_columns_find_of_object(&s->columns, keys, n, err);
}

static bool read_content(sidecar *s, pf_err *err)
{
    pf_encoding was;
    if (!pf_texts_read_file(s->texts, s->path, true, &s->bytes, &was, err))
        return false;
    if (strcasecmp(pf_path_extension(s->path), "json") == 0)
        return read_object(s, err);
    if (s->bytes.size > 0 && memchr(s->bytes.data, '\0', s->bytes.size))
        return pf_fail(err, PF_ERR_FORMAT, "it holds a NUL byte");
    return (s->text = trimmed(s->bytes.size > 0 ? s->bytes.data : "", s->bytes.size,
                              err)) != NULL;
}

/* ---- taking it in ---- */

static bool take_text(sidecar *s, pf_subject image, pf_column_role role,
                      const char *key, const char *value, pf_err *err)
{
    pf_collection *to = s->texts->to;
    pf_subject into;
    if (role == PF_COLUMN_CAPTION)
        return pf_collection_add_caption(to, image, value, err);
    if (role == PF_COLUMN_ATTRIBUTE)
        return pf_collection_add_attribute(to, image, key, value, err);
    /* A table that says which case it belongs to was there first. */
    if (role != PF_COLUMN_CASE || value[0] == '\0' || to->images[image.at].in_case > 0)
        return true;
    if (!pf_collection_add_case(to, value, value, &into, err))
        return false;
    pf_collection_put_into_case(to, image, into);
    return true;
}

static bool take_value(sidecar *s, pf_subject image, pf_column_role role,
                       const char *key, const pf_json *value, pf_err *err)
{
    const pf_json_kind kind = pf_json_get_kind(value);
    size_t n;
    const char *string = pf_json_string(value, &n);
    if (!string &&
        (kind == PF_JSON_ARRAY || kind == PF_JSON_OBJECT || kind == PF_JSON_NULL))
        return true;
    char *text = string ? trimmed(string, n, err) : pf_json_text(value, err);
    const bool ok = text && take_text(s, image, role, key, text, err);
    pf_free(text);
    return ok;
}

static bool take_member(sidecar *s, pf_subject image, pf_column_role role,
                        const pf_json_member *m, pf_err *err)
{
    if (pf_json_get_kind(m->value) != PF_JSON_ARRAY)
        return take_value(s, image, role, m->key, m->value, err);
    for (size_t i = 0; i < pf_json_size(m->value); i++) {
        const pf_json *element = pf_json_at(m->value, i);
        if (pf_json_get_kind(element) == PF_JSON_STRING &&
            !take_value(s, image, role, m->key, element, err))
            return false;
    }
    return true;
}

static bool take_all(sidecar *s, const pf_scan_file *picture, pf_err *err)
{
    const pf_subject image = pf_texts_subject(s->texts, picture);
    s->texts->to->images[image.at].has_row = true;
    if (!s->json)
        return pf_collection_add_caption(s->texts->to, image, s->text, err);
    pf_json_member m = {0};
    for (size_t i = 0; pf_json_next_member(s->json, &m); i++) {
        if (!take_member(s, image, s->columns.role[i], &m, err))
            return false;
    }
    return true;
}

/* ---- its pictures ---- */

static bool is_sidecar(const char *path)
{
    const char *ending = pf_path_extension(path);
    return strcasecmp(ending, "txt") == 0 || strcasecmp(ending, "json") == 0;
}

/* The first file whose path is not before the first n bytes of `stem`. */
static size_t first_from(const pf_scan *scan, const char *stem, size_t n)
{
    size_t from = 0, to = scan->count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (strncmp(scan->files[middle].path, stem, n) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* "a/name.jpg", and with an ending of its own: nothing with another dot. */
static bool belongs(const char *picture, const char *stem, size_t n)
{
    if (strncmp(picture, stem, n) != 0)
        return false;
    return picture[n] == '\0' || (picture[n] == '.' && !strpbrk(picture + n + 1, "./"));
}

static void keep_rows(sidecar *s, const pf_scan_file *picture)
{
    s->texts->to->images[pf_texts_subject(s->texts, picture).at].keeps_rows = true;
}

/* Those called exactly so; when there are none, those called nearly so. */
static bool list_pictures(const sidecar *s, pf_names_list *out, pf_err *err)
{
    const pf_scan *scan = s->texts->scan;
    const size_t n = strlen(s->path) - strlen(pf_path_extension(s->path)) - 1;
    for (size_t i = first_from(scan, s->path, n);
         i < scan->count && strncmp(scan->files[i].path, s->path, n) == 0; i++) {
        if (belongs(scan->files[i].path, s->path, n) &&
            !pf_names_add(out, &scan->files[i], err))
            return false;
    }
    if (out->n > 0)
        return true;
    char *stem = pf_strndup(s->path, n, err);
    const bool ok = stem && pf_names_find_beside(&s->texts->names, stem, out, err);
    pf_free(stem);
    return ok;
}

static bool read_sidecar(sidecar *s, const pf_names_list *pictures, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    const bool is_read = pictures->n > 0 && read_content(s, &why);
    for (size_t i = 0; i < pictures->n; i++) {
        if (!is_read)
            keep_rows(s, pictures->at[i]);
        else if (!take_all(s, pictures->at[i], err))
            return false;
    }
    if (why.code == PF_ERR_NOMEM)
        return pf_fail_as(err, &why);
    return why.code == PF_OK ||
           pf_collection_add_gap(s->texts->to, s->path, why.msg, err);
}

bool pf_sidecars_read(pf_texts *texts, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < texts->scan->n_texts; i++) {
        sidecar s = {.texts = texts, .path = texts->scan->texts[i].path};
        if (!is_sidecar(s.path))
            continue;
        pf_names_list pictures = {0};
        pf_buf_init(&s.bytes, FILE_MAX_BYTES);
        ok = list_pictures(&s, &pictures, err) && read_sidecar(&s, &pictures, err);
        pf_free(pictures.at);
        pf_buf_free(&s.bytes);
        pf_json_free(s.json);
        pf_free(s.text);
    }
    return ok;
}
