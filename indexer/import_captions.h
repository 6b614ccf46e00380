/*
 * import_captions.h - a captions file: a table with the columns `file` and `caption`,
 * and any others, which become attributes.
 *
 * Several rows for one file are several captions; an empty caption only adds
 * attributes. `file` is relative to the captions file's folder, or to the source. The
 * separator is a tab when the name ends in .tsv, otherwise a comma.
 */
#ifndef PF_INDEXER_IMPORT_CAPTIONS_H
#define PF_INDEXER_IMPORT_CAPTIONS_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/image/scan.h"

typedef struct {
    char *path;     /* absolute, one of the scanned files */
    char *text;     /* "" when there is none */
    char *case_key; /* of the case the picture belongs to; "" when there is none */
    char **values;  /* [n_keys], aligned with pf_captions.keys; "" when there is none */
    size_t line;
} pf_caption_row;

typedef struct {
    char **keys; /* names of the columns that are attributes */
    size_t n_keys;
    pf_caption_row *rows; /* sorted by path, then line */
    size_t count, room;
} pf_captions;

/* Read `file` for the pictures in `scan`, found under `root`. A row about a picture
 * that is not there fails, naming the first and how many there are: a captions file
 * that does not fit its pictures is a mistake somebody should hear of. */
PF_MUST_CHECK bool pf_captions_read(pf_captions *out, const char *file,
                                    const char *root, const pf_scan *scan, pf_err *err);
void pf_captions_reset(pf_captions *captions); /* all zero is fine */

/* The rows of one picture: *n of them from the one that is returned; NULL when none. */
const pf_caption_row *pf_captions_find(const pf_captions *captions, const char *path,
                                       size_t *n);

#endif
