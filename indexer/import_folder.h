/*
 * import_folder.h - pictures in a folder, or a single one, and a captions file.
 *
 * Every file that may be a picture is an image (scan.h). What is known about them comes
 * from the captions file alone (import_captions.h).
 */
#ifndef PF_INDEXER_IMPORT_FOLDER_H
#define PF_INDEXER_IMPORT_FOLDER_H

#include "indexer/importer.h"

extern const pf_importer pf_import_folder;

#endif
