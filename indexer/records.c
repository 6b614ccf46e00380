/* records.c - see records.h. */
#include "indexer/records.h"

#include <string.h>
#include <strings.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

static bool add_column(pf_records *r, const char *name, pf_err *err)
{
    if (r->n_columns == PF_TABLE_MAX_COLUMNS)
        return pf_fail(err, PF_ERR_LIMIT, "line %zu: more than %d different keys",
                       r->line, PF_TABLE_MAX_COLUMNS);
    const char *kept = pf_arena_add(&r->names, name, strlen(name), err);
    r->columns[r->n_columns] = kept;
    r->n_columns += kept != NULL;
    return kept != NULL;
}

static bool add_cell(pf_records *r, size_t column, const char *value, pf_err *err)
{
    if (value[0] == '\0')
        return true;
    if (!pf_grow_array(&r->cells, &r->cells_room, r->n_cells, sizeof *r->cells, err))
        return false;
    r->cells[r->n_cells++] = (pf_cell){column, value};
    return true;
}

const char *pf_records_cell(const pf_records *r, size_t column)
{
    for (size_t i = 0; i < r->n_cells; i++) {
        if (r->cells[i].column == column)
            return r->cells[i].value;
    }
    return NULL;
}

/* ---- delimited ---- */

char pf_records_declared_separator(pf_span bytes)
{
    static const char word[] = "sep=";
    const uint8_t *c;
    if (pf_span_left(&bytes) > 0 && *bytes.p == '"')
        bytes.p++;
    if (!pf_span_take(&bytes, sizeof word, &c) ||
        strncasecmp((const char *)c, word, sizeof word - 1) != 0)
        return '\0';
    const uint8_t separator = c[sizeof word - 1];
    if (pf_span_left(&bytes) > 0 && *bytes.p == '"')
        bytes.p++;
    const bool is_line =
        pf_span_left(&bytes) == 0 || *bytes.p == '\n' || *bytes.p == '\r';
    return is_line && separator < 0x80 && !strchr("\"\r\n ", separator)
               ? (char)separator
               : '\0';
}

static bool is_blank_row(const pf_table *t)
{
    bool is_blank = true;
    for (size_t i = 0; is_blank && i < t->n_fields; i++)
        is_blank = pf_table_field(t, i)[0] == '\0';
    return is_blank;
}

/* *has_row: that which names the columns was there, blank ones before it or not. */
static bool start_table(pf_records *r, bool *has_row, pf_err *err)
{
    pf_table_reset(&r->table);
    pf_table_init(&r->table, r->bytes, r->separator);
    if (pf_records_declared_separator(r->bytes) != '\0')
        pf_table_skip_line(&r->table);
    bool ok;
    while ((ok = pf_table_next(&r->table, has_row, err)) && *has_row &&
           is_blank_row(&r->table))
        continue;
    return ok;
}

static bool read_names(pf_records *r, pf_err *err)
{
    bool has_row = false;
    bool ok = start_table(r, &has_row, err);
    for (size_t i = 0; ok && has_row && i < r->table.n_fields; i++)
        ok = add_column(r, pf_table_field(&r->table, i), err);
    return ok;
}

/* Spreadsheets leave empty cells at the end of a row out, or put more there. */
static bool is_too_long(const pf_records *r)
{
    const pf_table *t = &r->table;
    for (size_t i = r->n_columns; i < t->n_fields; i++) {
        if (pf_table_field(t, i)[0] != '\0')
            return true;
    }
    return false;
}

static bool take_fields(pf_records *r, pf_err *err)
{
    const pf_table *t = &r->table;
    if (is_too_long(r))
        return pf_fail(err, PF_ERR_FORMAT,
                       "line %zu has %zu columns, the first line has %zu", t->line,
                       t->n_fields, r->n_columns);
    for (size_t i = 0; i < t->n_fields && i < r->n_columns; i++) {
        if (!add_cell(r, i, pf_table_field(t, i), err))
            return false;
    }
    return true;
}

/* ---- JSON Lines ---- */

/* The next line that is not blank; false at the end. */
static bool next_line(pf_records *r, const char **line, size_t *n)
{
    for (*n = 0; *n == 0 && pf_span_left(&r->left) > 0;) {
        const uint8_t *from = r->left.p;
        while (r->left.p < r->left.end && *r->left.p != '\n' && *r->left.p != '\r')
            r->left.p++;
        *line = (const char *)from;
        *n = (size_t)(r->left.p - from);
        r->line = ++r->at_line;
        if (pf_span_left(&r->left) > 1 && memcmp(r->left.p, "\r\n", 2) == 0)
            r->left.p++;
        if (pf_span_left(&r->left) > 0)
            r->left.p++;
        pf_utf8_trim(line, n);
    }
    return *n > 0;
}

