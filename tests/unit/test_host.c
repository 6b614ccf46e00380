/* test_host.c - what belongs to the whole process is the host's: a library that is
 * linked, and used, leaves it as it was. CMakeLists.txt asks OpenBLAS for two threads.
 */
#include <cblas.h>

#include "core/model/kernels.h"
#include "core/model/pipeline.h"
#include "tests/support/films.h"
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
    pf_kernels_set_threads(1);
    assert_int_equal(openblas_get_num_threads(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linking_changes_nothing),
        cmocka_unit_test(a_model_changes_nothing),
        cmocka_unit_test(a_program_may_decide),
    };
    threads_at_start = openblas_get_num_threads();
    return cmocka_run_group_tests(tests, before_all, after_all);
}
