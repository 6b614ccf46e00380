/* test_progress.c - the bar and the lines, with a clock of our own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "tests/unit/test_support.h"

typedef struct {
    double now;
    char *text;
    size_t size;
    FILE *file;
    pf_progress progress;
} scene;

static double scene_clock(void *context)
{
    return ((scene *)context)->now;
}

static void begin(scene *s, bool can_redraw, bool is_quiet, int columns)
{
    *s = (scene){.now = 1000};
    s->file = open_memstream(&s->text, &s->size);
    assert_non_null(s->file);
    const pf_progress_options options = {
        .file = s->file,
        .can_redraw = can_redraw,
        .is_quiet = is_quiet,
        .columns = columns,
        .clock = scene_clock,
        .clock_context = s,
    };
    pf_progress_init(&s->progress, &options);
}

static void at(scene *s, double second, size_t done, size_t failed)
{
    s->now = 1000 + second;
    pf_progress_update(&s->progress, done, failed);
}

static void assert_written(scene *s, const char *want)
{
    fclose(s->file);
    assert_string_equal(s->text, want);
    free(s->text);
}

static void the_bar_is_redrawn_in_place(void **state)
{
    (void)state;
    scene s;
    begin(&s, true, false, 60);
    pf_progress_start(&s.progress, "indexing", 200);
    at(&s, 0, 0, 0);
    at(&s, 0.05, 1, 0); /* too soon */
    at(&s, 2, 20, 0);
    at(&s, 2.09, 21, 0); /* too soon */
    at(&s, 4, 80, 3);
    s.now = 1010;
    pf_progress_update(&s.progress, 200, 3);
    pf_progress_finish(&s.progress);
    pf_progress_finish(&s.progress); /* twice does no harm */
    /* 59 of 60 columns are used; with less than ten for a bar there is none. */
    assert_written(&s,
                   "\rindexing  0 % [..............................] 0/200"
                   "\rindexing  10 % [#...............] 20/200  10.0/s  0:18 left"
                   "\rindexing  40 % 80/200  20.0/s  0:06 left  3 failed         "
                   "\rindexing  100 % [###############] 200/200  20.0/s  3 failed"
                   "\rindexing  100 % [###############] 200/200  20.0/s  3 failed\n");
}

static void a_shorter_line_erases_the_longer(void **state)
{
    (void)state;
    scene s;
    begin(&s, true, false, 80);
    pf_progress_start(&s.progress, "reading", 0);
    at(&s, 0, 1234567, 0);
    at(&s, 0.5, 1, 0);
    pf_progress_finish(&s.progress);
    assert_written(&s, "\rreading  1234567\rreading  1      \rreading  1  2.0/s\n");
}

static void a_narrow_terminal_cuts_the_line(void **state)
{
    (void)state;
    scene s;
    begin(&s, true, false, 20);
    pf_progress_start(&s.progress, "indexing", 100000);
    at(&s, 10, 50000, 7);
    assert_written(&s, "\rindexing  50 % 5000");
}

static void a_log_gets_a_line_every_thirty_seconds(void **state)
{
    (void)state;
    scene s;
    begin(&s, false, false, 80);
    pf_progress_start(&s.progress, "indexing", 7200);
    for (int i = 1; i <= 65; i++)
        at(&s, i, (size_t)i, i > 40 ? 2 : 0);
    s.now = 1070;
    pf_progress_update(&s.progress, 7200, 2);
    pf_progress_finish(&s.progress);
    assert_written(
        &s, "indexing: 30 of 7200 (0 %), 1.0 per second, 1:59:30 left\n"
            "indexing: 60 of 7200 (0 %), 1.0 per second, 1:59:00 left, 2 failed\n"
            "indexing: 7200 of 7200 (100 %), 102.9 per second, 2 failed\n");
}

static void a_short_job_leaves_no_trace_in_a_log(void **state)
{
    (void)state;
    scene s;
    begin(&s, false, false, 80);
    pf_progress_start(&s.progress, "indexing", 10);
    at(&s, 29, 10, 1);
    pf_progress_finish(&s.progress);
    assert_written(&s, "");
}

static void quiet_says_nothing_but_messages(void **state)
{
    (void)state;
    scene s;
    begin(&s, true, true, 80);
    pf_progress_start(&s.progress, "indexing", 10);
    at(&s, 1, 5, 0);
    pf_progress_say(&s.progress, "'%s': %s", "a\x1b[2Jb.png", "is cut");
    pf_progress_finish(&s.progress);
    assert_written(&s, "'a?b.png': is cut\n");
}

static void a_message_stands_above_the_bar(void **state)
{
    (void)state;
    scene s;
    begin(&s, true, false, 80);
    pf_progress_say(&s.progress, "before");
    pf_progress_start(&s.progress, "reading", 0);
    at(&s, 0, 5, 0);
    pf_progress_say(&s.progress, "x");
    pf_progress_finish(&s.progress);
    pf_progress_say(&s.progress, "after");
    assert_written(&s, "before\n\rreading  5\r          \rx\n\rreading  5"
                       "\rreading  5\nafter\n");
}

/* The rate is that of late: a stretch of unchanged files does not promise too much. */
static void the_rate_forgets(void **state)
{
    (void)state;
    scene s;
    begin(&s, false, false, 80);
    pf_progress_start(&s.progress, "indexing", 20000);
    at(&s, 1, 10000, 0);
    for (int i = 2; i <= 30; i++)
        at(&s, i, (size_t)(10000 + 2 * (i - 1)), 0);
    assert_written(&s,
                   "indexing: 10058 of 20000 (50 %), 2.0 per second, 1:22:51 left\n");
}

static void jobs_follow_each_other(void **state)
{
    (void)state;
    scene s;
    begin(&s, true, false, 80);
    pf_progress_start(&s.progress, "scanning", 0);
    at(&s, 0, 3, 0);
    pf_progress_start(&s.progress, "indexing", 0); /* ends the first */
    pf_progress_set_total(&s.progress, 4);
    at(&s, 0, 4, 0);
    pf_progress_finish(&s.progress);
    at(&s, 9, 4, 0); /* after the end: nothing */
    assert_written(&s, "\rscanning  3\rscanning  3\n"
                       "\rindexing  100 % [##############################] 4/4"
                       "\rindexing  100 % [##############################] 4/4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_is_redrawn_in_place),
        cmocka_unit_test(a_shorter_line_erases_the_longer),
        cmocka_unit_test(a_narrow_terminal_cuts_the_line),
        cmocka_unit_test(a_log_gets_a_line_every_thirty_seconds),
        cmocka_unit_test(a_short_job_leaves_no_trace_in_a_log),
        cmocka_unit_test(quiet_says_nothing_but_messages),
        cmocka_unit_test(a_message_stands_above_the_bar),
        cmocka_unit_test(the_rate_forgets),
        cmocka_unit_test(jobs_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
