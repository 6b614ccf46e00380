/*
 * decode_gif.c - the first frame of a GIF.
 *
 * A GIF is a canvas size, perhaps a palette, and blocks up to a trailer: extensions
 * (one of them names the transparent palette entry) and frames. The first frame is what
 * Pillow shows: transparent pixels keep the colour of their palette entry, canvas that
 * the frame leaves bare has the transparent entry's colour, else entry 0's. The blocks
 * behind it are only walked, to tell a whole file from a cut one.
 *
 * Pixels are LZW codes of growing width, in sub-blocks of up to 255 bytes. A code is a
 * palette index, "clear the table", "end", or a table entry: an earlier string and one
 * index more. Entries are written back to front, so nothing recurses.
 */
#include <string.h>

#include "core/base/mem.h"
#include "core/image/decode.h"

enum { MAX_CODES = 4096, NO_CODE = MAX_CODES };

typedef struct {
    const uint8_t *rgb; /* [entries, 3] in the file; NULL when there is none */
    unsigned entries;
} palette;

typedef struct {
    pf_span s;
    uint16_t width, height; /* of the canvas */
    palette global;
    int transparent; /* palette index for the coming frame, or -1 */
} gif;

typedef struct {
    uint16_t left, top, width, height;
    palette palette;
    bool is_interlaced;
} frame;

typedef struct {
    pf_span *s;
    uint8_t in_block; /* bytes left in the sub-block */
    uint32_t bits;
    unsigned held; /* how many bits */
    bool is_over;  /* the terminator, an empty sub-block, was read */
} code_reader;

typedef struct {
    uint16_t prefix[MAX_CODES], length[MAX_CODES]; /* a string has < 4096 indices */
    uint8_t first[MAX_CODES], last[MAX_CODES];
} lzw_table;

static bool cut(pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "the file ends early");
}

/* Are entries their own numbers, so that they are no table but grey values? */
static bool is_grey(const palette *p)
{
    for (unsigned i = 0; i < p->entries; i++) {
        const uint8_t *rgb = p->rgb + 3 * i;
        if (rgb[0] != i || rgb[1] != i || rgb[2] != i)
            return false;
    }
    return true;
}

static bool read_palette(pf_span *s, uint8_t flags, palette *p)
{
    memset(p, 0, sizeof *p);
    if (!(flags & 0x80))
        return true;
    p->entries = 2u << (flags & 7);
    return pf_span_take(s, p->entries * 3, &p->rgb);
}

static bool skip_sub_blocks(pf_span *s)
{
    uint8_t size;
    do {
        if (!pf_span_u8(s, &size) || !pf_span_skip(s, size))
            return false;
    } while (size > 0);
    return true;
}

static bool read_extension(gif *g)
{
    enum { GRAPHIC_CONTROL = 0xF9 };
    uint8_t label;
    if (!pf_span_u8(&g->s, &label))
        return false;
    const uint8_t *block = g->s.p;
    if (label == GRAPHIC_CONTROL && pf_span_left(&g->s) >= 5 && block[0] >= 4)
        g->transparent = block[1] & 1 ? block[4] : -1;
    return skip_sub_blocks(&g->s);
}

static bool read_frame_header(gif *g, frame *f)
{
    uint8_t flags;
    if (!pf_span_u16le(&g->s, &f->left) || !pf_span_u16le(&g->s, &f->top) ||
        !pf_span_u16le(&g->s, &f->width) || !pf_span_u16le(&g->s, &f->height) ||
        !pf_span_u8(&g->s, &flags) || !read_palette(&g->s, flags, &f->palette))
        return false;
    if (!f->palette.rgb)
        f->palette = g->global;
    f->is_interlaced = flags & 0x40;
    return true;
}

