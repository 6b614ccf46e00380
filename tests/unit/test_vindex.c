/* test_vindex.c - neighbours against a brute-force oracle, ties, selections, files. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/vcodes.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vindex.h"
#include "tests/support/index_file.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 24, COUNT = 700, QUERIES = 45 };

static char folder[PF_TREE_ROOM];

/* COUNT seeded vectors under ids 3, 6, 9, ...; every fifth one repeats vector 0, so
 * that a tie of 140 crosses every k. */
static pf_vindex *make_index(float *vectors, int64_t *ids)
{
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = 3 * ((int64_t)i + 1);
        pf_seeded_vector(vectors + i * DIM, DIM, (uint32_t)i);
        if (i % 5 == 0)
            memcpy(vectors + i * DIM, vectors, DIM * sizeof *vectors);
    }
    pf_err err = PF_ERR_INIT;
    pf_vindex *index;
    assert_ok(pf_vindex_new(&index, DIM, &err), &err);
    assert_ok(pf_vindex_add(index, ids, vectors, 100, &err), &err);
    assert_ok(pf_vindex_add(index, ids + 100, vectors + 100 * DIM, COUNT - 100, &err),
              &err);
    assert_int_equal(pf_vindex_count(index), COUNT);
    assert_int_equal(pf_vindex_dim(index), DIM);
    return index;
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Is ids/scores [k] the true answer for `query` among the vectors with allowed[i]?
 * Every score is right to 1e-6, they fall, equal ones go by id, and nothing better is
 * missing. */
static void assert_answer(const float *query, const float *vectors,
                          const int64_t *known, const bool *allowed, size_t k,
                          size_t count, const int64_t *ids, const float *scores)
{
    size_t candidates = 0, better = 0;
    bool is_hit[COUNT] = {false};
    for (size_t i = 0; i < COUNT; i++)
        candidates += !allowed || allowed[i];
    assert_int_equal(count, k < candidates ? k : candidates);
    for (size_t i = 0; i < count; i++) {
        assert_true(ids[i] % 3 == 0 && ids[i] > 0 && ids[i] <= 3 * COUNT);
        size_t at = (size_t)(ids[i] / 3 - 1);
        assert_false(is_hit[at]);
        is_hit[at] = true;
        assert_true(!allowed || allowed[at]);
        assert_true(fabs(dot(query, vectors + at * DIM) - scores[i]) < 1e-6);
        if (i > 0) {
            assert_true(scores[i] <= scores[i - 1]);
            assert_true(scores[i] < scores[i - 1] || ids[i] > ids[i - 1]);
        }
    }
    for (size_t i = 0; count > 0 && i < COUNT; i++) {
        if (is_hit[i] || (allowed && !allowed[i]))
            continue;
        double score = dot(query, vectors + i * DIM);
        better += score > scores[count - 1] + 1e-6;
        bool repeats = i % 5 == 0, last_repeats = (ids[count - 1] / 3 - 1) % 5 == 0;
        better += repeats && last_repeats && known[i] < ids[count - 1];
    }
    assert_int_equal(better, 0);
    for (size_t i = count; i < k; i++) {
        assert_int_equal(ids[i], -1);
        assert_true(scores[i] == -1.0f);
    }
}

static float vectors[COUNT * DIM], queries[QUERIES * DIM];
static int64_t known[COUNT], found[QUERIES * (COUNT + 9)];
static float scores[QUERIES * (COUNT + 9)];
static size_t counts[QUERIES];

static pf_vindex *start(void)
{
    pf_vindex *index = make_index(vectors, known);
    for (size_t q = 0; q < QUERIES; q++)
        pf_seeded_vector(queries + q * DIM, DIM, COUNT + (uint32_t)q);
    memcpy(queries, vectors, DIM * sizeof *vectors); /* the tie is at the very top */
    return index;
}

static void search_agrees_with_brute_force(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = start();
    const size_t ks[] = {1, 2, 10, 139, 140, 141, COUNT - 1, COUNT, COUNT + 9};
    for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
        size_t k = ks[j];
        assert_ok(pf_vindex_search(index, queries, QUERIES, k, NULL, 0, found, scores,
                                   counts, &err),
                  &err);
        for (size_t q = 0; q < QUERIES; q++)
            assert_answer(queries + q * DIM, vectors, known, NULL, k, counts[q],
                          found + q * k, scores + q * k);
    }
    pf_vindex_free(index);
}

