/*
 * words_query.c - see words_query.h. Three passes:
 *
 *   1. lex(): quotes, brackets and operators are found in the text and blotted out of a
 *      copy of the same length; an operator leaves the end of a sentence there.
 *   2. The copy is read as terms, and NegEx is run over them, as over a caption. Terms
 *      become groups.
 *   3. Groups and operators become steps (the shunting-yard algorithm, E. W. Dijkstra,
 *      1961); whatever does not work out leaves no steps.
 */
#include "core/words/words_query.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/words/stem.h"

enum {
    LEXEMES_MAX = 4 * PF_WORDS_MAX_GROUPS,
    LEAVES_PER_GROUP = 32,
};

typedef enum { QUOTED, AND, OR, NOT, OPEN, CLOSE } lexeme_kind;

typedef struct {
    lexeme_kind kind;
    size_t start, end; /* of a quoted phrase, without the quotes */
} lexeme;

typedef struct {
    pf_words_query *q;
    const pf_words_options *options;
    pf_err *err;
    const char *text;
    size_t n;
    char *copy; /* [n] */
    lexeme lexemes[LEXEMES_MAX];
    size_t n_lexemes;
    bool has_operator;
    pf_terms terms;
    pf_negations negations;
    bool keeps_all; /* words that say nothing, too: there are no others */
} parser;

/* ---- memory that grows ----------------------------------------------------------- */

static bool add_word(parser *p, const char *word)
{
    pf_words_query *q = p->q;
    const size_t n = strlen(word) + 1;
    if (!pf_grow_array(&q->words, &q->room_words, q->n_words, sizeof *q->words, p->err))
        return false;
    while (q->room_chars < q->n_chars + n) {
        if (!pf_grow_array(&q->chars, &q->room_chars, q->room_chars, 1, p->err))
            return false;
    }
    memcpy(q->chars + q->n_chars, word, n);
    q->words[q->n_words++] = (uint32_t)q->n_chars;
    q->n_chars += n;
    return true;
}

/* A leaf of the last group, whose words follow; its mentions count as the group says.
 */
static bool add_leaf(parser *p, pf_leaf_kind kind, size_t n_words)
{
    pf_words_query *q = p->q;
    pf_word_group *group = &q->groups[q->n_groups - 1];
    if (!pf_grow_array(&q->leaves, &q->room_leaves, q->n_leaves, sizeof *q->leaves,
                       p->err))
        return false;
    q->leaves[q->n_leaves++] = (pf_leaf){.kind = kind,
                                         .wants_denied = group->wants_denied,
                                         .first_word = (uint32_t)q->n_words,
                                         .n_words = (uint32_t)n_words};
    group->n_leaves++;
    return true;
}

/* ---- 1: quotes, brackets, operators ---------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(const parser *p, size_t i)
{
    return i >= p->n || is_space(p->text[i]) || strchr("()\"", p->text[i]);
}

/* The operator that stands at i, as a word of its own; its length or 0. */
static size_t operator_at(const parser *p, size_t i, lexeme_kind *kind)
{
    static const struct {
        const char *word;
        lexeme_kind kind;
    } operators[] = {{"AND", AND}, {"OR", OR}, {"NOT", NOT}};
    if (i > 0 && !ends_word(p, i - 1))
        return 0;
    for (size_t k = 0; k < sizeof operators / sizeof *operators; k++) {
        const size_t n = strlen(operators[k].word);
        if (n <= p->n - i && memcmp(p->text + i, operators[k].word, n) == 0 &&
            ends_word(p, i + n)) {
            *kind = operators[k].kind;
            return n;
        }
    }
    return 0;
}

static void add_lexeme(parser *p, lexeme_kind kind, size_t start, size_t end)
{
    if (p->n_lexemes == LEXEMES_MAX) {
        p->q->is_cut = true;
        return;
    }
    p->lexemes[p->n_lexemes++] = (lexeme){kind, start, end};
}

