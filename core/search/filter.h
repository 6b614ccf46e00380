/*
 * filter.h - one condition on images: KEY=VALUE and its kin, parsed and compared.
 *
 *   KEY=VALUE  KEY!=VALUE           some value, or none, equals it
 *   KEY<VALUE  KEY>VALUE  <=  >=    some value is less (...); as numbers when both are
 *   KEY~WORD                        some value has the word, or words, in it
 *   KEY=A|B  KEY!=A|B  KEY~A|B      some value, or none, meets one of them
 *   KEY=A..B                        some value is A, B or between; also A.. and ..B
 *   case=KEY (and the others)       the key of the image's case
 *   path~GLOB                       the path, as fnmatch(3) compares: * takes / too
 *
 * Letters compare without regard to case in ASCII, but for paths and numbers. Texts are
 * in the order of their bytes, so that ISO dates are in order of time; and a year,
 * month or day means all of it: 2024-05-31 equals 2024-05 and is not greater. A number
 * is digits with sign, point and exponent as usual; "=" compares texts, for an
 * accession number 007 is not 7. Blanks around key and value do not count.
 *
 * A value in double quotes is taken as it stands, with | and .. in it; a quote inside
 * is written twice. A pattern for paths is never taken apart, and needs a *, ? or [.
 */
#ifndef PF_CORE_SEARCH_FILTER_H
#define PF_CORE_SEARCH_FILTER_H

#include <stddef.h>

#include "core/base/err.h"

enum {
    PF_FILTER_MAX_BYTES = 4096,  /* of one condition */
    PF_FILTERS_MAX = 100,        /* in one question */
    PF_FILTER_MAX_CHOICES = 100, /* of one condition */
};

typedef enum {
    PF_FILTER_EQUAL,
    PF_FILTER_NOT_EQUAL,
    PF_FILTER_LESS,
    PF_FILTER_GREATER,
    PF_FILTER_AT_MOST,
    PF_FILTER_AT_LEAST,
    PF_FILTER_HAS_WORD,
    PF_FILTER_LIKE_PATH,
} pf_filter_op;

/* A value, never empty; or the ends of a range, of which one may be. */
typedef struct {
    char *from, *to; /* `to` is NULL when it is no range */
} pf_filter_choice;

typedef struct {
    char *text; /* the whole of it, as it was given */
    char *key;  /* not empty */
    pf_filter_op op;
    pf_filter_choice *choices; /* [n_choices], one of them is to be met */
    size_t n_choices;          /* >= 1 */
} pf_filter;

/* `text` must be UTF-8 but for a path's pattern. On success *out is the caller's, to be
 * reset; on failure it is all zero. MISUSE, and the message quotes `text`. */
PF_MUST_CHECK bool pf_filter_parse(pf_filter *out, const char *text, pf_err *err);
void pf_filter_reset(pf_filter *filter); /* frees; all zero is fine */

/* Does one value of the key meet the condition? NOT_EQUAL answers as EQUAL does: it
 * holds for an image when this is false for each of its values. */
bool pf_filter_accepts(const pf_filter *filter, const char *value);

/* As KEY=WANTED compares, whatever is in `wanted`. */
bool pf_filter_equals(const char *value, const char *wanted);

#endif
