/*
 * sql_vfs.h - pages that prove themselves: SQLite's files through a layer of our own.
 *
 * SQLite believes what its file says. A bit that has flipped on a disk or on the way
 * makes another ranking of it, and nobody notices. So the last 8 bytes of each page of
 * a catalog are a checksum (SQLite leaves that room when it is asked to: byte 20 of the
 * file is 8), which this layer writes and looks at with each page that is read. It
 * knows also which write-ahead log belongs to the database (wal.h).
 *
 * SQLite's own name for such a layer is VFS; ours hands everything else on to the one
 * of the system. Files without the room for checksums are read as they are: who may do
 * without is for the store to say.
 */
#ifndef PF_CORE_CATALOG_SQL_VFS_H
#define PF_CORE_CATALOG_SQL_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

enum { PF_PAGE_CHECKSUM = 8 }; /* bytes at the end of a page */

/* What was wrong with what was read last. */
typedef struct {
    uint32_t page;      /* that is damaged; 0: none is */
    bool is_in_wal;     /* it was read from there */
    const char *of_wal; /* what is wrong with the log; NULL: nothing is */
} pf_sql_damage;

/* The call of the system that failed last: SQLite keeps its errno in some cases only.
 */
typedef struct {
    int why; /* errno; 0: none has failed */
    bool is_in_wal;
} pf_sql_failure;

/* For sqlite3_file_control(): its numbers up to 100 are SQLite's. */
enum {
    PF_VFS_COMMITTED = 0x50464C01, /* all that the log has by now has to stay: uint32_t,
                                      how many frames that is; SQLITE_IOERR_FSYNC when
                                      it cannot be noted (errno) */
    PF_VFS_DAMAGE,                 /* fills a pf_sql_damage */
    PF_VFS_FAILURE,                /* fills a pf_sql_failure, and forgets it */
    PF_VFS_TRUST,                  /* from now on checksums are not looked at */
    PF_VFS_IS_CHECKED,             /* bool: do its pages have checksums? */
};

/* In the URI of a file that is made, its page size: pages other than the first may be
 * the first that are written, and then the file does not say yet that it has checksums.
 */
#define PF_VFS_SEALED "sealed"

/* The layer's name, for sqlite3_open_v2(); NULL when it could not be set up. */
const char *pf_sql_vfs_name(void);

/* The checksum of a page of `page_size` bytes, put into its last 8. For who makes
 * files by other means: tests. */
void pf_sql_seal_page(uint8_t *page, uint32_t page_size, uint32_t number);

#endif
