/*
 * asking.h - a reader on a catalog, of an engine that is its own, and questions in
 * JSON: what tests that ask start from.
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

/* What a question in JSON is answered with, as JSON, but for the times it took: each is
 * 0. Files may be named. Given, free with pf_free(); NULL with *err. */
PF_MUST_CHECK char *pf_asking_ask(pf_reader *reader, const char *question, pf_err *err);

typedef struct {
    const char *question;
    double seconds; /* of the processor, with those that opening takes */
} pf_asking_cost;

/* Put a question of each kind to the seeded catalog at `folder` (seeded.h), or to what
 * somebody has made of it; look at images, cases and facets; check it, which adds to
 * `problems` (may be NULL). *most (may be NULL; all zero before): what took longest.
 * False when it cannot be opened, or when one of these fails; the others are done all
 * the same. */
PF_MUST_CHECK bool pf_asking_all(const char *folder, pf_notes *notes,
                                 pf_notes *problems, pf_asking_cost *most, pf_err *err);

#endif
