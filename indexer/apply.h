/*
 * apply.h - a finished plan becomes what readers see.
 */
#ifndef PF_INDEXER_APPLY_H
#define PF_INDEXER_APPLY_H

#include "core/catalog/catalog.h"
#include "indexer/run.h"
#include "indexer/sources.h"

/* In one transaction: sources, images, captions, attributes and failures of all plans,
 * whose items are embedded (picture_id) or failed by now. Publishes a new generation
 * when there is something readers can notice. `model_id` is the model they see
 * afterwards. */
PF_MUST_CHECK bool pf_apply(pf_catalog *catalog, pf_sources *sources, int64_t model_id,
                            bool is_replacing, bool *is_published, pf_err *err);

/* True when captions, attributes and case of this image, and those of its case, have to
 * be taken in anew. */
bool pf_apply_needs_texts(const pf_source *source, const pf_plan_item *item,
                          bool is_replacing);

#endif
