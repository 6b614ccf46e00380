/* import_captions.c - see import_captions.h. */
#include "indexer/import_captions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/base/utf8.h"

enum { FILE_MAX_BYTES = 1 << 30, ROWS_MAX = 50 * 1000 * 1000 };

typedef struct {
    pf_captions *out;
    pf_table table;
    const pf_scan *scan;
    char *folder;     /* of the captions file, absolute */
    const char *root; /* of the source */
    size_t file_column, caption_column, case_column; /* n_columns: there is none */
    size_t n_columns;
    size_t n_missing, first_missing_line;
    char first_missing[256];
} reader;

/* ---- paths ---- */

/* Takes "." and ".." and double slashes out of an absolute path, without looking at the
 * disk, so that it compares equal to what the scan found. */
static void tidy_path(char *path)
{
    char *out = path;
    for (char *c = path; *c;) {
        while (*c == '/')
            c++;
        size_t n = strcspn(c, "/");
        if (n == 2 && c[0] == '.' && c[1] == '.') {
            while (out > path && *--out != '/')
                continue;
        } else if (n > 0 && !(n == 1 && c[0] == '.')) {
            *out++ = '/';
            memmove(out, c, n);
            out += n;
        }
        c += n;
    }
    *out = '\0';
}

/* The scanned file that `name` means, or NULL in *found; *is_in_gap when it would lie
 * in a folder that could not be read this time. */
static bool resolve(const reader *r, const char *name, const pf_scan_file **found,
                    bool *is_in_gap, pf_err *err)
{
    const char *const base[] = {r->folder, r->root};
    *found = NULL;
    *is_in_gap = false;
    for (size_t i = 0; i < 2 && !*found; i++) {
        char *path = pf_path_join(base[i], name, err);
        if (!path)
            return false;
        tidy_path(path);
        *found = pf_scan_find(r->scan, path);
        *is_in_gap |= pf_scan_is_in_gap(r->scan, path);
        pf_free(path);
    }
    return true;
}

/* ---- rows ---- */

static bool read_header(reader *r, pf_err *err)
{
    bool has_row = false;
    if (!pf_table_next(&r->table, &has_row, err))
        return false;
    size_t n = has_row ? r->table.n_fields : 0;
    r->n_columns = n;
    r->file_column = r->caption_column = r->case_column = n;
    r->out->keys = pf_alloc_array(n, sizeof *r->out->keys, err);
    if (!r->out->keys)
        return false;
    const struct {
        const char *name;
        size_t *column;
    } known[] = {{"file", &r->file_column},
                 {"caption", &r->caption_column},
                 {"case", &r->case_column}};
    for (size_t i = 0; i < n; i++) {
        const char *name = pf_table_field(&r->table, i);
        size_t k = 0;
        while (k < 3 && strcasecmp(name, known[k].name) != 0)
            k++;
        if (k < 3 && *known[k].column < n)
            return pf_fail(err, PF_ERR_FORMAT, "the first line names two columns '%s'",
                           known[k].name);
        if (k < 3)
            *known[k].column = i;
        else if (!(r->out->keys[r->out->n_keys++] = pf_utf8_repair(name, err)))
            return false;
    }
    if (r->file_column < n && r->caption_column < n)
        return true;
    return pf_fail(
        err, PF_ERR_FORMAT,
        "the first line names no column '%s'; it must name 'file' and 'caption', "
        "any others become attributes",
        r->file_column < n ? "caption" : "file");
}

static void free_row(pf_caption_row *row, size_t n_keys)
{
    for (size_t i = 0; row->values && i < n_keys; i++)
        pf_free(row->values[i]);
    pf_free(row->values);
    pf_free(row->path);
    pf_free(row->text);
    pf_free(row->case_key);
}

static bool fill_row(const reader *r, pf_caption_row *row, const char *path,
                     pf_err *err)
{
    size_t k = 0;
    row->line = r->table.line;
    row->path = pf_strdup(path, err);
    row->text = pf_utf8_repair(pf_table_field(&r->table, r->caption_column), err);
    row->case_key = r->case_column < r->n_columns
                        ? pf_utf8_repair(pf_table_field(&r->table, r->case_column), err)
                        : pf_strdup("", err);
    row->values = pf_alloc_array(r->out->n_keys, sizeof *row->values, err);
    bool ok = row->path && row->text && row->case_key && row->values;
    for (size_t i = 0; ok && i < r->n_columns; i++) {
        if (i == r->file_column || i == r->caption_column || i == r->case_column)
            continue;
        row->values[k] = pf_utf8_repair(pf_table_field(&r->table, i), err);
        ok = row->values[k++] != NULL;
    }
    return ok;
}

