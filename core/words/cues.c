/*
 * cues.c - see cues.h. A phrase is a row of slots, a slot some alternatives, one of
 * them words or nothing. Alternatives are not multiplied out: "(is|are) not
 * (seen|found)" is matched as it stands, with the set of places that its first slots
 * can lead to as the bits of a number.
 */
#include "core/words/cues.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/words/texts.h"

enum {
    PHRASES_MAX = 4096,
    SLOTS_MAX = 8,
    PHRASE_WORDS_MAX = 30, /* places are bits of a uint32_t */
};

static const char *const kind_names[PF_CUE_KINDS] = {
    "",     "pre",  "post",   "result", "word",  "pseudo", "prior", "stop",
    "like", "sign", "object", "place",  "study", "new",    "verb"};

typedef struct {
    uint32_t first, n; /* of words, or of alternatives */
} span;

typedef struct {
    pf_cue kind;
    span slots;
} phrase;

/* A word with which a phrase can begin, and the alternative that it begins. */
typedef struct {
    const char *word;
    uint32_t phrase, slot, alternative;
} entry;

struct pf_cues {
    char *text; /* owned; words are pieces of it, each ends in a NUL */
    const char **words;
    span *alternatives; /* of words */
    span *slots;        /* of alternatives */
    phrase *phrases;
    entry *entries;                /* by word, then phrase */
    size_t letters[UINT8_MAX + 2]; /* where the entries of each first byte begin */
    size_t n_words, n_alternatives, n_slots, n_phrases, n_entries;
    size_t room_words, room_alternatives, room_slots, room_phrases, room_entries;
};

/* ---- reading --------------------------------------------------------------------- */

