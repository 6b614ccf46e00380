/*
 * cases.h - which images make which case, and the ranking of cases. Internal to search.
 *
 * A case ranks by its best image; equal scores come in the order of those images' ids.
 * The images of a case that were found stand together, best first.
 */
#ifndef PF_CORE_SEARCH_CASES_H
#define PF_CORE_SEARCH_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"

typedef struct {
    int64_t id, case_id;
    size_t index; /* of the case: 0 .. n_cases - 1 */
} pf_case_image;

typedef struct {
    pf_case_image *images; /* by image id; images without a case are not here */
    size_t n_images;
    size_t *sizes; /* [n_cases] images of each case */
    size_t n_cases;
} pf_case_map;

/* *out must be all zero; it stays so on failure. */
PF_MUST_CHECK bool pf_case_map_load(pf_case_map *out, pf_store *store, pf_err *err);
void pf_case_map_reset(pf_case_map *map); /* frees; all zero is fine */

/* NULL when the image has no case. */
const pf_case_image *pf_case_map_find(const pf_case_map *map, int64_t image_id);

typedef struct {
    int64_t id;          /* of the case */
    size_t n_images;     /* that it has */
    size_t first, found; /* its images: so many in a row of the ranked ones */
} pf_ranked_case;

typedef struct {
    pf_ranked_case *cases; /* best first */
    size_t n_cases;
    int64_t *ids;  /* of their images, case by case, best first */
    float *scores; /* of these */
} pf_ranked_cases;

/* The first `limit` cases of n neighbours, which come best first and are all in `map`.
 * *out must be all zero; it stays so on failure. */
PF_MUST_CHECK bool pf_cases_rank(pf_ranked_cases *out, const pf_case_map *map,
                                 const int64_t *ids, const float *scores, size_t n,
                                 size_t limit, pf_err *err);
void pf_ranked_cases_reset(pf_ranked_cases *ranked); /* frees; all zero is fine */

#endif
