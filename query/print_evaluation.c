/*
 * print_evaluation.c - what --evaluate found: for people, as JSON, as TSV.
 *
 * A median rank that does not exist, since half of the questions found nothing, is
 * "none" for people, null in JSON and an empty field in TSV.
 */
#include <math.h>
#include <stdio.h>

#include "core/base/json.h"
#include "query/print.h"

static const char *const by_names[PF_N_EVALUATED] = {"meaning", "words", "both"};

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

/* A column for each way of searching: three of them fit on a terminal. */
static void put_table(FILE *out, const pf_evaluated *ways, size_t n)
{
    size_t last = 0;
    for (size_t i = 0; i < n; i++)
        last = ways[i].is_there ? i : last;
    fprintf(out, "  %-*s", NAME, "");
    for (size_t i = 0; i <= last; i++) {
        if (ways[i].is_there)
            put_cell(out, by_names[i], i == last);
    }
    for (int m = 0; m < PF_N_METRICS; m++) {
        fprintf(out, "  %-*s", NAME, metric_names[m]);
        for (size_t i = 0; i <= last; i++) {
            char all[80];
            put_figure(all, sizeof all, (pf_metric)m, &ways[i].metrics.of[m]);
            if (ways[i].is_there)
                put_cell(out, all, i == last);
        }
    }
}

static void put_heading(FILE *out, const char *direction, size_t n, const char *what)
{
    fprintf(out, "%s, %zu %s%s\n", direction, n, what, n == 1 ? "" : "s");
}

static void print_text_of(FILE *out, const pf_evaluation *e)
{
    put_heading(out, "text to image", e->questions, "question");
    put_table(out, e->text_to_image, PF_N_EVALUATED);
    if (e->image_to_text.is_there) {
        put_heading(out, "image to text", e->image_to_text.metrics.n, "image");
        put_table(out, &e->image_to_text, 1); /* by meaning, the first name */
    }
    fprintf(out, "95 %% intervals: bootstrap over the questions, %zu resamples\n",
            e->resamples);
}

/* ---- JSON ------------------------------------------------------------------------ */

enum { DIGITS = 10 };

static void write_evaluated(pf_json_writer *w, const char *key, const pf_evaluated *e)
{
    if (!e->is_there)
        return;
    pf_json_begin_object(w, key);
    pf_json_write_int(w, "questions", (int64_t)e->metrics.n);
    for (int m = 0; m < PF_N_METRICS; m++) {
        const pf_estimate *of = &e->metrics.of[m];
        pf_json_begin_object(w, pf_metric_name((pf_metric)m));
        pf_json_write_real(w, "value", of->value, DIGITS);
        pf_json_write_real(w, "low", of->low, DIGITS);
        pf_json_write_real(w, "high", of->high, DIGITS);
        pf_json_end_object(w);
    }
    pf_json_write_real(w, "seconds", e->seconds, 4);
    pf_json_end_object(w);
}

static void print_json_of(FILE *out, const pf_evaluation *e)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_begin_object(&w, "evaluation");
    pf_json_write_int(&w, "questions", (int64_t)e->questions);
    pf_json_write_int(&w, "skipped", (int64_t)e->skipped);
    pf_json_write_int(&w, "images", (int64_t)e->images);
    pf_json_write_int(&w, "seed", (int64_t)e->seed);
    pf_json_write_int(&w, "resamples", (int64_t)e->resamples);
    pf_json_begin_object(&w, "text_to_image");
    for (int i = 0; i < PF_N_EVALUATED; i++)
        write_evaluated(&w, by_names[i], &e->text_to_image[i]);
    pf_json_end_object(&w);
    if (e->image_to_text.is_there) {
        pf_json_begin_object(&w, "image_to_text");
        write_evaluated(&w, by_names[PF_EVALUATED_MEANING], &e->image_to_text);
        pf_json_end_object(&w);
    }
    pf_json_end_object(&w);
    pf_json_write_real(&w, "took_ms", e->took_ms, 7);
    pf_json_end_object(&w);
}

/* ---- TSV ------------------------------------------------------------------------- */

static void put_field(FILE *out, double value, char end)
{
    if (isfinite(value))
        fprintf(out, "%.10g", value);
    fputc(end, out);
}

static void put_lines(FILE *out, const char *direction, const char *by,
                      const pf_evaluated *e)
{
    for (int m = 0; e->is_there && m < PF_N_METRICS; m++) {
        const pf_estimate *of = &e->metrics.of[m];
        fprintf(out, "%s\t%s\t%s\t", direction, by, pf_metric_name((pf_metric)m));
        put_field(out, of->value, '\t');
        put_field(out, of->low, '\t');
        put_field(out, of->high, '\n');
    }
}

static void print_tsv_of(FILE *out, const pf_evaluation *e)
{
    fputs("direction\tby\tmetric\tvalue\tlow\thigh\n", out);
    for (int i = 0; i < PF_N_EVALUATED; i++)
        put_lines(out, "text_to_image", by_names[i], &e->text_to_image[i]);
    put_lines(out, "image_to_text", by_names[PF_EVALUATED_MEANING], &e->image_to_text);
}

void print_evaluation(FILE *out, print_format format, const pf_evaluation *e)
{
    if (format == FORMAT_JSON)
        print_json_of(out, e);
    else if (format == FORMAT_TSV)
        print_tsv_of(out, e);
    else
        print_text_of(out, e);
}
