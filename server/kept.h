/*
 * kept.h - answers that were given lately: who asks the same again is given the same
 * bytes, as long as the catalog is the same.
 *
 * In memory alone, and of so many bytes at most; what was not asked for longest makes
 * room. A question is its whole text and whom it was put to, and the edition that it
 * was answered from (pf_reader_edition()) belongs to it: with a newer one it is
 * answered anew, and questions that differ in anything, "hide_paths" say, never meet.
 * Any number of threads may use it at once.
 */
#ifndef PF_SERVER_KEPT_H
#define PF_SERVER_KEPT_H

#include <stdint.h>

#include "include/plainfilm.h"

typedef struct kept kept;

/* Questions and answers of at most `bytes_max` together; one of them has at most a
 * 64th of it, what is larger is not kept. */
PF_MUST_CHECK bool kept_new(kept **out, size_t bytes_max, pf_err *err);
void kept_free(kept *k); /* NULL is fine */

/* Borrowed. */
typedef struct {
    uint64_t edition;
    const char *route; /* static: the pattern of the path */
    const char *text;  /* [n] */
    size_t n;
} kept_question;

/* A copy of the answer, to be freed with pf_free(); NULL: there is none, or no memory.
 */
char *kept_find(kept *k, const kept_question *q, size_t *size);
/* Without memory it is not kept. */
void kept_add(kept *k, const kept_question *q, const char *answer, size_t size);

#endif
