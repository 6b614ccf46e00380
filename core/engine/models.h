/*
 * models.h - the model that questions are embedded with: found, trusted, and opened one
 * tower at a time, when a question needs it.
 *
 * It is the one the catalog was made with: unchanged files are recognised by their
 * stamp, anything else is read as a whole and refused when its fingerprint is another
 * one. Without a catalog it is the one that was named, whatever it is.
 *
 * A pf_models is counted and shared by all views whose catalog names the same model, so
 * that a publish costs no reader its towers. Immutable to whoever looks: a tower that
 * is open stays so, and opening one is done by one thread while the others wait.
 */
#ifndef PF_CORE_ENGINE_MODELS_H
#define PF_CORE_ENGINE_MODELS_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/catalog/store.h"
#include "core/model/model.h"

typedef struct pf_models pf_models;

/* What the user named; borrowed for as long as there are models of it. */
typedef struct {
    const char *model, *tokenizer;                   /* NULL: what the catalog says */
    const char *preprocess, *activation, *precision; /* without a catalog alone */
    const char *folder;                              /* of the catalog, for messages */
} pf_models_options;

/* Of the catalog's model, which is taken (*stored is all zero afterwards); `stored`
 * NULL: without a catalog. The caller has one reference. */
PF_MUST_CHECK bool pf_models_new(pf_models **out, const pf_models_options *options,
                                 pf_store_model *stored, pf_err *err);
pf_models *pf_models_ref(pf_models *models);
void pf_models_unref(pf_models *models); /* NULL is fine */

/* Is `stored` the model these are of? */
bool pf_models_are_of(const pf_models *models, const pf_store_model *stored);

/* NOT_FOUND for a catalog that nothing was ever indexed into. */
PF_MUST_CHECK bool pf_models_check(const pf_models *models, pf_err *err);

/* The model with this tower (PF_CLIP_TEXT or PF_CLIP_IMAGE) and no other, borrowed.
 * Oddities that were not told before go to `notes`. NOT_FOUND: it is not where the
 * catalog says; MISMATCH: it is another one than the catalog's. */
PF_MUST_CHECK bool pf_models_get(pf_models *models, unsigned tower,
                                 const pf_model **out, pf_notes *notes, pf_err *err);

/* Another for each that was ever made: what was computed with one is of no other. */
uint64_t pf_models_serial(const pf_models *models);

/* Numbers of a vector; 0 without a catalog, before a tower is open. */
int pf_models_dim(const pf_models *models);

#endif
