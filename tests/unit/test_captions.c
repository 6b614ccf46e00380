/* test_captions.c - captions files: which rows belong to which picture, what is
 * refused. */
#include <stdio.h>
#include <string.h>

#include "indexer/import_captions.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_scan scan;
static pf_captions captions;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    scan = (pf_scan){0};
    captions = (pf_captions){0};
    pf_films_make();
    pf_films_picture("in/a.pgm", 1);
    pf_films_picture("in/sub/b.pgm", 2);
    return !pf_scan_source(&scan, pf_films_path("in"), NULL, NULL, &err);
}

static int after(void **state)
{
    (void)state;
    pf_captions_reset(&captions);
    pf_scan_reset(&scan);
    pf_films_remove();
    return 0;
}

static bool read_file(const char *name, const char *text)
{
    pf_captions_reset(&captions);
    err = (pf_err)PF_ERR_INIT;
    pf_films_write_text(name, text);
    return pf_captions_read(&captions, pf_films_path("%s", name), pf_films_path("in"),
                            &scan, &err);
}

static const pf_caption_row *find(const char *name, size_t *n)
{
    return pf_captions_find(&captions, pf_films_path("%s", name), n);
}

static void rows_of_a_picture(void **state)
{
    (void)state;
    size_t n;
    assert_ok(read_file("in/captions.csv",
                        "\xEF\xBB\xBF"
                        "modality,File,CAPTION,case,view\r\n"
                        "CR,sub/b.pgm,\"says \"\"hello\"\", twice\",7,\r\n"
                        "CR,a.pgm,first,,PA\r\n"
                        ",./sub/../a.pgm,second,,\r\n"
                        "MR,sub//b.pgm,,7,AP\r\n"),
              &err);
    assert_int_equal(captions.count, 4);
    assert_int_equal(captions.n_keys, 2);
    assert_string_equal(captions.keys[0], "modality");
    assert_string_equal(captions.keys[1], "view");
    const pf_caption_row *a = find("in/a.pgm", &n);
    assert_int_equal(n, 2);
    assert_string_equal(a[0].text, "first");
    assert_string_equal(a[0].values[1], "PA");
    assert_string_equal(a[0].case_key, "");
    assert_string_equal(a[1].text, "second");
    assert_int_equal(a[1].line, 4);
    const pf_caption_row *b = find("in/sub/b.pgm", &n);
    assert_int_equal(n, 2);
    assert_string_equal(b[0].text, "says \"hello\", twice");
    assert_string_equal(b[1].text, "");
    assert_string_equal(b[1].case_key, "7");
    assert_null(find("in/c.pgm", &n));
    assert_int_equal(n, 0);
}

static void where_files_are_looked_for(void **state)
{
    (void)state;
    size_t n;
    char text[2048];
    assert_ok(read_file("lists/c.tsv", "file\tcaption\na.pgm\tunder the source\n"),
              &err);
    assert_non_null(find("in/a.pgm", &n));
    snprintf(text, sizeof text, "file,caption\n%s,absolute\n../in/a.pgm,relative\n",
             pf_films_path("in/sub/b.pgm"));
    assert_ok(read_file("lists/c.csv", text), &err);
    assert_int_equal(captions.count, 2);
}

static void bytes_that_are_no_utf8(void **state)
{
    (void)state;
    size_t n;
    assert_ok(read_file("in/c.csv", "file,caption,k\xFF\na.pgm,caf\xE9,\xC3\n"), &err);
    const pf_caption_row *a = find("in/a.pgm", &n);
    assert_string_equal(a->text, "caf\xEF\xBF\xBD");
    assert_string_equal(a->values[0], "\xEF\xBF\xBD");
    assert_string_equal(captions.keys[0], "k\xEF\xBF\xBD");
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "names no column 'file'"},
        {"path,caption\n", "names no column 'file'"},
        {"file;caption\n", "names no column 'file'"},
        {"file,text\n", "names no column 'caption'"},
        {"file,caption,file\na.pgm,x,a.pgm\n", "two columns 'file'"},
        {"file,caption,x,Caption\na.pgm,x,y,z\n", "two columns 'caption'"},
        {"file,caption,case,case\na.pgm,x,y,z\n", "two columns 'case'"},
        {"file,caption\na.pgm\n", "line 2 has 1 columns, the first line has 2"},
        {"file,caption\na.pgm,b,c\n", "line 2 has 3 columns"},
        {"file,caption\na.pgm,\"b\n", "never closed"},
        {"file,caption\na.pgm,b\nz.pgm,b\ny.pgm,b\n",
         "line 3: there is no picture 'z.pgm'"},
        {"file,caption\nz.pgm,b\n,b\n", "(and 1 more)"},
        {"file,caption,case\na.pgm,b,1\na.pgm,c,2\n", "a picture has one case"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(read_file("in/c.csv", bad[i].text), &err, bad[i].words);
        assert_non_null(strstr(err.msg, "captions file '"));
        assert_int_equal(captions.count, 0);
    }
    assert_refused(pf_captions_read(&captions, pf_films_path("no.csv"),
                                    pf_films_path("in"), &scan, &err),
                   &err, "no.csv");
}

/* Rows about a folder that cannot be read now are no mistake. */
static void gaps_are_no_mistake(void **state)
{
    (void)state;
    assert_ok(pf_scan_add_gap(&scan, pf_films_path("in/far"), "away", &err), &err);
    assert_ok(read_file("in/c.csv", "file,caption\nfar/x.pgm,b\na.pgm,c\n"), &err);
    assert_int_equal(captions.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_a_picture, before, after),
        cmocka_unit_test_setup_teardown(where_files_are_looked_for, before, after),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_utf8, before, after),
        cmocka_unit_test_setup_teardown(refusals, before, after),
        cmocka_unit_test_setup_teardown(gaps_are_no_mistake, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
