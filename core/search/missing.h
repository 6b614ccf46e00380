/*
 * missing.h - words of a question that no caption has, and the nearest words that
 * captions do have: "no caption has 'pnuemothorax'; did you mean pneumothorax (41)?"
 * Internal to search.
 */
#ifndef PF_CORE_SEARCH_MISSING_H
#define PF_CORE_SEARCH_MISSING_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/words/words.h"

enum {
    PF_MISSING_MAX = 8,          /* words of a question; others are not told */
    PF_SUGGESTIONS_MAX = 3,      /* for one word */
    PF_VOCABULARY_MAX = 1 << 18, /* words of captions that are looked at */
};

/* The words of `question` that are in none of these fields (0: in none at all), denied
 * mentions and other names included; words in quotes, with a hyphen or a star, or
 * longer than those of captions, are not told. *out [*n] is given, to be freed with
 * pf_missing_free(); NULL when all are there. A question without a word has none. What
 * is looked at is bounded, whatever is in the catalog. */
PF_MUST_CHECK bool pf_missing_find(const pf_words *words, pf_store *store,
                                   const char *question, pf_field_set fields,
                                   pf_missing_word **out, size_t *n, pf_err *err);
void pf_missing_free(pf_missing_word *words, size_t n); /* NULL is fine */

#endif
