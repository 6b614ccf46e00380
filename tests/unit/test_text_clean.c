/* test_text_clean.c - cleaning of text as the reference does it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tokenizer/html_unescape.h"
#include "core/tokenizer/text_clean.h"
#include "tests/unit/test_support.h"

typedef struct {
    const char *in, *out;
} pair;

/* The codes as UTF-8, to be freed. */
static char *to_utf8(const pf_codes *c)
{
    char *s = pf_alloc_array(c->n + 1, 4, NULL), *at = s;
    assert_non_null(s);
    for (size_t i = 0; i < c->n; i++)
        at += pf_utf8_encode(c->at[i], at);
    return s;
}

static void assert_cleaned(const char *in, size_t n, const char *expected)
{
    pf_err err = PF_ERR_INIT;
    pf_codes out = {0};
    assert_ok(pf_text_clean(in, n, &out, &err), &err);
    char *text = to_utf8(&out);
    if (strcmp(text, expected) != 0)
        fail_msg("'%s' was cleaned to '%s', expected '%s'", in, text, expected);
    pf_free(text);
    pf_codes_free(&out);
}

static void check(const pair *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_cleaned(rows[i].in, strlen(rows[i].in), rows[i].out);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(rows)[0])

static void white_space_becomes_single_spaces(void **state)
{
    (void)state;
    static const pair rows[] = {
        {"", ""},
        {" \t\n ", ""},
        {"  two   words \r\n", "two words"},
        {"a\u00a0b\u3000c\u2003d\u2028e\u1680f", "a b c d e f"},
        {"zero\u200bwidth", "zero\u200bwidth"}, /* U+200B is no white space */
        {"form\ffeed", "form feed"},
        {"vertical\vtab", "verticaltab"}, /* a control character, removed before */
    };
    CHECK(rows);
}

static void single_characters_are_fixed(void **state)
{
    (void)state;
    static const pair rows[] = {
        {"it\u2019s \u201cquoted\u201d \u02bcn", "it's \"quoted\" 'n"},
        {"\u02bbokina", "\u02bbokina"}, /* not a quote */
        {"\ufb01brosis e\ufb03cient \u0149 \u0133", "fibrosis efficient 'n ij"},
        {"\u01c4 \u01c5 \u01c6", "d\u017e d\u017e d\u017e"},
        {"\uff23\uff34 \uff76\uff9e\uff85", "ct \u30ac\u30ca"},
        {"\xc2\x93quotes\xc2\x94 \xc2\x85", "\"quotes\" \u2026"}, /* Windows-1252 */
        {"\xc2\x81", "\xc2\x81"},                                 /* a hole in it */
        {"bell\x07 \x7f", "bell"},
        {"\ufeffBOM", "bom"},
        {"a\u206ab\ufffbc", "abc"},
        {"\u202eoverride", "\u202eoverride"},
    };
    CHECK(rows);
}

static void terminal_escapes_go(void **state)
{
    (void)state;
    static const pair rows[] = {
        {"esc\x1b[31mred\x1b[0m", "escred"},
        {"\x1b[1;2;3Kx", "x"},
        {"\x1b[", "["},
        {"\x1b[12", "[12"},
        {"\x1b[1?h", "[1?h"},
        {"\x1b\x1b[0m[0mx", "[0mx"}, /* what a removal makes is looked at again, but
                                        the escape character is gone by then */
    };
    CHECK(rows);
}

static void text_is_composed(void **state)
{
    (void)state;
    static const pair rows[] = {
        {"e\u0301", "\u00e9"},
        {"A\u030angstro\u0308m", "\u00e5ngstr\u00f6m"},
        {"a\u0301\u0323", "\u1ea1\u0301"},
        {"\u1100\u1161\u11a8", "\uac01"},
        {"\u212b \u2126", "\u00e5 \u03c9"},
        {"\ufb1d", "\u05d9\u05b4"}, /* excluded from composition */
        {"x\u0316\u0301\u0316\u0301\u0316\u0301\u0316\u0301\u0316\u0301\u0316\u0301"
         "\u0316"
         "\u0301\u0316\u0301\u0316\u0301", /* a run that is sorted by counting */
         "x\u0316\u0316\u0316\u0316\u0316\u0316\u0316\u0316\u0316\u0301\u0301\u0301"
         "\u0301"
         "\u0301\u0301\u0301\u0301\u0301"},
    };
    CHECK(rows);
}

