/*
 * rearrange.h - sources that are to be forgotten, and sources that lie elsewhere now:
 * changes of the catalog for which no picture is looked at.
 */
#ifndef PF_INDEXER_REARRANGE_H
#define PF_INDEXER_REARRANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

typedef struct {
    const char *catalog; /* folder */
    bool dry_run;        /* tell what would change */
    int wait_seconds;
    const atomic_int *stop; /* may be NULL */
} pf_rearrange_options;

typedef struct {
    size_t sources;
    int64_t images, captions, cases; /* of them */
} pf_rearranged;

/* Take the source out of the catalog: no row and no byte of its pictures stays that
 * another source does not share, nor of what runs that were interrupted have embedded.
 * NOT_FOUND when there is no such source. */
PF_MUST_CHECK bool pf_forget(const pf_rearrange_options *options, const char *source,
                             pf_rearranged *out, pf_err *err);

/* A source, or all sources in a folder, that were at `from` are at `to` now, with the
 * tables that lay there. Everything known of them stays: ids, vectors, captions.
 * MISUSE when `to` is, holds or lies in another source. */
PF_MUST_CHECK bool pf_relocate(const pf_rearrange_options *options, const char *from,
                               const char *to, pf_rearranged *out, pf_err *err);

#endif
