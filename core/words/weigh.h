/*
 * weigh.h - what it is worth that a word of a question is said somewhere. The same for
 * what the index knows of a text and for the text itself.
 *
 * Two numbers for each word: how it is said, and how densely. The first is the weight
 * of the field, less for another name and still less for what is near; the second
 * follows BM25 (Robertson and Zaragoza, 2009): more mentions and a shorter text, both
 * with falling returns. Words count by how rare they are, so that a caption with the
 * rare word of a question stands before those that have only words that many have; and
 * words for kinds of pictures, which stand in most questions and captions, count less
 * than they are rare.
 */
#ifndef PF_CORE_WORDS_WEIGH_H
#define PF_CORE_WORDS_WEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/words/fields.h"
#include "core/words/words_query.h"

/* One word of a question as it is said in one place; all zero: it is not. */
typedef struct {
    double how;     /* 0 .. 1 */
    double density; /* 0 .. 1 */
    pf_said said;
    pf_field field;
} pf_found;

static inline bool pf_found_is_there(const pf_found *f)
{
    return f->how > 0;
}

/* `times` mentions, the best of which is `said` so, in a field of a doc of `size` words
 * where `usual_size` is the mean. times >= 1. */
pf_found pf_weigh_found(pf_field field, pf_said said, uint32_t times, double size,
                        double usual_size);
/* Is it better than the other? */
bool pf_found_is_better(const pf_found *a, const pf_found *b);

/* What a group of a question is worth that `n` of `all` docs have: the more, the rarer;
 * less for a kind of picture. */
double pf_weigh_group(const pf_words_query *query, const pf_word_group *group, double n,
                      double all);
/* What a group of this worth adds to the score of a doc: the sum over its groups. */
double pf_weigh_score(double worth, const pf_found *found);
/* The most that it can add. */
double pf_weigh_most(double worth);

#endif
