/*
 * problem.h - what is wrong, as RFC 9457 has it (application/problem+json), with the
 * library's code beside it.
 */
#ifndef PF_SERVER_PROBLEM_H
#define PF_SERVER_PROBLEM_H

#include <stdio.h>

#include "server/http.h"

/* The status that stands for a failure of the library's. */
int problem_status(pf_code code);
/* `err` under its own status; or any under `status`. */
void problem_give(http_response *r, const pf_err *err);
void problem_give_status(http_response *r, int status, const char *code,
                         const char *detail);

/* Give the text that `write` makes; a problem when it cannot be had. */
typedef void text_writer(const void *context, FILE *out);
void text_give(http_response *r, int status, const char *type, text_writer *write,
               const void *context);

#endif
