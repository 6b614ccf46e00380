/*
 * ziparchive.c - see ziparchive.h.
 *
 * Format (PKWARE's APPNOTE.TXT, sections 4.3 to 4.5): entries, each behind a local
 * header; the central directory, which repeats and completes the headers; a ZIP64 end
 * record and its locator where 16 or 32 bits are not enough (torch always writes them);
 * the end record, then a comment of up to 65,535 bytes. A field that is too small for
 * its value is filled with ones, and the value stands in the ZIP64 extra field.
 *
 * Everything must fit together: the directory ends where the end records begin, has as
 * many entries as they say, and no entry reaches into it. Entries may overlap each
 * other; that harms nobody who only reads.
 */
#include "core/checkpoint/ziparchive.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

enum {
    END_SIZE = 22,
    MAX_COMMENT = 65535,
    LOCATOR64_SIZE = 20,
    END64_SIZE = 56,
    CENTRAL_SIZE = 46,
    LOCAL_SIZE = 30,
    MAX_ENTRIES = 1 << 18, /* a checkpoint has one per tensor; 20 MB of directory */
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_SIZES_FOLLOW = 1 << 3, /* the local header may have zeros for the sizes */
    METHOD_STORED = 0,
    EXTRA_ZIP64 = 1,
};

struct pf_zip {
    pf_span bytes;
    uint64_t directory_at, directory_size, declared; /* entries the end record names */
    pf_zip_entry *entries;
    size_t count;
};

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

/* `n` bytes at offset `at` of the file; NULL when they are not all there. */
static const uint8_t *bytes_at(const pf_zip *zip, uint64_t at, size_t n)
{
    pf_span s = zip->bytes;
    const uint8_t *p;
    if (at > pf_span_left(&s) || !pf_span_skip(&s, (size_t)at) ||
        !pf_span_take(&s, n, &p))
        return NULL;
    return p;
}

static bool contradicts(pf_err *err, const char *what)
{
    return pf_fail(err, PF_ERR_FORMAT, "zip archive: %s; the file is damaged", what);
}

/* ---- the end records ---- */

static bool find_end(const pf_zip *zip, uint64_t *at, pf_err *err)
{
    size_t size = pf_span_left(&zip->bytes);
    for (size_t comment = 0; comment <= MAX_COMMENT; comment++) {
        if (size < END_SIZE + comment)
            break;
        const uint8_t *p = zip->bytes.end - END_SIZE - comment;
        if (u32(p) == 0x06054B50 && u16(p + 20) == comment) {
            *at = size - END_SIZE - comment;
            return true;
        }
    }
    return pf_fail(err, PF_ERR_FORMAT,
                   "zip archive: the end record is missing; the file is cut, fetch it "
                   "again");
}

/* A 16 or 32 bit field must say the same as the ZIP64 record or be filled with ones. */
static bool agrees(uint64_t narrow, uint64_t ones, uint64_t wide)
{
    return narrow == ones || narrow == wide;
}

/* Where a ZIP64 record precedes the end record at `at`, take over its values and move
 * `*at` to its start. */
static bool read_end64(pf_zip *zip, const uint8_t *end, uint64_t *at, pf_err *err)
{
    if (*at < LOCATOR64_SIZE)
        return true;
    uint64_t locator_at = *at - LOCATOR64_SIZE;
    const uint8_t *locator = bytes_at(zip, locator_at, LOCATOR64_SIZE);
    if (!locator || u32(locator) != 0x07064B50)
        return true;
    uint64_t record_at = u64(locator + 8);
    const uint8_t *r = bytes_at(zip, record_at, END64_SIZE);
    if (!r || u32(r) != 0x06064B50)
        return contradicts(err, "the ZIP64 end record is not where it should be");
    if (record_at > locator_at || u64(r + 4) != locator_at - record_at - 12)
        return contradicts(err, "the ZIP64 end record has a wrong length");
    if (u32(locator + 4) != 0 || u32(r + 16) != 0 || u32(r + 20) != 0 ||
        u64(r + 24) != u64(r + 32))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "zip archive: it is split over several files");
    zip->declared = u64(r + 32);
    zip->directory_size = u64(r + 40);
    zip->directory_at = u64(r + 48);
    if (!agrees(u16(end + 10), UINT16_MAX, zip->declared) ||
        !agrees(u32(end + 12), UINT32_MAX, zip->directory_size) ||
        !agrees(u32(end + 16), UINT32_MAX, zip->directory_at))
        return contradicts(err, "its two end records contradict each other");
    *at = record_at;
    return true;
}

