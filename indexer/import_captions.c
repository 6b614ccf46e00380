/* import_captions.c - see import_captions.h. */
#include "indexer/import_captions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "indexer/columns.h"
#include "indexer/import_roco.h"
#include "indexer/names.h"
#include "indexer/records.h"
#include "indexer/values.h"

enum { FILE_MAX_BYTES = 1 << 30 };

/* The row that said something first. */
typedef struct {
    const char *table; /* NULL: none did */
    size_t line;
} place;

typedef struct {
    pf_texts *texts;
    pf_collection *to;
    place *case_of; /* of each file: who put it into its case */
    place *cases;   /* of each case that has a row of its own */
    size_t n_cases, cases_room;

    /* The table at hand: */
    const char *table;
    char *folder;  /* it lies in */
    bool is_found; /* and was not given */
    bool is_guess; /* and may as well be something else */
    pf_records rows;
    pf_columns columns;
    pf_values *values;    /* [PF_TABLE_MAX_COLUMNS] */
    pf_err contradiction; /* the first one about cases */
} reader;

/* ---- understanding a table ---- */

static const char *reading_of(char separator)
{
    switch (separator) {
    case PF_RECORDS_JSON:
        return "the table, read as JSON Lines with the keys";
    case ',':
        return "the first line, read with commas as";
    case ';':
        return "the first line, read with semicolons as";
    case '\t':
        return "the first line, read with tabs as";
    }
    return "the first line, read with the separator of 'sep=' as";
}

/* What the first line was taken for goes before the reason. */
static bool refuse_columns(const reader *r, pf_err *err)
{
    enum { SHOWN = 6, BYTES = 24 };
    const pf_err why = *err;
    pf_buf names;
    pf_buf_init(&names, SHOWN * (BYTES + 8));
    bool ok = true;
    for (size_t i = 0; ok && i < r->rows.n_columns && i < SHOWN; i++) {
        const char *name = r->rows.columns[i];
        const size_t n = strlen(name);
        ok = pf_buf_addf(&names, err, "%s'%.*s'", i > 0 ? ", " : "",
                         (int)(n <= BYTES ? n : pf_utf8_cut(name, BYTES)), name);
    }
    if (ok)
        pf_fail(err, why.code, "%s %s%s, %s", reading_of(r->rows.separator),
                names.size > 0 ? names.data : "nothing",
                r->rows.n_columns > SHOWN ? ", ..." : "", why.msg);
    pf_buf_free(&names);
    return false;
}

static bool find_columns(reader *r, pf_err *err)
{
    const char *const *names = r->rows.columns;
    const char *asked = r->texts->from->columns;
    pf_err why = PF_ERR_INIT;
    if (pf_columns_find(&r->columns, names, r->rows.n_columns, asked, &why))
        return true;
    /* --columns is meant for tables that the user knows of. */
    if (r->is_found && asked && why.code != PF_ERR_NOMEM &&
        pf_columns_find(&r->columns, names, r->rows.n_columns, NULL, &why))
        return true;
    pf_fail_as(err, &why);
    return refuse_columns(r, err);
}

static bool is_json_lines(const char *path, pf_span bytes)
{
    const char *ending = pf_path_extension(path);
    while (pf_span_left(&bytes) > 0 && strchr(" \t\r\n", *bytes.p) && *bytes.p != '\0')
        bytes.p++;
    return strcasecmp(ending, "jsonl") == 0 || strcasecmp(ending, "ndjson") == 0 ||
           (pf_span_left(&bytes) > 0 && *bytes.p == '{');
}

/* How much like a table the bytes are with this separator; 0 when they are none. */
static bool try_separator(const reader *r, pf_span bytes, char separator,
                          size_t *likeness, pf_err *err)
{
    pf_records rows;
    pf_err why = PF_ERR_INIT;
    *likeness = 0;
    const bool ok = pf_records_open(&rows, bytes, separator, &why) &&
                    pf_columns_likeness(likeness, rows.columns, rows.n_columns,
                                        r->texts->from->columns, &why);
    pf_records_reset(&rows);
    return ok || why.code != PF_ERR_NOMEM || pf_fail_as(err, &why);
}

/* What parts the columns: what the first line says ("sep=;"), or with what it looks
 * most like the first line of a table. */
static bool choose_separator(const reader *r, pf_span bytes, char *best, pf_err *err)
{
    const bool is_tsv = strcasecmp(pf_path_extension(r->table), "tsv") == 0;
    const char *candidates = is_tsv ? "\t,;" : ",;\t";
    size_t most = 0;
    if ((*best = pf_records_declared_separator(bytes)) != '\0')
        return true;
    *best = candidates[0];
    for (const char *c = candidates; *c != '\0'; c++) {
        size_t likeness;
        if (!try_separator(r, bytes, *c, &likeness, err))
            return false;
        *best = likeness > most ? *c : *best;
        most = likeness > most ? likeness : most;
    }
    return true;
}

