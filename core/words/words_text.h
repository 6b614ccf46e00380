/*
 * words_text.h - questions and captions, read one by one: what searching them by words
 * is made of. words.c has the functions.
 */
#ifndef PF_CORE_WORDS_WORDS_TEXT_H
#define PF_CORE_WORDS_WORDS_TEXT_H

#include "core/words/negex.h"
#include "core/words/terms.h"
#include "core/words/words.h"
#include "core/words/words_query.h"

/* *out must be all zero. MISUSE when there is no word in the question. */
PF_MUST_CHECK bool pf_words_parse(pf_words_query *out, const pf_words *words,
                                  const char *question, pf_err *err);

/* A caption, read. All zero to begin with; read again and again, then reset; owned. */
typedef struct {
    pf_terms terms;
    pf_negations negations;
} pf_words_text;

PF_MUST_CHECK bool pf_words_text_read(pf_words_text *out, const pf_words *words,
                                      const char *text, pf_err *err);
void pf_words_text_reset(pf_words_text *text); /* frees; all zero is fine */

/* Of a question and a text that were read with the same pf_words: has the text this
 * group, with a mention that counts? */
typedef enum { PF_WORD_ABSENT, PF_WORD_OTHER_NAME, PF_WORD_TYPED } pf_word_presence;

pf_word_presence pf_words_text_has(const pf_words_text *text,
                                   const pf_words_query *query,
                                   const pf_word_group *group);

/* Does the leaf stand at term i of a text? A whole is looked for as one term. */
bool pf_words_leaf_is_at(const pf_terms *terms, const pf_words_query *query,
                         const pf_leaf *leaf, size_t i);
/* Is a mention of it, the terms first .. last, one that the question asks for: denied,
 * or not? */
bool pf_words_leaf_counts(const pf_words_text *text, const pf_leaf *leaf, size_t first,
                          size_t last);

/* A mention of a group that counts. */
typedef struct {
    size_t group;        /* of the question */
    uint32_t start, end; /* bytes of the text */
    bool is_typed;       /* what was typed, or a form of it; else another name */
    bool is_same;        /* with the very letters, case and accents aside */
} pf_mention;

/* mentions.c: the mentions of the groups that are not excluded, by their start, at most
 * `max` of them, *n; not of another name where the group stands as it was typed.
 * `question` is the text that `query` was read from. */
PF_MUST_CHECK bool pf_words_text_mentions(const pf_words_text *text,
                                          const pf_words_query *query,
                                          const char *question, pf_mention *out,
                                          size_t max, size_t *n, pf_err *err);

/* How many groups it has, and how many of them as they were typed. With AND, OR or NOT
 * in the question all or none, and all as typed. */
typedef struct {
    size_t matched, typed;
} pf_words_count;

pf_words_count pf_words_text_count(const pf_words_text *text,
                                   const pf_words_query *query);

#endif
