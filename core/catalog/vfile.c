/*
 * vfile.c - see vfile.h. How a file is read; what lies where is in vfile_layout.h,
 * vfile_write.c makes one.
 */
#define _GNU_SOURCE /* SEEK_HOLE, le64toh() */
#include "core/catalog/vfile.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"
#include "core/catalog/vfile_layout.h"
#include "core/catalog/vindex_impl.h"

static uint64_t checked_at_once = 4 << 20; /* bytes: as quick as opening a file */

void pf_vfile_check_up_to(uint64_t bytes)
{
    checked_at_once = bytes;
}

bool pf_vfile_is_unit(const float *vector, size_t dim)
{
    return fabsf(pf_vindex_square(vector, dim) - 1) <= 2e-3f; /* false for NaN, too */
}

uint64_t pf_vfile_size(int dim, size_t count, size_t n_lists)
{
    return pf_vlayout_of((size_t)dim, count, n_lists).size;
}

static uint64_t get_integer(const uint8_t *at)
{
    uint64_t value; /* no loop: ids are read by the hundred thousand */
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

/* ---- opening --------------------------------------------------------------------- */

enum { UNREAD, BEING_READ, GOOD, BAD }; /* states of a block */

struct pf_vfile {
    pf_vlayout l;
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

static bool check_size(int fd, const pf_vlayout *l, pf_err *err)
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
    if (!f->checks || !f->states ||
        !pf_vlayout_read(f->fd, f->checks, n, f->l.checks, err))
        return false;
    const pf_hash found = pf_hash_bytes(f->checks, n);
    return pf_hash_equal(&found, checksum) ||
           pf_fail(err, PF_ERR_FORMAT, "its checksum is not the one recorded");
}

/* Floats have to lie as floats: where the file has them elsewhere it is not mapped. */
static bool make_bytes(pf_vfile *f, pf_err *err)
{
    const size_t off = (size_t)(f->l.vectors % PF_VLAYOUT_ALIGN),
                 shift = off ? PF_VLAYOUT_ALIGN - off : 0;
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
    const size_t n = pf_vlayout_block_size(&f->l, block);
    const uint64_t at = (uint64_t)block * PF_VLAYOUT_BLOCK;
    /* what is not mapped is ours to write to */
    if (!f->is_mapped &&
        !pf_vlayout_read(f->fd, (uint8_t *)(uintptr_t)f->bytes + at, n, at, err))
        return false;
    return pf_vlayout_check(f->bytes + at, n, block) ==
               get_integer(f->checks + 8 * block) ||
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
    const size_t last = (size_t)((at + n - 1) / PF_VLAYOUT_BLOCK);
    for (size_t b = (size_t)(at / PF_VLAYOUT_BLOCK); b <= last; b++) {
        if (atomic_load_explicit(&f->states[b], memory_order_acquire) != GOOD &&
            !take_block(f, b, err))
            return false;
    }
    return true;
}

/* ---- what is fixed, and what is small -------------------------------------------- */

static bool check_fixed_parts(pf_vfile *f, pf_err *err)
{
    pf_vlayout_part part[PF_VLAYOUT_PARTS];
    pf_vlayout_parts(&f->l, part);
    for (int i = 0; i < PF_VLAYOUT_PARTS; i++) {
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
    if (!f->ranges || !need(f, PF_VLAYOUT_RANGES, n, err))
        return false;
    memcpy(f->ranges, f->bytes + PF_VLAYOUT_RANGES, n);
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
    f->l = pf_vlayout_of((size_t)r->dim, r->count, r->n_lists);
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
    const uint64_t at = pf_vlayout_vector(&f->l, position);
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
    const pf_vlayout *l = &f->l;
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
