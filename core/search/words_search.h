/*
 * words_search.h - captions by their words: BM25 finds them, their text decides whether
 * they speak of something that is there. Internal to search and evaluate.
 *
 * Captions come by how many of the question's words they have, then those that have
 * them as they were typed before those with another name, then by BM25, then by id;
 * with AND, OR, NOT in the question by BM25 alone. What counts as having a word is in
 * words.h. BM25 counts every mention: of what was typed alone where a caption has all
 * words so, else of other names, too.
 *
 * The answer is exact and complete: the best `limit` of all captions that fit, however
 * many had to be looked at.
 */
#ifndef PF_CORE_SEARCH_WORDS_SEARCH_H
#define PF_CORE_SEARCH_WORDS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/words/words.h"

typedef struct {
    const char *text;      /* the question, UTF-8 */
    const int64_t *images; /* [n_images], ascending: only captions of these; or NULL */
    size_t n_images;
    size_t limit;   /* at most so many hits, >= 1, */
    bool finds_all; /* and behind them, or among them, all that have all words of the
                       question; when nothing has, all that have some */
    bool by_image;  /* of each image only its best caption */
} pf_words_ask;

typedef struct {
    int64_t caption_id, image_id;
    double score;   /* BM25, above 0, the more the better */
    size_t matched; /* words of the question that are there; all with AND, OR, NOT */
    bool is_typed;  /* all of these as they were typed */
} pf_words_hit;

typedef struct {
    pf_words_hit *hits; /* best first, owned */
    size_t n_hits;
    size_t n_asked;    /* words of the question */
    bool is_cut;       /* the question was longer than what is read */
    bool has_operator; /* AND, OR, NOT are in it */
} pf_words_answer;

/* *out must be all zero or reset; it stays so on failure. MISUSE when there is no word
 * in the question. */
PF_MUST_CHECK bool pf_words_search(const pf_words *words, pf_store *store,
                                   const pf_words_ask *ask, pf_words_answer *out,
                                   pf_err *err);
void pf_words_answer_reset(pf_words_answer *answer); /* frees; all zero is fine */

/* May captions of this image be found? */
bool pf_words_is_wanted(const pf_words_ask *ask, int64_t image_id);

/* For qsort(): the order of hits; by image, equal ones of an image stand together. */
int pf_words_best_first(const void *a, const void *b);
int pf_words_best_image_first(const void *a, const void *b);

#endif
