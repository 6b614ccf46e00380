/*
 * matches.h - all that matches a question, to be counted. Internal to search.
 *
 * What is found are images, captions or cases; what has values to count are images. So
 * this is a list of images, with how much each counts: an image once, or once for each
 * of its captions; those of a case together once.
 */
#ifndef PF_CORE_SEARCH_MATCHES_H
#define PF_CORE_SEARCH_MATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/catalog/vindex.h"
#include "core/search/scope.h"

typedef struct {
    int64_t *images;   /* [n] ascending */
    uint32_t *units;   /* [n] the number of what it belongs to; NULL: itself */
    uint32_t *weights; /* [n] captions of it; NULL: 1 */
    size_t n, n_units;
    size_t total; /* images, captions or cases */
} pf_matches;

/* What is looked at, all of it borrowed. */
typedef struct {
    pf_store *store;
    pf_find find;
    const pf_id_set *only;  /* images that pass the filters; NULL: all */
    const pf_id_set *found; /* the captions, or the images, also of cases, that match;
                               NULL: all that pass */
    const int64_t *like;    /* [n_like] images that were asked with: they, or their */
    size_t n_like;          /* cases, do not match */
} pf_matching;

/* *out must be all zero; it stays so on failure. */
PF_MUST_CHECK bool pf_matches_make(pf_matches *out, const pf_matching *of, pf_err *err);
void pf_matches_reset(pf_matches *matches); /* frees; all zero is fine */

/* The ids in `index` whose cosine to `vector` is at least `min_score`, of all or of
 * those in `only`. *out must be all zero; it stays so on failure. */
PF_MUST_CHECK bool pf_matches_near(pf_id_set *out, const pf_vindex *index,
                                   const float *vector, double min_score,
                                   const pf_id_set *only, pf_err *err);

#endif
