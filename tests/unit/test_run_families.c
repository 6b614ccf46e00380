/*
 * test_run_families.c - a catalog made with BiomedCLIP and made over with SigLIP: run,
 * asked, judged; another model is refused; and while it is made over, questions go on
 * being answered, each wholly from the old vectors or wholly from the new.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "indexer/run.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/support/noise.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { N = 40, ASKERS = 2, QUESTIONS = 1000, AFTERWARDS = 100 };

static pf_err err;
static pf_run_options options;
static pf_run_report report;
static char in[PF_TREE_ROOM + 16], table[PF_TREE_ROOM + 32];
static char biomedclip[PF_TREE_ROOM + 32], siglip[PF_TREE_ROOM + 32];
static const char *paths[] = {in}, *tables[] = {table};

/* Of 300 letters and of 100: longer than BiomedCLIP's 256 tokens, and than SigLIP's 64,
 * for each letter is a token here. */
static void write_captions(void)
{
    char text[8192];
    size_t n = (size_t)snprintf(text, sizeof text, "file,caption\n");
    for (unsigned i = 0; i < N; i++) {
        const int letters = i == 0 ? 300 : i == 1 ? 100 : 0;
        n += (size_t)snprintf(text + n, sizeof text - n, "%02u.pgm,film %u with a %s ",
                              i, i, i % 2 ? "nodule" : "fracture");
        for (int k = 0; k < letters; k++)
            text[n++] = "abcdefg "[k % 8];
        text[n++] = '\n';
    }
    text[n] = '\0';
    pf_films_write_text("in/captions.csv", text);
}

static int before_all(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_films_make();
    snprintf(in, sizeof in, "%s", pf_films_path("in"));
    snprintf(table, sizeof table, "%s", pf_films_path("in/captions.csv"));
    snprintf(biomedclip, sizeof biomedclip, "%s", pf_films_path("biomedclip"));
    snprintf(siglip, sizeof siglip, "%s", pf_films_path("siglip"));
    for (unsigned i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "in/%02u.pgm", i);
        pf_films_picture(name, i);
    }
    write_captions();
    pf_films_options(&options);
    options.paths = paths;
    options.n_paths = 1;
    options.captions = tables;
    options.n_captions = 1;
    options.model = biomedclip;
    return !pf_noise_write(pf_noise_find("tiny-biomedclip"), biomedclip,
                           PF_NOISE_OPEN_CLIP, &err) ||
           !pf_noise_write(pf_noise_find("tiny-siglip"), siglip, PF_NOISE_HF, &err);
}

static int after_all(void **state)
{
    (void)state;
    pf_run_report_reset(&report);
    pf_films_remove();
    return 0;
}

static bool run(void)
{
    pf_run_report_reset(&report);
    err = (pf_err)PF_ERR_INIT;
    return pf_run(&options, &report, NULL, &err);
}

/* ---- questions ---- */

static char questions[4][256];

static void make_questions(void)
{
    snprintf(questions[0], sizeof questions[0],
             "{\"phrase\":\"a nodule\",\"by\":\"meaning\",\"limit\":7}");
    snprintf(questions[1], sizeof questions[1], "{\"image\":\"%s/03.pgm\",\"limit\":5}",
             in);
    snprintf(questions[2], sizeof questions[2],
             "{\"like\":4,\"classify\":\"nodule, fracture\",\"limit\":3}");
    snprintf(questions[3], sizeof questions[3],
             "{\"phrase\":\"film with a fracture\",\"find\":\"captions\",\"limit\":9}");
}

enum { KINDS = sizeof questions / sizeof *questions };

static pf_reader *open_reader(const char *model)
{
    pf_reader *r = NULL;
    const pf_engine_options o = {.model = model};
    assert_ok(pf_asking_open(&r, options.catalog, &o, NULL, &err), &err);
    return r;
}

static void ask_all(char *answers[KINDS])
{
    pf_reader *r = open_reader(NULL);
    for (size_t q = 0; q < KINDS; q++) {
        answers[q] = pf_asking_ask(r, questions[q], &err);
        assert_ok(answers[q] != NULL, &err);
    }
    pf_asking_close(r);
}

/* The first or the second probability of an answer. */
static double probability_of(const char *answer, int which)
{
    static const char key[] = "\"probability\":";
    for (int i = 0; i <= which; i++) {
        answer = strstr(answer, key);
        assert_non_null(answer);
        answer += sizeof key - 1;
    }
    return strtod(answer, NULL);
}

/* ---- with one model ---- */

static char *old_answers[KINDS], *new_answers[KINDS];

static void test_made_with_biomedclip(void **state)
{
    (void)state;
    make_questions();
    assert_ok(run(), &err);
    assert_int_equal(report.added, N);
    assert_int_equal(report.captions, N);
    assert_int_equal(report.captions_cut, 1);
    assert_null(pf_films_check());
    ask_all(old_answers);
    /* A picture finds itself; two labels share the probability. */
    assert_non_null(strstr(old_answers[1], "\"rank\":1"));
    const char *first = strstr(old_answers[1], "/in/");
    assert_non_null(first);
    assert_memory_equal(first, "/in/03.pgm", 10);
    const double sum =
        probability_of(old_answers[2], 0) + probability_of(old_answers[2], 1);
    assert_true(sum > 0.999 && sum < 1.001);
    pf_reader *r = open_reader(NULL);
    char *judged = pf_asking_ask(r, "{\"evaluate\":true}", &err);
    assert_ok(judged != NULL, &err);
    assert_non_null(strstr(judged, "recall"));
    pf_free(judged);
    pf_asking_close(r);
}

