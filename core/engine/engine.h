/*
 * engine.h - what all readers of a catalog share: the options it was opened with, the
 * newest view, the word tables. Opened and closed by the functions of plainfilm.h.
 *
 * May be used by any number of threads. It holds one reference to the newest view that
 * a reader has come to; older ones live as long as readers use them.
 */
#ifndef PF_CORE_ENGINE_ENGINE_H
#define PF_CORE_ENGINE_ENGINE_H

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/engine/vectors.h"
#include "core/engine/view.h"
#include "core/words/words.h"

/* Copies, the engine's own; the folder is filled in. */
const pf_engine_options *pf_engine_options_of(const pf_engine *engine);

/* The reader that opening the engine took to see whether all is well; NULL when it was
 * taken already. It is at the generation it was opened at. */
pf_reader *pf_engine_take_spare(pf_engine *engine);

/* The view of the generation that `catalog` (NULL: none is needed) has a snapshot of,
 * with a reference for the caller. Where others have come further, the snapshot is
 * taken anew. */
PF_MUST_CHECK bool pf_engine_get_view(pf_engine *engine, pf_catalog *catalog,
                                      pf_view **out, pf_err *err);

/* How many databases there have been in the catalog's folder, one after the other, as
 * of who opens this one. */
uint64_t pf_engine_era(pf_engine *engine, uint64_t device, uint64_t inode);

/* Borrowed as long as the engine is; read when a question first needs them. */
PF_MUST_CHECK bool pf_engine_get_words(pf_engine *engine, const pf_words **out,
                                       pf_err *err);

/* What was asked with lately; NULL when nothing is kept. */
pf_vectors *pf_engine_vectors(const pf_engine *engine);

/* Hand the notes to whoever opened the engine; they are gone afterwards. */
void pf_engine_tell(const pf_engine *engine, pf_note_kind kind, pf_notes *notes);
/* What the model's makers want told (or NULL), once. */
void pf_engine_tell_notice(pf_engine *engine, const char *notice);
/* Of what the sandbox lacks, once; after it was used. */
void pf_engine_tell_sandbox(pf_engine *engine);

#endif
