/*
 * terms.h - a text as the words that can be found in it.
 *
 * Letters are folded (case, accents, ligatures, width), words are split where radiology
 * joins them, and what was joined is remembered:
 *
 *   T2-weighted   terms t2 weighted     whole t2weighted
 *   L4/L5         terms l4 l5           whole l4l5
 *   C5-6          terms c5 6            wholes c56, and c6: both levels are found
 *   2.3cm         terms 2.3 cm          whole 2.3cm
 *   Crohn's       term crohn            COVID-19, x-ray, w/o, s/p: as the first
 *
 * A text written in one of these ways is found by the others. The catalog keeps what
 * pf_terms_index() makes of each caption, questions are read by the same code.
 */
#ifndef PF_CORE_WORDS_TERMS_H
#define PF_CORE_WORDS_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum {
    PF_TERMS_MAX_TEXT =
        1 << 20,            /* bytes of a text that are read; what follows is not */
    PF_TERMS_MAX = 1 << 16, /* words of a text, the same; a long report has 2000 */
    PF_TERMS_MAX_WORD = 64, /* bytes of a word that count */
};

/* What stands between a term and the one before it; of several the last of these. From
 * PF_GAP_QUESTION on a sentence has ended. */
typedef enum {
    PF_GAP_SPACE,   /* or a hyphen, a slash: nothing that parts a statement */
    PF_GAP_LINE,    /* the end of a line, and a capital letter behind it */
    PF_GAP_BRACKET, /* round or square */
    PF_GAP_COMMA,
    PF_GAP_DASH,     /* with a space before it, or a long one */
    PF_GAP_COLON,    /* but not that of 3:00 */
    PF_GAP_QUESTION, /* question mark */
    PF_GAP_STOP,     /* full stop, semicolon, empty line, the next entry of a list */
} pf_gap;

typedef struct {
    uint32_t start, end;  /* bytes of the text */
    uint32_t plain, stem; /* of the word and of its stem, in `chars` */
    pf_gap gap;
    bool is_joined;  /* to the term before it, as one compound */
    bool is_capital; /* its first letter is one */
} pf_word_term;

/* Another name for the terms first .. last together. */
typedef struct {
    uint32_t first, last;
    uint32_t stem; /* in `chars` */
} pf_whole;

/* All zero to begin with; read again and again, then reset. Arrays are owned. */
typedef struct {
    pf_word_term *at;
    size_t n;
    pf_whole *wholes; /* by their first term */
    size_t n_wholes;
    size_t room, room_wholes;
    char *chars; /* words, each ending in a NUL */
    size_t n_chars, room_chars;
    bool is_cut; /* the text goes on behind what was read */
} pf_terms;

/* Read the first `n` bytes of `text`, which may be anything; what is no UTF-8 parts
 * words. The terms that were there before are gone, their memory is used again. */
PF_MUST_CHECK bool pf_terms_read(pf_terms *terms, const char *text, size_t n,
                                 pf_err *err);
void pf_terms_reset(pf_terms *terms); /* frees; all zero is fine */

static inline const char *pf_terms_plain(const pf_terms *t, size_t i)
{
    return t->chars + t->at[i].plain;
}

static inline const char *pf_terms_stem(const pf_terms *t, size_t i)
{
    return t->chars + t->at[i].stem;
}

/* What a catalog keeps of a text, joined with spaces: its stems, then its words as they
 * were, each behind PF_PLAIN_MARK, then its wholes. So a stem and a word, or the last
 * stem and the first whole, are never taken for each other, nor for neighbours.
 * Appended to the caller's buffer. */
#define PF_PLAIN_MARK "="
/* With a field's mark (fields.h), 't', all of them are marked: "t=stem", "t==plain";
 * '\0': none is. */
PF_MUST_CHECK bool pf_terms_index(const pf_terms *terms, char mark, pf_buf *out,
                                  pf_err *err);
/* How many there are. */
size_t pf_terms_count(const pf_terms *terms);

#endif