static void one_query_and_many_get_the_same_bits(void **state)
{
    (void)state;
    enum { K = 30 };
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = start();
    assert_ok(pf_vindex_search(index, queries, QUERIES, K, NULL, 0, found, scores, NULL,
                               &err),
              &err);
    for (size_t q = 0; q < QUERIES; q++) {
        int64_t ids[K];
        float alone[K];
        assert_ok(pf_vindex_search(index, queries + q * DIM, 1, K, NULL, 0, ids, alone,
                                   NULL, &err),
                  &err);
        assert_memory_equal(ids, found + q * K, sizeof ids);
        assert_memory_equal(alone, scores + q * K, sizeof alone);
        /* and so does a selection of everything */
        assert_ok(pf_vindex_search(index, queries + q * DIM, 1, K, known, COUNT, ids,
                                   alone, NULL, &err),
                  &err);
        assert_memory_equal(ids, found + q * K, sizeof ids);
        assert_memory_equal(alone, scores + q * K, sizeof alone);
    }
    pf_vindex_free(index);
}

static void a_selection_limits_the_search(void **state)
{
    (void)state;
    enum { K = 12 };
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = start();
    bool allowed[COUNT] = {false};
    int64_t only[300];
    size_t n = 0;
    for (size_t i = COUNT; i-- > 0;) { /* descending, with strangers and repeats */
        if (i % 7 != 2)
            continue;
        allowed[i] = true;
        only[n++] = known[i];
        only[n++] = known[i] + 1;
        if (i % 3 == 0)
            only[n++] = known[i];
    }
    assert_true(n < 300);
    assert_ok(pf_vindex_search(index, queries, QUERIES, K, only, n, found, scores,
                               counts, &err),
              &err);
    for (size_t q = 0; q < QUERIES; q++)
        assert_answer(queries + q * DIM, vectors, known, allowed, K, counts[q],
                      found + q * K, scores + q * K);
    const int64_t strangers[] = {1, -5, INT64_MAX};
    assert_ok(pf_vindex_search(index, queries, 1, K, strangers, 3, found, scores,
                               counts, &err),
              &err);
    assert_int_equal(counts[0], 0);
    assert_int_equal(found[0], -1);
    assert_ok(
        pf_vindex_search(index, queries, 1, K, known, 0, found, scores, counts, &err),
        &err);
    assert_int_equal(counts[0], 0);
    pf_vindex_free(index);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index;
    assert_refused(pf_vindex_new(&index, 0, &err), &err, "0 floats");
    assert_refused(pf_vindex_new(&index, 65537, &err), &err, "65537 floats");
    index = start();
    const int64_t old = known[COUNT - 1], fresh = old + 1;
    assert_refused(pf_vindex_add(index, &old, vectors, 1, &err), &err, "follows id");
    float bad[DIM] = {NAN};
    assert_refused(pf_vindex_add(index, &fresh, bad, 1, &err), &err, "length 1");
    assert_refused(
        pf_vindex_search(index, bad, 1, 1, NULL, 0, found, scores, NULL, &err), &err,
        "length 1");
    memset(bad, 0, sizeof bad);
    assert_refused(
        pf_vindex_search(index, bad, 1, 1, NULL, 0, found, scores, NULL, &err), &err,
        "length 1");
    assert_int_equal(pf_vindex_count(index), COUNT);
    pf_vindex_free(index);
}

static const float *get(const pf_vindex *index, int64_t id)
{
    pf_err err = PF_ERR_INIT;
    const float *vector;
    assert_ok(pf_vindex_get(index, id, &vector, &err), &err);
    return vector;
}

static bool next(const pf_vindex *index, pf_vindex_step *step)
{
    pf_err err = PF_ERR_INIT;
    bool is_there;
    assert_ok(pf_vindex_next(index, step, &is_there, &err), &err);
    return is_there;
}

