/* filter.c - see filter.h. */
#include "core/search/filter.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/c_locale.h"
#include "core/base/mem.h"
#include "core/base/unicode.h"
#include "core/base/utf8.h"

/* ---- parsing ---- */

static const struct {
    const char *text;
    pf_filter_op op;
} operators[] = {
    /* Of two that begin alike the longer comes first. */
    {"!=", PF_FILTER_NOT_EQUAL}, {"<=", PF_FILTER_AT_MOST}, {">=", PF_FILTER_AT_LEAST},
    {"=", PF_FILTER_EQUAL},      {"<", PF_FILTER_LESS},     {">", PF_FILTER_GREATER},
    {"~", PF_FILTER_HAS_WORD},
};

/* The operator that `text` begins with; its length, or 0. */
static size_t operator_at(const char *text, pf_filter_op *op)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const size_t n = strlen(operators[i].text);
        if (strncmp(text, operators[i].text, n) == 0) {
            *op = operators[i].op;
            return n;
        }
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A copy of the n bytes without the blanks around them. */
static char *trimmed(const char *s, size_t n, pf_err *err)
{
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    for (; n > 0 && is_blank(*s); n--)
        s++;
    return pf_strndup(s, n, err);
}

/* To NFC, in which keys and values are kept. */
static bool compose(char **s, pf_err *err)
{
    char *composed;
    const char *nfc = pf_unicode_nfc(*s, &composed, err);
    if (nfc && composed) {
        pf_free(*s);
        *s = composed;
    }
    return nfc != NULL;
}

static bool refuse(const char *text, const char *why, pf_err *err)
{
    return pf_fail(err, PF_ERR_MISUSE, "filter '%.*s' %s",
                   (int)pf_utf8_cut(text, strnlen(text, 100)), text, why);
}

/* ---- what is compared with ---- */

static bool takes_choices(pf_filter_op op)
{
    return op == PF_FILTER_EQUAL || op == PF_FILTER_NOT_EQUAL ||
           op == PF_FILTER_HAS_WORD;
}

static bool takes_ranges(pf_filter_op op)
{
    return op == PF_FILTER_EQUAL || op == PF_FILTER_NOT_EQUAL;
}

/* Two dots and no more: three are a text that goes on. */
static bool are_dots(const char *text, const char *at)
{
    return at[0] == '.' && at[1] == '.' && at[2] != '.' &&
           (at == text || at[-1] != '.');
}

static const char *past_blanks(const char *s)
{
    while (is_blank(*s))
        s++;
    return s;
}

/* What stands between quotes, two of which are one. *at is the first quote, and then
 * what follows the last; NULL without memory or without an end. */
static char *quoted(const pf_filter *f, const char **at, pf_err *err)
{
    const char *s = *at + 1;
    size_t n = 0;
    char *out = pf_strdup(s, err);
    for (; out && *s != '\0'; s++) {
        if (*s == '"' && *++s != '"') {
            out[n] = '\0';
            *at = past_blanks(s);
            return out;
        }
        out[n++] = *s;
    }
    if (out)
        refuse(f->text, "has a quote that does not end", err);
    pf_free(out);
    return NULL;
}

/* The text at *at, up to what ends it: '|', or "..", where they part anything. */
static char *take_text(const pf_filter *f, const char **at, pf_err *err)
{
    const char *start = past_blanks(*at), *s = start;
    if (*s == '"') {
        *at = s;
        return quoted(f, at, err);
    }
    while (*s != '\0' && !(takes_choices(f->op) && *s == '|') &&
           !(takes_ranges(f->op) && are_dots(start, s)))
        s++;
    *at = s;
    return trimmed(start, (size_t)(s - start), err);
}

static bool take_choice(const pf_filter *f, pf_filter_choice *c, const char **at,
                        pf_err *err)
{
    c->from = take_text(f, at, err);
    if (!c->from)
        return false;
    if (takes_ranges(f->op) && are_dots(f->text, *at)) {
        *at += 2;
        c->to = take_text(f, at, err);
        if (!c->to)
            return false;
        if (c->from[0] == '\0' && c->to[0] == '\0')
            return refuse(f->text, "has a range without ends", err);
    } else if (c->from[0] == '\0') {
        return refuse(f->text,
                      f->n_choices == 0 && **at == '\0' ? "has no value"
                                                        : "has an empty value",
                      err);
    }
    if (**at == '\0' || (takes_choices(f->op) && **at == '|'))
        return compose(&c->from, err) && (!c->to || compose(&c->to, err));
    return refuse(f->text,
                  are_dots(f->text, *at)
                      ? "has '..' twice: put a value with dots in quotes"
                      : "has something behind a closing quote: write a quote in "
                        "quotes twice",
                  err);
}

