/*
 * stem.h - brings the forms of an English word together: "effusions" and "effusion",
 * "pneumothoraces" and "pneumothorax", "haemorrhage" and "hemorrhage".
 */
#ifndef PF_CORE_WORDS_STEM_H
#define PF_CORE_WORDS_STEM_H

#include <stddef.h>

enum { PF_STEM_ROOM = 4 }; /* bytes a stem may be longer than its word */

/* Turn the word [n] of letters a to z into its stem, in place, and return the length of
 * that; `word` has room for n + PF_STEM_ROOM bytes. What has another character in it,
 * or fewer than three, stays as it is. Words with one stem need not be one word
 * ("generic" and "general"): a stem is for finding, not for showing. */
size_t pf_stem(char *word, size_t n);

/* The same for a word that was written in capitals, and given in small letters: a short
 * one is an abbreviation, which keeps its s, unless it is a plural that forms.inc
 * knows.
 */
size_t pf_stem_of_capitals(char *word, size_t n);

#endif
