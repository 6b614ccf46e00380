/*
 * stem.c - see stem.h: three passes over one word.
 *
 *   1. British spelling becomes American, in the few letters that differ in medicine.
 *   2. Plurals that Latin and Greek make become singular: what an English stemmer would
 *      leave apart (vertebrae, metastases, pneumothoraces).
 *   3. Porter's algorithm: M. F. Porter, "An algorithm for suffix stripping", Program
 *      14(3), 1980, with its author's later changes (-bli, -logi).
 *
 * SQLite's own porter tokenizer knows the third only. A change here changes what is in
 * the catalogs: it needs a migration that empties caption_word (schema/README.md).
 */
#include "core/words/stem.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
    char *s;
    size_t n;
} word;

typedef struct {
    const char *from, *to;
} rule;

static bool ends_in(const word *w, const char *suffix)
{
    const size_t n = strlen(suffix);
    return n < w->n && memcmp(w->s + w->n - n, suffix, n) == 0;
}

/* Put `to` in place of the last `cut` letters. No rule adds more than PF_STEM_ROOM. */
static void replace_end(word *w, size_t cut, const char *to)
{
    w->n -= cut;
    for (; *to; to++)
        w->s[w->n++] = *to;
}

/* ---- spelling and Latin --------------------------------------------------------- */

static const rule spellings[] = {
    {"oedema", "edema"}, {"oesoph", "esoph"}, {"aem", "em"},        {"aesth", "esth"},
    {"paed", "ped"},     {"caec", "cec"},     {"foet", "fet"},      {"tumour", "tumor"},
    {"aetio", "etio"},   {"fibre", "fiber"},  {"centre", "center"}, {"rrhoe", "rrhe"},
    {"colour", "color"}, {"grey", "gray"},
};

/* Each at most once, wherever it stands; none makes the word longer. */
static void spell(word *w)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        const char *from = spellings[i].from, *to = spellings[i].to;
        const size_t n_from = strlen(from), n_to = strlen(to);
        for (size_t at = 0; at + n_from <= w->n; at++) {
            if (memcmp(w->s + at, from, n_from) != 0)
                continue;
            memcpy(w->s + at, to, n_to);
            memmove(w->s + at + n_to, w->s + at + n_from, w->n - at - n_from);
            w->n -= n_from - n_to;
            break;
        }
    }
}

/* Ends of plurals, long enough that no common word has them by chance. */
static const rule plurals[] = {
    {"thoraces", "thorax"}, {"appendices", "appendix"}, {"cortices", "cortex"},
    {"pices", "pex"},       {"matrices", "matrix"},     {"vertices", "vertex"},
    {"varices", "varix"},   {"cervices", "cervix"},     {"halanges", "halanx"},
    {"pelves", "pelvis"},   {"stases", "stasis"},       {"ectases", "ectasis"},
    {"gnoses", "gnosis"},   {"tenoses", "tenosis"},     {"mboses", "mbosis"},
    {"broses", "brosis"},   {"croses", "crosis"},       {"leroses", "lerosis"},
    {"tomoses", "tomosis"}, {"lordoses", "lordosis"},   {"phoses", "phosis"},
    {"lioses", "liosis"},   {"yses", "ysis"},           {"theses", "thesis"},
    {"omata", "oma"},       {"ticula", "ticulum"},      {"ramina", "ramen"},
    {"atria", "atrium"},    {"hila", "hilum"},          {"cetabula", "cetabulum"},
    {"anglia", "anglion"},  {"bronchi", "bronchus"},    {"rombi", "rombus"},
    {"mboli", "mbolus"},    {"alculi", "alculus"},      {"menisci", "meniscus"},
    {"uclei", "ucleus"},    {"alli", "allus"},          {"trochlei", "trochleus"},
    {"humeri", "humerus"},  {"fungi", "fungus"},        {"ae", "a"},
};

static void singular(word *w)
{
    if (w->n < 4)
        return;
    for (size_t i = 0; i < sizeof plurals / sizeof *plurals; i++) {
        const char *from = plurals[i].from;
        const size_t n = strlen(from);
        if (n <= w->n && memcmp(w->s + w->n - n, from, n) == 0) {
            replace_end(w, n, plurals[i].to);
            return;
        }
    }
}

/* ---- Porter --------------------------------------------------------------------- */

/* Is letter i a consonant? A 'y' is one at the beginning and behind a vowel: with the
 * run of them walked to its start, since "yyyy" must not cost a stack. */
