/*
 * bpe_vocab.c - see bpe_vocab.h.
 *
 * A merges file is a first line "#version: ..." (which may be missing) and then one
 * merge per line: two tokens with one space between them. Tokens are written in an
 * alphabet of 256 printable characters, one per byte (GPT-2's bytes_to_unicode()): the
 * bytes 33..126, 161..172 and 174..255 stand for themselves, the others for U+0100
 * onwards; "</w>" ends a token that ends a word. OpenAI's file begins with
 * "bpe_simple_vocab... and has far more lines than CLIP uses: the first 48,894 count.
 *
 * Without a vocab.json ids follow from the order: 256 bytes in the order of the
 * alphabet's first sentence, the same with "</w>", the merges, start, end. Two merges
 * with the same result leave a hole: the later id counts, as in OpenAI's code.
 *
 * Refused by name: a merge of tokens that nothing makes, a token without an id, an id
 * twice (bpe.c refuses a merge that stands there twice). So by induction every token
 * consists of bytes.
 */
#include "core/tokenizer/bpe_vocab.h"

#include <string.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/utf8.h"

enum {
    OPENAI_MERGES = 49152 - 256 - 2, /* simple_tokenizer.py, merges[1:49152-256-2+1] */
    PROBES_MAX = 2048, /* a name table this full of collisions was made on purpose */
};

static const char start_name[] = "<|startoftext|>", end_name[] = "<|endoftext|>";
static const char word_end[] = "</w>";

/* Names (borrowed) with their ids. */
typedef struct {
    const char *s;
    uint32_t n;
    int32_t id;
} name;

typedef struct {
    name *slots; /* s is NULL in an empty one */
    size_t mask, n;
    pf_json *json; /* owned: where the names stand, when they come from a JSON */
} names;

static bool names_init(names *t, size_t expected, pf_err *err)
{
    size_t n = 1024;
    while (n < expected * 2)
        n *= 2;
    t->mask = n - 1;
    t->n = 0;
    t->slots = pf_alloc_array(n, sizeof *t->slots, err);
    return t->slots != NULL;
}

static void names_free(names *t)
{
    pf_free(t->slots);
    pf_json_free(t->json);
    *t = (names){.n = 0};
}

/* The slot of the name, or the empty one where it belongs; NULL past PROBES_MAX. */
static name *names_slot(const names *t, const char *s, size_t n)
{
    const pf_hash h = pf_hash_bytes(s, n);
    uint64_t at;
    memcpy(&at, h.b, sizeof at);
    for (size_t i = 0; i < PROBES_MAX; i++, at++) {
        name *slot = &t->slots[at & t->mask];
        if (!slot->s || (slot->n == n && memcmp(slot->s, s, n) == 0))
            return slot;
    }
    return NULL;
}

/* The last id given to a name counts. The table was made large enough. */
static bool names_put(names *t, const char *s, size_t n, int32_t id, pf_err *err)
{
    name *slot = n < PF_BPE_FILE_MAX ? names_slot(t, s, n) : NULL;
    if (!slot)
        return pf_fail(err, PF_ERR_LIMIT, "token names collide too often");
    if (!slot->s)
        t->n++;
    *slot = (name){s, (uint32_t)n, id};
    return true;
}

/* -1 when there is none. */
static int32_t names_get(const names *t, const char *s, size_t n)
{
    const name *slot = names_slot(t, s, n);
    return slot && slot->s ? slot->id : -1;
}

/* The character that stands for a byte. */
static uint32_t byte_character(unsigned byte)
{
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)
        return byte;
    return byte <= 32 ? 0x100 + byte
                      : (byte <= 160 ? 0x100 + 33 + (byte - 127) : 0x100 + 67);
}

/* Where the byte stands in OpenAI's vocabulary: those that stand for themselves first.
 */
static int32_t byte_order(unsigned byte)
{
    uint32_t c = byte_character(byte);
    if (c >= 0x100)
        return (int32_t)(188 + (c - 0x100));
    return (int32_t)(byte <= 126   ? byte - 33
                     : byte <= 172 ? byte - 161 + 94
                                   : byte - 174 + 106);
}

/* The 512 names of single bytes, without and with "</w>". */
typedef struct {
    char text[256][6 + 1]; /* at most two bytes of UTF-8 and "</w>" */
    size_t n[256];         /* length without "</w>" */
} byte_names;

static void name_bytes(byte_names *b)
{
    for (unsigned i = 0; i < 256; i++) {
        b->n[i] = pf_utf8_encode(byte_character(i), b->text[i]);
        memcpy(b->text[i] + b->n[i], word_end, sizeof word_end);
    }
}