static bool take_choices(pf_filter *f, const char *value, pf_err *err)
{
    const char *at = value;
    size_t room = 0;
    for (;; at++) {
        if (f->n_choices == PF_FILTER_MAX_CHOICES)
            return pf_fail(err, PF_ERR_MISUSE, "a filter has more than %d values",
                           PF_FILTER_MAX_CHOICES);
        if (!pf_grow_array(&f->choices, &room, f->n_choices, sizeof *f->choices, err))
            return false;
        pf_filter_choice *c = &f->choices[f->n_choices];
        *c = (pf_filter_choice){0};
        const bool ok = take_choice(f, c, &at, err);
        f->n_choices++;
        if (!ok || *at == '\0')
            return ok;
    }
}

/* The pattern as it stands: in a path anything may be meant. */
static bool take_pattern(pf_filter *f, const char *value, pf_err *err)
{
    if (f->op != PF_FILTER_HAS_WORD)
        return refuse(f->text,
                      "compares a path, which takes ~ and a pattern: "
                      "path~'*/2024/*'",
                      err);
    char *pattern = trimmed(value, strlen(value), err);
    f->choices = pattern ? pf_alloc_array(1, sizeof *f->choices, err) : NULL;
    if (!f->choices) {
        pf_free(pattern);
        return false;
    }
    f->choices[f->n_choices++].from = pattern;
    f->op = PF_FILTER_LIKE_PATH;
    if (pattern[0] == '\0')
        return refuse(f->text, "has no value", err);
    return strpbrk(pattern, "*?[") ||
           refuse(f->text,
                  "compares whole paths and has no *: write path~'*chest*' for those "
                  "with 'chest' in them",
                  err);
}

static bool check(pf_filter *f, const char *value, pf_err *err)
{
    if (f->key[0] == '\0')
        return refuse(f->text, "has no key", err);
    if (strcmp(f->key, "path") == 0)
        return take_pattern(f, value, err);
    if (!pf_utf8_is_valid(f->text, strlen(f->text)))
        return refuse(f->text, "is not UTF-8", err);
    if (f->op == PF_FILTER_EQUAL && value[0] == '=')
        return refuse(f->text, "has one '=' too many", err);
    return compose(&f->key, err) && take_choices(f, value, err);
}

bool pf_filter_parse(pf_filter *out, const char *text, pf_err *err)
{
    *out = (pf_filter){0};
    if (strnlen(text, PF_FILTER_MAX_BYTES + 1) > PF_FILTER_MAX_BYTES)
        return pf_fail(err, PF_ERR_MISUSE, "a filter has more than %d bytes",
                       PF_FILTER_MAX_BYTES);
    size_t n_key = 0, n_op = 0;
    while (text[n_key] != '\0' && (n_op = operator_at(text + n_key, &out->op)) == 0)
        n_key++;
    if (n_op == 0)
        return refuse(text,
                      "compares nothing: write KEY=VALUE, KEY!=VALUE, KEY<VALUE, "
                      "KEY>VALUE or KEY~WORD",
                      err);
    if ((out->text = pf_strdup(text, err)) && (out->key = trimmed(text, n_key, err)) &&
        check(out, text + n_key + n_op, err))
        return true;
    pf_filter_reset(out);
    return false;
}

void pf_filter_reset(pf_filter *filter)
{
    for (size_t i = 0; i < filter->n_choices; i++) {
        pf_free(filter->choices[i].from);
        pf_free(filter->choices[i].to);
    }
    pf_free(filter->choices);
    pf_free(filter->text);
    pf_free(filter->key);
    *filter = (pf_filter){0};
}

