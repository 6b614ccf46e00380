/*
 * print_evaluation.c - what --evaluate found: for people, as JSON, as TSV.
 *
 * A median rank that does not exist, since half of the questions found nothing, is
 * "none" for people, null in JSON and an empty field in TSV.
 */
#include <math.h>
#include <stdio.h>

#include "core/base/json.h"
#include "query/query.h"

static const char *const by_names[PF_N_EVALUATED] = {"meaning", "words", "both"};

/* ---- for people ------------------------------------------------------------------ */

static const int widths[PF_N_METRICS] = {19, 19, 19, 16, 0};

static void put_number(char *out, size_t n, pf_metric metric, double value)
{
    if (!isfinite(value))
        snprintf(out, n, "none");
    else if (metric == PF_MEDIAN_RANK)
        snprintf(out, n, "%.10g", value);
    else
        snprintf(out, n, "%.3f", value);
}

static void put_row(FILE *out, const char *name, const pf_evaluated *e)
{
    fprintf(out, "  %-8s", name);
    for (int m = 0; m < PF_N_METRICS; m++) {
        const pf_estimate *of = &e->metrics.of[m];
        char value[24], low[24], high[24], all[80];
        put_number(value, sizeof value, (pf_metric)m, of->value);
        put_number(low, sizeof low, (pf_metric)m, of->low);
        put_number(high, sizeof high, (pf_metric)m, of->high);
        snprintf(all, sizeof all, "%s (%s-%s)", value, low, high);
        fprintf(out, "%-*s%s", widths[m], all, m + 1 < PF_N_METRICS ? "  " : "\n");
    }
}

static void put_heading(FILE *out, const char *direction, size_t n, const char *what)
{
    static const char *const names[] = {"Recall@1", "Recall@5", "Recall@10",
                                        "median rank", "MRR"};
    fprintf(out, "%s, %zu %s%s\n  %-8s", direction, n, what, n == 1 ? "" : "s", "");
    for (int m = 0; m < PF_N_METRICS; m++) {
        fprintf(out, "%-*s%s", widths[m], names[m], m + 1 < PF_N_METRICS ? "  " : "\n");
    }
}

static void print_text_of(FILE *out, const pf_evaluation *e)
{
    put_heading(out, "text to image", e->questions, "question");
    for (int i = 0; i < PF_N_EVALUATED; i++) {
        if (e->text_to_image[i].is_there)
            put_row(out, by_names[i], &e->text_to_image[i]);
    }
    if (e->image_to_text.is_there) {
        put_heading(out, "image to text", e->image_to_text.metrics.n, "image");
        put_row(out, by_names[PF_EVALUATED_MEANING], &e->image_to_text);
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
