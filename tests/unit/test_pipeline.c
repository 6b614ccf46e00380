/* test_pipeline.c - every input comes back once, with its own vector or its own reason,
 * whatever the number of workers and the size of batches. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/pipeline.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

enum { N = 23, DIM_MAX = 64 };

static pf_err err;
static pf_model *model;
static pf_picture_ref pictures[N];
static char path_text[N][300];

/* Damaged, gone, or a frame that is not there. */
static bool is_bad(int i)
{
    return i % 7 == 3 || i == 20 || i == 8;
}

static int before_all(void **state)
{
    (void)state;
    pf_model_options o;
    pf_model_options_init(&o);
    pf_films_make();
    pf_films_model();
    for (int i = 0; i < N; i++) {
        snprintf(path_text[i], sizeof path_text[i], "%s", pf_films_path("%02d.pgm", i));
        pictures[i].path = path_text[i];
        char name[16];
        snprintf(name, sizeof name, "%02d.pgm", i);
        if (i % 7 == 3)
            pf_films_write_text(name, "P5 broken");
        else if (i != 20)
            pf_films_picture(name, (unsigned)i);
    }
    pictures[8].frame = 1;
    return !pf_model_open(&model, pf_films_path("model"), &o, NULL, &err);
}

static int after_all(void **state)
{
    (void)state;
    pf_model_close(model);
    pf_films_remove();
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

typedef struct {
    int seen[N], failed[N], has_thumbnail[N];
    uint64_t thumbnail[N]; /* the first bytes of its hash */
    float vector[N][DIM_MAX];
    bool is_truncated[N];
    size_t calls, refuse_at; /* 0: never */
    atomic_int *stop;
} collected;

static bool collect(void *context, const pf_embedded *r, size_t n, pf_err *e)
{
    collected *c = context;
    if (++c->calls == c->refuse_at)
        return pf_fail(e, PF_ERR_IO, "the sink is full");
    for (size_t i = 0; i < n; i++) {
        c->seen[r[i].item]++;
        c->failed[r[i].item] = r[i].failure.code != PF_OK;
        c->is_truncated[r[i].item] = r[i].is_truncated;
        if (r[i].thumbnail) {
            const pf_hash h = pf_hash_bytes(r[i].thumbnail, r[i].thumbnail_size);
            memcpy(&c->thumbnail[r[i].item], h.b, sizeof *c->thumbnail);
            c->has_thumbnail[r[i].item] = 1;
        }
        if (r[i].vector)
            memcpy(c->vector[r[i].item], r[i].vector,
                   sizeof(float) * (size_t)pf_model_dim(model));
    }
    if (c->stop)
        atomic_store(c->stop, 1);
    return true;
}

static void each_once(void **state)
{
    (void)state;
    static collected one, c;
    static const struct {
        int jobs;
        size_t batch;
    } shape[] = {{1, 1}, {1, 4}, {3, 1}, {4, 5}, {8, 64}};
    pf_pipeline p = {.model = model, .makes_thumbnails = true};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        p.jobs = shape[s].jobs;
        p.batch = shape[s].batch;
        c = (collected){0};
        assert_ok(pf_pipeline_pictures(&p, pictures, N, collect, &c, &err), &err);
        if (s == 0)
            one = c;
        for (int i = 0; i < N; i++) {
            assert_int_equal(c.seen[i], 1);
            assert_int_equal(c.failed[i], is_bad(i));
            assert_int_equal(c.has_thumbnail[i], !c.failed[i]);
            assert_true(c.thumbnail[i] == one.thumbnail[i]);
            assert_true(i == 0 || c.failed[i] || c.thumbnail[i] != one.thumbnail[0]);
            assert_memory_equal(c.vector[i], one.vector[i], sizeof c.vector[i]);
        }
    }
}