/* The merges as they stand in the file, and the names they make. */
typedef struct {
    const char *left, *right;
    uint32_t n_left, n_right;
    size_t line; /* 1 is the first */
} parsed_merge;

typedef struct {
    pf_buf text;
    parsed_merge *merges;
    size_t n, room;
    char *joined; /* the results, one after the other */
} merges_file;

static void merges_file_free(merges_file *f)
{
    pf_buf_free(&f->text);
    pf_free(f->merges);
    pf_free(f->joined);
    *f = (merges_file){.n = 0};
}

/* zlib takes its memory from the same door as everybody. */
static void *zlib_alloc(void *unused, unsigned n, unsigned size)
{
    (void)unused;
    return pf_alloc_array(n, size, NULL);
}

static void zlib_free(void *unused, void *p)
{
    (void)unused;
    pf_free(p);
}

static bool inflate_all(z_stream *z, pf_buf *out, pf_err *err)
{
    enum { STEP = 1 << 16 };
    for (;;) {
        size_t room = out->cap - out->size;
        if (room == 0)
            return pf_fail(err, PF_ERR_LIMIT, "more than %zu bytes unpacked", out->cap);
        room = room < STEP ? room : STEP;
        if (!pf_buf_reserve(out, room, err))
            return false;
        z->next_out = (Bytef *)out->data + out->size;
        z->avail_out = (uInt)room;
        int rc = inflate(z, Z_NO_FLUSH);
        out->size += room - z->avail_out;
        if (rc == Z_STREAM_END)
            break;
        if (rc == Z_BUF_ERROR || (rc == Z_OK && z->avail_in == 0 && z->avail_out > 0))
            return pf_fail(err, PF_ERR_FORMAT, "gzip data is cut");
        if (rc == Z_MEM_ERROR)
            return pf_fail(err, PF_ERR_NOMEM, "out of memory");
        if (rc != Z_OK)
            return pf_fail(err, PF_ERR_FORMAT, "gzip data is damaged: %s",
                           z->msg ? z->msg : "needs a dictionary");
    }
    if (z->avail_in > 0)
        return pf_fail(err, PF_ERR_FORMAT, "%u bytes stand behind the gzip data",
                       z->avail_in);
    return true;
}

static bool unpack(const pf_buf *packed, pf_buf *out, pf_err *err)
{
    z_stream z = {.zalloc = zlib_alloc,
                  .zfree = zlib_free,
                  .next_in = (z_const Bytef *)packed->data,
                  .avail_in = (uInt)packed->size};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip only */
        return pf_fail(err, PF_ERR_NOMEM, "out of memory");
    bool ok = inflate_all(&z, out, err);
    inflateEnd(&z);
    return ok;
}

/* The bytes of a plain or gzipped file, which must be text. */
static bool read_text(pf_buf *out, const char *path, pf_err *err)
{
    bool ok = true;
    pf_buf_init(out, PF_BPE_FILE_MAX);
    if (!pf_file_read(path, out, err))
        return false;
    if (out->size >= 2 && memcmp(out->data, "\x1F\x8B", 2) == 0) {
        pf_buf packed = *out;
        pf_buf_init(out, PF_BPE_FILE_MAX);
        ok = unpack(&packed, out, err);
        pf_buf_free(&packed);
    }
    if (ok && out->size > 0 && !pf_utf8_is_valid(out->data, out->size))
        ok = pf_fail(err, PF_ERR_FORMAT, "file is not UTF-8 text");
    return ok || pf_fail_in(err, "'%s'", path);
}

static bool take_line(pf_span *rest, const char **line, size_t *n)
{
    size_t left = pf_span_left(rest);
    if (left == 0)
        return false;
    const uint8_t *p = rest->p, *end = memchr(p, '\n', left);
    size_t length = end ? (size_t)(end - p) : left;
    rest->p += end ? length + 1 : length;
    *line = (const char *)p;
    *n = length > 0 && p[length - 1] == '\r' ? length - 1 : length;
    return true;
}

/* How much of `s` a message shows. */
static int shown(const char *s, size_t n)
{
    return (int)(n > 80 ? pf_utf8_cut(s, 80) : n);
}

