/*
 * vindex.c - see vindex.h.
 *
 * There are two kinds. One that is filled lies in memory: FAISS's IndexIDMap over
 * IndexFlatIP, ids [count] and vectors [count, dim] in ascending id order, so that an
 * id is found by bisection and, among positions, the order of ids is the order of
 * numbers. One that was read is a file, searched where it lies (vfile.h, vscan.h); with
 * lists in the nearest of these.
 *
 * Why scores are computed a second time. FAISS answers fewer than 20 queries with a
 * SIMD kernel and more with sgemm; the two differ in the last bits, and sgemm gives
 * equal vectors unequal scores when they fall into different tiles. So FAISS proposes a
 * few more candidates than were asked for, their scores are computed by one kernel,
 * pair by pair, and sorted by (score, id). When the last candidate is so near the k-th
 * that an equal one may have been left out, more are fetched. The scan of a file scores
 * its candidates by the same kernel.
 *
 * FAISS's headers define bare names (OK, idx_t); nobody else includes them.
 */
#include "core/catalog/vindex.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/MetaIndexes_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/utils/distances_c.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vindex_impl.h"
#include "core/catalog/vscan.h"

/* libgomp's; <omp.h> lies in gcc's own folder, where clang does not look. */
extern void omp_set_num_threads(int n);
extern int omp_get_max_threads(void);

enum {
    MAX_COUNT = PF_VFILE_COUNT_MAX,
    THREADS_MAX = PF_VSCAN_THREADS_MAX, /* OpenMP ends the process without them */
    SPARE = 16,                         /* candidates beyond k, for ties */
    BLOCK_CELLS = 1 << 20,              /* candidates of one block of queries */
    NEAR_CELLS = 1 << 22, /* pairs that one range search may find: 50 MB */
};

static const float score_noise = PF_VINDEX_NOISE;

struct pf_vindex {
    FaissIndexIDMap *map; /* owns flat; NULL: it is a file */
    FaissIndexFlat *flat; /* borrowed from map */
    pf_vfile *file;
    pf_vindex *more; /* what was added behind a file, in memory; NULL: nothing */
    int dim;
    size_t count;
    int threads;    /* of one search; 0: OpenMP decides */
    size_t n_probe; /* lists of the file to look into; 0: all of it */
};

typedef struct {
    float score;
    int64_t position;
} hit;

void pf_vindex_set_probe(pf_vindex *index, size_t n_lists)
{
    index->n_probe = n_lists;
}

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
    pf_vfile_close(index->file);
    pf_vindex_free(index->more);
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

bool pf_vindex_get(const pf_vindex *index, int64_t id, const float **out, pf_err *err)
{
    size_t at;
    bool is_there;
    *out = NULL;
    if (index->file) {
        if (!pf_vfile_find(index->file, id, &at, &is_there, err))
            return false;
        if (is_there)
            return pf_vfile_get_vector(index->file, at, out, err);
        return !index->more || pf_vindex_get(index->more, id, out, err);
    }
    if (pf_ids_find(ids_of(index), index->count, id, &at))
        *out = vector_at(index, at);
    return true;
}

bool pf_vindex_next(const pf_vindex *index, pf_vindex_step *step, bool *is_there,
                    pf_err *err)
{
    const size_t at = step->at;
    *is_there = at < index->count;
    if (!*is_there)
        return true;
    step->at++;
    if (index->file && at >= pf_vfile_count(index->file)) {
        const size_t behind = at - pf_vfile_count(index->file);
        step->id = ids_of(index->more)[behind];
        step->vector = vector_at(index->more, behind);
        return true;
    }
    if (index->file) {
        size_t position;
        return pf_vfile_get_nth(index->file, at, &position, err) &&
               pf_vfile_get_id(index->file, position, &step->id, err) &&
               pf_vfile_get_vector(index->file, position, &step->vector, err);
    }
    step->id = ids_of(index)[at];
    step->vector = vector_at(index, at);
    return true;
}

bool pf_vindex_find_last(const pf_vindex *index, int64_t *id, pf_err *err)
{
    pf_vindex_step step = {.at = index->count > 0 ? index->count - 1 : 0};
    bool is_there;
    if (!pf_vindex_next(index, &step, &is_there, err))
        return false;
    *id = is_there ? step.id : 0;
    return true;
}

float pf_vindex_square(const float *vector, size_t dim)
{
    return faiss_fvec_norm_L2sqr(vector, dim);
}

void pf_vindex_products(const float *query, const float *rows, size_t n, size_t dim,
                        float *products)
{
    faiss_fvec_inner_products_ny(products, query, rows, dim, n);
}

float pf_vindex_product(const float *a, const float *b, size_t dim)
{
    float product;
    faiss_fvec_inner_products_ny(&product, a, b, dim, 1);
    return product;
}

static bool is_unit(const float *vector, int dim)
{
    return pf_vfile_is_unit(vector, (size_t)dim);
}

