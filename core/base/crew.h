/*
 * crew.h - a few threads that stay, for many short pieces of work one after another:
 * the products of one forward pass, some tens of microseconds each.
 *
 * The caller works as well and waits for nobody who has not begun: where the other
 * cores are busy with something else, it is as fast as alone. Between two pieces the
 * others spin for a moment, and then sleep. A crew belongs to one thread.
 */
#ifndef PF_CORE_BASE_CREW_H
#define PF_CORE_BASE_CREW_H

#include <stddef.h>

#include "core/base/err.h"

typedef struct pf_crew pf_crew;

/* `threads`, the caller's included; those that cannot be had are done without. On
 * success *out is the caller's. */
PF_MUST_CHECK bool pf_crew_new(pf_crew **out, size_t threads, pf_err *err);
void pf_crew_free(pf_crew *crew); /* NULL is fine */

/* Threads, at least 1; of NULL 1. */
size_t pf_crew_size(const pf_crew *crew);

/* Do something about item `item`; `worker` is the thread's number, below
 * pf_crew_size(). */
typedef void pf_crew_fn(void *context, size_t worker, size_t item);

/* Work on items 0 to n - 1, each once, in any order; with NULL alone and in order. */
void pf_crew_each(pf_crew *crew, size_t n, pf_crew_fn *work, void *context);

#endif
