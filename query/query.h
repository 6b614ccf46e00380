/*
 * query.h - what the parts of plainfilm-query share: what was asked, and how an answer
 * is printed.
 */
#ifndef PF_QUERY_QUERY_H
#define PF_QUERY_QUERY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/cli/cli.h"
#include "core/cli/progress.h"
#include "core/search/classify.h"
#include "core/search/duplicates.h"
#include "core/search/evaluate.h"
#include "core/search/search.h"

/* The command line, as the option table fills it; strings are borrowed from argv. */
typedef struct {
    const char *catalog, *model, *tokenizer, *preprocess;
    const char *by, *synonyms;                       /* or NULL */
    const char *classify, *label_template, *phrases; /* or NULL */
    const char *queries, *sheet;                     /* or NULL */
    int find;                                        /* index into find_names */
    int64_t limit;
    bool has_limit; /* else it is the default of a search */
    double min_score, min_percentile;
    double duplicates, collapse; /* thresholds; below 0: not asked for */
    int format;                  /* print_format */
    bool no_negation, ends_in_nul, embed, batch, evaluate, quiet, verbose;
} asked;

/* options.c: the table, and what it filled in. */
extern asked command;
extern const pf_cli query_cli;
/* check.c: does it go together? */
PF_MUST_CHECK bool check_command(const pf_cli_args *args, pf_err *err);
bool asks_for_pictures_only(const pf_cli_args *args); /* --image and nothing else */

enum { LIMIT_MAX = 1000000, LIMIT_DEFAULT = 10 };
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

/* Append what `in` has to the end to `out`, whose cap is the limit. */
PF_MUST_CHECK bool read_stream(FILE *in, const char *name, pf_buf *out, pf_err *err);

/* pictures.c: the files that are meant. */
typedef struct {
    char **path; /* [n] owned; of stdin "-" */
    size_t n, room;
    bool has_stdin, has_folder;
    size_t stdin_at; /* its place, if it is there */
    size_t n_unread; /* parts of folders that could not be read: it was said */
} pictures;

/* What the items (--image) name; a folder stands for all pictures under it. *out must
 * be all zero; reset it in any case. NOT_FOUND for a folder without a picture. */
PF_MUST_CHECK bool pictures_list(pictures *out, const pf_cli_item *items, size_t n,
                                 const atomic_int *stop, pf_err *err);
void pictures_reset(pictures *p);

/* say.c: what is said on stderr, as lines that begin with the program's name. */
void say(const char *text);
void say_notes(pf_notes *notes, bool is_wanted); /* or not: they are gone afterwards */
void say_notice(const char *notice); /* of the model's makers; NULL is fine */
void say_truncated(void);
void init_bar(pf_progress *bar, bool is_quiet);         /* on stderr */
void say_failure(const char *path, const char *reason); /* of one file among many */

/* The jobs, each in the file of its name (run_batch() with run_search()). *status is
 * PF_EXIT_DONE before; a job that did only a part of its work says so there. */
PF_MUST_CHECK bool run_search(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_embed(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_classify(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_phrases(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_duplicates(const pf_cli_args *args, pf_exit *status,
                                  pf_err *err);
PF_MUST_CHECK bool run_evaluate(const pf_cli_args *args, pf_exit *status, pf_err *err);

/* Open the catalog that the command line says for what is looked for (PF_FIND_...). */
PF_MUST_CHECK bool open_search(pf_search **out, unsigned find, pf_err *err);
unsigned search_indexes(const pf_query *query); /* PF_FIND_... that it looks at */
void say_about(const pf_search *search, const pf_answer *answer);
void print_answer(const pf_query *query,
                  const pf_answer *answer); /* as --format says */

/* open.c: a model with at least these towers (PF_CLIP_...), and the catalog it is of.
 * With --model and without --catalog there is none, unless it is needed. *out must be
 * all zero. What the model's makers want told is said. */
typedef struct {
    pf_search *search; /* NULL: without a catalog */
    pf_model *own;     /* NULL, or the model, then not the catalog's */
    const pf_model *model;
} opened;
PF_MUST_CHECK bool open_model(opened *out, unsigned towers, bool needs_catalog,
                              pf_err *err);
void close_model(opened *o); /* all zero is fine */

/* batch.c: a question per line, each with what the command line says. */
typedef struct {
    FILE *in, *out;
    pf_search *search;        /* opened for everything that may be asked */
    pf_notes *notes;          /* may be NULL */
    const asked *how;         /* defaults */
    const pf_cli_item *items; /* filters that every question has */
    size_t n_items;
} batch;

/* Does what the command line says for every line make sense? */
PF_MUST_CHECK bool batch_check(const asked *how, const pf_cli_item *items, size_t n,
                               pf_err *err);
/* False also when some lines were answered by an error only. */
PF_MUST_CHECK bool batch_run(const batch *b, pf_err *err);

typedef enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_TSV, FORMAT_PATHS } print_format;

/* print_text.c: for people, with `has_reasons` why each hit is there; print_paths()
 * ends each path in `end`. */
void print_text(FILE *out, pf_find find, const pf_answer *answer, bool has_reasons);
void print_paths(FILE *out, const pf_answer *answer, char end);
void print_groups_text(FILE *out, const pf_duplicates *duplicates);
/* The first line of a hit that is an image, and what was folded into it; the indent of
 * the lines below. */
size_t print_image_line(FILE *out, const pf_hit *hit, size_t rank, size_t n_hits);

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
    const pf_query *query; /* what label_printer_begin() was given */
    pf_json_writer json;
} label_printer;

typedef struct {
    const char *path;
    const pf_label_score *scores; /* [labels.n] best first */
    const pf_hit *hit;            /* or NULL, and then no rank */
    size_t rank, n_hits;
} labelled;

/* `query` and `answer` are NULL when nothing was searched for. */
void label_printer_begin(label_printer *p, const pf_query *query,
                         const pf_answer *answer);
void label_printer_put(label_printer *p, const labelled *l);
void label_printer_end(label_printer *p);

#endif
