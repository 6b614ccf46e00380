/*
 * cues.h - the phrases by which negex.c tells what is denied: data/negex.txt, read and
 * looked up. Internal to words.
 */
#ifndef PF_CORE_WORDS_CUES_H
#define PF_CORE_WORDS_CUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/words/terms.h"

/* In the order in which one is preferred to another of the same length. Fewer than 16:
 * negex.c keeps them in four bits. */
typedef enum {
    PF_CUE_NONE,
    PF_CUE_PRE,
    PF_CUE_POST,
    PF_CUE_RESULT,
    PF_CUE_WORD,
    PF_CUE_PSEUDO,
    PF_CUE_PRIOR,
    PF_CUE_STOP,
    PF_CUE_LIKE,
    PF_CUE_SIGN,
    PF_CUE_OBJECT,
    PF_CUE_PLACE,
    PF_CUE_STUDY,
    PF_CUE_NEW,
    PF_CUE_VERB,
    PF_CUE_KINDS
} pf_cue;

typedef struct pf_cues pf_cues;

/* The phrases of a text in the format of data/negex.txt; `name` is for messages. FORMAT
 * names the line. */
PF_MUST_CHECK bool pf_cues_parse(pf_cues **out, const char *text, size_t n,
                                 const char *name, pf_err *err);
void pf_cues_free(pf_cues *cues); /* NULL is fine */

typedef struct {
    pf_cue kind;      /* PF_CUE_NONE: there is none */
    size_t n_terms;   /* 0 for none */
    bool may_be_post; /* one of the same length is a PF_CUE_POST */
} pf_cue_match;

/* How many texts have a word; and a word that is chosen. */
typedef bool pf_cues_count_fn(void *user, const char *word, int64_t *n, pf_err *err);
typedef bool pf_cues_word_fn(void *user, const char *word, pf_err *err);
/* Words one of which is in every text that has a phrase of one of these kinds (bit
 * 1 << kind), as rare ones as may be, in no order and perhaps twice. */
PF_MUST_CHECK bool pf_cues_choose(const pf_cues *cues, unsigned kinds,
                                  pf_cues_count_fn *count, pf_cues_word_fn *take,
                                  void *user, pf_err *err);

/* The longest phrase that begins with term i. */
pf_cue_match pf_cues_find(const pf_cues *cues, const pf_terms *terms, size_t i);

#endif
