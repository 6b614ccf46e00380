/*
 * missing.c - see missing.h. FTS5 is asked for each word of the question whether there
 * is any row; only when there is none, the words of captions that are about as long go
 * by, and the nearest are kept for each that is missing: of equally near ones those
 * with its first letter first. Two words with one stem are one suggestion, and how many
 * captions have it is how many have that stem.
 */
#include "core/search/missing.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/spelling.h"
#include "core/words/stem.h"
#include "core/words/words_text.h"

enum {
    LEAST_LETTERS = 4, /* a shorter word is near to too many */
    FEW_LETTERS = 5,   /* of which one at most may be another */
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

typedef struct {
    char word[PF_SPELLING_MAX + 1], stem[PF_SPELLING_MAX + PF_STEM_ROOM + 1];
    size_t distance;
    bool begins_so;   /* with the same letter */
    int64_t captions; /* with the word as it stands */
} near_word;

/* A word that is missing, with those that are nearest so far, the nearest first. */
typedef struct {
    char *typed; /* owned */
    const char *plain;
    size_t n_plain; /* 0: nothing is looked for */
    uint32_t set;   /* of its letters, as bits */
    near_word near[PF_SUGGESTIONS_MAX];
    size_t n_near;
} missing;

typedef struct {
    missing at[PF_MISSING_MAX];
    size_t n, n_seen;
    pf_field_set fields; /* 0: all */
} search;

/* ---- which are missing ----------------------------------------------------------- */

static uint32_t letters_of(const char *word, size_t n)
{
    uint32_t set = 0;
    for (size_t i = 0; i < n; i++)
        set |= (uint32_t)1 << (word[i] - 'a');
    return set;
}

/* Is what was typed one word, and none without an end? */
static bool is_one_word(const pf_words_query *q, const pf_word_group *g)
{
    const pf_leaf *l = &q->leaves[g->first_leaf];
    return l->kind == PF_LEAF_STEMS && l->n_words == 1 &&
           g->end - g->start <= PF_TERMS_MAX_WORD;
}

static bool add_missing(search *s, const char *question, const pf_word_group *g,
                        const pf_terms *terms, pf_err *err)
{
    missing *m = &s->at[s->n];
    m->typed = pf_strndup(question + g->start, g->end - g->start, err);
    if (!m->typed)
        return false;
    s->n++;
    for (size_t i = 0; i < terms->n; i++) {
        const char *plain = pf_terms_plain(terms, i);
        const size_t n = strlen(plain);
        const bool is_it = terms->at[i].start == g->start && n >= LEAST_LETTERS &&
                           n <= PF_SPELLING_MAX && strspn(plain, letters) == n;
        if (!is_it)
            continue;
        m->plain = plain;
        m->n_plain = n;
        m->set = letters_of(plain, n);
        break;
    }
    return true;
}

static bool find_missing(search *s, pf_store *store, const char *question,
                         const pf_words_query *q, const pf_terms *terms, pf_err *err)
{
    pf_field_set fields;
    if (!pf_store_find_fields(store, &fields, err))
        return false;
    if (s->fields)
        fields &= s->fields;
    for (size_t g = 0; g < q->n_groups && s->n < PF_MISSING_MAX; g++) {
        bool is_there = true;
        if (is_one_word(q, &q->groups[g]) &&
            !pf_store_has_match(store, q, g, fields, &is_there, err))
            return false;
        if (!is_there && !add_missing(s, question, &q->groups[g], terms, err))
            return false;
    }
    return true;
}

/* ---- what is near ---------------------------------------------------------------- */

static size_t count_bits(uint32_t set)
{
    size_t n = 0;
    for (; set; set &= set - 1)
        n++;
    return n;
}

static bool is_better(const near_word *a, const near_word *b)
{
    if (a->distance != b->distance)
        return a->distance < b->distance;
    if (a->begins_so != b->begins_so)
        return a->begins_so;
    if (a->captions != b->captions)
        return a->captions > b->captions;
    return strcmp(a->word, b->word) < 0;
}

/* In its place, unless there are enough better ones; of one stem only the best stays.
 */
static void keep(missing *m, const near_word *w)
{
    size_t at = 0;
    for (size_t i = 0; i < m->n_near; i++) {
        if (strcmp(m->near[i].stem, w->stem) != 0)
            continue;
        if (!is_better(w, &m->near[i]))
            return;
        memmove(&m->near[i], &m->near[i + 1], (m->n_near - i - 1) * sizeof *m->near);
        m->n_near--;
        break;
    }
    while (at < m->n_near && !is_better(w, &m->near[at]))
        at++;
    if (at == PF_SUGGESTIONS_MAX)
        return;
    const size_t behind = m->n_near - at - (m->n_near == PF_SUGGESTIONS_MAX);
    memmove(&m->near[at + 1], &m->near[at], behind * sizeof *m->near);
    m->near[at] = *w;
    m->n_near += m->n_near < PF_SUGGESTIONS_MAX;
}

/* Two edits change the length by two and exchange four letters at most: most words need
 * no closer look. */
static void compare(missing *m, const char *word, size_t n, uint32_t set,
                    int64_t captions)
{
    const size_t a = m->n_plain, difference = a > n ? a - n : n - a;
    if (a == 0 || difference > 2 || count_bits(m->set ^ set) > 4)
        return;
    near_word w = {.distance = pf_spelling_distance(m->plain, a, word, n),
                   .begins_so = word[0] == m->plain[0],
                   .captions = captions};
    if (w.distance == 0 || !pf_spelling_is_near(w.distance, a, n) ||
        (w.distance > 1 && a <= FEW_LETTERS))
        return;
    memcpy(w.word, word, n);
    memcpy(w.stem, word, n);
    w.stem[pf_stem(w.stem, n)] = '\0';
    keep(m, &w);
}

static bool take_word(void *user, const char *word, size_t n, int64_t captions,
                      bool *is_enough, pf_err *err)
{
    search *s = user;
    uint32_t set = 0;
    (void)err;
    *is_enough = ++s->n_seen >= PF_VOCABULARY_MAX;
    if (n < LEAST_LETTERS || n > PF_SPELLING_MAX)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (word[i] < 'a' || word[i] > 'z')
            return true; /* of a catalog from elsewhere */
        set |= (uint32_t)1 << (word[i] - 'a');
    }
    for (size_t i = 0; i < s->n; i++)
        compare(&s->at[i], word, n, set, captions);
    return true;
}

