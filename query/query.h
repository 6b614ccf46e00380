/*
 * query.h - what the jobs of plainfilm-query share: what was asked, and the question
 * that it makes.
 *
 * open.h has catalogs and models, print.h answers on stdout, say.h the conversation on
 * stderr, sheet.h contact sheets.
 */
#ifndef PF_QUERY_QUERY_H
#define PF_QUERY_QUERY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "cli/cli.h"
#include "core/search/search.h"

typedef enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_TSV, FORMAT_PATHS } print_format;

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

/* The jobs, each in the file of its name. *status is PF_EXIT_DONE before; a job that
 * did only a part of its work says so there. */
PF_MUST_CHECK bool run_search(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_embed(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_classify(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_phrases(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_duplicates(const pf_cli_args *args, pf_exit *status,
                                  pf_err *err);
PF_MUST_CHECK bool run_evaluate(const pf_cli_args *args, pf_exit *status, pf_err *err);

#endif