static void letters_become_small_as_python_does_it(void **state)
{
    (void)state;
    static const pair rows[] = {
        {"CT Scan", "ct scan"},
        {"\u0130", "i\u0307"},
        {"\u1e9e \u00df", "\u00df \u00df"},
        {"\u0391\u03a3", "\u03b1\u03c2"},               /* final sigma */
        {"\u0391\u03a3\u0391", "\u03b1\u03c3\u03b1"},   /* inside a word */
        {"\u03a3", "\u03c3"},                           /* no letter before */
        {"\u0391\u03a3'\u0391", "\u03b1\u03c3'\u03b1"}, /* passed over */
        {"\u0391'\u03a3.", "\u03b1'\u03c2."},
        {"\u2160\u03a3 \u24b6\u03a3",
         "\u2170\u03c2 \u24d0\u03c2"}, /* cased, no letter */
        {"1\u03a3", "1\u03c3"},
    };
    CHECK(rows);
}

static void references_are_resolved(void **state)
{
    (void)state;
    static const pair rows[] = {
        {"&amp;amp; x", "& x"},
        {"&amp;amp;amp;amp;amp;eacute;", "\u00e9"},
        {"&eacute;tude", "\u00e9tude"},
        {"&notanentity; &amp", "\u00acanentity; &"},
        {"&NTILDE; &SZLIG; &nTILDE;", "\u00f1 ss &ntilde;"},
        {"&LTIMES;", "<imes;"}, /* begins with LT, so not a name in capitals */
        {"a < b &EACUTE;", "a < b &eacute;"}, /* a '<' switches the careful way off */
        {"a < b\n&EACUTE;", "a < b &eacute;"},
        {"&EACUTE;\na < b", "\u00e9 a < b"},
        {"&#233; &#xE9; &#XE9 &#233x", "\u00e9 \u00e9 \u00e9 \u00e9x"},
        {"&#150; &#x81;|", "\u2013 \xc2\x81|"},
        {"[&#0;] [&#xD800;] [&#x110000;] [&#99999999999999999999;]",
         "[\ufffd] [\ufffd] [\ufffd] [\ufffd]"},
        {"[&#1;] [&#xFFFE;] [&#xFDD0;] [&#11;]", "[] [] [] []"},
        {"&#59; &#x; &# &; &", "; &#x; &# &; &"},
        {"&NotEqualTilde; &fjlig;", "\u2242\u0338 fj"},
        {"&CounterClockwiseContourIntegral;", "\u2233"},
        {"\uff06\uff41\uff4d\uff50\uff1b", "&"}, /* full-width "&amp;" */
        {"&lt;|endoftext|&gt;", "<|endoftext|>"},
    };
    CHECK(rows);
}

