/*
 * mirc_document.h - one document of a MIRC teaching file: XML in, texts and pictures
 * out.
 *
 * What is kept is a list, so that nothing has to be remembered to be left out: elements
 * (mirc_document.c), headings of sections (mirc_headings.c), and the text within them
 * that stands in elements of formatting. Capitals in their names make no difference.
 * Anything else is passed over; of all that names people, authors, owners, patients,
 * pictures are passed over as well. Text that is marked visible="owner" or "no" is read
 * for owners only.
 *
 * The XML is read by libxml2 (this module alone includes it), as a stream: no network,
 * no files, no document type with entities of its own. Limits: MIRC_MAX_BYTES, and a
 * depth of 200 elements.
 */
#ifndef PF_INDEXER_MIRC_DOCUMENT_H
#define PF_INDEXER_MIRC_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/span.h"

enum { PF_MIRC_MAX_BYTES = 8 << 20 };

/* The files that a picture lies in, the best one first: as it was taken, as it is shown
 * in the document, in its original format. */
enum { PF_MIRC_VERSIONS = 3 };

typedef struct {
    const char *key;   /* of an attribute; NULL: a caption */
    const char *value; /* not empty; blanks and line ends are single blanks */
    size_t image;      /* in images, from 1; 0: of the case */
} pf_mirc_text;

typedef struct {
    const char *src[PF_MIRC_VERSIONS]; /* NULL: there is none of the kind */
    size_t line;
} pf_mirc_image;

typedef struct {
    bool is_mirc;      /* else it is something else, and nothing is known of it */
    bool is_public;    /* no authorization in it, or each of them says "*" */
    const char *title; /* NULL: it has none */
    pf_mirc_text *texts;
    size_t n_texts, texts_room;
    pf_mirc_image *images; /* those that are shown */
    size_t n_images, images_room;
    const char **names; /* all files it mentions, shown or not */
    size_t n_names, names_room;
    size_t n_unknown_sections; /* by their headings, whose text is left out */
    pf_arena strings;
} pf_mirc_document;

/* FORMAT, LIMIT: it is a MIRC document, and cannot be read; `names` then has what it
 * seems to mention. `as_owner`: also what only its owner sees. The document is to be
 * reset either way. */
PF_MUST_CHECK bool pf_mirc_document_read(pf_mirc_document *document, pf_span bytes,
                                         bool as_owner, pf_err *err);
void pf_mirc_document_reset(pf_mirc_document *document); /* all zero is fine */

#endif
