/*
 * wordpiece.c - BERT's tokenizer, as open_clip calls it for BiomedCLIP. Includes
 * utf8proc.h.
 *
 * A text is cleaned as open_clip does (text_clean.h, without lower case). What stands
 * between the five marks, which may be typed, is then read as Google's BertTokenizer
 * reads it:
 *
 *   1. controls, format characters, U+FFFD and what no version of Unicode has assigned
 *      vanish; Chinese characters get a blank at either side;
 *   2. each character becomes lower case by itself, is decomposed (NFD), and loses its
 *      accents (Mn);
 *   3. words are what blanks part; a punctuation character is a word;
 *   4. a word becomes the longest token that it begins with, then the longest of those
 *      with "##" in front that go on from there, and so on; a word where that fails, or
 *      of more than 100 characters, is one [UNK].
 *
 * A vocab.txt has a token per line, which is its id; lines end in LF alone, and all
 * else counts, for tokens may well be blanks to somebody. Refused: a token twice, an
 * empty one, one of the five marks missing.
 */
#include <string.h>
#include <utf8proc.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tokenizer/id_sink.h"
#include "core/tokenizer/text_clean.h"
#include "core/tokenizer/token_set.h"
#include "core/tokenizer/tokenizer_type.h"

enum {
    FILE_BYTES_MAX = 32 << 20,
    TOKENS_MAX = 1 << 20,
    TOKEN_BYTES_MAX = 1024,
    WORD_MAX = 100, /* characters; max_input_chars_per_word */
};

enum { MARK_PAD, MARK_UNK, MARK_CLS, MARK_SEP, MARK_MASK, N_MARKS };

static const char *const marks[N_MARKS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                           "[MASK]"};

typedef struct {
    char *path;
    pf_buf text; /* the file: where the tokens are */
    pf_token_set tokens;
    pf_token_walk later; /* behind "##" */
    bool has_later;
    int32_t mark_id[N_MARKS];
    pf_hash hash;
} wordpiece;

/* ---- reading ---- */

static bool add_line(wordpiece *w, const char *line, size_t n, pf_err *err)
{
    const size_t number = w->tokens.n + 1;
    if (n == 0)
        return pf_fail(err, PF_ERR_FORMAT, "line %zu is empty", number);
    if (n > TOKEN_BYTES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "line %zu has %zu bytes, at most %d are read",
                       number, n, TOKEN_BYTES_MAX);
    if (w->tokens.n == TOKENS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d tokens", TOKENS_MAX);
    const pf_token token = {line, (uint32_t)n, (int32_t)w->tokens.n};
    return pf_token_set_add(&w->tokens, token, err);
}

static bool add_lines(wordpiece *w, pf_err *err)
{
    const char *p = w->text.data, *end = p + w->text.size;
    if (w->text.size == 0)
        return pf_fail(err, PF_ERR_FORMAT, "file is empty");
    if (memchr(p, '\0', w->text.size) || !pf_utf8_is_valid(p, w->text.size))
        return pf_fail(err, PF_ERR_FORMAT, "file is not UTF-8 text");
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((line_end ? line_end : end) - p);
        if (!add_line(w, p, n, err))
            return false;
        p += n + 1;
    }
    return true;
}

static bool find_marks(wordpiece *w, pf_err *err)
{
    for (int i = 0; i < N_MARKS; i++) {
        const pf_token *t = pf_token_set_find(&w->tokens, marks[i], strlen(marks[i]));
        if (!t)
            return pf_fail(err, PF_ERR_FORMAT,
                           "there is no token '%s'%s; take the vocab.txt of the model, "
                           "as it is",
                           marks[i],
                           memchr(w->text.data, '\r', w->text.size)
                               ? " (lines end in CR LF)"
                               : "");
        w->mark_id[i] = t->id;
    }
    return true;
}

static void find_later(wordpiece *w)
{
    w->later = pf_token_walk_begin(&w->tokens);
    w->has_later = pf_token_walk_step(&w->tokens, &w->later, '#') &&
                   pf_token_walk_step(&w->tokens, &w->later, '#');
}

