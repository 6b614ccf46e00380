/*
 * vfile.c - see vfile.h.
 *
 * The format, little-endian, is that of FAISS 1.7.3's index_write.cpp; a header is a
 * name of four letters, dim, count, and 21 bytes that are always the same.
 *
 *      0  "IxMp", header           ids on top of
 *     37  "IxRF", header           a pair:
 *     74  "IxSQ", header           codes,
 *    111  which quantizer (28)     of one byte,
 *    139  uint64 2 * dim
 *    147  float  [dim] low, [dim] width
 *         uint64 count * dim
 *         uint8  [count, dim]      codes
 *         "IxFI", header           and what they stand for
 *         uint64 count * dim
 *         float  [count, dim]      vectors
 *         float  1                 candidates per answer that FAISS would refine
 *         uint64 count
 *         int64  [count]           ids
 *         zeros, until it is a multiple of 64 from the vectors on
 *         float  [count]           error of each vector's codes
 *
 *         zeros, until it is a multiple of 64 from the vectors on
 *         float  [lists, dim]      centroids, if there are lists, and where these begin
 *         uint32 [lists + 1]
 *         int64  [count]           ids, ascending
 *         uint32 [count]           the position of each
 *
 *         zeros, to the next 8
 *         uint64 [blocks]          checksums of all that lies before
 *
 * All but low, width, codes, vectors, ids, errors and lists follows from count and dim;
 * and from the number of lists, which catalog.db has.
 */
#define _GNU_SOURCE /* SEEK_HOLE, le64toh() */
#include "core/catalog/vfile.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"
#include "core/catalog/vindex_impl.h"

enum {
    HEADER = 37,
    QUANTIZER = 28,
    RANGES = 3 * HEADER + QUANTIZER + 8, /* where low and width begin */
    BLOCK = 1 << 12,
    ALIGN = 64,
};

static uint64_t checked_at_once = 4 << 20; /* bytes: as quick as opening a file */

void pf_vfile_check_up_to(uint64_t bytes)
{
    checked_at_once = bytes;
}

bool pf_vfile_is_unit(const float *vector, size_t dim)
{
    return fabsf(pf_vindex_square(vector, dim) - 1) <= 2e-3f; /* false for NaN, too */
}

/* ---- where things lie ------------------------------------------------------------ */

typedef struct {
    size_t dim, count, n_lists;
    uint64_t codes, flat, vectors, tail, ids, errors, checks, size;
    uint64_t centroids, starts, order; /* all where the errors end, without lists */
    uint64_t by_id; /* ids that ascend: without lists all of them do */
    size_t n_blocks;
} layout;

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

/* Aligned as the vectors are, wherever they are. */
static uint64_t align(const layout *l, uint64_t at)
{
    return l->vectors + round_up(at - l->vectors, ALIGN);
}

/* Where the lists end, behind the errors. */
static uint64_t lay_out_lists(layout *l)
{
    const uint64_t errors_end = l->errors + 4 * (uint64_t)l->count;
    l->centroids = l->starts = l->order = errors_end;
    l->by_id = l->ids;
    if (l->n_lists == 0)
        return errors_end;
    l->centroids = align(l, errors_end);
    l->starts = l->centroids + 4 * (uint64_t)l->n_lists * l->dim;
    l->by_id = l->starts + 4 * ((uint64_t)l->n_lists + 1);
    l->order = l->by_id + 8 * (uint64_t)l->count;
    return l->order + 4 * (uint64_t)l->count;
}

static layout layout_of(size_t dim, size_t count, size_t n_lists)
{
    layout l = {.dim = dim, .count = count, .n_lists = n_lists};
    l.codes = RANGES + 8 * (uint64_t)dim + 8;
    l.flat = l.codes + (uint64_t)count * dim;
    l.vectors = l.flat + HEADER + 8;
    l.tail = l.vectors + 4 * (uint64_t)count * dim;
    l.ids = l.tail + 4 + 8;
    l.errors = align(&l, l.ids + 8 * (uint64_t)count);
    l.checks = round_up(lay_out_lists(&l), 8);
    l.n_blocks = (size_t)((l.checks + BLOCK - 1) / BLOCK);
    l.size = l.checks + 8 * (uint64_t)l.n_blocks;
    return l;
}

uint64_t pf_vfile_size(int dim, size_t count, size_t n_lists)
{
    return layout_of((size_t)dim, count, n_lists).size;
}

/* Bytes of a block: the last one may be shorter. */
static size_t block_size(const layout *l, size_t block)
{
    const uint64_t left = l->checks - (uint64_t)block * BLOCK;
    return left < BLOCK ? (size_t)left : BLOCK;
}

