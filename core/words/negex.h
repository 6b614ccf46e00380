/*
 * negex.h - which words of a text are denied: "no effusion" speaks of an effusion that
 * is not there. The algorithm is NegEx (Chapman and others, 2001), its phrases are
 * data/negex.txt.
 *
 * A pf_negex is immutable and may be shared by threads.
 */
#ifndef PF_CORE_WORDS_NEGEX_H
#define PF_CORE_WORDS_NEGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/words/terms.h"

typedef struct pf_negex pf_negex;

/* The built-in phrases. */
PF_MUST_CHECK bool pf_negex_new(pf_negex **out, pf_err *err);
/* Those of a text in the format of data/negex.txt; `name` is for messages. */
PF_MUST_CHECK bool pf_negex_parse(pf_negex **out, const char *text, size_t n,
                                  const char *name, pf_err *err);
void pf_negex_free(pf_negex *negex); /* NULL is fine */

/* How many texts have a word, as it stands; and one that is chosen. */
typedef bool pf_negex_count_fn(void *user, const char *word, int64_t *n, pf_err *err);
typedef bool pf_negex_word_fn(void *user, const char *word, pf_err *err);
/* Words one of which is in every text in which something is denied, as rare ones as may
 * be; in no order, some more than once. */
PF_MUST_CHECK bool pf_negex_choose(const pf_negex *negex, pf_negex_count_fn *count,
                                   pf_negex_word_fn *take, void *user, pf_err *err);

/* One phrase that denies, and the terms it denies: none when first > last. */
typedef struct {
    uint32_t phrase_first, phrase_last;
    uint32_t first, last;
} pf_negation;

/* All zero to begin with; found again and again, then reset. */
typedef struct {
    pf_negation *at; /* owned */
    size_t n, room;
    uint16_t *kinds; /* per term; negex.c's own */
    uint32_t *reach; /* per term, too */
    size_t room_kinds, room_reach;
} pf_negations;

/* Find all negations in a text; those that were there before are gone. The time is that
 * of the text's length, whatever stands in it. */
PF_MUST_CHECK bool pf_negex_find(const pf_negex *negex, const pf_terms *terms,
                                 pf_negations *out, pf_err *err);
void pf_negations_reset(pf_negations *negations); /* frees; all zero is fine */

/* Are all of the terms first .. last denied by one phrase? One that is among them, as
 * in a quoted "no effusion", does not count. */
bool pf_negations_cover(const pf_negations *negations, size_t first, size_t last);
/* Is the term part of a phrase that denies? */
bool pf_negations_has_phrase(const pf_negations *negations, size_t term);

#endif
