/* test_vlists.c - an index file whose vectors lie in lists: what is found, and what of
 * such a file is believed. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/vcodes.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vindex.h"
#include "core/catalog/vlists.h"
#include "core/catalog/vlists_make.h"
#include "tests/support/index_file.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum {
    DIM = 24,
    COUNT = 3000,
    CENTRES = 30,
    LISTS = 40,
    QUERIES = 200,
    K = 10,
    K_MAX = 100,
};

static char folder[PF_TREE_ROOM];
static uint8_t file[1 << 20];
static size_t file_size;
static float vectors[COUNT * DIM], queries[QUERIES * DIM];
static int64_t ids[COUNT];

/* Noise around a centre; the seventh of every seven is the one before. */
static void make_vector(float *v, uint32_t seed)
{
    float centre[DIM], noise[DIM];
    double square = 0;
    if (seed % 7 == 6)
        seed--;
    pf_seeded_vector(centre, DIM, 100000 + seed % CENTRES);
    pf_seeded_vector(noise, DIM, seed);
    for (int i = 0; i < DIM; i++) {
        v[i] = centre[i] + 0.7f * noise[i];
        square += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
}

static void make_vectors(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = 3 * ((int64_t)i + 1);
        make_vector(vectors + i * DIM, (uint32_t)i);
    }
    for (size_t i = 0; i < QUERIES; i++)
        make_vector(queries + i * DIM, 50000 + (uint32_t)i);
}

/* ---- files ---- */

static pf_vindex *in_memory(const float *rows, const int64_t *of, size_t n)
{
    pf_err err = PF_ERR_INIT;
    pf_vindex *index;
    assert_ok(pf_vindex_new(&index, DIM, &err), &err);
    assert_ok(pf_vindex_add(index, of, rows, n, &err), &err);
    return index;
}

static pf_vfile_record write_plain(const char *path, const float *rows,
                                   const int64_t *of, size_t n)
{
    pf_err err = PF_ERR_INIT;
    pf_vfile_record record = {.dim = DIM, .count = n};
    pf_vindex *index = in_memory(rows, of, n);
    assert_ok(pf_vindex_save(index, path, &record.checksum, &err), &err);
    pf_vindex_free(index);
    return record;
}

static pf_vfile *open_file(const char *path, const pf_vfile_record *record)
{
    pf_err err = PF_ERR_INIT;
    pf_vfile *f;
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_ok(pf_vfile_open(&f, fd, path, record, &err), &err);
    close(fd);
    return f;
}

static bool read_index(pf_vindex **out, const char *path, const pf_vfile_record *record,
                       pf_err *err)
{
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    const bool ok = pf_vindex_read(out, fd, path, record, err);
    close(fd);
    return ok;
}

static pf_vlists_wish wish_of(size_t n_lists)
{
    return (pf_vlists_wish){.n_lists = n_lists,
                            .must = true,
                            .asked = {{vectors, ids, COUNT}, {queries, NULL, QUERIES}}};
}

static pf_vlists_made put_into_lists(const char *path, pf_vfile_record *record,
                                     const pf_vlists_wish *wish)
{
    pf_err err = PF_ERR_INIT;
    pf_vlists_made made;
    pf_vfile *plain = open_file(path, record);
    assert_ok(pf_vlists_make(&made, plain, path, wish, &err), &err);
    pf_vfile_close(plain);
    if (made.n_lists > 0) {
        record->checksum = made.checksum;
        record->n_lists = made.n_lists;
    }
    return made;
}

static pf_vlists_made make_file(const char *path, pf_vfile_record *record)
{
    const pf_vlists_wish wish = wish_of(LISTS);
    *record = write_plain(path, vectors, ids, COUNT);
    return put_into_lists(path, record, &wish);
}

static pf_vindex *open_index(const char *name, size_t n_probe)
{
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, name);
    pf_vfile_record record;
    pf_vindex *index;
    const pf_vlists_made made = make_file(path, &record);
    assert_ok(read_index(&index, path, &record, &err), &err);
    pf_vindex_set_probe(index, n_probe > 0 ? n_probe : made.n_probe);
    return index;
}

/* ---- what is found ---- */

static int64_t found[QUERIES * K_MAX], right[QUERIES * K_MAX];
static float found_scores[QUERIES * K_MAX], right_scores[QUERIES * K_MAX];

