/* test_many_captions.c - ten thousand captions through the whole indexer: the last one
 * comes back for its own words and for its own vector, as others do. */
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/search/search.h"
#include "indexer/run.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

enum { PICTURES = 50, CAPTIONS = 10000 };

static pf_err err;

/* A text of its own for each; the number is one of its words. */
static const char *caption(int i)
{
    static const char *const finding[] = {"effusion", "fracture", "nodule", "hernia",
                                          "abscess",  "mass",     "cyst"};
    static char text[128];
    snprintf(text, sizeof text, "Film %d shows a%s %s of %d mm, series %d.", i,
             i % 2 ? " small" : " large", finding[i % 7], 3 + i % 40, i / 100);
    return text;
}

static void write_captions(void)
{
    pf_buf b;
    pf_buf_init(&b, 4 << 20);
    assert_ok(pf_buf_add_str(&b, "file,caption\n", &err), &err);
    for (int i = 1; i <= CAPTIONS; i++) {
        char row[256];
        snprintf(row, sizeof row, "%02d.pgm,\"%s\"\n", i % PICTURES, caption(i));
        assert_ok(pf_buf_add_str(&b, row, &err), &err);
    }
    pf_films_write("in/captions.csv", b.data, b.size);
    pf_buf_free(&b);
}

static void index_all(void)
{
    static char in[300], captions[300];
    const char *paths[] = {in};
    pf_run_options options;
    pf_run_report report = {0};
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[32];
        snprintf(name, sizeof name, "in/%02u.pgm", i);
        pf_films_picture(name, i);
    }
    write_captions();
    snprintf(in, sizeof in, "%s", pf_films_path("in"));
    snprintf(captions, sizeof captions, "%s", pf_films_path("in/captions.csv"));
    pf_films_options(&options);
    options.paths = paths;
    options.n_paths = 1;
    options.captions = (const char *const[]){captions};
    options.n_captions = 1;
    options.batch = 64;
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_int_equal(report.captions, CAPTIONS);
    pf_run_report_reset(&report);
}

static void find(pf_reader *reader, pf_by by, int i)
{
    char text[128];
    snprintf(text, sizeof text, "%s", caption(i));
    const pf_part part = {.kind = PF_PART_PHRASE, .text = text, .weight = 1};
    pf_query q;
    pf_hits answer = {0};
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.find = PF_FIND_CAPTIONS;
    q.by = by;
    q.limit = 1;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 1);
    assert_string_equal(answer.hits[0].caption, text);
    if (by == PF_BY_MEANING)
        assert_true(answer.hits[0].score > 0.99999);
    pf_hits_reset(&answer);
}

static void the_last_caption_comes_back(void **state)
{
    (void)state;
    pf_reader *reader;
    index_all();
    assert_ok(pf_asking_open(&reader, pf_films_path("catalog"), NULL, NULL, &err),
              &err);
    static const int some[] = {CAPTIONS, CAPTIONS - 1, CAPTIONS / 2, 1};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        find(reader, PF_BY_WORDS, some[i]);
        find(reader, PF_BY_MEANING, some[i]);
        find(reader, PF_BY_BOTH, some[i]);
    }
    pf_asking_close(reader);
}

static int before(void **state)
{
    (void)state;
    pf_films_make();
    pf_films_model();
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_films_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_caption_comes_back, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
