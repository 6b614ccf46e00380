/*
 * tools.h - what programs need beside the library: saying what is wrong, reading what
 * was named, seeing an answer out.
 */
#ifndef PF_CLI_TOOLS_H
#define PF_CLI_TOOLS_H

#include <stdio.h>

#include "core/base/err.h"

/* Fail as the library does: the message is one line, without control characters. False.
 */
bool pf_cli_fail(pf_err *err, pf_code code, const char *fmt, ...) PF_PRINTF(3, 4);
/* The same with ": " and what `errnum` means behind it; PF_ERR_IO. */
bool pf_cli_fail_errno(pf_err *err, int errnum, const char *fmt, ...) PF_PRINTF(3, 4);

bool pf_cli_is_folder(const char *path);

/* All that `in` has to its end, or LIMIT past `max` bytes; a NUL that does not count
 * stands behind it. Given, free with pf_free(). `name` is for messages. */
PF_MUST_CHECK bool pf_cli_read(FILE *in, const char *name, size_t max, char **out,
                               size_t *n, pf_err *err);
/* The next `n` bytes and no more, fewer only where `in` ends; *got is how many. */
PF_MUST_CHECK bool pf_cli_read_bytes(FILE *in, const char *name, size_t n, char **out,
                                     size_t *got, pf_err *err);
/* Read over them. */
void pf_cli_skip_bytes(FILE *in, size_t n);
/* All of the file `path`, as pf_cli_read() does it. */
PF_MUST_CHECK bool pf_cli_read_file(const char *path, size_t max, char **out, size_t *n,
                                    pf_err *err);

/* Lines of any number, one at a time, without their ends (LF, CRLF). */
typedef struct {
    char *text; /* the line, ends in NUL */
    size_t size, room;
} pf_cli_line;

/* *is_there: false at the end. A line of more than `max` bytes is read over, and LIMIT.
 */
PF_MUST_CHECK bool pf_cli_read_line(FILE *in, pf_cli_line *line, size_t max,
                                    bool *is_there, pf_err *err);
void pf_cli_line_free(pf_cli_line *line); /* all zero is fine */

/* Has all of it been written? IO. */
PF_MUST_CHECK bool pf_cli_flush(FILE *out, pf_err *err);

#endif
