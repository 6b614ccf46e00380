/* encoding.c - see encoding.h. */
#include "core/base/encoding.h"

#include <string.h>

#include "core/base/utf8.h"

enum { LOOK_BYTES = 512, REPLACEMENT = 0xFFFD };

/* 0x80 to 0x9F of Windows-1252; the five it leaves open are U+0081 and so on, as web
 * browsers have them. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
    0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

static bool begins_with(const pf_buf *text, const char *mark, size_t n)
{
    return text->size >= n && memcmp(text->data, mark, n) == 0;
}

static bool add_code(pf_buf *out, uint32_t code, pf_err *err)
{
    char bytes[4];
    return pf_buf_add(out, bytes, pf_utf8_encode(code, bytes), err);
}

/* ---- UTF-16 ---- */

typedef enum { NOT_UTF16, LITTLE_ENDIAN_16, BIG_ENDIAN_16 } byte_order;

/* Latin letters in UTF-16 have a zero in each pair of bytes, always on the same side.
 */
static byte_order order_of(const pf_buf *text)
{
    if (begins_with(text, "\xFF\xFE", 2))
        return LITTLE_ENDIAN_16;
    if (begins_with(text, "\xFE\xFF", 2))
        return BIG_ENDIAN_16;
    size_t zeros[2] = {0, 0};
    const size_t n = text->size < LOOK_BYTES ? text->size & ~(size_t)1 : LOOK_BYTES;
    for (size_t i = 0; i < n; i++)
        zeros[i & 1] += text->data[i] == '\0';
    if (n < 4 || (zeros[0] > 0) == (zeros[1] > 0))
        return NOT_UTF16;
    if (4 * (zeros[0] + zeros[1]) < 3 * (n / 2))
        return NOT_UTF16;
    return zeros[1] > 0 ? LITTLE_ENDIAN_16 : BIG_ENDIAN_16;
}

static uint32_t unit_at(const pf_buf *text, size_t at, byte_order order)
{
    const uint32_t a = (uint8_t)text->data[at], b = (uint8_t)text->data[at + 1];
    return order == LITTLE_ENDIAN_16 ? a | b << 8 : a << 8 | b;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

/* The character at *at, which moves behind it. */
static uint32_t next_of_utf16(const pf_buf *text, size_t *at, byte_order order)
{
    const uint32_t unit = unit_at(text, *at, order);
    *at += 2;
    if (is_low(unit) || (is_high(unit) && *at == text->size))
        return REPLACEMENT;
    if (!is_high(unit))
        return unit;
    const uint32_t low = unit_at(text, *at, order);
    if (!is_low(low))
        return REPLACEMENT;
    *at += 2;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

static bool from_utf16(const pf_buf *text, byte_order order, pf_buf *out, pf_err *err)
{
    if (text->size % 2 != 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "it is UTF-16 and ends in the middle of a character");
    size_t at = unit_at(text, 0, order) == 0xFEFF ? 2 : 0;
    while (at < text->size) {
        if (!add_code(out, next_of_utf16(text, &at, order), err))
            return false;
    }
    return true;
}

/* ---- one byte after the other ---- */

static bool from_windows_1252(const pf_buf *text, pf_buf *out, pf_err *err)
{
    for (size_t i = 0; i < text->size; i++) {
        const uint8_t byte = (uint8_t)text->data[i];
        const bool is_special = byte >= 0x80 && byte < 0xA0;
        if (!add_code(out, is_special ? windows_1252[byte - 0x80] : byte, err))
            return false;
    }
    return true;
}

/* Behind the mark; what is not valid is replaced. */
static bool from_marked_utf8(const pf_buf *text, pf_buf *out, pf_err *err)
{
    for (size_t at = 3, n; at<text->size; at += n> 0 ? n : 1) {
        n = pf_utf8_decode(text->data + at, text->size - at, NULL);
        if (n > 0 ? !pf_buf_add(out, text->data + at, n, err)
                  : !add_code(out, REPLACEMENT, err))
            return false;
    }
    return true;
}

bool pf_encoding_to_utf8(pf_buf *text, pf_encoding *was, pf_err *err)
{
    const byte_order order = order_of(text);
    const bool is_marked = begins_with(text, "\xEF\xBB\xBF", 3);
    *was = PF_ENCODING_UTF8;
    if (order == NOT_UTF16 && !is_marked && pf_utf8_is_valid(text->data, text->size))
        return true;
    pf_buf out;
    pf_buf_init(&out, 3 * text->size + 4);
    if (order == NOT_UTF16 && !is_marked)
        *was = PF_ENCODING_WINDOWS_1252;
    else if (!is_marked)
        *was = PF_ENCODING_UTF16;
    const bool ok = is_marked                   ? from_marked_utf8(text, &out, err)
                    : *was == PF_ENCODING_UTF16 ? from_utf16(text, order, &out, err)
                                                : from_windows_1252(text, &out, err);
    if (!ok) {
        pf_buf_free(&out);
        return false;
    }
    pf_buf_free(text);
    *text = out;
    return true;
}
