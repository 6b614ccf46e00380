/*
 * run_model.h - the model of a run: opened, recognised, and entered into the store.
 */
#ifndef PF_INDEXER_RUN_MODEL_H
#define PF_INDEXER_RUN_MODEL_H

#include "core/base/notes.h"
#include "core/catalog/store.h"
#include "core/model/model.h"
#include "indexer/run.h"

typedef struct {
    pf_model *model;
    pf_store_model row;   /* what the store is to hold; owned */
    int64_t in_use;       /* id of the model readers see, 0 for none */
    bool is_replacing;    /* another round of vectors than the ones readers see */
    bool is_new_to_store; /* row is not in the store as it is here */
} pf_run_model;

/* Open the model the options name or the store remembers (`store` may be NULL), and
 * compare it with the one the catalog was made with. Its weights are looked at only
 * when its files are not those on record. */
PF_MUST_CHECK bool pf_run_model_open(pf_run_model *m, const pf_run_options *options,
                                     pf_store *store, pf_notes *notes, pf_err *err);
void pf_run_model_close(pf_run_model *m); /* all zero is fine */

#endif
