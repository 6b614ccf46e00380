/*
 * terms.c - see terms.h. One pass over the text, character by character: letters and
 * digits go into the present word, anything else ends it and is weighed for what it
 * says about the gap. Compounds are seen to when their last part has ended.
 *
 * Tokens are made here and not by a tokenizer inside FTS5, because the same ones are
 * needed where FTS5 is not: to find the words of a question in a caption and to see
 * whether they are negated. FTS5 gets them ready, parted by spaces, and has nothing to
 * decide; any sqlite3 can read such a catalog.
 *
 * A change here changes what is in the catalogs: it needs a migration that empties
 * caption_word (schema/README.md).
 */
#include "core/words/terms.h"

#include <string.h>

#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/words/stem.h"

enum {
    FOLDED_MAX = 32, /* code points one character becomes; the longest known is 18 */
    PARTS_MAX = 8,   /* of a compound; what is longer has no whole */
    MAX_CHARS = 64 << 20,
};

/* The word that is being read, and what is known about the place. */
typedef struct {
    pf_terms *terms;
    pf_err *err;
    char word[PF_TERMS_MAX_WORD + PF_STEM_ROOM];
    size_t n;     /* bytes in `word` */
    size_t start; /* of the word, in the text */
    bool is_in_word;
    pf_gap gap;      /* before the next word */
    bool is_joined;  /* the next word to the last one */
    bool has_dot;    /* the last word was followed by a dot inside of it: "e.g" */
    bool is_capital; /* the present word begins with a capital letter */
    size_t compound; /* term at which the present compound begins */
    int newlines;    /* since the last word */
    int brackets;    /* that are open in this line */
} reader;

/* The text around a place, for looking ahead. */
typedef struct {
    const char *s;
    size_t n;
} text_span;

/* ---- memory that is used again --------------------------------------------------- */

static bool add_chars(reader *r, const char *s, size_t n, uint32_t *at)
{
    pf_terms *t = r->terms;
    if (t->n_chars + n + 1 > MAX_CHARS)
        return pf_fail(r->err, PF_ERR_LIMIT, "a text has too many words");
    while (t->room_chars < t->n_chars + n + 1) {
        if (!pf_grow_array(&t->chars, &t->room_chars, t->room_chars, 1, r->err))
            return false;
    }
    *at = (uint32_t)t->n_chars;
    memcpy(t->chars + t->n_chars, s, n);
    t->chars[t->n_chars + n] = '\0';
    t->n_chars += n + 1;
    return true;
}

static bool add_stem(reader *r, char *word, size_t n, uint32_t *at)
{
    n = pf_stem(word, n);
    return add_chars(r, word, n, at);
}

static bool add_term(reader *r, const char *word, size_t n, size_t start, size_t end)
{
    pf_terms *t = r->terms;
    char copy[PF_TERMS_MAX_WORD + PF_STEM_ROOM];
    pf_word_term term = {.start = (uint32_t)start,
                         .end = (uint32_t)end,
                         .gap = r->gap,
                         .is_joined = r->is_joined,
                         .is_capital = r->is_capital};
    memcpy(copy, word, n);
    if (!add_chars(r, word, n, &term.plain) || !add_stem(r, copy, n, &term.stem) ||
        !pf_grow_array(&t->at, &t->room, t->n, sizeof *t->at, r->err))
        return false;
    t->at[t->n++] = term;
    return true;
}

static bool add_whole(reader *r, size_t first, size_t last, char *word, size_t n)
{
    pf_terms *t = r->terms;
    pf_whole whole = {.first = (uint32_t)first, .last = (uint32_t)last};
    if (!add_stem(r, word, n, &whole.stem) ||
        !pf_grow_array(&t->wholes, &t->room_wholes, t->n_wholes, sizeof *t->wholes,
                       r->err))
        return false;
    t->wholes[t->n_wholes++] = whole;
    return true;
}

/* ---- compounds ------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_number(const char *s)
{
    return is_digit(s[0]) && s[strspn(s, "0123456789.")] == '\0';
}

/* "c5", "t12": a level of the spine. Returns its letter, or 0. */
static char level_of(const char *s)
{
    const size_t digits = s[0] ? strspn(s + 1, "0123456789") : 0;
    return strchr("ctls", s[0]) && digits > 0 && digits <= 2 && s[1 + digits] == '\0'
               ? s[0]
               : '\0';
}

