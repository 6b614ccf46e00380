/*
 * report.h - what plainfilm-index prints: a run's result, --info, --check. Text or
 * JSON.
 */
#ifndef PF_INDEXER_REPORT_H
#define PF_INDEXER_REPORT_H

#include <stdio.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/catalog/catalog.h"
#include "core/model/model.h"
#include "indexer/hide.h"
#include "indexer/rearrange.h"
#include "indexer/run.h"

typedef struct {
    bool json, is_dry_run;
    bool lists_all;        /* as text, too: JSON always has all */
    const pf_hider *hider; /* of what is in a catalog; NULL: paths are shown */
} pf_report_options;

void pf_report_run(const pf_run_report *report, const pf_report_options *options,
                   FILE *out);
/* Something needs a look: files that failed, tables and pictures that do not fit. */
bool pf_report_is_odd(const pf_run_report *report);

/* What the catalog holds: counts, sources, model, last run, failures that stand, rows
 * without a picture and pictures without a row (as text the first twenty of each, or
 * all). */
PF_MUST_CHECK bool pf_report_catalog(pf_catalog *catalog,
                                     const pf_report_options *options, FILE *out,
                                     pf_err *err);

/* What was understood of a model, with every oddity. */
void pf_report_model(const pf_model *model, const pf_notes *notes, bool json,
                     FILE *out);

/* What a repair could not restore. */
void pf_report_lost(const char *folder, const pf_notes *lost, bool json, FILE *out);

void pf_report_backup(const char *path, int64_t generation,
                      const pf_store_digest *digest, bool json, FILE *out);

/* `to`: where they were relocated to; NULL: they were forgotten. */
void pf_report_rearranged(const pf_rearranged *done, const char *source, const char *to,
                          bool is_dry_run, bool json, FILE *out);

void pf_report_check(const char *folder, int64_t generation,
                     const pf_store_digest *digest, const pf_notes *problems, bool json,
                     FILE *out);

#endif
