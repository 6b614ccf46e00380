/*
 * file.h - paths, and files that appear whole or not at all.
 */
#ifndef PF_CORE_BASE_FILE_H
#define PF_CORE_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* dir + "/" + name, or a copy of `name` when it is absolute or `dir` is empty. */
PF_MUST_CHECK char *pf_path_join(const char *dir, const char *name, pf_err *err);
/* What stands behind the last '/'; borrowed from `path`. */
const char *pf_path_base(const char *path);
/* What follows the last '.' of the base name, or "" when there is none. */
const char *pf_path_extension(const char *path);
/* True for `folder` itself and what lies in it, by the names alone. */
bool pf_path_is_under(const char *path, const char *folder);
/* Take ".", ".." and double slashes out of an absolute path, without looking at the
 * disk: what is written in a file then compares equal to what a scan found. */
void pf_path_tidy(char *path);
/* The path from the root of the tree, links in it left as they are: they may lead
 * elsewhere tomorrow. One with ".." in it means what it means now. */
PF_MUST_CHECK char *pf_path_absolute(const char *path, pf_err *err);
/* What lies in a zip archive is called "folder/export.zip/inside.jpg": how many bytes
 * of the path name the archive. 0: it is no such path, or there is no such file. */
size_t pf_path_archive(const char *path);
/* A file as it was when somebody looked; of what lies in an archive, the archive. */
typedef struct {
    int64_t size, mtime_ns; /* of the last change, since 1970 */
} pf_file_stamp;
/* False, with errno, when it cannot be looked at. */
bool pf_file_look(const char *path, pf_file_stamp *out);
bool pf_file_is_as(const char *path, const pf_file_stamp *stamp);
/* True when nothing stands there, not even a link to nowhere; false when that cannot be
 * told, as of what would lie in an archive. */
bool pf_path_is_gone(const char *path);
/* True when something stands there that stat() can follow. */
bool pf_path_exists(const char *path);
bool pf_path_is_folder(const char *path);

/* The kind of file system that `path` lies on, when other machines may have it too, or
 * a program stands behind it: "nfs", "smb", "fuse", ...; NULL when it is a local one,
 * or cannot be told. */
const char *pf_path_remote_kind(const char *path);
/* May an open file be mapped, because nobody but its owner, who runs this or is root,
 * can cut it, and no other machine? */
bool pf_file_is_steady(int fd);

/* mkdir -p with the given mode for the folders that are made. */
PF_MUST_CHECK bool pf_make_folders(const char *path, unsigned mode, pf_err *err);

/* See to it that there is something at `path`: an empty file that is ours alone (mode
 * 0600 whatever the umask) unless there is. */
PF_MUST_CHECK bool pf_file_make(const char *path, pf_err *err);
/* True when only its owner may write to the file or folder, and that is who runs this,
 * or root does; else MISUSE, with what to do. */
PF_MUST_CHECK bool pf_file_is_safe(const char *path, pf_err *err);

/* Open a regular file for reading; *fd is the caller's to close, -1 on failure. */
PF_MUST_CHECK bool pf_file_open(int *fd, const char *path, pf_err *err);
/* The same, of files in a folder that others may write to: refused with UNSUPPORTED
 * when what was opened, its links followed, lies outside `within`, a real path. NULL:
 * it may lie anywhere. */
PF_MUST_CHECK bool pf_file_open_within(int *fd, const char *path, const char *within,
                                       pf_err *err);
/* Append the whole regular file to `out`, whose cap is the limit. For files that others
 * may change at any time: unlike a mapping, a copy cannot vanish under the reader. */
PF_MUST_CHECK bool pf_file_read(const char *path, pf_buf *out, pf_err *err);
/* The same as far as it lies within, as of pf_file_open_within(). */
PF_MUST_CHECK bool pf_file_read_within(const char *path, const char *within,
                                       pf_buf *out, pf_err *err);

/* Make what was written at `temp` appear as `path`: fsync the file, rename it, fsync
 * the folder. Afterwards a power cut leaves either the old file or the new one. */
PF_MUST_CHECK bool pf_file_publish(const char *temp, const char *path, pf_err *err);

#endif