static void search(const pf_vindex *index, size_t k, const int64_t *only, size_t n_only,
                   int64_t *to, float *scores)
{
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_vindex_search(index, queries, QUERIES, k, only, n_only, to, scores,
                               NULL, &err),
              &err);
}

static void assert_same(size_t k)
{
    assert_memory_equal(found, right, QUERIES * k * sizeof *found);
    assert_memory_equal(found_scores, right_scores, QUERIES * k * sizeof *found_scores);
}

/* Ties, too: they go by id, though positions do not. */
static void all_lists_together_are_exact(void **state)
{
    (void)state;
    pf_vindex *index = open_index("all.faiss", LISTS);
    pf_vindex *exact = in_memory(vectors, ids, COUNT);
    memcpy(queries, vectors + 6 * DIM, DIM * sizeof *queries); /* that is there twice */
    for (size_t k = 1; k <= K_MAX; k *= 10) {
        search(index, k, NULL, 0, found, found_scores);
        search(exact, k, NULL, 0, right, right_scores);
        assert_same(k);
    }
    make_vectors();
    pf_vindex_free(index);
    pf_vindex_free(exact);
}

static void enough_lists_find_nearly_all(void **state)
{
    (void)state;
    const char *path = pf_tree_path(folder, "some.faiss");
    pf_vfile_record record;
    const pf_vlists_made made = make_file(path, &record);
    assert_int_equal(made.n_lists, LISTS);
    assert_true(made.n_probe >= 1 && made.n_probe < LISTS / 2);
    assert_true(made.recall >= 0.995 && made.recall <= 1);
    for (size_t i = 0; i < QUERIES; i++) /* others than it was measured with */
        make_vector(queries + i * DIM, 80000 + (uint32_t)i);
    pf_vindex *index = open_index("some.faiss", 0);
    pf_vindex *exact = in_memory(vectors, ids, COUNT);
    search(index, K, NULL, 0, found, found_scores);
    search(exact, K, NULL, 0, right, right_scores);
    size_t n = 0;
    for (size_t i = 0; i < QUERIES * K; i++)
        n += found_scores[i / K * K + i % K] >= right_scores[i / K * K + K - 1];
    assert_true((double)n >= 0.99 * QUERIES * K);
    make_vectors();
    pf_vindex_free(index);
    pf_vindex_free(exact);
}

typedef struct {
    size_t n, sum;
} told;

static void count_told(void *user, size_t query, int64_t id)
{
    told *t = user;
    t->n++;
    t->sum += (query + 1) * (size_t)id;
}

static void filters_and_ranges_are_exact(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = open_index("filter.faiss", 1);
    pf_vindex *exact = in_memory(vectors, ids, COUNT);
    int64_t only[COUNT];
    size_t n_only = 0;
    for (size_t i = COUNT; i-- > 0;) { /* descending, with strangers */
        only[n_only] = ids[i] + (i % 5 == 0);
        n_only += i % 3 != 0;
    }
    search(index, K_MAX, only, n_only, found, found_scores);
    search(exact, K_MAX, only, n_only, right, right_scores);
    assert_same(K_MAX);
    told a = {0}, b = {0};
    assert_ok(pf_vindex_near(index, queries, QUERIES, 0.9, count_told, &a, &err), &err);
    assert_ok(pf_vindex_near(exact, queries, QUERIES, 0.9, count_told, &b, &err), &err);
    assert_true(a.n > 0);
    assert_int_equal(a.n, b.n);
    assert_int_equal(a.sum, b.sum);
    pf_vindex_free(index);
    pf_vindex_free(exact);
}

/* As many as the lists have not four times over are looked for everywhere. */
static void few_in_the_lists_are_looked_for_everywhere(void **state)
{
    (void)state;
    pf_vindex *index = open_index("few.faiss", 1);
    pf_vindex *exact = in_memory(vectors, ids, COUNT);
    search(index, K_MAX, NULL, 0, found, found_scores);
    search(exact, K_MAX, NULL, 0, right, right_scores);
    assert_same(K_MAX);
    pf_vindex_free(index);
    pf_vindex_free(exact);
}

static void first_hits_do_not_depend_on_how_many(void **state)
{
    (void)state;
    pf_vindex *index = open_index("pages.faiss", 12);
    search(index, K_MAX, NULL, 0, right, right_scores);
    search(index, K, NULL, 0, found, found_scores);
    for (size_t q = 0; q < QUERIES; q++)
        assert_memory_equal(found + q * K, right + q * K_MAX, K * sizeof *found);
    pf_vindex_free(index);
}

