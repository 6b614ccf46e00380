/* test_wal.c - a write-ahead log that was left behind: damaged, another's, or lost. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/catalog/sql.h"
#include "core/catalog/store.h"
#include "core/catalog/wal.h"
#include "tests/support/rows.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 16, FILE_MAX = 4 << 20, HEADER = 32, FRAME = 24 + 16384 };

static char folder[PF_TREE_ROOM];
static pf_err err;

typedef struct {
    char bytes[FILE_MAX];
    size_t n;
} file;

static file db, wal, mark;

static const char *path_of(const char *name)
{
    return pf_tree_path(folder, name);
}

static void keep(file *f, const char *name)
{
    f->n = pf_tree_read(path_of(name), f->bytes, sizeof f->bytes);
}

/* Without what SQLite has in shared memory, as after a copy or a restart. */
static void put_back(void)
{
    pf_tree_remove(path_of("catalog.db-shm"));
    pf_tree_write(path_of("catalog.db"), db.bytes, db.n);
    pf_tree_write(path_of("catalog.db-wal"), wal.bytes, wal.n);
    pf_tree_write(path_of("catalog.db-mark"), mark.bytes, mark.n);
}

static bool commit_source(pf_store *s, int i, pf_err *e)
{
    char path[32];
    int64_t id;
    snprintf(path, sizeof path, "/p/%d", i);
    const pf_store_source source = {.path = path, .kind = "folder"};
    return pf_store_begin(s, e) && pf_store_put_source(s, &source, &id, e) &&
           pf_store_commit(s, e);
}

static bool read_at(void *log, void *bytes, size_t n, int64_t at)
{
    FILE *f = log;
    return fseek(f, (long)at, SEEK_SET) == 0 && fread(bytes, 1, n, f) == n;
}

/* A process that ends with n commits in its log, and nothing closed. */
static void leave_log(int first, int n)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pf_store *s;
        bool ok = pf_store_open(&s, path_of("catalog.db"), PF_STORE_CREATE, &err);
        for (int i = 0; ok && i < n; i++)
            ok = commit_source(s, first + i, &err);
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int before(void **state)
{
    (void)state;
    pf_tree_make(folder);
    leave_log(0, 5);
    keep(&db, "catalog.db");
    keep(&wal, "catalog.db-wal");
    keep(&mark, "catalog.db-mark");
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_tree_remove(folder);
    return 0;
}

/* How many sources a reader sees; -1 with *err. */
static int64_t sources(void)
{
    pf_store *s;
    pf_store_counts n;
    err = (pf_err)PF_ERR_INIT;
    if (!pf_store_open(&s, path_of("catalog.db"), PF_STORE_READ, &err))
        return -1;
    const bool ok = pf_store_count(s, &n, &err);
    pf_store_close(s);
    return ok ? n.sources : -1;
}

static void assert_damaged(const char *words)
{
    assert_int_equal(sources(), -1);
    assert_non_null(strstr(err.msg, words));
    assert_int_equal(err.code, PF_ERR_FORMAT);
}

static void a_log_that_was_left_is_taken(void **state)
{
    (void)state;
    assert_int_equal(sources(), 5);
    put_back();
    assert_int_equal(sources(), 5);
    pf_store *s;
    assert_ok(pf_store_open(&s, path_of("catalog.db"), PF_STORE_WRITE, &err), &err);
    assert_ok(commit_source(s, 5, &err), &err);
    assert_ok(pf_store_checkpoint(s, &err), &err);
    pf_store_close(s);
    assert_int_equal(sources(), 6);
}

/* SQLite alone would take what stands before the damage, and say nothing. */
static void a_changed_bit_in_it_is_an_error(void **state)
{
    (void)state;
    for (size_t at = 1; at < wal.n; at += 4093) {
        wal.bytes[at] ^= 0x10;
        put_back();
        wal.bytes[at] ^= 0x10;
        if (sources() == -1)
            assert_int_equal(err.code, PF_ERR_FORMAT);
        else
            assert_int_equal(sources(), 5);
    }
    const size_t in_last = wal.n - FRAME / 2;
    wal.bytes[in_last] ^= 1;
    put_back();
    wal.bytes[in_last] ^= 1;
    assert_damaged("its write-ahead log (-wal) is damaged");
}

/* What came to the log and was never committed is nobody's loss. */
static void a_torn_end_is_none(void **state)
{
    (void)state;
    const size_t n = wal.n;
    memcpy(wal.bytes + n, wal.bytes + HEADER, FRAME / 2);
    wal.n = n + FRAME / 2;
    put_back();
    wal.n = n;
    assert_int_equal(sources(), 5);
}

