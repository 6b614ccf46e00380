/* test_care.c - check, repair and backup, as plainfilm-index has them: damage on any
 * page is found, and either mended to what was published or left alone and named. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/sql.h"
#include "indexer/care.h"
#include "indexer/run.h"
#include "tests/support/films.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { N = 6, PAGE = 16384, FILE_MAX = 4 << 20 };

static pf_err err;
static pf_run_options options;
static char in[300], catalog[300], captions[300];
static const char *const tables[] = {captions};
static const char *paths[1] = {in};
static FILE *out;
static pf_store_digest published;
static char bytes[FILE_MAX];
static size_t n_bytes;

static pf_care care_of(const char *folder)
{
    return (pf_care){.catalog = folder, .out = out};
}

static const char *database(void)
{
    return pf_films_path("catalog/catalog.db");
}

static bool digest_of(const char *folder, pf_store_digest *digest, size_t *n_problems)
{
    pf_catalog *c;
    pf_notes problems = {0};
    err = (pf_err)PF_ERR_INIT;
    if (!pf_catalog_open_to_check(&c, folder, &err))
        return false;
    const bool ok = pf_catalog_check(c, digest, &problems, &err);
    *n_problems = problems.count;
    pf_notes_reset(&problems);
    pf_catalog_close(c);
    return ok;
}

static void assert_published(const char *folder)
{
    pf_store_digest d;
    size_t n;
    assert_ok(digest_of(folder, &d, &n), &err);
    assert_int_equal(n, 0);
    assert_true(pf_hash_equal(&d.whole, &published.whole));
}

static int before(void **state)
{
    (void)state;
    char table[1000] = "file,caption,side\n";
    err = (pf_err)PF_ERR_INIT;
    pf_films_make();
    pf_films_model();
    for (unsigned i = 0; i < N; i++) {
        const size_t at = strlen(table);
        char name[32];
        snprintf(name, sizeof name, "in/%02u.pgm", i);
        pf_films_picture(name, i);
        snprintf(table + at, sizeof table - at,
                 "%02u.pgm,film of an effusion %u,left\n", i, i);
    }
    pf_films_write_text("in/captions.csv", table);
    pf_films_options(&options);
    snprintf(in, sizeof in, "%s", pf_films_path("in"));
    snprintf(captions, sizeof captions, "%s", pf_films_path("in/captions.csv"));
    snprintf(catalog, sizeof catalog, "%s", pf_films_path("catalog"));
    options.captions = tables;
    options.n_captions = 1;
    options.paths = paths;
    options.n_paths = 1;
    out = fopen("/dev/null", "w");
    assert_non_null(out);
    pf_run_report report = {0};
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_int_equal(report.added, N);
    pf_run_report_reset(&report);
    size_t n;
    assert_ok(digest_of(catalog, &published, &n), &err);
    n_bytes = pf_tree_read(database(), bytes, sizeof bytes);
    return 0;
}

static int after(void **state)
{
    (void)state;
    fclose(out);
    pf_films_remove();
    return 0;
}

/* What a run of the indexer would leave as it was. */
static void put_back(void)
{
    pf_tree_remove(pf_films_path("catalog/catalog.db-wal"));
    pf_tree_remove(pf_films_path("catalog/catalog.db-shm"));
    pf_tree_remove(pf_films_path("catalog/catalog.db-mark"));
    pf_tree_write(database(), bytes, n_bytes);
}

static void every_page_is_checked_and_repaired_or_left(void **state)
{
    (void)state;
    const pf_care care = care_of(catalog);
    const pf_catalog_writer_options lock = {.must_exist = true};
    size_t n_mended = 0, n_left = 0;
    for (size_t page = 0; page < n_bytes / PAGE; page++) {
        static char left[FILE_MAX];
        bool is_in_order = true;
        bytes[page * PAGE + 200] ^= 8;
        bytes[page * PAGE + 16000] ^= 8;
        put_back();
        const bool is_read = pf_care_check(&care, &is_in_order, &err);
        assert_false(is_read && is_in_order);
        is_in_order = false;
        const bool is_run = pf_care_repair(&care, &lock, &is_in_order, &err);
        if (is_run && is_in_order) {
            assert_published(catalog);
            n_mended++;
        } else {
            assert_int_equal(pf_tree_read(database(), left, sizeof left), n_bytes);
            assert_memory_equal(left, bytes, n_bytes);
            n_left++;
        }
        bytes[page * PAGE + 200] ^= 8;
        bytes[page * PAGE + 16000] ^= 8;
    }
    assert_true(n_mended > 10 && n_left > 0);
    put_back();
}

