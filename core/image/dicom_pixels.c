/* dicom_pixels.c - see dicom_pixels.h. */
#include "core/image/dicom_pixels.h"

#include <string.h>

#include "core/base/mem.h"

enum { FRAGMENTS_MAX = 1 << 20 };

#define UNKNOWN_LENGTH 0xFFFFFFFFu

static uint32_t number(const uint8_t *p, size_t n, bool is_big_endian)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[is_big_endian ? i : n - 1 - i];
    return v;
}

static bool is_host_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* (7FE0,0008) floats, (7FE0,0009) doubles, (7FE0,0010) integers. */
static bool is_header(pf_dicom_pixels *p, const uint8_t *header)
{
    const uint32_t element = number(header + 2, 2, p->is_big_endian);
    p->kind = element == 8   ? PF_DICOM_FLOATS
              : element == 9 ? PF_DICOM_DOUBLES
                             : PF_DICOM_INTEGERS;
    return number(header, 2, p->is_big_endian) == 0x7FE0 &&
           (element == 8 || element == 9 || element == 16);
}

bool pf_dicom_find_pixels(pf_dicom_pixels *out, pf_span file,
                          const pf_dicom_facts *facts, pf_err *err)
{
    const bool is_implicit = strcmp(facts->syntax, "1.2.840.10008.1.2") == 0;
    const size_t at = facts->pixels_at, header = is_implicit ? 8 : 12;
    memset(out, 0, sizeof *out);
    out->is_big_endian = strcmp(facts->syntax, "1.2.840.10008.1.2.2") == 0;
    if (at < header || at > pf_span_left(&file) ||
        !is_header(out, file.p + at - header))
        return pf_fail(err, PF_ERR_FORMAT, "there are no pixels");
    const uint32_t length = number(file.p + at - 4, 4, out->is_big_endian);
    const size_t left = pf_span_left(&file) - at;
    out->is_packed = length == UNKNOWN_LENGTH;
    out->is_in_words = is_implicit || memcmp(file.p + at - 8, "OW", 2) == 0;
    if (!out->is_packed && length > left)
        return pf_fail(err, PF_ERR_FORMAT, "the file ends in its pixels");
    out->bytes = pf_span_of(file.p + at, out->is_packed ? left : length);
    return true;
}

/* Of YBR_FULL_422 two pixels have four samples. */
static uint64_t frame_bits(const pf_dicom_facts *f)
{
    const uint64_t pixels = (uint64_t)f->rows * f->columns;
    const unsigned samples =
        strcmp(f->photometric, "YBR_FULL_422") == 0 ? 2 : f->samples;
    return pixels * samples * f->bits_allocated;
}

size_t pf_dicom_frame_size(const pf_dicom_facts *facts)
{
    return (size_t)((frame_bits(facts) + 7) / 8);
}

/* In place: of `size` bytes, those of each `n` the other way round. */
static void swap(uint8_t *bytes, size_t size, size_t n)
{
    for (size_t i = 0; n > 1 && i + n <= size; i += n) {
        for (size_t k = 0; k < n / 2; k++) {
            const uint8_t kept = bytes[i + k];
            bytes[i + k] = bytes[i + n - 1 - k];
            bytes[i + n - 1 - k] = kept;
        }
    }
}

bool pf_dicom_copy_frame(const pf_dicom_pixels *p, const pf_dicom_facts *f, int frame,
                         uint8_t *to, pf_err *err)
{
    const uint64_t bits = frame_bits(f), start = bits * (uint64_t)frame;
    const size_t size = pf_dicom_frame_size(f), have = pf_span_left(&p->bytes);
    const size_t first = (size_t)(start / 8), shift = (size_t)(start % 8);
    if (start / 8 > have || (start + bits + 7) / 8 > have)
        return pf_fail(err, PF_ERR_FORMAT, "the file ends in its pixels");
    memcpy(to, p->bytes.p + first, size);
    for (size_t i = 0; shift > 0 && i < size; i++) { /* frames of single bits */
        const unsigned next = first + i + 1 < have ? p->bytes.p[first + i + 1] : 0;
        to[i] = (uint8_t)(p->bytes.p[first + i] >> shift | next << (8 - shift));
    }
    const size_t unit = f->bits_allocated > 8 ? f->bits_allocated / 8
                        : p->is_in_words      ? 2
                                              : 1;
    if (f->bits_allocated > 8 ? p->is_big_endian != is_host_big_endian()
                              : p->is_big_endian)
        swap(to, size, unit);
    return true;
}

