/*
 * tree.h - a test's temporary folder: made, filled, and gone with all that is in it.
 * What the disk refuses ends the test program, so that tests need not look.
 */
#ifndef PF_TESTS_SUPPORT_TREE_H
#define PF_TESTS_SUPPORT_TREE_H

#include <stdbool.h>
#include <stddef.h>

enum { PF_TREE_ROOM = 64 }; /* bytes of a folder's path */

/* A new folder, without symbolic links in its path. */
void pf_tree_make(char folder[PF_TREE_ROOM]);

/* Remove a folder, or a file; links are removed, not followed. One that is not there is
 * fine. */
void pf_tree_remove(const char *path);

/* "FOLDER/<name>" in one of a few static buffers. */
const char *pf_tree_path(const char *folder, const char *name);

/* What is at `path` becomes a file of these bytes. */
void pf_tree_write(const char *path, const void *bytes, size_t n);
void pf_tree_write_text(const char *path, const char *text);

/* All bytes of a file that has fewer than `room`; how many there are. */
size_t pf_tree_read(const char *path, void *bytes, size_t room);

/* End the test program, with `what` and the text of errno, unless it is so. */
void pf_tree_must(bool is_so, const char *what);

#endif