/* ---- rows ---- */

PF_PRINTF(3, 4)
static bool note(const reader *r, pf_err *err, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return pf_collection_add_text_note(r->to, text, err);
}

/* Rows of one picture may repeat its case, but not name another one. */
static bool take_case(reader *r, pf_subject image, const char *key, pf_err *err)
{
    pf_collection *to = r->to;
    pf_subject into;
    if (!pf_collection_add_case(to, key, key, &into, err))
        return false;
    const uint32_t known = to->images[image.at].in_case;
    const place *first = &r->case_of[image.at];
    if (known == 0) {
        pf_collection_put_into_case(to, image, into);
        r->case_of[image.at] = (place){r->table, r->rows.line};
    } else if (known != into.at + 1 && r->contradiction.code == PF_OK) {
        const bool is_here = first->table == r->table;
        pf_fail(&r->contradiction, PF_ERR_FORMAT,
                "line %zu puts '%s' into case '%s', line %zu%s%s into case '%s'; a "
                "picture has one case",
                r->rows.line, pf_path_base(to->images[image.at].path),
                to->cases[into.at].key, first->line, is_here ? "" : " of ",
                is_here ? "" : pf_path_base(first->table), to->cases[known - 1].key);
    }
    return true;
}

static bool take_value(reader *r, pf_subject of, const pf_cell *cell, pf_err *err)
{
    char written[PF_VALUE_MAX];
    const char *value = pf_values_write(&r->values[cell->column], cell->value, written);
    return pf_collection_add_attribute(r->to, of, r->rows.columns[cell->column], value,
                                       err);
}

static bool take_cells(reader *r, pf_subject of, pf_err *err)
{
    for (size_t i = 0; i < r->rows.n_cells; i++) {
        const pf_cell *cell = &r->rows.cells[i];
        const pf_column_role role = r->columns.role[cell->column];
        bool ok = true;
        if (role == PF_COLUMN_CAPTION)
            ok = pf_collection_add_caption(r->to, of, cell->value, err);
        else if (role == PF_COLUMN_ATTRIBUTE)
            ok = take_value(r, of, cell, err);
        else if (role == PF_COLUMN_CASE && !of.is_case)
            ok = take_case(r, of, cell->value, err);
        if (!ok)
            return false;
    }
    return true;
}

/* A row that is about a case. Whether that has a picture is seen at the end. */
static bool take_case_row(reader *r, const char *key, pf_err *err)
{
    pf_subject of;
    if (!pf_collection_add_case(r->to, key, key, &of, err))
        return false;
    for (; r->n_cases <= of.at; r->n_cases++) {
        if (!pf_grow_array(&r->cases, &r->cases_room, r->n_cases, sizeof *r->cases,
                           err))
            return false;
        r->cases[r->n_cases] = (place){NULL, 0};
    }
    if (!r->cases[of.at].table)
        r->cases[of.at] = (place){r->table, r->rows.line};
    return take_cells(r, of, err);
}

/* `name` is NULL when the row names no picture. */
static bool take_picture_row(reader *r, const char *name, pf_err *err)
{
    pf_names_match match = {0};
    if (name && !pf_names_find(&r->texts->names, r->folder, name, r->columns.has_ids,
                               &match, err))
        return false;
    if (match.file) {
        const pf_subject image = pf_texts_subject(r->texts, match.file);
        r->to->images[image.at].has_row = true;
        return take_cells(r, image, err);
    }
    const pf_stale_row row = {.table = r->table,
                              .name = name ? name : "",
                              .line = r->rows.line,
                              .is_ambiguous = match.is_ambiguous};
    return match.is_in_gap || pf_collection_add_stale_row(r->to, &row, err);
}

/* It is about one picture, or as many as a list in JSON names. */
static bool take_row(reader *r, pf_err *err)
{
    const char *key = pf_records_cell(&r->rows, r->columns.in_case);
    size_t n_names = 0;
    for (size_t i = 0; i < r->rows.n_cells; i++) {
        const pf_cell *cell = &r->rows.cells[i];
        if (cell->column != r->columns.file)
            continue;
        if (!take_picture_row(r, cell->value, err))
            return false;
        n_names++;
    }
    if (n_names > 0)
        return true;
    return key ? take_case_row(r, key, err) : take_picture_row(r, NULL, err);
}

