/*
 * text_clean.c - see text_clean.h. Includes utf8proc.h.
 *
 * ftfy 6 goes through a text line by line (a line longer than a million code points is
 * cut there) and repeats these steps on each line until nothing changes:
 *
 *   1. HTML references, unless this line or an earlier one has a '<';
 *   2. repair of mojibake - not done here: it guesses, with a model of what looks odd,
 *      and radiology's captions hardly ever need it;
 *   3. 0x80..0x9F mean Windows-1252; Latin ligatures and digraphs become letters;
 *      full-width and half-width forms become ordinary ones; curly quotes straight
 *      ones; CR, CRLF and the line and paragraph separators LF;
 *   4. terminal escapes: ESC [ digits and semicolons, a letter;
 *   5. control characters but tab, LF, FF, CR; deprecated format characters, byte order
 *      marks, annotation marks;
 *   6. normalisation form C.
 *
 * "Until nothing changes" is bounded by FIX_WORK over the whole text: "&amp;amp;amp;"
 * loses one level per round, and a megabyte of it must not take a day. Lines of a few
 * thousand characters never meet the bound.
 *
 * Character properties are those of utf8proc's Unicode version, the reference's those
 * of its Python: characters assigned later than either can be classified differently.
 */
#include "core/tokenizer/text_clean.h"

#include <string.h>
#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/tokenizer/html_unescape.h"

enum {
    LINE_MAX_LENGTH = 1000000, /* ftfy's max_decode_length */
    FIX_WORK = 16 << 20,       /* code points looked at, all rounds together */
    RUN_SORT_SIMPLY = 16,      /* longer runs of marks are sorted by counting */
    DECOMPOSED_MAX = 32,       /* the longest decomposition in Unicode has 18 */
};

bool pf_code_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    if (c == 0x85)
        return true;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

pf_code_class pf_code_classify(uint32_t code)
{
    if (pf_code_is_space(code))
        return PF_CLASS_SPACE;
    /* The combining iota is a mark, but regardless of case it is the letter iota: the
     * reference's regex engine finds it in none of the pattern's classes. */
    if (code == 0x0345)
        return PF_CLASS_SPACE;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return PF_CLASS_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return PF_CLASS_NUMBER;
    default:
        return PF_CLASS_OTHER;
    }
}

/* Step 3: single characters. */

typedef struct {
    uint16_t from;
    uint16_t to[3];
} ligature;

/* Dutch, Afrikaans and Serbian digraphs, and the typographic ligatures of Latin. */
static const ligature ligatures[] = {
    {0x0132, {'I', 'J'}},      {0x0133, {'i', 'j'}},      {0x0149, {0x02BC, 'n'}},
    {0x01C4, {'D', 0x017D}},   {0x01C5, {'D', 0x017E}},   {0x01C6, {'d', 0x017E}},
    {0x01C7, {'L', 'J'}},      {0x01C8, {'L', 'j'}},      {0x01C9, {'l', 'j'}},
    {0x01CA, {'N', 'J'}},      {0x01CB, {'N', 'j'}},      {0x01CC, {'n', 'j'}},
    {0x01F1, {'D', 'Z'}},      {0x01F2, {'D', 'z'}},      {0x01F3, {'d', 'z'}},
    {0xFB00, {'f', 'f'}},      {0xFB01, {'f', 'i'}},      {0xFB02, {'f', 'l'}},
    {0xFB03, {'f', 'f', 'i'}}, {0xFB04, {'f', 'f', 'l'}}, {0xFB05, {0x017F, 't'}},
    {0xFB06, {'s', 't'}},
};

static size_t split_ligature(uint32_t c, uint32_t to[3])
{
    if (c >= 0x0132 && c <= 0xFB06) {
        for (size_t i = 0; i < sizeof ligatures / sizeof ligatures[0]; i++) {
            if (ligatures[i].from != c)
                continue;
            size_t n = ligatures[i].to[2] ? 3 : 2;
            for (size_t k = 0; k < n; k++)
                to[k] = ligatures[i].to[k];
            return n;
        }
    }
    to[0] = c;
    return 1;
}

/* Full-width and half-width forms by their compatibility decomposition; none of them
 * composes again, so that is their NFKC too. */
