/*
 * import_mirc.h - teaching files of RSNA's MIRC: XML documents, each of them a case.
 *
 * They are found in any folder of a source, as tables of captions are, or are a source
 * themselves; exported archives likewise. What a document shows are the pictures of its
 * case, each in its best version; icons, annotations and what only the owner sees are
 * no pictures of the collection. A picture lies in the document's folder, or below it;
 * whatever else a document names is not there.
 *
 * A file MIRCdocument.xml has its folder to itself, as on the server: what it does not
 * show is left out, as is all of a document that is not for everybody. In an archive
 * there is nothing but what documents show. Of a document that cannot be read, the
 * pictures stay as they are known.
 */
#ifndef PF_INDEXER_IMPORT_MIRC_H
#define PF_INDEXER_IMPORT_MIRC_H

#include "core/base/hash.h"
#include "core/image/scan.h"
#include "indexer/importer.h"

typedef struct pf_mirc pf_mirc;

/* Read the documents of the scan, and take out of it the pictures that are not to be
 * shown; those in archives come in. `within`: see pf_file_open_within(). *out is to be
 * freed, on failure it is NULL. */
PF_MUST_CHECK bool pf_mirc_look(pf_mirc **out, const pf_import *from, pf_scan *scan,
                                const char *within, pf_err *err);
/* Cases and their texts, once image i of the collection is file i of the scan; all that
 * was read becomes part of to->texts_hash. */
PF_MUST_CHECK bool pf_mirc_add(pf_mirc *mirc, const pf_import *from,
                               const pf_scan *scan, pf_collection *to, pf_err *err);
void pf_mirc_free(pf_mirc *mirc); /* NULL is fine */

/* A document or an archive as a source. */
extern const pf_importer pf_import_mirc;

#endif
