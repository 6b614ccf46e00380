/*
 * vindex.c - see vindex.h.
 *
 * Inside is FAISS's IndexIDMap over IndexFlatIP: ids [count] and vectors [count, dim]
 * in ascending id order, so that an id is found by bisection and, among positions, the
 * order of ids is the order of numbers.
 *
 * Why scores are computed a second time. FAISS answers fewer than 20 queries with a
 * SIMD kernel and more with sgemm; the two differ in the last bits, and sgemm gives
 * equal vectors unequal scores when they fall into different tiles. So FAISS proposes a
 * few more candidates than were asked for, their scores are computed by one kernel,
 * pair by pair, and sorted by (score, id). When the last candidate is so near the k-th
 * that an equal one may have been left out, more are fetched.
 *
 * FAISS's headers define bare names (OK, idx_t); nobody else includes them.
 */
#define _GNU_SOURCE /* SEEK_HOLE */
#include "core/catalog/vindex.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/MetaIndexes_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/index_io_c.h>
#include <faiss/c_api/utils/distances_c.h>

#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"

/* libgomp's; <omp.h> lies in gcc's own folder, where clang does not look. */
extern void omp_set_num_threads(int n);
extern int omp_get_max_threads(void);

enum {
    MAX_COUNT = 1000000000,
    THREADS_MAX = 256,     /* OpenMP ends the process when it cannot have them */
    SPARE = 16,            /* candidates beyond k, for ties */
    BLOCK_CELLS = 1 << 20, /* candidates of one block of queries */
    NEAR_CELLS = 1 << 22,  /* pairs that one range search may find: 50 MB */
};

/* Two orders of summation of a 4,096-float product of unit vectors stay well below. */
static const float score_noise = 1e-5f;

struct pf_vindex {
    FaissIndexIDMap *map; /* owns flat */
    FaissIndexFlat *flat; /* borrowed from map */
    int dim;
    size_t count;
    int threads; /* of one search; 0: OpenMP decides */
};

typedef struct {
    float score;
    int64_t position;
} hit;

void pf_vindex_set_threads(pf_vindex *index, int n)
{
    index->threads = n < THREADS_MAX ? n : THREADS_MAX;
}

/* Where memory is limited there may be none for threads, which OpenMP does not survive.
 */
static int threads_of(const pf_vindex *index)
{
    return pf_mem_is_limited() ? 1 : index->threads;
}

/* OpenMP keeps the number per thread: what the caller has it gets back. */
static int use_threads(const pf_vindex *index)
{
    const int before = omp_get_max_threads();
    if (threads_of(index) > 0)
        omp_set_num_threads(threads_of(index));
    return before;
}

static void give_threads_back(const pf_vindex *index, int before)
{
    if (threads_of(index) > 0)
        omp_set_num_threads(before);
}

/* OpenBLAS takes 128 MB for each thread that multiplies, and asks again without end
 * where it gets none. FAISS can do without, only slower. */
static void avoid_blas(void)
{
    if (pf_mem_is_limited())
        faiss_set_distance_compute_blas_threshold(INT_MAX);
}

static bool faiss_failed(pf_err *err, const char *what)
{
    const char *reason = faiss_get_last_error();
    bool is_memory = reason && strstr(reason, "bad_alloc");
    return pf_fail(err, is_memory ? PF_ERR_NOMEM : PF_ERR_IO, "FAISS cannot %s: %s",
                   what, reason && *reason ? reason : "no reason given");
}

/* --- building ------------------------------------------------------------------- */

bool pf_vindex_new(pf_vindex **out, int dim, pf_err *err)
{
    *out = NULL;
    if (dim < 1 || dim > PF_VINDEX_DIM_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "vectors of %d floats; 1 to %d are possible",
                       dim, PF_VINDEX_DIM_MAX);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, avoid_blas);
    pf_vindex *index = pf_zalloc(sizeof *index, err);
    if (!index)
        return false;
    index->dim = dim;
    FaissIndexFlatIP *flat = NULL;
    if (faiss_IndexFlatIP_new_with(&flat, dim) != 0 ||
        faiss_IndexIDMap_new(&index->map, flat) != 0) {
        faiss_failed(err, "make an index");
        faiss_Index_free(flat);
        pf_free(index);
        return false;
    }
    faiss_IndexIDMap_set_own_fields(index->map, 1);
    index->flat = flat;
    *out = index;
    return true;
}