static bool read_vocabulary(wordpiece *w, pf_err *err)
{
    pf_buf_init(&w->text, FILE_BYTES_MAX);
    if (!pf_file_read(w->path, &w->text, err))
        return false;
    w->hash = pf_hash_bytes(w->text.data, w->text.size);
    if (!add_lines(w, err))
        return pf_fail_in(err, "'%s'", w->path);
    size_t twice = pf_token_set_sort(&w->tokens);
    if (twice < w->tokens.n) {
        const pf_token *t = &w->tokens.at[twice];
        return pf_fail(err, PF_ERR_FORMAT, "'%s': line %d repeats line %d, '%.*s'",
                       w->path, (int)t[1].id + 1, (int)t[0].id + 1,
                       pf_utf8_shown(t->text, t->n), t->text);
    }
    find_later(w);
    return find_marks(w, err) || pf_fail_in(err, "'%s'", w->path);
}

static void wordpiece_close(void *self)
{
    wordpiece *w = self;
    pf_free(w->path);
    pf_buf_free(&w->text);
    pf_token_set_free(&w->tokens);
    pf_free(w);
}

static char *find_file(const char *path, pf_err *err)
{
    char *file = pf_path_is_folder(path) ? pf_path_join(path, "vocab.txt", err)
                                         : pf_strdup(path, err);
    if (!file || pf_path_exists(file))
        return file;
    pf_fail(err, PF_ERR_NOT_FOUND, "there is no vocabulary '%s'", file);
    pf_free(file);
    return NULL;
}

static bool wordpiece_open(void **self, const char *path, pf_err *err)
{
    *self = NULL;
    wordpiece *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    w->path = find_file(path, err);
    if (!w->path || !read_vocabulary(w, err)) {
        wordpiece_close(w);
        return false;
    }
    *self = w;
    return true;
}

/* ---- encoding ---- */

/* Working memory of one encoding. */
typedef struct {
    const wordpiece *w;
    pf_codes lower, split; /* of the text between two marks */
    pf_id_sink sink;
} encoder;

static utf8proc_category_t category_of(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
           category_of(c) == UTF8PROC_CATEGORY_ZS;
}

/* Categories C*. */
static bool vanishes(uint32_t c)
{
    switch (category_of(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
        return true;
    default:
        return c == 0xFFFD;
    }
}

/* Han, by BERT's list of blocks: neither kana nor hangul. */
static bool is_chinese(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* All of ASCII's, symbols too, and categories P*. */
static bool is_punctuation(uint32_t c)
{
    if (c < 0x80)
        return pf_code_is_ascii_punctuation(c);
    switch (category_of(c)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return true;
    default:
        return false;
    }
}

/* Steps 1 and 2, before accents are taken apart. */
static bool lower_each(const uint32_t *s, size_t n, pf_codes *out, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t codes[4] = {' '};
        size_t n_codes = 1;
        if (!is_blank(s[i])) {
            if (vanishes(s[i]))
                continue;
            size_t before = is_chinese(s[i]) ? 1 : 0;
            n_codes = before + pf_code_lower(s[i], codes + before);
            if (before)
                codes[n_codes++] = ' ';
        }
        if (!pf_codes_append(out, codes, n_codes, err))
            return false;
    }
    return true;
}

static void drop_accents(pf_codes *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < text->n; i++) {
        if (category_of(text->at[i]) != UTF8PROC_CATEGORY_MN)
            text->at[kept++] = text->at[i];
    }
    text->n = kept;
}

/* The longest token at `s`, behind "##" unless it is the word's first; its length in
 * *length, without "##". */
static const pf_token *longest(const wordpiece *w, bool is_first, const char *s,
                               size_t n, size_t *length)
{
    const pf_token *best = NULL;
    pf_token_walk walk = is_first ? pf_token_walk_begin(&w->tokens) : w->later;
    if (!is_first && !w->has_later)
        return NULL;
    for (size_t i = 0; i < n && pf_token_walk_step(&w->tokens, &walk, s[i]); i++) {
        const pf_token *t = pf_token_walk_token(&w->tokens, &walk);
        if (t) {
            best = t;
            *length = i + 1;
        }
    }
    return best;
}

