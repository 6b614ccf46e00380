/*
 * mirc_headings.h - which sections of a MIRC document are about a case, by their
 * headings.
 *
 * Anybody may head a section as they like, also "MRN" or "Referring doctor"; so only
 * headings that are known are kept. One is known when each of its words is, and one of
 * them says what the section is about: "Findings on CT", "Vorgeschichte". A word that
 * is not known makes it another heading: "Patient's history number".
 */
#ifndef PF_INDEXER_MIRC_HEADINGS_H
#define PF_INDEXER_MIRC_HEADINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum { PF_MIRC_HEADING_ROOM = 200 }; /* bytes of a name, with its NUL */

/* The `n` bytes of a heading as the name of an element: "Differential  Diagnosis:" is
 * differential-diagnosis. `out` has PF_MIRC_HEADING_ROOM bytes; it is empty when there
 * is no word in it, or when it is too long. */
PF_MUST_CHECK bool pf_mirc_heading_name(const char *heading, size_t n, char *out,
                                        pf_err *err);

/* Is it, as a name, a heading that is known? */
bool pf_mirc_heading_is_known(const char *name);

#endif
