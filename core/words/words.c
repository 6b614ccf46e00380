/*
 * words.c - see words.h and words_text.h. The words of a question are looked for among
 * the terms of a text, and each mention is checked for negation.
 */
#include "core/words/words.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/words/negex.h"
#include "core/words/synonyms.h"
#include "core/words/terms.h"
#include "core/words/words_query.h"
#include "core/words/words_text.h"

struct pf_words {
    pf_synonyms *synonyms;
    pf_negex *negex; /* NULL: negation is ignored */
};

bool pf_words_new(pf_words **out, const pf_words_settings *settings, pf_err *err)
{
    static const pf_words_settings usual = {0};
    const pf_words_settings *s = settings ? settings : &usual;
    *out = NULL;
    pf_words *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    if (!(s->synonyms ? pf_synonyms_open(&w->synonyms, s->synonyms, err)
                      : pf_synonyms_new(&w->synonyms, err)) ||
        (!s->ignores_negation && !pf_negex_new(&w->negex, err))) {
        pf_words_free(w);
        return false;
    }
    *out = w;
    return true;
}

void pf_words_free(pf_words *w)
{
    if (!w)
        return;
    pf_synonyms_free(w->synonyms);
    pf_negex_free(w->negex);
    pf_free(w);
}

/* ---- one text -------------------------------------------------------------------- */

bool pf_words_text_read(pf_words_text *out, const pf_words *w, const char *text,
                        pf_err *err)
{
    return pf_terms_read(&out->terms, text, strlen(text), err) &&
           (!w->negex || pf_negex_find(w->negex, &out->terms, &out->negations, err));
}

void pf_words_text_reset(pf_words_text *text)
{
    pf_terms_reset(&text->terms);
    pf_negations_reset(&text->negations);
}

bool pf_words_leaf_is_at(const pf_terms *t, const pf_words_query *q, const pf_leaf *l,
                         size_t i)
{
    if (l->n_words > t->n - i)
        return false;
    for (size_t k = 0; k < l->n_words; k++) {
        const char *word = pf_words_query_word(q, l, k);
        const bool is_same =
            l->kind != PF_LEAF_PREFIX ? strcmp(word, pf_terms_stem(t, i + k)) == 0
            : k + 1 < l->n_words
                ? strcmp(word, pf_terms_plain(t, i + k)) == 0
                : strncmp(word, pf_terms_plain(t, i + k), strlen(word)) == 0;
        if (!is_same)
            return false;
    }
    return true;
}

/* Where negation is ignored, neither of them denies. */
bool pf_words_leaf_counts(const pf_words_text *text, const pf_leaf *l, size_t first,
                          size_t last)
{
    return pf_negations_cover(&text->negations, first, last) == l->wants_denied;
}

static bool has_leaf(const pf_words_text *text, const pf_words_query *q,
                     const pf_leaf *l)
{
    const pf_terms *t = &text->terms;
    if (l->kind != PF_LEAF_WHOLE) {
        for (size_t i = 0; i < t->n; i++) {
            if (pf_words_leaf_is_at(t, q, l, i) &&
                pf_words_leaf_counts(text, l, i, i + l->n_words - 1))
                return true;
        }
    }
    if (l->kind == PF_LEAF_PREFIX || l->n_words != 1)
        return false;
    const char *word = pf_words_query_word(q, l, 0);
    for (size_t i = 0; i < t->n_wholes; i++) {
        const pf_whole *w = &t->wholes[i];
        if (strcmp(word, t->chars + w->stem) == 0 &&
            pf_words_leaf_counts(text, l, w->first, w->last))
            return true;
    }
    /* as a single word: "t2weighted" */
    for (size_t i = 0; l->kind == PF_LEAF_WHOLE && i < t->n; i++) {
        if (pf_words_leaf_is_at(t, q, l, i) && pf_words_leaf_counts(text, l, i, i))
            return true;
    }
    return false;
}

pf_word_presence pf_words_text_has(const pf_words_text *text, const pf_words_query *q,
                                   const pf_word_group *g)
{
    for (size_t i = 0; i < g->n_leaves; i++) {
        if (has_leaf(text, q, &q->leaves[g->first_leaf + i]))
            return i < g->n_typed ? PF_WORD_TYPED : PF_WORD_OTHER_NAME;
    }
    return PF_WORD_ABSENT;
}

pf_words_count pf_words_text_count(const pf_words_text *text, const pf_words_query *q)
{
    bool present[PF_WORDS_MAX_GROUPS];
    pf_words_count n = {0};
    for (size_t g = 0; g < q->n_groups; g++) {
        const pf_word_presence as = pf_words_text_has(text, q, &q->groups[g]);
        present[g] = as != PF_WORD_ABSENT;
        n.matched += present[g];
        n.typed += as == PF_WORD_TYPED;
    }
    if (!pf_words_query_fits(q, present))
        return (pf_words_count){0};
    return q->n_steps > 0 ? (pf_words_count){q->n_groups, q->n_groups} : n;
}

/* ---- a question ------------------------------------------------------------------ */

bool pf_words_parse(pf_words_query *out, const pf_words *w, const char *question,
                    pf_err *err)
{
    const pf_words_options options = {.synonyms = w->synonyms, .negex = w->negex};
    return pf_words_query_parse(out, question, strlen(question), &options, err);
}

bool pf_words_fit(const pf_words *w, const char *question, const char *text, bool *out,
                  pf_err *err)
{
    pf_words_query q = {0};
    pf_words_text read = {0};
    const bool ok =
        pf_words_parse(&q, w, question, err) && pf_words_text_read(&read, w, text, err);
    *out = ok && pf_words_text_count(&read, &q).matched > 0;
    pf_words_text_reset(&read);
    pf_words_query_reset(&q);
    return ok;
}
