/*
 * scan.h - which files under a folder could be pictures.
 *
 * A root is a folder, searched through to the bottom, or a single file. Hidden names
 * (".x") are left out, symbolic links are followed to files but not to folders, and
 * nothing is opened but files without an extension, whose first bytes are looked at.
 */
#ifndef PF_CORE_IMAGE_SCAN_H
#define PF_CORE_IMAGE_SCAN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

typedef struct {
    char *path; /* begins with the root, as that was given */
    int64_t size, mtime_ns;
} pf_scan_file;

/* A part of the root that could not be read: what was known of it stays known. */
typedef struct {
    char *path;
    char *reason;
} pf_scan_gap;

typedef struct {
    pf_scan_file *files; /* sorted by path */
    size_t count, room;
    pf_scan_gap *gaps;
    size_t n_gaps, gaps_room;
    size_t others;      /* files that are no pictures */
    size_t n_links_out; /* to files outside, which were passed over */
} pf_scan;

/* Add what is under `root`. The folder `except` (may be NULL) is not entered, and
 * links to files outside the real path `within` are passed over (NULL: followed). Fails
 * with PF_ERR_IO when the root itself cannot be read, with PF_ERR_INTERRUPTED once
 * `stop` (may be NULL) is set. */
PF_MUST_CHECK bool pf_scan_source(pf_scan *scan, const char *root, const char *within,
                                  const char *except, const atomic_int *stop,
                                  pf_err *err);
/* Note that nothing could be learnt about `path` and what lies in it. */
PF_MUST_CHECK bool pf_scan_add_gap(pf_scan *scan, const char *path, const char *reason,
                                   pf_err *err);
void pf_scan_reset(pf_scan *scan); /* all zero is fine */

/* The file with this path, or NULL. */
const pf_scan_file *pf_scan_find(const pf_scan *scan, const char *path);
/* True when the path lies in a part that could not be read. */
bool pf_scan_is_in_gap(const pf_scan *scan, const char *path);

#endif
