/*
 * wal.h - is SQLite's write-ahead log the one that belongs here, and whole?
 *
 * SQLite reads a log that was left behind up to the first frame that is not right and
 * takes that for the end: right after a power cut, but silent when the disk or a copy
 * went bad, and just as silent when the log is another database's. So a small file
 * beside the log, the mark, says which log belongs to the database, and how many of its
 * frames have to be there.
 *
 * The log's format is https://www.sqlite.org/fileformat2.html#walformat. A log is read
 * through a callback: whoever has it open knows how.
 */
#ifndef PF_CORE_CATALOG_WAL_H
#define PF_CORE_CATALOG_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read exactly n bytes at `at`; false when they are not there, or cannot be read. */
typedef bool pf_wal_read_fn(void *log, void *bytes, size_t n, int64_t at);

typedef struct {
    pf_wal_read_fn *read;
    void *log;
} pf_wal;

enum { PF_WAL_HEADER = 32, PF_WAL_FRAME_HEADER = 24 };

/* --- the mark ------------------------------------------------------------------ */

/* A log is known by the salts in its header, which are others each time it begins. */
typedef struct {
    uint32_t salt[2];
    uint32_t frames; /* that have to be there, the last one of a commit; 0: none */
} pf_wal_life;

typedef struct {
    bool is_there;
    pf_wal_life now;  /* the log that belongs to the database, */
    pf_wal_life next; /* or the one that is about to begin in its place; zero: none */
} pf_wal_mark;

/* Of the log at `wal_path` ("...-wal"). One that is not there is fine; false when it is
 * there and cannot be read or was damaged. */
bool pf_wal_mark_read(const char *wal_path, pf_wal_mark *out);
/* On disk, whatever happens, when it returns true; else errno says why not. */
bool pf_wal_mark_write(const char *wal_path, const pf_wal_mark *mark);

/* --- the log ------------------------------------------------------------------- */

/* Salts and number of frames of the log up to its last commit, counted on from
 * `known`, when that is the same log; false when there is no log to be read. */
bool pf_wal_count(const pf_wal *wal, const pf_wal_life *known, pf_wal_life *out);

/* Before SQLite recovers from a log: does it belong to the database, and is all there
 * that has to be? NULL when it is, else what is wrong with it. */
const char *pf_wal_check(const pf_wal *wal, const pf_wal_mark *mark);

/* The page of `page_size` bytes that was read at `at` in the log: is it what was
 * written? Holds for what was committed. *number is which one it says it is. */
bool pf_wal_is_page_whole(const pf_wal *wal, const uint8_t *page, size_t page_size,
                          int64_t at, uint32_t *number);

#endif