static void all_is_there_in_the_order_of_ids(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = open_index("order.faiss", 0);
    pf_vindex_step step = {0};
    bool is_there;
    const float *vector;
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(pf_vindex_next(index, &step, &is_there, &err), &err);
        assert_true(is_there);
        assert_int_equal(step.id, ids[i]);
        assert_memory_equal(step.vector, vectors + i * DIM, DIM * sizeof *vectors);
        assert_ok(pf_vindex_get(index, ids[i], &vector, &err), &err);
        assert_ptr_equal(vector, step.vector);
        assert_ok(pf_vindex_get(index, ids[i] + 1, &vector, &err), &err);
        assert_null(vector);
    }
    assert_ok(pf_vindex_next(index, &step, &is_there, &err), &err);
    assert_false(is_there);
    int64_t last;
    assert_ok(pf_vindex_find_last(index, &last, &err), &err);
    assert_int_equal(last, ids[COUNT - 1]);
    assert_ok(pf_vindex_check(index, &err), &err);
    pf_vindex_free(index);
}

static void what_comes_behind_the_file_is_found(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index = open_index("behind.faiss", 1);
    const int64_t fresh = ids[COUNT - 1] + 5, old = ids[COUNT - 1];
    assert_refused(pf_vindex_add(index, &old, queries, 1, &err), &err, "follows id");
    assert_ok(pf_vindex_add(index, &fresh, queries, 1, &err), &err);
    search(index, 2, NULL, 0, found, found_scores);
    assert_int_equal(found[0], fresh);
    assert_true(found_scores[0] > 0.999f && found[1] > 0);
    pf_vindex_free(index);
}

/* ---- how they are made ---- */

static void the_same_vectors_make_the_same_file(void **state)
{
    (void)state;
    static const char *const kernels[] = {"plain", "avx2", "vnni"};
    const char *path = pf_tree_path(folder, "same.faiss");
    pf_vfile_record first, again;
    const pf_vlists_made made = make_file(path, &first);
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if (!pf_vcodes_use(kernels[i]))
            continue;
        const pf_vlists_made same = make_file(path, &again);
        assert_true(pf_hash_equal(&first.checksum, &again.checksum));
        assert_int_equal(same.n_probe, made.n_probe);
    }
    assert_true(pf_vcodes_use(NULL));
}

/* A night: some went, some came, one is another; the lists are those of before. */
static void lists_are_taken_over(void **state)
{
    (void)state;
    enum { GONE = 50, CAME = 80, NOW = COUNT - GONE + CAME, OTHER = 700 };
    static float now[NOW * DIM];
    static int64_t now_ids[NOW];
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "before.faiss");
    pf_vfile_record record;
    make_file(path, &record);
    pf_vfile *before = open_file(path, &record);
    for (size_t i = 0; i < NOW; i++) {
        now_ids[i] = 3 * ((int64_t)(i + GONE) + 1);
        make_vector(now + i * DIM, (uint32_t)(i + GONE));
    }
    make_vector(now + OTHER * DIM, 99991);
    path = pf_tree_path(folder, "after.faiss");
    record = write_plain(path, now, now_ids, NOW);
    pf_vlists_wish wish = wish_of(LISTS);
    wish.known = before;
    assert_int_equal(put_into_lists(path, &record, &wish).n_lists, LISTS);
    pf_vfile *after = open_file(path, &record);
    pf_vlists a, b;
    assert_ok(pf_vfile_get_lists(before, &a, &err), &err);
    assert_ok(pf_vfile_get_lists(after, &b, &err), &err);
    for (size_t i = 0; i < COUNT - GONE; i++) {
        size_t at, then;
        bool is_there;
        if (i == OTHER)
            continue;
        assert_ok(pf_vfile_find(before, now_ids[i], &then, &is_there, &err), &err);
        assert_true(is_there);
        assert_ok(pf_vfile_find(after, now_ids[i], &at, &is_there, &err), &err);
        assert_true(is_there);
        assert_int_equal(pf_vlists_find(&a, then), pf_vlists_find(&b, at));
    }
    assert_ok(pf_vfile_check(after, &err), &err);
    pf_vfile_close(before);
    pf_vfile_close(after);
}