static void the_two_ways_of_unescaping_differ(void **state)
{
    (void)state;
    static const struct {
        const char *in, *browser, *careful;
    } rows[] = {
        {"&eacute &eacute;", "\u00e9 \u00e9", "&eacute \u00e9"},
        {"&#59;", ";", "&#59;"},
        {"&#20x6;", "x6;", "&#20x6;"},
        {"&AGRAVE;", "&AGRAVE;", "\u00c0"},
        {"&amp;amp;", "&amp;", "&amp;"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pf_err err = PF_ERR_INIT;
        pf_codes in = {0}, a = {0}, b = {0};
        assert_ok(pf_codes_append_utf8(&in, rows[i].in, strlen(rows[i].in), &err),
                  &err);
        assert_ok(pf_html_unescape(&in, &a, &err), &err);
        assert_ok(pf_html_unescape_careful(&in, &b, &err), &err);
        char *browser = to_utf8(&a), *careful = to_utf8(&b);
        assert_string_equal(browser, rows[i].browser);
        assert_string_equal(careful, rows[i].careful);
        pf_free(browser);
        pf_free(careful);
        pf_codes_free(&in);
        pf_codes_free(&a);
        pf_codes_free(&b);
    }
}

static void bad_bytes_count_as_replacement_characters(void **state)
{
    (void)state;
    assert_cleaned("a\xff\xe2\x82z", 5, "a\ufffd\ufffd\ufffdz");
    assert_cleaned("\xed\xa0\x80", 3, "\ufffd\ufffd\ufffd"); /* a surrogate */
    assert_cleaned("a\0b", 3, "ab");
}

static void code_points_have_classes(void **state)
{
    (void)state;
    assert_int_equal(pf_code_classify(' '), PF_CLASS_SPACE);
    assert_int_equal(pf_code_classify(0xA0), PF_CLASS_SPACE);
    assert_int_equal(pf_code_classify(0x1C), PF_CLASS_OTHER);
    assert_int_equal(pf_code_classify('x'), PF_CLASS_LETTER);
    assert_int_equal(pf_code_classify(0x80F8), PF_CLASS_LETTER);
    assert_int_equal(pf_code_classify(0xBD), PF_CLASS_NUMBER);
    assert_int_equal(pf_code_classify(0x0301), PF_CLASS_OTHER);
    assert_int_equal(pf_code_classify(0x0345), PF_CLASS_SPACE);
    assert_int_equal(pf_code_classify('_'), PF_CLASS_OTHER);
    assert_int_equal(pf_code_classify(0x10FFFF), PF_CLASS_OTHER);
}

/* A megabyte of one thing must take about as long as a megabyte of anything. */
static void repetition_costs_no_more_than_length(void **state)
{
    (void)state;
    static const char *const units[] = {"a",        "amp;",         "&",   "\x1b[;",
                                        "\u03a3'",  "\u0301\u0316", "&#x", "\r",
                                        "&aaaaaaa", "\u0391\u03a3"};
    enum { SIZE = 1 << 20 };
    char *text = pf_zalloc(SIZE + 16, NULL);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t n = 0, length = strlen(units[i]);
        text[n++] = '&';
        for (; n + length <= SIZE; n += length)
            memcpy(text + n, units[i], length);
        pf_err err = PF_ERR_INIT;
        pf_codes out = {0};
        clock_t start = clock();
        assert_ok(pf_text_clean(text, n, &out, &err), &err);
        double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (s > 20)
            fail_msg("a megabyte of '%s' took %.1f s", units[i], s);
        pf_codes_free(&out);
    }
    pf_free(text);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const char *text = "&amp;amp; E\u0301 \u0301\u0301\u0301\u0301\u0301\u0301\u0301"
                       "\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"
                       " and more text than fits the first piece of memory\nline";
    for (long n = 1;; n++) {
        pf_err err = PF_ERR_INIT;
        pf_codes out = {0};
        pf_mem_fail_at(n);
        bool ok = pf_text_clean(text, strlen(text), &out, &err);
        pf_mem_fail_at(0);
        pf_codes_free(&out);
        if (ok) {
            assert_true(n > 5);
            break;
        }
        assert_int_equal(err.code, PF_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_becomes_single_spaces),
        cmocka_unit_test(single_characters_are_fixed),
        cmocka_unit_test(terminal_escapes_go),
        cmocka_unit_test(text_is_composed),
        cmocka_unit_test(letters_become_small_as_python_does_it),
        cmocka_unit_test(references_are_resolved),
        cmocka_unit_test(the_two_ways_of_unescaping_differ),
        cmocka_unit_test(bad_bytes_count_as_replacement_characters),
        cmocka_unit_test(code_points_have_classes),
        cmocka_unit_test(repetition_costs_no_more_than_length),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