static bool add_row(reader *r, const char *path, pf_err *err)
{
    pf_captions *out = r->out;
    if (out->count >= ROWS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d rows", ROWS_MAX);
    if (out->count == out->room) {
        void *p = out->rows;
        size_t room = out->room ? 2 * out->room : 256;
        if (!pf_resize_array(&p, room, sizeof *out->rows, err))
            return false;
        out->rows = p;
        out->room = room;
    }
    pf_caption_row *row = &out->rows[out->count];
    *row = (pf_caption_row){0};
    if (!fill_row(r, row, path, err)) {
        free_row(row, out->n_keys);
        return false;
    }
    out->count++;
    return true;
}

static bool take_row(reader *r, pf_err *err)
{
    if (r->table.n_fields != r->n_columns)
        return pf_fail(err, PF_ERR_FORMAT,
                       "line %zu has %zu columns, the first line has %zu",
                       r->table.line, r->table.n_fields, r->n_columns);
    const char *name = pf_table_field(&r->table, r->file_column);
    const pf_scan_file *file = NULL;
    bool is_in_gap = false;
    if (!resolve(r, name, &file, &is_in_gap, err))
        return false;
    if (file)
        return add_row(r, file->path, err);
    if (is_in_gap)
        return true;
    if (r->n_missing++ == 0) {
        size_t n = strlen(name);
        n = n < sizeof r->first_missing
                ? n
                : pf_utf8_cut(name, sizeof r->first_missing - 1);
        memcpy(r->first_missing, name, n);
        r->first_missing_line = r->table.line;
    }
    return true;
}

static bool read_rows(reader *r, pf_err *err)
{
    if (!read_header(r, err))
        return false;
    for (bool has_row = true; has_row;) {
        if (!pf_table_next(&r->table, &has_row, err) || (has_row && !take_row(r, err)))
            return false;
    }
    if (r->n_missing == 0)
        return true;
    char more[64] = "";
    if (r->n_missing > 1)
        snprintf(more, sizeof more, " (and %zu more)", r->n_missing - 1);
    return pf_fail(
        err, PF_ERR_NOT_FOUND,
        "line %zu: there is no picture '%s' under '%s'%s; correct the line or "
        "remove it",
        r->first_missing_line, r->first_missing, r->root, more);
}

/* Rows of one picture may repeat its case, but not name another one. */
static bool check_cases(const pf_captions *c, pf_err *err)
{
    const pf_caption_row *first = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const pf_caption_row *row = &c->rows[i];
        if (first && strcmp(first->path, row->path) != 0)
            first = NULL;
        if (first && row->case_key[0] && strcmp(first->case_key, row->case_key) != 0)
            return pf_fail(
                err, PF_ERR_FORMAT,
                "line %zu puts '%s' into case '%s', line %zu into case '%s'; a "
                "picture has one case",
                row->line, pf_path_base(row->path), row->case_key, first->line,
                first->case_key);
        if (!first && row->case_key[0])
            first = row;
    }
    return true;
}

static int by_path_and_line(const void *a, const void *b)
{
    const pf_caption_row *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

bool pf_captions_read(pf_captions *out, const char *file, const char *root,
                      const pf_scan *scan, pf_err *err)
{
    *out = (pf_captions){0};
    char *full = realpath(file, NULL);
    if (!full)
        return pf_fail_errno(err, errno, "cannot read captions file '%s'", file);
    pf_buf bytes;
    pf_buf_init(&bytes, FILE_MAX_BYTES);
    reader r = {.out = out, .scan = scan, .root = root};
    bool ok = pf_file_read(full, &bytes, err) &&
              (r.folder = pf_strndup(full, (size_t)(pf_path_base(full) - full), err));
    if (ok) {
        bool is_tsv = strcasecmp(pf_path_extension(full), "tsv") == 0;
        pf_table_init(&r.table, pf_span_of(bytes.data, bytes.size),
                      is_tsv ? '\t' : ',');
        ok = read_rows(&r, err);
        pf_table_reset(&r.table);
    }
    if (ok && out->count > 0) {
        qsort(out->rows, out->count, sizeof *out->rows, by_path_and_line);
        ok = check_cases(out, err);
    }
    if (!ok) {
        pf_fail_in(err, "captions file '%s'", file);
        pf_captions_reset(out);
    }
    pf_free(r.folder);
    pf_buf_free(&bytes);
    free(full);
    return ok;
}

void pf_captions_reset(pf_captions *captions)
{
    for (size_t i = 0; i < captions->count; i++)
        free_row(&captions->rows[i], captions->n_keys);
    for (size_t i = 0; i < captions->n_keys; i++)
        pf_free(captions->keys[i]);
    pf_free(captions->rows);
    pf_free(captions->keys);
    *captions = (pf_captions){0};
}

const pf_caption_row *pf_captions_find(const pf_captions *captions, const char *path,
                                       size_t *n)
{
    size_t low = 0, high = captions->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(captions->rows[mid].path, path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *n = 0;
    while (low + *n < captions->count &&
           strcmp(captions->rows[low + *n].path, path) == 0)
        ++*n;
    return *n ? &captions->rows[low] : NULL;
}
