/*
 * exif.c - the one thing we want from EXIF: which way up the picture is.
 *
 * EXIF is a TIFF file inside: "II" or "MM" for the byte order, 42, the offset of the
 * first directory; a directory is a count and entries of 12 bytes: tag, type, count,
 * value. Orientation is tag 0x0112, one SHORT, 1..8 (EXIF 2.3, section 4.6.4).
 */
#include "core/image/decode.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

typedef struct {
    pf_span s;
    bool is_big_endian;
} reader;

static bool read_u16(reader *r, uint16_t *v)
{
    return r->is_big_endian ? pf_span_u16be(&r->s, v) : pf_span_u16le(&r->s, v);
}

static bool read_u32(reader *r, uint32_t *v)
{
    return r->is_big_endian ? pf_span_u32be(&r->s, v) : pf_span_u32le(&r->s, v);
}

/* Leaves the reader at the first entry of the first directory. */
static bool open_directory(reader *r, const uint8_t *tiff, size_t n, uint16_t *entries)
{
    uint16_t magic;
    uint32_t offset;
    r->s = pf_span_of(tiff, n);
    if (n < 8 ||
        !((tiff[0] == 'I' && tiff[1] == 'I') || (tiff[0] == 'M' && tiff[1] == 'M')))
        return false;
    r->is_big_endian = tiff[0] == 'M';
    if (!pf_span_skip(&r->s, 2) || !read_u16(r, &magic) || magic != 42 ||
        !read_u32(r, &offset))
        return false;
    r->s = pf_span_of(tiff, n);
    return pf_span_skip(&r->s, offset) && read_u16(r, entries);
}

int pf_exif_orientation(const uint8_t *tiff, size_t n)
{
    reader r;
    uint16_t entries;
    if (!open_directory(&r, tiff, n, &entries))
        return 1;
    for (uint16_t i = 0; i < entries; i++) {
        uint16_t tag, type, value, padding;
        uint32_t count;
        if (!read_u16(&r, &tag) || !read_u16(&r, &type) || !read_u32(&r, &count) ||
            !read_u16(&r, &value) || !read_u16(&r, &padding))
            return 1;
        if (tag != TAG_ORIENTATION)
            continue;
        return type == TYPE_SHORT && count == 1 && value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}
