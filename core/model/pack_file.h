/*
 * pack_file.h - packed weights on disk, so that they are packed once per checkpoint and
 * not at each start.
 *
 * Files weights-KEY.pack in $XDG_CACHE_HOME/plainfilm, or ~/.cache/plainfilm: a page or
 * more with a head and a hash of each block, then the numbers, as pf_packed_view()
 * looks at them. A file is written beside its place and renamed, and mapped by whoever
 * needs it. Nothing in it is believed but the numbers: which layers lie where follows
 * from the model, and the size, the key and all hashes have to be right each time it is
 * mapped, so that a file that was cut, or lost some of its bytes when the power went,
 * is made again. It has to be the user's own, nobody else may write to it, and it lies
 * on a disk of this machine: on a share another one may replace or remove what is
 * mapped here, and whoever reads it then is ended by SIGBUS.
 *
 * A cache is a convenience: nothing here fails. Without a folder, or room in it,
 * weights are packed in memory, as they were before there was one.
 */
#ifndef PF_CORE_MODEL_PACK_FILE_H
#define PF_CORE_MODEL_PACK_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/hash.h"
#include "core/base/mapfile.h"

typedef struct {
    pf_mapfile map;
    const char *numbers; /* of the size that was asked for, aligned to a page */
} pf_pack_file;

/* Map the file of this key with `size` bytes of numbers. False when there is none that
 * can be used. */
bool pf_pack_file_find(pf_pack_file *out, const pf_hash *key, size_t size);
void pf_pack_file_close(pf_pack_file *file); /* all zero is fine */

/* Keep numbers under this key, and at most PF_PACK_FILES files in all: those that were
 * used last. Few numbers are not kept, for they are packed as fast as they are read. */
enum { PF_PACK_FILES = 8, PF_PACK_FILE_LEAST = 4 << 20 };
void pf_pack_file_keep(const pf_hash *key, const void *numbers, size_t size);

/* For tests: what counts as few; 0 for PF_PACK_FILE_LEAST. */
void pf_pack_file_set_least(size_t least);

#endif
