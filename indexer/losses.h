/*
 * losses.h - sources that lost more than a night would take away.
 *
 * A share that is half mounted, or was emptied by accident, must not empty the catalog.
 * When a source has none of its images left, or has lost more than one of them and more
 * than a fifth, none of these is removed until somebody says that it is meant. What is
 * new or changed in it is taken in all the same, and what is there and not wanted any
 * more leaves.
 *
 * Lost is an image whose file is not there any more, or can no longer be read as a
 * picture. No loss is one that moved, one whose file lies in a recycle bin of the
 * source, and one whose file is there but counts no longer: excluded, or a link that
 * leads out.
 */
#ifndef PF_INDEXER_LOSSES_H
#define PF_INDEXER_LOSSES_H

#include "indexer/sources.h"

/* Decide it for each source, by what its plan says by now; again when more is known. In
 * a source that is kept, plan.doubt says why, and failed images keep what is known. */
PF_MUST_CHECK bool pf_losses_judge(pf_sources *sources, pf_err *err);

#endif
