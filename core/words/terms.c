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
    SIZES_MAX = 4,   /* "3 x 4 x 5 cm" */
    SIZE_ROOM = 32,
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
    size_t n_letters, n_upper; /* of the present word, and whether its last is upper */
    bool is_last_upper;
    bool is_all_upper; /* the whole text is in capitals, and more than a few words */
    size_t compound;   /* term at which the present compound begins */
    int newlines;      /* since the last word */
    int brackets;      /* that are open in this line */
    bool lists_by_dash;
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

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Words behind which "I", "IV", "V" and "X" are numbers, too. */
static bool is_counted(const char *word)
{
    static const char *const words[] = {
        "type",    "types",   "grade",    "grades",   "stage",  "stages",   "class",
        "chiari",  "segment", "segments", "zone",     "zones",  "phase",    "level",
        "levels",  "group",   "category", "degree",   "nerve",  "nerves",   "bosniak",
        "salter",  "harris",  "factor",   "bismuth",  "figure", "fig",      "case",
        "table",   "part",    "rads",     "birads",   "garden", "gartland", "fontaine",
        "hinchey", "todani",  "mason",    "schatzker"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

/* Was term i read as a roman numeral? */
static bool is_numeral(const pf_terms *t, size_t i)
{
    const char *stem = pf_terms_stem(t, i);
    return !is_digit(pf_terms_plain(t, i)[0]) && is_digit(stem[0]) &&
           stem[strspn(stem, "0123456789")] == '\0';
}

/* "grade IV", "III/IV", "II and IV" */
static bool wants_number(const pf_terms *t)
{
    const size_t n = t->n;
    if (n == 0)
        return false;
    const char *before = pf_terms_plain(t, n - 1);
    return is_counted(before) || is_numeral(t, n - 1) ||
           (n > 1 && is_numeral(t, n - 2) &&
            (strcmp(before, "and") == 0 || strcmp(before, "or") == 0 ||
             strcmp(before, "to") == 0));
}

/* The roman numeral of 1 to 12 that a word is, as digits, or NULL. */
static const char *numeral_of(const pf_terms *t, const char *word, size_t n)
{
    static const struct {
        const char *roman, *digits;
        bool is_plain; /* it can be nothing else */
    } numerals[] = {{"i", "1", false},  {"ii", "2", true},   {"iii", "3", true},
                    {"iv", "4", false}, {"v", "5", false},   {"vi", "6", true},
                    {"vii", "7", true}, {"viii", "8", true}, {"ix", "9", true},
                    {"x", "10", false}, {"xi", "11", true},  {"xii", "12", true}};
    if (n > 4 || !strchr("ivx", word[0]))
        return NULL; /* most words */
    for (size_t i = 0; i < sizeof numerals / sizeof *numerals; i++) {
        if (strlen(numerals[i].roman) != n || memcmp(numerals[i].roman, word, n) != 0)
            continue;
        const bool is_number = numerals[i].is_plain || wants_number(t);
        return is_number ? numerals[i].digits : NULL;
    }
    return NULL;
}

/* The present word's: "ARDS" keeps its s, "CTs" does not. */
static bool add_stem_as_written(reader *r, char *word, size_t n, uint32_t *at)
{
    const bool is_upper = r->n_upper >= 2 && r->n_upper == r->n_letters;
    const bool is_plural = r->n_upper >= 2 && r->n_upper + 1 == r->n_letters &&
                           n == r->n && word[n - 1] == 's' && !r->is_last_upper;
    const char *digits = numeral_of(r->terms, word, n);
    if (digits)
        return add_chars(r, digits, strlen(digits), at);
    if (is_plural)
        return add_chars(r, word, pf_stem_of_capitals(word, n - 1), at);
    if (is_upper && !r->is_all_upper)
        return add_chars(r, word, pf_stem_of_capitals(word, n), at);
    return add_stem(r, word, n, at);
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
    if (!add_chars(r, word, n, &term.plain) ||
        !add_stem_as_written(r, copy, n, &term.stem) ||
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

/* Of one or two digits. */
static bool is_small_number(const char *s)
{
    return is_number(s) && strlen(s) <= 2 && !strchr(s, '.');
}

/* The second of "C5-6" is C6. */
static bool add_level(reader *r, size_t i)
{
    const pf_terms *t = r->terms;
    const char letter = level_of(pf_terms_plain(t, i - 1));
    const char *number = pf_terms_plain(t, i);
    const size_t n = strlen(number);
    if (!letter || !is_small_number(number))
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
    char letter = '\0';
    r->compound = t->n;
    if (parts < 2 || parts > PARTS_MAX)
        return true;
    for (size_t i = first; i < first + parts; i++) {
        const char *part = pf_terms_plain(t, i);
        const size_t length = strlen(part);
        if (n + length + 1 > PF_TERMS_MAX_WORD)
            return true; /* too long a word for a name */
        if (letter && is_small_number(part))
            whole[n++] = letter; /* L4/5 is L4/L5 */
        letter = level_of(part);
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

/* ---- sizes ----------------------------------------------------------------------- */

/* Millimetres in one of the unit, or 0. */
static int length_of(const char *unit)
{
    static const struct {
        const char *name;
        int mm;
    } units[] = {{"mm", 1},          {"millimeter", 1},   {"millimeters", 1},
                 {"millimetre", 1},  {"millimetres", 1},  {"cm", 10},
                 {"centimeter", 10}, {"centimeters", 10}, {"centimetre", 10},
                 {"centimetres", 10}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, unit) == 0)
            return units[i].mm;
    }
    return 0;
}

/* "3.70" times 10 is "37": the digits with the point moved, without what adds nothing.
 * Returns the length; 0 for what is no size. */
static size_t write_size(const char *number, int mm, char out[SIZE_ROOM])
{
    const char *point = strchr(number, '.');
    const size_t n_whole = point ? (size_t)(point - number) : strlen(number);
    const char *behind = point ? point + 1 : "";
    if (n_whole + strlen(behind) + 8 > SIZE_ROOM || strchr(behind, '.'))
        return 0;
    size_t n = 0;
    memcpy(out, number, n_whole);
    n = n_whole;
    if (mm == 10)
        out[n++] = *behind ? *behind++ : '0';
    const size_t zeros = strspn(out, "0") < n ? strspn(out, "0") : n - 1;
    memmove(out, out + zeros, n - zeros);
    n -= zeros;
    const size_t point_at = n;
    if (*behind) {
        out[n++] = '.';
        memcpy(out + n, behind, strlen(behind));
        n += strlen(behind);
    }
    while (n > point_at && (out[n - 1] == '0' || out[n - 1] == '.'))
        n--;
    memcpy(out + n, "mm", 2);
    return n + 2;
}

/* May a size have this between two numbers? "3 x 4 cm", "3 by 4", "3 to 4". */
static bool parts_sizes(const char *s)
{
    return strcmp(s, "x") == 0 || strcmp(s, "by") == 0 || strcmp(s, "to") == 0;
}

/* The number before term i of the same size, or SIZE_MAX. */
static size_t number_before(const pf_terms *t, size_t i)
{
    if (i > 0 && t->at[i].gap == PF_GAP_SPACE && is_number(pf_terms_plain(t, i - 1)))
        return i - 1;
    if (i > 1 && t->at[i].gap == PF_GAP_SPACE && t->at[i - 1].gap == PF_GAP_SPACE &&
        parts_sizes(pf_terms_plain(t, i - 1)) && is_number(pf_terms_plain(t, i - 2)))
        return i - 2;
    return SIZE_MAX;
}

/* When the last term is a unit of length: each number of the size as millimetres, under
 * which 3.7 cm finds 37 mm and 3.7 x 3 cm. */
static bool add_sizes(reader *r)
{
    const pf_terms *t = r->terms;
    const size_t unit = t->n - 1;
    const int mm = length_of(pf_terms_plain(t, unit));
    size_t numbers[SIZES_MAX], n = 0;
    if (mm == 0 || unit == 0 || number_before(t, unit) != unit - 1)
        return true;
    for (size_t i = unit - 1; i != SIZE_MAX && n < SIZES_MAX; i = number_before(t, i))
        numbers[n++] = i;
    for (bool ok = true; n-- > 0;) {
        char size[SIZE_ROOM + PF_STEM_ROOM];
        const size_t i = numbers[n];
        const size_t length = write_size(pf_terms_plain(t, i), mm, size);
        if (length > 0)
            ok = add_whole(r, i, i + 1 == unit ? unit : i, size, length);
        if (!ok)
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

/* Bytes of "3.7" in "3.7x3.0cm", or 0. */
static size_t number_before_x(const char *word, size_t n)
{
    size_t i = 0;
    while (i < n && (is_digit(word[i]) || word[i] == '.'))
        i++;
    return i > 0 && i + 1 < n && word[i] == 'x' && is_digit(word[i + 1]) ? i : 0;
}

/* The next piece of the present word is bytes `from` .. `to`-1 of it. */
static bool add_piece(reader *r, size_t from, size_t to, size_t end)
{
    const bool ok = add_term(r, r->word + from, to - from, r->start, end);
    r->gap = PF_GAP_SPACE;
    r->is_joined = true;
    return ok && add_sizes(r);
}

/* A word is a term, but for "2.3cm" and "3x4cm". */
static bool end_word(reader *r, size_t end)
{
    bool ok = true;
    size_t from = 0, n;
    if (!r->is_in_word)
        return true;
    r->is_in_word = false;
    if (!r->is_joined && !end_compound(r))
        return false;
    while (ok && (n = number_before_x(r->word + from, r->n - from)) > 0) {
        ok = add_piece(r, from, from + n, end) &&
             add_piece(r, from + n, from + n + 1, end);
        from += n + 1;
    }
    n = number_before_unit(r->word + from, r->n - from);
    ok = ok && (n == 0 || add_piece(r, from, from + n, end)) &&
         add_piece(r, from + n, r->n, end);
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

/* Most characters are ASCII, and need no table. */
static bool is_letter(int32_t code)
{
    if (code < 0x80)
        return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
               (code >= '0' && code <= '9');
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

/* A dash or an asterisk at the beginning of a line; an asterisk, or a dash in a text
 * that has lists of such, also between spaces, unless it is arithmetic. */
static bool begins_entry(reader *r, const text_span *t, uint32_t code, size_t at,
                         size_t length)
{
    if (is_bullet(code))
        return true;
    if (code != '*' && code != 0xB7 && !is_dash(code))
        return false;
    const bool is_first = r->newlines > 0 || (r->terms->n == 0 && !r->is_in_word);
    r->lists_by_dash |= is_first && code != '*';
    if (is_first)
        return true;
    return (code == '*' || r->lists_by_dash) && at > 0 && is_space_at(t, at - 1) &&
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
    if (code == ',' || code == 0x3001)
        return PF_GAP_COMMA;
    if (code == '(' || code == ')' || code == '[' || code == ']')
        return PF_GAP_BRACKET;
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

static bool is_upper(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z';
    return utf8proc_category((int32_t)code) == UTF8PROC_CATEGORY_LU;
}

/* Note the case of a letter; digits have none. */
static void count_letter(reader *r, uint32_t code)
{
    if (code < 0x80 && is_digit((char)code))
        return;
    r->is_last_upper = is_upper(code);
    r->n_letters++;
    r->n_upper += r->is_last_upper;
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
    r->n_letters = r->n_upper = 0;
    r->is_capital = is_upper(code);
    if (is_enumerated(r, t, at))
        widen(r, PF_GAP_STOP);
    else if (r->newlines > 0 && r->is_capital)
        widen(r, PF_GAP_LINE);
}

/* ---- reading --------------------------------------------------------------------- */

static const utf8proc_option_t FOLD = UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                      UTF8PROC_STRIPMARK | UTF8PROC_DECOMPOSE |
                                      UTF8PROC_IGNORE;

/* How many code points a character folds to; < 0 for none that there is. */
static utf8proc_ssize_t fold(uint32_t code, int32_t out[FOLDED_MAX])
{
    if (code >= 0x80)
        return utf8proc_decompose_char((int32_t)code, out, FOLDED_MAX, FOLD, NULL);
    out[0] = (int32_t)(code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code);
    return 1;
}

/* One character: what it folds to decides what it is. */
static bool read_char(reader *r, const text_span *t, uint32_t code, size_t at,
                      size_t *length)
{
    if (code == '.')
        return at_dot(r, t, at);
    if (code == '\'' || code == 0x2019)
        return at_apostrophe(r, t, at, length);
    int32_t folded[FOLDED_MAX];
    const utf8proc_ssize_t n = fold(code, folded);
    if (n == 0)
        return true; /* an accent, a soft hyphen: not there */
    if (n < 0 || n > FOLDED_MAX)
        return end_word(r, at);
    bool ok = true;
    for (utf8proc_ssize_t i = 0; ok && i < n; i++) {
        if (is_letter(folded[i]) && !r->is_in_word)
            begin_word(r, t, code, at);
        if (i == 0 && is_letter(folded[i]))
            count_letter(r, code);
        if (is_letter(folded[i]))
            add_letter(r, (uint32_t)folded[i], at);
        else
            ok = at_gap(r, t, n == 1 ? code : (uint32_t)folded[i], at, *length);
    }
    return ok;
}

/* A text in capitals has words, not abbreviations: at least three, and no small letter.
 */
static bool is_all_upper(const text_span *t)
{
    size_t words = 0;
    bool was_letter = false;
    for (size_t i = 0; i < t->n; i++) {
        const bool is_letter_here = t->s[i] >= 'A' && t->s[i] <= 'Z';
        if (t->s[i] >= 'a' && t->s[i] <= 'z')
            return false;
        words += is_letter_here && !was_letter;
        was_letter = is_letter_here;
    }
    return words >= 3;
}

bool pf_terms_read(pf_terms *terms, const char *text, size_t n, pf_err *err)
{
    size_t at = 0;
    terms->n = terms->n_wholes = terms->n_chars = 0;
    terms->is_cut = n > PF_TERMS_MAX_TEXT;
    if (terms->is_cut)
        n = pf_utf8_cut(text, PF_TERMS_MAX_TEXT);
    const text_span t = {text, n};
    reader r = {.terms = terms, .err = err, .is_all_upper = is_all_upper(&t)};
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

/* ---- for an index ---------------------------------------------------------------- */

static bool add_word(pf_buf *b, char field, const char *mark, const char *word,
                     pf_err *err)
{
    const char before[] = {field, '=', '\0'};
    return (b->size == 0 || pf_buf_add_str(b, " ", err)) &&
           (field == '\0' || pf_buf_add_str(b, before, err)) &&
           pf_buf_add_str(b, mark, err) && pf_buf_add_str(b, word, err);
}

bool pf_terms_index(const pf_terms *t, char mark, pf_buf *out, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < t->n; i++)
        ok = add_word(out, mark, "", pf_terms_stem(t, i), err);
    for (size_t i = 0; ok && i < t->n; i++)
        ok = add_word(out, mark, PF_PLAIN_MARK, pf_terms_plain(t, i), err);
    for (size_t i = 0; ok && i < t->n_wholes; i++)
        ok = add_word(out, mark, "", t->chars + t->wholes[i].stem, err);
    return ok;
}

size_t pf_terms_count(const pf_terms *t)
{
    return 2 * t->n + t->n_wholes;
}