/* What stands at i; how many bytes it takes. A quote without an end is a space. */
static size_t lex_one(parser *p, size_t i)
{
    const char c = p->text[i];
    lexeme_kind kind;
    if (c == '"') {
        const char *end = memchr(p->text + i + 1, '"', p->n - i - 1);
        p->copy[i] = ' ';
        if (!end)
            return 1;
        const size_t last = (size_t)(end - p->text);
        p->copy[last] = ' ';
        add_lexeme(p, QUOTED, i + 1, last);
        return last - i + 1;
    }
    if (c == '(' || c == ')') {
        p->copy[i] = ' ';
        add_lexeme(p, c == '(' ? OPEN : CLOSE, i, i + 1);
        return 1;
    }
    const size_t n = operator_at(p, i, &kind);
    if (n > 0) {
        memset(p->copy + i, ';', n);
        add_lexeme(p, kind, i, i + n);
        p->has_operator = true;
    }
    return n > 0 ? n : 1;
}

static bool lex(parser *p)
{
    p->copy = pf_alloc_array(p->n + 1, 1, p->err);
    if (!p->copy)
        return false;
    memcpy(p->copy, p->text, p->n);
    for (size_t i = 0; i < p->n;)
        i += lex_one(p, i);
    return true;
}

/* ---- 2: groups ------------------------------------------------------------------- */

/* One behind the last term that lies in the bytes before `end`. */
static size_t terms_until(const parser *p, size_t i, size_t end)
{
    while (i < p->terms.n && p->terms.at[i].start < end)
        i++;
    return i;
}

static bool is_number(const char *s)
{
    return s[strspn(s, "0123456789.")] == '\0';
}

static bool is_unit(const char *s)
{
    static const char *const units[] = {
        "mm",         "cm",          "ml",         "cc",
        "mg",         "kg",          "hu",         "t",
        "millimeter", "millimeters", "millimetre", "millimetres",
        "centimeter", "centimeters", "centimetre", "centimetres"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i], s) == 0)
            return true;
    }
    return false;
}

/* One behind the last term of the compound that begins with term i: what is written as
 * one, or a number and its unit. */
static size_t end_of_compound(const parser *p, size_t i, size_t end)
{
    const pf_terms *t = &p->terms;
    size_t k = i + 1;
    while (k < end && t->at[k].is_joined)
        k++;
    if (k == i + 1 && k < end && t->at[k].gap == PF_GAP_SPACE &&
        is_number(pf_terms_plain(t, i)) && is_unit(pf_terms_plain(t, k)))
        k++;
    return k;
}