void pf_vindex_free(pf_vindex *index)
{
    if (!index)
        return;
    faiss_Index_free(index->map);
    pf_free(index);
}

size_t pf_vindex_count(const pf_vindex *index)
{
    return index->count;
}

int pf_vindex_dim(const pf_vindex *index)
{
    return index->dim;
}

static const int64_t *ids_of(const pf_vindex *index)
{
    idx_t *ids = NULL;
    size_t n = 0;
    faiss_IndexIDMap_id_map(index->map, &ids, &n);
    return ids;
}

static const float *vector_at(const pf_vindex *index, size_t position)
{
    float *vectors = NULL;
    size_t n = 0;
    faiss_IndexFlat_xb(index->flat, &vectors, &n);
    return vectors + position * (size_t)index->dim;
}

const float *pf_vindex_get(const pf_vindex *index, int64_t id)
{
    size_t at;
    return pf_ids_find(ids_of(index), index->count, id, &at) ? vector_at(index, at)
                                                             : NULL;
}

bool pf_vindex_walk(const pf_vindex *index, pf_vindex_step *step)
{
    if (step->at >= index->count)
        return false;
    step->id = ids_of(index)[step->at];
    step->vector = vector_at(index, step->at++);
    return true;
}

static bool is_unit(const float *vector, int dim)
{
    const float sum = faiss_fvec_norm_L2sqr(vector, (size_t)dim);
    return fabsf(sum - 1) <= 2e-3f; /* false for NaN, too */
}

bool pf_vindex_add(pf_vindex *index, const int64_t *ids, const float *vectors, size_t n,
                   pf_err *err)
{
    if (n == 0)
        return true;
    if (n > MAX_COUNT - index->count)
        return pf_fail(err, PF_ERR_LIMIT, "an index holds at most %d vectors",
                       MAX_COUNT);
    int64_t last = index->count ? ids_of(index)[index->count - 1] : 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] <= last)
            return pf_fail(err, PF_ERR_MISUSE, "id %lld follows id %lld in the index",
                           (long long)ids[i], (long long)last);
        last = ids[i];
        if (!is_unit(vectors + i * (size_t)index->dim, index->dim))
            return pf_fail(err, PF_ERR_MISUSE, "the vector of id %lld has not length 1",
                           (long long)last);
    }
    if (faiss_Index_add_with_ids(index->map, (idx_t)n, vectors, ids) != 0)
        return faiss_failed(err, "add vectors");
    index->count += n;
    return true;
}

/* --- files ---------------------------------------------------------------------- */

static bool write_temp(const pf_vindex *index, const char *temp, pf_err *err)
{
    unlink(temp); /* of a run that was killed, or put there: it may lead elsewhere */
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *f = fd < 0 || fchmod(fd, 0600) != 0 ? NULL : fdopen(fd, "wb");
    if (!f) {
        pf_fail_errno(err, errno, "cannot write '%s'", temp);
        if (fd >= 0)
            close(fd);
        return false;
    }
    errno = 0;
    bool ok = faiss_write_index(index->map, f) == 0;
    ok = fflush(f) == 0 && ok;
    int reason = errno;
    ok = fclose(f) == 0 && ok;
    if (!ok && reason)
        return pf_fail_errno(err, reason, "cannot write '%s'", temp);
    return ok || faiss_failed(err, "write an index file");
}

bool pf_vindex_save(const pf_vindex *index, const char *path, pf_hash *checksum,
                    pf_err *err)
{
    char *temp = pf_strf(err, "%s.tmp", path);
    if (!temp)
        return false;
    bool ok = write_temp(index, temp, err) && pf_hash_file(checksum, temp, err) &&
              pf_file_publish(temp, path, err);
    if (!ok)
        unlink(temp);
    pf_free(temp);
    return ok;
}

/* A file is FAISS's own format (index_write.cpp), little-endian, of which there is one
 * kind here:
 *
 *     0  "IxMp", header           ids on top of
 *    37  "IxFI", header           vectors, compared by inner product
 *    74  uint64 count * dim
 *    82  float  [count, dim]
 *        uint64 count
 *        int64  [count]
 *
 * FAISS would read whatever a file says it is, as deep as it says, and ask for as much
 * memory; so it is not asked. All but vectors and ids follows from count and dim. */
enum { HEADER = 37, HEADERS = 2 * HEADER + 8 };

