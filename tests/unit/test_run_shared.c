/*
 * test_run_shared.c - runs over collections that are not part of the project: real
 * radiographs with captions, and a hundred odd and broken pictures.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/image/picture.h"
#include "core/model/model.h"
#include "core/search/search.h"
#include "indexer/run.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

#define FILMS PF_SHARED_DIR "/data/radiographs"
#define ODD PF_SHARED_DIR "/data/odd-images/files"

enum { DIM_MAX = 64, TOP = 5, MAX_SECONDS = 10, MAX_MIB = 1500 };

static pf_err err;
static pf_run_options options;
static pf_run_report report;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    report = (pf_run_report){0};
    pf_films_make();
    pf_films_model();
    pf_films_options(&options);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_run_report_reset(&report);
    pf_films_remove();
    return 0;
}

/* ---- radiographs ---- */

typedef struct {
    size_t n, room;
    int64_t *id;
    float *vector; /* [n, DIM_MAX] */
    int dim;
} brute;

static bool take_vector(void *user, int64_t id, const float *vector, int dim, pf_err *e)
{
    brute *b = user;
    (void)e;
    assert_true(dim <= DIM_MAX && b->n < b->room);
    b->dim = dim;
    b->id[b->n] = id;
    memcpy(b->vector + b->n++ * DIM_MAX, vector, sizeof *vector * (size_t)dim);
    return true;
}

static double cosine(const brute *b, size_t x, size_t y)
{
    double sum = 0;
    for (int i = 0; i < b->dim; i++)
        sum += (double)b->vector[x * DIM_MAX + (size_t)i] *
               b->vector[y * DIM_MAX + (size_t)i];
    return sum;
}

static size_t place_of(const brute *b, int64_t id)
{
    size_t i = 0;
    while (i < b->n && b->id[i] != id)
        i++;
    assert_true(i < b->n);
    return i;
}

/* The answer is what walking over all vectors in SQLite gives: scores fall, each is the
 * cosine of its pair, and nothing better was left out. */
static void compare_with_brute(const brute *b, size_t asked, const pf_hits *answer)
{
    double last = 2;
    for (size_t h = 0; h < answer->n_hits; h++) {
        double score = cosine(b, asked, place_of(b, answer->hits[h].id));
        assert_true(fabs(score - answer->hits[h].score) < 1e-3);
        assert_true(answer->hits[h].score <= last);
        last = answer->hits[h].score;
    }
    size_t better = 0;
    for (size_t i = 0; i < b->n; i++)
        better += cosine(b, asked, i) > last + 1e-3;
    assert_true(better < answer->n_hits);
}

static void ask_each(pf_catalog *catalog, const brute *b)
{
    pf_reader *reader = NULL;
    assert_ok(pf_asking_open(&reader, options.catalog, NULL, NULL, &err), &err);
    for (size_t i = 0; i < b->n; i++) {
        pf_store_details d = {0};
        pf_query query;
        pf_hits answer = {0};
        assert_ok(pf_store_get_details(pf_catalog_store(catalog), b->id[i], &d, &err),
                  &err);
        pf_part part = {.kind = PF_PART_FILE, .text = d.path, .weight = 1};
        pf_query_init(&query);
        query.parts = &part;
        query.n_parts = 1;
        query.limit = TOP;
        assert_ok(pf_search_run(reader, &query, &answer, &err), &err);
        assert_int_equal(answer.n_hits, TOP);
        assert_string_equal(answer.hits[0].path, d.path);
        assert_true(answer.hits[0].score >= 0.999);
        compare_with_brute(b, i, &answer);
        pf_hits_reset(&answer);
        pf_store_details_reset(&d);
    }
    pf_asking_close(reader);
}

/* The vector of a picture as its file has it. */
static void embed_whole(pf_embedder *e, const pf_model *model, const char *path,
                        float *vector)
{
    const pf_preprocess *recipe = pf_model_preprocess(model);
    const size_t n = pf_embed_pixels_size(model);
    pf_picture p;
    pf_mapfile file;
    uint8_t *rgb = pf_zalloc(n, &err);
    float *input = pf_alloc_floats(n, &err);
    assert_true(rgb && input);
    assert_ok(pf_mapfile_open(&file, path, &err), &err);
    assert_ok(pf_picture_decode(&p, file.data, file.size, path, 0, NULL, &err), &err);
    assert_ok(pf_preprocess_pixels(recipe, &p, rgb, &err), &err);
    pf_preprocess_normalise(recipe, rgb, input);
    assert_ok(pf_embed_pixels(e, input, 1, vector, &err), &err);
    pf_picture_reset(&p);
    pf_mapfile_close(&file);
    pf_free(input);
    pf_free(rgb);
}

/* JPEGs much larger than the model's input were decoded smaller; this did not matter.
 */
