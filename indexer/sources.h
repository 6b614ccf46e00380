/*
 * sources.h - the sources of one run: read by their importers, and planned.
 */
#ifndef PF_INDEXER_SOURCES_H
#define PF_INDEXER_SOURCES_H

#include "core/base/hash.h"
#include "core/catalog/store.h"
#include "indexer/importers.h"
#include "indexer/plan.h"

typedef struct {
    char *path;    /* absolute, as given */
    char *real;    /* where links lead now; NULL: it is not there */
    char **tables; /* [n_tables] of captions, absolute */
    size_t n_tables;
    char *columns; /* of the tables, as columns.h has it; or NULL */
    const pf_importer *importer;
    int64_t id;      /* in the store, 0 while it is new */
    char **excluded; /* [n_excluded] patterns of what is left out of it */
    size_t n_excluded, excluded_room;
    pf_store_reading reading;  /* how it is read, */
    pf_store_reading was_read; /* and was, as the store has it */
    bool has_new_table; /* other tables, or columns of them, than the store has */
    bool is_given;      /* by the user, for this run */
    bool tables_are_given;
    bool is_spent; /* given, not there, and without images: it is to be forgotten */
    bool allows_removals; /* however many */
    pf_hash known_hash;   /* found.texts_hash when texts were last taken in; or zero */
    bool texts_changed;   /* since then */
    pf_collection found;
    pf_plan plan;
} pf_source;

typedef struct {
    pf_source *at;
    size_t count, room;
} pf_sources;

/* What the user gave; tables and columns go with exactly one path. */
typedef struct {
    const char *const *paths, *const *tables;
    size_t n_paths, n_tables;
    const char *columns; /* or NULL */
} pf_sources_given;

/* The paths the user gave or, without any, all that the store remembers; with `all`,
 * both. A path inside another one is part of that one; another name of a remembered
 * source (a link) means that one. `store` may be NULL for a new catalog. */
PF_MUST_CHECK bool pf_sources_choose(pf_sources *sources, pf_store *store,
                                     const pf_sources_given *given, bool all,
                                     pf_err *err);
/* What is left out: of the sources named, or of all when none is, these patterns; of
 * the others, and with n = 0, what the store remembers. */
PF_MUST_CHECK bool pf_sources_exclude(pf_sources *sources, pf_store *store,
                                      const char *const *patterns, size_t n,
                                      bool of_all, pf_err *err);
/* Let the importers read every source; with `reads_all` also what the headers of files
 * said on an earlier night. The folder `except` is not entered. */
PF_MUST_CHECK bool pf_sources_read(pf_sources *sources, pf_store *store,
                                   const char *except, bool reads_all,
                                   const atomic_int *stop, pf_err *err);
void pf_sources_reset(pf_sources *sources);

#endif
