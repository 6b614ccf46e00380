/*
 * reader.h - what one thread asks with: a snapshot of the catalog, the view of its
 * generation, and working memory for the model. Internal to whoever answers questions.
 *
 * A reader belongs to one thread. It stays at its generation until pf_reader_refresh()
 * (plainfilm.h), which takes the newest snapshot and, when that is another generation,
 * the engine's view of it. A catalog that was made anew in the place of its own it
 * opens anew.
 */
#ifndef PF_CORE_ENGINE_READER_H
#define PF_CORE_ENGINE_READER_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/catalog.h"
#include "core/engine/engine.h"
#include "core/engine/view.h"
#include "core/image/sandbox.h"
#include "core/model/model.h"

enum { PF_READER_TOWERS = 2 };

/* Which file catalog.db is. */
typedef struct {
    uint64_t device, inode;
} pf_reader_database;

struct pf_reader {
    pf_engine *engine;
    pf_view *view;               /* counted */
    pf_catalog *catalog;         /* NULL without one */
    pf_reader_database database; /* that was opened */
    uint64_t era;                /* of it, see pf_engine_era() */
    /* By tower, text and image: NULL, or of the view's models. */
    pf_embedder *embedder[PF_READER_TOWERS];
    pf_sandbox *sandbox; /* NULL until a picture is to be decoded */
};

/* See to it that there is a snapshot to read: after a refresh that failed there is
 * none. */
PF_MUST_CHECK bool pf_reader_begin(pf_reader *r, pf_err *err);

const char *pf_reader_folder(const pf_reader *r);
/* The store of the snapshot; NULL without a catalog. */
pf_store *pf_reader_store(const pf_reader *r);
/* MISUSE without a catalog, NOT_FOUND for one that nothing was ever indexed into. */
PF_MUST_CHECK bool pf_reader_check_catalog(const pf_reader *r, pf_err *err);

/* An index of the reader's generation, borrowed until the next refresh; loaded when no
 * question of any reader has needed it yet. */
PF_MUST_CHECK bool pf_reader_get_index(pf_reader *r, pf_index_kind kind,
                                       const pf_vindex **out, pf_err *err);
/* As pf_view_replace_damaged(): what was borrowed is not to be used any more. */
PF_MUST_CHECK bool pf_reader_replace_damaged(pf_reader *r, const pf_err *why, bool *any,
                                             pf_err *err);
/* How many vectors it has, without loading it; 0 without a catalog. */
size_t pf_reader_count(const pf_reader *r, pf_index_kind kind);

/* As pf_view_get_counts(). */
PF_MUST_CHECK bool pf_reader_get_counts(pf_reader *r, pf_store_counts *out,
                                        pf_err *err);
/* As pf_view_find_word_rows(), of the engine's words. */
PF_MUST_CHECK bool pf_reader_find_word_rows(pf_reader *r, const pf_words *words,
                                            pf_word_rows **out, pf_err *err);
/* As pf_view_find_background(). */
PF_MUST_CHECK bool pf_reader_find_background(pf_reader *r, pf_background_kind kind,
                                             const pf_background **out, pf_err *err);

/* The model with one tower (PF_CLIP_TEXT or PF_CLIP_IMAGE), borrowed until the next
 * refresh. Codes as for pf_models_get(). */
PF_MUST_CHECK bool pf_reader_get_model(pf_reader *r, unsigned tower,
                                       const pf_model **out, pf_err *err);
/* The reader's own working memory for that tower, borrowed likewise. */
PF_MUST_CHECK bool pf_reader_get_embedder(pf_reader *r, unsigned tower,
                                          pf_embedder **out, pf_err *err);
/* The reader's own place to decode pictures in, borrowed. */
PF_MUST_CHECK bool pf_reader_get_sandbox(pf_reader *r, pf_sandbox **out, pf_err *err);
/* Numbers of a vector; without a catalog 0 before a model was needed. */
size_t pf_reader_dim(const pf_reader *r);

/* Another reader, for a thread that helps with what `r` was asked. When an indexer has
 * published meanwhile it would see more than `r` does: then *out is NULL. */
PF_MUST_CHECK bool pf_reader_open_beside(pf_reader **out, const pf_reader *r,
                                         pf_err *err);

#endif
