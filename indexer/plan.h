/*
 * plan.h - what changed in a source since the last run.
 *
 * The images of the collection and those of the store, both by path and frame, are
 * walked side by side. Size and time decide what is unchanged; only other files are
 * read, and then their content hash, with the frame, tells a new picture from one that
 * was moved, copied or merely touched. Nothing is written here.
 *
 * A file that somebody is writing to is no picture yet. So one that changed a moment
 * ago is looked at last, when it has been quiet for a while; one that is not as it was
 * found when it has been read fails, and is looked at once more at the run's end.
 */
#ifndef PF_INDEXER_PLAN_H
#define PF_INDEXER_PLAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/catalog/store.h"
#include "indexer/collection.h"

typedef enum {
    PF_PLAN_UNCHANGED,
    PF_PLAN_TOUCHED, /* another size or time on record, the same picture */
    PF_PLAN_NEW,
    PF_PLAN_CHANGED, /* another picture under a known path */
    PF_PLAN_MOVED,   /* a known picture whose old path is gone */
} pf_plan_kind;

enum { PF_PLAN_NO_TWIN = -1 };

typedef struct {
    const pf_collected_image *image;
    pf_plan_kind kind;
    int64_t image_id;   /* in the store; 0 for NEW */
    int64_t source_id;  /* the source that image belongs to until now */
    int64_t picture_id; /* embedded with the model of this run; 0: still to be */
    int64_t seen_id;    /* the same content under the model readers see; 0: unknown */
    bool is_hashed;
    pf_hash content;
    pf_file_stamp stamp; /* of the file, as it was looked at last */
    int64_t twin;     /* an earlier item with the same content that is to be embedded */
    char *failure;    /* owned; why it cannot be indexed; NULL while all is well */
    bool keeps_old;   /* failed, and yet what is known of it stays */
    bool is_lasting;  /* the failure is there until the file is another one */
    bool is_busy;     /* or is that somebody writes to it: pf_plan_retry() */
    bool is_recalled; /* or is that of an earlier run: it was not tried again */
    int64_t failing_since;  /* seconds since 1970; 0: it did not fail before */
    bool has_new_texts;     /* captions, attributes or case are others now (edits.h) */
    bool has_lost_document; /* its case was a document that says nothing more of it */
    bool is_others;         /* another source found it first, and has it (settle.h) */
    bool is_left; /* a run that was interrupted did not come to it: it stays as is */
} pf_plan_item;

/* An image whose file, or frame, is gone. */
typedef struct {
    int64_t image_id, source_id;
    int64_t picture_id;     /* under the model readers see */
    char *path;             /* owned; where its file was, */
    int64_t size, mtime_ns; /* as it was */
    bool is_moved;
    bool is_unwanted; /* it is there, and not to be seen any more (losses.h) */
} pf_plan_gone;

typedef struct {
    pf_plan_item *items; /* one per image of the collection, in its order */
    size_t count;
    pf_plan_gone *gone;
    size_t n_gone, gone_room;
    size_t n_kept; /* images in what could not be read this time */
    char *doubt;   /* owned; why so many cannot be gone: they stay (losses.h) */
} pf_plan;

typedef struct {
    pf_store *store;     /* NULL: a catalog that is still to be made */
    int64_t source_id;   /* whose images are compared; 0: it is new */
    int64_t model_id;    /* whose pictures count as embedded; 0: none do */
    int64_t seen_model;  /* the one readers see: another one while it is replaced */
    bool verify_content; /* read the files that look unchanged too */
    bool retry;          /* also those with a lasting failure on record */
    int settle_seconds;  /* files that changed since are waited for; 0: they are not */
    const atomic_int *stop;
    void (*progress)(void *context, size_t done, size_t total); /* may be NULL */
    void *context;
} pf_plan_options;

/* `found` is borrowed until the reset. Images under its path that other sources have
 * are taken over from them. */
PF_MUST_CHECK bool pf_plan_make(pf_plan *plan, const pf_collection *found,
                                const pf_plan_options *options, pf_err *err);
/* The item cannot be indexed. What is known of it stays, always when the reason may
 * pass (the disk, a permission, somebody who writes to it), and for a week of failures
 * when the file is damaged, as one is that was copied by half. A file of another kind,
 * or too large, is no picture that readers should go on seeing. */
PF_MUST_CHECK bool pf_plan_fail(pf_plan_item *item, const pf_err *why, pf_err *err);
/* Look once more at the items that are busy: those that are not any more are planned
 * anew, but for moves. *n is how many. */
PF_MUST_CHECK bool pf_plan_retry(pf_plan *plan, const pf_collection *found,
                                 const pf_plan_options *options, size_t *n,
                                 pf_err *err);
/* Images that are gone and have not moved. */
size_t pf_plan_count_gone(const pf_plan *plan);
/* Does it leave the catalog? */
bool pf_plan_removes(const pf_plan *plan, const pf_plan_gone *gone);
void pf_plan_reset(pf_plan *plan); /* all zero is fine */

#endif
