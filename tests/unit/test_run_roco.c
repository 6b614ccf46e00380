/* test_run_roco.c - ROCO's own texts, of its test set, over drawn pictures: all in, and
 * as many of each attribute as the files have. Skipped where the texts are not there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/pipeline.h"
#include "indexer/run.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

#define TEXTS PF_SHARED_DIR "/data/roco-test/"
enum { PICTURES = 8179, FILE_MAX = 8 << 20, VALUES_MAX = 256 };

static pf_err err;

static void copy(const char *name, pf_buf *text)
{
    char from[600], to[64];
    snprintf(from, sizeof from, "%s%s", TEXTS, name);
    snprintf(to, sizeof to, "roco/%s", name);
    pf_buf_init(text, FILE_MAX);
    assert_ok(pf_file_read(from, text, &err), &err);
    pf_films_write(to, text->data, text->size);
}

/* One for each line of the captions. */
static void draw_pictures(const pf_buf *captions)
{
    unsigned n = 0;
    for (const char *line = captions->data; *line != '\0'; n++) {
        char name[100];
        snprintf(name, sizeof name, "roco/images/%.*s.pgm", (int)strcspn(line, "\t"),
                 line);
        pf_films_picture(name, n);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    assert_int_equal(n, PICTURES);
}

/* Different values in lines of an id and fields parted by tabs: every `step`-th, from
 * the first or second on. Cuts the text up. */
static int64_t count_values(char *text, int step, int first)
{
    int64_t n = 0;
    char *rest_of_text = NULL;
    for (char *line = strtok_r(text, "\n", &rest_of_text); line;
         line = strtok_r(NULL, "\n", &rest_of_text)) {
        const char *values[VALUES_MAX];
        char *rest = NULL;
        int n_fields = -1, n_values = 0; /* the id comes first */
        for (char *field = strtok_r(line, "\t", &rest); field;
             field = strtok_r(NULL, "\t", &rest), n_fields++) {
            int k = 0;
            if (n_fields < 0 || n_fields % step != first)
                continue;
            while (k < n_values && strcmp(values[k], field) != 0)
                k++;
            assert_true(k < VALUES_MAX);
            values[k] = field;
            n_values += k == n_values;
        }
        n += n_values;
    }
    return n;
}

static int64_t count_attributes(const char *key)
{
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM image_attribute WHERE key = '%s'",
             key);
    return pf_films_ask(sql);
}

static void all_of_it_is_in(void **state)
{
    (void)state;
    pf_buf captions, keywords, cuis, semtypes, licences;
    pf_run_options options;
    pf_run_report report = {0};
    pf_films_make();
    pf_films_model();
    copy("captions.txt", &captions);
    copy("keywords.txt", &keywords);
    copy("cuis.txt", &cuis);
    copy("semtypes.txt", &semtypes);
    copy("licences.txt", &licences);
    draw_pictures(&captions);
    pf_films_options(&options);
    options.paths = (const char *const[]){pf_films_path("roco")};
    options.n_paths = 1;
    options.jobs = pf_pipeline_cores();
    options.batch = 64;
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_true(report.added == PICTURES && report.failed == 0);
    assert_true(report.n_stale == 0 && report.n_rowless == 0);
    assert_int_equal(report.captions, PICTURES);
    assert_int_equal(count_attributes("license"), PICTURES);
    assert_int_equal(count_attributes("pmc_id"), PICTURES);
    assert_int_equal(count_attributes("keyword"), count_values(keywords.data, 1, 0));
    assert_int_equal(count_attributes("cui"), count_values(cuis.data, 1, 0));
    char *names = pf_strdup(semtypes.data, &err);
    assert_non_null(names);
    assert_int_equal(count_attributes("tui"), count_values(semtypes.data, 2, 0));
    assert_int_equal(count_attributes("semtype"), count_values(names, 2, 1));
    pf_free(names);
    pf_run_report_reset(&report);
    options.n_paths = 0;
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_true(report.unchanged == PICTURES && !report.is_published);
    pf_run_report_reset(&report);
    pf_buf *const texts[] = {&captions, &keywords, &cuis, &semtypes, &licences};
    for (int i = 0; i < 5; i++)
        pf_buf_free(texts[i]);
    pf_films_remove();
}

int main(void)
{
    if (access(TEXTS "captions.txt", R_OK) != 0)
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_it_is_in)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