static void a_log_that_is_cut_is_an_error(void **state)
{
    (void)state;
    const size_t n = wal.n, sizes[] = {1, 31, 32, 33, HEADER + FRAME, n - 1, n - FRAME};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        wal.n = sizes[i];
        put_back();
        wal.n = n;
        if (sources() != -1)
            fail_msg("cut to %zu of %zu bytes", sizes[i], n);
        assert_int_equal(err.code, PF_ERR_FORMAT);
    }
    wal.n = 0;
    put_back();
    wal.n = n;
    assert_damaged("is gone");
    pf_tree_remove(path_of("catalog.db-wal"));
    assert_damaged("is gone");
}

static void the_log_of_another_is_an_error(void **state)
{
    (void)state;
    static file other;
    const file own = wal;
    pf_tree_remove(folder);
    pf_tree_make(folder);
    leave_log(100, 7);
    keep(&other, "catalog.db-wal");
    wal = other;
    put_back();
    wal = own;
    assert_damaged("belongs to another database");
}

static void a_log_without_its_mark_is_an_error(void **state)
{
    (void)state;
    put_back();
    pf_tree_remove(path_of("catalog.db-mark"));
    assert_damaged("-mark");
    put_back();
    mark.bytes[12] ^= 1;
    mark.bytes[512 + 12] ^= 1;
    pf_tree_write(path_of("catalog.db-mark"), mark.bytes, mark.n);
    mark.bytes[12] ^= 1;
    mark.bytes[512 + 12] ^= 1;
    assert_damaged("(-mark) is damaged");
}

/* Each mark is written beside the one before, so that half of one does no harm. */
static void a_torn_mark_leaves_the_one_before(void **state)
{
    (void)state;
    for (size_t slot = 0; slot <= 512; slot += 512) {
        put_back();
        mark.bytes[slot + 30] ^= 1;
        pf_tree_write(path_of("catalog.db-mark"), mark.bytes, mark.n);
        mark.bytes[slot + 30] ^= 1;
        assert_int_equal(sources(), 5);
    }
}

/* What a transaction wrote that did not come to its end has the log's salts, too. */
static void what_was_rolled_back_is_no_part_of_it(void **state)
{
    (void)state;
    pf_store *s;
    assert_ok(pf_store_open(&s, path_of("catalog.db"), PF_STORE_WRITE, &err), &err);
    assert_ok(commit_source(s, 5, &err), &err);
    keep(&wal, "catalog.db-wal");
    assert_ok(commit_source(s, 6, &err), &err);
    keep(&db, "catalog.db");
    static file longer;
    keep(&longer, "catalog.db-wal");
    pf_store_close(s);
    assert_true(longer.n > wal.n + FRAME);
    /* the one frame of another transaction lies over the first of its two or more */
    memcpy(longer.bytes + wal.n, longer.bytes + HEADER, FRAME);
    pf_tree_write(path_of("log"), longer.bytes, longer.n);
    FILE *f = fopen(path_of("log"), "rb");
    assert_non_null(f);
    const pf_wal log = {.read = read_at, .log = f};
    const pf_wal_life none = {0};
    pf_wal_life life;
    assert_true(pf_wal_count(&log, &none, &life));
    assert_int_equal(HEADER + (size_t)life.frames * FRAME, wal.n);
    fclose(f);
}

/* While the one who writes is there the log is not recovered from, only read. */
static void a_changed_bit_under_a_reader_is_an_error(void **state)
{
    (void)state;
    pf_store *writer;
    put_back();
    assert_ok(pf_store_open(&writer, path_of("catalog.db"), PF_STORE_WRITE, &err),
              &err);
    int64_t noticed = 0;
    for (size_t at = HEADER + 24 + 100; at < wal.n; at += FRAME) {
        wal.bytes[at] ^= 4;
        pf_tree_write(path_of("catalog.db-wal"), wal.bytes, wal.n);
        wal.bytes[at] ^= 4;
        const int64_t n = sources();
        assert_true(n == 5 || n == -1);
        if (n == -1) {
            assert_non_null(strstr(err.msg, "catalog.db-wal' is damaged: page"));
            noticed++;
        }
    }
    assert_true(noticed > 0);
    pf_tree_write(path_of("catalog.db-wal"), wal.bytes, wal.n);
    pf_store_close(writer);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        TEST(a_log_that_was_left_is_taken),
        TEST(a_changed_bit_in_it_is_an_error),
        TEST(a_torn_end_is_none),
        TEST(a_log_that_is_cut_is_an_error),
        TEST(the_log_of_another_is_an_error),
        TEST(a_log_without_its_mark_is_an_error),
        TEST(a_torn_mark_leaves_the_one_before),
        TEST(what_was_rolled_back_is_no_part_of_it),
        TEST(a_changed_bit_under_a_reader_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
