/*
 * settle.h - what shows only when the plans of all sources lie side by side: a file
 * that two sources name, and a picture that went from one source to another.
 *
 * Whichever source found a file first keeps it, as long as it finds it: two sources
 * that took it from each other would do so every night. A picture whose file is not
 * where it was, and whose content has come up in a new file, is the same picture,
 * whatever source either of them belongs to, and whether that one was looked at tonight
 * or is not there.
 */
#ifndef PF_INDEXER_SETTLE_H
#define PF_INDEXER_SETTLE_H

#include "indexer/sources.h"

/* Plans have been made; nothing is embedded yet. `store` may be NULL. */
PF_MUST_CHECK bool pf_settle(pf_sources *sources, pf_store *store, pf_err *err);

#endif
