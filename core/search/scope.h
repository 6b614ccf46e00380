/*
 * scope.h - the images that pass all filters of a question. Internal to search and
 * evaluate.
 */
#ifndef PF_CORE_SEARCH_SCOPE_H
#define PF_CORE_SEARCH_SCOPE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/filter.h"

typedef struct {
    int64_t *ids; /* ascending */
    size_t n;
} pf_id_set;

bool pf_id_set_has(const pf_id_set *set, int64_t id);
void pf_id_set_reset(pf_id_set *set); /* frees; all zero is fine */

/* *out must be all zero; it stays so on failure, in all of these. */
PF_MUST_CHECK bool pf_scope_all_images(pf_id_set *out, pf_store *store, pf_err *err);
/* NOT_FOUND for a key that is not there; the message names those there are. */
PF_MUST_CHECK bool pf_scope_images(pf_id_set *out, pf_store *store,
                                   const pf_filter *filters, size_t n, pf_err *err);
/* The captions of these images. */
PF_MUST_CHECK bool pf_scope_captions(pf_id_set *out, pf_store *store,
                                     const pf_id_set *images, pf_err *err);

#endif
