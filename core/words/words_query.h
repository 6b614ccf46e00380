/*
 * words_query.h - what a user typed, as words to look for.
 *
 *   right pleural effusion         captions with more of the words come first
 *   "pleural effusion"             these words, side by side
 *   pneumo*                        words that begin so
 *   (CT OR MRI) AND spine NOT fracture
 *                                  with AND, OR, NOT a caption fits or does not; then
 *                                  words side by side must all be there
 *   no pneumothorax                captions that deny it
 *
 * Nothing is an error: what cannot be understood as written (a bracket too many, an
 * operator with nothing to work on) is taken as plain words. Words that say nothing
 * ("of", "the") are passed over, unless there are only such. Other names for the same
 * thing (synonyms.h) do as well, but not for words in quotes; what was typed comes
 * before them.
 */
#ifndef PF_CORE_WORDS_WORDS_QUERY_H
#define PF_CORE_WORDS_WORDS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/words/negex.h"
#include "core/words/synonyms.h"

enum {
    PF_WORDS_MAX_TEXT = 1 << 16, /* bytes of a question; what follows is not read */
    PF_WORDS_MAX_GROUPS = 64,    /* words of a question; what follows is not read */
};

typedef enum {
    PF_LEAF_STEMS, /* these stems side by side */
    PF_LEAF_WHOLE, /* a compound of this name */
    PF_LEAF_PREFIX /* these plain words, of the last one the beginning */
} pf_leaf_kind;

/* How near it is to what was typed. */
typedef enum { PF_SAID_AS_TYPED, PF_SAID_BY_NAME, PF_SAID_NEARLY } pf_said;

/* One way to say something. */
typedef struct {
    pf_leaf_kind kind;
    pf_said said;
    bool wants_denied;            /* a mention of it counts when it is denied */
    uint32_t first_word, n_words; /* in `words` of the question */
} pf_leaf;

/* One thing that was asked for: any of its leaves will do. */
typedef struct {
    uint32_t first_leaf, n_leaves;
    uint32_t n_typed;    /* the first of them: what was typed, not another name */
    bool wants_denied;   /* "no effusion": captions that deny it */
    bool is_excluded;    /* it stands behind a NOT */
    uint32_t start, end; /* bytes of the text it comes from */
} pf_word_group;

/* Steps of a stack machine: a group's number pushes whether it is there. */
enum { PF_STEP_AND = -1, PF_STEP_OR = -2, PF_STEP_AND_NOT = -3 };

/* All zero to begin with; owned. */
typedef struct {
    pf_word_group *groups;
    size_t n_groups;
    pf_leaf *leaves;
    size_t n_leaves;
    uint32_t *words; /* offsets in `chars` */
    size_t n_words;
    char *chars;
    size_t n_chars;
    int *steps; /* empty: as many groups as possible */
    size_t n_steps;
    bool is_cut; /* it was longer than what is read */
    size_t room_leaves, room_words, room_chars, room_steps; /* words_query.c's own */
} pf_words_query;

typedef struct {
    const pf_synonyms *synonyms; /* NULL: none */
    const pf_negex *negex;       /* NULL: nothing is denied */
} pf_words_options;

/* Read a question of `n` bytes, which may be anything. *out must be all zero. MISUSE
 * when there is no word in it. */
PF_MUST_CHECK bool pf_words_query_parse(pf_words_query *out, const char *text, size_t n,
                                        const pf_words_options *options, pf_err *err);
void pf_words_query_reset(pf_words_query *query); /* frees; all zero is fine */

static inline const char *pf_words_query_word(const pf_words_query *q,
                                              const pf_leaf *leaf, size_t i)
{
    return q->chars + q->words[leaf->first_word + i];
}

/* Must all groups be there that are not excluded? */
bool pf_words_query_needs_all(const pf_words_query *query);
/* Does a text fit that has `present` [n_groups]? */
bool pf_words_query_fits(const pf_words_query *query, const bool *present);

#endif