/* What was added after the file was written, a small part of it, lies in memory. */
static bool add_behind(pf_vindex *index, const int64_t *ids, const float *vectors,
                       size_t n, pf_err *err)
{
    int64_t last;
    if (!index->more) {
        if (!pf_vindex_find_last(index, &last, err))
            return false;
        if (ids[0] <= last)
            return pf_fail(err, PF_ERR_MISUSE, "id %lld follows id %lld in the index",
                           (long long)ids[0], (long long)last);
        if (!pf_vindex_new(&index->more, index->dim, err))
            return false;
        pf_vindex_set_threads(index->more, 1);
    }
    if (!pf_vindex_add(index->more, ids, vectors, n, err))
        return false;
    index->count += n;
    return true;
}

bool pf_vindex_add(pf_vindex *index, const int64_t *ids, const float *vectors, size_t n,
                   pf_err *err)
{
    if (n == 0)
        return true;
    if (index->file)
        return add_behind(index, ids, vectors, n, err);
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

static bool write_all(const pf_vindex *index, pf_vfile_writer *w, pf_err *err)
{
    pf_vindex_step step = {0};
    bool has_step = true;
    while (has_step) {
        if (!pf_vindex_next(index, &step, &has_step, err) ||
            (has_step && !pf_vfile_writer_add(w, step.id, step.vector, err)))
            return false;
    }
    return true;
}

bool pf_vindex_save(const pf_vindex *index, const char *path, pf_hash *checksum,
                    pf_err *err)
{
    pf_vfile_writer *w;
    if (!pf_vfile_writer_new(&w, path, index->dim, index->count, NULL, err))
        return false;
    const bool ok =
        write_all(index, w, err) && pf_vfile_writer_finish(w, checksum, err);
    pf_vfile_writer_free(w);
    return ok;
}

bool pf_vindex_read(pf_vindex **out, int fd, const char *path,
                    const pf_vfile_record *record, pf_err *err)
{
    *out = NULL;
    pf_vindex *index = pf_zalloc(sizeof *index, err);
    if (!index)
        return false;
    *index = (pf_vindex){.dim = record->dim, .count = record->count};
    if (!pf_vfile_open(&index->file, fd, path, record, err)) {
        pf_free(index);
        return false;
    }
    *out = index;
    return true;
}

bool pf_vindex_check(const pf_vindex *index, pf_err *err)
{
    return !index->file || pf_vfile_check(index->file, err);
}

bool pf_vindex_is_damaged(const pf_vindex *index)
{
    return index->file && pf_vfile_is_damaged(index->file);
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

/* --- searching a file ----------------------------------------------------------- */

static int threads_of_scan(const pf_vindex *index)
{
    const int n = threads_of(index);
    const int most = n > 0 ? n : omp_get_max_threads();
    return most < THREADS_MAX ? most : THREADS_MAX;
}

static bool scan_file(const pf_vscan *s, size_t k, int64_t *ids, float *scores,
                      size_t *counts, pf_err *err)
{
    pf_vscan_hit *hits = pf_alloc_array(k, s->n_queries * sizeof *hits, err);
    size_t *got = pf_alloc_array(s->n_queries, sizeof *got, err);
    bool ok = hits && got && pf_vscan_nearest(s, k, hits, got, err);
    for (size_t q = 0; ok && q < s->n_queries; q++) {
        for (size_t i = 0; i < got[q]; i++) {
            ids[q * k + i] = hits[q * k + i].id;
            scores[q * k + i] = hits[q * k + i].score;
        }
        if (counts)
            counts[q] = got[q];
    }
    pf_free(hits);
    pf_free(got);
    return ok;
}

static bool search_file(const pf_vindex *index, const float *queries, size_t n_queries,
                        size_t k, const int64_t *only, size_t n_only, int64_t *ids,
                        float *scores, size_t *counts, pf_err *err)
{
    pf_vscan s = {.file = index->file,
                  .queries = queries,
                  .n_queries = n_queries,
                  .n_allowed = pf_vfile_count(index->file),
                  .threads = threads_of_scan(index)};
    uint64_t *bits = NULL;
    bool ok = true;
    if (only) {
        s.allowed = bits = pf_alloc_array(s.n_allowed / 64 + 1, sizeof *bits, err);
        ok = bits && pf_vfile_mark(index->file, only, n_only, bits, &s.n_allowed, err);
    }
    ok = ok && scan_file(&s, k, ids, scores, counts, err);
    pf_free(bits);
    return ok;
}

/* One query, in the lists nearest to it; in all of the file when these have too few. */
static bool search_near(const pf_vindex *index, const pf_vlists *lists,
                        const float *query, size_t k, pf_vlists_range *ranges,
                        int64_t *ids, float *scores, size_t *count, pf_err *err)
{
    enum { ENOUGH = 4 };
    pf_vscan s = {.file = index->file,
                  .queries = query,
                  .n_queries = 1,
                  .ranges = ranges,
                  .n_ranges = index->n_probe,
                  .threads = threads_of_scan(index)};
    if (!pf_vlists_choose(lists, (size_t)index->dim, query, index->n_probe, ranges,
                          &s.n_allowed, err))
        return false;
    if (s.n_allowed < k * ENOUGH) {
        s.ranges = NULL;
        s.n_allowed = pf_vfile_count(index->file);
    }
    return scan_file(&s, k, ids, scores, count, err);
}

static bool looks_into_lists(const pf_vindex *index, const int64_t *only, size_t k)
{
    return index->n_probe > 0 && pf_vfile_n_lists(index->file) > 0 && !only &&
           k <= PF_VINDEX_LISTS_K;
}

static bool search_lists(const pf_vindex *index, const float *queries, size_t n_queries,
                         size_t k, int64_t *ids, float *scores, size_t *counts,
                         pf_err *err)
{
    pf_vlists lists;
    if (!pf_vfile_begin(index->file, err) ||
        !pf_vfile_get_lists(index->file, &lists, err))
        return false;
    if (index->n_probe > lists.n)
        return pf_fail(err, PF_ERR_FORMAT,
                       "an index of %zu lists was recorded with %zu to look into",
                       lists.n, index->n_probe);
    pf_vlists_range *ranges = pf_alloc_array(index->n_probe, sizeof *ranges, err);
    bool ok = ranges != NULL;
    for (size_t q = 0; ok && q < n_queries; q++)
        ok = search_near(index, &lists, queries + q * (size_t)index->dim, k, ranges,
                         ids + q * k, scores + q * k, counts ? counts + q : NULL, err);
    pf_free(ranges);
    return ok;
}

/* Into the hits of one query [k] come those of another index, whose ids are higher. */
static void merge_row(int64_t *ids, float *scores, size_t k, const int64_t *more_ids,
                      const float *more_scores, size_t n_more)
{
    for (size_t i = 0; i < n_more && more_ids[i] >= 0; i++) {
        size_t at = k;
        while (at > 0 && (ids[at - 1] < 0 || scores[at - 1] < more_scores[i]))
            at--;
        if (at == k)
            return;
        memmove(ids + at + 1, ids + at, (k - at - 1) * sizeof *ids);
        memmove(scores + at + 1, scores + at, (k - at - 1) * sizeof *scores);
        ids[at] = more_ids[i];
        scores[at] = more_scores[i];
    }
}

/* Also among what was added behind the file. */
static bool search_behind(const pf_vindex *index, const float *queries,
                          size_t n_queries, size_t k, const int64_t *only,
                          size_t n_only, int64_t *ids, float *scores, size_t *counts,
                          pf_err *err)
{
    const size_t most = index->more->count, n = k < most ? k : most;
    int64_t *more_ids = pf_alloc_array(n, n_queries * sizeof *more_ids, err);
    float *more_scores = pf_alloc_array(n, n_queries * sizeof *more_scores, err);
    const bool ok = more_ids && more_scores &&
                    pf_vindex_search(index->more, queries, n_queries, n, only, n_only,
                                     more_ids, more_scores, NULL, err);
    for (size_t q = 0; ok && q < n_queries; q++) {
        merge_row(ids + q * k, scores + q * k, k, more_ids + q * n, more_scores + q * n,
                  n);
        for (size_t i = counts ? counts[q] : k; i < k && ids[q * k + i] >= 0; i++)
            counts[q]++;
    }
    pf_free(more_ids);
    pf_free(more_scores);
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
    if (index->file)
        return (looks_into_lists(index, only, k)
                    ? search_lists(index, queries, n_queries, k, ids, scores, counts,
                                   err)
                    : search_file(index, queries, n_queries, k, only, n_only, ids,
                                  scores, counts, err)) &&
               (!index->more || search_behind(index, queries, n_queries, k, only,
                                              n_only, ids, scores, counts, err));
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

typedef struct {
    pf_vindex_near_fn *fn;
    void *user;
    size_t query;
} telling;

static void tell_of_block(void *user, size_t query, int64_t id)
{
    const telling *t = user;
    t->fn(t->user, t->query + query, id);
}

/* Queries one by one where there is something behind the file, for they are told in
 * their order. */
static bool near_in_file(const pf_vindex *index, const float *queries, size_t n_queries,
                         double min_score, pf_vindex_near_fn *fn, void *user,
                         pf_err *err)
{
    telling t = {fn, user, 0};
    const size_t step = index->more ? 1 : n_queries;
    bool ok = true;
    for (; ok && t.query < n_queries; t.query += step) {
        const pf_vscan s = {.file = index->file,
                            .queries = queries + t.query * (size_t)index->dim,
                            .n_queries = step,
                            .n_allowed = pf_vfile_count(index->file),
                            .threads = threads_of_scan(index)};
        ok = pf_vscan_near(&s, (float)min_score, tell_of_block, &t, err) &&
             (!index->more || pf_vindex_near(index->more, s.queries, 1, min_score,
                                             tell_of_block, &t, err));
    }
    return ok;
}

bool pf_vindex_near(const pf_vindex *index, const float *queries, size_t n_queries,
                    double min_score, pf_vindex_near_fn *fn, void *user, pf_err *err)
{
    if (index->file)
        return near_in_file(index, queries, n_queries, min_score, fn, user, err);
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