/* By id, and one after another. */
static void assert_holds_all(const pf_vindex *index)
{
    pf_vindex_step step = {0};
    size_t n = 0;
    for (; next(index, &step); n++) {
        assert_int_equal(step.id, known[n]);
        assert_memory_equal(step.vector, vectors + n * DIM, DIM * sizeof *vectors);
        assert_ptr_equal(get(index, known[n]), step.vector);
    }
    assert_int_equal(n, COUNT);
    assert_false(next(index, &step));
    assert_null(get(index, 0));
    assert_null(get(index, known[COUNT - 1] + 1));
    assert_null(get(index, INT64_MIN));
}

/* What the host has set for its own OpenMP loops is none of our business. */
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int n);
static void threads_are_those_of_the_index(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = start();
    omp_set_num_threads(3);
    for (int n = 0; n <= 2; n++) {
        pf_vindex_set_threads(index, n);
        assert_ok(
            pf_vindex_search(index, queries, 1, 5, NULL, 0, found, scores, NULL, &err),
            &err);
        assert_int_equal(omp_get_max_threads(), 3);
    }
    pf_vindex_free(index);
}

static bool load(pf_vindex **out, const char *path, const pf_hash *checksum, int dim,
                 size_t count, pf_err *err)
{
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    const pf_vfile_record record = {.checksum = *checksum, .dim = dim, .count = count};
    const bool ok = pf_vindex_read(out, fd, path, &record, err);
    close(fd);
    return ok;
}

static void a_saved_index_comes_back(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "a.faiss");
    pf_vindex *index = start(), *again;
    pf_hash checksum, twice;
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(load(&again, path, &checksum, DIM, COUNT, &err), &err);
    assert_holds_all(again);
    enum { K = 20 };
    assert_ok(
        pf_vindex_search(again, queries, 1, K, NULL, 0, found, scores, counts, &err),
        &err);
    assert_answer(queries, vectors, known, NULL, K, counts[0], found, scores);
    assert_ok(pf_vindex_save(again, path, &twice, &err), &err);
    assert_true(pf_hash_equal(&checksum, &twice));
    pf_vindex_free(again);
    assert_refused(load(&again, path, &checksum, DIM, COUNT + 1, &err), &err,
                   "for 701 vectors of 24");
    assert_refused(load(&again, path, &checksum, DIM + 1, COUNT, &err), &err,
                   "for 700 vectors of 25");
    path = pf_tree_path(folder, "missing/a.faiss");
    assert_refused(pf_vindex_save(index, path, &checksum, &err), &err, "cannot write");
    assert_refused(load(&again, folder, &checksum, DIM, COUNT, &err), &err, folder);
    assert_int_equal(err.code, PF_ERR_IO);
    pf_vindex_free(index);
}

/* Whatever was read of it before, and when its name is gone. */
static void an_open_file_can_be_read_again(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "held.faiss");
    pf_vindex *index = start(), *again;
    pf_hash checksum;
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    pf_vindex_free(index);
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lseek(fd, i * 1000, SEEK_SET), i * 1000);
        const pf_vfile_record record = {
            .checksum = checksum, .dim = DIM, .count = COUNT};
        assert_ok(pf_vindex_read(&again, fd, path, &record, &err), &err);
        assert_holds_all(again);
        pf_vindex_free(again);
    }
    close(fd);
}

static void an_empty_index_works(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "empty.faiss");
    pf_vindex *index, *again;
    pf_hash checksum;
    pf_vindex_free(start());
    assert_ok(pf_vindex_new(&index, DIM, &err), &err);
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    assert_ok(load(&again, path, &checksum, DIM, 0, &err), &err);
    assert_ok(
        pf_vindex_search(again, queries, 2, 3, NULL, 0, found, scores, counts, &err),
        &err);
    assert_int_equal(counts[1], 0);
    assert_int_equal(found[5], -1);
    assert_ok(
        pf_vindex_search(again, queries, 1, 3, known, 4, found, scores, counts, &err),
        &err);
    assert_int_equal(counts[0], 0);
    pf_vindex_free(index);
    pf_vindex_free(again);
    pf_vindex_free(NULL);
}

