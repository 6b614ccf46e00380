/*
 * metrics.h - how good rankings are: from the rank of the best right answer to each
 * question to the figures that papers give, with how far they can be trusted.
 *
 * Recall@K is the share of questions with at least one right answer among the first K,
 * the R@K of CLIP (A. Radford et al., "Learning Transferable Visual Models From Natural
 * Language Supervision", 2021) and of papers on image-text retrieval in general. MRR is
 * the mean of 1 / rank. Only the best right answer of a question counts.
 *
 * The interval of each is the bootstrap's percentile interval: the questions are drawn
 * anew, with replacement, many times, and the middle 95 % of what the figure becomes is
 * the interval (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of
 * Statistics 7, 1979). It says how the figure would vary with other questions of the
 * same kind, nothing about questions of another kind.
 */
#ifndef PF_CORE_EVALUATE_METRICS_H
#define PF_CORE_EVALUATE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    PF_METRICS_RESAMPLES = 1000,
    PF_METRICS_SEED = 1,
    PF_METRICS_RANKS_MAX = 1 << 30
};

typedef struct {
    pf_estimate of[PF_N_METRICS];
    size_t n; /* questions */
} pf_metrics;

/* `ranks` [n] from 1; 0: not found, which is after everything else and counts 0 in MRR.
 * The median of an even number is the mean of the two in the middle. The same seed, n
 * and resamples draw the same questions: two ways of searching that answered the same
 * questions are resampled alike. MISUSE without ranks or resamples. */
PF_MUST_CHECK bool pf_metrics_compute(pf_metrics *out, const size_t *ranks, size_t n,
                                      size_t resamples, uint64_t seed, pf_err *err);

#endif