/* The object of the next line; NULL at the end. */
static bool next_object(pf_records *r, pf_json **out, pf_err *err)
{
    const char *line = NULL;
    size_t n;
    *out = NULL;
    if (!next_line(r, &line, &n))
        return true;
    if (n > PF_TABLE_MAX_ROW_BYTES)
        return pf_fail(err, PF_ERR_LIMIT, "line %zu has %zu bytes, the limit is %d",
                       r->line, n, PF_TABLE_MAX_ROW_BYTES);
    if (!pf_json_parse_texts(out, line, n, err))
        return pf_fail_in(err, "line %zu", r->line);
    if (pf_json_get_kind(*out) == PF_JSON_OBJECT)
        return true;
    pf_json_free(*out);
    *out = NULL;
    return pf_fail(err, PF_ERR_FORMAT, "line %zu is no JSON object", r->line);
}

/* Where this key is, or n_columns: objects have mostly the same keys in one order. */
static size_t find_column(pf_records *r, const char *key)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        const size_t at = (r->next_column + i) % r->n_columns;
        if (strcmp(r->columns[at], key) == 0) {
            r->next_column = at + 1;
            return at;
        }
    }
    return r->n_columns;
}

static bool add_keys(pf_records *r, const pf_json *object, pf_err *err)
{
    pf_json_member m = {0};
    while (pf_json_next_member(object, &m)) {
        if (find_column(r, m.key) == r->n_columns && !add_column(r, m.key, err))
            return false;
    }
    return true;
}

static bool read_keys(pf_records *r, pf_err *err)
{
    pf_json *object = NULL;
    bool ok;
    while ((ok = next_object(r, &object, err)) && object) {
        ok = add_keys(r, object, err);
        pf_json_free(object);
        if (!ok)
            return false;
    }
    return ok;
}

/* A value that is no list and no object; *text is NULL when it is one, or null. */
static bool scalar_text(const pf_json *value, char **text, pf_err *err)
{
    const pf_json_kind kind = pf_json_get_kind(value);
    size_t n;
    *text = NULL;
    if (kind == PF_JSON_NULL || kind == PF_JSON_ARRAY || kind == PF_JSON_OBJECT)
        return true;
    const char *string = pf_json_string(value, &n);
    if (!string)
        return (*text = pf_json_text(value, err)) != NULL;
    pf_utf8_trim(&string, &n);
    return (*text = pf_strndup(string, n, err)) != NULL;
}

/* Cells are offsets until the row is whole, for the buffer moves while it grows. */
static bool add_scalar(pf_records *r, size_t column, const pf_json *value, pf_err *err)
{
    char *text;
    bool ok = scalar_text(value, &text, err);
    if (ok && text && text[0] != '\0')
        ok = add_cell(r, column, text, err) &&
             pf_buf_add(&r->values, text, strlen(text) + 1, err);
    pf_free(text);
    return ok;
}

static bool add_value(pf_records *r, size_t column, const pf_json *value, pf_err *err)
{
    if (pf_json_get_kind(value) != PF_JSON_ARRAY)
        return add_scalar(r, column, value, err);
    for (size_t i = 0; i < pf_json_size(value); i++) {
        if (!add_scalar(r, column, pf_json_at(value, i), err))
            return false;
    }
    return true;
}

static bool take_members(pf_records *r, const pf_json *object, pf_err *err)
{
    pf_json_member m = {0};
    r->values.size = 0;
    while (pf_json_next_member(object, &m)) {
        const size_t column = find_column(r, m.key);
        if (column < r->n_columns && !add_value(r, column, m.value, err))
            return pf_fail_in(err, "line %zu", r->line);
    }
    const char *value = r->values.data;
    for (size_t i = 0; i < r->n_cells; i++) {
        r->cells[i].value = value;
        value += strlen(value) + 1;
    }
    return true;
}

/* ---- both ---- */

static bool start(pf_records *r, pf_err *err)
{
    r->left = r->bytes;
    r->at_line = r->line = 0;
    bool ignored;
    return r->separator == PF_RECORDS_JSON || start_table(r, &ignored, err);
}

bool pf_records_open(pf_records *r, pf_span bytes, char separator, pf_err *err)
{
    *r = (pf_records){.bytes = bytes, .left = bytes, .separator = separator};
    pf_buf_init(&r->values, 2 * PF_TABLE_MAX_ROW_BYTES);
    if (separator != PF_RECORDS_JSON)
        return read_names(r, err);
    return read_keys(r, err) && start(r, err);
}

bool pf_records_rewind(pf_records *r, pf_err *err)
{
    return start(r, err);
}

static bool next_row(pf_records *r, bool *has_row, pf_err *err)
{
    if (r->separator != PF_RECORDS_JSON) {
        const bool ok = pf_table_next(&r->table, has_row, err);
        r->line = r->table.line;
        return ok && (!*has_row || take_fields(r, err));
    }
    pf_json *object;
    bool ok = next_object(r, &object, err);
    *has_row = object != NULL;
    if (object)
        ok = take_members(r, object, err);
    pf_json_free(object);
    return ok;
}

bool pf_records_next(pf_records *r, bool *has_row, pf_err *err)
{
    for (*has_row = true; *has_row;) {
        r->n_cells = 0;
        if (!next_row(r, has_row, err))
            return false;
        if (r->n_cells > 0)
            break;
    }
    return true;
}

void pf_records_reset(pf_records *r)
{
    pf_table_reset(&r->table);
    pf_buf_free(&r->values);
    pf_arena_reset(&r->names);
    pf_free(r->cells);
    *r = (pf_records){0};
}
