/*
 * mentions.c - see words_text.h. Where in a text the words of a question stand: what is
 * told of a hit that was found by its words.
 */
#include <stdlib.h>
#include <string.h>

#include "core/words/words_text.h"

typedef struct {
    const pf_words_text *text;
    const pf_words_query *query;
    const pf_terms *asked; /* the terms of the question */
    pf_mention *out;
    size_t max, n;
} collector;

/* ---- the very letters? ----------------------------------------------------------- */

/* The letters of the terms first .. last, one behind the other. */
typedef struct {
    const pf_terms *terms;
    size_t at, last;
    const char *p;
} letters;

static letters letters_of(const pf_terms *terms, size_t first, size_t last)
{
    return (letters){terms, first, last, pf_terms_plain(terms, first)};
}

/* '\0' behind the last one. */
static char next_letter(letters *l)
{
    while (*l->p == '\0' && l->at < l->last)
        l->p = pf_terms_plain(l->terms, ++l->at);
    return *l->p == '\0' ? '\0' : *l->p++;
}

/* The terms of the question that this group was made of. */
static bool find_asked(const collector *c, const pf_word_group *g, size_t *first,
                       size_t *last)
{
    size_t i = 0;
    while (i < c->asked->n && c->asked->at[i].start < g->start)
        i++;
    *first = i;
    while (i < c->asked->n && c->asked->at[i].start < g->end)
        i++;
    *last = i - 1;
    return i > *first;
}

static bool is_same(const collector *c, const pf_word_group *g, size_t first,
                    size_t last)
{
    size_t asked_first, asked_last;
    char letter;
    if (!find_asked(c, g, &asked_first, &asked_last))
        return false;
    letters a = letters_of(c->asked, asked_first, asked_last);
    letters b = letters_of(&c->text->terms, first, last);
    while ((letter = next_letter(&a)) != '\0') {
        if (letter != next_letter(&b))
            return false;
    }
    return next_letter(&b) == '\0';
}

/* ---- where? ---------------------------------------------------------------------- */

/* Was it there before, or what was typed at its place? */
static bool is_known(const collector *c, const pf_mention *m)
{
    for (size_t i = c->n; i-- > 0;) {
        const pf_mention *o = &c->out[i];
        if (o->group != m->group)
            continue;
        if (o->start == m->start && o->end == m->end)
            return true;
        if (o->is_typed && !m->is_typed && o->start < m->end && m->start < o->end)
            return true;
    }
    return false;
}

/* The terms first .. last are leaf `l`: a mention, if it counts. */
static void add(collector *c, size_t group, const pf_leaf *l, bool is_typed,
                size_t first, size_t last)
{
    const pf_word_group *g = &c->query->groups[group];
    const pf_terms *t = &c->text->terms;
    const pf_mention m = {
        .group = group,
        .start = t->at[first].start,
        .end = t->at[last].end,
        .is_typed = is_typed,
        .is_same = is_typed && is_same(c, g, first, last),
    };
    if (c->n < c->max && pf_words_leaf_counts(c->text, l, first, last) &&
        !is_known(c, &m))
        c->out[c->n++] = m;
}

static void add_leaf(collector *c, size_t group, const pf_leaf *l, bool is_typed)
{
    const pf_terms *t = &c->text->terms;
    for (size_t i = 0; i < t->n; i++) {
        if (pf_words_leaf_is_at(t, c->query, l, i))
            add(c, group, l, is_typed, i, i + l->n_words - 1);
    }
    if (l->kind == PF_LEAF_PREFIX || l->n_words != 1)
        return;
    const char *word = pf_words_query_word(c->query, l, 0);
    for (size_t i = 0; i < t->n_wholes; i++) {
        const pf_whole *w = &t->wholes[i];
        if (strcmp(word, t->chars + w->stem) == 0)
            add(c, group, l, is_typed, w->first, w->last);
    }
}

static int by_start(const void *a, const void *b)
{
    const pf_mention *x = a, *y = b;
    if (x->start != y->start)
        return x->start > y->start ? 1 : -1;
    if (x->end != y->end)
        return x->end > y->end ? 1 : -1;
    return (x->group > y->group) - (x->group < y->group);
}

bool pf_words_text_mentions(const pf_words_text *text, const pf_words_query *q,
                            const char *question, pf_mention *out, size_t max,
                            size_t *n, pf_err *err)
{
    pf_terms asked = {0};
    collector c = {text, q, &asked, out, max, 0};
    *n = 0;
    if (!pf_terms_read(&asked, question, strlen(question), err)) {
        pf_terms_reset(&asked);
        return false;
    }
    for (size_t g = 0; g < q->n_groups; g++) {
        const pf_word_group *group = &q->groups[g];
        for (size_t i = 0; !group->is_excluded && i < group->n_leaves; i++)
            add_leaf(&c, g, &q->leaves[group->first_leaf + i], i < group->n_typed);
    }
    pf_terms_reset(&asked);
    if (c.n > 0)
        qsort(out, c.n, sizeof *out, by_start);
    *n = c.n;
    return true;
}
