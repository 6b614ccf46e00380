/*
 * decode_pnm.c - the Netpbm family: P1..P3 in text, P4..P6 in bytes; bilevel, grey,
 * RGB.
 *
 * "P5", width, height and the largest value in decimal, whitespace and comments (# to
 * the end of the line) between them, one whitespace byte, samples. Bilevel has no
 * largest value and 1 is black. Values above 255 take two bytes, high byte first.
 */
#include <string.h>

#include "core/base/mem.h"
#include "core/image/decode.h"
#include "core/image/window.h"

typedef struct {
    pf_span s;
    char type; /* '1'..'6' */
    uint32_t width, height, max;
    bool is_text, is_bilevel;
    size_t channels;
    pf_float_window window; /* that was asked for */
} pnm;

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(pf_span *s)
{
    bool in_comment = false;
    while (s->p < s->end && (in_comment || is_space(*s->p) || *s->p == '#')) {
        in_comment = (in_comment || *s->p == '#') && *s->p != '\n' && *s->p != '\r';
        s->p++;
    }
}

static bool read_number(pf_span *s, uint32_t *value)
{
    skip_space(s);
    const uint8_t *start = s->p;
    uint32_t v = 0;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
        if (v > (UINT32_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint32_t)(*s->p++ - '0');
    }
    *value = v;
    return s->p > start;
}

static bool read_header(pnm *p, pf_span file, pf_err *err)
{
    memset(p, 0, sizeof *p);
    uint8_t after;
    p->s = file;
    p->type = (char)file.p[1];
    p->is_text = p->type <= '3';
    p->is_bilevel = p->type == '1' || p->type == '4';
    p->channels = p->type == '3' || p->type == '6' ? 3 : 1;
    p->max = 1;
    if (!pf_span_skip(&p->s, 2) || !read_number(&p->s, &p->width) ||
        !read_number(&p->s, &p->height) ||
        (!p->is_bilevel && !read_number(&p->s, &p->max)))
        return pf_fail(err, PF_ERR_FORMAT, "the header is not readable");
    if (p->max == 0 || p->max > 0xFFFF)
        return pf_fail(err, PF_ERR_FORMAT, "the largest value is %u, it may be 65535",
                       (unsigned)p->max);
    if (!pf_span_u8(&p->s, &after) || !is_space(after))
        return pf_fail(err, PF_ERR_FORMAT, "the file ends in its header");
    return true;
}

/* The next sample of a text file; digits of a bilevel one may touch. */
static bool read_text(pnm *p, uint32_t *v)
{
    if (!p->is_bilevel)
        return read_number(&p->s, v);
    uint8_t digit;
    skip_space(&p->s);
    if (!pf_span_u8(&p->s, &digit) || (digit != '0' && digit != '1'))
        return false;
    *v = digit == '0'; /* 1 is black */
    return true;
}

static bool read_sample(pnm *p, uint32_t *v)
{
    uint8_t low;
    uint16_t wide;
    if (p->is_text)
        return read_text(p, v);
    if (p->max > 255) {
        if (!pf_span_u16be(&p->s, &wide))
            return false;
        *v = wide;
    } else {
        if (!pf_span_u8(&p->s, &low))
            return false;
        *v = low;
    }
    return true;
}

static bool short_of_samples(pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "the file ends in its pixels");
}

/* P4: eight pixels a byte, rows padded to bytes. */
static bool read_bits(pnm *p, uint8_t *rgb, pf_err *err)
{
    for (uint32_t y = 0; y < p->height; y++) {
        const uint8_t *row;
        if (!pf_span_take(&p->s, ((size_t)p->width + 7) / 8, &row))
            return short_of_samples(err);
        for (uint32_t x = 0; x < p->width; x++, rgb += 3)
            memset(rgb, row[x / 8] & 0x80 >> x % 8 ? 0 : 255, 3);
    }
    return true;
}

static bool read_samples(pnm *p, size_t n, uint8_t *rgb, uint8_t *deep, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t v;
        if (!read_sample(p, &v))
            return short_of_samples(err);
        if (v > p->max)
            return pf_fail(err, PF_ERR_FORMAT, "a sample of %u, the largest is %u",
                           (unsigned)v, (unsigned)p->max);
        uint8_t small = (uint8_t)((v * 255 + p->max / 2) / p->max);
        if (deep) {
            deep[2 * i] = (uint8_t)(v >> 8);
            deep[2 * i + 1] = (uint8_t)v;
        } else if (p->channels == 3) {
            rgb[i] = small;
        } else {
            memset(rgb + 3 * i, small, 3);
        }
    }
    return true;
}

static bool read_deep(pnm *p, size_t pixels, uint8_t *rgb, pf_err *err)
{
    uint8_t *deep = pf_alloc_array(pixels, 2 * p->channels, err);
    const bool ok =
        deep && read_samples(p, pixels * p->channels, NULL, deep, err) &&
        (p->channels == 1
             ? pf_grey16_to_rgb_as(deep, pixels, p->max, p->window, rgb, err)
             : pf_rgb16_to_rgb(deep, pixels, p->max, rgb, err));
    pf_free(deep);
    return ok;
}

bool pf_decode_pnm(pf_picture *out, int *orientation, pf_span file, int frame,
                   const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    (void)orientation;
    pnm p;
    if (!read_header(&p, file, err) ||
        !pf_picture_check_size(p.width, p.height, limits, err))
        return false;
    const bool is_deep = p.type != '4' && p.max > 255;
    const unsigned deep = is_deep ? 2 * (unsigned)p.channels : 0;
    /* A text sample takes a byte, a bit an eighth: no memory for an empty promise. */
    const size_t pixels = (size_t)p.width * p.height;
    if (pf_span_left(&p.s) < pixels / 8)
        return short_of_samples(err);
    if (!pf_picture_reserve(p.width, p.height, 3 + deep, limits, err) ||
        !pf_picture_make(out, p.width, p.height, limits, err))
        return false;
    out->has_table = p.type == '1' || p.type == '4';
    if (p.type == '4')
        return read_bits(&p, out->rgb, err);
    if (!is_deep)
        return read_samples(&p, pixels * p.channels, out->rgb, NULL, err);
    out->is_deep = p.channels == 1;
    p.window = limits->window;
    return read_deep(&p, pixels, out->rgb, err);
}