static bool is_consonant(const word *w, size_t i)
{
    bool is_turned = false;
    for (;;) {
        const char c = w->s[i];
        if (c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u')
            return is_turned;
        if (c != 'y' || i == 0)
            return !is_turned;
        is_turned = !is_turned; /* the opposite of the letter before */
        i--;
    }
}

/* m of the first n letters: how often a vowel is followed by a consonant. */
static int measure(const word *w, size_t n)
{
    int m = 0;
    bool was_vowel = false;
    for (size_t i = 0; i < n; i++) {
        const bool is_vowel = !is_consonant(w, i);
        m += was_vowel && !is_vowel;
        was_vowel = is_vowel;
    }
    return m;
}

static bool has_vowel(const word *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_consonant(w, i))
            return true;
    }
    return false;
}

/* *d: the first n letters end in twice the same consonant. */
static bool is_doubled(const word *w, size_t n)
{
    return n >= 2 && w->s[n - 1] == w->s[n - 2] && is_consonant(w, n - 1);
}

/* *o: they end consonant, vowel, consonant, the last one not w, x or y. */
static bool is_short(const word *w, size_t n)
{
    return n >= 3 && is_consonant(w, n - 1) && !is_consonant(w, n - 2) &&
           is_consonant(w, n - 3) && !strchr("wxy", w->s[n - 1]);
}

/* The first rule whose suffix fits decides, whether its stem is long enough or not. */
static void apply(word *w, const rule *rules, size_t n_rules, int longer_than)
{
    for (size_t i = 0; i < n_rules; i++) {
        if (!ends_in(w, rules[i].from))
            continue;
        const size_t cut = strlen(rules[i].from);
        if (measure(w, w->n - cut) > longer_than)
            replace_end(w, cut, rules[i].to);
        return;
    }
}

static void step_1a(word *w)
{
    if (ends_in(w, "sses"))
        w->n -= 2;
    else if (ends_in(w, "ies"))
        w->n -= 2;
    else if (ends_in(w, "s") && w->s[w->n - 2] != 's')
        w->n -= 1;
}

static void step_1b(word *w)
{
    if (ends_in(w, "eed")) {
        if (measure(w, w->n - 3) > 0)
            w->n -= 1;
        return;
    }
    const size_t cut = ends_in(w, "ed") ? 2 : ends_in(w, "ing") ? 3 : 0;
    if (cut == 0 || !has_vowel(w, w->n - cut))
        return;
    w->n -= cut;
    if (ends_in(w, "at") || ends_in(w, "bl") || ends_in(w, "iz"))
        replace_end(w, 0, "e");
    else if (is_doubled(w, w->n) && !strchr("lsz", w->s[w->n - 1]))
        w->n -= 1;
    else if (measure(w, w->n) == 1 && is_short(w, w->n))
        replace_end(w, 0, "e");
}

static void step_1c(word *w)
{
    if (ends_in(w, "y") && has_vowel(w, w->n - 1))
        w->s[w->n - 1] = 'i';
}

static void steps_2_and_3(word *w)
{
    static const rule second[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
        {"izer", "ize"},    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"},
        {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
        {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
        {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
        {"logi", "log"},
    };
    static const rule third[] = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
        {"ical", "ic"},  {"ful", ""},   {"ness", ""},
    };
    apply(w, second, sizeof second / sizeof *second, 0);
    apply(w, third, sizeof third / sizeof *third, 0);
}

static void step_4(word *w)
{
    static const rule fourth[] = {
        {"al", ""},   {"ance", ""},  {"ence", ""},  {"er", ""},    {"ic", ""},
        {"able", ""}, {"ible", ""},  {"ant", ""},   {"ement", ""}, {"ment", ""},
        {"ent", ""},  {"sion", "s"}, {"tion", "t"}, {"ou", ""},    {"ism", ""},
        {"ate", ""},  {"iti", ""},   {"ous", ""},   {"ive", ""},   {"ize", ""},
    };
    for (size_t i = 0; i < sizeof fourth / sizeof *fourth; i++) {
        if (!ends_in(w, fourth[i].from))
            continue;
        const size_t stem = w->n - strlen(fourth[i].from) + strlen(fourth[i].to);
        if (measure(w, stem) > 1)
            w->n = stem; /* the s or t of -sion and -tion stands there already */
        return;
    }
}

static void step_5(word *w)
{
    if (ends_in(w, "e")) {
        const int m = measure(w, w->n - 1);
        if (m > 1 || (m == 1 && !is_short(w, w->n - 1)))
            w->n -= 1;
    }
    if (w->s[w->n - 1] == 'l' && is_doubled(w, w->n) && measure(w, w->n) > 1)
        w->n -= 1;
}

size_t pf_stem(char *s, size_t n)
{
    word w = {s, n};
    for (size_t i = 0; i < n; i++) {
        if (s[i] < 'a' || s[i] > 'z')
            return n;
    }
    if (n < 3)
        return n;
    spell(&w);
    singular(&w);
    step_1a(&w);
    step_1b(&w);
    step_1c(&w);
    steps_2_and_3(&w);
    step_4(&w);
    step_5(&w);
    return w.n;
}
