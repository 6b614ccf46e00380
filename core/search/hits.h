/*
 * hits.h - from the ids and scores of neighbours to hits that can be shown. Internal to
 * search.
 */
#ifndef PF_CORE_SEARCH_HITS_H
#define PF_CORE_SEARCH_HITS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/cases.h"
#include "core/search/search.h"

/* Append the n neighbours to the hits of `out`, with what `store` knows about them. On
 * failure those that were made stay in `out`, for pf_hits_reset(). */
PF_MUST_CHECK bool pf_hits_fill(pf_hits *out, pf_store *store, pf_find find,
                                const int64_t *ids, const float *scores, size_t n,
                                pf_err *err);

/* The same for cases. */
PF_MUST_CHECK bool pf_hits_fill_cases(pf_hits *out, pf_store *store,
                                      const pf_ranked_cases *ranked, pf_err *err);

/* Show this caption of the image, and not the first one; 0, or one that is not among
 * them: as it is. */
PF_MUST_CHECK bool pf_hits_show_caption(pf_hit *hit, int64_t caption_id, pf_err *err);

#endif