static bool find_kind(const char *name, size_t n, pf_cue *out)
{
    for (int k = PF_CUE_PRE; k < PF_CUE_KINDS; k++) {
        if (strlen(kind_names[k]) == n && memcmp(kind_names[k], name, n) == 0) {
            *out = (pf_cue)k;
            return true;
        }
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool add_alternative(pf_cues *c, pf_err *err)
{
    if (!pf_grow_array(&c->alternatives, &c->room_alternatives, c->n_alternatives,
                       sizeof *c->alternatives, err))
        return false;
    c->alternatives[c->n_alternatives++] = (span){(uint32_t)c->n_words, 0};
    c->slots[c->n_slots - 1].n++;
    return true;
}

static bool add_slot(pf_cues *c, pf_err *err)
{
    if (!pf_grow_array(&c->slots, &c->room_slots, c->n_slots, sizeof *c->slots, err))
        return false;
    c->slots[c->n_slots++] = (span){(uint32_t)c->n_alternatives, 0};
    if (++c->phrases[c->n_phrases - 1].slots.n > SLOTS_MAX)
        return pf_fail(err, PF_ERR_FORMAT, "a phrase has more than %d parts",
                       SLOTS_MAX);
    return add_alternative(c, err);
}

/* The word that begins at *at; *at is behind it. Its NUL comes later, when what stands
 * there has been read. */
static bool add_word(pf_cues *c, char **at, const char *end, pf_err *err)
{
    if (!pf_grow_array(&c->words, &c->room_words, c->n_words, sizeof *c->words, err))
        return false;
    c->words[c->n_words++] = *at;
    c->alternatives[c->n_alternatives - 1].n++;
    while (*at < end && is_letter(**at))
        ++*at;
    return true;
}

/* One character of a phrase that is in no word; it becomes the NUL of the word before.
 */
static bool read_sign(pf_cues *c, char *at, bool *is_open, pf_err *err)
{
    const char sign = *at;
    *at = '\0';
    if (sign == ' ')
        return true;
    if (sign == '(' && !*is_open) {
        *is_open = true;
        return add_slot(c, err);
    }
    if (sign == ')' && *is_open) {
        *is_open = false;
        return true;
    }
    if (sign == '|' && *is_open)
        return add_alternative(c, err);
    return pf_fail(err, PF_ERR_FORMAT, "'%c' does not belong there", sign);
}

/* The byte at `end` may be overwritten. */
static bool read_slots(pf_cues *c, char *at, char *end, pf_err *err)
{
    bool is_open = false;
    while (at < end) {
        const bool is_word = is_letter(*at);
        if (is_word && !is_open && !add_slot(c, err))
            return false;
        if (is_word ? !add_word(c, &at, end, err) : !read_sign(c, at, &is_open, err))
            return false;
        at += !is_word;
    }
    *end = '\0';
    return !is_open || pf_fail(err, PF_ERR_FORMAT, "there is no ')'");
}

static size_t longest_of(const pf_cues *c, const span *slot)
{
    size_t longest = 0;
    for (size_t i = 0; i < slot->n; i++) {
        const size_t n = c->alternatives[slot->first + i].n;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static bool add_entry(pf_cues *c, uint32_t slot, uint32_t alternative, pf_err *err)
{
    const char *word = c->words[c->alternatives[alternative].first];
    if (!pf_grow_array(&c->entries, &c->room_entries, c->n_entries, sizeof *c->entries,
                       err))
        return false;
    c->entries[c->n_entries++] =
        (entry){word, (uint32_t)(c->n_phrases - 1), slot, alternative};
    return true;
}

/* The words of the first slots, up to one that is never nothing. */
static bool add_entries(pf_cues *c, pf_err *err)
{
    const phrase *p = &c->phrases[c->n_phrases - 1];
    size_t n_words = 0;
    bool may_begin = true;
    for (size_t s = 0; s < p->slots.n; s++) {
        const span *slot = &c->slots[p->slots.first + s];
        bool is_optional = false;
        n_words += longest_of(c, slot);
        for (size_t i = 0; i < slot->n; i++) {
            const span *words = &c->alternatives[slot->first + i];
            is_optional |= words->n == 0;
            if (may_begin && words->n > 0 &&
                !add_entry(c, (uint32_t)s, slot->first + (uint32_t)i, err))
                return false;
        }
        may_begin = may_begin && is_optional;
    }
    if (may_begin || n_words > PHRASE_WORDS_MAX)
        return pf_fail(err, PF_ERR_FORMAT, "a phrase has %zu words, expected 1 to %d",
                       may_begin ? 0 : n_words, PHRASE_WORDS_MAX);
    return true;
}

/* "kind phrase"; empty lines and those that begin with '#' are passed over. */
static bool add_line(pf_cues *c, char *line, size_t n, pf_err *err)
{
    const char *space = memchr(line, ' ', n);
    const size_t n_name = space ? (size_t)(space - line) : n;
    pf_cue kind;
    if (n == 0 || line[0] == '#')
        return true;
    if (!space || !find_kind(line, n_name, &kind))
        return pf_fail(err, PF_ERR_FORMAT,
                       "a line does not begin with a kind, as pre, and a phrase");
    if (c->n_phrases == PHRASES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "there are more than %d phrases",
                       PHRASES_MAX);
    if (!pf_grow_array(&c->phrases, &c->room_phrases, c->n_phrases, sizeof *c->phrases,
                       err))
        return false;
    c->phrases[c->n_phrases++] = (phrase){kind, {(uint32_t)c->n_slots, 0}};
    return read_slots(c, line + n_name, line + n, err) && add_entries(c, err);
}

static int by_word_then_phrase(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int order = strcmp(x->word, y->word);
    return order != 0 ? order : (x->phrase > y->phrase) - (x->phrase < y->phrase);
}

static void sort_entries(pf_cues *c)
{
    if (c->n_entries > 0)
        qsort(c->entries, c->n_entries, sizeof *c->entries, by_word_then_phrase);
    for (size_t i = 0; i < c->n_entries; i++)
        c->letters[(uint8_t)c->entries[i].word[0] + 1]++;
    for (size_t k = 0; k <= UINT8_MAX; k++)
        c->letters[k + 1] += c->letters[k];
}

bool pf_cues_parse(pf_cues **out, const char *text, size_t n, const char *name,
                   pf_err *err)
{
    *out = NULL;
    pf_cues *c = pf_zalloc(sizeof *c, err);
    bool ok = c && (c->text = pf_alloc_array(n + 1, 1, err));
    if (ok && n > 0)
        memcpy(c->text, text, n);
    pf_lines lines = pf_lines_of(ok ? c->text : NULL, ok ? n : 0);
    for (const char *line; ok && pf_lines_next(&lines, &line, &n);)
        ok = add_line(c, c->text + (line - c->text), n, err) ||
             pf_fail_in(err, "'%s', line %zu", name, lines.number);
    if (!ok) {
        pf_cues_free(c);
        return false;
    }
    sort_entries(c);
    *out = c;
    return true;
}

void pf_cues_free(pf_cues *c)
{
    if (!c)
        return;
    pf_free(c->text);
    pf_free(c->words);
    pf_free(c->alternatives);
    pf_free(c->slots);
    pf_free(c->phrases);
    pf_free(c->entries);
    pf_free(c);
}

/* ---- looking up ------------------------------------------------------------------ */

/* Do these words stand `from` terms behind term i, with nothing but spaces between? */
static bool is_at(const pf_cues *c, const span *words, const pf_terms *t, size_t i,
                  size_t from)
{
    if (words->n > t->n - i || from > t->n - i - words->n)
        return false;
    for (size_t k = 0; k < words->n; k++) {
        const size_t at = i + from + k;
        if ((at > i && t->at[at].gap != PF_GAP_SPACE) ||
            strcmp(c->words[words->first + k], pf_terms_plain(t, at)) != 0)
            return false;
    }
    return true;
}

/* How many terms from i on the phrase of an entry takes, at most; 0 when it does not
 * begin there with the entry's alternative. */
static size_t length_at(const pf_cues *c, const entry *e, const pf_terms *t, size_t i)
{
    const phrase *p = &c->phrases[e->phrase];
    const span *first = &c->alternatives[e->alternative];
    if (!is_at(c, first, t, i, 0))
        return 0;
    uint32_t places = (uint32_t)1
                      << first->n; /* bit k: the next slot may begin at i+k */
    for (size_t s = e->slot + 1; s < p->slots.n && places; s++) {
        const span *slot = &c->slots[p->slots.first + s];
        uint32_t next = 0;
        for (size_t from = 0; places >> from; from++) {
            for (size_t a = 0; places >> from & 1 && a < slot->n; a++) {
                const span *words = &c->alternatives[slot->first + a];
                if (is_at(c, words, t, i, from))
                    next |= (uint32_t)1 << (from + words->n);
            }
        }
        places = next;
    }
    size_t n = 0;
    while (places >>= 1)
        n++;
    return n;
}

/* The first of the entries of a word, or of those behind. */
static size_t first_with(const pf_cues *c, const char *word)
{
    const uint8_t letter = (uint8_t)word[0];
    size_t low = c->letters[letter], high = c->letters[letter + 1];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(c->entries[middle].word, word) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

pf_cue_match pf_cues_find(const pf_cues *c, const pf_terms *t, size_t i)
{
    pf_cue_match found = {0};
    const char *word = pf_terms_plain(t, i);
    for (size_t k = first_with(c, word);
         k < c->n_entries && strcmp(c->entries[k].word, word) == 0; k++) {
        const phrase *p = &c->phrases[c->entries[k].phrase];
        const size_t n = length_at(c, &c->entries[k], t, i);
        if (n == 0 || n < found.n_terms)
            continue;
        if (n > found.n_terms)
            found = (pf_cue_match){p->kind, n, false};
        else if (p->kind < found.kind)
            found.kind = p->kind;
        found.may_be_post |= p->kind == PF_CUE_POST;
    }
    return found;
}

/* ---- what texts with a phrase have in common ------------------------------------- */

typedef struct {
    pf_cues_count_fn *count;
    pf_cues_word_fn *take;
    void *user;
} choosing;

/* The rarest of the words of an alternative; how many texts have it. */
static bool rarest_of(const pf_cues *c, const span *words, const choosing *how,
                      const char **word, int64_t *least, pf_err *err)
{
    *word = NULL;
    for (size_t i = 0; i < words->n; i++) {
        int64_t n;
        if (!how->count(how->user, c->words[words->first + i], &n, err))
            return false;
        if (!*word || n < *least) {
            *word = c->words[words->first + i];
            *least = n;
        }
    }
    return true;
}

/* How many texts have one of the slot's alternatives, at most; INT64_MAX when one is
 * nothing, and all may. */
static bool count_slot(const pf_cues *c, const span *slot, const choosing *how,
                       int64_t *out, pf_err *err)
{
    *out = 0;
    for (size_t i = 0; i < slot->n; i++) {
        const char *word;
        int64_t n = 0;
        if (!rarest_of(c, &c->alternatives[slot->first + i], how, &word, &n, err))
            return false;
        if (!word) {
            *out = INT64_MAX;
            return true;
        }
        *out += n;
    }
    return true;
}

static bool take_slot(const pf_cues *c, const span *slot, const choosing *how,
                      pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < slot->n; i++) {
        const char *word;
        int64_t n;
        ok = rarest_of(c, &c->alternatives[slot->first + i], how, &word, &n, err) &&
             how->take(how->user, word, err);
    }
    return ok;
}

/* Of its slots one is never nothing (add_entries()). */
static bool choose_slot(const pf_cues *c, const phrase *p, const choosing *how,
                        pf_err *err)
{
    const span *best = NULL;
    int64_t least = 0;
    for (size_t s = 0; s < p->slots.n; s++) {
        const span *slot = &c->slots[p->slots.first + s];
        int64_t n;
        if (!count_slot(c, slot, how, &n, err))
            return false;
        if (n < INT64_MAX && (!best || n < least)) {
            best = slot;
            least = n;
        }
    }
    return take_slot(c, best, how, err);
}

bool pf_cues_choose(const pf_cues *c, unsigned kinds, pf_cues_count_fn *count,
                    pf_cues_word_fn *take, void *user, pf_err *err)
{
    const choosing how = {count, take, user};
    bool ok = true;
    for (size_t i = 0; ok && i < c->n_phrases; i++) {
        if (kinds >> c->phrases[i].kind & 1)
            ok = choose_slot(c, &c->phrases[i], &how, err);
    }
    return ok;
}
