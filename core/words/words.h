/*
 * words.h - does a text speak of what was asked for?
 *
 * A question is read by words_query.h. A word of it is there when at least one mention
 * of it is not denied; what the question itself denies ("no effusion") is there when at
 * least one mention is.
 *
 * A pf_words has what this takes, other names and phrases that deny. It is immutable
 * and may be shared by threads.
 */
#ifndef PF_CORE_WORDS_WORDS_H
#define PF_CORE_WORDS_WORDS_H

#include <stdbool.h>

#include "core/base/err.h"

typedef struct pf_words pf_words;

typedef struct {
    const char *synonyms;  /* a file in place of the built-in table, or "+" and a file
                              to add to it; NULL: the table */
    bool ignores_negation; /* "no effusion" speaks of an effusion like any other */
} pf_words_settings;

/* `settings` may be NULL: all zero. */
PF_MUST_CHECK bool pf_words_new(pf_words **out, const pf_words_settings *settings,
                                pf_err *err);
void pf_words_free(pf_words *words); /* NULL is fine */

/* Does a text fit a question? As a search in captions has it, for tests and tools.
 * MISUSE when there is no word in the question. */
PF_MUST_CHECK bool pf_words_fit(const pf_words *words, const char *question,
                                const char *text, bool *out, pf_err *err);

#endif
