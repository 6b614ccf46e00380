/*
 * paragraph.c - see paragraph.h. Stars are put into a copy, so that lines are broken
 * where they fit; bold takes no room.
 */
#include "query/paragraph.h"

#include <stdbool.h>
#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define ELLIPSIS "\xE2\x80\xA6"

enum { LEAST_ROOM = 8 }; /* columns of a line, on whatever terminal */

typedef struct {
    const paragraph *p;
    const char *text;
    size_t n;
    const pf_match *matches; /* that are bold */
    size_t n_matches;
} body;

/* ---- one line -------------------------------------------------------------------- */

static void put_bold(const body *b, size_t start, size_t end)
{
    fputs(BOLD, b->p->out);
    pf_term_print(b->p->out, b->text + start, end - start);
    fputs(PLAIN, b->p->out);
}

/* Bytes start .. end; matches may overlap. */
static void put_bytes(const body *b, size_t start, size_t end)
{
    for (size_t i = 0; i < b->n_matches && start < end; i++) {
        size_t from = b->matches[i].start, to = b->matches[i].end;
        from = from > start ? from : start;
        to = to < end ? to : end;
        if (from >= to)
            continue;
        pf_term_print(b->p->out, b->text + start, from - start);
        put_bold(b, from, to);
        start = to;
    }
    pf_term_print(b->p->out, b->text + start, end - start);
}

static size_t room_behind(const paragraph *p, size_t used)
{
    return p->columns > used + LEAST_ROOM ? p->columns - used : LEAST_ROOM;
}

/* ---- where it begins and ends ---------------------------------------------------- */

/* Bytes behind `at` that stand on all lines together. */
static size_t shown_from(const body *b, size_t used, size_t at)
{
    size_t end = at;
    for (size_t line = 0; line < b->p->most && at < b->n; line++) {
        size_t next;
        const size_t room = room_behind(b->p, line == 0 ? used : b->p->indent);
        end = at + pf_term_break(b->text + at, b->n - at, room, &next);
        at += next;
    }
    return end;
}

/* The beginning, or that of a word about half a line before the first match. */
static size_t first_shown(const body *b, size_t used, const pf_match *first)
{
    if (!first || b->p->most == 0 || first->end <= shown_from(b, used, 0))
        return 0;
    const size_t back = room_behind(b->p, used) / 2;
    size_t at = first->start > back ? first->start - back : 0;
    while (at < first->start && b->text[at] != ' ')
        at++;
    return at < first->start ? at + 1 : at;
}

/* ---- all of it ------------------------------------------------------------------- */

static void put_lines(const body *b, size_t used, size_t at)
{
    const paragraph *p = b->p;
    for (size_t line = 1;; line++) {
        const bool is_last = line == p->most;
        const size_t room = room_behind(p, used);
        size_t next, end = pf_term_break(b->text + at, b->n - at, room, &next);
        if (is_last && next < b->n - at)
            end = pf_term_break(b->text + at, b->n - at, room - 1, &next);
        put_bytes(b, at, at + end);
        at += next;
        if (at >= b->n || is_last)
            break;
        used = p->indent;
        fprintf(p->out, "\n%*s", (int)used, "");
    }
    fputs(at < b->n ? ELLIPSIS "\n" : "\n", p->out);
}

static void put_body(const body *b, size_t used, const pf_match *first)
{
    const paragraph *p = b->p;
    if (p->columns == 0) {
        put_bytes(b, 0, b->n);
        fputc('\n', p->out);
        return;
    }
    const size_t at = first_shown(b, used, first);
    if (at > 0)
        fputs(ELLIPSIS " ", p->out);
    put_lines(b, at > 0 ? used + 2 : used, at);
}

/* A copy with stars around what is marked; *first moves with the text before it. NULL:
 * without memory. */
static char *add_stars(const char *text, const pf_match *matches, size_t n,
                       pf_match *first)
{
    char *copy = NULL;
    size_t size, at = 0;
    FILE *out = open_memstream(&copy, &size);
    for (size_t i = 0; out && i < n; i++) {
        if (matches[i].start < at)
            continue; /* it overlaps the one before */
        fprintf(out, "%.*s*%.*s*", (int)(matches[i].start - at), text + at,
                (int)(matches[i].end - matches[i].start), text + matches[i].start);
        at = matches[i].end;
    }
    first->end += 2;
    if (out)
        fputs(text + at, out);
    return out && fclose(out) == 0 ? copy : NULL;
}

void paragraph_put(const paragraph *p, size_t used, const char *text,
                   const pf_match *matches, size_t n)
{
    body b = {p, text, strlen(text), NULL, 0};
    if (p->term.has_color) {
        b.matches = matches;
        b.n_matches = n;
    }
    if (n == 0 || p->term.has_color || !p->term.is_terminal) {
        put_body(&b, used, n > 0 ? &matches[0] : NULL);
        return;
    }
    pf_match first = matches[0];
    char *copy = add_stars(text, matches, n, &first);
    b.text = copy ? copy : text;
    b.n = strlen(b.text);
    put_body(&b, used, &first);
    pf_free(copy);
}