/* All is read once before anything is taken: of a table with a mistake nothing is, and
 * a column is understood by all of its values. */
static bool look_at_rows(reader *r, pf_err *err)
{
    memset(r->values, 0, PF_TABLE_MAX_COLUMNS * sizeof *r->values);
    for (bool has_row = true; has_row;) {
        if (!pf_records_next(&r->rows, &has_row, err))
            return false;
        for (size_t i = 0; has_row && i < r->rows.n_cells; i++) {
            const pf_cell *cell = &r->rows.cells[i];
            pf_values_show(&r->values[cell->column], cell->value);
        }
    }
    return pf_records_rewind(&r->rows, err);
}

/* Columns that could be dates or numbers, but in two ways. */
static bool note_unsure(const reader *r, pf_err *err)
{
    for (size_t i = 0; i < r->rows.n_columns; i++) {
        const pf_values_kind kind = pf_values_decide(&r->values[i]);
        if (r->columns.role[i] != PF_COLUMN_ATTRIBUTE ||
            (kind != PF_VALUES_UNSURE_DATES && kind != PF_VALUES_UNSURE_NUMBERS))
            continue;
        const char *what = kind == PF_VALUES_UNSURE_DATES
                               ? "dates, day or month first"
                               : "numbers, with a decimal point or comma";
        if (!note(r, err,
                  "'%s': it cannot be told how column '%s' writes %s; '%s' and "
                  "the others stay text",
                  r->table, r->rows.columns[i], what, r->values[i].example))
            return false;
    }
    return true;
}

/* The first picture that the row names in a column is there. */
static bool is_met(reader *r, size_t column, bool is_id, bool *out, pf_err *err)
{
    pf_names_match match = {0};
    const char *value = pf_records_cell(&r->rows, column);
    const bool ok =
        !value || pf_names_find(&r->texts->names, r->folder, value, is_id, &match, err);
    *out = match.file != NULL;
    return ok;
}

/* A column `name` beside one `id` names the patient, or the picture when more of its
 * first values do so. */
static bool choose_name(reader *r, pf_err *err)
{
    enum { LOOKED_AT = 100 };
    size_t n_ids = 0, n_names = 0;
    bool has_row = r->columns.name < r->columns.n;
    for (int i = 0; has_row && i < LOOKED_AT; i++) {
        bool by_id = false, by_name = false;
        if (!pf_records_next(&r->rows, &has_row, err) ||
            (has_row && (!is_met(r, r->columns.file, true, &by_id, err) ||
                         !is_met(r, r->columns.name, false, &by_name, err))))
            return false;
        n_ids += by_id;
        n_names += by_name;
    }
    if (n_names > n_ids)
        pf_columns_use_name(&r->columns);
    return pf_records_rewind(&r->rows, err);
}

static bool take_rows(reader *r, pf_err *err)
{
    if (!choose_name(r, err) || !look_at_rows(r, err) || !note_unsure(r, err))
        return false;
    for (bool has_row = true; has_row;) {
        if (!pf_records_next(&r->rows, &has_row, err) || (has_row && !take_row(r, err)))
            return false;
    }
    return r->contradiction.code == PF_OK || pf_fail_as(err, &r->contradiction);
}

/* ---- one table ---- */

static void want_rows(const reader *r)
{
    for (size_t i = 0; i < r->texts->scan->count; i++) {
        if (!r->is_found || pf_path_is_under(r->texts->scan->files[i].path, r->folder))
            r->to->images[i].wants_row = true;
    }
}

static bool note_encoding(const reader *r, pf_encoding was, pf_err *err)
{
    return was != PF_ENCODING_WINDOWS_1252 ||
           note(r, err,
                "'%s' is no UTF-8 and was read as Windows-1252; save it as UTF-8 if "
                "letters are wrong",
                r->table);
}

static bool read_records(reader *r, pf_span bytes, pf_encoding was, pf_err *err)
{
    char separator = PF_RECORDS_JSON;
    pf_err why = PF_ERR_INIT;
    if (!is_json_lines(r->table, bytes) && !choose_separator(r, bytes, &separator, err))
        return false;
    if (!pf_records_open(&r->rows, bytes, separator, err))
        return false;
    if (!find_columns(r, &why))
        return r->is_found && why.code != PF_ERR_NOMEM
                   ? note(r, err, "'%s' was passed over: %s", r->table, why.msg)
                   : pf_fail_as(err, &why);
    want_rows(r);
    return note_encoding(r, was, err) && take_rows(r, err);
}