/* ---- comparing ---- */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int compare_texts(const char *a, const char *b)
{
    for (; *a != '\0' && lower(*a) == lower(*b); a++)
        b++;
    return lower(*a) - lower(*b);
}

/* strtod() would also take blanks, hexadecimal, infinities and NaN. */
static bool is_number(const char *text, double *out)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return false;
    char *end;
    const pf_c_locale locale = pf_c_locale_begin();
    *out = strtod(text, &end);
    pf_c_locale_end(locale);
    return *end == '\0' && isfinite(*out);
}

static bool is_two_digits(const char *s, int max)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    const int n = 10 * (s[0] - '0') + (s[1] - '0');
    return n >= 1 && n <= max;
}

/* Bytes of the ISO date that `s` begins with: 10 for 2024-05-31, 7 for 2024-05, 4 for
 * 2024; 0 for none. */
static size_t date_length(const char *s)
{
    if (strspn(s, "0123456789") != 4)
        return 0;
    if (s[4] != '-' || !is_two_digits(s + 5, 12))
        return 4;
    return s[7] == '-' && is_two_digits(s + 8, 31) ? 10 : 7;
}

/* `value` is a date, or a time of day, within the year, month or day `period`. */
static bool is_within(const char *value, const char *period)
{
    const size_t n = strlen(period);
    if (n < 4 || date_length(period) != n || strncmp(value, period, n) != 0)
        return false;
    return n < 10 ? date_length(value) > n : value[n] == 'T' || value[n] == ' ';
}

/* A value with that of a filter. */
static int compare_values(const char *a, const char *b)
{
    double x, y;
    if (is_within(a, b))
        return 0;
    if (is_number(a, &x) && is_number(b, &y))
        return (x > y) - (x < y);
    return compare_texts(a, b);
}

/* Letters and digits; every letter past ASCII counts as one. */
static bool is_word_byte(char c)
{
    const unsigned char l = lower(c);
    return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l >= 0x80;
}

/* `word` stands in `value`, and is not a piece of a longer word there. */
static bool has_word(const char *value, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = value; *at != '\0'; at++) {
        size_t same = 0;
        while (same < n && at[same] != '\0' && lower(at[same]) == lower(word[same]))
            same++;
        if (same < n)
            continue;
        const bool starts =
            at == value || !is_word_byte(at[-1]) || !is_word_byte(word[0]);
        const bool ends = !is_word_byte(at[n]) || !is_word_byte(word[n - 1]);
        if (starts && ends)
            return true;
    }
    return false;
}

/* Paths are bytes, and no locale's characters. */
static bool matches_path(const char *pattern, const char *path)
{
    const pf_c_locale locale = pf_c_locale_begin();
    const bool is_match = fnmatch(pattern, path, 0) == 0;
    pf_c_locale_end(locale);
    return is_match;
}

bool pf_filter_equals(const char *value, const char *wanted)
{
    return compare_texts(value, wanted) == 0 || is_within(value, wanted);
}

/* An end that is empty is open. */
static bool is_between(const char *value, const pf_filter_choice *c)
{
    return (c->from[0] == '\0' || compare_values(value, c->from) >= 0) &&
           (c->to[0] == '\0' || compare_values(value, c->to) <= 0);
}

static bool accepts(pf_filter_op op, const pf_filter_choice *c, const char *value)
{
    switch (op) {
    case PF_FILTER_EQUAL:
    case PF_FILTER_NOT_EQUAL:
        break;
    case PF_FILTER_LESS:
        return compare_values(value, c->from) < 0;
    case PF_FILTER_GREATER:
        return compare_values(value, c->from) > 0;
    case PF_FILTER_AT_MOST:
        return compare_values(value, c->from) <= 0;
    case PF_FILTER_AT_LEAST:
        return compare_values(value, c->from) >= 0;
    case PF_FILTER_HAS_WORD:
        return has_word(value, c->from);
    case PF_FILTER_LIKE_PATH:
        return matches_path(c->from, value);
    }
    return c->to ? is_between(value, c) : pf_filter_equals(value, c->from);
}

bool pf_filter_accepts(const pf_filter *filter, const char *value)
{
    for (size_t i = 0; i < filter->n_choices; i++) {
        if (accepts(filter->op, &filter->choices[i], value))
            return true;
    }
    return false;
}