static void damaged_cut_and_foreign_files_are_refused(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "hurt.faiss");
    pf_vindex *index = start(), *again;
    pf_hash checksum;
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    pf_vindex_free(index);
    static uint8_t bytes[1 << 20];
    const size_t n = pf_tree_read(path, bytes, sizeof bytes);
    assert_true(n > COUNT * DIM * sizeof(float));

    const size_t cuts[] = {0, 1, 4, 100, n / 2, n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        pf_tree_write(path, bytes, cuts[i]);
        assert_refused(load(&again, path, &checksum, DIM, COUNT, &err), &err,
                       "is damaged");
        assert_int_equal(err.code, PF_ERR_FORMAT);
        /* bytes somebody recorded a checksum for, but which are no index */
        pf_hash cut = pf_hash_bytes(bytes, cuts[i]);
        assert_refused(load(&again, path, &cut, DIM, COUNT, &err), &err, "is damaged");
    }
    for (size_t i = 0; i < n; i += n / 97) {
        bytes[i] ^= 0x40;
        pf_tree_write(path, bytes, n);
        assert_refused(load(&again, path, &checksum, DIM, COUNT, &err), &err,
                       "is damaged");
        assert_null(again);
        bytes[i] ^= 0x40;
    }
}

static uint8_t file[1 << 18];
static size_t file_size;

/* The file as it is in `file`, with a checksum that somebody has recorded for it. */
static void assert_not_trusted(int dim, size_t count, const char *words)
{
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "hostile.faiss");
    const pf_hash checksum = pf_index_file_seal(file, file_size);
    pf_vindex *index;
    pf_tree_write(path, file, file_size);
    assert_refused(load(&index, path, &checksum, dim, count, &err), &err, words);
    assert_null(index);
    assert_int_equal(err.code, PF_ERR_FORMAT);
}

/* A checksum keeps no one out who can write it, too: nothing of a file is taken but
 * what save() would have written. */
static void what_fits_its_checksum_is_checked_all_the_same(void **state)
{
    (void)state;
    enum {
        RANGES = 147, /* vfile_layout.h has the layout */
        CODES = RANGES + 8 * DIM + 8,
        FLAT = CODES + COUNT * DIM,
        VECTORS = FLAT + 45,
        TAIL = VECTORS + 4 * COUNT * DIM,
        IDS = TAIL + 12,
        IDS_END = IDS + 8 * COUNT,
        ERRORS = VECTORS + (IDS_END - VECTORS + 63) / 64 * 64,
    };
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "whole.faiss");
    pf_vindex *index = start();
    pf_hash checksum;
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    pf_vindex_free(index);
    file_size = pf_tree_read(path, file, sizeof file);
    assert_true(file_size > ERRORS + 4 * COUNT);
    static const struct {
        size_t first, end;
    } fixed[] = {{0, RANGES}, {CODES - 8, CODES}, {FLAT, VECTORS}, {TAIL, IDS}};
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++) {
        for (size_t i = fixed[k].first; i < fixed[k].end; i++) {
            file[i] ^= 0x81;
            assert_not_trusted(DIM, COUNT, "are not those of 700 vectors of 24");
            file[i] ^= 0x81;
        }
    }
    /* other indexes of FAISS, which read on by themselves */
    const char *const kinds[] = {"IxFI", "IxF2", "IxFl", "IxPq", "IxPT",
                                 "IxM2", "IwFl", "IvPQ", "IHNf", "IxRF",
                                 "IxSQ", "ImiQ", "IxHe", "IxRQ"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (size_t at = 0; at < 111; at += 37) {
            uint8_t before[4];
            memcpy(before, file + at, 4);
            memcpy(file + at, kinds[i], 4);
            if (memcmp(before, kinds[i], 4) != 0)
                assert_not_trusted(DIM, COUNT, "are not those");
            memcpy(file + at, before, 4);
        }
    }
    const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, 4.5f};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (size_t i = 0; i < 2 * DIM; i += 5) {
            float old;
            memcpy(&old, file + RANGES + i * 4, 4);
            memcpy(file + RANGES + i * 4, &bad[k], 4);
            assert_not_trusted(DIM, COUNT, "numbers of unit vectors do not go");
            memcpy(file + RANGES + i * 4, &old, 4);
        }
        for (size_t i = 0; i < COUNT; i += 99) {
            memcpy(file + VECTORS + (i * DIM + 1) * 4, &bad[k], 4);
            assert_not_trusted(DIM, COUNT, "has not length 1");
            memcpy(file + VECTORS + (i * DIM + 1) * 4, &vectors[i * DIM + 1], 4);
        }
    }
    /* what would pass over a neighbour: codes of another vector, an error too small */
    for (size_t i = 0; i < COUNT; i += 99) {
        float old;
        file[CODES + i * DIM + 3] ^= 0x80;
        assert_not_trusted(DIM, COUNT, "are not its");
        file[CODES + i * DIM + 3] ^= 0x80;
        memcpy(&old, file + ERRORS + i * 4, 4);
        for (size_t k = 0; k < 2; k++) {
            const float less = k ? NAN : old / 2;
            memcpy(file + ERRORS + i * 4, &less, 4);
            assert_not_trusted(DIM, COUNT, "are not its");
        }
        memcpy(file + ERRORS + i * 4, &old, 4);
    }
    const int64_t ids[] = {0, -1, INT64_MIN, 3, 6, INT64_MAX}; /* 3 is before, 6 it */
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        memcpy(file + IDS + 8, &ids[i], 8);
        if (ids[i] != 6)
            assert_not_trusted(DIM, COUNT, "ids do not ascend");
    }
    memcpy(file + IDS + 8, &known[1], 8);
    assert_not_trusted(DIM, COUNT + 1, "for 701 vectors");
    assert_not_trusted(DIM + 1, COUNT, "of 25 floats");
    assert_not_trusted(DIM, 1000000000, "for 1000000000 vectors");
    assert_not_trusted(65536, 1000000000, "of 65536 floats");
    file_size = 82;
    assert_not_trusted(DIM, COUNT, "it has 82 bytes");
    assert_not_trusted(DIM, 0, "it has 82 bytes");
}