static bool read_bytes(reader *r, pf_buf *bytes, pf_err *err)
{
    pf_encoding was;
    if (!pf_texts_read_file(r->texts, r->table, r->is_found, bytes, &was, err))
        return false;
    const pf_span text = pf_span_of(bytes->data, bytes->size);
    if (pf_roco_is_captions(r->table, text)) {
        want_rows(r);
        return pf_roco_read_captions(r->texts, r->table, r->is_found, text, err);
    }
    if (r->is_guess)
        return true;
    const bool ok = read_records(r, text, was, err);
    pf_records_reset(&r->rows);
    return ok && (!pf_roco_is_v2_captions(r->table) ||
                  pf_roco_read_v2(r->texts, r->table, r->is_found, err));
}

/* Of a table that fails what is known stays, but for one that was given just now. */
static bool fail_table(const reader *r, const pf_err *why, pf_err *err)
{
    if (r->is_found || !r->texts->from->tables_are_given)
        return pf_texts_miss(r->texts, r->table, r->is_found, why, err);
    pf_fail_as(err, why);
    return pf_fail_in(err, "captions file '%s'", r->table);
}

static bool read_table(reader *r, const char *table, bool is_found, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_buf bytes;
    pf_buf_init(&bytes, FILE_MAX_BYTES);
    r->table = table;
    r->is_found = is_found;
    r->contradiction = (pf_err)PF_ERR_INIT;
    r->folder = pf_strndup(table, (size_t)(pf_path_base(table) - table), err);
    const bool ok =
        r->folder && (read_bytes(r, &bytes, &why) || fail_table(r, &why, err));
    pf_free(r->folder);
    pf_buf_free(&bytes);
    return ok;
}

/* ---- all tables of a source ---- */

/* By what it is called: "captions.csv", "metadata.jsonl", ROCO's files. */
static bool is_named_so(const char *path)
{
    static const char *const stems[] = {"captions", "metadata"};
    static const char *const endings[] = {"csv", "tsv", "jsonl", "ndjson"};
    const char *base = pf_path_base(path), *ending = pf_path_extension(path);
    bool has_stem = false, has_ending = false;
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
        const size_t n = strlen(stems[i]);
        has_stem |= strncasecmp(base, stems[i], n) == 0 && base[n] == '.' &&
                    base + n + 1 == ending;
    }
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        has_ending |= strcasecmp(ending, endings[i]) == 0;
    return (has_stem && has_ending) || pf_roco_is_v2_captions(path);
}

static bool is_given(const pf_import *from, const char *path)
{
    for (size_t i = 0; i < from->n_tables; i++) {
        if (strcmp(from->tables[i], path) == 0)
            return true;
    }
    return false;
}

static bool read_tables(reader *r, pf_err *err)
{
    const pf_import *from = r->texts->from;
    const pf_scan *scan = r->texts->scan;
    for (size_t i = 0; i < from->n_tables; i++) {
        if (!read_table(r, from->tables[i], false, err))
            return false;
    }
    for (size_t i = 0; i < scan->n_texts; i++) {
        const char *path = scan->texts[i].path;
        bool is_roco = false;
        if (is_given(from, path))
            continue;
        if (!pf_roco_has_siblings(path, &is_roco, err))
            return false;
        r->is_guess = pf_roco_may_be_captions(path) && !is_roco;
        if ((r->is_guess || is_roco || is_named_so(path)) &&
            !read_table(r, path, true, err))
            return false;
    }
    return true;
}

/* A row about a case of which no picture is known. */
static bool list_empty_cases(reader *r, pf_err *err)
{
    bool *has_image = pf_alloc_array(r->to->n_cases, sizeof *has_image, err);
    bool ok = has_image != NULL;
    for (size_t i = 0; ok && i < r->to->n_images; i++) {
        if (r->to->images[i].in_case > 0)
            has_image[r->to->images[i].in_case - 1] = true;
    }
    for (size_t i = 0; ok && i < r->n_cases; i++) {
        const pf_stale_row row = {.table = r->cases[i].table,
                                  .name = r->to->cases[i].key,
                                  .line = r->cases[i].line};
        if (row.table && !has_image[i])
            ok = pf_collection_add_stale_row(r->to, &row, err);
    }
    pf_free(has_image);
    return ok;
}

bool pf_captions_read(pf_texts *texts, pf_err *err)
{
    reader r = {.texts = texts, .to = texts->to};
    r.case_of = pf_alloc_array(texts->scan->count, sizeof *r.case_of, err);
    r.values = pf_alloc_array(PF_TABLE_MAX_COLUMNS, sizeof *r.values, err);
    const bool ok =
        r.case_of && r.values && read_tables(&r, err) && list_empty_cases(&r, err);
    pf_free(r.case_of);
    pf_free(r.values);
    pf_free(r.cases);
    return ok;
}