/* Goes on to the next frame (*found) or to the trailer. */
static bool find_frame(gif *g, bool *found, pf_err *err)
{
    uint8_t mark;
    *found = false;
    while (pf_span_u8(&g->s, &mark)) {
        switch (mark) {
        case 0: /* padding that some writers leave */
            break;
        case '!':
            if (!read_extension(g))
                return cut(err);
            break;
        case ',':
            *found = true;
            return true;
        case ';':
            return true;
        default:
            return pf_fail(err, PF_ERR_FORMAT, "a block begins with 0x%02x", mark);
        }
    }
    return cut(err);
}

/* False at the end of the data: the terminator, or the end of the file. */
static bool next_byte(code_reader *r, uint8_t *byte)
{
    if (r->is_over)
        return false;
    if (r->in_block == 0 && (!pf_span_u8(r->s, &r->in_block) || r->in_block == 0)) {
        r->is_over = true;
        return false;
    }
    r->in_block--;
    return pf_span_u8(r->s, byte);
}

static bool next_code(code_reader *r, unsigned width, unsigned *code)
{
    while (r->held < width) {
        uint8_t byte;
        if (!next_byte(r, &byte))
            return false;
        r->bits |= (uint32_t)byte << r->held;
        r->held += 8;
    }
    *code = r->bits & ((1u << width) - 1);
    r->bits >>= width;
    r->held -= width;
    return true;
}

/* The string of `code`, as far as it fits the `room` left at `to`; returns its length.
 */
static size_t write_string(const lzw_table *t, unsigned code, uint8_t *to, size_t room)
{
    size_t n = t->length[code], fits = n < room ? n : room;
    for (size_t i = n; i-- > 0;) {
        if (i < fits)
            to[i] = t->last[code];
        code = t->prefix[code];
    }
    return fits;
}

static void add_string(lzw_table *t, unsigned code, unsigned prefix, uint8_t last)
{
    t->prefix[code] = (uint16_t)prefix;
    t->length[code] = (uint16_t)(t->length[prefix] + 1);
    t->first[code] = t->first[prefix];
    t->last[code] = last;
}

/* Fill `to` with `n` palette indices. Codes past the last pixel are ignored. */
static bool unpack(code_reader *r, lzw_table *t, unsigned index_bits, uint8_t *to,
                   size_t n, pf_err *err)
{
    const unsigned clear = 1u << index_bits, end = clear + 1;
    for (unsigned i = 0; i < clear; i++) {
        t->length[i] = 1;
        t->first[i] = t->last[i] = (uint8_t)i;
    }
    unsigned next = end + 1, width = index_bits + 1, before = NO_CODE, code;
    for (size_t got = 0; got < n;) {
        if (!next_code(r, width, &code) || code == end)
            return pf_fail(err, PF_ERR_FORMAT, "%zu of %zu pixels are missing", n - got,
                           n);
        if (code == clear) {
            next = end + 1;
            width = index_bits + 1;
            before = NO_CODE;
            continue;
        }
        /* A code may be the very one that it completes, but none further on. */
        bool is_new = code == next && before != NO_CODE && next < MAX_CODES;
        if (code >= next && !is_new)
            return pf_fail(err, PF_ERR_FORMAT, "code %u, the table has %u", code, next);
        if (before != NO_CODE && next < MAX_CODES) {
            add_string(t, next, before, t->first[is_new ? before : code]);
            next++;
            if (next == 1u << width && width < 12)
                width++;
        }
        got += write_string(t, code, to + got, n - got);
        before = code;
    }
    return true;
}

