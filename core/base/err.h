/*
 * err.h - how a failure travels: a code and one line of text, on the caller's stack.
 *
 * A function that can fail returns bool and takes a pf_err last. The first failure
 * wins: whoever notices writes the message, callers only put "where: " in front.
 * Messages are lower case, one line, no full stop, with the subject in single quotes.
 * Nothing here allocates, so that running out of memory can be reported too.
 */
#ifndef PF_CORE_BASE_ERR_H
#define PF_CORE_BASE_ERR_H

#include <stdbool.h>

#include "include/plainfilm.h" /* pf_err itself, which programs see */

#if defined(__GNUC__)
#define PF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PF_PRINTF(fmt, args)
#endif

/* Record a failure and return false, so that `return pf_fail(...)` reads well. A
 * message longer than the buffer is cut at a UTF-8 boundary; control characters, which
 * may come from a hostile file, are replaced by '?'. `err` may be NULL. */
bool pf_fail(pf_err *err, pf_code code, const char *fmt, ...) PF_PRINTF(3, 4);

/* The same with ": " and the text of `errnum` (an errno value) behind it. */
bool pf_fail_errno(pf_err *err, int errnum, const char *fmt, ...) PF_PRINTF(3, 4);

/* Pass on what another pf_err has, as it is. */
bool pf_fail_as(pf_err *err, const pf_err *why);

/* Put "where: " in front of the message that is there. Returns false. */
bool pf_fail_in(pf_err *err, const char *fmt, ...) PF_PRINTF(2, 3);

#endif
