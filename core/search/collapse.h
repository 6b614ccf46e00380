/*
 * collapse.h - near duplicates folded into the best of them. Internal to search.
 *
 * In the order of a ranking, an item is folded into the first kept one whose cosine to
 * it is at least the threshold; without such a one it is kept itself.
 */
#ifndef PF_CORE_SEARCH_COLLAPSE_H
#define PF_CORE_SEARCH_COLLAPSE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/vindex.h"
#include "core/search/search.h"

typedef struct {
    size_t *kept; /* [n_kept] places in the ranking, ascending */
    size_t n_kept;
    size_t *into; /* [n] of each place: the number of the kept one it is, or is folded
                     into; n when it is neither, for want of room */
    size_t n;
} pf_collapsed;

/* Fold the ranking `ids` [n], best first, all in `index`; at most `limit` are kept, and
 * what is behind the last of them is still folded into them. *out must be all zero; it
 * stays so on failure. */
PF_MUST_CHECK bool pf_collapse(pf_collapsed *out, const pf_vindex *index,
                               const int64_t *ids, size_t n, double threshold,
                               size_t limit, pf_err *err);
void pf_collapsed_reset(pf_collapsed *collapsed); /* frees; all zero is fine */

/* Every id of `index` that may be near one of `ids` [n], these included and some too
 * many: ascending, each once. Given in *out, to be freed with pf_free(). */
PF_MUST_CHECK bool pf_collapse_candidates(const pf_vindex *index, const int64_t *ids,
                                          size_t n, double threshold, int64_t **out,
                                          size_t *n_out, pf_err *err);

/* Tell the hits [n_kept] what was folded into them. `ids` is the ranking. */
PF_MUST_CHECK bool pf_collapse_tell(const pf_collapsed *collapsed, const int64_t *ids,
                                    pf_hit *hits, pf_err *err);

#endif