static size_t ordinary_width(uint32_t c, uint32_t to[DECOMPOSED_MAX])
{
    if (c >= 0xFF01 && c <= 0xFFEF) {
        utf8proc_int32_t parts[DECOMPOSED_MAX];
        int last = 0;
        utf8proc_ssize_t n =
            utf8proc_decompose_char((utf8proc_int32_t)c, parts, DECOMPOSED_MAX,
                                    UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last);
        if (n > 0 && n <= DECOMPOSED_MAX) {
            for (utf8proc_ssize_t i = 0; i < n; i++)
                to[i] = (uint32_t)parts[i];
            return (size_t)n;
        }
    }
    to[0] = c == 0x3000 ? ' ' : c;
    return 1;
}

static uint32_t straight_quote(uint32_t c)
{
    if (c == 0x02BC || (c >= 0x2018 && c <= 0x201B))
        return '\'';
    return c >= 0x201C && c <= 0x201F ? '"' : c;
}

static bool fix_character(uint32_t c, pf_codes *out, pf_err *err)
{
    uint32_t letters[3], wide[DECOMPOSED_MAX];
    size_t n_letters = split_ligature(pf_windows_1252(c), letters);
    for (size_t i = 0; i < n_letters; i++) {
        size_t n = ordinary_width(letters[i], wide);
        for (size_t k = 0; k < n; k++) {
            uint32_t fixed = straight_quote(wide[k]);
            if (fixed == '\r' || fixed == 0x2028 || fixed == 0x2029 || fixed == 0x85)
                fixed = '\n';
            if (!pf_codes_add(out, fixed, err))
                return false;
        }
    }
    return true;
}

static bool fix_characters(const pf_codes *in, pf_codes *out, pf_err *err)
{
    for (size_t i = 0; i < in->n; i++) {
        if (in->at[i] == '\r' && i + 1 < in->n && in->at[i + 1] == '\n')
            continue;
        if (!fix_character(in->at[i], out, err))
            return false;
    }
    return true;
}

/* Steps 4 and 5, in place. */

/* Length of the terminal escape at `s`, 0 when there is none. Python's \d takes the
 * decimal digits of every script. */
static size_t escape_length(const uint32_t *s, size_t n)
{
    if (n < 3 || s[0] != 0x1B || s[1] != '[')
        return 0;
    size_t i = 2;
    while (i < n && (s[i] == ';' ||
                     utf8proc_category((utf8proc_int32_t)s[i]) == UTF8PROC_CATEGORY_ND))
        i++;
    bool is_letter =
        i < n && ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z'));
    return is_letter ? i + 1 : 0;
}

static void remove_escapes(pf_codes *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < text->n;) {
        size_t length = escape_length(text->at + i, text->n - i);
        if (length == 0) {
            text->at[kept++] = text->at[i];
            length = 1;
        }
        i += length;
    }
    text->n = kept;
}

static bool is_unwanted(uint32_t c)
{
    return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
           (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

static void remove_controls(pf_codes *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < text->n; i++) {
        if (!is_unwanted(text->at[i]))
            text->at[kept++] = text->at[i];
    }
    text->n = kept;
}

/* Step 6. utf8proc would sort marks by swapping neighbours, which a megabyte of marks
 * turns into hours; hence decomposition here, sorting here, composition there. */

static unsigned mark_class(uint32_t c)
{
    utf8proc_propval_t class =
        utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
    return (unsigned)class & 0xFF;
}

static void sort_short_run(uint32_t *s, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t c = s[i];
        unsigned class = mark_class(c);
        size_t k = i;
        for (; k > 0 && mark_class(s[k - 1]) > class; k--)
            s[k] = s[k - 1];
        s[k] = c;
    }
}

static bool sort_long_run(uint32_t *s, size_t n, pf_err *err)
{
    size_t start[257] = {0};
    uint32_t *sorted = pf_alloc_array(n, sizeof *s, err);
    if (!sorted)
        return false;
    for (size_t i = 0; i < n; i++)
        start[mark_class(s[i]) + 1]++;
    for (size_t i = 1; i < 257; i++)
        start[i] += start[i - 1];
    for (size_t i = 0; i < n; i++)
        sorted[start[mark_class(s[i])]++] = s[i];
    memcpy(s, sorted, n * sizeof *s);
    pf_free(sorted);
    return true;
}

