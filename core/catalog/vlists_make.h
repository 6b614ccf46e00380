/*
 * vlists_make.h - puts the vectors of an index file into lists, if that is of use.
 *
 * The file without lists is there already: vectors are read from it, and its exact
 * answers say how many lists a search has to look into. That is measured with vectors
 * of the collection: a neighbour is found when its list is among those looked into, so
 * the rank of that list is all there is to know. Of each kind of questions, images and
 * captions, for phrases lie elsewhere than pictures, a share of 0.995 of the ten
 * nearest has to be found: half of what may be missed, since other questions miss
 * others.
 *
 * Everything follows from the file, the questions and the wish, on one machine.
 */
#ifndef PF_CORE_CATALOG_VLISTS_MAKE_H
#define PF_CORE_CATALOG_VLISTS_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/catalog/vfile.h"

/* Vectors that ask. */
typedef struct {
    const float *vectors; /* [n, dim] */
    const int64_t *ids; /* [n] of the same in the file, which are no answer; or NULL */
    size_t n;
} pf_vlists_questions;

enum { PF_VLISTS_KINDS = 2, PF_VLISTS_NEAREST = 10, PF_VLISTS_ASKED = 500 };

typedef struct {
    size_t n_lists; /* 1 to PF_VLISTS_MAX, and to the number of vectors */
    bool must;      /* also when a search has to look into more than a third of them */
    /* An older file with as many lists: vectors that are the same in it stay in their
     * lists, and the others go to those. NULL: lists are found anew. */
    pf_vfile *known;
    pf_vlists_questions asked[PF_VLISTS_KINDS]; /* some, spread over each, are taken */
} pf_vlists_wish;

typedef struct {
    size_t n_lists;   /* 0: lists are of no use, the file is as it was */
    size_t n_probe;   /* how many of them a search looks into */
    double recall;    /* of the ten nearest, then, of the kind that finds less; */
    pf_hash checksum; /* of the new file */
} pf_vlists_made;

/* Lists for `file`, which is `path`: replaced when they are of use. Uses all cores.
 * Memory: at most 512 MiB for a sample of vectors, and some bytes for each. */
PF_MUST_CHECK bool pf_vlists_make(pf_vlists_made *out, pf_vfile *file, const char *path,
                                  const pf_vlists_wish *wish, pf_err *err);

#endif
