/*
 * html_unescape.c - see html_unescape.h.
 *
 * Sources: the HTML standard, "numeric character reference end state" and "named
 * character reference state", as narrowed by Python's html.unescape(): names of at most
 * 32 characters, longest known prefix of at least two, control characters and
 * noncharacters dropped. No reference contains '&', so a reference that stands for
 * nothing is passed over by keeping its '&' and going on behind it.
 */
#include "core/tokenizer/html_unescape.h"

#include <string.h>
#include <utf8proc.h>

enum {
    NAME_MAX_LENGTH = 32,    /* html.unescape(), without the semicolon */
    CAREFUL_MAX_LENGTH = 24, /* ftfy */
    NO_CHARACTER = 0x110000,
};

typedef struct {
    const char *name;  /* with its semicolon, where it has one */
    uint32_t codes[2]; /* the second may be 0 */
} entity;

static const entity entities[] = {
#include "core/tokenizer/html_entities.inc"
};

static const entity *find_entity(const char *name, size_t n)
{
    size_t low = 0, high = sizeof entities / sizeof entities[0];
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strncmp(entities[mid].name, name, n);
        if (order == 0 && entities[mid].name[n] != '\0')
            order = 1;
        if (order == 0)
            return &entities[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* The longest beginning of `name`, shorter than all of it, that is an entity. */
static const entity *find_prefix(const char *name, size_t n, size_t *length)
{
    for (size_t i = n; i-- > 2;) {
        const entity *e = find_entity(name, i);
        if (e) {
            *length = i;
            return e;
        }
    }
    return NULL;
}

static bool add_entity(pf_codes *out, const entity *e, pf_err *err)
{
    return pf_codes_append(out, e->codes, e->codes[1] ? 2 : 1, err);
}

static int digit_value(uint32_t c, bool is_hex)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    if (is_hex && c >= 'a' && c <= 'f')
        return (int)(c - 'a' + 10);
    if (is_hex && c >= 'A' && c <= 'F')
        return (int)(c - 'A' + 10);
    return -1;
}

/* "#123" or "#x1F" at `s`: how many characters, 0 when there is none. The number stops
 * growing past the last code point. */
static size_t read_number(const uint32_t *s, size_t n, uint32_t *number)
{
    if (n < 2 || s[0] != '#')
        return 0;
    bool is_hex = s[1] == 'x' || s[1] == 'X';
    size_t first = is_hex ? 2 : 1, i = first;
    *number = 0;
    for (; i < n; i++) {
        int digit = digit_value(s[i], is_hex);
        if (digit < 0)
            break;
        if (*number <= 0x10FFFF)
            *number = *number * (is_hex ? 16 : 10) + (uint32_t)digit;
    }
    return i > first ? i : 0;
}

static uint32_t number_to_code(uint32_t number)
{
    if (number >= 0x80 && number <= 0x9F) {
        /* Holes of Windows-1252 stay the control characters they are. */
        return pf_windows_1252(number);
    }
    if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF))
        return 0xFFFD;
    if ((number <= 0x1F && number != '\t' && number != '\n' && number != '\f' &&
         number != '\r') ||
        number == 0x7F || (number >= 0xFDD0 && number <= 0xFDEF) ||
        (number & 0xFFFE) == 0xFFFE)
        return NO_CHARACTER;
    return number;
}

static bool add_number(pf_codes *out, uint32_t number, pf_err *err)
{
    uint32_t code = number_to_code(number);
    return code == NO_CHARACTER || pf_codes_add(out, code, err);
}

static bool ends_name(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' ||
           c == '#' || c == ';';
}

/* The name at `s` with its semicolon, if it has one. What is not ASCII is in no name
 * and becomes a byte that is in none either. */
static size_t read_name(const uint32_t *s, size_t n, char name[NAME_MAX_LENGTH + 2])
{
    size_t i = 0;
    while (i < n && i < NAME_MAX_LENGTH && !ends_name(s[i])) {
        name[i] = s[i] > 0 && s[i] < 0x80 ? (char)s[i] : '\x01';
        i++;
    }
    if (i > 0 && i < n && s[i] == ';')
        name[i++] = ';';
    name[i] = '\0';
    return i;
}

