/*
 * evaluate.h - how good retrieval is in a catalog: metrics.h over questions whose right
 * answers are known.
 *
 * Two directions. Text to image: each text asks for the images that have it. Image to
 * text: each image that has a caption asks for its captions. The questions are the
 * catalog's own pairs, with the vectors that are in it, or come from a file (judged.h);
 * then there is text to image only, and the model embeds the phrases.
 *
 * What is right. For a text all images that have exactly this text as a caption, or
 * what the file says. For an image all captions with a text that is one of its own,
 * also where they belong to other images.
 *
 * Ranks. The place of the best right answer among all images (captions), from 1, in the
 * order of a search: by falling score, equal scores by ascending id. By meaning the
 * score is the cosine and ranks are exact however far down. Cosines are summed up in
 * double precision, in the same way for each pair, so that equal vectors have equal
 * scores; a search sums in float32 and may swap two whose cosines differ by 1e-7. By
 * words and both, the ranking is that of fusion.h, which looks at the first 1000 by
 * each kind; an image that is not in it is not found.
 *
 * Filters limit the images that take part, with their captions, on either side.
 *
 * Speed: cosines cost texts x images x dim multiplications, once for both directions;
 * they and the rankings are shared among threads, each with a reader of its own.
 */
#ifndef PF_CORE_EVALUATE_EVALUATE_H
#define PF_CORE_EVALUATE_EVALUATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/evaluate/metrics.h"
#include "core/search/search.h"

typedef struct {
    pf_by by;            /* PF_BY_DEFAULT: all three, if the catalog has captions */
    const char *queries; /* a file of questions (judged.h); NULL: the catalog's pairs */
    const pf_filter *filters; /* all must be met */
    size_t n_filters;
    int threads;            /* 0: as many as the machine has cores */
    size_t resamples;       /* 0: PF_METRICS_RESAMPLES */
    uint64_t seed;          /* of the resamples; PF_METRICS_SEED is as good as any */
    const atomic_int *stop; /* may be NULL; non-zero ends it (INTERRUPTED) */
    /* May be NULL. `what` is "text to image by words" and the like. */
    void (*progress)(void *context, const char *what, size_t done, size_t total);
    void *context;
} pf_evaluate_options;

typedef struct {
    bool is_there;
    pf_metrics metrics;
    size_t *ranks; /* [metrics.n] of each question in turn, 0: not found; owned */
    double seconds;
} pf_evaluated_way;

enum { PF_EVALUATED_MEANING, PF_EVALUATED_WORDS, PF_EVALUATED_BOTH, PF_N_EVALUATED };

typedef struct {
    size_t questions;   /* texts that asked */
    size_t skipped;     /* of a file: those no image answers */
    size_t images;      /* that could be found */
    size_t n_truncated; /* phrases of which only the beginning was read */
    size_t resamples;
    uint64_t seed;
    pf_evaluated_way text_to_image[PF_N_EVALUATED];
    pf_evaluated_way image_to_text; /* by meaning: pictures have no words */
} pf_evaluate_result;

/* *out must be all zero or reset, and stays so on failure. NOT_FOUND without captions
 * to ask with or to find words in, and when no question is left; codes of judged.h for
 * the file. */
PF_MUST_CHECK bool pf_evaluate(pf_reader *reader, const pf_evaluate_options *options,
                               pf_evaluate_result *out, pf_notes *notes, pf_err *err);
void pf_evaluate_result_reset(pf_evaluate_result *result); /* frees; all zero is fine */

#endif
