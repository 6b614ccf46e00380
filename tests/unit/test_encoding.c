/* test_encoding.c - texts of other programs as UTF-8, and texts that look the same. */
#include <string.h>

#include "core/base/encoding.h"
#include "core/base/mem.h"
#include "core/base/unicode.h"
#include "tests/unit/test_support.h"

static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static void expect(const char *bytes, size_t n, pf_encoding encoding, const char *utf8)
{
    pf_buf text;
    pf_encoding was;
    pf_buf_init(&text, n);
    assert_ok(pf_buf_add(&text, bytes, n, &err), &err);
    assert_ok(pf_encoding_to_utf8(&text, &was, &err), &err);
    assert_int_equal(was, encoding);
    assert_int_equal(text.size, strlen(utf8));
    assert_string_equal(text.data ? text.data : "", utf8);
    pf_buf_free(&text);
}
#define EXPECT(bytes, encoding, utf8) expect(bytes, sizeof(bytes) - 1, encoding, utf8)

static void utf8(void **state)
{
    (void)state;
    EXPECT("", PF_ENCODING_UTF8, "");
    EXPECT("a", PF_ENCODING_UTF8, "a");
    EXPECT("caf\xC3\xA9", PF_ENCODING_UTF8, "caf\xC3\xA9");
    EXPECT("\xEF\xBB\xBF"
           "file",
           PF_ENCODING_UTF8, "file");
    EXPECT("\xEF\xBB\xBF", PF_ENCODING_UTF8, "");
    /* the mark promises UTF-8: what is none is replaced */
    EXPECT("\xEF\xBB\xBF"
           "a\xE9z\xC3",
           PF_ENCODING_UTF8, "a\xEF\xBF\xBDz\xEF\xBF\xBD");
}

static void utf16(void **state)
{
    (void)state;
    EXPECT("\xFF\xFE"
           "a\0\xE9\0\x3D\xD8\x00\xDE",
           PF_ENCODING_UTF16, "a\xC3\xA9\xF0\x9F\x98\x80");
    EXPECT("\xFE\xFF"
           "\0a\0\xE9\xD8\x3D\xDE\x00",
           PF_ENCODING_UTF16, "a\xC3\xA9\xF0\x9F\x98\x80");
    EXPECT("f\0i\0l\0e\0", PF_ENCODING_UTF16, "file"); /* without a mark */
    EXPECT("\0f\0i\0l\0e", PF_ENCODING_UTF16, "file");
    EXPECT("\xFF\xFE", PF_ENCODING_UTF16, "");
    /* halves of a pair */
    EXPECT("\xFF\xFE\x00\xDE"
           "a\0",
           PF_ENCODING_UTF16,
           "\xEF\xBF\xBD"
           "a");
    EXPECT("\xFF\xFE\x3D\xD8"
           "a\0\x3D\xD8",
           PF_ENCODING_UTF16,
           "\xEF\xBF\xBD"
           "a\xEF\xBF\xBD");
    pf_buf text;
    pf_encoding was;
    pf_buf_init(&text, 10);
    assert_ok(pf_buf_add(&text,
                         "\xFF\xFE"
                         "a",
                         3, &err),
              &err);
    assert_refused(pf_encoding_to_utf8(&text, &was, &err), &err,
                   "ends in the middle of a character");
    pf_buf_free(&text);
}

static void windows_1252(void **state)
{
    (void)state;
    EXPECT("caf\xE9 \x80 \x93q\x94 \x81", PF_ENCODING_WINDOWS_1252,
           "caf\xC3\xA9 \xE2\x82\xAC \xE2\x80\x9Cq\xE2\x80\x9D \xC2\x81");
}

static void assert_nfc(const char *text, const char *wanted)
{
    char *owned;
    const char *nfc = pf_unicode_nfc(text, &owned, &err);
    assert_non_null(nfc);
    assert_string_equal(nfc, wanted);
    pf_free(owned);
}

static void assert_fold(const char *text, const char *wanted)
{
    char *folded = pf_unicode_fold(text, &err);
    assert_non_null(folded);
    assert_string_equal(folded, wanted);
    pf_free(folded);
}

static void what_looks_the_same_is_the_same(void **state)
{
    (void)state;
    assert_nfc("", "");
    assert_nfc("plain", "plain");
    assert_nfc("cafe\xCC\x81", "caf\xC3\xA9");
    assert_nfc("caf\xC3\xA9", "caf\xC3\xA9");
    assert_nfc("\xE1\x84\x80\xE1\x85\xA1", "\xEA\xB0\x80"); /* Hangul */
    assert_nfc("e\xCC\x81\xFF", "e\xCC\x81\xFF");           /* no UTF-8: as it is */
    assert_fold("Thorax AP.PNG", "thorax ap.png");
    assert_fold("CAFE\xCC\x81", "caf\xC3\xA9");
    assert_fold("\xC3\x84rzte", "\xC3\xA4rzte");
    assert_fold("A\xFF", "a\xFF");
}

/* Sorting a million marks behind one letter would take hours. */
static void marks_without_end_are_left_alone(void **state)
{
    (void)state;
    enum { MARKS = 1 << 20 };
    char *text = pf_alloc_array(2 * MARKS + 2, 1, &err);
    assert_non_null(text);
    text[0] = 'e';
    for (size_t i = 0; i < MARKS; i++)
        memcpy(text + 1 + 2 * i, i % 2 ? "\xCC\x81" : "\xCC\xA7", 2);
    assert_nfc(text, text);
    pf_free(text);
}

/* Every allocation may fail. */
static void without_memory(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        char *owned;
        pf_mem_fail_at(n);
        const char *nfc = pf_unicode_nfc("cafe\xCC\x81", &owned, &err);
        pf_mem_fail_at(0);
        pf_free(owned);
        if (nfc)
            break;
        assert_int_equal(err.code, PF_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(utf8, before),
        cmocka_unit_test_setup(utf16, before),
        cmocka_unit_test_setup(windows_1252, before),
        cmocka_unit_test_setup(what_looks_the_same_is_the_same, before),
        cmocka_unit_test_setup(marks_without_end_are_left_alone, before),
        cmocka_unit_test_setup(without_memory, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
