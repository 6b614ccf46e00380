/* test_host.c - what belongs to the whole process is the host's: a library that is
 * linked, and used, leaves it as it was. CMakeLists.txt asks OpenBLAS for two threads.
 */
#include <cblas.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "core/model/pipeline.h"
#include "core/search/filter.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/support/seeded.h"
#include "tests/unit/test_support.h"

static pf_err err;
static int threads_at_start;

static int before_all(void **state)
{
    (void)state;
    pf_films_make();
    pf_films_model();
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_films_remove();
    return 0;
}

static bool ignore(void *context, const pf_embedded *results, size_t n, pf_err *e)
{
    (void)context, (void)results, (void)n, (void)e;
    return true;
}

/* OpenBLAS starts with no more threads than there are cores. */
static void linking_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(threads_at_start, openblas_get_num_procs() > 1 ? 2 : 1);
}

static void a_model_changes_nothing(void **state)
{
    (void)state;
    static const char *const text = "a chest film";
    pf_model *model = NULL;
    pf_model_options o;
    pf_model_options_init(&o);
    openblas_set_num_threads(3);
    assert_ok(pf_model_open(&model, pf_films_path("model"), &o, NULL, &err), &err);
    const pf_pipeline p = {.model = model, .jobs = 2, .batch = 2};
    assert_ok(pf_pipeline_texts(&p, &text, 1, ignore, NULL, &err), &err);
    pf_model_close(model);
    assert_int_equal(openblas_get_num_threads(), 3);
}

static void a_program_may_decide(void **state)
{
    (void)state;
    pf_blas_set_threads(1);
    assert_int_equal(openblas_get_num_threads(), 1);
}

/* One whose numbers have a comma; made here where it is not installed. */
static bool set_comma_locale(void)
{
    char command[400];
    if (setlocale(LC_ALL, "de_DE.UTF-8"))
        return true;
    snprintf(
        command, sizeof command,
        "mkdir -p '%s' && localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' 2>/dev/null",
        pf_films_path("locale"), pf_films_path("locale"));
    return system(command) == 0 && setenv("LOCPATH", pf_films_path("locale"), 1) == 0 &&
           setlocale(LC_ALL, "de_DE.UTF-8");
}

/* Questions and answers with numbers in them, and a model that is read as a whole. */
static char *ask_all(void)
{
    static const char *const questions[] = {
        "{\"phrase\":\"0.5:film\",\"like\":3,\"min_score\":0.125}",
        "{\"like\":3,\"filter\":[\"age>2.25\",\"age<2.75\",\"path~*fil?s*\"]}",
        "{\"phrase\":\"film\",\"embed\":true}",
        "{\"like\":3,\"classify\":\"left, right\"}",
        "{\"duplicates\":0.25}",
        "{\"evaluate\":true,\"by\":\"words\"}",
    };
    pf_reader *r;
    char *all = pf_strdup("", &err);
    assert_ok(pf_asking_open(&r, pf_films_path("catalog"), NULL, NULL, &err), &err);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        char *json = pf_asking_ask(r, questions[i], &err);
        assert_ok(json != NULL, &err);
        char *longer = pf_strf(&err, "%s%s\n", all, json);
        pf_free(json);
        pf_free(all);
        all = longer;
    }
    pf_asking_close(r);
    return all;
}

static void write_catalog(void)
{
    pf_catalog *c;
    pf_films_model();
    const pf_store_attribute ages[] = {{"age", "2"}, {"age", "2.5"}, {"age", "3"}};
    assert_ok(pf_seeded_catalog_write(pf_films_path("catalog"), pf_films_path("model"),
                                      NULL, 20, true, &err),
              &err);
    assert_ok(pf_catalog_open_writer(&c, pf_films_path("catalog"), NULL, &err) &&
                  pf_store_begin(pf_catalog_store(c), &err),
              &err);
    for (int64_t id = 1; id <= 20; id++)
        assert_ok(pf_store_set_image_attributes(pf_catalog_store(c), id, &ages[id % 3],
                                                1, &err),
                  &err);
    assert_ok(pf_catalog_publish(c, &err), &err);
    pf_catalog_close(c);
}

static void numbers_are_written_and_read_as_in_c(void **state)
{
    (void)state;
    write_catalog();
    char *expected = ask_all();
    if (!set_comma_locale())
        skip();
    char text[8];
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
    char *answers = ask_all();
    assert_string_equal(answers, expected);
    pf_free(answers);
    pf_films_model(); /* another time: it is read as a whole, and the same one */
    answers = ask_all();
    assert_string_equal(answers, expected);
    pf_free(answers);
    pf_free(expected);
    /* The host has its own as before. */
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
    assert_string_equal(setlocale(LC_ALL, NULL), "de_DE.UTF-8");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linking_changes_nothing),
        cmocka_unit_test(a_model_changes_nothing),
        cmocka_unit_test(a_program_may_decide),
        cmocka_unit_test(numbers_are_written_and_read_as_in_c),
    };
    threads_at_start = openblas_get_num_threads();
    return cmocka_run_group_tests(tests, before_all, after_all);
}
