/*
 * facets.h - values and how many of what matches have them. Internal to search.
 *
 * The count of a value is the number of images, captions or cases that would be left if
 * only those with this value counted: of a case with two CTs, one.
 */
#ifndef PF_CORE_SEARCH_FACETS_H
#define PF_CORE_SEARCH_FACETS_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/filter.h"
#include "core/search/matches.h"

enum {
    PF_FACETS_MAX = 20,        /* keys of a question */
    PF_FACET_VALUES_MAX = 100, /* that are told of each */
    PF_UNMET_VALUES_MAX = 10,  /* of a filter that nothing meets */
    PF_FACET_KEY_MAX_BYTES = 4096,
};

/* Count the values of a key, or (NULL) the keys. The most frequent `most` are told,
 * then by value. *out must be all zero; it stays so on failure. NOT_FOUND for a key
 * that is not there, MISUSE for "path", which every image has to itself. */
PF_MUST_CHECK bool pf_counts_make(pf_counts *out, pf_store *store, const char *key,
                                  const pf_matches *matches, size_t most, pf_err *err);
void pf_counts_reset(pf_counts *counts); /* frees; all zero is fine */

/* The first filter that no image meets, whatever the others say, and the values there
 * are; all zero when each is met by some image. */
PF_MUST_CHECK bool pf_unmet_find(pf_unmet *out, pf_store *store,
                                 const pf_filter *filters, size_t n, pf_err *err);
void pf_unmet_reset(pf_unmet *unmet); /* frees; all zero is fine */

#endif
