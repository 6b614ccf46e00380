/*
 * team.h - many items, a few threads.
 */
#ifndef PF_CORE_BASE_TEAM_H
#define PF_CORE_BASE_TEAM_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/err.h"

/* Work on item `item`; `member` is that of the thread. */
typedef bool pf_team_fn(void *member, size_t item, pf_err *err);

typedef struct {
    pf_team_fn *work;
    void **members; /* [n_members], one per thread, each used by no other */
    size_t n_members;
    size_t n_items;
    size_t n_told;          /* progress tells parts of this; 0: of n_items */
    const atomic_int *stop; /* may be NULL; non-zero ends it (INTERRUPTED) */
    /* May be NULL; called by the thread that called pf_team_run(), now and then. */
    void (*progress)(void *context, const char *what, size_t done, size_t total);
    void *context;
    const char *what;
} pf_team;

/* Work on all items in any order. The first failure ends it and is *err. */
PF_MUST_CHECK bool pf_team_run(const pf_team *team, pf_err *err);

#endif
