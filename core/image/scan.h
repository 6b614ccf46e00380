/*
 * scan.h - which files under a folder could be pictures.
 *
 * A root is a folder, searched through to the bottom, or a single file. Hidden names
 * (".x"), those of left_out.h and what the user excludes are left out, symbolic links
 * are followed to files but not to folders, and nothing is opened but files whose
 * extension says nothing: of those the first bytes are looked at.
 * Tables and other text files, and archives, are listed too, by their extension.
 */
#ifndef PF_CORE_IMAGE_SCAN_H
#define PF_CORE_IMAGE_SCAN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/file.h"

typedef struct {
    char *path; /* begins with the root, as that was given */
    int64_t size, mtime_ns;
} pf_scan_file;

/* A part of the root that could not be read: what was known of it stays known. */
typedef struct {
    char *path;
    char *reason;
} pf_scan_gap;

/* Size and time of a file that lies in a recycle bin. */
typedef struct {
    int64_t size, mtime_ns;
} pf_scan_thrown;

/* Files that are no pictures, by their extension: lower case; "" for all that have
 * none, or an odd one. */
enum { PF_SCAN_KIND_ROOM = 12, PF_SCAN_KINDS_MAX = 64 };
typedef struct {
    char name[PF_SCAN_KIND_ROOM];
    size_t count;
} pf_scan_kind;

typedef struct {
    pf_scan_file *files; /* sorted by path */
    size_t count, room;
    pf_scan_gap *gaps;
    size_t n_gaps, gaps_room;
    pf_scan_thrown *thrown;
    size_t n_thrown, thrown_room;
    pf_scan_kind others[PF_SCAN_KINDS_MAX];
    size_t n_others;     /* kinds */
    pf_scan_file *texts; /* files that may say something of them, and archives; also */
    size_t n_texts, texts_room;
    size_t n_links_out; /* to files outside, which were passed over */
} pf_scan;

typedef struct {
    const char *within; /* a real path: links to files outside are passed over; NULL:
                           they are followed */
    const char *except; /* a folder not to be entered; may be NULL */
    const char *const *excluded; /* patterns, see pf_pattern_fits() */
    size_t n_excluded;
    const atomic_int *stop; /* may be NULL */
} pf_scan_options;

/* Add what is under `root`. Fails with PF_ERR_NOT_FOUND when the root is not there,
 * with PF_ERR_IO when it cannot be read, with PF_ERR_INTERRUPTED once `stop` is set. */
PF_MUST_CHECK bool pf_scan_source(pf_scan *scan, const char *root,
                                  const pf_scan_options *options, pf_err *err);
/* For a scan that is put together otherwise: add a file, then sort what was added, each
 * path once. */
PF_MUST_CHECK bool pf_scan_add_file(pf_scan *scan, const char *path,
                                    const pf_file_stamp *stamp, pf_err *err);
PF_MUST_CHECK bool pf_scan_add_text(pf_scan *scan, const char *path,
                                    const pf_file_stamp *stamp, pf_err *err);
void pf_scan_sort(pf_scan *scan);
/* Count a file as one of those that are no pictures. */
void pf_scan_count_other(pf_scan *scan, const char *path);
/* It is read after all. */
void pf_scan_uncount_other(pf_scan *scan, const char *path);
/* Note that nothing could be learnt about `path` and what lies in it. */
PF_MUST_CHECK bool pf_scan_add_gap(pf_scan *scan, const char *path, const char *reason,
                                   pf_err *err);
/* Forget those but the first n. */
void pf_scan_drop_gaps(pf_scan *scan, size_t n);
void pf_scan_reset(pf_scan *scan); /* all zero is fine */

/* The file with this path, or NULL. */
const pf_scan_file *pf_scan_find(const pf_scan *scan, const char *path);
/* True when the path lies in a part that could not be read. */
bool pf_scan_is_in_gap(const pf_scan *scan, const char *path);

#endif