/* The only vector of a list is its centroid: when it goes that goes, too. */
static void what_has_gone_is_in_no_centroid(void **state)
{
    (void)state;
    enum { LEFT = 20 };
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "one.faiss");
    const uint32_t starts[] = {0, 1, LEFT + 1};
    float centroids[2 * DIM];
    memcpy(centroids, vectors, DIM * sizeof *centroids);
    memcpy(centroids + DIM, vectors + 5 * DIM, DIM * sizeof *centroids);
    const pf_vlists two = {2, centroids, starts};
    pf_vfile_record record = {.dim = DIM, .count = LEFT + 1, .n_lists = 2};
    pf_vfile_writer *w;
    assert_ok(pf_vfile_writer_new(&w, path, DIM, LEFT + 1, &two, &err), &err);
    for (size_t i = 0; i <= LEFT; i++)
        assert_ok(pf_vfile_writer_add(w, ids[i], vectors + i * DIM, &err), &err);
    assert_ok(pf_vfile_writer_finish(w, &record.checksum, &err), &err);
    pf_vfile_writer_free(w);
    pf_vfile *before = open_file(path, &record);
    path = pf_tree_path(folder, "none.faiss");
    record = write_plain(path, vectors + DIM, ids + 1, LEFT);
    pf_vlists_wish wish = wish_of(2);
    wish.known = before;
    wish.asked[0].n = 0;
    assert_int_equal(put_into_lists(path, &record, &wish).n_lists, 2);
    pf_vfile_close(before);
    file_size = pf_tree_read(path, file, sizeof file);
    size_t n_gone = 0, n_left = 0;
    for (size_t at = 0; at + DIM * sizeof(float) <= file_size; at++) {
        n_gone += memcmp(file + at, vectors, DIM * sizeof(float)) == 0;
        n_left += memcmp(file + at, vectors + DIM, DIM * sizeof(float)) == 0;
    }
    assert_int_equal(n_gone, 0);
    assert_true(n_left > 0);
}

/* Where nothing lies near anything else the file stays as it is, unless it must not. */
static void lists_of_no_use_are_not_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        pf_seeded_vector(vectors + i * DIM, DIM, (uint32_t)i);
    for (size_t i = 0; i < QUERIES; i++)
        pf_seeded_vector(queries + i * DIM, DIM, 50000 + (uint32_t)i);
    const char *path = pf_tree_path(folder, "noise.faiss");
    pf_vfile_record record = write_plain(path, vectors, ids, COUNT);
    const pf_hash before = record.checksum;
    pf_vlists_wish wish = wish_of(LISTS);
    wish.must = false;
    assert_int_equal(put_into_lists(path, &record, &wish).n_lists, 0);
    assert_true(pf_hash_equal(&before, &record.checksum));
    pf_vfile_close(open_file(path, &record));
    wish.must = true;
    const pf_vlists_made made = put_into_lists(path, &record, &wish);
    assert_int_equal(made.n_lists, LISTS);
    assert_true(made.n_probe > LISTS / 3);
    make_vectors();
}