/* Damage that has right checksums: of the rows themselves. */
static void what_is_derived_is_made_again(void **state)
{
    (void)state;
    static const char *const damage[] = {
        "DELETE FROM words_row",
        "INSERT INTO caption_word (caption_word) VALUES ('delete-all')",
        "DELETE FROM words_list",
        "DELETE FROM thumbnail WHERE picture_id < 4",
        "UPDATE thumbnail SET jpeg = x'ffd8ffd9' WHERE picture_id = 2",
        "UPDATE background SET counts = zeroblob(8), pairs = 0",
        "UPDATE index_file SET checksum = zeroblob(16)",
    };
    static const char *const lost[] = {
        "UPDATE caption SET image_id = 7 - image_id",
        "UPDATE image SET picture_id = 7 - picture_id",
        "UPDATE image SET size = size + 1",
        "UPDATE picture SET width = 99",
        "UPDATE image_attribute SET value = 'right'",
        "DELETE FROM caption WHERE id = 3",
    };
    const pf_care care = care_of(catalog);
    const pf_catalog_writer_options lock = {.must_exist = true};
    bool is_in_order;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        pf_sql *db;
        assert_ok(pf_sql_open(&db, database(), PF_SQL_WRITE, &err), &err);
        assert_ok(pf_sql_run_script(db, damage[i], &err), &err);
        pf_sql_close(db);
        assert_ok(pf_care_check(&care, &is_in_order, &err), &err);
        if (is_in_order)
            fail_msg("not found: %s", damage[i]);
        assert_ok(pf_care_repair(&care, &lock, &is_in_order, &err), &err);
        if (!is_in_order)
            fail_msg("not mended: %s", damage[i]);
        assert_published(catalog);
    }
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        pf_sql *db;
        put_back();
        assert_ok(pf_sql_open(&db, database(), PF_SQL_WRITE, &err), &err);
        assert_ok(pf_sql_run_script(db, "PRAGMA foreign_keys = OFF", &err), &err);
        assert_ok(pf_sql_run_script(db, lost[i], &err), &err);
        pf_sql_close(db);
        assert_ok(pf_care_check(&care, &is_in_order, &err), &err);
        assert_false(is_in_order);
        assert_ok(pf_care_repair(&care, &lock, &is_in_order, &err), &err);
        if (is_in_order)
            fail_msg("made up: %s", lost[i]);
    }
}

/* Thumbnails of films that are gone cannot be made; the catalog is in order without. */
static void a_thumbnail_whose_film_is_gone_is_done_without(void **state)
{
    (void)state;
    const pf_care care = care_of(catalog);
    const pf_catalog_writer_options lock = {.must_exist = true};
    bool is_in_order;
    pf_sql *db;
    assert_ok(pf_sql_open(&db, database(), PF_SQL_WRITE, &err), &err);
    assert_ok(pf_sql_run_script(db, "DELETE FROM thumbnail", &err), &err);
    pf_sql_close(db);
    pf_films_delete("in/02.pgm");
    pf_films_write_text("in/03.pgm", "P2 1 1 255 7"); /* another film */
    assert_ok(pf_care_repair(&care, &lock, &is_in_order, &err), &err);
    assert_true(is_in_order);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM thumbnail"), N - 2);
}

static void a_backup_is_a_catalog(void **state)
{
    (void)state;
    const pf_care care = care_of(catalog);
    char to[300];
    snprintf(to, sizeof to, "%s", pf_films_path("kept/monday"));
    assert_ok(pf_care_backup(&care, to, &err), &err);
    assert_published(to);
    struct stat st;
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(pf_tree_path(to, "catalog.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_refused(pf_care_backup(&care, to, &err), &err, "is there already");
    snprintf(to, sizeof to, "%s", pf_films_path("kept/monday.db"));
    assert_ok(pf_care_backup(&care, to, &err), &err);
    pf_films_write_text("restored/lock", "");
    pf_films_rename("kept/monday.db", "restored/catalog.db");
    pf_run_report report = {0};
    options.catalog = pf_films_path("restored");
    options.n_paths = 0;
    options.n_captions = 0;
    char restored[300];
    snprintf(restored, sizeof restored, "%s", options.catalog);
    options.catalog = restored;
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_int_equal(report.unchanged, N);
    pf_run_report_reset(&report);
    assert_published(restored);
}

static void damage_makes_no_backup(void **state)
{
    (void)state;
    const pf_care care = care_of(catalog);
    pf_sql *db;
    assert_ok(pf_sql_open(&db, database(), PF_SQL_WRITE, &err), &err);
    assert_ok(pf_sql_run_script(db, "UPDATE image SET size = size + 1", &err), &err);
    pf_sql_close(db);
    assert_refused(pf_care_backup(&care, pf_films_path("kept"), &err), &err,
                   "not in order");
    assert_int_equal(access(pf_films_path("kept"), F_OK), -1);
}

/* A catalog that another machine may open, too: no log, and moved there and back. */
static void on_a_network_a_journal_takes_the_place_of_the_log(void **state)
{
    (void)state;
    pf_run_report report = {0};
    for (int i = 0; i < 4; i++) {
        pf_store_pretend_remote(i % 2 == 0 ? "nfs" : NULL);
        char name[32];
        snprintf(name, sizeof name, "in/9%d.pgm", i);
        pf_films_picture(name, 90 + (unsigned)i);
        const bool ok = pf_run(&options, &report, NULL, &err);
        pf_store_pretend_remote(NULL);
        assert_ok(ok, &err);
        assert_int_equal(report.added, 1);
        pf_run_report_reset(&report);
        assert_null(pf_films_check());
        n_bytes = pf_tree_read(database(), bytes, sizeof bytes);
        assert_int_equal(bytes[18], i % 2 == 0 ? 1 : 2); /* how it is written */
    }
}

/* As after a kill there: half of what changed is in the file, all of it in the journal.
 */
static void a_journal_that_was_left_is_played_back(void **state)
{
    (void)state;
    pf_run_report report = {0};
    pf_store_pretend_remote("smb");
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    pf_run_report_reset(&report);
    const pid_t child = fork();
    if (child == 0) {
        pf_films_picture("in/91.pgm", 91);
        pf_catalog_die_at(4);
        _exit(pf_run(&options, &report, NULL, &err) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 9);
    pf_films_picture("in/91.pgm", 91);
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    pf_store_pretend_remote(NULL);
    assert_int_equal(report.images, N + 1);
    pf_run_report_reset(&report);
    assert_null(pf_films_check());
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        TEST(every_page_is_checked_and_repaired_or_left),
        TEST(what_is_derived_is_made_again),
        TEST(a_thumbnail_whose_film_is_gone_is_done_without),
        TEST(a_backup_is_a_catalog),
        TEST(damage_makes_no_backup),
        TEST(on_a_network_a_journal_takes_the_place_of_the_log),
        TEST(a_journal_that_was_left_is_played_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
