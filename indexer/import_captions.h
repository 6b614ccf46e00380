/*
 * import_captions.h - a captions file: a table with the columns `file` and `caption`,
 * and any others, which become attributes.
 *
 * Several rows for one file are several captions; an empty caption only adds
 * attributes. A column `case` names the case the picture belongs to. `file` is relative
 * to the captions file's folder, or to the source. The separator is a tab when the name
 * ends in .tsv, otherwise a comma.
 */
#ifndef PF_INDEXER_IMPORT_CAPTIONS_H
#define PF_INDEXER_IMPORT_CAPTIONS_H

#include "core/base/err.h"
#include "core/image/scan.h"
#include "indexer/importer.h"

/* Read from->captions for the files of `scan`, which are the images of `to`, in this
 * order. A row about a picture that is not there fails, naming the first and how many
 * there are: a captions file that does not fit its pictures is a mistake somebody
 * should hear of. */
PF_MUST_CHECK bool pf_captions_read(const pf_import *from, const pf_scan *scan,
                                    pf_collection *to, pf_err *err);

#endif
