/*
 * fusion.h - one ranking out of several: what looks like the question, what captions
 * mean, what words they have. Internal to search and evaluate.
 *
 * Rankings are joined by reciprocal rank: G. V. Cormack, C. L. A. Clarke, S. Buettcher,
 * "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
 * SIGIR 2009: a hit's value is the sum of 1 / (10 + rank) over the rankings it is in.
 * Ranks and not scores, since a cosine and a BM25 cannot be compared. Theirs is 60, for
 * runs over millions of documents; in collections of 120 to 1,000 pictures that made
 * the first and the fifteenth place nearly the same, and a picture that is middling in
 * all three came before the best of two (bench/results.md, bench/fusion.py).
 */
#ifndef PF_CORE_SEARCH_FUSION_H
#define PF_CORE_SEARCH_FUSION_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/catalog/vindex.h"
#include "core/search/neighbours.h"
#include "core/search/scope.h"
#include "core/search/search.h"
#include "core/search/words_many.h"
#include "core/words/words.h"

/* How far down each ranking is looked at, at least. Hits that none of them has so far
 * up come behind all others, whatever their sum. */
enum { PF_FUSION_DEPTH = 1000 };

/* What is looked at, all of it borrowed. */
typedef struct {
    pf_store *store;
    const char *folder;        /* for messages */
    const pf_vindex *images;   /* NULL when captions are looked for */
    const pf_vindex *captions; /* NULL: only words know captions */
    const float *vector;       /* [dim] of the question; NULL: words alone */
    const pf_words *words;
    pf_words_many *many;   /* the same words, for many questions; NULL: for one */
    pf_word_rows *rows;    /* of the words' index; NULL: they are looked up */
    const char *phrase;    /* whose words are looked for */
    bool may_lack_words;   /* a phrase without a word is no error */
    const int64_t *like;   /* [n_like] images that were asked with: they, or their */
    size_t n_like;         /* cases, are not found */
    const pf_id_set *only; /* images that may be found; NULL: all */
    const pf_id_set *only_captions; /* those of `only`; NULL: they are looked up */
    /* For pf_fusion_rank(): those of the vector, PF_FUSION_DEPTH of them or all; NULL:
     * they are looked for. */
    const pf_neighbours *near_images, *near_captions;
} pf_fusion;

/* Append the hits to those of `out`, each with its reasons; on failure they stay there,
 * for pf_hits_reset(). With a vector, a hit's score is its cosine, and hits below the
 * query's min_score are left out; without, it is the BM25 of its words. What matches by
 * its words goes into out->found. NOT_FOUND for cases of a catalog without any. */
PF_MUST_CHECK bool pf_fusion_run(const pf_fusion *f, const pf_query *q, pf_hits *out,
                                 pf_err *err);

/* The same ranking of images, all of it and nothing but the ids: *ids [n], best first,
 * given, free with pf_free(). NULL on failure. */
PF_MUST_CHECK bool pf_fusion_rank(const pf_fusion *f, int64_t **ids, size_t *n,
                                  pf_err *err);

#endif
