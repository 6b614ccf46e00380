/*
 * inspect.c - BMP, TGA and PSD: is the file whole, before stb_image looks at it?
 *
 * stb_image reads zeros past the end of a file and takes palette entries from memory it
 * never filled. So each function here walks the file as far as the pixels reach, checks
 * that every pixel is there and inside its palette, and refuses by name the legal
 * things that stb_image 2.27 misreads.
 */
#include <string.h>

#include "core/base/mem.h"
#include "core/image/decode.h"

/* While stb_image decodes, per pixel: four channels, and three behind them. */
enum { STB_BYTES = 4 + 3 };

static bool cut(pf_err *err, const char *what)
{
    return pf_fail(err, PF_ERR_FORMAT, "the file ends in its %s", what);
}

static bool beyond_palette(pf_err *err, unsigned index, unsigned entries)
{
    return pf_fail(err, PF_ERR_FORMAT,
                   "a pixel uses palette entry %u, the palette has %u", index, entries);
}

/* --- BMP: file header (14 bytes), bitmap header, masks or palette, rows --- */

typedef struct {
    uint32_t offset, header_size; /* of the pixels; of the bitmap header */
    uint64_t width, height;
    uint16_t planes, bits;
    uint32_t compression;
} bmp_header;

enum { BMP_RGB, BMP_RLE8, BMP_RLE4, BMP_BITFIELDS, BMP_JPEG, BMP_PNG, BMP_ALPHAFIELDS };

static bool bmp_read_size(pf_span *s, bmp_header *h)
{
    uint32_t width, height;
    uint16_t width16, height16;
    if (h->header_size == 12) {
        if (!pf_span_u16le(s, &width16) || !pf_span_u16le(s, &height16))
            return false;
        h->width = width16;
        h->height = height16;
    } else {
        if (!pf_span_u32le(s, &width) || !pf_span_u32le(s, &height))
            return false;
        h->width = width; /* negative ones come out huge, and are refused as such */
        h->height = height > INT32_MAX ? 0x100000000u - height : height; /* top down */
    }
    return true;
}

static bool bmp_read_header(pf_span s, bmp_header *h, pf_err *err)
{
    memset(h, 0, sizeof *h);
    if (!pf_span_skip(&s, 10) || !pf_span_u32le(&s, &h->offset) ||
        !pf_span_u32le(&s, &h->header_size))
        return cut(err, "header");
    switch (h->header_size) {
    case 12: /* OS/2 1 */
    case 40:
    case 56:
    case 108: /* Windows: version 3, its extension, 4 */
    case 124: /* 5 */
        break;
    default:
        return pf_fail(err, PF_ERR_UNSUPPORTED, "a bmp header of %u bytes is not read",
                       (unsigned)h->header_size);
    }
    if (!bmp_read_size(&s, h) || !pf_span_u16le(&s, &h->planes) ||
        !pf_span_u16le(&s, &h->bits) ||
        (h->header_size > 12 && !pf_span_u32le(&s, &h->compression)))
        return cut(err, "header");
    return true;
}

static bool bmp_check_kind(const bmp_header *h, pf_err *err)
{
    if (h->planes != 1)
        return pf_fail(err, PF_ERR_FORMAT, "%u planes instead of 1", h->planes);
    switch (h->compression) {
    case BMP_RGB:
        break;
    case BMP_BITFIELDS:
        if (h->bits == 16 || h->bits == 32)
            break;
        return pf_fail(err, PF_ERR_FORMAT, "colour masks for %u bits per pixel",
                       h->bits);
    case BMP_RLE8:
    case BMP_RLE4:
    case BMP_JPEG:
    case BMP_PNG:
    case BMP_ALPHAFIELDS:
        return pf_fail(err, PF_ERR_UNSUPPORTED, "bmp with compression %u is not read",
                       (unsigned)h->compression);
    default:
        return pf_fail(err, PF_ERR_FORMAT, "unknown compression %u",
                       (unsigned)h->compression);
    }
    switch (h->bits) {
    case 1:
    case 4:
    case 8:
        if (h->header_size == 12) /* stb_image loses four entries of the palette */
            return pf_fail(err, PF_ERR_UNSUPPORTED,
                           "bmp with an OS/2 palette is not read");
        break;
    case 16:
    case 24:
    case 32:
        break;
    case 2:
        return pf_fail(err, PF_ERR_UNSUPPORTED, "bmp of 2 bits per pixel is not read");
    default:
        return pf_fail(err, PF_ERR_FORMAT, "%u bits per pixel", h->bits);
    }
    return true;
}