/* ---- what is read when it is needed ---- */

/* The saved index, of which nothing is checked before it is needed. */
static pf_vindex *open_lazily(const char *path, bool is_own)
{
    pf_err err = PF_ERR_INIT;
    pf_hash checksum;
    pf_vindex *index = start(), *again;
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    pf_vindex_free(index);
    assert_int_equal(chmod(path, is_own ? 0600 : 0620), 0);
    pf_vfile_check_up_to(0);
    assert_ok(load(&again, path, &checksum, DIM, COUNT, &err), &err);
    return again;
}

static void close_lazily(pf_vindex *index)
{
    pf_vindex_free(index);
    pf_vfile_check_up_to(4 << 20);
}

/* Mapped, and read by blocks because others may write to it. */
static void a_file_is_searched_by_every_kernel(void **state)
{
    (void)state;
    enum { K = 30 };
    static const char *const kernels[] = {"plain", "avx2", "vnni"};
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "lazy.faiss");
    for (size_t n = 0; n < 2 * sizeof kernels / sizeof *kernels; n++) {
        if (!pf_vcodes_use(kernels[n / 2]))
            continue;
        pf_vindex *index = open_lazily(path, n % 2 == 0);
        assert_ok(pf_vindex_search(index, queries, QUERIES, K, NULL, 0, found, scores,
                                   counts, &err),
                  &err);
        for (size_t q = 0; q < QUERIES; q++)
            assert_answer(queries + q * DIM, vectors, known, NULL, K, counts[q],
                          found + q * K, scores + q * K);
        assert_holds_all(index);
        assert_ok(pf_vindex_check(index, &err), &err);
        assert_false(pf_vindex_is_damaged(index));
        close_lazily(index);
    }
    assert_true(pf_vcodes_use(NULL));
}

enum { MANY = 20000, SHARERS = 4, NEAREST = 20 };

typedef struct {
    const pf_vindex *index;
    int64_t ids[QUERIES * NEAREST];
    float scores[QUERIES * NEAREST];
    bool ok;
} sharer;

static void *search_shared(void *user)
{
    sharer *s = user;
    pf_err local = PF_ERR_INIT;
    s->ok = pf_vindex_search(s->index, queries, QUERIES, NEAREST, NULL, 0, s->ids,
                             s->scores, NULL, &local);
    return NULL;
}

