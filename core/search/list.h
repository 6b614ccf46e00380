/*
 * list.h - what is in the catalog, in an order, when nothing is asked. Internal to
 * search.
 *
 * Images, captions by their images, then by id, or cases by the first of their images
 * that pass the filters:
 *
 *   date     the newest first (dates.h), those without a date behind them as added
 *   added    the one that came into the catalog last first
 *   path     in the order of bytes, then of frames
 *   random   as the seed says, always the same for the same images
 */
#ifndef PF_CORE_SEARCH_LIST_H
#define PF_CORE_SEARCH_LIST_H

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/scope.h"
#include "core/search/search.h"

/* What is looked at, all of it borrowed. */
typedef struct {
    pf_store *store;
    const char *folder;    /* for messages */
    const pf_id_set *only; /* images that may be listed; NULL: all */
} pf_list;

/* Append the hits behind the first q->offset, q->limit at most, to those of `out`,
 * without scores; on failure they stay there, for pf_hits_reset(). NOT_FOUND for cases
 * of a catalog without any. */
PF_MUST_CHECK bool pf_list_run(const pf_list *list, const pf_query *q, pf_hits *out,
                               pf_err *err);

#endif
