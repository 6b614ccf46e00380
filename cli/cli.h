/*
 * cli.h - one table of options: parsing, --help, shell completion, man page check.
 *
 * A program describes itself in a pf_cli; nothing else knows its options. The table
 * says where each value goes, so what stands there before parsing is the default and
 * the help shows it. Every program also has -h/--help, --version and --help-options
 * (for completion scripts, not shown) without naming them.
 *
 * Accepted: --name=value, --name value, -nvalue, -n value, bundled flags (-qv), "--" to
 * end the options; "-" is a plain argument. Options and plain arguments may be mixed.
 * An abbreviated long option ("--lim") is not accepted: it would change its meaning the
 * day another option is added. It is suggested instead. Given twice, an option that
 * holds one value keeps the last.
 *
 * The value of a MAYBE option is part of its argument: --name=0.9, -x0.9. What follows
 * "--name" is an argument of its own, except that with `takes_number` one that reads as
 * a number without a sign is the value: for options beside which no plain argument
 * makes sense.
 *
 * Parsing happens whole or not at all: after a misuse, or when help is asked for, no
 * value has been stored. Nothing here prints to stdout or stderr or exits by itself.
 */
#ifndef PF_CLI_CLI_H
#define PF_CLI_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"

/* What the programs return to the shell. */
typedef enum {
    PF_EXIT_DONE = 0,
    PF_EXIT_FAILED = 1,
    PF_EXIT_MISUSED = 2,
    PF_EXIT_PARTLY = 3,  /* done, but some files failed */
    PF_EXIT_LOCKED = 75, /* the catalog is locked by another indexer */
} pf_exit;

pf_exit pf_exit_of(const pf_err *err);

typedef enum {
    PF_OPT_END = 0, /* the last row */
    PF_OPT_HEADING, /* `help` stands over the options that follow */
    PF_OPT_FLAG,    /* bool: becomes true */
    PF_OPT_STRING,  /* const char *: borrowed from argv, never empty */
    PF_OPT_LIST,    /* `to` is NULL: each use becomes a pf_cli_item with `tag` */
    PF_OPT_INT,     /* int64_t */
    PF_OPT_REAL,    /* double, finite */
    PF_OPT_CHOICE,  /* int: index into `choices` */
    PF_OPT_MAYBE, /* double, finite; its value may be left out, then it is `implied` */
} pf_opt_kind;

typedef struct {
    pf_opt_kind kind;
    char short_name;  /* 0 when there is none */
    const char *name; /* without the dashes; lower case, digits, '-' */
    const char *arg;  /* what the help calls the value, e.g. "N"; NULL for a flag */
    void *to;         /* where the value goes; holds the default */
    const char *help; /* wrapped to the width of the help; '\n' begins a new line */
    double min, max;  /* INT (exact up to 2^53), REAL, MAYBE: inclusive; both 0: any */
    const char *const *choices; /* CHOICE: ends in NULL */
    const char *default_text;   /* shown as default instead of *to; "" shows none */
    int tag;                    /* LIST: the program's name for it, not 0 */
    bool may_be_empty;          /* LIST: '' is a value, too */
    double implied;             /* MAYBE: shown as the default; *to is "not given" */
    bool takes_number;          /* MAYBE: see above */
} pf_opt;

typedef struct {
    const char *name;            /* "plainfilm-query" */
    const char *usage;           /* "[options] [PHRASE]"; '\n' parts alternatives */
    const char *summary;         /* what it does */
    const pf_opt *opts;          /* ends in PF_OPT_END */
    size_t max_plain;            /* plain arguments it takes, at most */
    const char *const *examples; /* what, command, what, command, ..., NULL */
} pf_cli;

typedef enum {
    PF_CLI_RUN,     /* do the work */
    PF_CLI_HELP,    /* --help */
    PF_CLI_VERSION, /* --version */
    PF_CLI_OPTIONS, /* --help-options */
} pf_cli_action;

/* A plain argument (tag 0) or one use of a LIST option, in the order they were given.
 */
typedef struct {
    int tag;
    const char *value; /* borrowed from argv */
} pf_cli_item;

typedef struct {
    pf_cli_action action;
    pf_cli_item *items;
    size_t n_items;
    size_t n_plain; /* how many of them are plain arguments */
} pf_cli_args;

/* Parse main()'s arguments. On failure (PF_ERR_MISUSE, the message ends by pointing to
 * --help) *args is all zero. */
PF_MUST_CHECK bool pf_cli_parse(pf_cli_args *args, const pf_cli *cli, int argc,
                                char *const argv[], pf_err *err);
void pf_cli_args_free(pf_cli_args *args); /* all zero is fine */

/* The first value with that tag, 0 for plain arguments; NULL when there is none. */
const char *pf_cli_first(const pf_cli_args *args, int tag);

/* Answer what `action` asks for. False, with nothing written, for PF_CLI_RUN. */
bool pf_cli_answer(const pf_cli *cli, pf_cli_action action, FILE *out);

void pf_cli_help(const pf_cli *cli, FILE *out);    /* 80 columns */
void pf_cli_version(const pf_cli *cli, FILE *out); /* "plainfilm-query 0.1.0" */

/* One line per option for scripts, six fields parted by tabs: long name, short name or
 * "-", kind (flag, string, list, int, real, choice, or maybe: a number after "=" or
 * nothing), name of the value or "-", choices parted by commas or "-", help on one
 * line. */
void pf_cli_options(const pf_cli *cli, FILE *out);

/* Is the table sound: names unique and well spelled, places and help there, defaults
 * within their limits? For tests. */
PF_MUST_CHECK bool pf_cli_check(const pf_cli *cli, pf_err *err);

#endif
