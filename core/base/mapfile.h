/*
 * mapfile.h - a regular file mapped read-only.
 *
 * Pages are shared with the page cache: opening a 600 MB checkpoint reads nothing. The
 * mapping is private; another process that truncates the file while it is mapped can
 * still kill us with SIGBUS, which is why catalogs and checkpoints are replaced by
 * rename and never rewritten in place.
 */
#ifndef PF_CORE_BASE_MAPFILE_H
#define PF_CORE_BASE_MAPFILE_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/span.h"

typedef struct {
    const uint8_t *data; /* NULL when the file is empty */
    size_t size;
} pf_mapfile;

/* Map `path`. Fails on anything but a regular file. On failure *map is all zero. */
PF_MUST_CHECK bool pf_mapfile_open(pf_mapfile *map, const char *path, pf_err *err);
/* A hint that these bytes will hardly be read again: their pages leave this process's
 * memory, and come back from the file when they are read all the same. Bytes outside of
 * the mapping are left alone. */
void pf_mapfile_forget(const pf_mapfile *map, const uint8_t *from, size_t n);
/* `size` bytes that are zero and take no memory, to be closed as well. */
PF_MUST_CHECK bool pf_mapfile_zeros(pf_mapfile *map, size_t size, pf_err *err);
void pf_mapfile_close(pf_mapfile *map); /* all zero is fine */

static inline pf_span pf_mapfile_span(const pf_mapfile *map)
{
    return pf_span_of(map->data, map->size);
}

#endif
