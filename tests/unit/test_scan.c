/* test_scan.c - which files of a folder count as pictures, and what cannot be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/image/left_out.h"
#include "core/image/picture.h"
#include "core/image/scan.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_scan scan;
static const pf_scan_options plain;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    scan = (pf_scan){0};
    pf_films_make();
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_scan_reset(&scan);
    pf_films_remove();
    return 0;
}

static bool has(const char *name)
{
    return pf_scan_find(&scan, pf_films_path("%s", name)) != NULL;
}

static void finds_pictures(void **state)
{
    (void)state;
    pf_films_picture("in/b.pgm", 1);
    pf_films_picture("in/a.PGM", 2);
    pf_films_picture("in/deep/er/c.jpg", 3);
    pf_films_picture("in/noname", 4);
    pf_films_write_text("in/README", "not a picture");
    pf_films_write_text("in/notes.txt", "P5 not looked into");
    pf_films_picture("in/.hidden.pgm", 5);
    pf_films_picture("in/.git/d.pgm", 6);
    pf_films_picture("in/cat/e.pgm", 7);
    const pf_scan_options o = {.except = pf_films_path("in/cat")};
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &o, &err), &err);
    assert_int_equal(scan.count, 4);
    assert_int_equal(scan.n_others, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(
            scan.others[i].count == 1 &&
            (!scan.others[i].name[0] || strcmp(scan.others[i].name, "txt") == 0));
    assert_int_equal(scan.n_gaps, 0);
    assert_true(has("in/a.PGM") && has("in/b.pgm") && has("in/deep/er/c.jpg") &&
                has("in/noname"));
    for (size_t i = 1; i < scan.count; i++)
        assert_true(strcmp(scan.files[i - 1].path, scan.files[i].path) < 0);
    struct stat st;
    assert_int_equal(stat(pf_films_path("in/b.pgm"), &st), 0);
    const pf_scan_file *b = pf_scan_find(&scan, pf_films_path("in/b.pgm"));
    assert_int_equal(b->size, st.st_size);
    assert_int_equal(b->mtime_ns,
                     st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec);
}

static void leaves_out(void **state)
{
    (void)state;
    static const char *const patterns[] = {"*.gif", "/old/*", "tmp"};
    static const struct {
        const char *path;
        bool fits;
    } paths[] = {{"a.gif", true},        {"deep/a.gif", true}, {"old/x.png", true},
                 {"x/old/x.png", false}, {"tmp", true},        {"deep/tmp", true},
                 {"tmpx", false},        {"old", false},       {"old/a/b.png", false}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(pf_pattern_fits(patterns, 3, paths[i].path), paths[i].fits);
    assert_int_equal(pf_name_kind_of("$Recycle.bin"), PF_NAME_BIN);
    assert_int_equal(pf_name_kind_of(".Trash-1000"), PF_NAME_BIN);
    assert_int_equal(pf_name_kind_of("@EADIR"), PF_NAME_SYSTEM);
    assert_int_equal(pf_name_kind_of(".x"), PF_NAME_SYSTEM);
    assert_int_equal(pf_name_kind_of("recycle"), PF_NAME_OURS);
    pf_films_picture("in/a.gif", 1);
    pf_films_picture("in/old/b.pgm", 2);
    pf_films_picture("in/new/tmp/c.pgm", 3);
    pf_films_picture("in/new/d.pgm", 4);
    pf_films_picture("in/new/#recycle/deep/.e.pgm", 5);
    const pf_scan_options o = {.excluded = patterns, .n_excluded = 3};
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &o, &err), &err);
    assert_int_equal(scan.count, 1);
    assert_true(has("in/new/d.pgm"));
    assert_int_equal(scan.n_thrown, 1);
}

/* More kinds than there is room for are counted all the same. */
static void counts_kinds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PF_SCAN_KINDS_MAX + 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "in/x.k%u", i);
        pf_films_write_text(name, "x");
    }
    pf_films_write_text("in/y.K1", "x");
    pf_films_write_text("in/y.what is this", "x");
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &plain, &err), &err);
    size_t n = 0;
    for (size_t i = 0; i < scan.n_others; i++)
        n += scan.others[i].count;
    assert_int_equal(scan.n_others, PF_SCAN_KINDS_MAX);
    assert_int_equal(n, PF_SCAN_KINDS_MAX + 7);
}

/* A name that makes a TGA of bytes without a signature is a picture's to the scan. */
static void all_names_of_tga(void **state)
{
    (void)state;
    static const uint8_t bytes[18] = {0};
    static const char *const names[] = {"in/a.tga", "in/b.ICB", "in/c.vda", "in/d.vst"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(pf_picture_sniff(bytes, sizeof bytes, names[i]), "tga");
        pf_films_write_text(names[i], "no signature");
    }
    pf_films_write_text("in/tga", "no signature");
    assert_null(pf_picture_sniff(bytes, sizeof bytes, "in/tga"));
    assert_null(pf_picture_sniff(bytes, sizeof bytes, "in/.tga"));
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &plain, &err), &err);
    assert_int_equal(scan.count, 4);
    assert_int_equal(scan.n_others, 1);
}

