/*
 * index_file.h - what somebody can do who writes an index file (core/catalog/vfile.h)
 * and all that is recorded about it.
 */
#ifndef PF_TESTS_SUPPORT_INDEX_FILE_H
#define PF_TESTS_SUPPORT_INDEX_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/hash.h"

/* Make the checksums of blocks, which end the file, those of the bytes before them;
 * what a catalog would record for it. A file that is too short for any gets none. */
pf_hash pf_index_file_seal(uint8_t *bytes, size_t n);

/* The same for the file `path`, which is written anew. All zero: it cannot be. */
pf_hash pf_index_file_seal_at(const char *path);

#endif
