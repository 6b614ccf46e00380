/*
 * term.h - what can be done with the stream in front of us, and printing what others
 * wrote without letting them drive the terminal.
 */
#ifndef PF_CLI_TERM_H
#define PF_CLI_TERM_H

#include <stddef.h>
#include <stdio.h>

#include "core/base/err.h"

typedef struct {
    bool is_terminal;
    bool can_redraw; /* a line can be written over; not on TERM=dumb */
    bool has_color;  /* colours are welcome: not on TERM=dumb, not with NO_COLOR set */
    bool has_links;  /* OSC 8 is shown as a link or as nothing: not on TERM=dumb, nor on
                        TERM=linux, which may print it */
    int columns;     /* 80 when it cannot be told */
} pf_term;

/* Look at the stream and at TERM, NO_COLOR and COLUMNS. */
pf_term pf_term_of(FILE *file);

/* The judgement alone: values of TERM and NO_COLOR (NULL when not set; an empty
 * NO_COLOR counts as not set, see no-color.org), columns 0 when unknown. */
pf_term pf_term_judge(bool is_terminal, const char *term, const char *no_color,
                      int columns);

/* Write `n` bytes that somebody else chose (a file name, a caption, a message) on one
 * line: tab and line breaks become a space; an escape sequence becomes one '?', so do
 * other control characters and those that turn the direction of writing; a byte that is
 * no UTF-8 becomes U+FFFD. */
void pf_term_print(FILE *file, const char *text, size_t n);
/* The same for a string. */
void pf_term_puts(FILE *file, const char *text);

/* Bytes of `text` that fit into `columns`, as pf_term_print() writes them; marks stay
 * with the character they are on. */
size_t pf_term_fitting(const char *text, size_t n, size_t columns);

/* Where a line of `columns` ends: bytes of `text` that stand on it. It ends between
 * words, or within one that is longer than a line; at least one character is on it.
 * *next: where the line behind it begins, blanks at the break left out; `n` when there
 * is none. */
size_t pf_term_break(const char *text, size_t n, size_t columns, size_t *next);

/* Between these two what is printed is a link to the file at the absolute `path`; bytes
 * that do not belong into a URI are written as %XX. For a terminal that has links. */
void pf_term_begin_link(FILE *file, const char *path);
void pf_term_end_link(FILE *file);

#endif
