/*
 * run.h - one run of the indexer, from what the user asked to a published generation.
 *
 *   open the model      wrong or half models are refused before anything is touched
 *   read and plan       what is there (importer.h) and what changed (plan.h), without
 *                       writing
 *   embed               new pictures and caption texts, committed batch by batch
 *   apply and publish   one transaction: readers see all of it or none
 *
 * A run that is killed loses the batch it was at; the next one goes on. One that is
 * interrupted finishes its batches and publishes what it has: images that are embedded
 * are added or changed, with their texts if those are embedded too; the others stay as
 * they were, those that are gone as well.
 */
#ifndef PF_INDEXER_RUN_H
#define PF_INDEXER_RUN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/image/scan.h"

typedef struct {
    const char *catalog;                        /* folder */
    const char *model, *tokenizer, *preprocess; /* NULL: what the catalog remembers */
    const char *activation;                     /* likewise; see model.h */
    const char *precision;                      /* likewise; see precision.h */
    const char *const *captions; /* [n_captions] tables for the one path, */
    size_t n_captions;
    const char *columns;      /* and which of their columns is what; or NULL */
    const char *const *paths; /* none: every remembered source */
    size_t n_paths;
    const char *const *excluded; /* patterns; none: what is remembered */
    size_t n_excluded;
    int jobs;
    size_t batch;
    bool rebuild, dry_run, verify_content;
    bool strict;       /* rows without a picture, pictures without a row: a failure */
    bool follow_links; /* also those that lead out of their source */
    bool as_owner;     /* also what teaching files show to their owners alone */
    /* Of pictures that may show a patient's name; of the sources named, or all. */
    enum {
        PF_BURNED_IN_AS_IT_IS,
        PF_BURNED_IN_REFUSED,
        PF_BURNED_IN_ALLOWED
    } burned_in;
    const char *frames; /* as frames.h has it, of the same; NULL: what is remembered */
    bool retry; /* files that failed, too, although they have not changed since */
    int settle_seconds;  /* files that changed since are waited for; 0: they are not */
    bool allow_removals; /* of the sources named, or all: however many are gone */
    enum { PF_SHARE_AS_IT_IS, PF_SHARE_PRIVATE, PF_SHARE_GROUP } share;
    const char *index; /* as pf_catalog_choose_index() has it; NULL: as it is */
    int wait_seconds;
    const atomic_int *stop; /* may be NULL; non-zero ends the run in good order */

    /* Told what the model's makers want its users told, what the sandbox lacks, and
     * what is odd about a source, a line each; may be NULL. */
    void (*notice)(void *context, const char *text);
    /* Told of each picture that takes longer than a minute; may be NULL. */
    void (*warning)(void *context, const char *text);
    /* Called on the calling thread as work proceeds; may be NULL. `what` is "reading",
     * "embedding" or "captions". */
    void (*progress)(void *context, const char *what, size_t done, size_t total,
                     size_t failed);
    void *context;
} pf_run_options;

typedef struct {
    char *path, *reason; /* owned */
} pf_run_failure;

typedef struct {
    char *table, *name; /* owned; name: what the row calls its picture */
    size_t line;
    bool is_ambiguous; /* several pictures are called that, but for case */
} pf_run_stale_row;

typedef struct {
    size_t added, updated, moved, removed, unchanged, failed;
    size_t kept; /* of the unchanged: gone, but too many at once (losses.h) */
    int64_t images, captions, cases; /* in the catalog now */
    int64_t captions_cut;            /* of these: longer than the model reads */
    int64_t bare_images; /* and images without a caption, own or of their case */
    double seconds;
    size_t embedded; /* pictures, in `embed_seconds` */
    double embed_seconds;
    size_t links_out; /* links that lead out of their source, passed over */
    size_t burned_in; /* pictures that may show a patient's name, refused */
    pf_scan_kind others[PF_SCAN_KINDS_MAX]; /* files of kinds that are not read: the */
    size_t n_others;      /* most frequent first; texts and tables are not counted */
    bool is_published;    /* there was something new to publish */
    size_t captions_long; /* new texts of which only the beginning is found by words */
    pf_run_failure *failures;
    size_t n_failures, failures_room;
    pf_run_stale_row *stale; /* rows of tables that are about no picture */
    size_t n_stale, stale_room;
    char **rowless; /* owned: paths of pictures without a row */
    size_t n_rowless, rowless_room;
    char **notices; /* owned: what is odd about sources, as it was told */
    size_t n_notices, notices_room;
} pf_run_report;

/* False with PF_ERR_INTERRUPTED: `embedded` and `is_published` tell what came of it. */
PF_MUST_CHECK bool pf_run(const pf_run_options *options, pf_run_report *report,
                          pf_notes *notes, pf_err *err);
void pf_run_report_reset(pf_run_report *report); /* all zero is fine */

#endif