static bool read_end(pf_zip *zip, pf_err *err)
{
    uint64_t at = 0;
    if (!find_end(zip, &at, err))
        return false;
    const uint8_t *end = bytes_at(zip, at, END_SIZE);
    if (!end)
        return false; /* cannot be: find_end() looked at it */
    if ((u16(end + 4) != 0 && u16(end + 4) != UINT16_MAX) ||
        u16(end + 6) != u16(end + 4))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "zip archive: it is split over several files");
    zip->declared = u16(end + 10);
    zip->directory_size = u32(end + 12);
    zip->directory_at = u32(end + 16);
    if (!read_end64(zip, end, &at, err))
        return false;
    if (zip->directory_at > at || zip->directory_size != at - zip->directory_at)
        return contradicts(err,
                           "the directory does not end where the end record begins");
    if (zip->declared > MAX_ENTRIES)
        return pf_fail(err, PF_ERR_LIMIT, "zip archive: %llu entries, the limit is %d",
                       (unsigned long long)zip->declared, (int)MAX_ENTRIES);
    if (zip->declared > zip->directory_size / CENTRAL_SIZE)
        return contradicts(err, "its directory is too short for its entries");
    return true;
}

/* ---- the directory ---- */

/* Replace the values among `v` that are filled with ones by those of the ZIP64 extra
 * field, which has only these, in this order. */
static bool widen(const uint8_t *extra, size_t n, uint64_t *v[], size_t count)
{
    pf_span s = pf_span_of(extra, n);
    pf_span wide = {NULL, NULL};
    while (pf_span_left(&s) >= 4) {
        uint16_t id = 0, size = 0;
        const uint8_t *field;
        if (!pf_span_u16le(&s, &id) || !pf_span_u16le(&s, &size) ||
            !pf_span_take(&s, size, &field))
            return false;
        if (id == EXTRA_ZIP64)
            wide = pf_span_of(field, size);
    }
    for (size_t i = 0; i < count; i++) {
        if (*v[i] == UINT32_MAX && !pf_span_u64le(&wide, v[i]))
            return false;
    }
    return true;
}

static bool check_name(const pf_zip_entry *e, pf_err *err)
{
    if (e->name_size == 0 || memchr(e->name, '\0', e->name_size))
        return contradicts(err, "an entry's name is empty or has a NUL inside");
    if (!pf_utf8_is_valid(e->name, e->name_size))
        return contradicts(err, "an entry's name is not UTF-8");
    return true;
}

static bool check_kind(const pf_zip_entry *e, uint16_t method, uint64_t packed,
                       pf_err *err)
{
    int n = pf_utf8_shown(e->name, e->name_size);
    if (e->flags & FLAG_ENCRYPTED)
        return pf_fail(err, PF_ERR_UNSUPPORTED, "zip entry '%.*s' is encrypted", n,
                       e->name);
    if (method != METHOD_STORED)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "zip entry '%.*s' is compressed (method %u), which torch.save "
                       "never does; unpack the archive and pack it with 'zip -0 -r'",
                       n, e->name, method);
    if (packed != e->size)
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s' is stored, but has the sizes %llu and %llu", n,
                       e->name, (unsigned long long)packed,
                       (unsigned long long)e->size);
    return true;
}

static bool read_central(pf_zip_entry *e, pf_span *directory, pf_err *err)
{
    const uint8_t *r, *name, *extra;
    if (!pf_span_take(directory, CENTRAL_SIZE, &r) || u32(r) != 0x02014B50 ||
        !pf_span_take(directory, u16(r + 28), &name) ||
        !pf_span_take(directory, u16(r + 30), &extra) ||
        !pf_span_skip(directory, u16(r + 32)))
        return contradicts(err, "its directory is broken off");
    uint64_t packed = u32(r + 20);
    *e = (pf_zip_entry){.name = (const char *)name,
                        .name_size = u16(r + 28),
                        .size = u32(r + 24),
                        .header_at = u32(r + 42),
                        .flags = u16(r + 8)};
    uint64_t *values[] = {&e->size, &packed, &e->header_at};
    if (!check_name(e, err))
        return false;
    if (!widen(extra, u16(r + 30), values, 3))
        return pf_fail(err, PF_ERR_FORMAT, "zip entry '%.*s' has a bad extra field",
                       pf_utf8_shown(e->name, e->name_size), e->name);
    return check_kind(e, u16(r + 10), packed, err);
}

