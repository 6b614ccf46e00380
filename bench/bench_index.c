/*
 * bench_index.c - pf-bench-index FOLDER COUNT [DIM [TIMES [CLUSTERS [LISTS]]]]: how
 * long the search of an index file takes, by itself.
 *
 * Makes COUNT vectors of DIM (512) numbers, noise around CLUSTERS (1,000) centres or
 * around none (0), and writes FOLDER/bench.faiss; a file that is there is written anew.
 * Asks for the 10 nearest of TIMES (20) vectors of the same kind that are not in it,
 * among all and among those that a filter lets pass, and compares each answer with that
 * of multiplying all vectors in double.
 *
 * Prints one line per figure, fields separated by tabs, with a head line: count, dim,
 * clusters, what, threads, median and least milliseconds (wall), CPU milliseconds,
 * recall of the 10 (empty where nothing is asked).
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/clocks.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vindex.h"
#include "core/catalog/vlists_make.h"

enum { K = 10, TIMES_MAX = 1000, DIM_MAX = 4096, PERCENTS = 4 };

/* Share of vectors that may be found; 100: no filter. */
static const int percents[PERCENTS] = {100, 99, 50, 1};

typedef struct {
    const char *folder;
    size_t count, times, clusters, lists;
    int dim;
    pf_vfile_record record;
    size_t n_probe;
    float *centres;          /* [clusters, dim] */
    float *queries;          /* [times, dim] */
    float *best[PERCENTS];   /* [times, K] true scores */
    int64_t *only[PERCENTS]; /* ids that pass */
    size_t n_only[PERCENTS];
} bench;

/* ---- vectors ---- */

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The sum of four uniform numbers, -2 to 2: as good as normal here. */
static float noise(uint64_t *state)
{
    const uint64_t r = next_random(state);
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (int)(r >> 16 * i & 0xffff);
    return (float)(sum - 2 * 0xffff) / 65536;
}

static void make_unit(float *v, int dim)
{
    double square = 0;
    for (int i = 0; i < dim; i++)
        square += (double)v[i] * v[i];
    for (int i = 0; i < dim; i++)
        v[i] = (float)(v[i] / sqrt(square));
}

/* Vector `i`, which has a cosine of about 0.7 with its centre. */
static void make_vector(const bench *b, uint64_t i, float *v)
{
    uint64_t state = i * 0xD1342543DE82EF95u + 1;
    const float *centre =
        b->clusters > 0
            ? b->centres + next_random(&state) % b->clusters * (size_t)b->dim
            : NULL;
    for (int k = 0; k < b->dim; k++)
        v[k] = noise(&state) + (centre ? centre[k] : 0);
    make_unit(v, b->dim);
}

static bool passes(int percent, uint64_t i)
{
    uint64_t state = i;
    return next_random(&state) % 100 < (uint64_t)percent;
}

static bool make_centres(bench *b, pf_err *err)
{
    uint64_t state = 7;
    const size_t n = b->clusters * (size_t)b->dim;
    b->centres = pf_alloc_floats(n + 1, err);
    for (size_t i = 0; b->centres && i < n; i++)
        b->centres[i] = noise(&state);
    return b->centres != NULL;
}

static bool make_questions(bench *b, pf_err *err)
{
    b->queries = pf_alloc_floats(b->times * (size_t)b->dim, err);
    for (size_t q = 0; b->queries && q < b->times; q++)
        make_vector(b, (uint64_t)1 << 40 | q, b->queries + q * (size_t)b->dim);
    for (int p = 0; b->queries && p < PERCENTS; p++) {
        b->best[p] = pf_alloc_floats(b->times * K, err);
        b->only[p] = pf_alloc_array(b->count, sizeof *b->only[p], err);
        if (!b->best[p] || !b->only[p])
            return false;
        for (size_t i = 0; i < b->times * K; i++)
            b->best[p][i] = -2;
        for (size_t i = 0; i < b->count; i++) {
            if (passes(percents[p], i))
                b->only[p][b->n_only[p]++] = (int64_t)i + 1;
        }
    }
    return b->queries != NULL;
}

/* Put `score` where it belongs among the K best so far. */
static void put_score(float *best, float score)
{
    int at = K;
    for (; at > 0 && best[at - 1] < score; at--) {
        if (at < K)
            best[at] = best[at - 1];
    }
    if (at < K)
        best[at] = score;
}

/* Eight sums side by side, which vectorise. */
static float product(const float *a, const float *b, int dim)
{
    double sum[8] = {0};
    for (int i = 0; i < dim; i++)
        sum[i % 8] += (double)a[i] * b[i];
    return (float)(sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] +
                   sum[7]);
}