static void compare_with_whole(pf_catalog *catalog, brute *b)
{
    pf_model *model = NULL;
    pf_embedder *e = NULL;
    pf_model_options how;
    double least = 1;
    size_t n_other = 0;
    pf_model_options_init(&how);
    how.what = PF_CLIP_IMAGE;
    assert_ok(pf_model_open(&model, options.model, &how, NULL, &err), &err);
    assert_ok(pf_embedder_new(&e, model, &err), &err);
    for (size_t i = 0; i < b->n; i++) {
        pf_store_details d = {0};
        assert_ok(pf_store_get_details(pf_catalog_store(catalog), b->id[i], &d, &err),
                  &err);
        embed_whole(e, model, d.path, b->vector + b->n * DIM_MAX);
        const double same = cosine(b, i, b->n);
        least = same < least ? same : least;
        n_other += same < 0.999999;
        pf_store_details_reset(&d);
    }
    print_message("%zu of %zu were decoded smaller, least cosine to the whole %.5f\n",
                  n_other, b->n, least);
    assert_true(least >= 0.999);
    assert_true(n_other > 0);
    pf_embedder_free(e);
    pf_model_close(model);
}

static void radiographs(void **state)
{
    (void)state;
    static const char *const path[] = {FILMS};
    options.paths = path;
    options.n_paths = 1;
    options.captions = (const char *const[]){FILMS "/captions.csv"};
    options.n_captions = 1;
    options.jobs = 2;
    options.batch = 8;
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_true(report.added > 0 && report.failed == 0);
    assert_int_equal(report.images, report.added);
    assert_int_equal(report.captions, report.added);
    assert_null(pf_films_check());
    print_message("%zu radiographs in %.1f s\n", report.added, report.seconds);

    pf_catalog *catalog = NULL;
    brute b = {.room = report.added};
    b.id = pf_alloc_array(b.room, sizeof *b.id, NULL);
    b.vector = pf_alloc_floats((b.room + 1) * DIM_MAX, NULL);
    assert_true(b.id && b.vector);
    assert_ok(pf_catalog_open_reader(&catalog, options.catalog, &err) &&
                  pf_store_each_image_vector(pf_catalog_store(catalog), take_vector, &b,
                                             &err),
              &err);
    assert_int_equal(b.n, report.added);
    ask_each(catalog, &b);
    compare_with_whole(catalog, &b);
    pf_catalog_close(catalog);
    pf_free(b.id);
    pf_free(b.vector);
}

/* ---- odd pictures ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double last_call, slowest;

static void watch(void *context, const char *what, size_t done, size_t total,
                  size_t failed)
{
    (void)context, (void)what, (void)done, (void)total, (void)failed;
    double t = now();
    slowest = t - last_call > slowest ? t - last_call : slowest;
    last_call = t;
}

/* In a process of its own, so that its memory can be told; 0 when all is well. */
static int index_odd(void)
{
    static const char *const path[] = {ODD};
    options.paths = path;
    options.n_paths = 1;
    options.batch = 1; /* a call of watch() per picture, or two bad ones */
    options.progress = watch;
    last_call = now();
    if (!pf_run(&options, &report, NULL, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    fprintf(stderr, "odd pictures: %zu added, %zu failed, slowest step %.2f s\n",
            report.added, report.failed, slowest);
    if (report.failed == 0 || report.added == 0 || slowest > MAX_SECONDS)
        return 2;
    for (size_t i = 0; i < report.n_failures; i++) {
        if (!report.failures[i].reason[0] || strchr(report.failures[i].reason, '\n'))
            return 3;
    }
    size_t candidates = report.added + report.failed;
    pf_run_report_reset(&report);
    options.dry_run = true; /* each file is one or the other */
    if (!pf_run(&options, &report, NULL, &err))
        return 4;
    return report.unchanged + report.failed + report.added == candidates ? 0 : 5;
}

static void odd_pictures(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(index_odd());
    int status;
    struct rusage used;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &used), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    print_message("odd pictures: at most %ld MiB\n", used.ru_maxrss / 1024);
#ifndef PF_SANITIZED /* which take several times the memory */
    assert_true(used.ru_maxrss / 1024 < MAX_MIB);
#endif
    assert_null(pf_films_check());
    /* every file whose name says picture is accounted for */
    size_t n = 0;
    DIR *dir = opendir(ODD);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    size_t known = (size_t)pf_films_ask("SELECT (SELECT count(*) FROM image) +"
                                        " (SELECT count(*) FROM failure)");
    print_message("odd pictures: %zu of %zu files are candidates\n", known, n);
    assert_true(known <= n && known + 10 > n);
}

int main(void)
{
    if (!pf_path_is_folder(FILMS) || !pf_path_is_folder(ODD)) {
        fprintf(stderr, "skipped: there is no '%s' or '%s'\n", FILMS, ODD);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        /* It forks, which is best done before there are threads. */
        cmocka_unit_test_setup_teardown(odd_pictures, before, after),
        cmocka_unit_test_setup_teardown(radiographs, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
