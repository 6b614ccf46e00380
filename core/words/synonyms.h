/*
 * synonyms.h - names for the same thing: CXR, chest x-ray, chest radiograph.
 *
 * A table is a text with one group per line (data/synonyms.txt):
 *
 *   CXR = chest x-ray              each finds the other
 *   swelling > edema               swelling finds edema, which is narrower, and not the
 *                                  reverse
 *   unenhanced = without contrast  a name that begins with "without" is the rest,
 * denied tumor ~ mass                   near to each other: each finds the other, but
 * behind those that are the same
 *
 * Immutable; may be shared by threads.
 */
#ifndef PF_CORE_WORDS_SYNONYMS_H
#define PF_CORE_WORDS_SYNONYMS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/words/terms.h"

typedef struct pf_synonyms pf_synonyms;

/* The built-in table. */
PF_MUST_CHECK bool pf_synonyms_new(pf_synonyms **out, pf_err *err);
/* A file of at most 1 MiB instead; "+FILE" is the built-in table and that file. */
PF_MUST_CHECK bool pf_synonyms_open(pf_synonyms **out, const char *path, pf_err *err);
/* `name` is for messages. FORMAT for a line that is no group. */
PF_MUST_CHECK bool pf_synonyms_parse(pf_synonyms **out, const char *text, size_t n,
                                     const char *name, pf_err *err);
void pf_synonyms_free(pf_synonyms *synonyms); /* NULL is fine */

/* A name, as the stems of its words (borrowed from the table). */
typedef struct {
    char **stems;
    size_t n_stems;
    size_t group;
    bool is_narrow; /* found by the others of its group, and finds none */
    bool is_near;   /* all of its group are */
    bool is_denied; /* its first stem is that of "without" */
} pf_synonym;

/* Names that stand somewhere: one per group the name is in. */
typedef struct {
    const pf_synonym *names;
    size_t n;       /* 0: there is none */
    size_t n_terms; /* that it takes */
} pf_synonyms_found;

/* The longest name that is the beginning of terms i .. end-1, as words or as the whole
 * that they make. Narrow ones are not looked for. */
pf_synonyms_found pf_synonyms_find(const pf_synonyms *synonyms, const pf_terms *terms,
                                   size_t i, size_t end);
/* All names of a group, *n of them, as pointers. */
const pf_synonym *const *pf_synonyms_group(const pf_synonyms *synonyms, size_t group,
                                           size_t *n);

#endif