/* Two edits change the length by two at most. */
static bool look_for_near(search *s, pf_store *store, pf_err *err)
{
    size_t shortest = PF_SPELLING_MAX, longest = 0;
    for (size_t i = 0; i < s->n; i++) {
        const size_t n = s->at[i].n_plain;
        if (n == 0)
            continue;
        shortest = n - 2 < shortest ? n - 2 : shortest;
        longest = n + 2 > longest ? n + 2 : longest;
    }
    return longest == 0 ||
           pf_store_each_word(store, shortest,
                              longest < PF_SPELLING_MAX ? longest : PF_SPELLING_MAX,
                              take_word, s, err);
}

/* ---- what is told ---------------------------------------------------------------- */

static bool fill_suggestion(pf_suggestion *out, pf_store *store, const near_word *w,
                            pf_err *err)
{
    char *word = pf_strdup(w->word, err);
    *out = (pf_suggestion){.struct_size = sizeof *out, .word = word};
    return word && pf_store_count_rows_with(store, w->stem, &out->captions, err);
}

static bool fill(pf_missing_word *out, pf_store *store, missing *m, pf_err *err)
{
    pf_suggestion *suggestions = NULL;
    *out = (pf_missing_word){.struct_size = sizeof *out, .word = m->typed};
    m->typed = NULL;
    if (m->n_near == 0)
        return true;
    suggestions = pf_alloc_array(m->n_near, sizeof *suggestions, err);
    out->suggestions = suggestions;
    for (size_t i = 0; suggestions && i < m->n_near; i++) {
        out->n_suggestions++;
        if (!fill_suggestion(&suggestions[i], store, &m->near[i], err))
            return false;
    }
    return suggestions != NULL;
}

static bool fill_all(search *s, pf_store *store, pf_missing_word **out, size_t *n,
                     pf_err *err)
{
    if (s->n == 0)
        return true;
    pf_missing_word *words = pf_alloc_array(s->n, sizeof *words, err);
    bool ok = words != NULL;
    for (size_t i = 0; ok && i < s->n; i++)
        ok = fill(&words[i], store, &s->at[i], err);
    if (!ok) {
        pf_missing_free(words, words ? s->n : 0);
        return false;
    }
    *out = words;
    *n = s->n;
    return true;
}

static bool find(search *s, const pf_words *words, pf_store *store,
                 const char *question, pf_terms *terms, pf_err *err)
{
    pf_words_query q = {0};
    pf_err local = PF_ERR_INIT;
    if (!pf_words_parse(&q, words, question, &local))
        return local.code == PF_ERR_MISUSE || pf_fail_as(err, &local);
    const bool ok = pf_terms_read(terms, question, strlen(question), err) &&
                    find_missing(s, store, question, &q, terms, err) &&
                    look_for_near(s, store, err);
    pf_words_query_reset(&q);
    return ok;
}

bool pf_missing_find(const pf_words *words, pf_store *store, const char *question,
                     pf_field_set fields, pf_missing_word **out, size_t *n, pf_err *err)
{
    *out = NULL;
    *n = 0;
    pf_terms terms = {0};
    search *s = pf_zalloc(sizeof *s, err);
    if (!s)
        return false;
    s->fields = fields;
    const bool ok =
        find(s, words, store, question, &terms, err) && fill_all(s, store, out, n, err);
    for (size_t i = 0; i < s->n; i++)
        pf_free(s->at[i].typed);
    pf_free(s);
    pf_terms_reset(&terms);
    return ok;
}

void pf_missing_free(pf_missing_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < words[i].n_suggestions; k++)
            pf_free((void *)words[i].suggestions[k].word);
        pf_free((void *)words[i].suggestions);
        pf_free((void *)words[i].word);
    }
    pf_free(words);
}
