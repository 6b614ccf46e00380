/*
 * asking.h - a reader on a catalog, of an engine that is its own: what tests that ask
 * questions start from.
 */
#ifndef PF_TESTS_SUPPORT_ASKING_H
#define PF_TESTS_SUPPORT_ASKING_H

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/engine/reader.h"

/* Open an engine on the catalog at `folder` (NULL: on none), and its one reader.
 * `options` (may be NULL) begin with .struct_size or 0, and name neither catalog nor
 * note; what the engine has to tell goes to `notes` (may be NULL), which must outlive
 * the reader. */
PF_MUST_CHECK bool pf_asking_open(pf_reader **out, const char *folder,
                                  const pf_engine_options *options, pf_notes *notes,
                                  pf_err *err);
void pf_asking_close(pf_reader *reader); /* and its engine; NULL is fine */

#endif
