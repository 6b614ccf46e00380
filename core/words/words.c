/*
 * words.c - see words.h and words_text.h. The words of a question are looked for among
 * the terms of each text of a doc, and each mention is checked for negation.
 */
#include "core/words/words.h"

#include <string.h>

#include "core/base/hash.h"
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

bool pf_words_choose_deniers(const pf_words *w, pf_negex_count_fn *count,
                             pf_negex_word_fn *take, void *user, pf_err *err)
{
    return !w->negex || pf_negex_choose(w->negex, count, take, user, err);
}

/* ---- one text ------------------------------------------------------------------- */

static bool make_room(pf_words_doc *d, pf_err *err)
{
    const size_t before = d->room;
    if (!pf_grow_array(&d->text, &d->room, d->n, sizeof *d->text, err))
        return false;
    if (d->room > before)
        memset(d->text + before, 0, (d->room - before) * sizeof *d->text);
    return true;
}

static bool read_part(pf_words_text *t, const pf_words *w, const char *text, size_t n,
                      pf_err *err)
{
    return pf_terms_read(&t->terms, text, n, err) &&
           (!w->negex || pf_negex_find(w->negex, &t->terms, &t->negations, err));
}

bool pf_words_text_read(pf_words_text *out, const pf_words *w, const char *text,
                        pf_err *err)
{
    return read_part(out, w, text, strlen(text), err);
}

void pf_words_text_reset(pf_words_text *text)
{
    pf_terms_reset(&text->terms);
    pf_negations_reset(&text->negations);
}

static bool read_text(pf_words_doc *d, const pf_words *w, pf_field field,
                      const char *text, size_t n, pf_err *err)
{
    if (!make_room(d, err))
        return false;
    pf_words_text *t = &d->text[d->n];
    if (!read_part(t, w, text, n, err))
        return false;
    t->field = field;
    d->size += pf_terms_count(&t->terms);
    d->n++;
    return true;
}

/* The caption, as the first text. One long text may be said of many images: it is read
 * once while they follow each other. */
static bool read_caption(pf_words_doc *d, const pf_words *w, const pf_words_said *said,
                         pf_err *err)
{
    const pf_field field = said->is_of_case ? PF_FIELD_CASE : PF_FIELD_CAPTION;
    if (d->caption && strcmp(d->caption, said->caption) == 0) {
        d->text[0].field = field;
        d->size = pf_terms_count(&d->text[0].terms);
        d->n = 1;
        return true;
    }
    pf_free(d->caption);
    d->caption = NULL;
    char *own = pf_strdup(said->caption, err);
    if (!own || !read_text(d, w, field, own, strlen(own), err)) {
        pf_free(own);
        return false;
    }
    d->caption = own;
    return true;
}

bool pf_words_doc_read(pf_words_doc *out, const pf_words *w, const pf_words_said *said,
                       pf_err *err)
{
    out->n = out->size = 0;
    if (said->caption && !read_caption(out, w, said, err))
        return false;
    pf_field field;
    const char *text;
    size_t n;
    for (pf_field_lines lines = {.at = said->others ? said->others : ""};
         pf_field_lines_next(&lines, &field, &text, &n);) {
        if (out->n == 0) { /* in the caption's place */
            pf_free(out->caption);
            out->caption = NULL;
        }
        if (!read_text(out, w, field, text, n, err))
            return false;
    }
    return true;
}

void pf_words_doc_reset(pf_words_doc *d)
{
    for (size_t i = 0; i < d->room; i++)
        pf_words_text_reset(&d->text[i]);
    pf_free(d->text);
    pf_free(d->caption);
    *d = (pf_words_doc){0};
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

/* How often a leaf is said, where it counts. */
static uint32_t count_leaf(const pf_words_text *text, const pf_words_query *q,
                           const pf_leaf *l)
{
    const pf_terms *t = &text->terms;
    uint32_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += pf_words_leaf_is_at(t, q, l, i) &&
             pf_words_leaf_counts(text, l, i, i + l->n_words - 1);
    if (l->kind == PF_LEAF_PREFIX || l->n_words != 1)
        return n;
    const char *word = pf_words_query_word(q, l, 0);
    for (size_t i = 0; i < t->n_wholes; i++) {
        const pf_whole *w = &t->wholes[i];
        n += strcmp(word, t->chars + w->stem) == 0 &&
             pf_words_leaf_counts(text, l, w->first, w->last);
    }
    return n;
}

static pf_found find_in(const pf_words_text *text, const pf_words_query *q,
                        const pf_word_group *g, double size, double usual_size)
{
    uint32_t times = 0;
    pf_said said = PF_SAID_NEARLY;
    for (size_t i = 0; i < g->n_leaves; i++) {
        const pf_leaf *l = &q->leaves[g->first_leaf + i];
        const uint32_t n = count_leaf(text, q, l);
        times += n;
        if (n > 0 && l->said < said)
            said = l->said;
    }
    return times > 0 ? pf_weigh_found(text->field, said, times, size, usual_size)
                     : (pf_found){0};
}

pf_found pf_words_doc_find(const pf_words_doc *d, const pf_words_query *q,
                           const pf_word_group *g, pf_field_set fields,
                           double usual_size)
{
    pf_found best = {0};
    for (size_t i = 0; i < d->n; i++) {
        if (!pf_field_set_has(fields, d->text[i].field))
            continue;
        const pf_found f = find_in(&d->text[i], q, g, (double)d->size, usual_size);
        if (pf_found_is_better(&f, &best))
            best = f;
    }
    return best;
}

/* ---- what is denied, in short ---------------------------------------------------- */

uint64_t pf_words_bit(const char *stem)
{
    const pf_hash hash = pf_hash_bytes(stem, strlen(stem));
    return (uint64_t)1 << (hash.b[0] & 63);
}

static uint64_t denied_in(const pf_words_text *text)
{
    const pf_terms *t = &text->terms;
    uint64_t bits = 0;
    if (text->negations.n == 0)
        return 0;
    for (size_t i = 0; i < t->n; i++) {
        if (pf_negations_cover(&text->negations, i, i))
            bits |= pf_words_bit(pf_terms_stem(t, i));
    }
    for (size_t i = 0; i < t->n_wholes; i++) {
        const pf_whole *w = &t->wholes[i];
        if (pf_negations_cover(&text->negations, w->first, w->last))
            bits |= pf_words_bit(t->chars + w->stem);
    }
    return bits;
}

uint64_t pf_words_doc_denied(const pf_words_doc *d)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < d->n; i++)
        bits |= denied_in(&d->text[i]);
    return bits;
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
    pf_words_doc doc = {0};
    bool present[PF_WORDS_MAX_GROUPS];
    const pf_words_said said = {.caption = text};
    const bool ok =
        pf_words_parse(&q, w, question, err) && pf_words_doc_read(&doc, w, &said, err);
    for (size_t g = 0; ok && g < q.n_groups; g++) {
        const pf_found f = pf_words_doc_find(&doc, &q, &q.groups[g], PF_FIELDS_ALL, 0);
        present[g] = pf_found_is_there(&f);
    }
    *out = ok && pf_words_query_fits(&q, present);
    pf_words_doc_reset(&doc);
    pf_words_query_reset(&q);
    return ok;
}
