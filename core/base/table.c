/* table.c - see table.h. */
#include "core/base/table.h"

#include <string.h>

#include "core/base/utf8.h"

void pf_table_init(pf_table *t, pf_span bytes, char separator)
{
    *t = (pf_table){.left = bytes, .separator = separator, .at_line = 1};
    pf_buf_init(&t->text, PF_TABLE_MAX_ROW_BYTES);
}

void pf_table_reset(pf_table *t)
{
    pf_buf_free(&t->text);
}

const char *pf_table_field(const pf_table *t, size_t i)
{
    return t->text.data + t->start[i];
}

static bool at(const pf_table *t, char c)
{
    return t->left.p < t->left.end && *t->left.p == (uint8_t)c;
}

static bool at_line_end(const pf_table *t)
{
    return at(t, '\n') || at(t, '\r');
}

static bool at_field_end(const pf_table *t)
{
    return pf_span_left(&t->left) == 0 || at(t, t->separator) || at_line_end(t);
}

static void pass_line_end(pf_table *t)
{
    const bool is_cr = at(t, '\r');
    t->left.p++;
    if (is_cr && at(t, '\n'))
        t->left.p++;
    t->at_line++;
}

/* A tab that parts fields is no blank. */
static bool at_blank(const pf_table *t)
{
    return (at(t, ' ') || at(t, '\t')) && !at(t, t->separator);
}

static void pass_blanks(pf_table *t)
{
    while (at_blank(t))
        t->left.p++;
}

static bool add_byte(pf_table *t, pf_err *err)
{
    if (*t->left.p == '\0')
        return pf_fail(err, PF_ERR_FORMAT, "line %zu holds a NUL byte", t->at_line);
    if (at(t, '\n') ||
        (at(t, '\r') && (pf_span_left(&t->left) < 2 || t->left.p[1] != '\n')))
        t->at_line++;
    if (!pf_buf_add(&t->text, t->left.p, 1, err))
        return pf_fail_in(err, "the row at line %zu", t->line);
    t->left.p++;
    return true;
}

/* ---- fields ---- */

/* From the opening quote to behind the closing one, with "" for a quote inside. */
static bool read_quoted(pf_table *t, pf_err *err)
{
    const size_t opened = t->at_line;
    for (t->left.p++;;) {
        if (pf_span_left(&t->left) == 0)
            return pf_fail(err, PF_ERR_FORMAT,
                           "a quote is opened in line %zu and never closed", opened);
        if (at(t, '"')) {
            t->left.p++;
            if (!at(t, '"'))
                break;
        }
        if (!add_byte(t, err))
            return false;
    }
    pass_blanks(t);
    return at_field_end(t) ||
           pf_fail(err, PF_ERR_FORMAT,
                   "line %zu: text follows a closing quote; the quote was opened in "
                   "line %zu, and quotes inside a field are doubled",
                   t->at_line, opened);
}

static bool read_plain(pf_table *t, pf_err *err)
{
    while (!at_field_end(t)) {
        if (at(t, '"') && t->separator != '\t')
            return pf_fail(err, PF_ERR_FORMAT,
                           "line %zu: a quote stands in a field that does not begin "
                           "with one; put the field in quotes and double this one",
                           t->at_line);
        if (!add_byte(t, err))
            return false;
    }
    return true;
}

/* The bytes of the field as one piece without the quotes around it, when all those
 * inside are doubled. */
static void take_off_quotes(pf_table *t)
{
    char *field = t->text.data + t->start[t->n_fields - 1];
    const size_t n = t->text.size - t->start[t->n_fields - 1];
    size_t kept = 0;
    if (n < 2 || field[0] != '"' || field[n - 1] != '"')
        return;
    for (size_t i = 1; i < n - 1; i++) {
        if (field[i] == '"' && (field[++i] != '"' || i == n - 1))
            return;
    }
    for (size_t i = 1; i < n - 1; i++) {
        field[kept++] = field[i];
        i += field[i] == '"';
    }
    t->text.size -= n - kept;
}

/* Also what stood in quotes. */
static void trim(pf_table *t)
{
    char *field = t->text.data + t->start[t->n_fields - 1];
    const char *from = field;
    size_t n = t->text.size - t->start[t->n_fields - 1];
    pf_utf8_trim(&from, &n);
    memmove(field, from, n);
    t->text.size = t->start[t->n_fields - 1] + n;
}

static bool read_field(pf_table *t, pf_err *err)
{
    if (t->n_fields == PF_TABLE_MAX_COLUMNS)
        return pf_fail(err, PF_ERR_LIMIT, "line %zu has more than %d columns", t->line,
                       PF_TABLE_MAX_COLUMNS);
    t->start[t->n_fields++] = t->text.size;
    pass_blanks(t);
    const bool is_quoted = at(t, '"') && t->separator != '\t';
    if (!(is_quoted ? read_quoted(t, err) : read_plain(t, err)))
        return false;
    if (t->text.size > t->start[t->n_fields - 1]) {
        trim(t);
        if (t->separator == '\t') {
            take_off_quotes(t);
            trim(t);
        }
    }
    return pf_buf_add(&t->text, "", 1, err);
}

void pf_table_skip_line(pf_table *t)
{
    while (pf_span_left(&t->left) > 0 && !at_line_end(t))
        t->left.p++;
    if (at_line_end(t))
        pass_line_end(t);
}

bool pf_table_next(pf_table *t, bool *has_row, pf_err *err)
{
    *has_row = false;
    while (at_line_end(t))
        pass_line_end(t);
    if (pf_span_left(&t->left) == 0)
        return true;
    t->line = t->at_line;
    t->text.size = 0;
    t->n_fields = 0;
    for (;;) {
        if (!read_field(t, err))
            return false;
        if (!at(t, t->separator))
            break;
        t->left.p++;
    }
    if (at_line_end(t))
        pass_line_end(t);
    *has_row = true;
    return true;
}