/* ---- items ---- */

typedef struct {
    pf_span *at;
    size_t count, room;
} span_list;

static bool add_item(span_list *list, pf_span item, pf_err *err)
{
    if (list->count >= FRAGMENTS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d fragments", FRAGMENTS_MAX);
    if (!pf_grow_array(&list->at, &list->room, list->count, sizeof *list->at, err))
        return false;
    list->at[list->count++] = item;
    return true;
}

/* To the end of the sequence; where that is missing, to the end of the file, as long as
 * the last item is whole. */
static bool read_items(pf_span s, span_list *list, pf_err *err)
{
    uint16_t group, element;
    uint32_t length;
    while (pf_span_u16le(&s, &group) && pf_span_u16le(&s, &element) &&
           pf_span_u32le(&s, &length)) {
        const uint8_t *bytes;
        if (group == 0xFFFE && element == 0xE0DD)
            return true;
        if (group != 0xFFFE || element != 0xE000)
            return pf_fail(err, PF_ERR_FORMAT, "something between its fragments");
        if (!pf_span_take(&s, length, &bytes))
            return pf_fail(err, PF_ERR_FORMAT, "the file ends in its pixels");
        if (!add_item(list, pf_span_of(bytes, length), err))
            return false;
    }
    return true;
}

/* Offsets are those of the headers of fragments, from that of the first. */
static size_t find_offset(const span_list *items, uint32_t offset)
{
    for (size_t i = 1; i < items->count; i++) {
        if ((size_t)(items->at[i].p - items->at[1].p) == offset)
            return i;
    }
    return 0;
}

static size_t find_by_table(const span_list *items, size_t frame, size_t *end)
{
    const pf_span table = items->at[0];
    const size_t n = pf_span_left(&table) / 4;
    if (frame >= n)
        return 0;
    *end = items->count;
    if (frame + 1 < n)
        *end = find_offset(items, number(table.p + 4 * (frame + 1), 4, false));
    return find_offset(items, number(table.p + 4 * frame, 4, false));
}

/* Codes of JPEG, JPEG-LS and JPEG 2000 begin in ways that nothing inside them does. */
static bool begins_a_frame(pf_span item)
{
    return pf_span_left(&item) >= 2 && item.p[0] == 0xFF &&
           (item.p[1] == 0xD8 || item.p[1] == 0x4F);
}

static size_t find_by_start(const span_list *items, size_t frame, size_t *end)
{
    size_t first = 0, seen = 0;
    *end = items->count;
    for (size_t i = 1; i < items->count; i++) {
        if (!begins_a_frame(items->at[i]))
            continue;
        if (seen == frame)
            first = i;
        if (seen == frame + 1)
            *end = i;
        seen++;
    }
    return first;
}

/* *first..*end of the items, of which item 0 is the table; false: it cannot be told. */
static bool choose_items(const span_list *items, const pf_dicom_facts *f, size_t frame,
                         size_t *first, size_t *end)
{
    const size_t fragments = items->count - 1;
    *first = 1;
    *end = items->count;
    if (f->frames == 1)
        return fragments > 0;
    if (fragments == (size_t)f->frames) {
        *first = frame + 1;
        *end = frame + 2;
        return true;
    }
    *first = find_by_table(items, frame, end);
    if (*first == 0)
        *first = find_by_start(items, frame, end);
    return *first > 0 && *first < *end;
}

bool pf_dicom_find_fragments(const pf_dicom_pixels *p, const pf_dicom_facts *f,
                             int frame, pf_span **out, size_t *n, pf_err *err)
{
    span_list items = {0};
    size_t first = 0, end = 0;
    bool ok = read_items(p->bytes, &items, err);
    if (ok &&
        (items.count < 2 || !choose_items(&items, f, (size_t)frame, &first, &end)))
        ok = pf_fail(err, PF_ERR_FORMAT, "there is no frame %d", frame);
    if (!ok) {
        pf_free(items.at);
        return false;
    }
    memmove(items.at, items.at + first, (end - first) * sizeof *items.at);
    *out = items.at;
    *n = end - first;
    return true;
}
