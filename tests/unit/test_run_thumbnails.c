/* test_run_thumbnails.c - thumbnails from the indexer to a search: made once, gone with
 * their pictures, and taken from the file where there is none. */
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/sql.h"
#include "core/image/thumbnail.h"
#include "core/search/thumbnails.h"
#include "indexer/run.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

enum { N = 5 };

static pf_err err;
static pf_run_options options;
static const char *paths[1];
static pf_buf got, wanted;

static int before(void **state)
{
    (void)state;
    static char in[300];
    char name[32];
    err = (pf_err)PF_ERR_INIT;
    pf_films_make();
    pf_films_model();
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "in/%02u.pgm", i);
        pf_films_picture(name, i);
    }
    pf_films_options(&options);
    snprintf(in, sizeof in, "%s", pf_films_path("in"));
    paths[0] = in;
    options.paths = paths;
    options.n_paths = 1;
    pf_buf_init(&got, PF_THUMBNAIL_CAP);
    pf_buf_init(&wanted, PF_THUMBNAIL_CAP);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_buf_free(&got);
    pf_buf_free(&wanted);
    pf_films_remove();
    return 0;
}

static void run(void)
{
    pf_run_report report = {0};
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_int_equal(report.failed, 0);
    pf_run_report_reset(&report);
    assert_null(pf_films_check());
}

/* Ask for the thumbnail of an image. */
static bool get(int64_t id)
{
    pf_reader *reader;
    got.size = 0;
    assert_ok(pf_asking_open(&reader, options.catalog, NULL, NULL, &err), &err);
    const bool ok = pf_search_get_thumbnail(reader, id, &got, &err);
    pf_asking_close(reader);
    return ok;
}

static void change(const char *sql)
{
    pf_sql *db;
    assert_ok(pf_sql_open(&db, pf_films_path("catalog/catalog.db"), PF_SQL_WRITE, &err),
              &err);
    assert_ok(pf_sql_run_script(db, sql, &err), &err);
    pf_sql_close(db);
}

static void each_picture_gets_one(void **state)
{
    (void)state;
    run();
    assert_int_equal(pf_films_ask("SELECT count(*) FROM thumbnail"), N);
    pf_buf file;
    pf_buf_init(&file, 1 << 20);
    pf_picture p = {0};
    static pf_thumbnail thumbnail;
    assert_ok(pf_file_read(pf_films_path("in/02.pgm"), &file, &err), &err);
    assert_ok(
        pf_picture_decode(&p, (uint8_t *)file.data, file.size, NULL, 0, NULL, &err),
        &err);
    assert_ok(pf_thumbnail_make(&thumbnail, &p, &err), &err);
    assert_ok(pf_thumbnail_encode(&thumbnail, &wanted, &err), &err);
    pf_picture_reset(&p);
    pf_buf_free(&file);
    assert_ok(get(3), &err);
    assert_int_equal(got.size, wanted.size);
    assert_memory_equal(got.data, wanted.data, wanted.size);
    assert_false(get(999));
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);

    pf_films_delete("in/02.pgm"); /* readers need the file no longer */
    assert_ok(get(3), &err);
    run();
    assert_int_equal(pf_films_ask("SELECT count(*) FROM thumbnail"), N - 1);
}

static void without_one_the_file_is_taken(void **state)
{
    (void)state;
    run();
    assert_ok(get(2), &err);
    assert_ok(pf_buf_add(&wanted, got.data, got.size, &err), &err);
    change("DELETE FROM thumbnail");
    assert_ok(get(2), &err);
    assert_int_equal(got.size, wanted.size);
    assert_memory_equal(got.data, wanted.data, wanted.size);
    pf_films_write_text("in/01.pgm", "P5 broken");
    assert_false(get(2));
    assert_int_equal(err.code, PF_ERR_MISMATCH);
    pf_films_delete("in/01.pgm");
    assert_false(get(2));
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_int_equal(got.size, 0);
}

static void a_rebuild_makes_all(void **state)
{
    (void)state;
    run();
    change("DELETE FROM thumbnail WHERE picture_id > 2; UPDATE picture SET"
           " thumbnail_hash = NULL WHERE id > 2; DELETE FROM digest");
    run();
    assert_int_equal(pf_films_ask("SELECT count(*) FROM thumbnail"), 2);
    options.rebuild = true;
    run();
    assert_int_equal(pf_films_ask("SELECT count(*) FROM thumbnail"), N);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_picture_gets_one),
        TEST(without_one_the_file_is_taken),
        TEST(a_rebuild_makes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