static int compare_names(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

static int by_name(const void *a, const void *b)
{
    const pf_zip_entry *x = a, *y = b;
    return compare_names(x->name, x->name_size, y->name, y->name_size);
}

static bool read_directory(pf_zip *zip, pf_err *err)
{
    const uint8_t *start =
        bytes_at(zip, zip->directory_at, (size_t)zip->directory_size);
    zip->entries = pf_alloc_array((size_t)zip->declared, sizeof *zip->entries, err);
    if (!start || !zip->entries)
        return false;
    pf_span directory = pf_span_of(start, (size_t)zip->directory_size);
    while (zip->count < zip->declared) {
        if (!read_central(&zip->entries[zip->count], &directory, err))
            return false;
        zip->count++;
    }
    if (pf_span_left(&directory) > 0)
        return contradicts(err, "its directory is longer than its entries");
    if (zip->count > 0)
        qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++) {
        const pf_zip_entry *e = &zip->entries[i];
        if (by_name(e - 1, e) == 0)
            return pf_fail(err, PF_ERR_FORMAT, "zip entry '%.*s' is there twice",
                           pf_utf8_shown(e->name, e->name_size), e->name);
    }
    return true;
}

bool pf_zip_open(pf_zip **out, pf_span bytes, pf_err *err)
{
    *out = NULL;
    pf_zip *zip = pf_zalloc(sizeof *zip, err);
    if (!zip)
        return false;
    zip->bytes = bytes;
    if (!read_end(zip, err) || !read_directory(zip, err)) {
        pf_zip_close(zip);
        return false;
    }
    *out = zip;
    return true;
}

void pf_zip_close(pf_zip *zip)
{
    if (!zip)
        return;
    pf_free(zip->entries);
    pf_free(zip);
}

size_t pf_zip_count(const pf_zip *zip)
{
    return zip->count;
}

const pf_zip_entry *pf_zip_at(const pf_zip *zip, size_t i)
{
    return &zip->entries[i];
}

const pf_zip_entry *pf_zip_find(const pf_zip *zip, const char *name, size_t n)
{
    size_t low = 0, high = zip->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const pf_zip_entry *e = &zip->entries[mid];
        int order = compare_names(e->name, e->name_size, name, n);
        if (order == 0)
            return e;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- one entry ---- */

/* The local header's sizes: the directory's, or none yet when they follow the data. */
static bool sizes_agree(const pf_zip_entry *e, const uint8_t *local,
                        const uint8_t *extra, size_t n_extra)
{
    uint64_t size = u32(local + 22), packed = u32(local + 18);
    uint64_t *values[] = {&size, &packed};
    if ((e->flags & FLAG_SIZES_FOLLOW) && size == 0 && packed == 0)
        return true;
    return widen(extra, n_extra, values, 2) && size == e->size && packed == e->size;
}

bool pf_zip_locate(const pf_zip *zip, const pf_zip_entry *entry, pf_span *data,
                   pf_err *err)
{
    int n = pf_utf8_shown(entry->name, entry->name_size);
    const uint8_t *local = bytes_at(zip, entry->header_at, LOCAL_SIZE);
    if (!local || u32(local) != 0x04034B50)
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s' is not where the directory says", n,
                       entry->name);
    size_t name_size = u16(local + 26), extra_size = u16(local + 28);
    const uint8_t *name = bytes_at(zip, entry->header_at + LOCAL_SIZE, name_size);
    const uint8_t *extra =
        name ? bytes_at(zip, entry->header_at + LOCAL_SIZE + name_size, extra_size)
             : NULL;
    if (!extra || compare_names((const char *)name, name_size, entry->name,
                                entry->name_size) != 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s' has another name in its own header", n,
                       entry->name);
    if (u16(local + 8) != METHOD_STORED || u16(local + 6) != entry->flags ||
        !sizes_agree(entry, local, extra, extra_size))
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s': its own header and the directory contradict "
                       "each other",
                       n, entry->name);
    uint64_t at = entry->header_at + LOCAL_SIZE + name_size + extra_size;
    if (at > zip->directory_at || entry->size > zip->directory_at - at)
        return pf_fail(
            err, PF_ERR_FORMAT,
            "zip entry '%.*s' has %llu bytes, but only %llu are there", n, entry->name,
            (unsigned long long)entry->size,
            (unsigned long long)(at > zip->directory_at ? 0 : zip->directory_at - at));
    *data = pf_span_of(zip->bytes.p + at, (size_t)entry->size);
    return true;
}
