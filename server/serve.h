/*
 * serve.h - what the parts of plainfilm-serve share: what it was told, and the state
 * that all requests see.
 *
 *   http.c      bytes of the network -> http_exchange, and back
 *   access.c    may this client ask?
 *   routes.c    which handler is for it
 *   workers.c   threads, each with a pf_reader, that handlers run in
 *   api_*.c     handlers
 */
#ifndef PF_SERVER_SERVE_H
#define PF_SERVER_SERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "include/plainfilm.h"

/* The command line, as the option table fills it; strings are borrowed from argv. */
typedef struct {
    const char *catalog, *model, *tokenizer, *synonyms; /* or NULL */
    const char *listen, *root_url, *token_file, *allow_origin;
    int64_t threads, upload_mb, connections, per_address;
    bool behind_proxy, serve_originals, hide_paths, log_questions, no_negation, quiet;
} serve_options;

/* settings.c */
extern serve_options command;
extern const pf_cli serve_cli;

/* Do the options go together? MISUSE. */
PF_MUST_CHECK bool check_command(pf_err *err);

#endif
