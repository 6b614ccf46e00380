/*
 * ziparchive.h - finds stored entries of a zip archive.
 *
 * Only what torch.save writes: entries that are stored as they are, not encrypted, in
 * one file, with or without the ZIP64 records. Names are UTF-8 and unique. Opening
 * reads the central directory at the end of the file and nothing else, once, into
 * memory of its own; an entry's own header is compared with the directory when the
 * entry is asked for. Checksums are not verified: torch can be told to write none, and
 * checking would read every byte.
 */
#ifndef PF_CORE_CHECKPOINT_ZIPARCHIVE_H
#define PF_CORE_CHECKPOINT_ZIPARCHIVE_H

#include "core/base/err.h"
#include "core/checkpoint/source.h"

typedef struct {
    const char *name; /* borrowed from the archive; no NUL behind it, none inside */
    size_t name_size;
    uint64_t size;
    uint64_t header_at; /* where its own header starts */
    uint16_t flags;
} pf_zip_entry;

typedef struct pf_zip pf_zip;

/* `source` must outlive *out. On failure *out is NULL. */
PF_MUST_CHECK bool pf_zip_open(pf_zip **out, const pf_source *source, pf_err *err);
void pf_zip_close(pf_zip *zip); /* NULL is fine */

size_t pf_zip_count(const pf_zip *zip);
const pf_zip_entry *pf_zip_at(const pf_zip *zip, size_t i); /* sorted by name */
/* NULL when there is none of that name. */
const pf_zip_entry *pf_zip_find(const pf_zip *zip, const char *name, size_t n);

/* Where the entry->size bytes of an entry begin in the file, which has them all, after
 * checking its own header against the directory. */
PF_MUST_CHECK bool pf_zip_locate(const pf_zip *zip, const pf_zip_entry *entry,
                                 uint64_t *at, pf_err *err);

#endif
