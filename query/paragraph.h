/*
 * paragraph.h - a text on the lines of a terminal, with words marked in it.
 *
 * Anywhere else it is one line, whole and unmarked, for grep and for whoever pastes it.
 * Texts may come from files of unknown origin: they go through pf_term_print().
 */
#ifndef PF_QUERY_PARAGRAPH_H
#define PF_QUERY_PARAGRAPH_H

#include <stddef.h>
#include <stdio.h>

#include "cli/term.h"
#include "include/plainfilm.h"

typedef struct {
    FILE *out;
    pf_term term;
    size_t columns; /* of a line; 0: all is one line */
    size_t indent;  /* of the lines behind the first */
    size_t most;    /* lines; 0: as many as it takes */
} paragraph;

/* Print `text` and an end of line; the first line has `used` columns already. The bytes
 * of the matches [n], which stand in order, are bold, or between stars on a terminal
 * without colours. What finds no room ends in an ellipsis; when the first match would
 * be lost with it, the text begins with one shortly before that. */
void paragraph_put(const paragraph *p, size_t used, const char *text,
                   const pf_match *matches, size_t n);

#endif
