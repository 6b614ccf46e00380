/*
 * sources.h - the sources of one run: scanned, with their captions, and planned.
 */
#ifndef PF_INDEXER_SOURCES_H
#define PF_INDEXER_SOURCES_H

#include "core/base/hash.h"
#include "core/catalog/store.h"
#include "core/image/scan.h"
#include "indexer/import_captions.h"
#include "indexer/plan.h"

typedef struct {
    char *path, *captions_path; /* absolute; the latter NULL when there is none */
    int64_t id;                 /* in the store, 0 while it is new */
    bool is_given;              /* by the user, for this run */
    pf_hash captions_hash;      /* of the file now; zero without one */
    bool captions_changed;      /* since they were last taken in */
    pf_scan scan;
    pf_captions captions;
    pf_plan plan;
} pf_source;

typedef struct {
    pf_source *at;
    size_t count, room;
} pf_sources;

/* The paths the user gave (with captions for the one path, or NULL) or, without any,
 * all that the store remembers; with `all`, both. A path inside another one is part of
 * that one. `store` may be NULL for a new
 * catalog. */
PF_MUST_CHECK bool pf_sources_choose(pf_sources *sources, pf_store *store,
                                     const char *const *paths, size_t n_paths,
                                     const char *captions, bool all, pf_err *err);
/* Scan every source and read its captions. The folder `except` is not entered. A
 * remembered source that is not there, or is empty all of a sudden (its disk is not
 * mounted), is one gap: what is known of it stays. */
PF_MUST_CHECK bool pf_sources_scan(pf_sources *sources, pf_store *store,
                                   const char *except, const atomic_int *stop,
                                   pf_err *err);
void pf_sources_reset(pf_sources *sources);

#endif