static void links(void **state)
{
    (void)state;
    pf_films_picture("out/real.pgm", 1);
    pf_films_picture("in/own.pgm", 2);
    assert_int_equal(symlink("../out/real.pgm", pf_films_path("in/linked.pgm")), 0);
    assert_int_equal(symlink("../out", pf_films_path("in/folder")), 0);
    assert_int_equal(symlink(".", pf_films_path("in/loop")), 0);
    assert_int_equal(symlink("self.pgm", pf_films_path("in/self.pgm")), 0);
    assert_int_equal(symlink("nowhere.pgm", pf_films_path("in/broken.pgm")), 0);
    assert_int_equal(mkfifo(pf_films_path("in/fifo.pgm"), 0600), 0);
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &plain, &err), &err);
    assert_int_equal(scan.count, 2);
    assert_true(has("in/own.pgm") && has("in/linked.pgm"));
    assert_int_equal(scan.n_gaps, 0);
}

static void odd_names(void **state)
{
    (void)state;
    pf_films_picture("in/new\nline.pgm", 1);
    pf_films_picture("in/\xFF\xFE latin.pgm", 2);
    pf_films_picture("in/ \"quote\" .pgm", 3);
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &plain, &err), &err);
    assert_int_equal(scan.count, 3);
    assert_true(has("in/new\nline.pgm") && has("in/\xFF\xFE latin.pgm"));
}

static void empty_single_and_missing(void **state)
{
    (void)state;
    assert_int_equal(mkdir(pf_films_path("in"), 0700), 0);
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &plain, &err), &err);
    assert_int_equal(scan.count, 0);
    assert_null(pf_scan_find(&scan, "/x"));
    pf_films_picture("in/single", 1);
    assert_ok(pf_scan_source(&scan, pf_films_path("in/single"), &plain, &err), &err);
    assert_int_equal(scan.count, 1);
    assert_refused(pf_scan_source(&scan, pf_films_path("gone"), &plain, &err), &err,
                   "gone");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
}

static void stops(void **state)
{
    (void)state;
    atomic_int stop = 1;
    pf_films_picture("in/a.pgm", 1);
    const pf_scan_options o = {.stop = &stop};
    assert_refused(pf_scan_source(&scan, pf_films_path("in"), &o, &err), &err,
                   "interrupted");
    assert_int_equal(err.code, PF_ERR_INTERRUPTED);
}

/* A folder one may list but not enter: its files are there, and cannot be looked at. */
static void unreadable_is_a_gap(void **state)
{
    (void)state;
    pf_films_picture("in/a.pgm", 1);
    pf_films_picture("in/closed/b.pgm", 2);
    pf_films_picture("in/listed/c.pgm", 3);
    assert_int_equal(chmod(pf_films_path("."), 0755), 0);
    assert_int_equal(chmod(pf_films_path("in"), 0755), 0);
    assert_int_equal(chmod(pf_films_path("in/closed"), 0), 0);
    assert_int_equal(chmod(pf_films_path("in/listed"), 0444), 0);
    bool is_root = geteuid() == 0;
    if (is_root && seteuid(65534) != 0)
        skip();
    bool ok = pf_scan_source(&scan, pf_films_path("in"), &plain, &err);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    chmod(pf_films_path("in/closed"), 0700);
    chmod(pf_films_path("in/listed"), 0700);
    assert_ok(ok, &err);
    assert_int_equal(scan.count, 1);
    assert_int_equal(scan.n_gaps, 2);
    assert_true(pf_scan_is_in_gap(&scan, pf_films_path("in/closed/b.pgm")));
    assert_true(pf_scan_is_in_gap(&scan, pf_films_path("in/listed/c.pgm")));
    assert_false(pf_scan_is_in_gap(&scan, pf_films_path("in/closedness.pgm")));
    for (size_t i = 0; i < scan.n_gaps; i++)
        assert_non_null(strstr(scan.gaps[i].reason, "Permission denied"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_pictures, before, after),
        cmocka_unit_test_setup_teardown(leaves_out, before, after),
        cmocka_unit_test_setup_teardown(counts_kinds, before, after),
        cmocka_unit_test_setup_teardown(all_names_of_tga, before, after),
        cmocka_unit_test_setup_teardown(links, before, after),
        cmocka_unit_test_setup_teardown(odd_names, before, after),
        cmocka_unit_test_setup_teardown(empty_single_and_missing, before, after),
        cmocka_unit_test_setup_teardown(stops, before, after),
        cmocka_unit_test_setup_teardown(unreadable_is_a_gap, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