static bool says_nothing(const char *word)
{
    static const char *const words[] = {
        "a",     "an",    "and",  "are", "as",  "at",   "be",    "been", "but",
        "by",    "for",   "from", "had", "has", "have", "in",    "into", "is",
        "it",    "its",   "of",   "on",  "or",  "than", "that",  "the",  "their",
        "there", "these", "this", "to",  "was", "were", "which", "with",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

/* Do terms i .. end-1 say nothing, or only that something is denied? */
static bool is_passed_over(const parser *p, size_t i, size_t end)
{
    for (; i < end; i++) {
        if (p->keeps_all || (!says_nothing(pf_terms_plain(&p->terms, i)) &&
                             !pf_negations_has_phrase(&p->negations, i)))
            return false;
    }
    return true;
}

/* A new group for terms first .. last. */
static bool add_group(parser *p, size_t first, size_t last)
{
    pf_words_query *q = p->q;
    if (q->n_groups == PF_WORDS_MAX_GROUPS) {
        q->is_cut = true;
        return false;
    }
    q->groups[q->n_groups++] = (pf_word_group){
        .first_leaf = (uint32_t)q->n_leaves,
        .wants_denied = pf_negations_cover(&p->negations, first, last),
        .start = p->terms.at[first].start,
        .end = p->terms.at[last].end,
    };
    return true;
}

static bool add_terms(parser *p, pf_leaf_kind kind, size_t first, size_t last)
{
    bool ok = add_leaf(p, kind, last - first + 1);
    for (size_t i = first; ok && i <= last; i++)
        ok = add_word(p, kind == PF_LEAF_PREFIX ? pf_terms_plain(&p->terms, i)
                                                : pf_terms_stem(&p->terms, i));
    return ok;
}

/* The name under which a caption has the compound first .. last as a whole. */
static bool add_whole(parser *p, size_t first, size_t last)
{
    for (size_t i = 0; i < p->terms.n_wholes; i++) {
        const pf_whole *w = &p->terms.wholes[i];
        if (w->first == first && w->last == last)
            return add_leaf(p, PF_LEAF_WHOLE, 1) &&
                   add_word(p, p->terms.chars + w->stem);
    }
    return true;
}

/* Another name, of something that is denied in the question or not. One that begins
 * with "without" is the rest of it, denied. */
static bool add_synonym(parser *p, const pf_synonym *name, bool is_denied)
{
    const size_t from = name->is_denied;
    if (!add_leaf(p, PF_LEAF_STEMS, name->n_stems - from))
        return false;
    pf_leaf *leaf = &p->q->leaves[p->q->n_leaves - 1];
    leaf->wants_denied = is_denied != name->is_denied;
    leaf->said = name->is_near ? PF_SAID_NEARLY : PF_SAID_BY_NAME;
    for (size_t w = from; w < name->n_stems; w++) {
        if (!add_word(p, name->stems[w]))
            return false;
    }
    return true;
}

/* A name with synonyms, while its words are gone through. */
typedef struct {
    pf_synonyms_found found;
    size_t end; /* one behind its last term */
    bool is_denied;
} expansion;

/* Other names for something of which the last group is a part. */
static bool add_synonyms(parser *p, const expansion *x)
{
    const pf_word_group *g = &p->q->groups[p->q->n_groups - 1];
    for (size_t k = 0; k < x->found.n; k++) {
        const pf_synonym *name = &x->found.names[k];
        size_t n;
        const pf_synonym *const *group =
            pf_synonyms_group(p->options->synonyms, name->group, &n);
        for (size_t i = 0; i < n; i++) {
            if (group[i] == name)
                continue;
            if (g->n_leaves == LEAVES_PER_GROUP)
                return true;
            if (!add_synonym(p, group[i], x->is_denied))
                return false;
        }
    }
    return true;
}

/* The longest name that begins with term i, before `end`. */
static expansion find_name(const parser *p, size_t i, size_t end)
{
    expansion x = {0};
    if (p->options->synonyms)
        x.found = pf_synonyms_find(p->options->synonyms, &p->terms, i, end);
    x.end = i + x.found.n_terms;
    x.is_denied = x.found.n > 0 && pf_negations_cover(&p->negations, i, x.end - 1);
    return x;
}

/* Of the name that the group of terms i .. next-1 is a part of, and of itself: a stone
 * in the kidney is a kidney stone, but not in these words. */
static bool add_all_synonyms(parser *p, const expansion *whole, size_t i, size_t next)
{
    if (i < whole->end && !add_synonyms(p, whole))
        return false;
    const expansion own = find_name(p, i, next);
    return own.end != next || own.found.names == whole->found.names ||
           add_synonyms(p, &own);
}

/* The plain words among terms i .. end-1. Returns false when there is no memory, and
 * without an error when there is no room. */
static bool add_plain(parser *p, size_t i, size_t end)
{
    expansion x = {0};
    for (size_t next; i < end; i = next) {
        next = end_of_compound(p, i, end);
        if (i >= x.end)
            x = find_name(p, i, end);
        const size_t behind = p->terms.at[next - 1].end;
        const bool is_prefix = behind < p->n && p->text[behind] == '*';
        if (!is_prefix && is_passed_over(p, i, next))
            continue;
        if (!add_group(p, i, next - 1) ||
            !add_terms(p, is_prefix ? PF_LEAF_PREFIX : PF_LEAF_STEMS, i, next - 1) ||
            (!is_prefix && !add_whole(p, i, next - 1)))
            return false;
        pf_word_group *group = &p->q->groups[p->q->n_groups - 1];
        group->n_typed = group->n_leaves;
        if (!is_prefix && !add_all_synonyms(p, &x, i, next))
            return false;
    }
    return true;
}

/* "gall bladder" as the one word that others make of it: at most three terms. */
static bool add_joined(parser *p, size_t first, size_t end)
{
    char word[3 * PF_TERMS_MAX_WORD + PF_STEM_ROOM];
    size_t n = 0;
    if (end - first < 2 || end - first > 3)
        return true;
    for (size_t i = first; i < end; i++) {
        const char *plain = pf_terms_plain(&p->terms, i);
        memcpy(word + n, plain, strlen(plain));
        n += strlen(plain);
    }
    if (n > PF_TERMS_MAX_WORD)
        return true;
    n = pf_stem(word, n);
    word[n] = '\0';
    return add_leaf(p, PF_LEAF_WHOLE, 1) && add_word(p, word);
}

static bool add_quoted(parser *p, size_t first, size_t end)
{
    if (first == end)
        return true;
    bool is_compound = true;
    for (size_t i = first + 1; i < end; i++)
        is_compound = is_compound && p->terms.at[i].is_joined;
    if (!add_group(p, first, end - 1) || !add_terms(p, PF_LEAF_STEMS, first, end - 1) ||
        !(is_compound ? add_whole(p, first, end - 1) : add_joined(p, first, end)))
        return false;
    pf_word_group *group = &p->q->groups[p->q->n_groups - 1];
    group->n_typed = group->n_leaves;
    return true;
}

static bool add_groups(parser *p)
{
    size_t i = 0;
    p->q->n_groups = p->q->n_leaves = p->q->n_words = p->q->n_chars = 0;
    for (size_t k = 0; k < p->n_lexemes; k++) {
        const lexeme *l = &p->lexemes[k];
        const size_t begin = terms_until(p, i, l->start);
        const size_t end = l->kind == QUOTED ? terms_until(p, begin, l->end) : begin;
        if (!add_plain(p, i, begin) || !add_quoted(p, begin, end))
            return p->err->code == PF_OK;
        i = end;
    }
    return add_plain(p, i, p->terms.n) || p->err->code == PF_OK;
}

/* ---- 3: steps -------------------------------------------------------------------- */

typedef struct {
    parser *p;
    lexeme_kind stack[2 * LEXEMES_MAX + PF_WORDS_MAX_GROUPS];
    size_t depth;
    size_t n_values; /* that the steps so far leave */
    bool after_value;
} yard;

static bool emit(yard *y, int step)
{
    pf_words_query *q = y->p->q;
    if (step < 0) {
        if (y->n_values < 2)
            return false;
        y->n_values--;
    } else {
        y->n_values++;
    }
    if (!pf_grow_array(&q->steps, &q->room_steps, q->n_steps, sizeof *q->steps,
                       y->p->err))
        return false;
    q->steps[q->n_steps++] = step;
    return true;
}

static bool pop(yard *y)
{
    const lexeme_kind op = y->stack[--y->depth];
    return emit(y, op == AND ? PF_STEP_AND : op == OR ? PF_STEP_OR : PF_STEP_AND_NOT);
}

static int strength(lexeme_kind op)
{
    return op == NOT ? 3 : op == AND ? 2 : 1;
}

/* `a AND NOT b` is `a NOT b`: the AND is taken back. */
static bool push_operator(yard *y, lexeme_kind op)
{
    if (op == NOT && !y->after_value && y->depth > 0 && y->stack[y->depth - 1] == AND) {
        y->stack[y->depth - 1] = NOT;
        return true;
    }
    if (!y->after_value)
        return false;
    while (y->depth > 0 && y->stack[y->depth - 1] != OPEN &&
           strength(y->stack[y->depth - 1]) >= strength(op)) {
        if (!pop(y))
            return false;
    }
    y->stack[y->depth++] = op;
    y->after_value = false;
    return true;
}

static bool push_value(yard *y, size_t group)
{
    if (y->after_value && !push_operator(y, AND))
        return false;
    y->after_value = true;
    return emit(y, (int)group);
}

static bool push_lexeme(yard *y, lexeme_kind kind)
{
    if (kind == OPEN) {
        if (y->after_value && !push_operator(y, AND))
            return false;
        y->stack[y->depth++] = OPEN;
        return true;
    }
    if (kind != CLOSE)
        return push_operator(y, kind);
    if (!y->after_value)
        return false;
    while (y->depth > 0 && y->stack[y->depth - 1] != OPEN) {
        if (!pop(y))
            return false;
    }
    if (y->depth == 0)
        return false;
    y->depth--;
    return true;
}

/* Groups and lexemes in the order of the text. */
static bool run_yard(yard *y)
{
    const parser *p = y->p;
    size_t g = 0;
    for (size_t k = 0; k <= p->n_lexemes; k++) {
        const size_t until = k < p->n_lexemes ? p->lexemes[k].start : p->n;
        for (; g < p->q->n_groups && p->q->groups[g].start < until; g++) {
            if (!push_value(y, g))
                return false;
        }
        if (k < p->n_lexemes && p->lexemes[k].kind != QUOTED &&
            !push_lexeme(y, p->lexemes[k].kind))
            return false;
    }
    while (y->depth > 0) {
        if (y->stack[y->depth - 1] == OPEN || !pop(y))
            return false;
    }
    return y->n_values == 1;
}

/* Which groups stand behind a NOT: the steps are run with, for each value, where its
 * groups begin. Groups are pushed in their order, so a value is a run of them. */
static void mark_excluded(pf_words_query *q)
{
    size_t begins[PF_WORDS_MAX_GROUPS], depth = 0, pushed = 0;
    for (size_t i = 0; i < q->n_steps; i++) {
        if (q->steps[i] >= 0) {
            begins[depth++] = pushed++;
            continue;
        }
        depth--;
        for (size_t g = begins[depth]; q->steps[i] == PF_STEP_AND_NOT && g < pushed;
             g++)
            q->groups[g].is_excluded = true;
    }
}

static bool add_steps(parser *p)
{
    if (!p->has_operator || p->q->is_cut)
        return true;
    yard *y = pf_zalloc(sizeof *y, p->err);
    if (!y)
        return false;
    y->p = p;
    if (!run_yard(y))
        p->q->n_steps = 0;
    pf_free(y);
    mark_excluded(p->q);
    return p->err->code == PF_OK; /* else there was no memory */
}

/* ---- all of it ------------------------------------------------------------------- */

static bool parse(parser *p)
{
    pf_words_query *q = p->q;
    q->groups = pf_alloc_array(PF_WORDS_MAX_GROUPS, sizeof *q->groups, p->err);
    if (!q->groups || !lex(p) || !pf_terms_read(&p->terms, p->copy, p->n, p->err))
        return false;
    if (p->options->negex &&
        !pf_negex_find(p->options->negex, &p->terms, &p->negations, p->err))
        return false;
    if (!add_groups(p))
        return false;
    p->keeps_all = q->n_groups == 0;
    if (p->keeps_all && !add_groups(p))
        return false;
    if (q->n_groups == 0)
        return pf_fail(p->err, PF_ERR_MISUSE, "there is no word to look for");
    return add_steps(p);
}

bool pf_words_query_parse(pf_words_query *out, const char *text, size_t n,
                          const pf_words_options *options, pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    parser *p = pf_zalloc(sizeof *p, err);
    if (!p)
        return false;
    p->q = out;
    p->options = options;
    p->err = &local;
    p->text = text;
    p->n = n > PF_WORDS_MAX_TEXT ? PF_WORDS_MAX_TEXT : n;
    out->is_cut = n > PF_WORDS_MAX_TEXT;
    const bool ok = parse(p);
    pf_terms_reset(&p->terms);
    pf_negations_reset(&p->negations);
    pf_free(p->copy);
    pf_free(p);
    if (ok)
        return true;
    pf_words_query_reset(out);
    return pf_fail_as(err, &local);
}

void pf_words_query_reset(pf_words_query *q)
{
    pf_free(q->groups);
    pf_free(q->leaves);
    pf_free(q->words);
    pf_free(q->chars);
    pf_free(q->steps);
    *q = (pf_words_query){0};
}

/* ---- using it -------------------------------------------------------------------- */

bool pf_words_query_needs_all(const pf_words_query *q)
{
    for (size_t i = 0; i < q->n_steps; i++) {
        if (q->steps[i] == PF_STEP_OR)
            return false;
    }
    return q->n_steps > 0 || q->n_groups == 1;
}

bool pf_words_query_fits(const pf_words_query *q, const bool *present)
{
    bool stack[PF_WORDS_MAX_GROUPS];
    size_t depth = 0;
    for (size_t i = 0; i < q->n_steps; i++) {
        const int step = q->steps[i];
        if (step >= 0) {
            stack[depth++] = present[step];
            continue;
        }
        const bool right = stack[--depth], left = stack[depth - 1];
        stack[depth - 1] = step == PF_STEP_AND  ? left && right
                           : step == PF_STEP_OR ? left || right
                                                : left && !right;
    }
    if (q->n_steps > 0)
        return stack[0];
    for (size_t g = 0; g < q->n_groups; g++) {
        if (present[g])
            return true;
    }
    return false;
}
