/*
 * records.h - a table as rows of cells, be it CSV, TSV or JSON Lines.
 *
 * Of a delimited table the first row names the columns; in JSON Lines each line is an
 * object, and the columns are the keys of all of them. A row gives its cells that are
 * not blank: of a JSON array each element is a cell of its own, what lies deeper is
 * passed over. Rows without a cell are none.
 */
#ifndef PF_INDEXER_RECORDS_H
#define PF_INDEXER_RECORDS_H

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/table.h"

enum { PF_RECORDS_JSON = 0 }; /* in the place of a separator */

typedef struct {
    size_t column;     /* < n_columns */
    const char *value; /* trimmed, not empty; until the next row */
} pf_cell;

typedef struct {
    const char *columns[PF_TABLE_MAX_COLUMNS]; /* names, trimmed; "" where none is */
    size_t n_columns;
    size_t line; /* of the row that was read last, from 1 */
    pf_cell *cells;
    size_t n_cells, cells_room;

    /* Its own: */
    char separator;
    pf_span bytes, left;
    size_t at_line, next_column;
    pf_table table;
    pf_buf values;
    pf_arena names;
} pf_records;

/* The separator that a first line "sep=;" names, as Excel has it; 0 when there is none.
 * Such a line is passed over. */
char pf_records_declared_separator(pf_span bytes);

/* Understand the beginning: the first row, or all keys. `bytes`, UTF-8 without a byte
 * order mark, are borrowed until the reset, which has to come in any case. A separator
 * of PF_RECORDS_JSON stands for JSON Lines. */
PF_MUST_CHECK bool pf_records_open(pf_records *r, pf_span bytes, char separator,
                                   pf_err *err);
/* The next row; *has_row is false at the end. A row with more cells than columns, or
 * without one that has a name, is refused with its line. */
PF_MUST_CHECK bool pf_records_next(pf_records *r, bool *has_row, pf_err *err);
/* Back to the first row. */
PF_MUST_CHECK bool pf_records_rewind(pf_records *r, pf_err *err);
void pf_records_reset(pf_records *r); /* all zero is fine */

/* The first cell of the row in this column; NULL when there is none. */
const char *pf_records_cell(const pf_records *r, size_t column);

#endif
