/*
 * arena.h - many strings that go together.
 *
 * Strings lie one behind the other in large blocks: a table of a million cells costs
 * its bytes, not a million allocations. What was added stays where it is until the
 * reset.
 */
#ifndef PF_CORE_BASE_ARENA_H
#define PF_CORE_BASE_ARENA_H

#include <stddef.h>

#include "core/base/err.h"

typedef struct pf_arena_block pf_arena_block;

typedef struct {
    pf_arena_block *last; /* NULL before the first string */
} pf_arena;

/* A copy of `s`, of its `n` bytes, with a NUL behind them; NULL when memory ran out. */
PF_MUST_CHECK const char *pf_arena_add(pf_arena *a, const char *s, size_t n,
                                       pf_err *err);
void pf_arena_reset(pf_arena *a); /* all zero is fine */

#endif