/* `rows` holds `height` rows of `stride` bytes, the last one without its padding. */
static bool bmp_check_indices(const uint8_t *rows, uint64_t stride, const bmp_header *h,
                              unsigned entries, pf_err *err)
{
    for (uint64_t y = 0; y < h->height; y++) {
        for (uint64_t x = 0; x < h->width; x++) {
            uint64_t bit = x * h->bits;
            unsigned byte = rows[y * stride + bit / 8];
            unsigned index = byte >> (8 - h->bits - bit % 8) & ((1u << h->bits) - 1);
            if (index >= entries)
                return beyond_palette(err, index, entries);
        }
    }
    return true;
}

static bool bmp_check_pixels(pf_span file, const bmp_header *h, pf_err *err)
{
    uint64_t header_end = 14 + h->header_size;
    if (h->compression == BMP_BITFIELDS && h->header_size <= 56)
        header_end += 12; /* three masks */
    if (h->offset < header_end)
        return pf_fail(err, PF_ERR_FORMAT, "the pixels begin inside the header");

    const uint8_t *rows;
    uint64_t stride = (h->width * h->bits + 31) / 32 * 4;
    uint64_t size = stride * (h->height - 1) + (h->width * h->bits + 7) / 8;
    if (!pf_span_skip(&file, h->offset) || !pf_span_take(&file, size, &rows))
        return cut(err, "pixels");
    if (h->bits >= 16)
        return true;
    /* stb_image takes all that lies before the pixels for the palette */
    uint64_t entries = (h->offset - header_end) / 4;
    if (entries == 0)
        return pf_fail(err, PF_ERR_FORMAT, "the palette is missing");
    if (entries >= 1u << h->bits)
        return true;
    return bmp_check_indices(rows, stride, h, (unsigned)entries, err);
}

/* Are entries their own numbers, so that they are no table but grey values? Two of them
 * are black and white however they are numbered. */
static bool bmp_is_grey(pf_span file, const bmp_header *h)
{
    const uint8_t *entry;
    if (h->bits == 1 || !pf_span_skip(&file, 14 + h->header_size))
        return false;
    for (unsigned i = 0; i < 1u << h->bits; i++) {
        if (!pf_span_take(&file, 4, &entry) || entry[0] != i || entry[1] != i ||
            entry[2] != i)
            return false;
    }
    return true;
}

bool pf_decode_bmp(pf_picture *out, int *orientation, pf_span file, int frame,
                   const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    (void)orientation;
    bmp_header h;
    if (!bmp_read_header(file, &h, err) || !bmp_check_kind(&h, err) ||
        !pf_picture_reserve(h.width, h.height, STB_BYTES, limits, err) ||
        !bmp_check_pixels(file, &h, err) ||
        !pf_stb_decode(out, file, h.width, h.height, err))
        return false;
    out->has_table = h.bits <= 8 && !bmp_is_grey(file, &h);
    return true;
}

/* --- TGA: header (18 bytes), comment, palette, pixels raw or in runs --- */

typedef struct {
    uint8_t comment, has_palette, type;
    uint16_t first_entry, entries;
    uint8_t entry_bits;
    uint16_t width, height;
    uint8_t bits, flags;
} tga_header;

enum { TGA_PALETTE = 1, TGA_RGB = 2, TGA_GREY = 3, TGA_IN_RUNS = 8 };
enum { TGA_RIGHT_TO_LEFT = 0x10, TGA_INTERLEAVED = 0xC0 };

static bool tga_read_header(pf_span *s, tga_header *h)
{
    memset(h, 0, sizeof *h);
    return pf_span_u8(s, &h->comment) && pf_span_u8(s, &h->has_palette) &&
           pf_span_u8(s, &h->type) && pf_span_u16le(s, &h->first_entry) &&
           pf_span_u16le(s, &h->entries) && pf_span_u8(s, &h->entry_bits) &&
           pf_span_skip(s, 4) && pf_span_u16le(s, &h->width) &&
           pf_span_u16le(s, &h->height) && pf_span_u8(s, &h->bits) &&
           pf_span_u8(s, &h->flags);
}

