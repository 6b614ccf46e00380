/*
 * table.h - rows of a table in a text file, one at a time.
 *
 * Commas, semicolons or another character part the fields, as RFC 4180 has it: a field
 * may stand in quotes and then hold separators, line ends and, doubled, quotes. A quote
 * anywhere else is refused with its line, for what it was meant to enclose cannot be
 * known. Parted by tabs, a quote is a character like any other, and only a field that
 * begins and ends with one loses both: a quote can never take in the next field or row.
 *
 * Blanks around fields are left out (pf_utf8_trim()). CR, LF and CRLF end a row, empty
 * lines are no rows. A quote that is never closed, a NUL, too long a row or too many
 * columns are refused with the line they are in.
 */
#ifndef PF_CORE_BASE_TABLE_H
#define PF_CORE_BASE_TABLE_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/span.h"

enum { PF_TABLE_MAX_COLUMNS = 256, PF_TABLE_MAX_ROW_BYTES = 1 << 20 };

typedef struct {
    pf_span left;
    char separator;
    size_t line;    /* of the row that was read last, from 1 */
    size_t at_line; /* where the cursor is */
    pf_buf text;    /* the row's fields, each ended by a NUL */
    size_t start[PF_TABLE_MAX_COLUMNS];
    size_t n_fields;
} pf_table;

/* `bytes`, UTF-8 without a byte order mark, are borrowed until the reset. */
void pf_table_init(pf_table *t, pf_span bytes, char separator);
void pf_table_reset(pf_table *t);

/* Pass over a line without looking at it. */
void pf_table_skip_line(pf_table *t);
/* Read the next row; *has_row is false at the end. */
PF_MUST_CHECK bool pf_table_next(pf_table *t, bool *has_row, pf_err *err);
/* Field i of the row, i < n_fields; borrowed until the next row. */
const char *pf_table_field(const pf_table *t, size_t i);

#endif
