/*
 * edits.h - have captions, attributes or the case of an image changed?
 *
 * A table of 100,000 rows of which one was edited means one image to readers: the
 * others are as they are stored, and are neither written again nor counted.
 */
#ifndef PF_INDEXER_EDITS_H
#define PF_INDEXER_EDITS_H

#include "indexer/sources.h"

/* For each image of the source that stays what it is: its texts, and those of its case,
 * are others than the store has (item->has_new_texts). Nothing to do while the texts of
 * the source are as they were. `store` may be NULL. */
PF_MUST_CHECK bool pf_edits_find(pf_source *source, pf_store *store, pf_err *err);

/* What came from another source, into one that says nothing of it, keeps the texts it
 * had there: not those of a document, which would no longer hear when they are
 * withdrawn.
 */
bool pf_edits_brings_texts(const pf_source *source, const pf_plan_item *item);

#endif