static bool order_marks(pf_codes *text, pf_err *err)
{
    for (size_t i = 0; i < text->n;) {
        size_t end = i;
        while (end < text->n && text->at[end] >= 0x300 && mark_class(text->at[end]))
            end++;
        size_t run = end - i;
        if (run > RUN_SORT_SIMPLY) {
            if (!sort_long_run(text->at + i, run, err))
                return false;
        } else if (run > 1) {
            sort_short_run(text->at + i, run);
        }
        i = end + 1; /* what ended the run starts none */
    }
    return true;
}

static bool decompose_each(const pf_codes *in, pf_codes *out, pf_err *err)
{
    for (size_t i = 0; i < in->n; i++) {
        utf8proc_int32_t parts[DECOMPOSED_MAX];
        int last = 0;
        utf8proc_ssize_t n = 0;
        if (in->at[i] >= 0xC0)
            n = utf8proc_decompose_char((utf8proc_int32_t)in->at[i], parts,
                                        DECOMPOSED_MAX, UTF8PROC_DECOMPOSE, &last);
        if (n <= 0 || n > DECOMPOSED_MAX) {
            parts[0] = (utf8proc_int32_t)in->at[i];
            n = 1;
        }
        for (utf8proc_ssize_t k = 0; k < n; k++) {
            if (!pf_codes_add(out, (uint32_t)parts[k], err))
                return false;
        }
    }
    return true;
}

bool pf_text_decompose(const pf_codes *in, pf_codes *out, pf_err *err)
{
    return decompose_each(in, out, err) && order_marks(out, err);
}

/* `in` to normalisation form C, appended to `out`, which is empty. */
static bool normalize(const pf_codes *in, pf_codes *out, pf_err *err)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < in->n; i++)
        highest = in->at[i] > highest ? in->at[i] : highest;
    if (highest < 0x300) /* below the first mark everything is normal as it is */
        return pf_codes_append(out, in->at, in->n, err);
    if (!pf_text_decompose(in, out, err))
        return false;
    utf8proc_ssize_t n =
        utf8proc_normalize_utf32((utf8proc_int32_t *)out->at, (utf8proc_ssize_t)out->n,
                                 UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (n < 0)
        return pf_fail(err, PF_ERR_FORMAT, "text cannot be normalised: %s",
                       utf8proc_errmsg(n));
    out->n = (size_t)n;
    return true;
}

/* Working memory of one cleaning: a line, and the result of the step it goes through.
 */
typedef struct {
    pf_codes line, next, before;
    size_t work;
} fixer;

static void fixer_free(fixer *f)
{
    pf_codes_free(&f->line);
    pf_codes_free(&f->next);
    pf_codes_free(&f->before);
}

static void take_step(fixer *f)
{
    pf_codes_swap(&f->line, &f->next);
    f->next.n = 0;
}

static bool fix_round(fixer *f, bool has_references, pf_err *err)
{
    if (has_references) {
        if (!pf_html_unescape_careful(&f->line, &f->next, err))
            return false;
        take_step(f);
    }
    if (!fix_characters(&f->line, &f->next, err))
        return false;
    take_step(f);
    remove_escapes(&f->line);
    remove_controls(&f->line);
    if (!normalize(&f->line, &f->next, err))
        return false;
    take_step(f);
    return true;
}

static bool fix_line(fixer *f, bool has_references, pf_err *err)
{
    for (bool is_first = true; is_first || f->work < FIX_WORK; is_first = false) {
        f->before.n = 0;
        f->work += f->line.n;
        if (!pf_codes_append(&f->before, f->line.at, f->line.n, err) ||
            !fix_round(f, has_references, err))
            return false;
        if (f->before.n == f->line.n &&
            (f->line.n == 0 ||
             memcmp(f->before.at, f->line.at, f->line.n * sizeof *f->line.at) == 0))
            break;
    }
    return true;
}

