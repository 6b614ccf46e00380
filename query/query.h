/*
 * query.h - what the jobs of plainfilm-query share: what was asked, and the request
 * that it makes.
 *
 * open.h has the catalog, print.h answers on stdout, say.h the conversation on stderr.
 */
#ifndef PF_QUERY_QUERY_H
#define PF_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "include/plainfilm.h"

typedef enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_TSV, FORMAT_PATHS } print_format;

/* The command line, as the option table fills it; strings are borrowed from argv. */
typedef struct {
    const char *catalog, *model, *tokenizer, *preprocess, *activation, *precision;
    const char *by, *synonyms;                       /* or NULL */
    const char *classify, *label_template, *phrases; /* or NULL */
    const char *queries, *sheet, *export;            /* or NULL */
    const char *facets;                              /* keys, commas between them */
    int find;                                        /* pf_find */
    int sort; /* pf_sort less 1; below 0: none was given */
    int64_t limit, offset;
    int64_t seed;   /* below 0: none was given */
    bool has_limit; /* else it is the default of a search */
    double min_score, min_percentile;
    double duplicates, collapse; /* thresholds; below 0: not asked for */
    int format;                  /* print_format */
    bool force, no_negation, all_captions, wrap, hide_paths, ends_in_nul;
    bool embed, batch, evaluate, values, quiet, verbose;
} asked;

/* options.c: the table, and what it filled in. */
extern asked command;
extern const pf_cli query_cli;

/* check.c: does it go together? */
PF_MUST_CHECK bool check_command(const pf_cli_args *args, pf_err *err);
bool asks_for_pictures_only(const pf_cli_args *args); /* --image and nothing else */
/* With --model and without --catalog: a model that need not be a catalog's. */
bool needs_no_catalog(const pf_cli_args *args);

enum { LIMIT_DEFAULT = 10 };
/* Of arguments, and of options that may be given several times. */
enum { TAG_PHRASE = 0, TAG_IMAGE, TAG_LIKE, TAG_WITHOUT, TAG_FILTER, TAG_IN };

/* question.c: the request that the command line makes; reads what it names. Given. */
PF_MUST_CHECK bool question_make(pf_request **out, const pf_cli_args *args,
                                 pf_err *err);

/* The jobs. *status is PF_EXIT_DONE before; one that did only a part of its work says
 * so there. run_once.c: one request. run_batch.c: one per line. run_export.c: files. */
PF_MUST_CHECK bool run_once(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_export(const pf_cli_args *args, pf_exit *status, pf_err *err);
PF_MUST_CHECK bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err);

#endif
