/*
 * care.h - looking after a catalog: --check, --check --repair, --backup.
 */
#ifndef PF_INDEXER_CARE_H
#define PF_INDEXER_CARE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/err.h"
#include "core/catalog/catalog.h"

typedef struct {
    const char *catalog; /* its folder */
    bool json;
    bool is_quiet; /* nothing is reported when all is well */
    FILE *out;
} pf_care;

/* Report what --check finds; *is_in_order says whether it found nothing. Works beside a
 * running indexer. False when it could not be checked. */
PF_MUST_CHECK bool pf_care_check(const pf_care *care, bool *is_in_order, pf_err *err);

/* The same, and what is derived is made again: index files, words, percentiles,
 * thumbnails from their files. As the one indexer, so that it needs the lock.
 * Afterwards *is_in_order is false when something is left that only a backup, or
 * --rebuild, can restore. */
PF_MUST_CHECK bool pf_care_repair(const pf_care *care,
                                  const pf_catalog_writer_options *options,
                                  bool *is_in_order, pf_err *err);

/* Copy the catalog to `path` (pf_catalog_backup()) and report. */
PF_MUST_CHECK bool pf_care_backup(const pf_care *care, const char *path, pf_err *err);

#endif