/* Searches of several threads each, at once, of a file of which nothing was checked
 * yet: all find what a search in memory finds, whoever reads a block first. */
static void searches_share_the_blocks_of_a_file(void **state)
{
    (void)state;
    static float many[MANY * DIM];
    static int64_t ids[MANY];
    static sharer sharers[SHARERS], alone;
    pf_err err = PF_ERR_INIT;
    pf_hash checksum;
    pf_vindex_free(start()); /* queries */
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = (int64_t)i + 1;
        pf_seeded_vector(many + i * DIM, DIM, (uint32_t)i);
    }
    const char *path = pf_tree_path(folder, "shared.faiss");
    pf_vindex *whole, *index;
    assert_ok(pf_vindex_new(&whole, DIM, &err), &err);
    assert_ok(pf_vindex_add(whole, ids, many, MANY, &err), &err);
    alone.index = whole;
    assert_ok(pf_vindex_save(whole, path, &checksum, &err), &err);
    search_shared(&alone);
    assert_true(alone.ok);
    pf_vindex_free(whole);
    pf_vfile_check_up_to(0);
    for (int is_own = 0; is_own < 2; is_own++) {
        pthread_t threads[SHARERS];
        assert_int_equal(chmod(path, is_own ? 0600 : 0620), 0);
        assert_ok(load(&index, path, &checksum, DIM, MANY, &err), &err);
        pf_vindex_set_threads(index, 3);
        for (size_t i = 0; i < SHARERS; i++) {
            sharers[i] = (sharer){.index = index};
            assert_int_equal(
                pthread_create(&threads[i], NULL, search_shared, &sharers[i]), 0);
        }
        for (size_t i = 0; i < SHARERS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_true(sharers[i].ok);
            assert_memory_equal(sharers[i].ids, alone.ids, sizeof alone.ids);
            assert_memory_equal(sharers[i].scores, alone.scores, sizeof alone.scores);
        }
        pf_vindex_free(index);
    }
    pf_vfile_check_up_to(4 << 20);
}

static void note_pair(void *user, size_t query, int64_t id)
{
    bool(*is_near)[COUNT] = user;
    assert_false(is_near[query][id / 3 - 1]);
    is_near[query][id / 3 - 1] = true;
}

static void ranges_of_a_file_lack_nothing(void **state)
{
    (void)state;
    static bool is_near[QUERIES][COUNT];
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = open_lazily(pf_tree_path(folder, "near.faiss"), true);
    for (double least = -0.2; least < 1; least += 0.3) {
        memset(is_near, 0, sizeof is_near);
        assert_ok(
            pf_vindex_near(index, queries, QUERIES, least, note_pair, is_near, &err),
            &err);
        for (size_t q = 0; q < QUERIES; q++) {
            for (size_t i = 0; i < COUNT; i++) {
                const double cosine = dot(queries + q * DIM, vectors + i * DIM);
                assert_true(is_near[q][i] || cosine < least);
                assert_true(!is_near[q][i] || cosine > least - 2e-5);
            }
        }
    }
    close_lazily(index);
}

/* What is damaged is found by whoever needs it, at the latest by the check; what was
 * cut while it was open, by all. */
static void damage_is_found_when_it_is_needed(void **state)
{
    (void)state;
    enum { K = 5 };
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "late.faiss");
    pf_hash checksum;
    pf_vindex *index = start();
    assert_ok(pf_vindex_save(index, path, &checksum, &err), &err);
    pf_vindex_free(index);
    const size_t size = pf_tree_read(path, file, sizeof file);
    size_t n_late = 0;
    pf_vfile_check_up_to(0);
    for (size_t i = 0; i < 2 * 90; i++) {
        const size_t at = i / 2 * (size / 90);
        file[at] ^= 0x10;
        pf_tree_write(path, file, size);
        file[at] ^= 0x10;
        assert_int_equal(chmod(path, i % 2 == 0 ? 0600 : 0620), 0);
        err = (pf_err)PF_ERR_INIT;
        if (!load(&index, path, &checksum, DIM, COUNT, &err)) {
            assert_non_null(strstr(err.msg, "is damaged"));
            continue;
        }
        const bool ok = pf_vindex_search(index, queries, QUERIES, K, NULL, 0, found,
                                         scores, counts, &err);
        assert_true(ok || (err.code == PF_ERR_FORMAT && pf_vindex_is_damaged(index)));
        for (size_t q = 0; ok && q < QUERIES; q++)
            assert_answer(queries + q * DIM, vectors, known, NULL, K, counts[q],
                          found + q * K, scores + q * K);
        n_late += !ok;
        assert_refused(pf_vindex_check(index, &err), &err, "is damaged");
        pf_vindex_free(index);
    }
    assert_true(n_late > 10);
    for (int is_own = 0; is_own < 2; is_own++) {
        index = open_lazily(path, is_own);
        assert_int_equal(truncate(path, 3 << 14), 0);
        assert_refused(pf_vindex_search(index, queries, 1, K, NULL, 0, found, scores,
                                        counts, &err),
                       &err, "is damaged");
        assert_true(pf_vindex_is_damaged(index));
        close_lazily(index);
    }
}

