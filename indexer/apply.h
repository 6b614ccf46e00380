/*
 * apply.h - a finished plan becomes what readers see.
 */
#ifndef PF_INDEXER_APPLY_H
#define PF_INDEXER_APPLY_H

#include "core/catalog/catalog.h"
#include "indexer/run.h"
#include "indexer/sources.h"

typedef struct {
    int64_t model_id;  /* the model that readers see afterwards */
    bool is_replacing; /* and saw another one before */
    bool is_cut; /* the run was interrupted: items that are left stay as they are, and
                    so do images that are gone, failures, and texts of images of which
                    one is not embedded; the next run takes all texts in again */
} pf_apply_options;

/* In one transaction: sources, images, captions, attributes and failures of all plans,
 * whose items are embedded (picture_id), failed or left by now. Publishes a new
 * generation when there is something readers can notice. */
PF_MUST_CHECK bool pf_apply(pf_catalog *catalog, pf_sources *sources,
                            const pf_apply_options *options, bool *is_published,
                            pf_err *err);

/* True when captions, attributes and case of this image, and those of its case, have to
 * be taken in anew. */
bool pf_apply_needs_texts(const pf_source *source, const pf_plan_item *item,
                          bool is_replacing);

#endif