/* Copies of one vector: all but one list are empty, and all are found. */
static void equal_vectors_are_one_list(void **state)
{
    (void)state;
    enum { SAME = 300 };
    pf_err err = PF_ERR_INIT;
    for (size_t i = 1; i < SAME; i++)
        memcpy(vectors + i * DIM, vectors, DIM * sizeof *vectors);
    const char *path = pf_tree_path(folder, "equal.faiss");
    pf_vfile_record record = write_plain(path, vectors, ids, SAME);
    pf_vlists_wish wish = wish_of(5);
    wish.asked[0].n = SAME;
    const pf_vlists_made made = put_into_lists(path, &record, &wish);
    pf_vindex *index;
    assert_ok(read_index(&index, path, &record, &err), &err);
    pf_vindex_set_probe(index, made.n_probe);
    assert_ok(pf_vindex_check(index, &err), &err);
    search(index, K, NULL, 0, found, found_scores);
    for (size_t i = 0; i < QUERIES * K; i++)
        assert_int_equal(found[i], ids[i % K]);
    pf_vindex_free(index);
    make_vectors();
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "nonsense.faiss");
    pf_vfile_record record = write_plain(path, vectors, ids, 10);
    pf_vfile *plain = open_file(path, &record);
    pf_vlists_made made;
    pf_vlists_wish wish = wish_of(11);
    assert_refused(pf_vlists_make(&made, plain, path, &wish, &err), &err,
                   "11 lists of 10 vectors");
    wish.n_lists = 0;
    assert_refused(pf_vlists_make(&made, plain, path, &wish, &err), &err, "0 lists");
    wish = wish_of(3);
    wish.known = plain;
    assert_refused(pf_vlists_make(&made, plain, path, &wish, &err), &err,
                   "3 lists after 0");
    pf_vfile_close(plain);
    const uint32_t starts[] = {0, 1, 2};
    const pf_vlists two = {2, vectors, starts};
    pf_vfile_writer *w;
    assert_refused(pf_vfile_writer_new(&w, path, DIM, 3, &two, &err), &err,
                   "expected 0 to 3");
    assert_ok(pf_vfile_writer_new(&w, path, DIM, 2, &two, &err), &err);
    assert_ok(pf_vfile_writer_add(w, 7, vectors, &err), &err);
    assert_ok(pf_vfile_writer_add(w, 7, vectors, &err), &err);
    assert_refused(pf_vfile_writer_finish(w, &record.checksum, &err), &err,
                   "id 7 is in two lists");
    pf_vfile_writer_free(w);
}

/* ---- what is believed ---- */

enum { /* vfile_layout.h has the layout */
       CODES = 147 + 8 * DIM + 8,
       VECTORS = CODES + COUNT * DIM + 45,
       IDS = VECTORS + 4 * COUNT * DIM + 12,
       ERRORS = VECTORS + (IDS + 8 * COUNT - VECTORS + 63) / 64 * 64,
       CENTROIDS = VECTORS + (ERRORS + 4 * COUNT - VECTORS + 63) / 64 * 64,
       STARTS = CENTROIDS + 4 * LISTS * DIM,
       BY_ID = STARTS + 4 * (LISTS + 1),
       ORDER = BY_ID + 8 * COUNT,
       ORDER_END = ORDER + 4 * COUNT,
};

/* The bytes at `at` are others now, and all checksums are those of them. */
static void assert_not_trusted(size_t at, const void *bytes, size_t n,
                               const char *words)
{
    pf_err err = PF_ERR_INIT;
    uint8_t before[64];
    pf_vindex *index;
    const char *path = pf_tree_path(folder, "hostile.faiss");
    memcpy(before, file + at, n);
    memcpy(file + at, bytes, n);
    const pf_vfile_record record = {.checksum = pf_index_file_seal(file, file_size),
                                    .dim = DIM,
                                    .count = COUNT,
                                    .n_lists = LISTS};
    pf_tree_write(path, file, file_size);
    assert_refused(read_index(&index, path, &record, &err), &err, words);
    assert_int_equal(err.code, PF_ERR_FORMAT);
    assert_null(index);
    memcpy(file + at, before, n);
}

static void read_bytes(void)
{
    pf_vfile_record record;
    const char *path = pf_tree_path(folder, "whole.faiss");
    make_file(path, &record);
    file_size = pf_tree_read(path, file, sizeof file);
    assert_int_equal(file_size, pf_vfile_size(DIM, COUNT, LISTS));
    assert_true(file_size > ORDER_END);
}

static void what_fits_its_checksum_is_checked_all_the_same(void **state)
{
    (void)state;
    read_bytes();
    const float bad[] = {NAN, INFINITY, 3, -1e30f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_not_trusted(CENTROIDS + 4 * (i * 100), &bad[i], 4, "has not length 1");
    const uint32_t starts[] = {1, UINT32_MAX, COUNT + 1};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        assert_not_trusted(STARTS, &starts[i], 4, "list");
        assert_not_trusted(STARTS + 4 * LISTS, &starts[i], 4, "list");
    }
    assert_not_trusted(STARTS + 4 * 20, &starts[1], 4, "ends before it begins");
    uint32_t order;
    memcpy(&order, file + ORDER, 4);
    const uint32_t positions[] = {order ^ 1, COUNT, UINT32_MAX};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        assert_not_trusted(ORDER, &positions[i], 4, "is not where it says");
    const int64_t others[] = {0, -3, 1, 9000000};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_not_trusted(BY_ID + 8, &others[i], 8, "i");
    assert_not_trusted(BY_ID + 8, ids, 8, "do not ascend");
    assert_not_trusted(IDS, &others[3], 8, "is not where it says");
}

