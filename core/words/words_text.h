/*
 * words_text.h - what words.c and words_many.c share: questions and captions read one
 * by one, the order of hits. Internal to words; words.c has the functions.
 */
#ifndef PF_CORE_WORDS_WORDS_TEXT_H
#define PF_CORE_WORDS_WORDS_TEXT_H

#include "core/catalog/terms.h"
#include "core/words/negex.h"
#include "core/words/words.h"
#include "core/words/words_query.h"

/* A caption, read. All zero to begin with; owned. */
typedef struct {
    pf_terms terms;
    pf_negations negations;
} pf_words_text;

PF_MUST_CHECK bool pf_words_text_read(pf_words_text *out, const pf_words *words,
                                      const char *text, pf_err *err);
void pf_words_text_reset(pf_words_text *text); /* frees; all zero is fine */

/* Has it this group of the question, with a mention that counts? */
bool pf_words_text_has(const pf_words_text *text, const pf_words *words,
                       const pf_words_query *query, const pf_word_group *group);

/* May captions of this image be found? */
bool pf_words_is_wanted(const pf_words_ask *ask, int64_t image_id);

/* For qsort(): the order of hits (words.h); by image, equal ones of an image stand
 * together. */
int pf_words_best_first(const void *a, const void *b);
int pf_words_best_image_first(const void *a, const void *b);

/* As a search reads its question. */
PF_MUST_CHECK bool pf_words_parse(pf_words_query *out, const pf_words *words,
                                  const char *text, pf_err *err);

#endif
