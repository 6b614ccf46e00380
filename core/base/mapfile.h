/*
 * mapfile.h - a regular file mapped read-only.
 *
 * Pages are shared with the page cache: opening a 600 MB checkpoint reads nothing. But
 * who reads a byte of the mapping that another process has cut off the file is ended by
 * SIGBUS. So nothing is mapped but a model's weights (core/checkpoint/source.h), and
 * packed weights, tables and index files that only their owner can cut
 * (cache_file.h, core/catalog/vfile.h); all else is read, by pf_file_read() or in
 * pieces.
 */
#ifndef PF_CORE_BASE_MAPFILE_H
#define PF_CORE_BASE_MAPFILE_H

#include <stdint.h>

#include "core/base/err.h"

typedef struct {
    const uint8_t *data; /* NULL when the file is empty */
    size_t size;
} pf_mapfile;

/* Map `path`. Fails on anything but a regular file. On failure *map is all zero. */
PF_MUST_CHECK bool pf_mapfile_open(pf_mapfile *map, const char *path, pf_err *err);
/* The same for a file that is open. */
PF_MUST_CHECK bool pf_mapfile_of(pf_mapfile *map, int fd, const char *path,
                                 pf_err *err);
/* `size` bytes that are zero and take no memory, to be closed as well. */
PF_MUST_CHECK bool pf_mapfile_zeros(pf_mapfile *map, size_t size, pf_err *err);
/* The same, to be written to: what is not costs nothing. `size` is above 0. */
PF_MUST_CHECK bool pf_mapfile_room(pf_mapfile *map, size_t size, pf_err *err);
void pf_mapfile_close(pf_mapfile *map); /* all zero is fine */

#endif