static void encode_word(encoder *e, const uint32_t *s, size_t n)
{
    char bytes[WORD_MAX * 4];
    int32_t ids[WORD_MAX * 4];
    size_t size = 0, n_ids = 0;
    for (size_t i = 0; i < n && n <= WORD_MAX; i++)
        size += pf_utf8_encode(s[i], bytes + size);
    for (size_t at = 0, length = 0; at < size; at += length) {
        const pf_token *t = longest(e->w, at == 0, bytes + at, size - at, &length);
        if (!t) {
            n_ids = 0;
            break;
        }
        ids[n_ids++] = t->id;
    }
    if (n_ids == 0)
        pf_id_put(&e->sink, e->w->mark_id[MARK_UNK]);
    for (size_t i = 0; i < n_ids; i++)
        pf_id_put(&e->sink, ids[i]);
}

static void encode_words(encoder *e, const pf_codes *text)
{
    for (size_t i = 0; i < text->n && !pf_id_sink_is_full(&e->sink);) {
        const uint32_t *s = text->at + i;
        size_t n = 1;
        if (*s != ' ') {
            while (!is_punctuation(*s) && i + n < text->n && s[n] != ' ' &&
                   !is_punctuation(s[n]))
                n++;
            encode_word(e, s, n);
        }
        i += n;
    }
}

/* The text between two marks. */
static bool encode_part(encoder *e, const uint32_t *s, size_t n, pf_err *err)
{
    e->lower.n = e->split.n = 0;
    if (!lower_each(s, n, &e->lower, err) ||
        !pf_text_decompose(&e->lower, &e->split, err))
        return false;
    drop_accents(&e->split);
    encode_words(e, &e->split);
    return true;
}

/* Which mark stands at `s`; N_MARKS when none does. */
static int mark_at(const uint32_t *s, size_t n)
{
    int mark = *s == '[' ? 0 : N_MARKS;
    while (mark < N_MARKS && !pf_codes_begin_with(s, n, marks[mark]))
        mark++;
    return mark;
}

static bool encode_clean(encoder *e, const pf_codes *text, pf_err *err)
{
    size_t begin = 0, i = 0;
    while (i < text->n && !pf_id_sink_is_full(&e->sink)) {
        int mark = mark_at(text->at + i, text->n - i);
        if (mark == N_MARKS) {
            i++;
            continue;
        }
        if (!encode_part(e, text->at + begin, i - begin, err))
            return false;
        pf_id_put(&e->sink, e->w->mark_id[mark]);
        begin = i += strlen(marks[mark]);
    }
    return begin == i || encode_part(e, text->at + begin, i - begin, err);
}

static bool wordpiece_encode(const void *self, const char *text, size_t n,
                             size_t context, int32_t *ids, size_t *n_ids,
                             bool *is_truncated, pf_err *err)
{
    encoder e = {.w = self, .sink = {ids, 0, context}};
    pf_codes clean = {0};
    pf_id_put(&e.sink, e.w->mark_id[MARK_CLS]);
    bool ok =
        pf_text_clean_cased(text, n, &clean, err) && encode_clean(&e, &clean, err);
    pf_codes_free(&clean);
    pf_codes_free(&e.lower);
    pf_codes_free(&e.split);
    if (!ok)
        return false;
    bool is_cut = pf_id_sink_end(&e.sink, e.w->mark_id[MARK_SEP]);
    *n_ids = e.sink.n;
    if (is_truncated)
        *is_truncated = is_cut;
    return true;
}

/* ---- behind tokenizer.h ---- */

static int32_t wordpiece_size(const void *self)
{
    return (int32_t)((const wordpiece *)self)->tokens.n;
}

static const char *wordpiece_file(const void *self, size_t i)
{
    return i == 0 ? ((const wordpiece *)self)->path : NULL;
}

static pf_hash wordpiece_hash(const void *self)
{
    return ((const wordpiece *)self)->hash;
}

const pf_tokenizer_type pf_wordpiece_type = {
    .files_wanted = "the vocab.txt of the model's folder on Hugging Face",
    .open = wordpiece_open,
    .close = wordpiece_close,
    .encode = wordpiece_encode,
    .vocabulary_size = wordpiece_size,
    .file = wordpiece_file,
    .hash = wordpiece_hash,
};