/* No numbers ask for memory, and nobody waits for a pipe. */
static void what_cannot_be_is_refused_before_it_is_read(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "fifo");
    const pf_hash none = {{0}};
    pf_vindex *index;
    assert_int_equal(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    const pf_vfile_record record = {.checksum = none, .dim = DIM, .count = 1};
    assert_refused(pf_vindex_read(&index, fd, path, &record, &err), &err,
                   "not a regular file");
    close(fd);
    path = pf_tree_path(folder, "empty");
    pf_tree_write(path, "", 0);
    assert_refused(load(&index, path, &none, 65537, 1, &err), &err, "are possible");
    assert_refused(load(&index, path, &none, 0, 1, &err), &err, "are possible");
    assert_refused(load(&index, path, &none, -1, 1, &err), &err, "are possible");
    assert_refused(load(&index, path, &none, DIM, SIZE_MAX / 2, &err), &err,
                   "are possible");
}

/* Every allocation of ours may fail; nothing leaks and the message says why. */
static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    const char *path = pf_tree_path(folder, "memory.faiss");
    pf_vindex_free(start());
    bool done = false;
    for (long n = 1; !done; n++) {
        pf_err err = PF_ERR_INIT;
        pf_vindex *index = NULL, *again = NULL;
        pf_hash checksum;
        pf_mem_fail_at(n);
        done =
            pf_vindex_new(&index, DIM, &err) &&
            pf_vindex_add(index, known, vectors, COUNT, &err) &&
            pf_vindex_save(index, path, &checksum, &err) &&
            load(&again, path, &checksum, DIM, COUNT, &err) &&
            pf_vindex_search(again, queries, 3, 5, NULL, 0, found, scores, NULL,
                             &err) &&
            pf_vindex_search(again, queries, 3, 5, known, 9, found, scores, NULL, &err);
        pf_mem_fail_at(0);
        if (!done)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        pf_vindex_free(index);
        pf_vindex_free(again);
        char temp[160];
        snprintf(temp, sizeof temp, "%s.tmp", path);
        assert_int_not_equal(access(temp, F_OK), 0);
        assert_true(n < 1000);
    }
}

static int make_folder(void **state)
{
    (void)state;
    pf_tree_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    pf_tree_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_agrees_with_brute_force),
        cmocka_unit_test(one_query_and_many_get_the_same_bits),
        cmocka_unit_test(a_selection_limits_the_search),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(threads_are_those_of_the_index),
        cmocka_unit_test(a_saved_index_comes_back),
        cmocka_unit_test(an_open_file_can_be_read_again),
        cmocka_unit_test(an_empty_index_works),
        cmocka_unit_test(damaged_cut_and_foreign_files_are_refused),
        cmocka_unit_test(what_fits_its_checksum_is_checked_all_the_same),
        cmocka_unit_test(a_file_is_searched_by_every_kernel),
        cmocka_unit_test(searches_share_the_blocks_of_a_file),
        cmocka_unit_test(ranges_of_a_file_lack_nothing),
        cmocka_unit_test(damage_is_found_when_it_is_needed),
        cmocka_unit_test(what_cannot_be_is_refused_before_it_is_read),
        cmocka_unit_test(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
