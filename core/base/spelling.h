/*
 * spelling.h - how far apart two spellings are, for "did you mean".
 */
#ifndef PF_CORE_BASE_SPELLING_H
#define PF_CORE_BASE_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

enum { PF_SPELLING_MAX = 32 }; /* bytes; longer words are not compared */

/* Letters to insert, remove, change or swap with their neighbour (optimal string
 * alignment) between a word of n_a bytes and one of n_b; both at most PF_SPELLING_MAX.
 */
size_t pf_spelling_distance(const char *a, size_t n_a, const char *b, size_t n_b);

/* Is a word of n_a bytes with this distance from one of n_b close enough to be meant?
 * Two edits make any word of three letters out of any other. */
bool pf_spelling_is_near(size_t distance, size_t n_a, size_t n_b);

#endif
