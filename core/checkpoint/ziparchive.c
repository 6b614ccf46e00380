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
#include <string.h>

#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/utf8.h"

enum {
    END_SIZE = 22,
    MAX_COMMENT = 65535,
    LOCATOR64_SIZE = 20,
    END64_SIZE = 56,
    CENTRAL_SIZE = 46,
    LOCAL_SIZE = 30,
    MAX_ENTRIES = 1 << 18, /* a checkpoint has one per tensor; 20 MB of directory */
    MAX_DIRECTORY = 64 << 20,
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_SIZES_FOLLOW = 1 << 3, /* the local header may have zeros for the sizes */
    METHOD_STORED = 0,
    EXTRA_ZIP64 = 1,
};

struct pf_zip {
    const pf_source *source;
    uint8_t *directory;                              /* a copy, owned */
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

/* Are there `n` bytes at offset `at`? */
static bool has_bytes(const pf_zip *zip, uint64_t at, uint64_t n)
{
    return at <= zip->source->size && n <= zip->source->size - at;
}

static bool contradicts(pf_err *err, const char *what)
{
    return pf_fail(err, PF_ERR_FORMAT, "zip archive: %s; the file is damaged", what);
}

/* ---- the end records ---- */

/* The end record and where it is. */
static bool find_end(const pf_zip *zip, uint8_t end[END_SIZE], uint64_t *at,
                     pf_err *err)
{
    const size_t size = zip->source->size;
    const size_t n = size < END_SIZE + MAX_COMMENT ? size : END_SIZE + MAX_COMMENT;
    uint8_t *tail = pf_alloc_array(n, 1, err);
    if (!tail || !pf_source_read(zip->source, size - n, tail, n, err)) {
        pf_free(tail);
        return false;
    }
    bool is_found = false;
    for (size_t comment = 0; !is_found && n >= END_SIZE + comment; comment++) {
        const uint8_t *p = tail + n - END_SIZE - comment;
        is_found = u32(p) == 0x06054B50 && u16(p + 20) == comment;
        if (is_found) {
            memcpy(end, p, END_SIZE);
            *at = size - END_SIZE - comment;
        }
    }
    pf_free(tail);
    return is_found ||
           pf_fail(err, PF_ERR_FORMAT,
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
    uint8_t locator[LOCATOR64_SIZE], r[END64_SIZE];
    if (!pf_source_read(zip->source, locator_at, locator, sizeof locator, err))
        return false;
    if (u32(locator) != 0x07064B50)
        return true;
    uint64_t record_at = u64(locator + 8);
    const bool is_there = has_bytes(zip, record_at, sizeof r);
    if (is_there && !pf_source_read(zip->source, record_at, r, sizeof r, err))
        return false;
    if (!is_there || u32(r) != 0x06064B50)
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
    uint8_t end[END_SIZE] = {0};
    if (!find_end(zip, end, &at, err))
        return false;
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
    if (zip->directory_size > MAX_DIRECTORY)
        return pf_fail(err, PF_ERR_LIMIT,
                       "zip archive: a directory of %llu bytes, the limit is %d",
                       (unsigned long long)zip->directory_size, (int)MAX_DIRECTORY);
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
    const size_t size = (size_t)zip->directory_size;
    zip->directory = pf_alloc_array(size, 1, err);
    zip->entries = pf_alloc_array((size_t)zip->declared, sizeof *zip->entries, err);
    if (!zip->directory || !zip->entries ||
        !pf_source_read(zip->source, zip->directory_at, zip->directory, size, err))
        return false;
    pf_span directory = pf_span_of(zip->directory, size);
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

bool pf_zip_open(pf_zip **out, const pf_source *source, pf_err *err)
{
    *out = NULL;
    pf_zip *zip = pf_zalloc(sizeof *zip, err);
    if (!zip)
        return false;
    zip->source = source;
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
    pf_free(zip->directory);
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

static bool is_misnamed(const pf_zip_entry *entry, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT,
                   "zip entry '%.*s' has another name in its own header",
                   pf_utf8_shown(entry->name, entry->name_size), entry->name);
}

/* The name and the extra field behind the local header. */
static bool check_local(const pf_zip_entry *entry, const uint8_t *local,
                        const uint8_t *behind, pf_err *err)
{
    const size_t name_size = u16(local + 26), extra_size = u16(local + 28);
    if (memcmp(behind, entry->name, name_size) != 0)
        return is_misnamed(entry, err);
    if (u16(local + 8) != METHOD_STORED || u16(local + 6) != entry->flags ||
        !sizes_agree(entry, local, behind + name_size, extra_size))
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s': its own header and the directory contradict "
                       "each other",
                       pf_utf8_shown(entry->name, entry->name_size), entry->name);
    return true;
}

bool pf_zip_locate(const pf_zip *zip, const pf_zip_entry *entry, uint64_t *at,
                   pf_err *err)
{
    int n = pf_utf8_shown(entry->name, entry->name_size);
    uint8_t local[LOCAL_SIZE];
    const bool is_there = has_bytes(zip, entry->header_at, LOCAL_SIZE);
    if (is_there &&
        !pf_source_read(zip->source, entry->header_at, local, sizeof local, err))
        return false;
    if (!is_there || u32(local) != 0x04034B50)
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s' is not where the directory says", n,
                       entry->name);
    const size_t name_size = u16(local + 26), more = name_size + u16(local + 28);
    const uint64_t behind_at = entry->header_at + LOCAL_SIZE;
    if (name_size != entry->name_size || !has_bytes(zip, behind_at, more))
        return is_misnamed(entry, err);
    uint8_t *behind = pf_alloc_array(more, 1, err);
    const bool ok = behind &&
                    pf_source_read(zip->source, behind_at, behind, more, err) &&
                    check_local(entry, local, behind, err);
    pf_free(behind);
    if (!ok)
        return false;
    *at = behind_at + more;
    if (*at > zip->directory_at || entry->size > zip->directory_at - *at)
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s' has %llu bytes, but only %llu are there", n,
                       entry->name, (unsigned long long)entry->size,
                       (unsigned long long)(*at > zip->directory_at
                                                ? 0
                                                : zip->directory_at - *at));
    return true;
}
