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

enum { FILE_MAX_BYTES = 1 << 30 };

typedef struct {
    pf_collection *to;
    pf_table table;
    const pf_scan *scan;
    char *folder;     /* of the captions file, absolute */
    const char *root; /* of the source */
    size_t file_column, caption_column, case_column; /* n_columns: there is none */
    size_t n_columns;
    const char *names[PF_TABLE_MAX_COLUMNS];
    pf_arena name_strings;
    size_t *case_line;    /* of each file: the row that put it into its case */
    pf_err contradiction; /* the first one about cases */
    size_t n_missing, first_missing_line;
    char first_missing[256];
} reader;

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
        pf_path_tidy(path);
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
        r->names[i] = pf_arena_add(&r->name_strings, name, strlen(name), err);
        if (!r->names[i])
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

/* Rows of one picture may repeat its case, but not name another one. */
static bool take_case(reader *r, pf_subject image, pf_err *err)
{
    pf_collection *to = r->to;
    const char *key = pf_table_field(&r->table, r->case_column);
    pf_subject into;
    if (key[0] == '\0')
        return true;
    if (!pf_collection_add_case(to, key, key, &into, err))
        return false;
    const uint32_t known = to->images[image.at].in_case;
    if (known == 0) {
        pf_collection_put_into_case(to, image, into);
        r->case_line[image.at] = r->table.line;
    } else if (known != into.at + 1 && r->contradiction.code == PF_OK) {
        pf_fail(&r->contradiction, PF_ERR_FORMAT,
                "line %zu puts '%s' into case '%s', line %zu into case '%s'; a "
                "picture has one case",
                r->table.line, pf_path_base(to->images[image.at].path),
                to->cases[into.at].key, r->case_line[image.at],
                to->cases[known - 1].key);
    }
    return true;
}

static bool take_row(reader *r, pf_subject image, pf_err *err)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        const char *field = pf_table_field(&r->table, i);
        const bool ok =
            i == r->file_column   ? true
            : i == r->case_column ? take_case(r, image, err)
            : i == r->caption_column
                ? pf_collection_add_caption(r->to, image, field, err)
                : pf_collection_add_attribute(r->to, image, r->names[i], field, err);
        if (!ok)
            return false;
    }
    return true;
}

static void note_missing(reader *r, const char *name)
{
    if (r->n_missing++ > 0)
        return;
    size_t n = strlen(name);
    n = n < sizeof r->first_missing ? n
                                    : pf_utf8_cut(name, sizeof r->first_missing - 1);
    memcpy(r->first_missing, name, n);
    r->first_missing_line = r->table.line;
}

static bool read_row(reader *r, pf_err *err)
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
        return take_row(r, (pf_subject){.at = (uint32_t)(file - r->scan->files)}, err);
    if (!is_in_gap)
        note_missing(r, name);
    return true;
}

static bool read_rows(reader *r, pf_err *err)
{
    if (!read_header(r, err))
        return false;
    for (bool has_row = true; has_row;) {
        if (!pf_table_next(&r->table, &has_row, err) || (has_row && !read_row(r, err)))
            return false;
    }
    if (r->n_missing == 0)
        return r->contradiction.code == PF_OK || pf_fail_as(err, &r->contradiction);
    char more[64] = "";
    if (r->n_missing > 1)
        snprintf(more, sizeof more, " (and %zu more)", r->n_missing - 1);
    return pf_fail(
        err, PF_ERR_NOT_FOUND,
        "line %zu: there is no picture '%s' under '%s'%s; correct the line or "
        "remove it",
        r->first_missing_line, r->first_missing, r->root, more);
}

static bool read_table(reader *r, const char *file, pf_span bytes, pf_err *err)
{
    const bool is_tsv = strcasecmp(pf_path_extension(file), "tsv") == 0;
    r->folder = pf_strndup(file, (size_t)(pf_path_base(file) - file), err);
    r->case_line = pf_alloc_array(r->scan->count, sizeof *r->case_line, err);
    bool ok = r->folder && r->case_line;
    if (ok) {
        pf_table_init(&r->table, bytes, is_tsv ? '\t' : ',');
        ok = read_rows(r, err) || pf_fail_in(err, "captions file '%s'", file);
        pf_table_reset(&r->table);
    }
    pf_arena_reset(&r->name_strings);
    pf_free(r->folder);
    pf_free(r->case_line);
    return ok;
}

bool pf_captions_read(const pf_import *from, const pf_scan *scan, pf_collection *to,
                      pf_err *err)
{
    reader r = {.to = to, .scan = scan, .root = from->path};
    pf_buf bytes;
    pf_buf_init(&bytes, FILE_MAX_BYTES);
    bool ok =
        pf_file_read(from->captions, &bytes, err) || pf_fail_in(err, "captions file");
    if (ok) {
        to->texts_hash = pf_hash_bytes(bytes.data, bytes.size);
        ok = read_table(&r, from->captions, pf_span_of(bytes.data, bytes.size), err);
    }
    pf_buf_free(&bytes);
    return ok;
}
