/* base64.c - see base64.h. */
#include "core/base/base64.h"

#include <string.h>

#include "core/base/mem.h"

enum { NOT_A_DIGIT = 64 };

static unsigned digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : NOT_A_DIGIT;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Nothing but padding and blanks; of `digits` so far the last group lacks `lacks`. */
static bool is_end(const char *text, size_t n, size_t digits)
{
    size_t padding = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_blank(text[i]) && text[i] != '=')
            return false;
        padding += text[i] == '=';
    }
    return digits % 4 != 1 && (padding == 0 || padding == (4 - digits % 4) % 4);
}

bool pf_base64_decode(const char *text, size_t n, uint8_t **out, size_t *n_out,
                      pf_err *err)
{
    uint32_t bits = 0;
    size_t digits = 0, i = 0, k = 0;
    uint8_t *bytes = pf_alloc_array(n / 4 + 1, 3, err);
    *out = NULL;
    if (!bytes)
        return false;
    for (; i < n && (is_blank(text[i]) || digit_of(text[i]) != NOT_A_DIGIT); i++) {
        if (is_blank(text[i]))
            continue;
        bits = bits << 6 | digit_of(text[i]);
        if (++digits % 4 != 1)
            bytes[k++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    if (!is_end(text + i, n - i, digits)) {
        pf_free(bytes);
        return pf_fail(err, PF_ERR_FORMAT, "character %zu is not base64", i + 1);
    }
    *out = bytes;
    *n_out = k;
    return true;
}

void pf_base64_write(FILE *out, const uint8_t *bytes, size_t n)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t v = (uint32_t)bytes[i] << 16 |
                           (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0u) |
                           (left > 2 ? (uint32_t)bytes[i + 2] : 0u);
        fputc(digit[v >> 18], out);
        fputc(digit[v >> 12 & 63], out);
        fputc(left > 1 ? digit[v >> 6 & 63] : '=', out);
        fputc(left > 2 ? digit[v & 63] : '=', out);
    }
}
