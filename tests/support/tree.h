/* tree.h - a test's temporary folder goes, with all that is in it. */
#ifndef PF_TESTS_SUPPORT_TREE_H
#define PF_TESTS_SUPPORT_TREE_H

/* Remove a folder, or a file; links are removed, not followed. One that is not there is
 * fine. */
void pf_tree_remove(const char *path);

#endif
