/*
 * print_evaluation.c - what --evaluate found: for people and as TSV.
 *
 * A median rank that does not exist, since half of the questions found nothing, is
 * "none" for people and an empty field in TSV.
 */
#include <math.h>
#include <stdio.h>

#include "query/print.h"

enum { N_WAYS = 3 };

static const char *const by_names[N_WAYS] = {"meaning", "words", "both"};

/* ---- for people ------------------------------------------------------------------ */

/* What a figure and its interval take, and the name of a figure. */
enum { COLUMN = 19, NAME = 11 };

static const char *const metric_names[PF_N_METRICS] = {
    "Recall@1", "Recall@5", "Recall@10", "median rank", "MRR"};

static void put_number(char *out, size_t n, pf_metric metric, double value)
{
    if (!isfinite(value))
        snprintf(out, n, "none");
    else if (metric == PF_MEDIAN_RANK)
        snprintf(out, n, "%.10g", value);
    else
        snprintf(out, n, "%.3f", value);
}

static void put_figure(char *out, size_t n, pf_metric metric, const pf_estimate *of)
{
    char value[24], low[24], high[24];
    put_number(value, sizeof value, metric, of->value);
    put_number(low, sizeof low, metric, of->low);
    put_number(high, sizeof high, metric, of->high);
    snprintf(out, n, "%s (%s-%s)", value, low, high);
}

/* A cell behind the one before it; the last of a line has no blanks behind it. */
static void put_cell(FILE *out, const char *text, bool is_last)
{
    fprintf(out, "  %-*s%s", is_last ? 0 : COLUMN, text, is_last ? "\n" : "");
}

/* A column for each way of searching: three of them fit on a terminal. NULL: a way that
 * was not gone. */
static void put_table(FILE *out, const pf_figures *const *ways, size_t n)
{
    size_t last = 0;
    for (size_t i = 0; i < n; i++)
        last = ways[i] ? i : last;
    fprintf(out, "  %-*s", NAME, "");
    for (size_t i = 0; i <= last; i++) {
        if (ways[i])
            put_cell(out, by_names[i], i == last);
    }
    for (int m = 0; m < PF_N_METRICS; m++) {
        fprintf(out, "  %-*s", NAME, metric_names[m]);
        for (size_t i = 0; i <= last; i++) {
            char all[80];
            if (!ways[i])
                continue;
            put_figure(all, sizeof all, (pf_metric)m, &ways[i]->of[m]);
            put_cell(out, all, i == last);
        }
    }
}

static void put_heading(FILE *out, const char *direction, size_t n, const char *what)
{
    fprintf(out, "%s, %zu %s%s\n", direction, n, what, n == 1 ? "" : "s");
}

void print_evaluation_text(FILE *out, const pf_answer *answer)
{
    const pf_evaluation *e = pf_answer_evaluation(answer);
    const pf_figures *const ways[N_WAYS] = {e->meaning, e->words, e->both};
    put_heading(out, "text to image", e->questions, "question");
    put_table(out, ways, N_WAYS);
    if (e->image_to_text) {
        put_heading(out, "image to text", e->image_to_text->questions, "image");
        put_table(out, &e->image_to_text, 1); /* by meaning, the first name */
    }
    fprintf(out, "95 %% intervals: bootstrap over the questions, %zu resamples\n",
            e->resamples);
}

/* ---- TSV ------------------------------------------------------------------------- */

static void put_field(FILE *out, double value, char end)
{
    if (isfinite(value))
        fprintf(out, "%.10g", value);
    fputc(end, out);
}

static void put_lines(FILE *out, const char *direction, const char *by,
                      const pf_figures *of)
{
    for (int m = 0; of && m < PF_N_METRICS; m++) {
        fprintf(out, "%s\t%s\t%s\t", direction, by, pf_metric_name((pf_metric)m));
        put_field(out, of->of[m].value, '\t');
        put_field(out, of->of[m].low, '\t');
        put_field(out, of->of[m].high, '\n');
    }
}

void print_evaluation_tsv(FILE *out, const pf_answer *answer)
{
    const pf_evaluation *e = pf_answer_evaluation(answer);
    const pf_figures *const ways[N_WAYS] = {e->meaning, e->words, e->both};
    fputs("direction\tby\tmetric\tvalue\tlow\thigh\n", out);
    for (int i = 0; i < N_WAYS; i++)
        put_lines(out, "text_to_image", by_names[i], ways[i]);
    put_lines(out, "image_to_text", by_names[0], e->image_to_text);
}
