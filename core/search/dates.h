/*
 * dates.h - when images were made, as far as the catalog says. Internal to search.
 *
 * The date of an image is the latest value that it, or its case, has under "date", else
 * "study_date", else "year": of those that begin as 2024, 2024-05, 2024-05-31 or
 * 2024-05-31T10:15:00 do.
 */
#ifndef PF_CORE_SEARCH_DATES_H
#define PF_CORE_SEARCH_DATES_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/scope.h"

/* *out [images->n] is given, to be freed with pf_free(): the date of each image, as in
 * 20240531101500, zeros for what is not known, so that later is more; 0 without one.
 * NULL on failure. */
PF_MUST_CHECK bool pf_dates_load(int64_t **out, pf_store *store,
                                 const pf_id_set *images, pf_err *err);

#endif