/* The second of "C5-6" is C6. */
static bool add_level(reader *r, size_t i)
{
    const pf_terms *t = r->terms;
    const char letter = level_of(pf_terms_plain(t, i - 1));
    const char *number = pf_terms_plain(t, i);
    const size_t n = strlen(number);
    if (!letter || !is_number(number) || n > 2 || strchr(number, '.'))
        return true;
    char level[4 + PF_STEM_ROOM] = {letter, number[0], number[1]};
    return add_whole(r, i, i, level, n + 1);
}

/* The present compound has ended, if there was one. */
static bool end_compound(reader *r)
{
    pf_terms *t = r->terms;
    const size_t first = r->compound, parts = t->n - first;
    char whole[PF_TERMS_MAX_WORD + PF_STEM_ROOM];
    size_t n = 0;
    r->compound = t->n;
    if (parts < 2 || parts > PARTS_MAX)
        return true;
    for (size_t i = first; i < first + parts; i++) {
        const char *part = pf_terms_plain(t, i);
        const size_t length = strlen(part);
        if (n + length > PF_TERMS_MAX_WORD)
            return true; /* too long a word for a name */
        memcpy(whole + n, part, length);
        n += length;
    }
    if (!add_whole(r, first, first + parts - 1, whole, n))
        return false;
    for (size_t i = first + 1; i < first + parts; i++) {
        if (!add_level(r, i))
            return false;
    }
    return true;
}

/* ---- words ----------------------------------------------------------------------- */

/* Bytes of the number in "2.3cm", when a unit follows it; else 0. */
static size_t number_before_unit(const char *word, size_t n)
{
    static const char *const units[] = {"mm", "cm", "ml",  "cc",  "mg", "kg", "g",
                                        "hu", "t",  "hz",  "mhz", "kv", "ma", "mas",
                                        "ms", "yo", "mgy", "m",   "l",  "kvp"};
    size_t digits = 0;
    while (digits < n && (is_digit(word[digits]) || word[digits] == '.'))
        digits++;
    for (size_t i = 0; digits > 0 && i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i]) == n - digits &&
            memcmp(units[i], word + digits, n - digits) == 0)
            return digits;
    }
    return 0;
}

static bool end_word(reader *r, size_t end)
{
    if (!r->is_in_word)
        return true;
    r->is_in_word = false;
    if (!r->is_joined && !end_compound(r))
        return false;
    const size_t number = number_before_unit(r->word, r->n);
    bool ok = add_term(r, r->word, number ? number : r->n, r->start, end);
    r->gap = PF_GAP_SPACE;
    r->is_joined = number > 0;
    if (ok && number > 0)
        ok = add_term(r, r->word + number, r->n - number, r->start, end);
    r->is_joined = false;
    r->newlines = 0;
    return ok;
}

static void widen(reader *r, pf_gap gap)
{
    if (gap > r->gap)
        r->gap = gap;
}

/* A code point of a word. What is longer than PF_TERMS_MAX_WORD is read and dropped. */
static void add_letter(reader *r, uint32_t code, size_t at)
{
    char utf8[4];
    if (!r->is_in_word) {
        r->is_in_word = true;
        r->start = at;
        r->n = 0;
    }
    const size_t n = pf_utf8_encode(code, utf8);
    if (r->n + n > PF_TERMS_MAX_WORD)
        return;
    memcpy(r->word + r->n, utf8, n);
    r->n += n;
}