/* ---- figures ---- */

typedef struct {
    double wall[TIMES_MAX], cpu;
    size_t n;
} timing;

static void print_line(const bench *b, const char *what, int threads, timing *t,
                       double recall)
{
    const double median = pf_bench_median(t->wall, t->n); /* now the least is first */
    printf("%zu\t%d\t%zu\t%s\t%d\t%.3f\t%.3f\t%.3f\t", b->count, b->dim, b->clusters,
           what, threads, 1e3 * median, 1e3 * t->wall[0], 1e3 * t->cpu / (double)t->n);
    if (recall >= 0)
        printf("%.4f", recall);
    printf("\n");
    fflush(stdout);
}

/* ---- writing ---- */

/* Also the true answers, since the vectors come by. */
static bool write_vectors(bench *b, pf_vfile_writer *w, pf_err *err)
{
    float v[DIM_MAX];
    for (size_t i = 0; i < b->count; i++) {
        make_vector(b, i, v);
        if (!pf_vfile_writer_add(w, (int64_t)i + 1, v, err))
            return false;
        for (size_t q = 0; q < b->times; q++) {
            const float score = product(v, b->queries + q * (size_t)b->dim, b->dim);
            for (int p = 0; p < PERCENTS; p++) {
                if (passes(percents[p], i))
                    put_score(b->best[p] + q * K, score);
            }
        }
    }
    return true;
}

static bool write_file(bench *b, const char *path, pf_err *err)
{
    pf_vfile_writer *w;
    timing t = {.n = 1};
    b->record = (pf_vfile_record){.dim = b->dim, .count = b->count};
    if (!pf_vfile_writer_new(&w, path, b->dim, b->count, NULL, err))
        return false;
    bool ok = write_vectors(b, w, err);
    const double start = pf_bench_seconds(CLOCK_MONOTONIC);
    const double cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    ok = ok && pf_vfile_writer_finish(w, &b->record.checksum, err);
    t.wall[0] = pf_bench_seconds(CLOCK_MONOTONIC) - start;
    t.cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    pf_vfile_writer_free(w);
    if (ok)
        print_line(b, "write, behind the vectors", 1, &t, -1);
    return ok;
}

/* ---- lists ---- */

static bool put_into_lists(bench *b, pf_vfile *file, const char *path, float *vectors,
                           int64_t *ids, pf_err *err)
{
    char what[60];
    timing t = {.n = 1};
    pf_vlists_made made;
    for (size_t i = 0; i < PF_VLISTS_ASKED; i++) {
        const uint64_t at = i * b->count / PF_VLISTS_ASKED;
        make_vector(b, at, vectors + i * (size_t)b->dim);
        ids[i] = (int64_t)at + 1;
    }
    const pf_vlists_wish wish = {
        .n_lists = b->lists, .must = true, .asked = {{vectors, ids, PF_VLISTS_ASKED}}};
    const double start = pf_bench_seconds(CLOCK_MONOTONIC);
    const double cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!pf_vlists_make(&made, file, path, &wish, err))
        return false;
    t.wall[0] = pf_bench_seconds(CLOCK_MONOTONIC) - start;
    t.cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    b->record.checksum = made.checksum;
    b->record.n_lists = made.n_lists;
    b->n_probe = made.n_probe;
    snprintf(what, sizeof what, "%zu lists, %zu looked into", made.n_lists,
             made.n_probe);
    print_line(b, what, 0, &t, made.recall);
    return true;
}

static bool make_lists(bench *b, const char *path, pf_err *err)
{
    int fd;
    pf_vfile *file = NULL;
    if (!pf_file_open(&fd, path, err))
        return false;
    float *vectors = pf_alloc_floats(PF_VLISTS_ASKED * (size_t)b->dim, err);
    int64_t *ids = pf_alloc_array(PF_VLISTS_ASKED, sizeof *ids, err);
    const bool ok = vectors && ids && pf_vfile_open(&file, fd, path, &b->record, err) &&
                    put_into_lists(b, file, path, vectors, ids, err);
    pf_vfile_close(file);
    pf_free(vectors);
    pf_free(ids);
    close(fd);
    return ok;
}

/* ---- opening ---- */

static bool open_index(const bench *b, const char *path, pf_vindex **out, pf_err *err)
{
    int fd;
    if (!pf_file_open(&fd, path, err))
        return false;
    const bool ok = pf_vindex_read(out, fd, path, &b->record, err);
    if (ok)
        pf_vindex_set_probe(*out, b->n_probe);
    close(fd);
    return ok;
}

