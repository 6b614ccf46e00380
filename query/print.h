/*
 * print.h - answers on stdout: for people, as JSON, as TSV, as paths.
 */
#ifndef PF_QUERY_PRINT_H
#define PF_QUERY_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "query/query.h"

/* print.c: as --format says. */
PF_MUST_CHECK bool print_answer(const pf_answer *answer, pf_exit *status, pf_err *err);

/* print_text.c: for people; print_paths() ends each path in `end`; false when it left
 * out one that has line breaks inside, which would be read as several. */
void print_text(FILE *out, const pf_answer *answer);
bool print_paths(FILE *out, const pf_answer *answer, char end);
void print_groups_text(FILE *out, const pf_answer *answer);
/* The first line of hit `i`, an image, and what was folded into it; the indent of the
 * lines below. */
size_t print_image_line(FILE *out, const pf_answer *answer, size_t i);

/* print_tsv.c: for spreadsheets and awk. */
void print_tsv(FILE *out, const pf_answer *answer, bool all_captions);
void print_groups_tsv(FILE *out, const pf_answer *answer);
void print_field(FILE *out, const char *text, char end); /* NULL: an empty one */

/* print_facets.c: values and how many of what matches have them; behind hits, with a
 * line for each key above its values, or (print_values()) by themselves. */
void print_facets_text(FILE *out, const pf_answer *answer);
void print_values_text(FILE *out, const pf_answer *answer);
void print_values_tsv(FILE *out, const pf_answer *answer);

/* print_evaluation.c: what --evaluate found. */
void print_evaluation_text(FILE *out, const pf_answer *answer);
void print_evaluation_tsv(FILE *out, const pf_answer *answer);

/* print_labels.c: pictures with their labels, as they come. */
typedef struct {
    FILE *out;
    bool is_begun, is_single; /* one picture and no list */
} label_printer;

void label_printer_init(label_printer *p, bool is_single, FILE *out);
void label_printer_put(label_printer *p, const pf_classified *picture);
void label_printer_end(label_printer *p); /* also when there was none */
/* Hits with their labels. */
void print_labels(FILE *out, const pf_answer *answer);

#endif