static uint8_t *put_integer(uint8_t *at, uint64_t value, int width)
{
    for (int b = 0; b < width; b++)
        *at++ = (uint8_t)(value >> 8 * b);
    return at;
}

static uint64_t get_integer(const uint8_t *at)
{
    uint64_t value; /* no loop: ids are read by the hundred thousand */
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static uint8_t *put_header(uint8_t *at, const char *kind, const layout *l)
{
    memcpy(at, kind, 4);
    at = put_integer(at + 4, l->dim, 4);
    at = put_integer(at, l->count, 8);
    at = put_integer(at, 1 << 20, 8); /* two numbers without a meaning */
    at = put_integer(at, 1 << 20, 8);
    at = put_integer(at, 1, 1);   /* is_trained */
    return put_integer(at, 0, 4); /* compared by inner product */
}

/* What stands before the ranges; between ranges and codes; before the vectors; before
 * the ids. */
enum { FIXED_PARTS = 4, FIXED_MAX = RANGES };

typedef struct {
    uint64_t at;
    size_t size;
    uint8_t bytes[FIXED_MAX];
} fixed_part;

static void make_fixed_parts(const layout *l, fixed_part part[FIXED_PARTS])
{
    const uint64_t cells = (uint64_t)l->count * l->dim;
    uint8_t *at = put_header(part[0].bytes, "IxMp", l);
    at = put_header(at, "IxRF", l);
    at = put_header(at, "IxSQ", l);
    at = put_integer(at, 0, 4); /* QT_8bit */
    at = put_integer(at, 0, 8); /* ranges from the smallest to the largest */
    at = put_integer(at, l->dim, 8);
    at = put_integer(at, l->dim, 8); /* bytes of a code */
    put_integer(at, 2 * (uint64_t)l->dim, 8);
    part[0].at = 0;
    part[0].size = RANGES;
    put_integer(part[1].bytes, cells, 8);
    part[1].at = l->codes - 8;
    part[1].size = 8;
    put_integer(put_header(part[2].bytes, "IxFI", l), cells, 8);
    part[2].at = l->flat;
    part[2].size = HEADER + 8;
    put_integer(part[3].bytes, 0x3f800000, 4); /* 1.0f */
    put_integer(part[3].bytes + 4, l->count, 8);
    part[3].at = l->tail;
    part[3].size = 12;
}

static bool read_at(int fd, void *into, size_t n, uint64_t at, pf_err *err)
{
    for (uint8_t *to = into; n > 0;) {
        const ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pf_fail_errno(err, errno, "cannot read it");
        if (got == 0)
            return pf_fail(err, PF_ERR_FORMAT, "it ends too early");
        at += (uint64_t)got;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

/* ---- writing --------------------------------------------------------------------- */

enum { ROWS_BYTES = 1 << 18 }; /* of vectors that are written, or coded, at once */

struct pf_vfile_writer {
    layout l;
    int fd;
    char *path, *temp;
    bool is_named;
    pf_vlists lists;    /* borrowed */
    size_t list;        /* in which the next vector is */
    size_t n;           /* vectors that were added */
    int64_t *ids;       /* [count] */
    float *errors;      /* [count] */
    float *low, *high;  /* [dim] */
    float *rows;        /* [n_rows, dim] */
    uint8_t *row_codes; /* [n_rows, dim] */
    size_t n_rows;
};

static bool write_at(pf_vfile_writer *w, const void *bytes, size_t n, uint64_t at,
                     pf_err *err)
{
    for (const uint8_t *from = bytes; n > 0;) {
        const ssize_t put = pwrite(w->fd, from, n, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return pf_fail_errno(err, put < 0 ? errno : ENOSPC, "cannot write '%s'",
                                 w->temp);
        at += (uint64_t)put;
        from += put;
        n -= (size_t)put;
    }
    return true;
}

static bool open_temp(pf_vfile_writer *w, pf_err *err)
{
    unlink(w->temp); /* of a run that was killed, or put there: it may lead elsewhere */
    w->fd = open(w->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return (w->fd >= 0 && fchmod(w->fd, 0600) == 0) ||
           pf_fail_errno(err, errno, "cannot write '%s'", w->temp);
}

static bool make_writer(pf_vfile_writer *w, const char *path, pf_err *err)
{
    const size_t dim = w->l.dim, count = w->l.count;
    w->n_rows = ROWS_BYTES / (dim * sizeof(float)) + 1;
    w->path = pf_strdup(path, err);
    w->temp = w->path ? pf_strf(err, "%s.tmp", path) : NULL;
    return w->temp && (w->ids = pf_alloc_array(count, sizeof *w->ids, err)) &&
           (w->errors = pf_alloc_array(count, sizeof *w->errors, err)) &&
           (w->low = pf_alloc_array(dim, sizeof *w->low, err)) &&
           (w->high = pf_alloc_array(dim, sizeof *w->high, err)) &&
           (w->rows = pf_alloc_floats(w->n_rows * dim, err)) &&
           (w->row_codes = pf_alloc_array(w->n_rows, dim, err)) && open_temp(w, err);
}

bool pf_vfile_writer_new(pf_vfile_writer **out, const char *path, int dim, size_t count,
                         const pf_vlists *lists, pf_err *err)
{
    *out = NULL;
    if (dim < 1 || dim > PF_VFILE_DIM_MAX || count > PF_VFILE_COUNT_MAX)
        return pf_fail(err, PF_ERR_LIMIT,
                       "an index of %zu vectors of %d floats; at most %d of %d are "
                       "possible",
                       count, dim, PF_VFILE_COUNT_MAX, PF_VFILE_DIM_MAX);
    if (lists && !pf_vlists_check(lists, (size_t)dim, count, err))
        return pf_fail_in(err, "cannot write '%s'", path);
    pf_vfile_writer *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    w->lists = lists ? *lists : (pf_vlists){0};
    w->l = layout_of((size_t)dim, count, w->lists.n);
    w->fd = -1;
    if (!make_writer(w, path, err)) {
        pf_vfile_writer_free(w);
        return false;
    }
    *out = w;
    return true;
}

void pf_vfile_writer_free(pf_vfile_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        close(w->fd);
        if (!w->is_named)
            unlink(w->temp);
    }
    pf_free(w->path);
    pf_free(w->temp);
    pf_free(w->ids);
    pf_free(w->errors);
    pf_free(w->low);
    pf_free(w->high);
    pf_free(w->rows);
    pf_free(w->row_codes);
    pf_free(w);
}

static uint64_t place_of_vector(const layout *l, size_t position)
{
    return l->vectors + 4 * (uint64_t)position * l->dim;
}

/* The vectors that were added since the last whole lot of rows. */
static bool write_rows(pf_vfile_writer *w, pf_err *err)
{
    const size_t n = w->n % w->n_rows > 0 ? w->n % w->n_rows : w->n_rows;
    return write_at(w, w->rows, n * w->l.dim * sizeof *w->rows,
                    place_of_vector(&w->l, w->n - n), err);
}

/* Of several that begin there all but the last are empty. */
static bool begins_list(pf_vfile_writer *w)
{
    const size_t before = w->list;
    while (w->list < w->lists.n && w->lists.starts[w->list] <= w->n)
        w->list++;
    return w->list > before;
}

bool pf_vfile_writer_add(pf_vfile_writer *w, int64_t id, const float *vector,
                         pf_err *err)
{
    const bool is_first = begins_list(w) || w->n == 0;
    const int64_t last = is_first ? 0 : w->ids[w->n - 1];
    if (w->n == w->l.count)
        return pf_fail(err, PF_ERR_MISUSE, "more vectors than the %zu announced",
                       w->l.count);
    if (id <= last)
        return pf_fail(err, PF_ERR_MISUSE, "id %lld follows id %lld in the index",
                       (long long)id, (long long)last);
    if (!pf_vfile_is_unit(vector, w->l.dim))
        return pf_fail(err, PF_ERR_MISUSE, "the vector of id %lld has not length 1",
                       (long long)id);
    memcpy(w->rows + w->n % w->n_rows * w->l.dim, vector, w->l.dim * sizeof *vector);
    pf_vcodes_widen(w->low, w->high, vector, w->l.dim, w->n == 0);
    w->ids[w->n++] = id;
    return w->n % w->n_rows != 0 || write_rows(w, err);
}

/* Ranges first, from which codes are made; `high` becomes the widths. */
static bool write_ranges(pf_vfile_writer *w, pf_err *err)
{
    const size_t n = w->l.dim * sizeof *w->low;
    for (size_t i = 0; i < w->l.dim; i++)
        w->high[i] -= w->low[i];
    return write_at(w, w->low, n, RANGES, err) &&
           write_at(w, w->high, n, RANGES + n, err);
}

static bool write_codes(pf_vfile_writer *w, pf_err *err)
{
    const layout *l = &w->l;
    const pf_vcodes c = {w->low, w->high, l->dim};
    for (size_t first = 0; first < l->count; first += w->n_rows) {
        const size_t left = l->count - first, n = left < w->n_rows ? left : w->n_rows;
        if (!read_at(w->fd, w->rows, n * l->dim * sizeof *w->rows,
                     place_of_vector(l, first), err))
            return pf_fail_in(err, "'%s'", w->temp);
        for (size_t i = 0; i < n; i++) {
            uint8_t *codes = w->row_codes + i * l->dim;
            pf_vcodes_make(&c, w->rows + i * l->dim, codes);
            w->errors[first + i] = pf_vcodes_error(&c, w->rows + i * l->dim, codes);
        }
        if (!write_at(w, w->row_codes, n * l->dim, l->codes + first * l->dim, err))
            return false;
    }
    return true;
}

static bool write_fixed_parts(pf_vfile_writer *w, pf_err *err)
{
    static const uint8_t zeros[ALIGN];
    const layout *l = &w->l;
    const uint64_t ids_end = l->ids + 8 * (uint64_t)l->count;
    const uint64_t errors_end = l->errors + 4 * (uint64_t)l->count;
    const uint64_t lists_end = l->n_lists > 0 ? l->order + 4 * (uint64_t)l->count : 0;
    const uint64_t behind_errors = l->n_lists > 0 ? l->centroids : l->checks;
    fixed_part part[FIXED_PARTS];
    make_fixed_parts(l, part);
    for (int i = 0; i < FIXED_PARTS; i++) {
        if (!write_at(w, part[i].bytes, part[i].size, part[i].at, err))
            return false;
    }
    return write_at(w, zeros, (size_t)(l->errors - ids_end), ids_end, err) &&
           write_at(w, zeros, (size_t)(behind_errors - errors_end), errors_end, err) &&
           (l->n_lists == 0 ||
            write_at(w, zeros, (size_t)(l->checks - lists_end), lists_end, err));
}

typedef struct {
    int64_t id;
    uint32_t position;
} place;

static int by_id(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The ids, ascending, and where each is; two vectors of one id are MISUSE. */
static bool write_order(pf_vfile_writer *w, place *places, int64_t *ids,
                        uint32_t *order, pf_err *err)
{
    const layout *l = &w->l;
    for (size_t i = 0; i < l->count; i++)
        places[i] = (place){w->ids[i], (uint32_t)i};
    qsort(places, l->count, sizeof *places, by_id);
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0 && places[i].id == ids[i - 1])
            return pf_fail(err, PF_ERR_MISUSE, "id %lld is in two lists of the index",
                           (long long)places[i].id);
        ids[i] = places[i].id;
        order[i] = places[i].position;
    }
    return write_at(w, ids, 8 * l->count, l->by_id, err) &&
           write_at(w, order, 4 * l->count, l->order, err);
}

static bool write_lists(pf_vfile_writer *w, pf_err *err)
{
    const layout *l = &w->l;
    if (l->n_lists == 0)
        return true;
    place *places = pf_alloc_array(l->count, sizeof *places, err);
    int64_t *ids = pf_alloc_array(l->count, sizeof *ids, err);
    uint32_t *order = pf_alloc_array(l->count, sizeof *order, err);
    const bool ok =
        places && ids && order && write_order(w, places, ids, order, err) &&
        write_at(w, w->lists.centroids, 4 * l->n_lists * l->dim, l->centroids, err) &&
        write_at(w, w->lists.starts, 4 * (l->n_lists + 1), l->starts, err);
    pf_free(places);
    pf_free(ids);
    pf_free(order);
    return ok;
}

static uint64_t check_of(const void *bytes, size_t n, size_t block)
{
    return pf_hash_seeded(bytes, n, block);
}

static bool write_checks(pf_vfile_writer *w, pf_hash *checksum, pf_err *err)
{
    const layout *l = &w->l;
    uint8_t block[BLOCK], *checks = pf_alloc_array(l->n_blocks, 8, err);
    bool ok = checks != NULL;
    for (size_t b = 0; ok && b < l->n_blocks; b++) {
        const size_t n = block_size(l, b);
        ok = read_at(w->fd, block, n, (uint64_t)b * BLOCK, err) ||
             pf_fail_in(err, "'%s'", w->temp);
        if (ok)
            put_integer(checks + 8 * b, check_of(block, n, b), 8);
    }
    if (ok)
        *checksum = pf_hash_bytes(checks, 8 * l->n_blocks);
    ok = ok && write_at(w, checks, 8 * l->n_blocks, l->checks, err);
    pf_free(checks);
    return ok;
}

bool pf_vfile_writer_finish(pf_vfile_writer *w, pf_hash *checksum, pf_err *err)
{
    const layout *l = &w->l;
    if (w->n != l->count)
        return pf_fail(err, PF_ERR_MISUSE, "%zu vectors, %zu were announced", w->n,
                       l->count);
    if ((w->n % w->n_rows > 0 && !write_rows(w, err)) || !write_ranges(w, err) ||
        !write_codes(w, err) || !write_fixed_parts(w, err) ||
        !write_at(w, w->ids, 8 * l->count, l->ids, err) ||
        !write_at(w, w->errors, 4 * l->count, l->errors, err) || !write_lists(w, err) ||
        !write_checks(w, checksum, err))
        return false;
    w->is_named = pf_file_publish(w->temp, w->path, err);
    return w->is_named;
}

/* ---- opening --------------------------------------------------------------------- */

enum { UNREAD, BEING_READ, GOOD, BAD }; /* states of a block */

struct pf_vfile {
    layout l;
    int fd;
    char *path;
    pf_mapfile map; /* of the file, or room for it */
    bool is_mapped;
    const uint8_t *bytes; /* of the file, in `map` */
    uint8_t *checks;      /* [n_blocks, 8] */
    atomic_uchar *states; /* [n_blocks] */
    float *ranges;        /* low [dim], width [dim] */
    pf_vcodes codes;
    atomic_bool is_damaged, ids_ascend, lists_are_sound;
};

static bool damaged(pf_vfile *f, pf_err *err)
{
    atomic_store(&f->is_damaged, true);
    return pf_fail_in(err, "index file '%s' is damaged", f->path);
}

static bool check_size(int fd, const layout *l, pf_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read it");
    if (!S_ISREG(st.st_mode))
        return pf_fail(err, PF_ERR_IO, "it is not a regular file");
    if ((uint64_t)st.st_size != l->size)
        return pf_fail(err, PF_ERR_FORMAT,
                       "it has %jd bytes, expected %ju for %zu vectors of %zu floats%s",
                       (intmax_t)st.st_size, (uintmax_t)l->size, l->count, l->dim,
                       l->n_lists > 0 ? " in lists" : "");
    /* A file of nothing can have any size; vectors have no page of zeros. */
    const off_t hole = lseek(fd, 0, SEEK_HOLE);
    return hole < 0 || hole >= st.st_size ||
           pf_fail(err, PF_ERR_FORMAT, "it has a hole at byte %jd", (intmax_t)hole);
}

static bool read_checks(pf_vfile *f, const pf_hash *checksum, pf_err *err)
{
    const size_t n = 8 * f->l.n_blocks;
    f->checks = pf_zalloc(n, err);
    f->states = pf_alloc_array(f->l.n_blocks, sizeof *f->states, err);
    if (!f->checks || !f->states || !read_at(f->fd, f->checks, n, f->l.checks, err))
        return false;
    const pf_hash found = pf_hash_bytes(f->checks, n);
    return pf_hash_equal(&found, checksum) ||
           pf_fail(err, PF_ERR_FORMAT, "its checksum is not the one recorded");
}

/* Floats have to lie as floats: where the file has them elsewhere it is not mapped. */
static bool make_bytes(pf_vfile *f, pf_err *err)
{
    const size_t off = (size_t)(f->l.vectors % ALIGN), shift = off ? ALIGN - off : 0;
    f->is_mapped = off % sizeof(float) == 0 && pf_file_is_steady(f->fd);
    if (f->is_mapped ? !pf_mapfile_of(&f->map, f->fd, f->path, err)
                     : !pf_mapfile_room(&f->map, (size_t)f->l.size + shift, err))
        return false;
    f->bytes = f->map.data + (f->is_mapped ? 0 : shift);
    return !f->is_mapped || f->map.size == f->l.size ||
           pf_fail(err, PF_ERR_FORMAT, "it was cut");
}

/* ---- blocks ---------------------------------------------------------------------- */

static bool read_block(pf_vfile *f, size_t block, pf_err *err)
{
    const size_t n = block_size(&f->l, block);
    const uint64_t at = (uint64_t)block * BLOCK;
    /* what is not mapped is ours to write to */
    if (!f->is_mapped &&
        !read_at(f->fd, (uint8_t *)(uintptr_t)f->bytes + at, n, at, err))
        return false;
    return check_of(f->bytes + at, n, block) == get_integer(f->checks + 8 * block) ||
           pf_fail(err, PF_ERR_FORMAT,
                   "its checksum is not the one recorded: bytes "
                   "%ju to %ju",
                   (uintmax_t)at, (uintmax_t)(at + n));
}

/* One thread reads a block, who else needs it waits. */
static bool take_block(pf_vfile *f, size_t block, pf_err *err)
{
    unsigned char state = UNREAD;
    if (atomic_compare_exchange_strong(&f->states[block], &state, BEING_READ)) {
        const bool ok = read_block(f, block, err);
        atomic_store(&f->states[block], ok ? GOOD : BAD);
        return ok || damaged(f, err);
    }
    while ((state = atomic_load(&f->states[block])) == BEING_READ)
        sched_yield();
    if (state == GOOD)
        return true;
    pf_fail(err, PF_ERR_FORMAT, "its checksum is not the one recorded");
    return damaged(f, err);
}

static bool need(pf_vfile *f, uint64_t at, uint64_t n, pf_err *err)
{
    if (n == 0)
        return true;
    const size_t last = (size_t)((at + n - 1) / BLOCK);
    for (size_t b = (size_t)(at / BLOCK); b <= last; b++) {
        if (atomic_load_explicit(&f->states[b], memory_order_acquire) != GOOD &&
            !take_block(f, b, err))
            return false;
    }
    return true;
}

/* ---- what is fixed, and what is small -------------------------------------------- */

static bool check_fixed_parts(pf_vfile *f, pf_err *err)
{
    fixed_part part[FIXED_PARTS];
    make_fixed_parts(&f->l, part);
    for (int i = 0; i < FIXED_PARTS; i++) {
        if (!need(f, part[i].at, part[i].size, err))
            return false;
        if (memcmp(f->bytes + part[i].at, part[i].bytes, part[i].size) == 0)
            continue;
        pf_fail(err, PF_ERR_FORMAT,
                "byte %ju and on are not those of %zu vectors of "
                "%zu floats",
                (uintmax_t)part[i].at, f->l.count, f->l.dim);
        return damaged(f, err);
    }
    return true;
}

static bool take_ranges(pf_vfile *f, pf_err *err)
{
    const size_t dim = f->l.dim, n = 2 * dim * sizeof *f->ranges;
    f->ranges = pf_alloc_floats(2 * dim, err);
    if (!f->ranges || !need(f, RANGES, n, err))
        return false;
    memcpy(f->ranges, f->bytes + RANGES, n);
    f->codes = (pf_vcodes){f->ranges, f->ranges + dim, dim};
    for (size_t i = 0; i < dim; i++) {
        const float low = f->codes.low[i], width = f->codes.width[i];
        if (fabsf(low) <= 2 && width >= 0 && width <= 4)
            continue;
        pf_fail(err, PF_ERR_FORMAT, "numbers of unit vectors do not go from %g to %g",
                (double)low, (double)low + (double)width);
        return damaged(f, err);
    }
    return true;
}

static bool open_file(pf_vfile *f, int fd, const char *path, const pf_hash *checksum,
                      pf_err *err)
{
    f->path = pf_strdup(path, err);
    f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (!f->path)
        return false;
    if (f->fd < 0)
        return pf_fail_errno(err, errno, "index file '%s': cannot read it", path);
    if (check_size(f->fd, &f->l, err) && read_checks(f, checksum, err) &&
        make_bytes(f, err))
        return check_fixed_parts(f, err) && take_ranges(f, err) &&
               (f->l.size > checked_at_once || pf_vfile_check(f, err));
    return pf_fail_in(err, "index file '%s'%s", path,
                      err->code == PF_ERR_FORMAT ? " is damaged" : "");
}

bool pf_vfile_open(pf_vfile **out, int fd, const char *path, const pf_vfile_record *r,
                   pf_err *err)
{
    *out = NULL;
    if (r->dim < 1 || r->dim > PF_VFILE_DIM_MAX || r->count > PF_VFILE_COUNT_MAX ||
        r->n_lists > PF_VLISTS_MAX)
        return pf_fail(
            err, PF_ERR_LIMIT,
            "index file '%s': it was recorded with %zu vectors of %d floats in %zu "
            "lists, at most %d of %d in %d are possible",
            path, r->count, r->dim, r->n_lists, PF_VFILE_COUNT_MAX, PF_VFILE_DIM_MAX,
            PF_VLISTS_MAX);
    pf_vfile *f = pf_zalloc(sizeof *f, err);
    if (!f)
        return false;
    f->fd = -1;
    f->l = layout_of((size_t)r->dim, r->count, r->n_lists);
    pf_err local = PF_ERR_INIT;
    if (!open_file(f, fd, path, &r->checksum, &local)) {
        pf_vfile_close(f);
        return pf_fail_as(err, &local);
    }
    *out = f;
    return true;
}

void pf_vfile_close(pf_vfile *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    pf_mapfile_close(&f->map);
    pf_free(f->path);
    pf_free(f->checks);
    pf_free(f->states);
    pf_free(f->ranges);
    pf_free(f);
}

/* ---- reading --------------------------------------------------------------------- */

bool pf_vfile_begin(pf_vfile *f, pf_err *err)
{
    struct stat st;
    if (!f->is_mapped)
        return true;
    if (fstat(f->fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read index file '%s'", f->path);
    if ((uint64_t)st.st_size == f->l.size)
        return true;
    pf_fail(err, PF_ERR_FORMAT, "it has %jd bytes now, and had %ju",
            (intmax_t)st.st_size, (uintmax_t)f->l.size);
    return damaged(f, err);
}

bool pf_vfile_is_damaged(const pf_vfile *f)
{
    return atomic_load(&f->is_damaged);
}

size_t pf_vfile_count(const pf_vfile *f)
{
    return f->l.count;
}

size_t pf_vfile_dim(const pf_vfile *f)
{
    return f->l.dim;
}

const pf_vcodes *pf_vfile_codes(const pf_vfile *f)
{
    return &f->codes;
}

size_t pf_vfile_n_lists(const pf_vfile *f)
{
    return f->l.n_lists;
}

static int64_t id_at(const pf_vfile *f, size_t position)
{
    return (int64_t)get_integer(f->bytes + f->l.ids + 8 * (uint64_t)position);
}

static int64_t nth_id(const pf_vfile *f, size_t nth)
{
    return (int64_t)get_integer(f->bytes + f->l.by_id + 8 * (uint64_t)nth);
}

static size_t nth_position(const pf_vfile *f, size_t nth)
{
    const uint32_t *order = (const void *)(f->bytes + f->l.order);
    return f->l.n_lists > 0 ? order[nth] : nth;
}

static bool check_ids(pf_vfile *f, pf_err *err)
{
    int64_t last = 0;
    for (size_t i = 0; i < f->l.count; i++) {
        const int64_t id = nth_id(f, i);
        const size_t at = nth_position(f, i);
        if (id <= last)
            return pf_fail(err, PF_ERR_FORMAT, "its ids do not ascend");
        if (f->l.n_lists > 0 && (at >= f->l.count || id_at(f, at) != id))
            return pf_fail(err, PF_ERR_FORMAT, "id %lld is not where it says",
                           (long long)id);
        last = id;
    }
    return true;
}

/* All ids at once, when the first is asked for: they are few bytes, and finding one
 * relies on their order. In lists each of them is at one position, since no two have
 * the same. */
static bool need_ids(pf_vfile *f, pf_err *err)
{
    if (atomic_load_explicit(&f->ids_ascend, memory_order_acquire))
        return true;
    const uint64_t n = f->l.count, n_ordered = f->l.n_lists > 0 ? n : 0;
    if (!need(f, f->l.ids, 8 * n, err) || !need(f, f->l.by_id, 12 * n_ordered, err))
        return false;
    if (!check_ids(f, err))
        return damaged(f, err);
    atomic_store(&f->ids_ascend, true);
    return true;
}

bool pf_vfile_get_id(pf_vfile *f, size_t position, int64_t *id, pf_err *err)
{
    if (!need_ids(f, err))
        return false;
    *id = id_at(f, position);
    return true;
}

bool pf_vfile_get_nth(pf_vfile *f, size_t nth, size_t *position, pf_err *err)
{
    if (!need_ids(f, err))
        return false;
    *position = nth_position(f, nth);
    return true;
}

/* The first of `n` from the `first` one on whose id is not below `id`. */
static size_t bisect(const pf_vfile *f, size_t first, size_t n, int64_t id)
{
    while (n > 0) {
        const size_t half = n / 2;
        const bool is_below = nth_id(f, first + half) < id;
        first += is_below ? half + 1 : 0;
        n = is_below ? n - half - 1 : half;
    }
    return first;
}

bool pf_vfile_find(pf_vfile *f, int64_t id, size_t *position, bool *is_there,
                   pf_err *err)
{
    *is_there = false;
    if (!need_ids(f, err))
        return false;
    const size_t nth = bisect(f, 0, f->l.count, id);
    *is_there = nth < f->l.count && nth_id(f, nth) == id;
    if (*is_there)
        *position = nth_position(f, nth);
    return true;
}

/* The same from one whose id is below or the same: most often it is the next, and
 * strides double. */
static size_t find_behind(const pf_vfile *f, size_t from, int64_t id)
{
    size_t stride = 1;
    for (size_t i = 0; i < 2 && from + i < f->l.count; i++) {
        if (nth_id(f, from + i) >= id)
            return from + i;
    }
    while (from + stride < f->l.count && nth_id(f, from + stride) < id) {
        from += stride;
        stride *= 2;
    }
    const size_t left = f->l.count - from;
    return bisect(f, from, stride + 1 < left ? stride + 1 : left, id);
}

bool pf_vfile_mark(pf_vfile *f, const int64_t *ids, size_t n, uint64_t *bits,
                   size_t *n_set, pf_err *err)
{
    size_t nth = 0;
    *n_set = 0;
    if (!need_ids(f, err))
        return false;
    for (size_t i = 0; i < n && f->l.count > 0; i++) {
        if (nth == f->l.count || nth_id(f, nth) > ids[i])
            nth = 0;
        nth = find_behind(f, nth, ids[i]);
        if (nth == f->l.count || nth_id(f, nth) != ids[i])
            continue;
        const size_t at = nth_position(f, nth);
        const uint64_t bit = (uint64_t)1 << at % 64;
        *n_set += (bits[at / 64] & bit) == 0;
        bits[at / 64] |= bit;
    }
    return true;
}

bool pf_vfile_get_vector(pf_vfile *f, size_t position, const float **vector,
                         pf_err *err)
{
    const uint64_t at = place_of_vector(&f->l, position);
    if (!need(f, at, f->l.dim * sizeof **vector, err))
        return false;
    *vector = (const float *)(const void *)(f->bytes + at);
    if (pf_vfile_is_unit(*vector, f->l.dim))
        return true;
    pf_fail(err, PF_ERR_FORMAT, "its vector %zu has not length 1", position);
    return damaged(f, err);
}

bool pf_vfile_get_vectors(pf_vfile *f, size_t first, size_t n, const float **vectors,
                          pf_err *err)
{
    const float *each = NULL;
    for (size_t i = n; i-- > 0;) { /* so that the first is the last */
        if (!pf_vfile_get_vector(f, first + i, &each, err))
            return false;
    }
    *vectors = each;
    return true;
}

bool pf_vfile_get_codes(pf_vfile *f, size_t first, size_t n, const uint8_t **codes,
                        const float **errors, pf_err *err)
{
    const uint64_t at = f->l.codes + (uint64_t)first * f->l.dim;
    const uint64_t at_error = f->l.errors + 4 * (uint64_t)first;
    *codes = f->bytes + at;
    *errors = (const float *)(const void *)(f->bytes + at_error);
    return need(f, at, (uint64_t)n * f->l.dim, err) &&
           need(f, at_error, n * sizeof **errors, err);
}

/* All that is said of lists at once, when they are first asked for. */
bool pf_vfile_get_lists(pf_vfile *f, pf_vlists *lists, pf_err *err)
{
    const layout *l = &f->l;
    *lists =
        (pf_vlists){l->n_lists, (const float *)(const void *)(f->bytes + l->centroids),
                    (const uint32_t *)(const void *)(f->bytes + l->starts)};
    if (l->n_lists == 0 ||
        atomic_load_explicit(&f->lists_are_sound, memory_order_acquire))
        return true;
    if (!need(f, l->centroids, l->by_id - l->centroids, err))
        return false;
    if (!pf_vlists_check(lists, l->dim, l->count, err))
        return damaged(f, err);
    atomic_store(&f->lists_are_sound, true);
    return true;
}

/* ---- all of it ------------------------------------------------------------------- */

/* What an error says has to be so, or a search would pass over a neighbour. */
static bool check_codes(pf_vfile *f, size_t position, pf_err *err)
{
    const float *vector, *error;
    const uint8_t *codes;
    if (!pf_vfile_get_vector(f, position, &vector, err) ||
        !pf_vfile_get_codes(f, position, 1, &codes, &error, err))
        return false;
    if (pf_vcodes_error(&f->codes, vector, codes) <= *error)
        return true;
    pf_fail(err, PF_ERR_FORMAT, "the codes of its vector %zu are not its", position);
    return damaged(f, err);
}

bool pf_vfile_check_blocks(pf_vfile *f, pf_err *err)
{
    return pf_vfile_begin(f, err) && need(f, 0, f->l.checks, err);
}

bool pf_vfile_check(pf_vfile *f, pf_err *err)
{
    pf_vlists lists;
    if (!pf_vfile_check_blocks(f, err) || !need_ids(f, err) ||
        !pf_vfile_get_lists(f, &lists, err))
        return false;
    for (size_t i = 0; i < f->l.count; i++) {
        if (!check_codes(f, i, err))
            return false;
    }
    return true;
}
