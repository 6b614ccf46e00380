/*
 * words_text.h - questions and what is said of an image, read one by one: what
 * searching by words is made of. words.c has the functions, weigh.c what a mention is
 * worth.
 */
#ifndef PF_CORE_WORDS_WORDS_TEXT_H
#define PF_CORE_WORDS_WORDS_TEXT_H

#include "core/words/fields.h"
#include "core/words/negex.h"
#include "core/words/terms.h"
#include "core/words/weigh.h"
#include "core/words/words.h"
#include "core/words/words_query.h"

/* *out must be all zero. MISUSE when there is no word in the question. */
PF_MUST_CHECK bool pf_words_parse(pf_words_query *out, const pf_words *words,
                                  const char *question, pf_err *err);

/* pf_negex_choose(); where negation is ignored there is no such word. */
PF_MUST_CHECK bool pf_words_choose_deniers(const pf_words *words,
                                           pf_negex_count_fn *count,
                                           pf_negex_word_fn *take, void *user,
                                           pf_err *err);

/* A text, read. All zero to begin with; read again and again, then reset; owned. */
typedef struct {
    pf_field field;
    pf_terms terms;
    pf_negations negations;
} pf_words_text;

PF_MUST_CHECK bool pf_words_text_read(pf_words_text *out, const pf_words *words,
                                      const char *text, pf_err *err);
void pf_words_text_reset(pf_words_text *text); /* frees; all zero is fine */

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

/* All that is said of an image in one place: a caption, or none, and the other fields.
 * All zero to begin with; read again and again, then reset; owned. */
typedef struct {
    pf_words_text *text;
    size_t n, room;
    size_t size;   /* words, as the index counts them */
    char *caption; /* what text[0] was read from, or NULL */
} pf_words_doc;

/* What is read: NULL for no caption; `others` has a line for each other text, its
 * field's mark before it. */
typedef struct {
    const char *caption;
    bool is_of_case;
    const char *others;
} pf_words_said;

/* A bit for a word, as stemmed: equal words have the same one, others may. */
uint64_t pf_words_bit(const char *stem);
/* Of the words that a mention of does not count somewhere in it, unless it is asked for
 * as denied. */
uint64_t pf_words_doc_denied(const pf_words_doc *doc);

PF_MUST_CHECK bool pf_words_doc_read(pf_words_doc *out, const pf_words *words,
                                     const pf_words_said *said, pf_err *err);
void pf_words_doc_reset(pf_words_doc *doc); /* frees; all zero is fine */

/* Of a question and a doc that were read with the same pf_words: the best mention of
 * the group that counts, in one of these fields. */
pf_found pf_words_doc_find(const pf_words_doc *doc, const pf_words_query *query,
                           const pf_word_group *group, pf_field_set fields,
                           double usual_size);

#endif
