/*
 * words_search.h - captions, and what else is said of images, by their words: the index
 * finds them, their text decides whether they speak of something that is there.
 * Internal to search and evaluate.
 *
 * A hit is a caption with the other fields of its image, or an image without a caption.
 * Hits come by their score (weigh.h), then by id: more of the question's words, and
 * rarer ones, first; a word as it was typed before another name of it.
 *
 * The answer is exact and complete: the best `limit` of all that fit, however many had
 * to be looked at.
 */
#ifndef PF_CORE_SEARCH_WORDS_SEARCH_H
#define PF_CORE_SEARCH_WORDS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/engine/word_rows.h"
#include "core/words/words.h"
#include "core/words/words_text.h"

typedef struct {
    const char *text;      /* the question, UTF-8 */
    pf_field_set fields;   /* only words in these; 0: in all */
    const int64_t *images; /* [n_images], ascending: only captions of these; or NULL */
    size_t n_images;
    pf_word_rows *rows; /* of the same snapshot and words; NULL: texts are read */
    size_t limit;       /* at most so many hits, >= 1 */
    bool by_image;   /* of each image only its best caption; images without one, too */
    bool counts_all; /* what has all words of the question is to be told, past the limit
                        as well */
    bool counts_some; /* what has any of them is to be told, and no hits */
} pf_words_ask;

typedef struct {
    int64_t caption_id; /* 0: the image has none */
    int64_t image_id;
    double score;   /* above 0, the more the better */
    size_t matched; /* words of the question that are there; all with AND, OR, NOT */
    pf_field_set fields; /* in which they are */
} pf_words_hit;

typedef struct {
    pf_words_hit *hits; /* best first, owned */
    size_t n_hits;
    int64_t *all; /* [n_all], owned, if counts_all or counts_some: the captions, or
                     images, that have all words, or some; in no order */
    size_t n_all;
    bool is_whole;     /* there is nothing else that has some of the words */
    size_t n_asked;    /* words of the question */
    bool has_operator; /* AND, OR, NOT are in it */
} pf_words_answer;

/* *out must be all zero or reset; it stays so on failure. MISUSE when there is no word
 * in the question. */
PF_MUST_CHECK bool pf_words_search(const pf_words *words, pf_store *store,
                                   const pf_words_ask *ask, pf_words_answer *out,
                                   pf_err *err);
void pf_words_answer_reset(pf_words_answer *answer); /* frees; all zero is fine */

/* ---- for words_many.c ---- */

/* What the words of a question are worth, and where they are looked for. */
typedef struct {
    pf_field_set fields;
    double worth[PF_WORDS_MAX_GROUPS];
    double usual_size; /* words of a row of the index, the mean */
} pf_words_scale;
PF_MUST_CHECK bool pf_words_scale_make(pf_words_scale *out, pf_store *store,
                                       const pf_words_query *query, pf_field_set fields,
                                       pf_err *err);

/* The hit that a row is whose groups were found [n_groups]; matched is 0 when it does
 * not fit. */
pf_words_hit pf_words_hit_of(const pf_words_query *query, const pf_words_scale *scale,
                             const pf_found *found, int64_t row, int64_t image_id);

/* May captions of this image be found? */
bool pf_words_is_wanted(const pf_words_ask *ask, int64_t image_id);

/* For qsort(): the order of hits; by image, equal ones of an image stand together. */
int pf_words_best_first(const void *a, const void *b);
int pf_words_best_image_first(const void *a, const void *b);

#endif
