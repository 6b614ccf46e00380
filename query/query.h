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

#include "core/base/buf.h"
#include "core/cli/cli.h"
#include "core/search/evaluate.h"
#include "core/search/search.h"

/* The command line, as the option table fills it; strings are borrowed from argv. */
typedef struct {
    const char *catalog, *model, *tokenizer, *preprocess;
    const char *by, *synonyms; /* or NULL */
    const char *queries;       /* of --evaluate, or NULL */
    int find;                  /* index into find_names */
    int64_t limit;
    double min_score;
    int format; /* print_format */
    bool no_negation, ends_in_nul, embed, batch, evaluate, quiet, verbose;
} asked;

/* options.c: the table, what it filled in, and whether that goes together. */
extern asked command;
extern const pf_cli query_cli;
PF_MUST_CHECK bool check_command(const pf_cli_args *args, pf_err *err);

enum { LIMIT_MAX = 1000000 };
/* Of arguments, and of options that may be given several times. */
enum { TAG_PHRASE = 0, TAG_IMAGE, TAG_LIKE, TAG_WITHOUT, TAG_FILTER };
extern const char *const find_names[]; /* ends in NULL */

/* The question, and what it borrows from. */
typedef struct {
    pf_query query;
    pf_part *parts;
    pf_filter *filters;
    char *phrase;  /* the plain arguments, joined */
    pf_buf stdin_; /* the picture of `--image -` */
    bool has_stdin;
} question;

/* question.c: `items` are borrowed until the reset. *out must be all zero, or all but
 * has_stdin, which keeps the question's hands off stdin; reset it in any case. */
PF_MUST_CHECK bool question_make(question *out, const asked *how,
                                 const pf_cli_item *items, size_t n, pf_err *err);
void question_reset(question *q);

/* say.c: what is said on stderr, as lines that begin with the program's name. */
void say(const char *text);
void say_notes(pf_notes *notes, bool is_wanted); /* or not: they are gone afterwards */
void say_notice(const char *notice); /* of the model's makers; NULL is fine */
void say_truncated(void);

/* The jobs, each in the file of its name (run_batch() with run_search()). *status is
 * PF_EXIT_DONE before; a job that did only a part of its work says so there. */
PF_MUST_CHECK bool run_search(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_embed(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_evaluate(const pf_cli_args *args, pf_exit *status, pf_err *err);

/* Open the catalog that the command line says for what is looked for (PF_FIND_...). */
PF_MUST_CHECK bool open_search(pf_search **out, unsigned find, pf_err *err);

/* batch.c: a question per line, each with what the command line says. */
typedef struct {
    FILE *in, *out;
    pf_search *search;        /* opened for everything that may be asked */
    pf_notes *notes;          /* may be NULL */
    const asked *how;         /* defaults */
    const pf_cli_item *items; /* filters that every question has */
    size_t n_items;
} batch;

/* False also when some lines were answered by an error only. */
PF_MUST_CHECK bool batch_run(const batch *b, pf_err *err);

typedef enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_TSV, FORMAT_PATHS } print_format;

/* print_text.c: for people, with `has_reasons` why each hit is there; print_paths()
 * ends each path in `end`. */
void print_text(FILE *out, pf_find find, const pf_answer *answer, bool has_reasons);
void print_paths(FILE *out, const pf_answer *answer, char end);

/* print_tsv.c: for spreadsheets and awk. */
void print_tsv(FILE *out, pf_find find, const pf_answer *answer);

/* print_evaluation.c: what --evaluate found, in any format but FORMAT_PATHS. */
void print_evaluation(FILE *out, print_format format, const pf_evaluation *evaluation);

/* print_json.c: for programs; the keys are a contract. */
void print_json(FILE *out, const pf_query *query, const pf_answer *answer);
/* `token_ids` NULL: the vector of a picture. */
void print_vector(FILE *out, const float *vector, size_t dim, const int32_t *token_ids,
                  size_t n_token_ids, bool is_truncated);

#endif