static uint8_t *put_integer(uint8_t *at, uint64_t value, int width)
{
    for (int b = 0; b < width; b++)
        *at++ = (uint8_t)(value >> 8 * b);
    return at;
}

static uint8_t *put_header(uint8_t *at, const char *kind, int dim, size_t count)
{
    memcpy(at, kind, 4);
    at = put_integer(at + 4, (uint64_t)dim, 4);
    at = put_integer(at, count, 8);
    at = put_integer(at, 1 << 20, 8); /* two numbers without a meaning */
    at = put_integer(at, 1 << 20, 8);
    at = put_integer(at, 1, 1); /* is_trained */
    return put_integer(at, METRIC_INNER_PRODUCT, 4);
}

/* The bytes are read once: those that are hashed and checked are those that are used,
 * whoever writes to the file meanwhile. */
typedef struct {
    int fd;
    off_t at;
    pf_hasher *hasher;
} stream;

static bool take(stream *s, void *into, size_t n, pf_err *err)
{
    enum { CHUNK = 1 << 18 };
    for (uint8_t *to = into; n > 0;) {
        const ssize_t got = pread(s->fd, to, n < CHUNK ? n : CHUNK, s->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pf_fail_errno(err, errno, "cannot read it");
        if (got == 0)
            return pf_fail(err, PF_ERR_FORMAT, "it ends too early");
        pf_hasher_add(s->hasher, to, (size_t)got);
        s->at += got;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

static bool check_size(int fd, int dim, size_t count, pf_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read it");
    if (!S_ISREG(st.st_mode))
        return pf_fail(err, PF_ERR_IO, "it is not a regular file");
    if (dim < 1 || dim > PF_VINDEX_DIM_MAX || count > MAX_COUNT)
        return pf_fail(
            err, PF_ERR_LIMIT,
            "it was recorded with %zu vectors of %d floats, at most %d of %d "
            "are possible",
            count, dim, MAX_COUNT, PF_VINDEX_DIM_MAX);
    const uint64_t size =
        HEADERS + (uint64_t)count * (4 * (uint64_t)dim + 8) + 8 /* how many ids */;
    if ((uint64_t)st.st_size != size)
        return pf_fail(err, PF_ERR_FORMAT,
                       "it has %jd bytes, expected %ju for %zu vectors of %d floats",
                       (intmax_t)st.st_size, (uintmax_t)size, count, dim);
    /* A file of nothing can have any size; vectors have no page of zeros. */
    const off_t hole = lseek(fd, 0, SEEK_HOLE);
    return hole < 0 || hole >= st.st_size ||
           pf_fail(err, PF_ERR_FORMAT, "it has a hole at byte %jd", (intmax_t)hole);
}

static bool take_headers(stream *s, int dim, size_t count, pf_err *err)
{
    uint8_t found[HEADERS], expected[HEADERS];
    uint8_t *at = put_header(expected, "IxMp", dim, count);
    at = put_header(at, "IxFI", dim, count);
    put_integer(at, (uint64_t)count * (uint64_t)dim, 8);
    if (!take(s, found, sizeof found, err))
        return false;
    return memcmp(found, expected, sizeof found) == 0 ||
           pf_fail(err, PF_ERR_FORMAT,
                   "it does not begin like one of %zu vectors of %d floats", count,
                   dim);
}

/* FAISS has no way to make room but to add. The zeros it copies take no memory, so
 * there is one copy of the vectors, and FAISS's array grows once. */
static bool make_room(pf_vindex *index, size_t count, pf_err *err)
{
    pf_mapfile zeros; /* for vectors, and for ids */
    const size_t width = 4 * (size_t)index->dim, most = width > 8 ? width : 8;
    if (count == 0)
        return true;
    if (!pf_mapfile_zeros(&zeros, most * count, err))
        return false;
    const void *z = zeros.data;
    const bool ok = faiss_Index_add_with_ids(index->map, (idx_t)count, z, z) == 0 ||
                    faiss_failed(err, "make room for vectors");
    pf_mapfile_close(&zeros);
    index->count = ok ? count : 0;
    return ok;
}

static bool take_vectors(pf_vindex *index, stream *s, pf_err *err)
{
    enum { SOME_FLOATS = 1 << 15 };
    const size_t dim = (size_t)index->dim;
    float *vectors = NULL;
    size_t n_floats = 0, at = 0;
    faiss_IndexFlat_xb(index->flat, &vectors, &n_floats);
    while (at < n_floats) { /* some at a time, which are checked while they are near */
        const size_t some = (SOME_FLOATS / dim + 1) * dim, left = n_floats - at;
        const size_t end = at + (some < left ? some : left);
        if (!take(s, vectors + at, (end - at) * sizeof *vectors, err))
            return false;
        for (; at < end; at += dim) {
            if (!is_unit(vectors + at, index->dim))
                return pf_fail(err, PF_ERR_FORMAT, "its vector %zu has not length 1",
                               at / dim);
        }
    }
    return true;
}

static bool take_ids(pf_vindex *index, stream *s, pf_err *err)
{
    uint8_t found[8], expected[8];
    idx_t *ids = NULL;
    size_t n = 0;
    faiss_IndexIDMap_id_map(index->map, &ids, &n);
    put_integer(expected, index->count, 8);
    if (!take(s, found, sizeof found, err) || !take(s, ids, n * sizeof *ids, err))
        return false;
    bool ok = memcmp(found, expected, sizeof found) == 0;
    for (size_t i = 0; ok && i < n; i++)
        ok = ids[i] > (i ? ids[i - 1] : 0);
    return ok || pf_fail(err, PF_ERR_FORMAT, "its ids do not ascend");
}

static bool take_all(pf_vindex **out, stream *s, int dim, size_t count, pf_err *err)
{
    pf_vindex *index;
    if (!take_headers(s, dim, count, err) || !pf_vindex_new(&index, dim, err))
        return false;
    if (!make_room(index, count, err) || !take_vectors(index, s, err) ||
        !take_ids(index, s, err)) {
        pf_vindex_free(index);
        return false;
    }
    *out = index;
    return true;
}

static bool read_file(pf_vindex **out, int fd, const pf_hash *checksum, int dim,
                      size_t count, pf_err *err)
{
    stream s = {.fd = fd, .hasher = pf_hasher_new(err)};
    if (!s.hasher)
        return false;
    const bool ok = take_all(out, &s, dim, count, err);
    const pf_hash found = pf_hasher_finish(s.hasher);
    if (!ok || pf_hash_equal(&found, checksum))
        return ok;
    pf_vindex_free(*out);
    *out = NULL;
    return pf_fail(err, PF_ERR_FORMAT, "its checksum is not the one recorded");
}

bool pf_vindex_read(pf_vindex **out, int fd, const char *path, const pf_hash *checksum,
                    int dim, size_t count, pf_err *err)
{
    *out = NULL;
    pf_err local = PF_ERR_INIT;
    if (check_size(fd, dim, count, &local) &&
        read_file(out, fd, checksum, dim, count, &local))
        return true;
    pf_fail_in(&local, "index file '%s'%s", path,
               local.code == PF_ERR_FORMAT ? " is damaged" : "");
    return pf_fail_as(err, &local);
}

/* --- searching ------------------------------------------------------------------ */

static int compare_hits(const void *a, const void *b)
{
    const hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->position > y->position) - (x->position < y->position);
}

/* Working memory for one block: candidates [rows, wanted]. */
typedef struct {
    float *scores;
    idx_t *positions;
    hit *hits; /* [wanted], one row */
} scratch;

static void scratch_free(scratch *s)
{
    pf_free(s->scores);
    pf_free(s->positions);
    pf_free(s->hits);
}

static bool scratch_init(scratch *s, size_t rows, size_t wanted, pf_err *err)
{
    *s = (scratch){0};
    size_t cells = rows * wanted;
    if ((s->scores = pf_alloc_array(cells, sizeof *s->scores, err)) &&
        (s->positions = pf_alloc_array(cells, sizeof *s->positions, err)) &&
        (s->hits = pf_alloc_array(wanted, sizeof *s->hits, err)))
        return true;
    scratch_free(s);
    return false;
}

/* Scores of the `n` given positions for each query, by the one kernel. */
static bool score_pairs(const pf_vindex *index, const float *queries, size_t n_queries,
                        size_t n, const idx_t *positions, float *scores, pf_err *err)
{
    return faiss_IndexFlat_compute_distance_subset(index->flat, (idx_t)n_queries,
                                                   queries, (idx_t)n, scores,
                                                   positions) == 0 ||
           faiss_failed(err, "compute scores");
}

/* FAISS has -1 where it has nothing, and what it cannot compare it does not have. */
static bool are_positions(const pf_vindex *index, const idx_t *positions, size_t n,
                          pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (positions[i] < 0 || (size_t)positions[i] >= index->count)
            return pf_fail(err, PF_ERR_IO, "FAISS found position %lld of %zu",
                           (long long)positions[i], index->count);
    }
    return true;
}

static void sort_row(hit *hits, const float *scores, const idx_t *positions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hits[i] = (hit){scores[i], positions[i]};
    qsort(hits, n, sizeof *hits, compare_hits);
}

/* The answer for one query: the first k of the sorted hits, then filling. */
static void write_row(const pf_vindex *index, const hit *hits, size_t n, size_t k,
                      int64_t *ids, float *scores, size_t *count)
{
    const int64_t *known = ids_of(index);
    size_t got = n < k ? n : k;
    for (size_t i = 0; i < k; i++) {
        ids[i] = i < got ? known[hits[i].position] : -1;
        scores[i] = i < got ? hits[i].score : -1;
    }
    if (count)
        *count = got;
}

/* One query whose k-th place is too close to call with `wanted` candidates. */
static bool search_closely(const pf_vindex *index, const float *query, size_t k,
                           size_t wanted, int64_t *ids, float *scores, size_t *count,
                           pf_err *err)
{
    for (bool settled = false; !settled;) {
        wanted = wanted < index->count / 4 ? wanted * 4 : index->count;
        scratch s;
        if (!scratch_init(&s, 1, wanted, err))
            return false;
        bool ok = faiss_Index_search(index->flat, 1, query, (idx_t)wanted, s.scores,
                                     s.positions) == 0 ||
                  faiss_failed(err, "search");
        ok = ok && are_positions(index, s.positions, wanted, err) &&
             score_pairs(index, query, 1, wanted, s.positions, s.scores, err);
        if (ok) {
            sort_row(s.hits, s.scores, s.positions, wanted);
            settled = wanted == index->count ||
                      s.hits[wanted - 1].score < s.hits[k - 1].score - score_noise;
            if (settled)
                write_row(index, s.hits, wanted, k, ids, scores, count);
        }
        scratch_free(&s);
        if (!ok)
            return false;
    }
    return true;
}

static bool search_block(const pf_vindex *index, const float *queries, size_t n_queries,
                         size_t k, size_t wanted, scratch *s, int64_t *ids,
                         float *scores, size_t *counts, pf_err *err)
{
    if (faiss_Index_search(index->flat, (idx_t)n_queries, queries, (idx_t)wanted,
                           s->scores, s->positions) != 0)
        return faiss_failed(err, "search");
    if (!are_positions(index, s->positions, n_queries * wanted, err) ||
        !score_pairs(index, queries, n_queries, wanted, s->positions, s->scores, err))
        return false;
    for (size_t q = 0; q < n_queries; q++) {
        size_t *count = counts ? counts + q : NULL;
        sort_row(s->hits, s->scores + q * wanted, s->positions + q * wanted, wanted);
        bool settled = wanted == index->count ||
                       s->hits[wanted - 1].score < s->hits[k - 1].score - score_noise;
        if (settled)
            write_row(index, s->hits, wanted, k, ids + q * k, scores + q * k, count);
        else if (!search_closely(index, queries + q * (size_t)index->dim, k, wanted,
                                 ids + q * k, scores + q * k, count, err))
            return false;
    }
    return true;
}

static bool search_all(const pf_vindex *index, const float *queries, size_t n_queries,
                       size_t k, int64_t *ids, float *scores, size_t *counts,
                       pf_err *err)
{
    size_t wanted = k < index->count ? k + SPARE : index->count;
    if (wanted > index->count)
        wanted = index->count;
    size_t rows = wanted < BLOCK_CELLS ? BLOCK_CELLS / wanted : 1;
    if (rows > n_queries)
        rows = n_queries;
    scratch s;
    if (!scratch_init(&s, rows, wanted, err))
        return false;
    bool ok = true;
    for (size_t q = 0; ok && q < n_queries; q += rows) {
        size_t n = n_queries - q < rows ? n_queries - q : rows;
        ok = search_block(index, queries + q * (size_t)index->dim, n, k, wanted, &s,
                          ids + q * k, scores + q * k, counts ? counts + q : NULL, err);
    }
    scratch_free(&s);
    return ok;
}

/* Positions of the ids the index has, ascending, each once; returns how many. */
static size_t find_positions(const pf_vindex *index, const int64_t *ids, size_t n,
                             idx_t *positions)
{
    const int64_t *known = ids_of(index);
    size_t found = 0, at;
    for (size_t i = 0; i < n; i++) {
        if (pf_ids_find(known, index->count, ids[i], &at))
            positions[found++] = (idx_t)at;
    }
    return pf_ids_sort(positions, found);
}

static bool search_only(const pf_vindex *index, const float *queries, size_t n_queries,
                        size_t k, const int64_t *only, size_t n_only, int64_t *ids,
                        float *scores, size_t *counts, pf_err *err)
{
    scratch s;
    if (!scratch_init(&s, 1, n_only, err))
        return false;
    size_t n = find_positions(index, only, n_only, s.positions);
    bool ok = true;
    for (size_t q = 0; ok && q < n_queries; q++) {
        ok = n == 0 || score_pairs(index, queries + q * (size_t)index->dim, 1, n,
                                   s.positions, s.scores, err);
        if (!ok)
            break;
        sort_row(s.hits, s.scores, s.positions, n);
        write_row(index, s.hits, n, k, ids + q * k, scores + q * k,
                  counts ? counts + q : NULL);
    }
    scratch_free(&s);
    return ok;
}

bool pf_vindex_search(const pf_vindex *index, const float *queries, size_t n_queries,
                      size_t k, const int64_t *only, size_t n_only, int64_t *ids,
                      float *scores, size_t *counts, pf_err *err)
{
    for (size_t q = 0; q < n_queries; q++) {
        if (!is_unit(queries + q * (size_t)index->dim, index->dim))
            return pf_fail(err, PF_ERR_MISUSE, "query vector %zu has not length 1", q);
        for (size_t i = 0; i < k; i++) {
            ids[q * k + i] = -1;
            scores[q * k + i] = -1;
        }
        if (counts)
            counts[q] = 0;
    }
    if (n_queries == 0 || k == 0 || index->count == 0)
        return true;
    const int before = use_threads(index);
    const bool ok =
        only ? search_only(index, queries, n_queries, k, only, n_only, ids, scores,
                           counts, err)
             : search_all(index, queries, n_queries, k, ids, scores, counts, err);
    give_threads_back(index, before);
    return ok;
}

/* --- ranges --------------------------------------------------------------------- */

static void tell_near(const pf_vindex *index, FaissRangeSearchResult *found,
                      size_t first, size_t n, pf_vindex_near_fn *fn, void *user)
{
    const int64_t *known = ids_of(index);
    size_t *ends = NULL;
    idx_t *positions = NULL;
    float *scores = NULL;
    faiss_RangeSearchResult_lims(found, &ends);
    faiss_RangeSearchResult_labels(found, &positions, &scores);
    for (size_t q = 0; q < n; q++) {
        for (size_t i = ends[q]; i < ends[q + 1]; i++)
            fn(user, first + q, known[positions[i]]);
    }
}

static bool near_block(const pf_vindex *index, const float *queries, size_t first,
                       size_t n, double min_score, pf_vindex_near_fn *fn, void *user,
                       pf_err *err)
{
    FaissRangeSearchResult *found = NULL;
    const bool ok = (faiss_RangeSearchResult_new(&found, (idx_t)n) == 0 &&
                     faiss_Index_range_search(
                         index->flat, (idx_t)n, queries + first * (size_t)index->dim,
                         (float)(min_score - (double)score_noise), found) == 0) ||
                    faiss_failed(err, "search");
    if (ok)
        tell_near(index, found, first, n, fn, user);
    faiss_RangeSearchResult_free(found);
    return ok;
}

bool pf_vindex_near(const pf_vindex *index, const float *queries, size_t n_queries,
                    double min_score, pf_vindex_near_fn *fn, void *user, pf_err *err)
{
    const size_t rows = index->count < NEAR_CELLS ? NEAR_CELLS / (index->count + 1) : 1;
    const int before = use_threads(index);
    bool ok = true;
    for (size_t q = 0; ok && index->count > 0 && q < n_queries; q += rows) {
        const size_t n = n_queries - q < rows ? n_queries - q : rows;
        ok = near_block(index, queries, q, n, min_score, fn, user, err);
    }
    give_threads_back(index, before);
    return ok;
}
