/* codes.c - see codes.h. */
#include "core/tokenizer/codes.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

bool pf_codes_reserve(pf_codes *c, size_t more, pf_err *err)
{
    if (more <= c->room - c->n)
        return true;
    size_t room = c->room < 32 ? 32 : c->room * 2;
    if (room - c->n < more)
        room = c->n + more;
    void *p = c->at;
    if (!pf_resize_array(&p, room, sizeof *c->at, err))
        return false;
    c->at = p;
    c->room = room;
    return true;
}

bool pf_codes_add(pf_codes *c, uint32_t code, pf_err *err)
{
    if (!pf_codes_reserve(c, 1, err))
        return false;
    c->at[c->n++] = code;
    return true;
}

bool pf_codes_append(pf_codes *c, const uint32_t *codes, size_t n, pf_err *err)
{
    if (!pf_codes_reserve(c, n, err))
        return false;
    if (n)
        memcpy(c->at + c->n, codes, n * sizeof *codes);
    c->n += n;
    return true;
}

bool pf_codes_append_utf8(pf_codes *c, const char *text, size_t n, pf_err *err)
{
    if (!pf_codes_reserve(c, n, err)) /* a code point takes at least one byte */
        return false;
    while (n > 0) {
        uint32_t code = 0xFFFD;
        size_t len = pf_utf8_decode(text, n, &code);
        if (len == 0)
            len = 1;
        c->at[c->n++] = code;
        text += len;
        n -= len;
    }
    return true;
}

bool pf_codes_begin_with(const uint32_t *s, size_t n, const char *ascii)
{
    size_t i = 0;
    while (ascii[i] && i < n && s[i] == (unsigned char)ascii[i])
        i++;
    return ascii[i] == '\0';
}

void pf_codes_swap(pf_codes *a, pf_codes *b)
{
    pf_codes t = *a;
    *a = *b;
    *b = t;
}

void pf_codes_free(pf_codes *c)
{
    pf_free(c->at);
    *c = (pf_codes){0};
}

uint32_t pf_windows_1252(uint32_t code)
{
    /* Unicode's mapping file VENDORS/MICSFT/WINDOWS/CP1252.TXT, 0x80..0x9F. */
    static const uint16_t meaning[32] = {
        0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
        0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
        0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
        0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
    };
    return code >= 0x80 && code <= 0x9F ? meaning[code - 0x80] : code;
}
