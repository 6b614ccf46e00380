/*
 * fuzz_table.c - any bytes as a CSV and as a TSV file, brought to UTF-8 as captions
 * files are: read to the end or refused, each field a trimmed string inside its row,
 * line numbers that never fall. Parted by tabs, no quote takes in a row.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/encoding.h"
#include "core/base/table.h"
#include "core/base/utf8.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const pf_table *t, size_t last_line)
{
    size_t bytes = 0;
    require(t->n_fields >= 1 && t->n_fields <= PF_TABLE_MAX_COLUMNS, "columns");
    require(t->line > last_line && t->line <= t->at_line, "lines go up");
    for (size_t i = 0; i < t->n_fields; i++) {
        const char *field = pf_table_field(t, i);
        const size_t n = strlen(field);
        require(n == 0 ||
                    (!strchr(" \t\r\n", field[0]) && !strchr(" \t\r\n", field[n - 1])),
                "fields are trimmed");
        require(t->separator != '\t' || !strpbrk(field, "\r\n\t"), "a field is no row");
        bytes += n + 1;
    }
    require(bytes == t->text.size, "fields fill the row");
}

static void read_all(const pf_buf *text, char separator)
{
    pf_table t;
    pf_err err = PF_ERR_INIT;
    bool has_row = false;
    size_t line = 0;
    pf_table_init(&t, pf_span_of(text->data, text->size), separator);
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
    pf_buf text;
    pf_encoding was;
    pf_err err = PF_ERR_INIT;
    pf_buf_init(&text, size);
    require(pf_buf_add(&text, data, size, &err), err.msg);
    if (pf_encoding_to_utf8(&text, &was, &err)) {
        require(pf_utf8_is_valid(text.data, text.size), "it is UTF-8 now");
        read_all(&text, ',');
        read_all(&text, ';');
        read_all(&text, '\t');
    } else {
        require(err.code == PF_ERR_FORMAT && err.msg[0], "a reason");
    }
    pf_buf_free(&text);
    return 0;
}
