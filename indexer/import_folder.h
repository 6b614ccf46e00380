/*
 * import_folder.h - pictures in a folder, or a single one, and what lies beside them.
 *
 * Every file that may be a picture is an image (scan.h), unless a teaching file has it
 * and does not show it (import_mirc.h). What is known about them comes from there, from
 * tables and other texts (folder_texts.h), and from DICOM headers (dicom_files.h).
 */
#ifndef PF_INDEXER_IMPORT_FOLDER_H
#define PF_INDEXER_IMPORT_FOLDER_H

#include "indexer/importer.h"

extern const pf_importer pf_import_folder;

/* All that there is to be had from the files of a scan, which is changed, for sources
 * that come by one in another way. to->within is set. */
PF_MUST_CHECK bool pf_import_scanned(const pf_import *from, pf_scan *scan,
                                     pf_collection *to, pf_err *err);

#endif