static bool is_tga_colour(unsigned bits)
{
    return bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

static bool tga_check_kind(const tga_header *h, pf_err *err)
{
    bool fits = false;
    switch (h->type & ~TGA_IN_RUNS) {
    case TGA_PALETTE:
        fits = h->has_palette == 1 && (h->bits == 8 || h->bits == 16) &&
               is_tga_colour(h->entry_bits);
        break;
    case TGA_RGB:
        fits = h->has_palette == 0 && is_tga_colour(h->bits);
        break;
    case TGA_GREY:
        fits = h->has_palette == 0 && h->bits == 8;
        break;
    }
    if (!fits) /* other kinds exist; but the name alone speaks for a tga at all */
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "not a tga that is read: type %u, %u bits, palette %u", h->type,
                       h->bits, h->has_palette);
    if (h->first_entry != 0 || h->flags & TGA_INTERLEAVED)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "tga with interleaved rows or a partial palette is not read");
    return true;
}

static bool tga_check_indices(const tga_header *h, const uint8_t *pixels, uint64_t n,
                              pf_err *err)
{
    for (uint64_t i = 0; h->has_palette && i < n; i++) {
        unsigned index = h->bits == 8
                             ? pixels[i]
                             : (unsigned)(pixels[2 * i] | pixels[2 * i + 1] << 8);
        if (index >= h->entries)
            return beyond_palette(err, index, h->entries);
    }
    return true;
}

/* A run is a byte (bit 7: repeat the one pixel that follows; else so many follow). */
static bool tga_check_pixels(pf_span *s, const tga_header *h, pf_err *err)
{
    uint64_t left = (uint64_t)h->width * h->height;
    unsigned size = (h->bits + 7u) / 8;
    while (left > 0) {
        uint64_t covered = left, stored = left;
        uint8_t run;
        const uint8_t *pixels;
        if (h->type & TGA_IN_RUNS) {
            if (!pf_span_u8(s, &run))
                return cut(err, "pixels");
            covered = (run & 0x7Fu) + 1;
            stored = run & 0x80 ? 1 : covered;
        }
        if (covered > left)
            return pf_fail(err, PF_ERR_FORMAT, "a run passes the last pixel");
        if (!pf_span_take(s, stored * size, &pixels))
            return cut(err, "pixels");
        if (!tga_check_indices(h, pixels, stored, err))
            return false;
        left -= covered;
    }
    return true;
}

bool pf_decode_tga(pf_picture *out, int *orientation, pf_span file, int frame,
                   const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    tga_header h;
    pf_span s = file;
    if (!tga_read_header(&s, &h))
        return cut(err, "header");
    if (!tga_check_kind(&h, err) ||
        !pf_picture_reserve(h.width, h.height, STB_BYTES, limits, err))
        return false;
    size_t palette = h.has_palette ? h.entries * ((h.entry_bits + 7u) / 8) : 0;
    if (!pf_span_skip(&s, h.comment + palette))
        return cut(err, "palette");
    if (h.flags & TGA_RIGHT_TO_LEFT)
        *orientation = 2; /* stb_image minds top and bottom only */
    if (!tga_check_pixels(&s, &h, err) ||
        !pf_stb_decode(out, file, h.width, h.height, err))
        return false;
    out->has_table = (h.type & ~8) == 1; /* 1, and 9 in runs */
    return true;
}

/* --- PSD: header (26 bytes), three sections, the flattened picture by channel --- */

typedef struct {
    uint16_t version, channels, depth, mode, compression;
    uint32_t width, height;
} psd_header;

enum { PSD_RGB = 3, PSD_RAW = 0, PSD_PACKBITS = 1, PSD_MAX_CHANNELS = 16 };

static bool psd_read_header(pf_span *s, psd_header *h)
{
    memset(h, 0, sizeof *h);
    if (!pf_span_skip(s, 4) || !pf_span_u16be(s, &h->version) || !pf_span_skip(s, 6) ||
        !pf_span_u16be(s, &h->channels) || !pf_span_u32be(s, &h->height) ||
        !pf_span_u32be(s, &h->width) || !pf_span_u16be(s, &h->depth) ||
        !pf_span_u16be(s, &h->mode))
        return false;
    for (int i = 0; i < 3; i++) { /* colour mode data, resources, layers */
        uint32_t size;
        if (!pf_span_u32be(s, &size) || !pf_span_skip(s, size))
            return false;
    }
    return pf_span_u16be(s, &h->compression);
}

