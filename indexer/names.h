/*
 * names.h - which picture a table means by a name.
 *
 * A name counts from the folder of its table or from the source, '\' parts folders as
 * '/' does. When no picture is called exactly that, one whose name looks the same
 * (Unicode's normal forms: macOS writes others than most), then one that differs in
 * upper and lower case only, then one of that name without its ending. Where several
 * would do none is meant. A whole path counts from the source, too, when what it begins
 * with is gone: the source lay there before.
 */
#ifndef PF_INDEXER_NAMES_H
#define PF_INDEXER_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/image/scan.h"

typedef struct {
    uint64_t hash;
    uint32_t file; /* in scan->files */
} pf_names_entry;

typedef struct {
    const pf_scan *scan;         /* borrowed */
    const char *root;            /* of the source; borrowed */
    const char *const *excluded; /* [n_excluded] patterns of what is left out of it */
    size_t n_excluded;
    pf_names_entry *whole, *stems; /* by hash; NULL until one is needed */
} pf_names;

typedef struct {
    const pf_scan_file *file; /* NULL: no picture is called that */
    bool is_in_gap;    /* it may lie where nothing could be read, or is excluded */
    bool is_ambiguous; /* several pictures would do */
} pf_names_match;

/* What is `excluded` is borrowed, and set afterwards when there is some. */
void pf_names_init(pf_names *names, const pf_scan *scan, const char *root);
void pf_names_reset(pf_names *names);

/* `folder` is that of the table. With `is_id` the name may also be that of a picture
 * anywhere below `folder`, else below the source, without its ending. */
PF_MUST_CHECK bool pf_names_find(pf_names *names, const char *folder, const char *name,
                                 bool is_id, pf_names_match *out, pf_err *err);

/* Pictures: at[n], to be freed with pf_free(). */
typedef struct {
    const pf_scan_file **at;
    size_t n, room;
} pf_names_list;

PF_MUST_CHECK bool pf_names_add(pf_names_list *list, const pf_scan_file *file,
                                pf_err *err);
/* Add the pictures in the folder of `stem` whose name, with its ending or without, is
 * nearly that: in another normal form, else in other case when it is one name. */
PF_MUST_CHECK bool pf_names_find_beside(pf_names *names, const char *stem,
                                        pf_names_list *out, pf_err *err);

#endif
