/*
 * cache_file.h - what takes long to make and is the same each time, on disk, so that it
 * is made once and not at each start: packed weights, a tokenizer's tables.
 *
 * Files PREFIX-KEY.pack in $XDG_CACHE_HOME/plainfilm, or ~/.cache/plainfilm: a page or
 * more with a head and a hash of each block, then the bytes. A file is written beside
 * its place and renamed, and mapped by whoever needs it. The key says what the bytes
 * were made from; the size, the key and all hashes have to be right each time a file is
 * mapped, so that one that was cut, or lost some of its bytes when the power went, is
 * made again. It has to be the user's own, nobody else may write to it, and it lies on
 * a disk of this machine: on a share another one may replace or remove what is mapped
 * here, and whoever reads it then is ended by SIGBUS. What is in the bytes is the
 * caller's to check.
 *
 * A cache is a convenience: nothing here fails. Without a folder, or room in it, things
 * are made in memory, as they were before there was one.
 */
#ifndef PF_CORE_BASE_CACHE_FILE_H
#define PF_CORE_BASE_CACHE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/hash.h"
#include "core/base/mapfile.h"

/* A kind of files. Each keeps at most PF_CACHE_FILES, those that were used last. Few
 * bytes are not kept, for they are made as fast as they are read. */
typedef struct {
    const char *prefix; /* "weights-" */
    size_t least;       /* bytes */
} pf_cache_kind;

enum { PF_CACHE_FILES = 8 };

typedef struct {
    pf_mapfile map;
    const char *bytes; /* aligned to a page */
    size_t size;
} pf_cache_file;

/* Map the file of this key, which has to have `size` bytes; 0 for whatever it has.
 * False when there is none that can be used. */
bool pf_cache_file_find(pf_cache_file *out, const pf_cache_kind *kind,
                        const pf_hash *key, size_t size);
void pf_cache_file_close(pf_cache_file *file); /* all zero is fine */

/* Keep `size` bytes under this key. */
void pf_cache_file_keep(const pf_cache_kind *kind, const pf_hash *key,
                        const void *bytes, size_t size);

/* For tests: what counts as few of every kind; 0 for what the kinds say. */
void pf_cache_file_set_least(size_t least);

#endif
