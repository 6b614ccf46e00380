/*
 * vfile_write.c - see vfile.h. Vectors go to their place as they come; codes need the
 * ranges of all of them, so they are made in the end, from what was written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vfile_layout.h"

enum { ROWS_BYTES = 1 << 18 }; /* of vectors that are written, or coded, at once */

struct pf_vfile_writer {
    pf_vlayout l;
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
    w->l = pf_vlayout_of((size_t)dim, count, w->lists.n);
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

/* The vectors that were added since the last whole lot of rows. */
static bool write_rows(pf_vfile_writer *w, pf_err *err)
{
    const size_t n = w->n % w->n_rows > 0 ? w->n % w->n_rows : w->n_rows;
    return write_at(w, w->rows, n * w->l.dim * sizeof *w->rows,
                    pf_vlayout_vector(&w->l, w->n - n), err);
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
    return write_at(w, w->low, n, PF_VLAYOUT_RANGES, err) &&
           write_at(w, w->high, n, PF_VLAYOUT_RANGES + n, err);
}

static bool write_codes(pf_vfile_writer *w, pf_err *err)
{
    const pf_vlayout *l = &w->l;
    const pf_vcodes c = {w->low, w->high, l->dim};
    for (size_t first = 0; first < l->count; first += w->n_rows) {
        const size_t left = l->count - first, n = left < w->n_rows ? left : w->n_rows;
        if (!pf_vlayout_read(w->fd, w->rows, n * l->dim * sizeof *w->rows,
                             pf_vlayout_vector(l, first), err))
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
    static const uint8_t zeros[PF_VLAYOUT_ALIGN];
    const pf_vlayout *l = &w->l;
    const uint64_t ids_end = l->ids + 8 * (uint64_t)l->count;
    const uint64_t errors_end = l->errors + 4 * (uint64_t)l->count;
    const uint64_t lists_end = l->n_lists > 0 ? l->order + 4 * (uint64_t)l->count : 0;
    const uint64_t behind_errors = l->n_lists > 0 ? l->centroids : l->checks;
    pf_vlayout_part part[PF_VLAYOUT_PARTS];
    pf_vlayout_parts(l, part);
    for (int i = 0; i < PF_VLAYOUT_PARTS; i++) {
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
    const pf_vlayout *l = &w->l;
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
    const pf_vlayout *l = &w->l;
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

static bool write_checks(pf_vfile_writer *w, pf_hash *checksum, pf_err *err)
{
    const pf_vlayout *l = &w->l;
    uint8_t block[PF_VLAYOUT_BLOCK], *checks = pf_alloc_array(l->n_blocks, 8, err);
    bool ok = checks != NULL;
    for (size_t b = 0; ok && b < l->n_blocks; b++) {
        const size_t n = pf_vlayout_block_size(l, b);
        ok = pf_vlayout_read(w->fd, block, n, (uint64_t)b * PF_VLAYOUT_BLOCK, err) ||
             pf_fail_in(err, "'%s'", w->temp);
        if (ok)
            pf_vlayout_put(checks + 8 * b, pf_vlayout_check(block, n, b), 8);
    }
    if (ok)
        *checksum = pf_hash_bytes(checks, 8 * l->n_blocks);
    ok = ok && write_at(w, checks, 8 * l->n_blocks, l->checks, err);
    pf_free(checks);
    return ok;
}

bool pf_vfile_writer_finish(pf_vfile_writer *w, pf_hash *checksum, pf_err *err)
{
    const pf_vlayout *l = &w->l;
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
