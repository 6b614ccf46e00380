/* test_table.c - rows of CSV and TSV files: quotes, line ends, limits, each cut. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/table.h"
#include "tests/unit/test_support.h"

static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

/* All rows as one string: fields end in '|', rows in '/'. NULL on failure. */
static char *read_all(const char *bytes, size_t n, char separator)
{
    pf_table t;
    pf_buf out;
    bool has_row = false;
    pf_buf_init(&out, 1 << 22);
    pf_table_init(&t, pf_span_of(bytes, n), separator);
    bool ok;
    while ((ok = pf_table_next(&t, &has_row, &err)) && has_row) {
        for (size_t i = 0; ok && i < t.n_fields; i++)
            ok = pf_buf_addf(&out, &err, "%s|", pf_table_field(&t, i));
        ok = ok && pf_buf_add_str(&out, "/", &err);
    }
    pf_table_reset(&t);
    char *text = ok ? pf_buf_take(&out, &err) : NULL;
    pf_buf_free(&out);
    return text;
}

static void expect(const char *bytes, char separator, const char *rows)
{
    char *found = read_all(bytes, strlen(bytes), separator);
    if (!found)
        fail_msg("%s: %s", bytes, err.msg);
    assert_string_equal(found, rows);
    pf_free(found);
}

static void refuse(const char *bytes, size_t n, const char *words)
{
    err = (pf_err)PF_ERR_INIT;
    assert_refused(read_all(bytes, n, ','), &err, words);
}

static void rows_and_fields(void **state)
{
    (void)state;
    expect("", ',', "");
    expect("\n\r\n\n", ',', "");
    expect("a,b\nc,d\n", ',', "a|b|/c|d|/");
    expect("a,b\nc,d", ',', "a|b|/c|d|/");
    expect("a,b\r\nc,d\r\n", ',', "a|b|/c|d|/");
    expect("a,b\r", ',', "a|b|/");
    expect("a,b\rc,d\r\re\n", ',', "a|b|/c|d|/e|/");
    expect("a;b\nc;\"d;e\"", ';', "a|b|/c|d;e|/");
    expect("a,\n,b\n,\n", ',', "a||/|b|/||/");
    expect("a,b\n\n\nc,d\n", ',', "a|b|/c|d|/");
    expect("a,b\tc,d\n", '\t', "a,b|c,d|/");
}

static void blanks_around_fields(void **state)
{
    (void)state;
    expect(" a , b\t,  \n", ',', "a|b||/");
    expect("a, \"b, c\" ,d\n", ',', "a|b, c|d|/");
    expect("\" a \",\"\n b\n\"\n", ',', "a|b|/");
    expect(" a \t b c \t\td \n", '\t', "a|b c||d|/");
    expect("\xC2\xA0"
           "a\xC2\xA0 ,\xC2\xA0\n",
           ',', "a||/");
}

static void quotes(void **state)
{
    (void)state;
    expect("\"a\",\"b,c\"\n", ',', "a|b,c|/");
    expect("\"a \"\"quoted\"\" word\"\n", ',', "a \"quoted\" word|/");
    expect("\"two\nlines\",x\n", ',', "two\nlines|x|/");
    expect("\"two\r\nlines\"\r\nx\r\n", ',', "two\r\nlines|/x|/");
    expect("\"\",\"\"\n", ',', "||/");
    expect("\"a\"\t\"say \"\"b\"\"\"\n", '\t', "a|say \"b\"|/");
    /* parted by tabs, a quote encloses its own field or nothing */
    expect("\"a\tb\"\nc\t14\" d\n", '\t', "\"a|b\"|/c|14\" d|/");
    expect("\"a\" b\t\"\n\"\"\t\"a\"b\"\n", '\t', "\"a\" b|\"|/|\"a\"b\"|/");
}

static void lines_are_numbered(void **state)
{
    (void)state;
    static const char text[] = "h\n\n\"a\nb\"\nc\n";
    static const size_t line[] = {1, 3, 5};
    pf_table t;
    bool has_row;
    pf_table_init(&t, pf_span_of(text, sizeof text - 1), ',');
    for (int i = 0; i < 3; i++) {
        assert_ok(pf_table_next(&t, &has_row, &err), &err);
        assert_true(has_row);
        assert_int_equal(t.line, line[i]);
    }
    assert_ok(pf_table_next(&t, &has_row, &err), &err);
    assert_false(has_row);
    pf_table_reset(&t);
}

static void refusals(void **state)
{
    (void)state;
    refuse("a\n\"b\nc\n", 7, "a quote is opened in line 2 and never closed");
    refuse("a\nb \"c\" d\n", 10, "line 2: a quote stands in a field");
    refuse("a\n\"b\nc\"d\n", 9,
           "line 3: text follows a closing quote; the quote was "
           "opened in line 2");
    refuse("a\nb\0c\n", 6, "line 2 holds a NUL byte");
    refuse("\"\0\"", 3, "line 1 holds a NUL byte");
    char many[2 * PF_TABLE_MAX_COLUMNS + 2];
    memset(many, ',', sizeof many);
    refuse(many, PF_TABLE_MAX_COLUMNS, "more than 256 columns");
    char *text = read_all(many, PF_TABLE_MAX_COLUMNS - 1, ',');
    assert_non_null(text);
    pf_free(text);
    size_t n = PF_TABLE_MAX_ROW_BYTES + 1;
    char *big = pf_alloc_array(n, 1, NULL);
    assert_non_null(big);
    memset(big, 'x', n);
    refuse(big, n, "the row at line 1");
    pf_free(big);
}

/* Every beginning of a file is a file: it is read or refused, never read past. */
static void each_cut(void **state)
{
    (void)state;
    static const char text[] = " a,\"b \"\"c\"\"\r\nd\"\r\n\"\",e\r\xC2\xA0";
    for (size_t n = 0; n < sizeof text; n++) {
        char *exact = pf_alloc_array(n, 1, NULL); /* so that asan sees the end */
        assert_non_null(exact);
        memcpy(exact, text, n);
        char *rows = read_all(exact, n, ',');
        if (!rows)
            assert_true(err.code == PF_ERR_FORMAT);
        pf_free(rows);
        pf_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_and_fields, before),
        cmocka_unit_test_setup(blanks_around_fields, before),
        cmocka_unit_test_setup(quotes, before),
        cmocka_unit_test_setup(lines_are_numbered, before),
        cmocka_unit_test_setup(refusals, before),
        cmocka_unit_test_setup(each_cut, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
