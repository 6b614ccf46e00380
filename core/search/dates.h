/*
 * dates.h - when images were made, as far as the catalog says. Internal to search.
 *
 * The date of an image is the latest value that it, or its case, has under "date", else
 * "study_date", else "year": of those that begin as 2024, 2024-05, 2024-05-31 or
 * 2024-05-31T10:15:00 do.
 */
#ifndef PF_CORE_SEARCH_DATES_H
#define PF_CORE_SEARCH_DATES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"

typedef struct {
    int64_t id;
    int64_t date; /* 20240531101500, zeros for what is not known: later is more */
} pf_dated_image;

typedef struct {
    pf_dated_image *images; /* [n] by id; those without a date are not here */
    size_t n;
} pf_dates;

/* *out must be all zero; it stays so on failure. */
PF_MUST_CHECK bool pf_dates_load(pf_dates *out, pf_store *store, pf_err *err);
void pf_dates_reset(pf_dates *dates); /* frees; all zero is fine */

#endif
