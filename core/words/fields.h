/*
 * fields.h - where words are looked for: not captions alone, but what else is said of
 * an image, each with a weight of its own.
 *
 *   caption     a text about the image
 *   case        a text about its case
 *   title       of its case
 *   diagnosis   attributes of that name
 *   keywords    keywords, concepts
 *   attribute   other attributes, but for numbers, codes and what is of the patient or
 *               of the document (pf_field_of_key())
 *   name        of its file
 *
 * What is no caption is kept as one text, a line each: the field's mark, then its
 * words.
 */
#ifndef PF_CORE_WORDS_FIELDS_H
#define PF_CORE_WORDS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

typedef enum {
    PF_FIELD_CAPTION,
    PF_FIELD_CASE,
    PF_FIELD_TITLE,
    PF_FIELD_DIAGNOSIS,
    PF_FIELD_KEYWORDS,
    PF_FIELD_ATTRIBUTE,
    PF_FIELD_NAME,
    PF_FIELDS
} pf_field;

/* A set of fields: bit 1 << field. */
typedef unsigned pf_field_set;
enum { PF_FIELDS_ALL = (1 << PF_FIELDS) - 1 };

static inline bool pf_field_set_has(pf_field_set set, pf_field field)
{
    return set >> field & 1;
}

/* As users write it; and the letter before each of its words in the index and before
 * its line in a text, '\0' of captions. */
const char *pf_field_name(pf_field field);
char pf_field_mark(pf_field field);
/* How much a word there counts, from 0 to 1: that of a caption. */
double pf_field_weight(pf_field field);
/* The field that attributes of this key belong to; false: their words are not looked
 * for. */
bool pf_field_of_key(const char *key, pf_field *out);

/* A text with a line for each thing that is said; those behind the first
 * PF_FIELD_LINES_MAX are passed over, and so is what is no field. */
enum { PF_FIELD_LINES_MAX = 256 };
typedef struct {
    const char *at; /* to begin with: the text */
    size_t n;       /* lines so far: 0 */
} pf_field_lines;
/* The next line without its mark, `n` bytes of the text. False at the end. */
bool pf_field_lines_next(pf_field_lines *lines, pf_field *field, const char **text,
                         size_t *n);

/* Add the fields that `list` names, parted by commas ("caption,title"; "all"). MISUSE
 * for a name that there is none of. */
PF_MUST_CHECK bool pf_field_set_add(pf_field_set *set, const char *list, pf_err *err);

#endif
