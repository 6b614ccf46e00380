/*
 * texts.h - the texts of data/ that cmake/embed_text.cmake puts into the program, and
 * reading such a text line by line. Internal to words.
 */
#ifndef PF_CORE_WORDS_TEXTS_H
#define PF_CORE_WORDS_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

extern const char pf_text_negex[], pf_text_synonyms[];
extern const size_t pf_text_negex_size, pf_text_synonyms_size;

typedef struct {
    const char *p, *end;
    size_t number; /* of the present line, from 1 */
} pf_lines;

static inline pf_lines pf_lines_of(const char *text, size_t n)
{
    return (pf_lines){text, n ? text + n : text, 0};
}

/* The next line without its end; false when there is none. */
static inline bool pf_lines_next(pf_lines *lines, const char **line, size_t *n)
{
    if (lines->p == lines->end)
        return false;
    const char *newline = memchr(lines->p, '\n', (size_t)(lines->end - lines->p));
    const char *stop = newline ? newline : lines->end;
    *line = lines->p;
    *n = (size_t)(stop - lines->p);
    if (*n > 0 && (*line)[*n - 1] == '\r')
        (*n)--;
    lines->p = newline ? newline + 1 : lines->end;
    lines->number++;
    return true;
}

#endif
