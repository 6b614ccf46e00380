/*
 * import_sidecars.h - files beside a picture that are about it alone: name.txt and
 * name.json, or name.jpg.txt and name.jpg.json, of name.jpg.
 *
 * A text is a caption as a whole. JSON is one object, whose keys are what the columns
 * of a table are (columns.h): captions, a case, attributes. A list of texts is several
 * values; what lies deeper, and lists of numbers, are passed over.
 */
#ifndef PF_INDEXER_IMPORT_SIDECARS_H
#define PF_INDEXER_IMPORT_SIDECARS_H

#include "core/base/err.h"
#include "indexer/folder_texts.h"

/* One that cannot be read is a gap, and its picture keeps what is known of it, but for
 * what a document said. */
PF_MUST_CHECK bool pf_sidecars_read(pf_texts *texts, pf_err *err);

#endif
