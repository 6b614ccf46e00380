/*
 * fuzz_table.c - any bytes as a CSV and as a TSV file: read to the end or refused, each
 * field a string inside its row, line numbers that never fall.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/table.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const pf_table *t, size_t last_line)
{
    size_t bytes = 0;
    require(t->n_fields >= 1 && t->n_fields <= PF_TABLE_MAX_COLUMNS, "columns");
    require(t->line > last_line && t->line <= t->at_line, "lines go up");
    for (size_t i = 0; i < t->n_fields; i++)
        bytes += strlen(pf_table_field(t, i)) + 1;
    require(bytes == t->text.size, "fields fill the row");
}

static void read_all(const uint8_t *data, size_t size, char separator)
{
    pf_table t;
    pf_err err = PF_ERR_INIT;
    bool has_row = false;
    size_t line = 0;
    pf_table_init(&t, pf_span_of(data, size), separator);
    while (pf_table_next(&t, &has_row, &err) && has_row) {
        check_row(&t, line);
        line = t.line;
    }
    require(has_row == false || err.code != PF_OK, "an end or a reason");
    require(err.code == PF_OK || err.msg[0], "a failure has a reason");
    pf_table_reset(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(data, size, ',');
    read_all(data, size, '\t');
    return 0;
}
