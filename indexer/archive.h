/*
 * archive.h - zip archives in a source: what is in one, and its bytes.
 *
 * What lies in an archive has a path as if the archive were a folder:
 * "films/export.zip/inside.jpg" (pf_path_archive() tells the parts). Nothing is ever
 * unpacked to disk: a file inside becomes memory, sealed, that is read like a file.
 *
 * An archive is as hostile as a picture. It is refused as a whole when its files
 * overlap, or are too many; of what is in it: names that lead out of it, links, names
 * that occur twice (each of them), what is encrypted or packed in another way than
 * deflate, and what unpacks to far more than it takes. Sums are verified.
 */
#ifndef PF_INDEXER_ARCHIVE_H
#define PF_INDEXER_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

typedef struct {
    const char *name;    /* from the root of the archive, tidy; borrowed */
    uint64_t size;       /* in bytes, unpacked */
    uint64_t index;      /* in the archive */
    const char *refused; /* why it is not read; NULL: it is */
} pf_archive_file;

typedef struct pf_archive pf_archive;

/* `within`: see pf_file_open_within(). FORMAT: it is no zip archive, or a broken one.
 * On failure *out is NULL. */
PF_MUST_CHECK bool pf_archive_open(pf_archive **out, const char *path,
                                   const char *within, pf_err *err);
void pf_archive_close(pf_archive *archive); /* NULL is fine */

/* Files, no folders; by name, each once. */
size_t pf_archive_count(const pf_archive *archive);
const pf_archive_file *pf_archive_at(const pf_archive *archive, size_t i);

/* Append all of a file to `out`, whose cap is the limit. */
PF_MUST_CHECK bool pf_archive_read(pf_archive *archive, const pf_archive_file *file,
                                   pf_buf *out, pf_err *err);

/* pf_file_open_within(), for what lies in archives as well: *fd is then memory. LIMIT:
 * more than a picture may have. Each thread keeps the archive that it read last open
 * until it reads another one or ends; one that has changed is opened anew. */
PF_MUST_CHECK bool pf_archive_open_file(int *fd, const char *path, const char *within,
                                        pf_err *err);

/* Is there a file of this path, in an archive or not? What cannot be looked into has
 * none. */
bool pf_archive_has_file(const char *path);

#endif
