/* test_captions.c - captions files: which rows belong to which picture, what is
 * refused. */
#include <stdio.h>
#include <string.h>

#include "indexer/import_captions.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_scan scan;
static const pf_scan_options plain;
static pf_collection found;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    scan = (pf_scan){0};
    found = (pf_collection){0};
    pf_films_make();
    pf_films_picture("in/a.pgm", 1);
    pf_films_picture("in/sub/b.pgm", 2);
    return !pf_scan_source(&scan, pf_films_path("in"), &plain, &err);
}

static int after(void **state)
{
    (void)state;
    pf_collection_reset(&found);
    pf_scan_reset(&scan);
    pf_films_remove();
    return 0;
}

static bool read_captions(const char *name)
{
    pf_subject ignored;
    pf_collection_reset(&found);
    err = (pf_err)PF_ERR_INIT;
    static char root[300];
    snprintf(root, sizeof root, "%s", pf_films_path("in"));
    pf_collection_init(&found, root);
    for (size_t i = 0; i < scan.count; i++) {
        const pf_collected_image image = {.path = scan.files[i].path};
        assert_ok(pf_collection_add_image(&found, &image, &ignored, &err), &err);
    }
    const pf_import from = {.path = root, .captions = pf_films_path("%s", name)};
    return pf_captions_read(&from, &scan, &found, &err);
}

static bool read_text(const char *name, const char *text)
{
    pf_films_write_text(name, text);
    return read_captions(name);
}

static const pf_collected_image *image(const char *name)
{
    for (size_t i = 0; i < found.n_images; i++) {
        if (strcmp(found.images[i].path, pf_films_path("%s", name)) == 0)
            return &found.images[i];
    }
    fail_msg("%s is not there", name);
    return NULL;
}

/* The captions, or keys and values, one behind the other: "a|b|". */
static const char *texts(pf_text_chain chain, bool has_keys)
{
    static char all[300];
    all[0] = '\0';
    for (uint32_t at = chain.first; at; at = found.texts[at].next) {
        const pf_collected_text *t = &found.texts[at];
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s%s|",
                 has_keys ? found.keys[t->key] : "", has_keys ? "=" : "", t->value);
    }
    return all;
}

static const char *captions(const pf_collected_image *of)
{
    return texts(of->captions, false);
}

static const char *attributes(const pf_collected_image *of)
{
    return texts(of->attributes, true);
}

static void rows_of_a_picture(void **state)
{
    (void)state;
    assert_ok(read_text("in/captions.csv",
                        "\xEF\xBB\xBF"
                        "modality,File,CAPTION,case,view\r\n"
                        "CR,sub/b.pgm,\"says \"\"hello\"\", twice\",7,\r\n"
                        "CR,a.pgm,first,,PA\r\n"
                        ",./sub/../a.pgm,second,,\r\n"
                        "MR,sub//b.pgm,,7,AP\r\n"),
              &err);
    const pf_collected_image *a = image("in/a.pgm"), *b = image("in/sub/b.pgm");
    assert_string_equal(captions(a), "first|second|");
    assert_string_equal(attributes(a), "modality=CR|view=PA|");
    assert_int_equal(a->in_case, 0);
    assert_string_equal(captions(b), "says \"hello\", twice|");
    assert_string_equal(attributes(b), "modality=CR|modality=MR|view=AP|");
    assert_int_equal(b->in_case, 1);
    assert_int_equal(found.n_cases, 1);
    assert_string_equal(found.cases[0].key, "7");
    assert_string_equal(found.cases[0].title, "7");
    assert_int_equal(found.n_captions, 3);
}

static void where_files_are_looked_for(void **state)
{
    (void)state;
    char text[2048];
    assert_ok(read_text("lists/c.tsv", "file\tcaption\na.pgm\tunder the source\n"),
              &err);
    assert_string_equal(captions(image("in/a.pgm")), "under the source|");
    snprintf(text, sizeof text, "file,caption\n%s,absolute\n../in/a.pgm,relative\n",
             pf_films_path("in/sub/b.pgm"));
    assert_ok(read_text("lists/c.csv", text), &err);
    assert_string_equal(captions(image("in/sub/b.pgm")), "absolute|");
    assert_string_equal(captions(image("in/a.pgm")), "relative|");
}

static void bytes_that_are_no_utf8(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.csv", "file,caption,k\xFF,case\n"
                                    "a.pgm,caf\xE9,\xC3,\xFF\nsub/b.pgm,,\xC3,\xFE\n"),
              &err);
    const pf_collected_image *a = image("in/a.pgm"), *b = image("in/sub/b.pgm");
    assert_string_equal(captions(a), "caf\xEF\xBF\xBD|");
    assert_string_equal(attributes(b), "k\xEF\xBF\xBD=\xEF\xBF\xBD|");
    assert_int_equal(found.n_keys, 1);
    assert_string_equal(found.cases[0].key, "\xEF\xBF\xBD");
    assert_int_equal(a->in_case, b->in_case);
}

/* The same bytes have the same hash, whatever stands around them. */
static void the_hash_is_of_the_file(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.csv", "file,caption\na.pgm,one\n"), &err);
    const pf_hash one = found.texts_hash;
    assert_ok(read_text("in/d.csv", "file,caption\na.pgm,one\n"), &err);
    assert_true(pf_hash_equal(&found.texts_hash, &one));
    assert_ok(read_text("in/d.csv", "file,caption\na.pgm,two\n"), &err);
    assert_false(pf_hash_equal(&found.texts_hash, &one));
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
        {"file,caption,case\na.pgm,b,1\na.pgm,c,2\n",
         "line 3 puts 'a.pgm' into case '2', line 2 into case '1'; a picture has one "
         "case"},
        {"file,caption,case\na.pgm,b,1\na.pgm,c,2\nz.pgm,c,2\n",
         "line 4: there is no picture 'z.pgm'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(read_text("in/c.csv", bad[i].text), &err, bad[i].words);
        assert_non_null(strstr(err.msg, "captions file '"));
    }
    assert_refused(read_captions("no.csv"), &err, "no.csv");
}

/* Rows about a folder that cannot be read now are no mistake. */
static void gaps_are_no_mistake(void **state)
{
    (void)state;
    assert_ok(pf_scan_add_gap(&scan, pf_films_path("in/far"), "away", &err), &err);
    assert_ok(read_text("in/c.csv", "file,caption\nfar/x.pgm,b\na.pgm,c\n"), &err);
    assert_int_equal(found.n_captions, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_a_picture, before, after),
        cmocka_unit_test_setup_teardown(where_files_are_looked_for, before, after),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_utf8, before, after),
        cmocka_unit_test_setup_teardown(the_hash_is_of_the_file, before, after),
        cmocka_unit_test_setup_teardown(refusals, before, after),
        cmocka_unit_test_setup_teardown(gaps_are_no_mistake, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
