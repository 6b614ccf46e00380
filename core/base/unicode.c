/* unicode.c - see unicode.h. */
#include "core/base/unicode.h"

#include <string.h>

#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

/* utf8proc sorts marks by swapping neighbours, and a million of them behind one letter
 * would take hours. No language has more than a handful; a text with more in a row is
 * left as it is. */
enum { MARKS_MAX = 64 };

static bool is_ascii(const char *s)
{
    while (*s != '\0' && (unsigned char)*s < 0x80)
        s++;
    return *s == '\0';
}

/* Below U+0300 there are no marks, and nothing to compose with. */
static bool is_surely_nfc(const char *s)
{
    while (*s != '\0' && (unsigned char)*s < 0xCC)
        s++;
    return *s == '\0';
}

static bool is_mark(uint32_t code)
{
    return utf8proc_get_property((utf8proc_int32_t)code)->combining_class != 0;
}

/* Valid UTF-8, and not made to keep us busy. */
static bool is_fit(const char *s)
{
    size_t n = strlen(s), marks = 0, length;
    for (uint32_t code; n > 0; s += length, n -= length) {
        if ((length = pf_utf8_decode(s, n, &code)) == 0)
            return false;
        marks = is_mark(code) ? marks + 1 : 0;
        if (marks > MARKS_MAX)
            return false;
    }
    return true;
}

/* The characters of `s`, decomposed by `options`, then composed and as UTF-8 again: in
 * place, for UTF-8 takes no more bytes than UTF-32. NULL when memory ran out. */
static char *map(const char *s, utf8proc_option_t options, pf_err *err)
{
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)s;
    options |= UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    const utf8proc_ssize_t most = utf8proc_decompose(in, 0, NULL, 0, options);
    if (most < 0) {
        pf_fail(err, PF_ERR_FORMAT, "cannot normalise a text: %s",
                utf8proc_errmsg(most));
        return NULL;
    }
    utf8proc_int32_t *codes = pf_alloc_array((size_t)most + 1, sizeof *codes, err);
    if (!codes)
        return NULL;
    const utf8proc_ssize_t n = utf8proc_decompose(in, 0, codes, most, options);
    const utf8proc_ssize_t bytes = utf8proc_reencode(codes, n, options);
    char *text = bytes < 0 ? NULL : pf_strndup((const char *)codes, (size_t)bytes, err);
    if (bytes < 0)
        pf_fail(err, PF_ERR_FORMAT, "cannot normalise a text: %s",
                utf8proc_errmsg(bytes));
    pf_free(codes);
    return text;
}

const char *pf_unicode_nfc(const char *s, char **owned, pf_err *err)
{
    *owned = NULL;
    if (is_surely_nfc(s) || !is_fit(s))
        return s;
    return *owned = map(s, 0, err);
}

static char *lower_ascii(const char *s, pf_err *err)
{
    char *copy = pf_strdup(s, err);
    for (char *at = copy; at && *at != '\0'; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    return copy;
}

char *pf_unicode_fold(const char *s, pf_err *err)
{
    if (is_ascii(s) || !is_fit(s))
        return lower_ascii(s, err);
    return map(s, UTF8PROC_CASEFOLD, err);
}

size_t pf_unicode_columns(uint32_t code)
{
    const int width = utf8proc_charwidth((utf8proc_int32_t)code);
    return width > 0 ? (size_t)width : 0;
}