/* The row of the frame that comes `i`-th in the file. */
static unsigned row_of(const frame *f, unsigned i)
{
    static const uint8_t start[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
    for (int pass = 0; f->is_interlaced && pass < 4; pass++) {
        unsigned rows = (f->height + step[pass] - 1u - start[pass]) / step[pass];
        if (i < rows)
            return start[pass] + i * step[pass];
        i -= rows;
    }
    return i;
}

static bool paint(pf_picture *out, const gif *g, const frame *f, const uint8_t *indices,
                  pf_err *err)
{
    const palette *p = &f->palette;
    unsigned bare = g->transparent >= 0 ? (unsigned)g->transparent : 0;
    size_t pixels = (size_t)g->width * g->height;
    for (size_t i = 0; bare < p->entries && i < pixels; i++)
        memcpy(out->rgb + 3 * i, p->rgb + 3 * bare, 3);
    for (unsigned i = 0; i < f->height; i++) {
        size_t y = f->top + row_of(f, i);
        uint8_t *rgb = out->rgb + (y * g->width + f->left) * 3;
        for (unsigned x = 0; x < f->width; x++, rgb += 3) {
            unsigned index = *indices++;
            if (index >= p->entries)
                return pf_fail(err, PF_ERR_FORMAT,
                               "a pixel uses palette entry %u, the palette has %u",
                               index, p->entries);
            memcpy(rgb, p->rgb + 3 * index, 3);
        }
    }
    return true;
}

static bool check_frame(const gif *g, const frame *f, uint8_t index_bits, pf_err *err)
{
    if (f->width == 0 || f->height == 0)
        return pf_fail(err, PF_ERR_FORMAT, "the frame has no pixels (%u x %u)",
                       f->width, f->height);
    if (f->left + f->width > g->width || f->top + f->height > g->height)
        return pf_fail(err, PF_ERR_FORMAT, "the frame leaves the canvas");
    if (!f->palette.rgb)
        return pf_fail(err, PF_ERR_FORMAT, "there is no palette");
    if (index_bits < 1 || index_bits > 8)
        return pf_fail(err, PF_ERR_FORMAT, "codes of %u bits, 1 to 8 are allowed",
                       index_bits);
    return true;
}

static bool read_frame(pf_picture *out, gif *g, const pf_picture_limits *limits,
                       pf_err *err)
{
    frame f;
    uint8_t index_bits;
    if (!read_frame_header(g, &f) || !pf_span_u8(&g->s, &index_bits))
        return cut(err);
    if (!check_frame(g, &f, index_bits, err) ||
        !pf_picture_make(out, g->width, g->height, limits, err))
        return false;
    out->has_table = !is_grey(&f.palette);
    size_t n = (size_t)f.width * f.height;
    code_reader r = {.s = &g->s};
    uint8_t *indices = pf_zalloc(n, err);
    lzw_table *t = indices ? pf_zalloc(sizeof *t, err) : NULL;
    bool ok = t && unpack(&r, t, index_bits, indices, n, err) &&
              paint(out, g, &f, indices, err);
    pf_free(t);
    pf_free(indices);
    if (!ok)
        return false;
    return r.is_over || (pf_span_skip(&g->s, r.in_block) && skip_sub_blocks(&g->s)) ||
           cut(err);
}

static bool walk_to_trailer(gif *g, pf_err *err)
{
    for (;;) {
        bool found;
        frame f;
        if (!find_frame(g, &found, err))
            return false;
        if (!found)
            return true;
        if (!read_frame_header(g, &f) || !pf_span_skip(&g->s, 1) ||
            !skip_sub_blocks(&g->s))
            return cut(err);
    }
}

bool pf_decode_gif(pf_picture *out, int *orientation, pf_span file, int which,
                   const pf_picture_limits *limits, pf_err *err)
{
    (void)which;
    (void)orientation;
    gif g = {.s = file, .transparent = -1};
    uint8_t flags;
    bool found;
    if (!pf_span_skip(&g.s, 6) || !pf_span_u16le(&g.s, &g.width) ||
        !pf_span_u16le(&g.s, &g.height) || !pf_span_u8(&g.s, &flags) ||
        !pf_span_skip(&g.s, 2) || !read_palette(&g.s, flags, &g.global))
        return cut(err);
    if (!pf_picture_reserve(g.width, g.height, 3 + 1, limits, err) ||
        !find_frame(&g, &found, err))
        return false;
    if (!found)
        return pf_fail(err, PF_ERR_FORMAT, "there is no frame");
    return read_frame(out, &g, limits, err) && walk_to_trailer(&g, err);
}