static bool is_letter(int32_t code)
{
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

/* ---- what stands between words --------------------------------------------------- */

static bool is_word_at(const text_span *t, size_t i)
{
    uint32_t code;
    return i < t->n && pf_utf8_decode(t->s + i, t->n - i, &code) > 0 &&
           is_letter((int32_t)code);
}

/* Dots behind these end no sentence. */
static bool is_abbreviation(const reader *r)
{
    static const char *const known[] = {"vs", "fig", "figs", "approx", "dr", "incl"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (r->n == strlen(known[i]) && memcmp(r->word, known[i], r->n) == 0)
            return true;
    }
    return r->n == 1 && r->has_dot; /* the last letter of "e.g." */
}

static bool is_joiner(uint32_t code)
{
    return code == '-' || code == '/' || code == '_' || code == '+' ||
           (code >= 0x2010 && code <= 0x2013) || code == 0x2212 || code == 0x2044;
}

static bool at_dot(reader *r, const text_span *t, size_t at)
{
    const bool was_in_word = r->is_in_word, is_inside = is_word_at(t, at + 1);
    if (was_in_word && is_inside && is_digit(r->word[r->n - 1]) &&
        is_digit(t->s[at + 1])) {
        add_letter(r, '.', at);
        return true;
    }
    const bool is_glued = is_inside && r->n > 1 && t->s[at + 1] >= 'A' &&
                          t->s[at + 1] <= 'Z'; /* "effusion.No change" */
    const bool is_end =
        is_inside ? was_in_word && is_glued : !(was_in_word && is_abbreviation(r));
    r->has_dot = was_in_word && is_inside;
    if (!end_word(r, at))
        return false;
    if (is_end)
        widen(r, PF_GAP_STOP);
    return true;
}

/* Crohn's is Crohn, doesn't is doesnt, and 'this' is quoted. *length is what to pass
 * over. */
static bool at_apostrophe(reader *r, const text_span *t, size_t at, size_t *length)
{
    const size_t next = at + *length;
    if (r->is_in_word && next < t->n && (t->s[next] == 's' || t->s[next] == 'S') &&
        !is_word_at(t, next + 1)) {
        *length += 1;
        return end_word(r, at);
    }
    return (r->is_in_word && is_word_at(t, next)) || end_word(r, at);
}

/* Signs that stand before an entry of a list, wherever they are. */
static bool is_bullet(uint32_t code)
{
    return code == 0x2022 || code == 0x2023 || code == 0x2043 || code == 0x25AA ||
           code == 0x25A0 || code == 0x25CB || code == 0x25CF || code == 0x25E6 ||
           code == 0x25B6 || code == 0x27A2 || code == 0x27A4 || code == 0xF0B7;
}

static bool is_space_at(const text_span *t, size_t i)
{
    return i < t->n && strchr(" \t\r\n", t->s[i]) && t->s[i] != '\0';
}

static bool is_dash(uint32_t code)
{
    return code == 0x2014 || (is_joiner(code) && code != '/' && code != '+');
}

/* A dash or an asterisk at the beginning of a line; an asterisk also between spaces,
 * unless it multiplies. */
static bool begins_entry(const reader *r, const text_span *t, uint32_t code, size_t at,
                         size_t length)
{
    if (is_bullet(code))
        return true;
    if (code != '*' && code != 0xB7 && !is_dash(code))
        return false;
    if (r->newlines > 0)
        return true;
    return code == '*' && at > 0 && is_space_at(t, at - 1) &&
           is_space_at(t, at + length) && is_word_at(t, at + length + 1) &&
           !is_digit(t->s[at + length + 1]);
}

static void count_brackets(reader *r, uint32_t code)
{
    if (code == '(')
        r->brackets++;
    else if (code == '\n' || (code == ')' && r->brackets > 0))
        r->brackets = code == ')' ? r->brackets - 1 : 0;
}

/* What a character that is in no word says about the words around it. */
static pf_gap gap_of(reader *r, const text_span *t, uint32_t code, size_t at,
                     size_t length, bool was_in_word)
{
    if (begins_entry(r, t, code, at, length))
        return PF_GAP_STOP;
    if (code == ',' || code == '(' || code == ')' || code == '[' || code == ']' ||
        code == 0x3001)
        return PF_GAP_COMMA;
    if (code == 0x2014 || (is_dash(code) && !was_in_word))
        return PF_GAP_DASH;
    if (code == ':')
        return was_in_word && at + 1 < t->n && is_digit(t->s[at + 1]) &&
                       is_digit(t->s[at - 1])
                   ? PF_GAP_SPACE
                   : PF_GAP_COLON;
    if (code == '?')
        return PF_GAP_QUESTION;
    if (code == ';' || code == '!' || code == 0x3002 || code == 0x2029 ||
        ((code == '\n' || code == 0x2028) && ++r->newlines == 2))
        return PF_GAP_STOP;
    return PF_GAP_SPACE;
}

static bool at_gap(reader *r, const text_span *t, uint32_t code, size_t at,
                   size_t length)
{
    const bool was_in_word = r->is_in_word;
    r->has_dot = false;
    if (!end_word(r, at))
        return false;
    count_brackets(r, code);
    if (is_joiner(code) && was_in_word && is_word_at(t, at + length))
        r->is_joined = true;
    else
        widen(r, gap_of(r, t, code, at, length, was_in_word));
    return true;
}

/* "1." at the beginning of a line, "2)" anywhere, unless the bracket was opened. */
static bool is_enumerated(const reader *r, const text_span *t, size_t at)
{
    size_t i = at;
    if (at > 0 && !is_space_at(t, at - 1))
        return false;
    while (i < t->n && i < at + 2 && is_digit(t->s[i]))
        i++;
    const bool is_number = i > at;
    if (!is_number && i < t->n && t->s[i] >= 'A')
        i++;
    if (i == at || i >= t->n)
        return false;
    return t->s[i] == ')' ? r->brackets == 0
                          : is_number && r->newlines > 0 && t->s[i] == '.' &&
                                is_space_at(t, i + 1);
}

static void begin_word(reader *r, const text_span *t, uint32_t code, size_t at)
{
    r->is_capital = utf8proc_category((int32_t)code) == UTF8PROC_CATEGORY_LU;
    if (is_enumerated(r, t, at))
        widen(r, PF_GAP_STOP);
    else if (r->newlines > 0 && r->is_capital)
        widen(r, PF_GAP_LINE);
}

/* ---- reading --------------------------------------------------------------------- */

static const utf8proc_option_t FOLD = UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                      UTF8PROC_STRIPMARK | UTF8PROC_DECOMPOSE |
                                      UTF8PROC_IGNORE;

/* One character: what it folds to decides what it is. */
static bool read_char(reader *r, const text_span *t, uint32_t code, size_t at,
                      size_t *length)
{
    if (code == '.')
        return at_dot(r, t, at);
    if (code == '\'' || code == 0x2019)
        return at_apostrophe(r, t, at, length);
    int32_t folded[FOLDED_MAX];
    const utf8proc_ssize_t n =
        utf8proc_decompose_char((int32_t)code, folded, FOLDED_MAX, FOLD, NULL);
    if (n == 0)
        return true; /* an accent, a soft hyphen: not there */
    if (n < 0 || n > FOLDED_MAX)
        return end_word(r, at);
    bool ok = true;
    for (utf8proc_ssize_t i = 0; ok && i < n; i++) {
        if (is_letter(folded[i]) && !r->is_in_word)
            begin_word(r, t, code, at);
        if (is_letter(folded[i]))
            add_letter(r, (uint32_t)folded[i], at);
        else
            ok = at_gap(r, t, n == 1 ? code : (uint32_t)folded[i], at, *length);
    }
    return ok;
}

bool pf_terms_read(pf_terms *terms, const char *text, size_t n, pf_err *err)
{
    size_t at = 0;
    terms->n = terms->n_wholes = terms->n_chars = 0;
    terms->is_cut = n > PF_TERMS_MAX_TEXT;
    if (terms->is_cut)
        n = pf_utf8_cut(text, PF_TERMS_MAX_TEXT);
    const text_span t = {text, n};
    reader r = {.terms = terms, .err = err};
    for (size_t length; at < n && terms->n < PF_TERMS_MAX; at += length) {
        uint32_t code;
        length = pf_utf8_decode(text + at, n - at, &code);
        if (length == 0) {
            length = 1;
            code = ' ';
        }
        if (!read_char(&r, &t, code, at, &length))
            return false;
    }
    terms->is_cut = terms->is_cut || at < n;
    return end_word(&r, n) && end_compound(&r);
}

void pf_terms_reset(pf_terms *t)
{
    pf_free(t->at);
    pf_free(t->wholes);
    pf_free(t->chars);
    *t = (pf_terms){0};
}

/* ---- columns --------------------------------------------------------------------- */

static bool add_word(pf_buf *b, const char *word, pf_err *err)
{
    return (b->size == 0 || pf_buf_add_str(b, " ", err)) &&
           pf_buf_add_str(b, word, err);
}

bool pf_terms_columns(const pf_terms *t, pf_buf *stems, pf_buf *wholes, pf_buf *plains,
                      pf_err *err)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!add_word(stems, pf_terms_stem(t, i), err) ||
            !add_word(plains, pf_terms_plain(t, i), err))
            return false;
    }
    for (size_t i = 0; i < t->n_wholes; i++) {
        if (!add_word(wholes, t->chars + t->wholes[i].stem, err))
            return false;
    }
    return true;
}
