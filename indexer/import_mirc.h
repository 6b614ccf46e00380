/*
 * import_mirc.h - teaching files of RSNA's MIRC: XML documents, each of them a case.
 *
 * They are found in any folder of a source, as tables of captions are, or are a source
 * themselves; exported archives likewise. Which they are, and which pictures they have,
 * is mirc_files.h; what is kept of their texts mirc_document.h.
 */
#ifndef PF_INDEXER_IMPORT_MIRC_H
#define PF_INDEXER_IMPORT_MIRC_H

#include "core/image/scan.h"
#include "indexer/importer.h"
#include "indexer/mirc_files.h"

/* Cases and their texts, once image i of the collection is file i of the scan; all that
 * was read becomes part of to->texts_hash. */
PF_MUST_CHECK bool pf_mirc_add(pf_mirc *mirc, const pf_import *from,
                               const pf_scan *scan, pf_collection *to, pf_err *err);

/* A document or an archive as a source. */
extern const pf_importer pf_import_mirc;

#endif