/* Opening, and opening with the first question. */
static bool measure_opening(const bench *b, const char *path, bool asks, pf_err *err)
{
    timing t = {.n = b->times};
    const double cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < b->times; i++) {
        pf_vindex *index;
        int64_t ids[K];
        float scores[K];
        const double start = pf_bench_seconds(CLOCK_MONOTONIC);
        if (!open_index(b, path, &index, err))
            return false;
        const bool ok =
            !asks || pf_vindex_search(index, b->queries + i * (size_t)b->dim, 1, K,
                                      NULL, 0, ids, scores, NULL, err);
        t.wall[i] = pf_bench_seconds(CLOCK_MONOTONIC) - start;
        pf_vindex_free(index);
        if (!ok)
            return false;
    }
    t.cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    print_line(b, asks ? "open and ask once" : "open", 0, &t, -1);
    return true;
}

/* ---- asking ---- */

static size_t count_right(const float *scores, const float *best)
{
    size_t right = 0;
    for (size_t i = 0; i < K; i++)
        right += scores[i] >= best[K - 1] - 1e-5f && scores[i] > -1;
    return right;
}

static bool measure_asking(const bench *b, pf_vindex *index, int p, int threads,
                           pf_err *err)
{
    char what[40];
    timing t = {.n = b->times};
    size_t right = 0;
    pf_vindex_set_threads(index, threads);
    const double cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t q = 0; q < b->times; q++) {
        int64_t ids[K];
        float scores[K];
        const bool all = percents[p] == 100;
        const double start = pf_bench_seconds(CLOCK_MONOTONIC);
        if (!pf_vindex_search(index, b->queries + q * (size_t)b->dim, 1, K,
                              all ? NULL : b->only[p], all ? 0 : b->n_only[p], ids,
                              scores, NULL, err))
            return false;
        t.wall[q] = pf_bench_seconds(CLOCK_MONOTONIC) - start;
        right += count_right(scores, b->best[p] + q * K);
    }
    t.cpu = pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    snprintf(what, sizeof what, "10 of %d %%", percents[p]);
    print_line(b, what, threads, &t, (double)right / (double)(K * b->times));
    return true;
}

static bool measure(bench *b, pf_err *err)
{
    pf_vindex *index = NULL;
    if (!make_centres(b, err) || !make_questions(b, err))
        return false;
    char *path = pf_path_join(b->folder, "bench.faiss", err);
    printf(
        "count\tdim\tclusters\twhat\tthreads\tmedian_ms\tleast_ms\tcpu_ms\trecall\n");
    bool ok = path && write_file(b, path, err) &&
              (b->lists == 0 || make_lists(b, path, err)) &&
              measure_opening(b, path, false, err) &&
              measure_opening(b, path, true, err) && open_index(b, path, &index, err);
    for (int threads = 2; ok && threads >= 1; threads--) {
        for (int p = 0; ok && p < PERCENTS; p++)
            ok = measure_asking(b, index, p, threads, err);
    }
    pf_vindex_free(index);
    pf_free(path);
    return ok;
}

static bool take_number(int argc, char **argv, int at, size_t least, size_t most,
                        size_t *out)
{
    char *end;
    if (at >= argc)
        return true;
    *out = strtoul(argv[at], &end, 10);
    return *end == '\0' && *out >= least && *out <= most;
}

int main(int argc, char **argv)
{
    bench b = {.times = 20, .clusters = 1000};
    size_t dim = 512;
    pf_blas_set_threads(1);
    if (argc < 3 || argc > 7 || !take_number(argc, argv, 2, K, 100000000, &b.count) ||
        !take_number(argc, argv, 3, 1, DIM_MAX, &dim) ||
        !take_number(argc, argv, 4, 1, TIMES_MAX, &b.times) ||
        !take_number(argc, argv, 5, 0, 1000000, &b.clusters) ||
        !take_number(argc, argv, 6, 0, PF_VLISTS_MAX, &b.lists)) {
        fprintf(stderr, "usage: pf-bench-index FOLDER COUNT [DIM [TIMES [CLUSTERS "
                        "[LISTS]]]]\n");
        return 2;
    }
    b.folder = argv[1];
    b.dim = (int)dim;
    pf_err err = PF_ERR_INIT;
    const bool ok = measure(&b, &err);
    if (!ok)
        fprintf(stderr, "pf-bench-index: %s\n", err.msg);
    pf_free(b.centres);
    pf_free(b.queries);
    for (int p = 0; p < PERCENTS; p++) {
        pf_free(b.best[p]);
        pf_free(b.only[p]);
    }
    return !ok;
}
