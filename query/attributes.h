/*
 * attributes.h - what is known of a hit, in a line or all of it.
 */
#ifndef PF_QUERY_ATTRIBUTES_H
#define PF_QUERY_ATTRIBUTES_H

#include <stddef.h>
#include <stdio.h>

#include "include/plainfilm.h"

enum { ATTRIBUTES_SHOWN = 4 };

/* At most ATTRIBUTES_SHOWN of the hit's attributes, those first that tell most in
 * radiology: their places in `out`. Returns how many. */
size_t attributes_choose(const pf_hit *hit, size_t out[ATTRIBUTES_SHOWN]);

/* "modality=CT  anatomy=chest", as filters are written; a long value is cut. "" when
 * there is none. Given, free with pf_free(); NULL without memory. */
char *attributes_line(const pf_hit *hit);

#endif
