/* dicom_stream.c - see dicom_stream.h. */
#include "core/image/dicom_stream.h"

/* ---- JPEG: markers, most of them with a length that counts itself ---- */

enum { SOI = 0xD8, EOI = 0xD9, SOS = 0xDA, SOF_OF_LS = 0xF7 };

static bool is_size(uint8_t marker)
{
    return (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
            marker != 0xCC) ||
           marker == SOF_OF_LS;
}

static bool is_bare(uint8_t marker)
{
    return marker == 0x01 || (marker >= 0xD0 && marker <= SOI);
}

/* The next marker; any number of FF may stand before it. */
static bool next_marker(pf_span *s, uint8_t *marker)
{
    uint8_t first;
    if (!pf_span_u8(s, &first) || first != 0xFF)
        return false;
    do {
        if (!pf_span_u8(s, marker))
            return false;
    } while (*marker == 0xFF);
    return *marker != 0;
}

static bool check_size(pf_span s, const pf_dicom_facts *f, pf_err *err)
{
    uint8_t precision, components;
    uint16_t height, width;
    if (!pf_span_u8(&s, &precision) || !pf_span_u16be(&s, &height) ||
        !pf_span_u16be(&s, &width) || !pf_span_u8(&s, &components))
        return pf_fail(err, PF_ERR_FORMAT, "the code stream ends in its header");
    if (height != f->rows || width != f->columns || components != f->samples)
        return pf_fail(err, PF_ERR_FORMAT,
                       "the code stream has %u x %u pixels of %u samples, not %u x %u "
                       "of %u",
                       width, height, components, f->columns, f->rows, f->samples);
    return (precision >= 2 && precision <= f->bits_allocated) ||
           pf_fail(err, PF_ERR_FORMAT, "the code stream has samples of %u bits, of %u",
                   precision, f->bits_allocated);
}

bool pf_dicom_check_jpeg(pf_span s, const pf_dicom_facts *f, pf_err *err)
{
    uint8_t marker;
    uint16_t length;
    const uint8_t *segment;
    bool is_first = true;
    while (next_marker(&s, &marker)) {
        if (is_first && marker != SOI)
            break;
        is_first = false;
        if (is_bare(marker))
            continue;
        if (marker == EOI || marker == SOS || !pf_span_u16be(&s, &length) ||
            length < 2 || !pf_span_take(&s, length - 2u, &segment))
            break;
        if (is_size(marker))
            return check_size(pf_span_of(segment, length - 2u), f, err);
    }
    return pf_fail(err, PF_ERR_FORMAT, "the header of the code stream is damaged");
}

/* ---- RLE: sixteen numbers, of segments and where they begin; runs ---- */

enum { HEADER = 64, SEGMENTS_MAX = 15 };

/* n < 128: n + 1 bytes follow; n > 128: one byte, 257 - n times; 128: nothing. */
static bool unpacks_to(pf_span s, uint64_t want)
{
    uint8_t n;
    for (uint64_t got = 0; got < want;) {
        if (!pf_span_u8(&s, &n))
            return false;
        if (n == 128)
            continue;
        if (!pf_span_skip(&s, n < 128 ? n + 1u : 1))
            return false;
        got += n < 128 ? n + 1u : 257u - n;
    }
    return true;
}

bool pf_dicom_check_rle(pf_span stream, const pf_dicom_facts *f, pf_err *err)
{
    pf_span s = stream;
    const size_t size = pf_span_left(&s);
    const uint64_t plane = (uint64_t)f->rows * f->columns;
    const unsigned want = f->samples * (f->bits_allocated / 8);
    uint32_t count, at[SEGMENTS_MAX];
    bool ok = size >= HEADER && pf_span_u32le(&s, &count);
    for (int i = 0; ok && i < SEGMENTS_MAX; i++)
        ok = pf_span_u32le(&s, &at[i]);
    if (!ok || count != want || count > SEGMENTS_MAX)
        return pf_fail(err, PF_ERR_FORMAT, "its runs have no header, or another one");
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t end = i + 1 < count ? at[i + 1] : (uint32_t)size;
        if (at[i] < HEADER || at[i] > size || end > size || end < at[i] ||
            !unpacks_to(pf_span_of(stream.p + at[i], end - at[i]), plane))
            return pf_fail(err, PF_ERR_FORMAT, "a run passes its end");
    }
    return true;
}
