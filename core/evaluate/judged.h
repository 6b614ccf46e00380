/*
 * judged.h - questions with what is right: each has a text and the images that answer
 * it. Either a catalog's own captions, or a file. Internal to evaluate.
 *
 * A file is a table (CSV, RFC 4180) or JSON Lines, by its first byte.
 *
 *   phrase,relevant            ids of images, parted by blanks or ';'
 *   phrase,path                one path: as the catalog has it, or that leads there
 *   phrase,modality,side,...   attributes: an image is right that has, for each cell
 *                              that is not empty, all of its values (parted by ';')
 *   {"phrase": "...", "relevant": [1, 2]}
 *
 * Values compare as --filter KEY=VALUE does; an image's own value may be a list with
 * ';', too. `relevant` and `path` may stand together and then add up; attributes do not
 * go with them.
 */
#ifndef PF_CORE_EVALUATE_JUDGED_H
#define PF_CORE_EVALUATE_JUDGED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/catalog/store.h"
#include "core/search/scope.h"

typedef struct {
    char *text;         /* owned */
    pf_id_set right;    /* images that answer it, never empty */
    pf_id_set captions; /* that have this text, with own captions; else empty */
} pf_judged;

typedef struct {
    pf_judged *at; /* owned */
    size_t n, room;
    size_t skipped; /* that no image among `images` answers */
} pf_judged_list;

/* Every text that is a caption of one of `images`, in the order of the lowest caption
 * id; right are all of `images` that have it. *out must be all zero; it is to be reset
 * also on failure. */
PF_MUST_CHECK bool pf_judged_captions(pf_judged_list *out, pf_store *store,
                                      const pf_id_set *images, pf_err *err);

/* The questions of the file at `path`, in its order. One whose right images are not
 * among `images`, or do not exist, is skipped, with a note. NOT_FOUND, with the line,
 * for an id, path or attribute that the catalog does not have; FORMAT for what cannot
 * be read; INTERRUPTED when `stop` (or NULL) is set. */
PF_MUST_CHECK bool pf_judged_read(pf_judged_list *out, pf_store *store,
                                  const pf_id_set *images, const char *path,
                                  const atomic_int *stop, pf_notes *notes, pf_err *err);
void pf_judged_list_reset(pf_judged_list *list); /* frees; all zero is fine */

#endif