static bool psd_check_kind(const psd_header *h, pf_err *err)
{
    if (h->version != 1 || h->mode != PSD_RGB || (h->depth != 8 && h->depth != 16) ||
        h->channels > PSD_MAX_CHANNELS)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "psd of version %u, mode %u, %u channels of %u bits is not read",
                       h->version, h->mode, h->channels, h->depth);
    if (h->channels < 3)
        return pf_fail(err, PF_ERR_FORMAT, "an RGB picture of %u channels",
                       h->channels);
    if (h->compression != PSD_RAW && (h->compression != PSD_PACKBITS || h->depth != 8))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "psd with compression %u of %u bits is not read", h->compression,
                       h->depth);
    return true;
}

/* PackBits: n < 128: n + 1 bytes follow; n > 128: one byte, 257 - n times. */
static bool psd_check_row(pf_span row, uint32_t width)
{
    uint32_t got = 0;
    uint8_t n;
    while (got < width && pf_span_u8(&row, &n)) {
        if (n == 128)
            continue;
        uint32_t run = n < 128 ? n + 1u : 257u - n;
        if (run > width - got || !pf_span_skip(&row, n < 128 ? run : 1))
            return false;
        got += run;
    }
    return got == width;
}

/* All channels must be there; `table` and `rows` become what holds the first three. */
static bool psd_find_colours(pf_span *s, const psd_header *h, pf_span *table,
                             pf_span *rows, pf_err *err)
{
    const uint8_t *sizes, *raw, *packed;
    uint64_t plane = (uint64_t)h->width * h->height * (h->depth / 8);
    uint64_t count = (uint64_t)h->height * h->channels, colours = h->height * 3ull;
    if (h->compression == PSD_RAW) {
        if (!pf_span_take(s, plane * h->channels, &raw))
            return cut(err, "pixels");
        *table = pf_span_of(raw, 0);
        *rows = pf_span_of(raw, plane * 3);
        return true;
    }
    if (!pf_span_take(s, count * 2, &sizes))
        return cut(err, "table of rows");
    *table = pf_span_of(sizes, colours * 2);
    *rows = (pf_span){s->p, s->p};
    for (uint64_t y = 0; y < count; y++) {
        size_t size = (size_t)(sizes[2 * y] << 8 | sizes[2 * y + 1]);
        if (!pf_span_take(s, size, &packed))
            return cut(err, "pixels");
        if (!psd_check_row(pf_span_of(packed, size), h->width))
            return pf_fail(err, PF_ERR_FORMAT, "a row does not fill the width");
        if (y < colours)
            rows->end = s->p;
    }
    return true;
}

/* stb_image sees a PSD of three channels and no sections: with a fourth, it would
 * divide the colours by it, which is not what the reference does and, for colours that
 * do not fit their alpha, undefined in C. */
static bool psd_decode_colours(pf_picture *out, pf_span file, const psd_header *h,
                               pf_span table, pf_span rows, pf_err *err)
{
    enum { HEADER = 26, CHANNELS_LOW = 13, SECTIONS = 12 };
    size_t table_size = pf_span_left(&table), rows_size = pf_span_left(&rows);
    size_t start = HEADER + SECTIONS + 2, size = start + table_size + rows_size;
    uint8_t *copy = pf_zalloc(size, err);
    if (!copy)
        return false;
    memcpy(copy, file.p, HEADER);
    copy[CHANNELS_LOW] = 3;
    copy[start - 1] = (uint8_t)h->compression;
    if (table_size > 0)
        memcpy(copy + start, table.p, table_size);
    memcpy(copy + start + table_size, rows.p, rows_size);
    bool ok = pf_stb_decode(out, pf_span_of(copy, size), h->width, h->height, err);
    pf_free(copy);
    return ok;
}

bool pf_decode_psd(pf_picture *out, int *orientation, pf_span file, int frame,
                   const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    (void)orientation;
    psd_header h;
    pf_span s = file, table = {0}, rows = {0};
    if (!psd_read_header(&s, &h))
        return cut(err, "header");
    return psd_check_kind(&h, err) &&
           pf_picture_reserve(h.width, h.height, STB_BYTES, limits, err) &&
           psd_find_colours(&s, &h, &table, &rows, err) &&
           psd_decode_colours(out, file, &h, table, rows, err);
}
