/*
 * team.h - many items, a few threads.
 *
 * Threads that cannot be had are done without: with none at all, the calling thread
 * does the work. A member is what a thread works with; it belongs to that thread while
 * the team runs.
 */
#ifndef PF_CORE_BASE_TEAM_H
#define PF_CORE_BASE_TEAM_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/err.h"

/* Do something about item `item`; `member` is that of the thread. */
typedef bool pf_team_fn(void *member, size_t item, pf_err *err);

typedef struct {
    pf_team_fn *work;
    void **members; /* [n_members], one per thread, each used by no other */
    size_t n_members;
    size_t n_items;
    size_t n_told;          /* progress tells parts of this; 0: of n_items */
    const atomic_int *stop; /* may be NULL; non-zero: no further item is begun */

    /* May be NULL. Called by the thread that called pf_team_run() with each item that
     * was worked on: those of one member in the order of its work, which goes on
     * meanwhile. So a member needs room for what comes of two items, and is given a
     * third when the first was collected. After a failure of its own it is not called
     * again, after one of `work` it still gets what others have done. */
    pf_team_fn *collect;

    /* May be NULL; called by that thread, too, now and then and at the end. */
    void (*progress)(void *context, const char *what, size_t done, size_t total);
    void *context;
    const char *what;
} pf_team;

/* Members that keep this machine busy: one per core, at most `most`. */
size_t pf_team_cores(size_t most);

/* Work on all items in any order. The first failure ends it and is *err; INTERRUPTED
 * when `stop` kept it from an item. */
PF_MUST_CHECK bool pf_team_run(const pf_team *team, pf_err *err);

#endif
