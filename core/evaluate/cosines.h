/*
 * cosines.h - every text against every image: ranks by meaning in both directions, from
 * one pass over the products. Internal to evaluate.
 */
#ifndef PF_CORE_EVALUATE_COSINES_H
#define PF_CORE_EVALUATE_COSINES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/team.h"
#include "core/evaluate/judged.h"

/* All of it borrowed. */
typedef struct {
    size_t dim;
    const pf_judged *texts;           /* [n_texts] */
    const float *const *text_vectors; /* [n_texts], each [dim], length 1 */
    size_t n_texts;
    const pf_id_set *images;
    const float *const *image_vectors; /* [images->n] */
    /* Filled in: the rank of the best right answer of each; 0 for an image that has no
     * caption. */
    size_t *text_ranks;  /* [n_texts] */
    size_t *image_ranks; /* [images->n]; NULL: this direction is not wanted */
} pf_cosines;

/* `how` says what a team needs but its work: members and items are of no meaning. */
PF_MUST_CHECK bool pf_cosines_rank(const pf_cosines *c, size_t threads,
                                   const pf_team *how, pf_err *err);

#endif