static bool add_merge(merges_file *f, const char *line, size_t n, size_t number,
                      pf_err *err)
{
    const char *space = memchr(line, ' ', n);
    size_t left = space ? (size_t)(space - line) : 0, right = n - left - 1;
    if (!space || left == 0 || right == 0 || memchr(space + 1, ' ', right) ||
        memchr(line, '\t', n) || memchr(line, '\0', n))
        return pf_fail(err, PF_ERR_FORMAT,
                       "line %zu: '%.*s' is not two tokens with a space between them",
                       number, shown(line, n), line);
    if (f->n == PF_BPE_MERGES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d merges", PF_BPE_MERGES_MAX);
    if (!pf_grow_array(&f->merges, &f->room, f->n, sizeof *f->merges, err))
        return false;
    f->merges[f->n++] =
        (parsed_merge){line, space + 1, (uint32_t)left, (uint32_t)right, number};
    return true;
}

static bool begins_with(const char *line, size_t n, const char *word)
{
    return n >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

static bool parse_merges(merges_file *f, pf_err *err)
{
    pf_span rest = pf_span_of(f->text.data, f->text.size);
    size_t most = PF_BPE_MERGES_MAX + 1, n, number = 0;
    const char *line;
    while (f->n < most && take_line(&rest, &line, &n)) {
        number++;
        if (number == 1 && begins_with(line, n, "\"bpe_simple_vocab")) {
            most = OPENAI_MERGES;
            continue;
        }
        if (number == 1 && begins_with(line, n, "#version"))
            continue;
        if (n == 0 && pf_span_left(&rest) == 0)
            break; /* one empty line at the end does no harm */
        if (!add_merge(f, line, n, number, err))
            return false;
    }
    if (number == 0)
        return pf_fail(err, PF_ERR_FORMAT, "file is empty");
    if (most == OPENAI_MERGES && f->n < most)
        return pf_fail(err, PF_ERR_FORMAT, "OpenAI's vocabulary has %d merges, not %zu",
                       OPENAI_MERGES, f->n);
    f->joined = pf_alloc_array(f->text.size + 1, 1, err);
    return f->joined != NULL;
}

/* Write the result of merge `m` at `at`; returns its length. */
static size_t join(const parsed_merge *m, char *at)
{
    memcpy(at, m->left, m->n_left);
    memcpy(at + m->n_left, m->right, m->n_right);
    return (size_t)m->n_left + m->n_right;
}

/* Ids from the order of the merges. */
static bool number_by_order(names *t, const byte_names *bytes, const merges_file *f,
                            pf_err *err)
{
    for (unsigned b = 0; b < 256; b++) {
        const char *s = bytes->text[b];
        if (!names_put(t, s, bytes->n[b], byte_order(b), err) ||
            !names_put(t, s, bytes->n[b] + 4, 256 + byte_order(b), err))
            return false;
    }
    char *at = f->joined;
    for (size_t i = 0; i < f->n; i++) {
        size_t n = join(&f->merges[i], at);
        if (!names_put(t, at, n, 512 + (int32_t)i, err))
            return false;
        at += n;
    }
    int32_t next = 512 + (int32_t)f->n;
    return names_put(t, start_name, sizeof start_name - 1, next, err) &&
           names_put(t, end_name, sizeof end_name - 1, next + 1, err);
}

/* Ids from a vocab.json. */
static bool number_by_json(names *t, const pf_json *json, uint8_t *is_taken,
                           pf_err *err)
{
    pf_json_member m = {0};
    while (pf_json_next_member(json, &m)) {
        int64_t id;
        if (!pf_json_to_int(m.value, &id))
            return pf_fail(err, PF_ERR_FORMAT, "id of token '%.80s' is not a number",
                           m.key);
        if (id < 0 || id >= PF_BPE_ID_MAX)
            return pf_fail(err, PF_ERR_LIMIT,
                           "token '%.80s' has id %lld, expected 0..%d", m.key,
                           (long long)id, PF_BPE_ID_MAX - 1);
        if (is_taken[id / 8] & 1u << id % 8)
            return pf_fail(err, PF_ERR_FORMAT, "id %lld is given twice, to '%.80s' too",
                           (long long)id, m.key);
        is_taken[id / 8] |= (uint8_t)(1u << id % 8);
        if (!names_put(t, m.key, strlen(m.key), (int32_t)id, err))
            return false;
    }
    return true;
}

static bool look_up(const names *t, const char *s, size_t n, int32_t *id, pf_err *err)
{
    *id = names_get(t, s, n);
    return *id >= 0 ||
           pf_fail(err, PF_ERR_FORMAT, "token '%.*s' has no id", shown(s, n), s);
}

/* `joined` has room for left and right together. */
static bool resolve_merge(pf_bpe_merge *to, const names *t, const parsed_merge *m,
                          char *joined, pf_err *err)
{
    if (look_up(t, m->left, m->n_left, &to->left, err) &&
        look_up(t, m->right, m->n_right, &to->right, err) &&
        look_up(t, joined, join(m, joined), &to->result, err))
        return true;
    return pf_fail_in(err, "merge in line %zu", m->line);
}

static bool resolve(pf_bpe_vocab *vocab, const names *t, const byte_names *bytes,
                    const merges_file *f, pf_err *err)
{
    for (unsigned b = 0; b < 256; b++) {
        const char *s = bytes->text[b];
        if (!look_up(t, s, bytes->n[b], &vocab->byte_id[b], err) ||
            !look_up(t, s, bytes->n[b] + 4, &vocab->last_id[b], err))
            return false;
    }
    if (!look_up(t, start_name, sizeof start_name - 1, &vocab->start_id, err) ||
        !look_up(t, end_name, sizeof end_name - 1, &vocab->end_id, err))
        return false;
    /* Names of the table may lie in `joined`: what is written there is the same. */
    char *at = f->joined;
    for (size_t i = 0; i < f->n; i++) {
        if (!resolve_merge(&vocab->merges[i], t, &f->merges[i], at, err))
            return false;
        at += (size_t)f->merges[i].n_left + f->merges[i].n_right;
    }
    vocab->size = 0;
    for (size_t i = 0; i <= t->mask; i++) {
        if (t->slots[i].s && t->slots[i].id >= vocab->size)
            vocab->size = t->slots[i].id + 1;
    }
    return true;
}

/* Taking "token": id, "token": id, ... one by one. */

static void skip_blanks(pf_span *s)
{
    while (s->p < s->end &&
           (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool take_char(pf_span *s, char c)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != (uint8_t)c)
        return false;
    s->p++;
    return true;
}

/* By hand: snprintf() took 5 ms of each start, for fifty thousand numbers. */
static bool take_number(pf_span *s, int32_t number)
{
    char digits[16];
    size_t n = 0;
    const uint8_t *b;
    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (n > 0) {
        if (!pf_span_take(s, 1, &b) || *b != (uint8_t)digits[--n])
            return false;
    }
    return true;
}

static bool take_entry(pf_span *s, const char *token, size_t n, int32_t id,
                       char ends_in)
{
    if (!take_char(s, '"'))
        return false;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *b;
        if ((token[i] == '"' || token[i] == '\\') &&
            (!pf_span_take(s, 1, &b) || *b != '\\'))
            return false;
        if (!pf_span_take(s, 1, &b) || *b != (uint8_t)token[i])
            return false;
    }
    if (s->p == s->end || *s->p != '"' || !pf_span_skip(s, 1) || !take_char(s, ':'))
        return false;
    skip_blanks(s);
    return take_number(s, id) && take_char(s, ends_in);
}

/* Does the vocab.json say, entry by entry, what the order of the merges says anyway?
 * CLIP's does, and then reading it as JSON (a megabyte, 40 ms and more, at the start of
 * every query) is spared. False decides nothing. */
static bool is_in_order(const byte_names *bytes, const merges_file *f, pf_span json)
{
    unsigned byte_at[256];
    for (unsigned b = 0; b < 256; b++)
        byte_at[byte_order(b)] = b;
    bool ok = take_char(&json, '{');
    for (int32_t id = 0; ok && id < 512; id++) {
        unsigned b = byte_at[id % 256];
        size_t n = bytes->n[b] + (id < 256 ? 0 : 4);
        ok = take_entry(&json, bytes->text[b], n, id, ',');
    }
    const char *at = f->joined;
    for (size_t i = 0; ok && i < f->n; i++) {
        size_t n = (size_t)f->merges[i].n_left + f->merges[i].n_right;
        ok = take_entry(&json, at, n, 512 + (int32_t)i, ',');
        at += n;
    }
    int32_t next = 512 + (int32_t)f->n;
    ok = ok && take_entry(&json, start_name, sizeof start_name - 1, next, ',') &&
         take_entry(&json, end_name, sizeof end_name - 1, next + 1, '}');
    skip_blanks(&json);
    return ok && pf_span_left(&json) == 0;
}

/* Replace what the order said by what the JSON says. */
static bool renumber(names *t, pf_span text, pf_err *err)
{
    pf_json *json;
    if (!pf_json_parse(&json, (const char *)text.p, pf_span_left(&text), err))
        return false;
    pf_free(t->slots);
    t->slots = NULL;
    uint8_t *is_taken = NULL;
    bool ok = names_init(t, pf_json_size(json), err);
    if (ok && pf_json_get_kind(json) != PF_JSON_OBJECT)
        ok = pf_fail(err, PF_ERR_FORMAT, "file is not an object of tokens and ids");
    if (ok) {
        is_taken = pf_zalloc(PF_BPE_ID_MAX / 8, err);
        ok = is_taken && number_by_json(t, json, is_taken, err);
    }
    /* Names are the JSON's; whoever looks them up does so before it goes. */
    t->json = json;
    pf_free(is_taken);
    return ok;
}

/* `ids` is the text of a vocab.json, or NULL. */
static bool number_tokens(pf_bpe_vocab *vocab, const merges_file *f, const pf_span *ids,
                          pf_err *err)
{
    names t = {.n = 0};
    byte_names bytes;
    name_bytes(&bytes);
    size_t n = 514 + f->n;
    bool ok = names_init(&t, n, err) && number_by_order(&t, &bytes, f, err);
    if (ok && ids && (t.n < n || !is_in_order(&bytes, f, *ids)))
        ok = renumber(&t, *ids, err);
    ok = ok && resolve(vocab, &t, &bytes, f, err);
    names_free(&t);
    return ok;
}

static bool read_merges(merges_file *f, const char *path, pf_err *err)
{
    return read_text(&f->text, path, err) &&
           (parse_merges(f, err) || pf_fail_in(err, "'%s'", path));
}

/* folder/name when it is there, else NULL in *found. */
static bool find_file(char **found, const char *folder, const char *file_name,
                      pf_err *err)
{
    *found = pf_path_join(folder, file_name, err);
    if (!*found)
        return false;
    if (!pf_path_exists(*found)) {
        pf_free(*found);
        *found = NULL;
    }
    return true;
}

/* *ids stays NULL when there is no vocab.json. */
static bool find_files(char **merges, char **ids, const char *path, pf_err *err)
{
    static const char *const openai[] = {"bpe_simple_vocab_16e6.txt.gz",
                                         "bpe_simple_vocab_16e6.txt"};
    if (!pf_path_exists(path))
        return pf_fail(err, PF_ERR_NOT_FOUND, "there is no vocabulary '%s'", path);
    if (!pf_path_is_folder(path)) {
        *merges = pf_strdup(path, err);
        if (!*merges)
            return false;
        if (strcmp(pf_path_base(path), "merges.txt") != 0)
            return true;
        char *folder = pf_strndup(path, (size_t)(pf_path_base(path) - path), err);
        bool ok = folder && find_file(ids, folder, "vocab.json", err);
        pf_free(folder);
        return ok;
    }
    if (!find_file(merges, path, "merges.txt", err))
        return false;
    if (*merges)
        return find_file(ids, path, "vocab.json", err);
    for (size_t i = 0; i < 2 && !*merges; i++) {
        if (!find_file(merges, path, openai[i], err))
            return false;
    }
    if (!*merges)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "folder '%s' has no vocabulary (merges.txt or %s)", path,
                       openai[0]);
    return true;
}

bool pf_bpe_files_find(pf_bpe_files *files, const char *path, pf_err *err)
{
    *files = (pf_bpe_files){0};
    const bool ok = find_files(&files->merges, &files->ids, path, err);
    if (!ok)
        pf_bpe_files_free(files);
    return ok;
}

void pf_bpe_files_free(pf_bpe_files *files)
{
    pf_free(files->merges);
    pf_free(files->ids);
    *files = (pf_bpe_files){0};
}

/* The whole vocabulary. */

static bool read_vocab(pf_bpe_vocab *vocab, merges_file *f, pf_buf *json,
                       const pf_bpe_files *files, pf_err *err)
{
    if (!read_merges(f, files->merges, err) ||
        (files->ids && !pf_file_read(files->ids, json, err)))
        return false;
    vocab->n_merges = f->n;
    vocab->first_line = f->n > 0 ? f->merges[0].line : 1;
    vocab->merges = pf_alloc_array(f->n, sizeof *vocab->merges, err);
    const pf_span ids = pf_span_of(json->data, json->size);
    return vocab->merges &&
           (number_tokens(vocab, f, files->ids ? &ids : NULL, err) ||
            pf_fail_in(err, "'%s'", files->ids ? files->ids : files->merges));
}

bool pf_bpe_vocab_read(pf_bpe_vocab *vocab, const pf_bpe_files *files, pf_err *err)
{
    merges_file f = {.n = 0};
    pf_buf json;
    pf_buf_init(&json, PF_BPE_FILE_MAX);
    *vocab = (pf_bpe_vocab){.merges = NULL};
    const bool ok = read_vocab(vocab, &f, &json, files, err);
    pf_buf_free(&json);
    merges_file_free(&f);
    if (!ok)
        pf_bpe_vocab_free(vocab);
    return ok;
}

void pf_bpe_vocab_free(pf_bpe_vocab *vocab)
{
    pf_free(vocab->merges);
    *vocab = (pf_bpe_vocab){.merges = NULL};
}
