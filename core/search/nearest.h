/*
 * nearest.h - from one vector to hits: images, captions or cases. Internal to search.
 */
#ifndef PF_CORE_SEARCH_NEAREST_H
#define PF_CORE_SEARCH_NEAREST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/catalog/vindex.h"
#include "core/search/scope.h"
#include "core/search/search.h"

/* What is looked at, all of it borrowed. */
typedef struct {
    pf_store *store;
    const pf_vindex *index;  /* of captions for PF_FIND_CAPTIONS, else of images */
    const char *folder;      /* for messages */
    const float *vector;     /* [dim] of the question, length 1 */
    const int64_t *like;     /* images that were asked with: they, or their cases, */
    size_t n_like;           /* are not found */
    const pf_id_set *images; /* that may be found; NULL: all */
} pf_nearest;

/* Append the hits to those of `out`; on failure they stay there, for
 * pf_hits_reset(). NOT_FOUND for cases of a catalog without any. */
PF_MUST_CHECK bool pf_nearest_run(const pf_nearest *a, const pf_query *q, pf_hits *out,
                                  pf_err *err);

#endif
