/*
 * negex.c - see negex.h.
 *
 * The text is read once, and at each term the longest phrase of the list that begins
 * there is taken: so "no change" is not "no", and "is not seen" not "not". What a
 * phrase denies reaches
 *
 *   pre    forward, from behind the phrase
 *   post   backward, from before it
 *
 * to the end of the sentence (full stop, semicolon, ...), to the next phrase that
 * denies or that is a `stop`, and no further than WINDOW words. NegEx has a window of
 * five "tokens", where a disease of several words is one; here a disease is as many
 * words as it has, so the window is a little wider, and each comma, "or", "and" begins
 * it anew: reports deny long lists.
 *
 * NegEx does not look at commas. "No pneumothorax, large effusion" is common enough to
 * be worth a rule: the comma ends it when a statement of its own follows (`new` at its
 * beginning, `verb` anywhere in it) and no "or" comes later, since "no consolidation,
 * large effusion or pneumothorax" is still one list.
 */
#include "core/words/negex.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/words/texts.h"

enum {
    WINDOW = 6,
    PHRASES_MAX = 4096,
    PHRASE_WORDS_MAX = 8,
    LINE_MAX_BYTES = 256,
};

typedef enum { NOTHING, PRE, POST, PSEUDO, STOP, NEW, VERB, N_KINDS } kind;

static const char *const kind_names[N_KINDS] = {"",     "pre", "post", "pseudo",
                                                "stop", "new", "verb"};

/* In `kinds`: of the phrase a term belongs to, and whether it is its first; what comes
 * later in its sentence. */
enum { KIND_MASK = 15, IS_FIRST = 16, OR_LATER = 32, VERB_LATER = 64 };

typedef struct {
    char *words[PHRASE_WORDS_MAX]; /* owned, as pf_terms_plain() */
    size_t n_words;
    kind kind;
} phrase;

struct pf_negex {
    phrase *at; /* by their first word, longer ones first */
    size_t n;
};

/* ---- the list -------------------------------------------------------------------- */

static int by_word_then_length(const void *a, const void *b)
{
    const phrase *x = a, *y = b;
    const int order = strcmp(x->words[0], y->words[0]);
    if (order != 0)
        return order;
    if (x->n_words != y->n_words)
        return x->n_words > y->n_words ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind); /* pre before post */
}

static bool find_kind(const char *name, size_t n, kind *out)
{
    for (int k = PRE; k < N_KINDS; k++) {
        if (strlen(kind_names[k]) == n && memcmp(kind_names[k], name, n) == 0) {
            *out = (kind)k;
            return true;
        }
    }
    return false;
}

static bool copy_words(phrase *p, const pf_terms *terms, pf_err *err)
{
    for (; p->n_words < terms->n; p->n_words++) {
        p->words[p->n_words] = pf_strdup(pf_terms_plain(terms, p->n_words), err);
        if (!p->words[p->n_words])
            return false;
    }
    return true;
}

/* "kind phrase"; empty lines and those that begin with '#' are passed over. */
static bool add_line(pf_negex *x, const char *line, size_t n, pf_terms *terms,
                     pf_err *err)
{
    const char *space = memchr(line, ' ', n);
    const size_t n_name = space ? (size_t)(space - line) : n;
    kind k;
    if (n == 0 || line[0] == '#')
        return true;
    if (!space || !find_kind(line, n_name, &k))
        return pf_fail(err, PF_ERR_FORMAT,
                       "a line begins with none of pre, post, "
                       "pseudo, stop, new, verb");
    if (!pf_terms_read(terms, space, n - n_name, err))
        return false;
    if (terms->n == 0 || terms->n > PHRASE_WORDS_MAX)
        return pf_fail(err, PF_ERR_FORMAT, "a phrase has %zu words, expected 1 to %d",
                       terms->n, PHRASE_WORDS_MAX);
    if (x->n == PHRASES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "there are more than %d phrases",
                       PHRASES_MAX);
    x->at[x->n].kind = k;
    return copy_words(&x->at[x->n++], terms, err);
}

bool pf_negex_parse(pf_negex **out, const char *text, size_t n, const char *name,
                    pf_err *err)
{
    *out = NULL;
    pf_terms terms = {0};
    pf_negex *x = pf_zalloc(sizeof *x, err);
    bool ok = x && (x->at = pf_alloc_array(PHRASES_MAX, sizeof *x->at, err));
    pf_lines lines = pf_lines_of(text, n);
    for (const char *line; ok && pf_lines_next(&lines, &line, &n);)
        ok = add_line(x, line, n, &terms, err) ||
             pf_fail_in(err, "'%s', line %zu", name, lines.number);
    pf_terms_reset(&terms);
    if (!ok) {
        pf_negex_free(x);
        return false;
    }
    qsort(x->at, x->n, sizeof *x->at, by_word_then_length);
    *out = x;
    return true;
}