/* ftfy's fix_text() without the repair of mojibake. */
static bool fix_text(const pf_codes *in, pf_codes *out, pf_err *err)
{
    fixer f = {.work = 0};
    bool ok = true, has_references = true;
    for (size_t i = 0; ok && i < in->n;) {
        size_t end = i;
        while (end < in->n && end - i < LINE_MAX_LENGTH) {
            uint32_t c = in->at[end++];
            has_references = has_references && c != '<';
            if (c == '\n')
                break;
        }
        f.line.n = 0;
        ok = pf_codes_append(&f.line, in->at + i, end - i, err) &&
             fix_line(&f, has_references, err) &&
             pf_codes_append(out, f.line.at, f.line.n, err);
        i = end;
    }
    fixer_free(&f);
    return ok;
}

static void tidy_spaces(pf_codes *text)
{
    size_t kept = 0;
    bool space_waits = false;
    for (size_t i = 0; i < text->n; i++) {
        uint32_t c = text->at[i];
        if (pf_code_is_space(c)) {
            space_waits = kept > 0;
            continue;
        }
        if (space_waits)
            text->at[kept++] = ' ';
        space_waits = false;
        text->at[kept++] = c;
    }
    text->n = kept;
}

/* str.lower(). Capital sigma at the end of a word is small final sigma: before it, past
 * characters that case passes over, stands a cased one, behind it none (the Unicode
 * standard, section 3.13, Final_Sigma). */

static bool case_ignores(uint32_t c)
{
    /* Word_Break MidLetter, MidNumLet and Single_Quote (UAX 29). */
    static const uint16_t in_words[] = {
        '\'',   '.',    ':',    0x00B7, 0x0387, 0x055F, 0x05F4, 0x2018, 0x2019,
        0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A,
    };
    for (size_t i = 0; i < sizeof in_words / sizeof in_words[0]; i++) {
        if (in_words[i] == c)
            return true;
    }
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return false;
    }
}

static bool is_cased(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
        return true;
    default: /* Other_Lowercase and Other_Uppercase that case does not pass over */
        return c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) ||
               (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
               (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
    }
}

/* Two sigmas end each other's search, so a text is passed at most twice. */
static bool ends_word(const pf_codes *text, size_t sigma)
{
    size_t i = sigma;
    while (i > 0 && case_ignores(text->at[i - 1]))
        i--;
    if (i == 0 || !is_cased(text->at[i - 1]))
        return false;
    i = sigma + 1;
    while (i < text->n && case_ignores(text->at[i]))
        i++;
    return i == text->n || !is_cased(text->at[i]);
}

bool pf_code_is_ascii_punctuation(uint32_t code)
{
    return (code >= 33 && code <= 47) || (code >= 58 && code <= 64) ||
           (code >= 91 && code <= 96) || (code >= 123 && code <= 126);
}

size_t pf_code_lower(uint32_t code, uint32_t to[2])
{
    to[0] = code;
    if (code < 0x80) {
        to[0] = code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code;
        return 1;
    }
    if (code == 0x0130) { /* I with a dot: the one letter with two small ones */
        to[0] = 'i';
        to[1] = 0x0307;
        return 2;
    }
    to[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
    return 1;
}

static bool lower(const pf_codes *text, pf_codes *out, pf_err *err)
{
    for (size_t i = 0; i < text->n; i++) {
        uint32_t small[2];
        size_t n = pf_code_lower(text->at[i], small);
        if (text->at[i] == 0x03A3 && ends_word(text, i))
            small[0] = 0x03C2;
        if (!pf_codes_append(out, small, n, err))
            return false;
    }
    return true;
}

bool pf_text_clean_cased(const char *text, size_t n, pf_codes *out, pf_err *err)
{
    pf_codes raw = {0}, next = {0};
    bool ok = pf_codes_append_utf8(&raw, text, n, err) && fix_text(&raw, out, err);
    for (int i = 0; ok && i < 2; i++) {
        next.n = 0;
        ok = pf_html_unescape(out, &next, err);
        pf_codes_swap(out, &next);
    }
    if (ok)
        tidy_spaces(out);
    pf_codes_free(&raw);
    pf_codes_free(&next);
    return ok;
}

bool pf_text_clean(const char *text, size_t n, pf_codes *out, pf_err *err)
{
    pf_codes cased = {0};
    bool ok = pf_text_clean_cased(text, n, &cased, err) && lower(&cased, out, err);
    pf_codes_free(&cased);
    return ok;
}