static void damage_is_found_when_it_is_needed(void **state)
{
    (void)state;
    static const size_t at[] = {CENTROIDS + 5, STARTS + 4, BY_ID + 9, ORDER + 3};
    read_bytes();
    const char *path = pf_tree_path(folder, "hurt.faiss");
    const pf_vfile_record record = {.checksum = pf_index_file_seal(file, file_size),
                                    .dim = DIM,
                                    .count = COUNT,
                                    .n_lists = LISTS};
    pf_vfile_check_up_to(0);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        pf_err err = PF_ERR_INIT;
        pf_vindex *index;
        file[at[i]] ^= 0x10;
        pf_tree_write(path, file, file_size);
        file[at[i]] ^= 0x10;
        assert_ok(read_index(&index, path, &record, &err), &err);
        pf_vindex_set_probe(index, 2);
        assert_refused(pf_vindex_search(index, queries, 1, K, NULL, 0, found,
                                        found_scores, NULL, &err),
                       &err, "is damaged");
        assert_int_equal(err.code, PF_ERR_FORMAT);
        assert_true(pf_vindex_is_damaged(index));
        pf_vindex_free(index);
    }
    pf_vfile_check_up_to(4 << 20);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_vindex *index;
    pf_vfile_record record;
    const char *path = pf_tree_path(folder, "wrong.faiss");
    make_file(path, &record);
    static const size_t others[] = {0, 1, LISTS - 1, LISTS + 1, PF_VLISTS_MAX};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        pf_vfile_record wrong = record;
        wrong.n_lists = others[i];
        assert_refused(read_index(&index, path, &wrong, &err), &err, "bytes, expected");
    }
    pf_vfile_record wrong = record;
    wrong.n_lists = PF_VLISTS_MAX + 1;
    assert_refused(read_index(&index, path, &wrong, &err), &err, "are possible");
    assert_ok(read_index(&index, path, &record, &err), &err);
    pf_vindex_set_probe(index, LISTS + 1);
    assert_refused(pf_vindex_search(index, queries, 1, K, NULL, 0, found, found_scores,
                                    NULL, &err),
                   &err, "with 41 to look into");
    assert_int_equal(err.code, PF_ERR_FORMAT);
    pf_vindex_free(index);
}

/* Every allocation of ours may fail; nothing leaks and the message says why. */
static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    enum { FEW = 40, LEAST = 60, MOST = 3000 };
    const char *path = pf_tree_path(folder, "memory.faiss");
    bool done = false;
    long n = 1;
    for (; !done; n += 1 + n / 50) {
        pf_err err = PF_ERR_INIT;
        pf_vlists_made made;
        const pf_vfile_record record = write_plain(path, vectors, ids, FEW);
        pf_vfile *plain = open_file(path, &record);
        pf_vlists_wish wish = wish_of(3);
        wish.asked[0].n = FEW;
        wish.asked[1].n = 2;
        pf_mem_fail_at(n);
        done = pf_vlists_make(&made, plain, path, &wish, &err);
        pf_mem_fail_at(0);
        if (!done)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        pf_vfile_close(plain);
        assert_true(n < MOST);
    }
    assert_true(n > LEAST);
}

static int make_folder(void **state)
{
    (void)state;
    pf_tree_make(folder);
    make_vectors();
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
        cmocka_unit_test(all_lists_together_are_exact),
        cmocka_unit_test(enough_lists_find_nearly_all),
        cmocka_unit_test(filters_and_ranges_are_exact),
        cmocka_unit_test(few_in_the_lists_are_looked_for_everywhere),
        cmocka_unit_test(first_hits_do_not_depend_on_how_many),
        cmocka_unit_test(all_is_there_in_the_order_of_ids),
        cmocka_unit_test(what_comes_behind_the_file_is_found),
        cmocka_unit_test(the_same_vectors_make_the_same_file),
        cmocka_unit_test(lists_are_taken_over),
        cmocka_unit_test(what_has_gone_is_in_no_centroid),
        cmocka_unit_test(lists_of_no_use_are_not_made),
        cmocka_unit_test(equal_vectors_are_one_list),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(what_fits_its_checksum_is_checked_all_the_same),
        cmocka_unit_test(damage_is_found_when_it_is_needed),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
