/*
 * query.h - what the parts of plainfilm-query share: what was asked, and how an answer
 * is printed.
 */
#ifndef PF_QUERY_QUERY_H
#define PF_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/search/search.h"

/* The command line, as the option table fills it; strings are borrowed from argv. */
typedef struct {
    const char *catalog, *model, *tokenizer, *preprocess, *by;
    int find; /* index into find_names */
    int64_t limit;
    double min_score;
    int format; /* print_format */
    bool ends_in_nul, embed, quiet, verbose;
} asked;

typedef enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_PATHS } print_format;

/* print_text.c: for people; print_paths() ends each path in `end`. */
void print_text(FILE *out, pf_find find, const pf_answer *answer);
void print_paths(FILE *out, const pf_answer *answer, char end);

/* print_json.c: for programs; the keys are a contract. */
void print_json(FILE *out, const pf_query *query, const pf_answer *answer);
/* `token_ids` NULL: the vector of a picture. */
void print_vector(FILE *out, const float *vector, size_t dim, const int32_t *token_ids,
                  size_t n_token_ids, bool is_truncated);

#endif