static void texts_and_nothing(void **state)
{
    (void)state;
    static collected c;
    c = (collected){0};
    char long_text[201];
    memset(long_text, '0', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    const char *const texts[] = {"one", "", "three three three", "\xE2\x98\xA2",
                                 long_text};
    pf_pipeline p = {.model = model, .makes_thumbnails = true, .jobs = 2, .batch = 3};
    assert_ok(pf_pipeline_texts(&p, texts, 5, collect, &c, &err), &err);
    for (int i = 0; i < 5; i++)
        assert_true(c.seen[i] == 1 && !c.failed[i] && c.is_truncated[i] == (i == 4));
    assert_ok(pf_pipeline_pictures(&p, pictures, 0, collect, &c, &err), &err);
}

/* What was embedded when it was told to stop comes back, the rest is not begun. */
static void stops(void **state)
{
    (void)state;
    static collected c;
    atomic_int stop = 0;
    c = (collected){.stop = &stop};
    pf_pipeline p = {
        .model = model, .makes_thumbnails = true, .jobs = 2, .batch = 2, .stop = &stop};
    assert_refused(pf_pipeline_pictures(&p, pictures, N, collect, &c, &err), &err,
                   "interrupted");
    assert_int_equal(err.code, PF_ERR_INTERRUPTED);
    int n = 0;
    for (int i = 0; i < N; i++)
        n += c.seen[i];
    assert_true(n >= 2 && n < N);
}

static void count_slow(void *context, const pf_picture_ref *picture)
{
    const size_t which = (size_t)(picture - pictures);
    assert_true(which < N);
    ++((int *)context)[which];
}

/* Whoever happens to be read when it is looked, with no patience at all: each picture
 * once at most; with enough of it none. */
static void a_slow_picture(void **state)
{
    (void)state;
    static collected c;
    bool is_told = false;
    pf_pipeline p = {.model = model, .jobs = 2, .batch = 3, .slow = count_slow};
    for (int k = 0; k < 200 && !is_told; k++) {
        int told[N] = {0};
        p.context = told;
        c = (collected){0};
        assert_ok(pf_pipeline_pictures(&p, pictures, N, collect, &c, &err), &err);
        for (int i = 0; i < N; i++) {
            assert_true(told[i] <= 1);
            is_told |= told[i] == 1;
        }
    }
    assert_true(is_told);
    int told[N] = {0}, none[N] = {0};
    p.context = told;
    p.patience = 1000;
    assert_ok(pf_pipeline_pictures(&p, pictures, N, collect, &c, &err), &err);
    assert_memory_equal(told, none, sizeof told);
}

static void a_sink_that_refuses(void **state)
{
    (void)state;
    static collected c;
    c = (collected){.refuse_at = 2};
    pf_pipeline p = {.model = model, .makes_thumbnails = true, .jobs = 3, .batch = 2};
    assert_refused(pf_pipeline_pictures(&p, pictures, N, collect, &c, &err), &err,
                   "the sink is full");
    assert_int_equal(c.calls, 2); /* and is not asked again */
}

/* Memory that runs out anywhere ends the run with that reason, and leaks nothing; but a
 * thumbnail that could not be made is only missing. */
static void out_of_memory(void **state)
{
    (void)state;
    static collected c;
    pf_pipeline p = {.model = model, .makes_thumbnails = true, .jobs = 1, .batch = 4};
    bool ok = false, is_missing = false;
    int n_missing = 0;
    for (long n = 1; !ok && n < 2000; n++) {
        c = (collected){0};
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = pf_pipeline_pictures(&p, pictures, 6, collect, &c, &err);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        for (int i = 0; ok && i < 6; i++) {
            assert_int_equal(c.failed[i], i == 3);
            is_missing |= !c.failed[i] && !c.has_thumbnail[i];
        }
        n_missing += ok && is_missing;
        ok = ok && !is_missing;
        is_missing = false;
    }
    assert_true(ok && n_missing > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_once, before),
        cmocka_unit_test_setup(texts_and_nothing, before),
        cmocka_unit_test_setup(stops, before),
        cmocka_unit_test_setup(a_slow_picture, before),
        cmocka_unit_test_setup(a_sink_that_refuses, before),
        cmocka_unit_test_setup(out_of_memory, before),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
