/*
 * source.h - the bytes of a checkpoint file that others may change at any time.
 *
 * What decides something (headers, directories, pickles) and what is converted or
 * looked at is read into memory of our own: a file that is cut meanwhile gives an
 * error, and one that is written to gives the old bytes or the new ones, never first
 * the one and then the other. Mapped is what is used where it lies for as long as the
 * model is open, hundreds of megabytes: reading a byte of that which is no longer in
 * the file ends the process (SIGBUS), so pf_source_check() comes before, each time.
 */
#ifndef PF_CORE_CHECKPOINT_SOURCE_H
#define PF_CORE_CHECKPOINT_SOURCE_H

#include <stdint.h>
#include <sys/stat.h>

#include "core/base/err.h"
#include "core/base/mapfile.h"

typedef struct {
    const uint8_t *bytes; /* the whole file, not to be read while opening */
    size_t size;
    pf_mapfile map;    /* all zero for bytes in memory */
    int fd;            /* -1 for bytes in memory */
    struct stat state; /* when it was opened */
} pf_source;

/* Open a regular file. On failure there is nothing to close. */
PF_MUST_CHECK bool pf_source_open(pf_source *source, const char *path, pf_err *err);
/* Bytes that nobody changes and that outlive it. */
void pf_source_open_bytes(pf_source *source, const void *bytes, size_t n);
void pf_source_close(pf_source *source);

/* Copy the `n` bytes at offset `at`; not all of them being there is a failure. */
PF_MUST_CHECK bool pf_source_read(const pf_source *source, uint64_t at, void *out,
                                  size_t n, pf_err *err);
/* Is the file still as it was when it was opened, by its size and time? */
PF_MUST_CHECK bool pf_source_check(const pf_source *source, pf_err *err);

#endif
