/*
 * notes.h - oddities worth telling: a short list of lines that are no failures.
 */
#ifndef PF_CORE_BASE_NOTES_H
#define PF_CORE_BASE_NOTES_H

#include <stddef.h>

#include "core/base/err.h"

enum { PF_NOTES_MAX = 64 };

typedef struct {
    char *line[PF_NOTES_MAX]; /* owned */
    size_t count;
    size_t dropped; /* notes that found no place */
} pf_notes;

/* Add one line. `notes` may be NULL. A note that finds no place or no memory is counted
 * in `dropped`: telling an oddity must not become a failure of its own. */
void pf_notes_add(pf_notes *notes, const char *fmt, ...) PF_PRINTF(2, 3);
void pf_notes_reset(pf_notes *notes); /* frees the lines; all zero is fine */

#endif
