/*
 * left_out.h - what lies in a folder of pictures and is no part of the collection: the
 * recycle bins and thumbnails of file servers, and what a user excludes.
 */
#ifndef PF_CORE_IMAGE_LEFT_OUT_H
#define PF_CORE_IMAGE_LEFT_OUT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    PF_NAME_OURS,
    PF_NAME_SYSTEM, /* kept by a file server or an operating system for itself */
    PF_NAME_BIN,    /* a folder that holds what was deleted */
} pf_name_kind;

/* By the last part of a path; capitals do not count. */
pf_name_kind pf_name_kind_of(const char *name);

/* Does one of the shell's patterns fit? One without '/' is compared with the last part
 * of the path, any other with all of it. `path` counts from the source and begins with
 * no '/'. */
bool pf_pattern_fits(const char *const *patterns, size_t n, const char *path);

#endif
