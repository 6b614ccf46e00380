/* utf8.c - see utf8.h. */
#include "core/base/utf8.h"

#include <string.h>

#include "core/base/mem.h"

bool pf_utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) ||
           (c >= 0x202A && c <= 0x202E) || /* embedding and override of direction */
           (c >= 0x2066 && c <= 0x2069) || /* isolates */
           c == 0x200E || c == 0x200F || c == 0x061C;
}

size_t pf_utf8_decode(const char *s, size_t n, uint32_t *code)
{
    const unsigned char *u = (const unsigned char *)s;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (n == 0)
        return 0;
    size_t len = u[0] < 0x80   ? 1
                 : u[0] < 0xC2 ? 0
                 : u[0] < 0xE0 ? 2
                 : u[0] < 0xF0 ? 3
                               : 4;
    if (len == 0 || len > n || u[0] > 0xF4)
        return 0;
    uint32_t c = len == 1 ? u[0] : u[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3F);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    if (code)
        *code = c;
    return len;
}

size_t pf_utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00 >> len & 0xFF) | code);
    return len;
}

bool pf_utf8_is_valid(const char *s, size_t n)
{
    while (n > 0) {
        size_t len = pf_utf8_decode(s, n, NULL);
        if (len == 0)
            return false;
        s += len;
        n -= len;
    }
    return true;
}

char *pf_utf8_repair(const char *s, pf_err *err)
{
    size_t n = strlen(s);
    char *out = pf_alloc_array(n + 1, 3, err); /* U+FFFD takes three bytes */
    if (!out)
        return NULL;
    char *o = out;
    while (n > 0) {
        size_t len = pf_utf8_decode(s, n, NULL);
        if (len > 0) {
            memcpy(o, s, len);
            o += len;
        } else {
            len = 1;
            memcpy(o, "\xEF\xBF\xBD", 3);
            o += 3;
        }
        s += len;
        n -= len;
    }
    return out;
}

const char *pf_utf8_clean(const char *s, char **owned, pf_err *err)
{
    *owned = NULL;
    if (pf_utf8_is_valid(s, strlen(s)))
        return s;
    return *owned = pf_utf8_repair(s, err);
}

size_t pf_utf8_cut(const char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80)
        n--;
    return n;
}

static const struct {
    const char *bytes;
    size_t n;
} unseen[] = {{" ", 1},
              {"\t", 1},
              {"\n", 1},
              {"\r", 1},
              {"\xC2\xA0", 2},      /* U+00A0 no-break space */
              {"\xE2\x80\x8B", 3},  /* U+200B zero width space */
              {"\xE2\x80\x8E", 3},  /* U+200E left-to-right mark */
              {"\xE2\x80\x8F", 3},  /* U+200F right-to-left mark */
              {"\xEF\xBB\xBF", 3}}; /* U+FEFF byte order mark */

/* How many bytes of it stand at the end of `s`, or at its beginning; 0: none. */
static size_t unseen_at(const char *s, size_t n, bool at_end)
{
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
        const size_t length = unseen[i].n;
        if (length <= n &&
            memcmp(at_end ? s + n - length : s, unseen[i].bytes, length) == 0)
            return length;
    }
    return 0;
}

void pf_utf8_trim(const char **s, size_t *n)
{
    size_t more;
    while ((more = unseen_at(*s, *n, true)) > 0)
        *n -= more;
    while ((more = unseen_at(*s, *n, false)) > 0) {
        *s += more;
        *n -= more;
    }
}

int pf_utf8_shown(const char *s, size_t n)
{
    const size_t most = 100;
    return (int)(n <= most ? n : pf_utf8_cut(s, most));
}