bool pf_negex_new(pf_negex **out, pf_err *err)
{
    return pf_negex_parse(out, pf_text_negex, pf_text_negex_size, "negex.txt", err);
}

void pf_negex_free(pf_negex *x)
{
    if (!x)
        return;
    for (size_t i = 0; x->at && i < x->n; i++) {
        for (size_t k = 0; k < x->at[i].n_words; k++)
            pf_free(x->at[i].words[k]);
    }
    pf_free(x->at);
    pf_free(x);
}

/* ---- phrases in a text ----------------------------------------------------------- */

static bool is_at(const phrase *p, const pf_terms *t, size_t i)
{
    if (p->n_words > t->n - i)
        return false;
    for (size_t k = 0; k < p->n_words; k++) {
        if ((k > 0 && t->at[i + k].gap != PF_GAP_SPACE) ||
            strcmp(p->words[k], pf_terms_plain(t, i + k)) != 0)
            return false;
    }
    return true;
}

/* The first of the phrases that begin with this word, or n. */
static size_t first_with(const pf_negex *x, const char *word)
{
    size_t low = 0, high = x->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(x->at[middle].words[0], word) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Does a statement end before term i, or go on with a circumstance? */
static bool is_at_end(const pf_terms *t, size_t i)
{
    static const char *const circumstances[] = {"on", "by",    "with", "at",
                                                "in", "after", "today"};
    if (i == t->n || t->at[i].gap != PF_GAP_SPACE)
        return true;
    for (size_t k = 0; k < sizeof circumstances / sizeof *circumstances; k++) {
        if (strcmp(pf_terms_plain(t, i), circumstances[k]) == 0)
            return true;
    }
    return false;
}

/* The longest phrase that begins with term i; "ruled out" and "absent" may stand before
 * or behind what they deny: behind it at the end of a statement. */
static const phrase *phrase_at(const pf_negex *x, const pf_terms *t, size_t i)
{
    const char *word = pf_terms_plain(t, i);
    const phrase *found = NULL;
    for (size_t k = first_with(x, word); k < x->n; k++) {
        const phrase *p = &x->at[k];
        if (strcmp(p->words[0], word) != 0 || (found && p->n_words < found->n_words))
            break;
        if (!is_at(p, t, i))
            continue;
        const bool is_first = i == 0 || t->at[i].gap == PF_GAP_STOP;
        if (!found || (p->kind == POST && !is_first && is_at_end(t, i + p->n_words)))
            found = p;
    }
    return found;
}

static bool make_room(pf_negations *out, size_t n, pf_err *err)
{
    while (out->room_kinds < n) {
        if (!pf_grow_array(&out->kinds, &out->room_kinds, out->room_kinds,
                           sizeof *out->kinds, err))
            return false;
    }
    while (out->room_reach < n) {
        if (!pf_grow_array(&out->reach, &out->room_reach, out->room_reach,
                           sizeof *out->reach, err))
            return false;
    }
    return true;
}

static void find_phrases(const pf_negex *x, const pf_terms *t, pf_negations *out)
{
    for (size_t i = 0; i < t->n;) {
        const phrase *p = phrase_at(x, t, i);
        out->kinds[i] = p ? (uint8_t)(p->kind | IS_FIRST) : NOTHING;
        for (size_t k = 1; p && k < p->n_words; k++)
            out->kinds[i + k] = (uint8_t)p->kind;
        i += p ? p->n_words : 1;
    }
}

/* ---- how far they reach ---------------------------------------------------------- */

typedef struct {
    const pf_terms *t;
    const uint8_t *kinds;
} reading;

static kind kind_of(const reading *r, size_t i)
{
    return (kind)(r->kinds[i] & KIND_MASK);
}

static bool is_word(const reading *r, size_t i, const char *word)
{
    return strcmp(pf_terms_plain(r->t, i), word) == 0;
}

static bool joins_list(const reading *r, size_t i)
{
    return is_word(r, i, "or") || is_word(r, i, "nor") || is_word(r, i, "and");
}

/* Note what follows each term, itself included: an "or" in this sentence, before a
 * STOP; a verb before the next comma. From the end, so that each term is looked at
 * once, however long a sentence is. */
static void look_ahead(const reading *r, uint8_t *kinds)
{
    uint8_t later = 0;
    for (size_t i = r->t->n; i-- > 0;) {
        const kind k = kind_of(r, i);
        const pf_gap gap = i + 1 < r->t->n ? r->t->at[i + 1].gap : PF_GAP_STOP;
        if (gap == PF_GAP_STOP || k == STOP)
            later &= (uint8_t)~OR_LATER;
        if (gap != PF_GAP_SPACE)
            later &= (uint8_t)~VERB_LATER;
        if (k != STOP && (is_word(r, i, "or") || is_word(r, i, "nor")))
            later |= OR_LATER;
        if (k == VERB)
            later |= VERB_LATER;
        kinds[i] |= later;
    }
}

/* Does a statement of its own begin with term i, which stands behind a comma or "and"?
 */
static bool begins_statement(const reading *r, size_t i)
{
    return !(r->kinds[i] & OR_LATER) &&
           (kind_of(r, i) == NEW || (r->kinds[i] & VERB_LATER));
}

/* One behind the last term that a phrase ending before `from` denies. */
static size_t reach_forward(const reading *r, size_t from)
{
    size_t i = from;
    for (int words = 0; i < r->t->n && words < WINDOW; i++, words++) {
        const pf_gap gap = r->t->at[i].gap;
        const kind k = kind_of(r, i);
        if (gap == PF_GAP_STOP || k == STOP || k == PRE)
            break;
        const bool is_behind_and = i > from && is_word(r, i - 1, "and");
        if ((gap == PF_GAP_COMMA || is_behind_and) && i > from &&
            begins_statement(r, i))
            break;
        if (gap == PF_GAP_COMMA || joins_list(r, i))
            words = -1;
    }
    return i;
}

/* The first term that a phrase beginning at `from` denies. */
static size_t reach_backward(const reading *r, size_t from)
{
    size_t i = from;
    for (int words = 0; i > 0 && words < WINDOW; i--, words++) {
        const pf_gap gap = r->t->at[i].gap;
        const kind k = kind_of(r, i - 1);
        if (gap == PF_GAP_STOP || k == STOP || k == VERB || k == PRE || k == POST)
            break;
        if (gap == PF_GAP_COMMA || joins_list(r, i - 1))
            words = -1;
    }
    return i;
}

static bool add(pf_negations *out, pf_negation negation, pf_err *err)
{
    if (!pf_grow_array(&out->at, &out->room, out->n, sizeof *out->at, err))
        return false;
    out->at[out->n++] = negation;
    return true;
}

/* For each term one behind the last that is denied by a phrase which denies it, or some
 * term before it: so one look tells whether a phrase denies all of first .. last. */
static void find_reach(pf_negations *out, size_t n_terms)
{
    for (size_t i = 0; i < n_terms; i++)
        out->reach[i] = 0;
    for (size_t i = 0; i < out->n; i++) {
        const pf_negation *n = &out->at[i];
        if (n->first <= n->last && out->reach[n->first] <= n->last)
            out->reach[n->first] = n->last + 1;
    }
    for (size_t i = 1; i < n_terms; i++) {
        if (out->reach[i] < out->reach[i - 1])
            out->reach[i] = out->reach[i - 1];
    }
}

bool pf_negex_find(const pf_negex *x, const pf_terms *t, pf_negations *out, pf_err *err)
{
    out->n = 0;
    if (!make_room(out, t->n, err))
        return false;
    find_phrases(x, t, out);
    const reading r = {t, out->kinds};
    look_ahead(&r, out->kinds);
    for (size_t i = 0, end; i < t->n; i = end) {
        for (end = i + 1; end < t->n && !(out->kinds[end] & IS_FIRST) &&
                          kind_of(&r, end) != NOTHING;)
            end++;
        pf_negation n = {.phrase_first = (uint32_t)i,
                         .phrase_last = (uint32_t)(end - 1),
                         .first = 1};
        const kind k = kind_of(&r, i);
        if (k == PRE) {
            n.first = (uint32_t)end;
            n.last = (uint32_t)reach_forward(&r, end) - 1;
        } else if (k == POST && i > 0) {
            n.first = (uint32_t)reach_backward(&r, i);
            n.last = (uint32_t)i - 1;
        }
        if ((k == PRE || k == POST) && !add(out, n, err))
            return false;
    }
    find_reach(out, t->n);
    return true;
}

void pf_negations_reset(pf_negations *negations)
{
    pf_free(negations->at);
    pf_free(negations->kinds);
    pf_free(negations->reach);
    *negations = (pf_negations){0};
}

bool pf_negations_cover(const pf_negations *negations, size_t first, size_t last)
{
    return negations->n > 0 && negations->reach[first] > last;
}

bool pf_negations_has_phrase(const pf_negations *negations, size_t term)
{
    if (negations->n == 0)
        return false;
    const kind k = (kind)(negations->kinds[term] & KIND_MASK);
    return k == PRE || k == POST;
}
