/*
 * view.h - one generation of a catalog, as all threads see it: its model, its indexes,
 * what its scores are compared with. Internal to the engine and to whoever asks.
 *
 * A view is counted and never changes: what it has is loaded when a question first
 * needs it, by one thread while the others wait, and stays. Files of indexes are held
 * open from the start, so that they can be read however long they have been replaced
 * since.
 *
 * Without a catalog there is a model and nothing else, at generation 0.
 */
#ifndef PF_CORE_ENGINE_VIEW_H
#define PF_CORE_ENGINE_VIEW_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/catalog/background.h"
#include "core/catalog/catalog.h"
#include "core/engine/models.h"
#include "core/engine/word_rows.h"

typedef struct pf_view pf_view;

/* Of the generation that `catalog` has a snapshot of; when that was overtaken
 * meanwhile, of the one it has then. `models` is referred to when it is of the
 * catalog's model (NULL: there are none), else new ones are made of `options`. */
PF_MUST_CHECK bool pf_view_new(pf_view **out, pf_catalog *catalog, pf_models *models,
                               const pf_models_options *options, int search_threads,
                               pf_err *err);
/* Without a catalog: of the model that `options` names. */
PF_MUST_CHECK bool pf_view_new_of_model(pf_view **out, const pf_models_options *options,
                                        pf_err *err);
pf_view *pf_view_ref(pf_view *view);
void pf_view_unref(pf_view *view); /* NULL is fine */

int64_t pf_view_generation(const pf_view *view);
/* Is it of what `catalog` has a snapshot of: the same generation, and not of another
 * catalog that was made in its place since? */
PF_MUST_CHECK bool pf_view_is_of(const pf_view *view, pf_catalog *catalog, bool *out,
                                 pf_err *err);
pf_models *pf_view_models(const pf_view *view); /* borrowed */

/* How many images, captions and cases there are, and what else of these numbers only a
 * publish changes; counted once. */
PF_MUST_CHECK bool pf_view_get_counts(pf_view *view, pf_catalog *catalog,
                                      pf_store_counts *out, pf_err *err);
/* Vectors in an index, without loading it. */
size_t pf_view_count(const pf_view *view, pf_index_kind kind);
/* The index, borrowed. One whose file is missing or damaged is made from the vectors in
 * `catalog`, which has a snapshot of this generation, and *notes say so. */
PF_MUST_CHECK bool pf_view_get_index(pf_view *view, pf_index_kind kind,
                                     pf_catalog *catalog, const pf_vindex **out,
                                     pf_notes *notes, pf_err *err);
/* After a question that failed for *why: indexes whose files have turned out to be
 * damaged are replaced likewise. *any: there is, or was, one; the question is worth
 * another try. */
PF_MUST_CHECK bool pf_view_replace_damaged(pf_view *view, pf_catalog *catalog,
                                           const pf_err *why, bool *any,
                                           pf_notes *notes, pf_err *err);
/* The rows of the index of words, borrowed; NULL for the first questions that want
 * them: who asks one and ends had better not wait for them. */
PF_MUST_CHECK bool pf_view_find_word_rows(pf_view *view, const pf_words *words,
                                          pf_catalog *catalog, pf_word_rows **out,
                                          pf_err *err);
/* The background, borrowed; *out NULL when there is none. A damaged one counts as none,
 * and *notes say so. */
PF_MUST_CHECK bool pf_view_find_background(pf_view *view, pf_background_kind kind,
                                           pf_catalog *catalog,
                                           const pf_background **out, pf_notes *notes,
                                           pf_err *err);

#endif
