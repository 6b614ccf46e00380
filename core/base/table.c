/* table.c - see table.h. */
#include "core/base/table.h"

#include <string.h>

void pf_table_init(pf_table *t, pf_span bytes, char separator)
{
    *t = (pf_table){.left = bytes, .separator = separator, .at_line = 1};
    pf_buf_init(&t->text, PF_TABLE_MAX_ROW_BYTES);
    if (pf_span_left(&bytes) >= 3 && memcmp(bytes.p, "\xEF\xBB\xBF", 3) == 0)
        t->left.p += 3;
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
    return at(t, '\n') ||
           (at(t, '\r') && t->left.p + 1 < t->left.end && t->left.p[1] == '\n') ||
           (at(t, '\r') && t->left.p + 1 == t->left.end);
}

static void pass_line_end(pf_table *t)
{
    if (at(t, '\r'))
        t->left.p++;
    if (at(t, '\n'))
        t->left.p++;
    t->at_line++;
}

static bool add_byte(pf_table *t, pf_err *err)
{
    if (*t->left.p == '\0')
        return pf_fail(err, PF_ERR_FORMAT, "line %zu holds a NUL byte", t->at_line);
    if (*t->left.p == '\n')
        t->at_line++;
    if (!pf_buf_add(&t->text, t->left.p, 1, err))
        return pf_fail_in(err, "the row at line %zu", t->line);
    t->left.p++;
    return true;
}

/* Behind the opening quote: up to the closing one, with "" for a quote inside. */
static bool read_quoted(pf_table *t, pf_err *err)
{
    for (;;) {
        if (pf_span_left(&t->left) == 0)
            return pf_fail(err, PF_ERR_FORMAT,
                           "a quote in the row at line %zu is never closed", t->line);
        if (at(t, '"')) {
            t->left.p++;
            if (!at(t, '"'))
                return true;
        }
        if (!add_byte(t, err))
            return false;
    }
}

static bool read_field(pf_table *t, pf_err *err)
{
    if (t->n_fields == PF_TABLE_MAX_COLUMNS)
        return pf_fail(err, PF_ERR_LIMIT, "line %zu has more than %d columns", t->line,
                       PF_TABLE_MAX_COLUMNS);
    t->start[t->n_fields++] = t->text.size;
    if (at(t, '"')) {
        t->left.p++;
        if (!read_quoted(t, err))
            return false;
    }
    while (pf_span_left(&t->left) > 0 && !at(t, t->separator) && !at_line_end(t)) {
        if (!add_byte(t, err))
            return false;
    }
    return pf_buf_add(&t->text, "", 1, err);
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