static void test_another_model_is_refused(void **state)
{
    (void)state;
    options.model = siglip;
    assert_refused(run(), &err, "was made with another model than");
    assert_non_null(strstr(err.msg, "(BiomedCLIP, ViT, 2 blocks of width 128"));
    assert_non_null(strstr(err.msg, "this one is SigLIP, ViT, 3 blocks of width 72"));
    assert_int_equal(err.code, PF_ERR_MISMATCH);
    options.model = biomedclip;
    pf_reader *r = open_reader(siglip);
    err = (pf_err)PF_ERR_INIT;
    char *answer = pf_asking_ask(r, questions[0], &err);
    assert_refused(answer != NULL, &err, "is not the one catalog");
    pf_asking_close(r);
}

/* ---- from one to the other ---- */

/* The same steps in a catalog of its own, with nobody else there. */
static void make_over_alone(void)
{
    static char other[PF_TREE_ROOM + 32];
    const char *const own = options.catalog;
    snprintf(other, sizeof other, "%s", pf_films_path("other"));
    options.catalog = other;
    options.model = biomedclip;
    assert_ok(run(), &err);
    options.model = siglip;
    options.rebuild = true;
    assert_ok(run(), &err);
    ask_all(new_answers);
    options.rebuild = false;
    options.catalog = own;
}

typedef struct {
    pf_reader *reader;
    size_t n, n_old, n_new;
    char problem[512]; /* "" while all is well */
} asker;

static atomic_size_t n_asked;
static atomic_bool is_over;

static bool check_answer(asker *a, size_t q)
{
    pf_err why = PF_ERR_INIT;
    char *answer = pf_reader_refresh(a->reader, &why)
                       ? pf_asking_ask(a->reader, questions[q], &why)
                       : NULL;
    const bool is_old = answer && strcmp(answer, old_answers[q]) == 0;
    const bool is_new = answer && strcmp(answer, new_answers[q]) == 0;
    if (!answer)
        snprintf(a->problem, sizeof a->problem, "%s", why.msg);
    else if (!is_old && !is_new)
        snprintf(a->problem, sizeof a->problem, "neither old nor new: %.400s", answer);
    else if (is_old && a->n_new > 0)
        snprintf(a->problem, sizeof a->problem, "an old answer after a new one");
    a->n_old += is_old;
    a->n_new += is_new;
    pf_free(answer);
    return !*a->problem;
}

static void *ask_on(void *context)
{
    asker *a = context;
    size_t left = AFTERWARDS;
    while (left > 0 && check_answer(a, a->n % KINDS)) {
        a->n++;
        atomic_fetch_add(&n_asked, 1);
        if (atomic_load(&is_over) && atomic_load(&n_asked) >= QUESTIONS)
            left--;
    }
    return NULL;
}

static void test_made_over_with_siglip(void **state)
{
    (void)state;
    static asker askers[ASKERS];
    pthread_t thread[ASKERS];
    make_over_alone();
    for (size_t q = 0; q < KINDS; q++)
        assert_string_not_equal(old_answers[q], new_answers[q]);
    for (int i = 0; i < ASKERS; i++) {
        askers[i].reader = open_reader(NULL);
        assert_int_equal(pthread_create(&thread[i], NULL, ask_on, &askers[i]), 0);
    }
    options.model = siglip;
    options.rebuild = true;
    const bool ok = run();
    atomic_store(&is_over, true);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(thread[i], NULL);
    assert_ok(ok, &err);
    size_t n = 0, n_old = 0, n_new = 0;
    for (int i = 0; i < ASKERS; i++) {
        if (*askers[i].problem)
            fail_msg("%s", askers[i].problem);
        n += askers[i].n;
        n_old += askers[i].n_old;
        n_new += askers[i].n_new;
        pf_asking_close(askers[i].reader);
    }
    assert_true(n >= QUESTIONS && n_old > 0 && n_new > 0);
    print_message("%zu questions, %zu answers from the old, %zu from the new\n", n,
                  n_old, n_new);
    assert_int_equal(report.embedded, N);
    assert_int_equal(report.captions_cut, 2);
    assert_null(pf_films_check());
    /* Each label by itself: all of them unlikely, for the model is noise. */
    assert_true(probability_of(new_answers[2], 0) < 0.5 &&
                probability_of(new_answers[2], 1) < 0.5);
    for (size_t q = 0; q < KINDS; q++) {
        pf_free(old_answers[q]);
        pf_free(new_answers[q]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_with_biomedclip),
        cmocka_unit_test(test_another_model_is_refused),
        cmocka_unit_test(test_made_over_with_siglip),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
