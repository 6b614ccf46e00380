/* params.c - see params.h. */
#include "server/params.h"

#include <string.h>

#include "cli/tools.h"
#include "core/base/json.h"

static const char *key_of(const char *name)
{
    return strcmp(name, "q") == 0 ? "phrase" : name;
}

/* Keys whose values are texts, whatever they look like: a phrase may be "42" or "true",
 * and an array of texts. Anything else is a number, true or false, where it can be. */
static bool is_text(const char *key)
{
    static const char *const texts[] = {
        "phrase", "like",     "without",  "filter",  "find",  "by",
        "in",     "classify", "template", "phrases", "sort",  "image_bytes",
        "image",  "picture",  "id",       "queries", "facets"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i], key) == 0)
            return true;
    }
    return false;
}

static bool is_literal(const char *value)
{
    pf_json *json;
    if (!pf_json_parse(&json, value, strlen(value), NULL))
        return false;
    const pf_json_kind kind = pf_json_get_kind(json);
    pf_json_free(json);
    return kind == PF_JSON_INT || kind == PF_JSON_REAL || kind == PF_JSON_BOOL;
}

static void write_value(pf_json_writer *w, const char *key, const char *name,
                        const char *value)
{
    if (!is_text(name) && is_literal(value))
        pf_json_write_json(w, key, value);
    else
        pf_json_write_string(w, key, value);
}

static size_t count(const http_param *params, size_t n, const char *key)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += strcmp(key_of(params[i].name), key) == 0;
    return found;
}

static void write_array(pf_json_writer *w, const http_param *params, size_t n,
                        const char *key)
{
    pf_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(key_of(params[i].name), key) == 0)
            write_value(w, NULL, key, params[i].value);
    }
    pf_json_end_array(w);
}

/* Each key where it stands first. */
static void write_params(FILE *out, const http_param *params, size_t n)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    for (size_t i = 0; i < n; i++) {
        const char *key = key_of(params[i].name);
        if (count(params, i, key) > 0)
            continue;
        if (count(params + i, n - i, key) > 1)
            write_array(&w, params, n, key);
        else
            write_value(&w, key, key, params[i].value);
    }
    pf_json_end_object(&w);
}

bool params_to_json(const http_param *params, size_t n, char **out, size_t *size,
                    pf_err *err)
{
    *out = NULL;
    FILE *file = open_memstream(out, size);
    if (file)
        write_params(file, params, n);
    if (file && fclose(file) == 0)
        return true;
    pf_free(*out);
    *out = NULL;
    return pf_cli_fail(err, PF_ERR_NOMEM, "out of memory (the question)");
}

const char *params_find(const http_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_params; i++) {
        if (strcmp(r->params[i].name, name) == 0)
            return r->params[i].value;
    }
    return NULL;
}