/* Read the reference whose '&' is just before `s`. *used is 0 when it is none. */
static bool unescape_one(const uint32_t *s, size_t n, pf_codes *out, size_t *used,
                         pf_err *err)
{
    uint32_t number;
    *used = read_number(s, n, &number);
    if (*used > 0) {
        if (*used < n && s[*used] == ';')
            ++*used;
        return add_number(out, number, err);
    }
    char name[NAME_MAX_LENGTH + 2];
    size_t length = read_name(s, n, name);
    const entity *e = length ? find_entity(name, length) : NULL;
    if (!e)
        e = find_prefix(name, length, &length);
    if (!e)
        return true;
    *used = length;
    return add_entity(out, e, err);
}

bool pf_html_unescape(const pf_codes *in, pf_codes *out, pf_err *err)
{
    for (size_t i = 0; i < in->n;) {
        size_t used = 0;
        if (in->at[i] == '&' &&
            !unescape_one(in->at + i + 1, in->n - i - 1, out, &used, err))
            return false;
        if (used == 0 && !pf_codes_add(out, in->at[i], err))
            return false;
        i += used + 1;
    }
    return true;
}

/* A lower-case name in capitals, which must mean nothing to html.unescape(): neither
 * itself nor a beginning of it. `name` ends in its semicolon. */
static const entity *find_in_capitals(const char *name, size_t n)
{
    char lower[CAREFUL_MAX_LENGTH + 2];
    bool has_letter = false;
    for (size_t i = 0; i < n; i++) {
        if (name[i] >= 'a' && name[i] <= 'z')
            return NULL;
        bool is_capital = name[i] >= 'A' && name[i] <= 'Z';
        has_letter |= is_capital;
        lower[i] = is_capital ? (char)(name[i] - 'A' + 'a') : name[i];
    }
    size_t ignored;
    if (!has_letter || find_prefix(name, n, &ignored))
        return NULL;
    return find_entity(lower, n);
}

static bool add_capitals(pf_codes *out, const entity *e, pf_err *err)
{
    for (size_t i = 0; i < 2 && e->codes[i]; i++) {
        uint32_t c = e->codes[i];
        if (c == 0xDF) { /* sharp s has no single capital: "SS", as str.upper() */
            static const uint32_t ss[2] = {'S', 'S'};
            if (!pf_codes_append(out, ss, 2, err))
                return false;
            continue;
        }
        if (!pf_codes_add(out, (uint32_t)utf8proc_toupper((utf8proc_int32_t)c), err))
            return false;
    }
    return true;
}

static bool is_alphanumeric(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool unescape_one_carefully(const uint32_t *s, size_t n, pf_codes *out,
                                   size_t *used, pf_err *err)
{
    char name[CAREFUL_MAX_LENGTH + 2];
    size_t hash = n > 0 && s[0] == '#', i = 0;
    while (i < CAREFUL_MAX_LENGTH && hash + i < n && is_alphanumeric(s[hash + i])) {
        name[i] = (char)s[hash + i];
        i++;
    }
    *used = 0;
    if (i == 0 || hash + i >= n || s[hash + i] != ';')
        return true;
    name[i] = ';';
    name[i + 1] = '\0';
    uint32_t number;
    if (hash) {
        /* "&#59;" stays: ftfy takes the ';' it stands for as a sign of trouble. */
        if (read_number(s, n, &number) != i + 1 || number == ';')
            return true;
        *used = i + 2;
        return add_number(out, number, err);
    }
    const entity *e = find_entity(name, i + 1), *capitals = NULL;
    if (!e)
        capitals = find_in_capitals(name, i + 1);
    if (e || capitals)
        *used = i + 1;
    return e ? add_entity(out, e, err) : !capitals || add_capitals(out, capitals, err);
}

bool pf_html_unescape_careful(const pf_codes *in, pf_codes *out, pf_err *err)
{
    for (size_t i = 0; i < in->n;) {
        size_t used = 0;
        if (in->at[i] == '&' &&
            !unescape_one_carefully(in->at + i + 1, in->n - i - 1, out, &used, err))
            return false;
        if (used == 0 && !pf_codes_add(out, in->at[i], err))
            return false;
        i += used + 1;
    }
    return true;
}
