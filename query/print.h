/*
 * print.h - answers on stdout: for people, as JSON, as TSV, as paths.
 */
#ifndef PF_QUERY_PRINT_H
#define PF_QUERY_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/json.h"
#include "core/search/classify.h"
#include "core/search/duplicates.h"
#include "core/evaluate/evaluate.h"
#include "core/search/search.h"
#include "query/query.h"

/* print.c: as --format says. */
void print_answer(const pf_query *query, const pf_answer *answer);
void print_groups(double threshold, const pf_duplicates *duplicates);

/* print_text.c: for people, with `has_reasons` why each hit is there; print_paths()
 * ends each path in `end`. */
void print_text(FILE *out, pf_find find, const pf_answer *answer, bool has_reasons);
void print_paths(FILE *out, const pf_answer *answer, char end);
void print_groups_text(FILE *out, const pf_duplicates *duplicates);
/* The first line of a hit that is an image, and what was folded into it; the indent of
 * the lines below. */
size_t print_image_line(FILE *out, const pf_hit *hit, size_t rank, size_t n_hits,
                        int score_width);
int print_score_width(const pf_answer *answer); /* columns of the widest score */

/* print_tsv.c: for spreadsheets and awk, with `is_collapsed` and a column of what was
 * folded. */
void print_tsv(FILE *out, pf_find find, const pf_answer *answer, bool is_collapsed);
void print_groups_tsv(FILE *out, const pf_duplicates *duplicates);
void print_field(FILE *out, const char *text, char end); /* NULL: an empty one */

/* print_evaluation.c: what --evaluate found, in any format but FORMAT_PATHS. */
void print_evaluation(FILE *out, print_format format, const pf_evaluation *evaluation);

/* print_json.c: for programs; the keys are a contract. */
void print_json(FILE *out, const pf_query *query, const pf_answer *answer);
void print_groups_json(FILE *out, double threshold, const pf_duplicates *duplicates);
/* For other printers of hits: the members "query", "took_ms" and
 * "no_better_than_chance"; "rank", "score", "percentile" and "id"; with --collapse
 * "duplicates". */
void print_json_about(pf_json_writer *w, const pf_query *query,
                      const pf_answer *answer);
void print_json_place(pf_json_writer *w, const pf_hit *hit, size_t rank);
void print_json_duplicates(pf_json_writer *w, const pf_query *query, const pf_hit *hit);
/* `token_ids` NULL: the vector of a picture. */
void print_vector(FILE *out, const float *vector, size_t dim, const int32_t *token_ids,
                  size_t n_token_ids, bool is_truncated);

/* print_labels.c: pictures with their labels, in the format of the command line. */
typedef struct {
    FILE *out;
    const pf_labels *labels;
    bool is_single;        /* one picture and no list */
    const pf_query *query; /* what label_printer_begin() was given, */
    size_t n_hits;         /* and of the answer */
    int score_width;
    pf_json_writer json;
} label_printer;

typedef struct {
    const char *path;
    const pf_label_score *scores; /* [labels.n] best first */
    const pf_hit *hit;            /* or NULL, and then no rank */
    size_t rank;
} labelled;

/* `query` and `answer` are NULL when nothing was searched for. */
void label_printer_begin(label_printer *p, const pf_query *query,
                         const pf_answer *answer);
void label_printer_put(label_printer *p, const labelled *l);
void label_printer_end(label_printer *p);

#endif
