/*
 * bpe.c - see bpe.h. Splitting a cleaned text into pieces, and merging their bytes.
 *
 * The reference's pattern, tried from left to right without regard to case:
 *
 *   <|startoftext|> | <|endoftext|> | 's 't 're 've 'm 'll 'd | letters | one number |
 *   anything else but white space
 *
 * Each piece becomes bytes, the last of them marked as the end of a word. Then, as long
 * as two neighbours can merge, the merge of lowest rank is applied to all its places,
 * from left to right. Done literally that is quadratic in the piece, and one word may
 * be megabytes long: places wait in a heap ordered by (rank, position), and all places
 * of one rank leave it together before the places they open are put in. That gives
 * exactly the reference's order, also for merges that do not stand in training order.
 */
#include "core/tokenizer/bpe.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cache_file.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tokenizer/bpe_tables.h"
#include "core/tokenizer/bpe_vocab.h"
#include "core/tokenizer/id_sink.h"
#include "core/tokenizer/text_clean.h"
#include "core/tokenizer/tokenizer_type.h"

enum { BPE_LAYOUT = 1 }; /* of the tables, to be counted up when it changes */

/* A small vocabulary is read as fast as its tables are found. */
static const pf_cache_kind kept_tables = {"tokens-", 1 << 18};

struct pf_bpe {
    pf_bpe_tables tables;
    void *memory;       /* of the tables; NULL: they are mapped */
    pf_cache_file file; /* all zero: they are in memory */
    char *path;         /* the file the merges came from */
    char *ids_path;     /* the vocab.json that ids come from, or would */
};

/* ---- opening ---- */

static bool name_files(pf_bpe *bpe, const char *merges, pf_err *err)
{
    bpe->path = pf_strdup(merges, err);
    bpe->ids_path =
        pf_strf(err, "%.*svocab.json", (int)(pf_path_base(merges) - merges), merges);
    return bpe->path && bpe->ids_path;
}

/* What tells a file from what it was; the time of the last change of any kind is in it,
 * which nobody can set back. */
static bool stamp(char *out, size_t room, const char *path)
{
    struct stat st;
    if (!path)
        return snprintf(out, room, "none") > 0;
    return stat(path, &st) == 0 &&
           snprintf(out, room, "%lld %lld.%09ld %lld.%09ld %llu", (long long)st.st_size,
                    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                    (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
                    (unsigned long long)st.st_ino) > 0;
}

/* Of what the tables are kept under. */
static bool find_key(pf_hash *key, const pf_bpe_files *files)
{
    char merges[128], ids[128], text[300];
    if (!stamp(merges, sizeof merges, files->merges) ||
        !stamp(ids, sizeof ids, files->ids))
        return false;
    const int n =
        snprintf(text, sizeof text, "bpe %d, %s, %s", BPE_LAYOUT, merges, ids);
    *key = pf_hash_bytes(text, (size_t)n);
    return true;
}

static bool find_tables(pf_bpe *bpe, const pf_hash *key)
{
    if (!pf_cache_file_find(&bpe->file, &kept_tables, key, 0))
        return false;
    if (pf_bpe_tables_view(&bpe->tables, bpe->file.bytes, bpe->file.size))
        return true;
    pf_cache_file_close(&bpe->file);
    return false;
}

/* `key` may be NULL: then they are neither looked for nor kept. */
static bool make_tables(pf_bpe *bpe, const pf_bpe_files *files, const pf_hash *key,
                        pf_err *err)
{
    pf_bpe_vocab vocab;
    size_t n = 0;
    if (key && find_tables(bpe, key))
        return true;
    if (!pf_bpe_vocab_read(&vocab, files, err))
        return false;
    const bool ok = pf_bpe_tables_make(&bpe->memory, &n, &vocab, files->merges, err);
    pf_bpe_vocab_free(&vocab);
    if (ok && key)
        pf_cache_file_keep(&kept_tables, key, bpe->memory, n);
    return ok &&
           (pf_bpe_tables_view(&bpe->tables, bpe->memory, n) ||
            pf_fail(err, PF_ERR_FORMAT, "'%s': ids are out of range", files->merges));
}

static bool open_bpe(pf_bpe **out, const char *path, bool is_kept, pf_err *err)
{
    pf_bpe_files files;
    pf_hash key;
    *out = NULL;
    if (!pf_bpe_files_find(&files, path, err))
        return false;
    pf_bpe *bpe = pf_zalloc(sizeof *bpe, err);
    is_kept = is_kept && find_key(&key, &files);
    if (bpe && name_files(bpe, files.merges, err) &&
        make_tables(bpe, &files, is_kept ? &key : NULL, err))
        *out = bpe;
    else
        pf_bpe_close(bpe);
    pf_bpe_files_free(&files);
    return *out != NULL;
}

bool pf_bpe_open(pf_bpe **out, const char *path, pf_err *err)
{
    return open_bpe(out, path, false, err);
}

bool pf_bpe_open_kept(pf_bpe **out, const char *path, pf_err *err)
{
    return open_bpe(out, path, true, err);
}

void pf_bpe_close(pf_bpe *bpe)
{
    if (!bpe)
        return;
    pf_cache_file_close(&bpe->file);
    pf_free(bpe->memory);
    pf_free(bpe->path);
    pf_free(bpe->ids_path);
    pf_free(bpe);
}

int32_t pf_bpe_vocab_size(const pf_bpe *bpe)
{
    return bpe->tables.ids->size;
}

int32_t pf_bpe_start_token(const pf_bpe *bpe)
{
    return bpe->tables.ids->start_id;
}

int32_t pf_bpe_end_token(const pf_bpe *bpe)
{
    return bpe->tables.ids->end_id;
}

const char *pf_bpe_path(const pf_bpe *bpe)
{
    return bpe->path;
}

pf_hash pf_bpe_hash(const pf_bpe *bpe)
{
    return bpe->tables.ids->hash;
}

/* Pieces. */

/* Does `word` stand at `s`? Case was lowered before; of what is left only the long s
 * equals an ASCII letter without regard to case. *is_exact tells whether any did. */
static bool stands_at(const uint32_t *s, size_t n, const char *word, bool *is_exact)
{
    size_t length = strlen(word);
    if (n < length)
        return false;
    *is_exact = true;
    for (size_t i = 0; i < length; i++) {
        uint32_t c = s[i] == 0x017F ? 's' : s[i];
        if (c != (unsigned char)word[i])
            return false;
        *is_exact = *is_exact && c == s[i];
    }
    return true;
}

typedef enum { PIECE_TEXT, PIECE_START, PIECE_END } piece_kind;

/* Length of the piece at `s`, which is no white space and has `n` >= 1 code points. */
static size_t piece_length(const uint32_t *s, size_t n, piece_kind *kind)
{
    static const char *const words[] = {"<|startoftext|>",
                                        "<|endoftext|>",
                                        "'s",
                                        "'t",
                                        "'re",
                                        "'ve",
                                        "'m",
                                        "'ll",
                                        "'d"};
    *kind = PIECE_TEXT;
    for (size_t i = 0; (s[0] == '<' || s[0] == '\'') && i < 9; i++) {
        bool is_exact;
        if (!stands_at(s, n, words[i], &is_exact))
            continue;
        if (is_exact && i < 2)
            *kind = i == 0 ? PIECE_START : PIECE_END;
        return strlen(words[i]);
    }
    pf_code_class class = pf_code_classify(s[0]);
    size_t i = 1;
    while (class != PF_CLASS_NUMBER && i < n && pf_code_classify(s[i]) == class)
        i++;
    return i;
}

/* Merging. */

typedef struct {
    int32_t id;             /* -1 once it was merged into the one before */
    uint32_t before, after; /* neighbours; NOBODY at the ends */
} symbol;

static const uint32_t NOBODY = UINT32_MAX;

/* Working memory of one encoding; grows to what the longest piece needs. */
typedef struct {
    const pf_bpe_tables *tables;
    symbol *symbols;
    uint64_t *heap;   /* rank << 32 | position, smallest first */
    uint32_t *places; /* where the rank at work was merged */
    size_t n_heap, room;
} merger;

static bool merger_reserve(merger *m, size_t n, pf_err *err)
{
    if (n <= m->room)
        return true;
    pf_free(m->symbols);
    pf_free(m->heap);
    pf_free(m->places);
    m->room = 0;
    m->symbols = pf_alloc_array(n, sizeof *m->symbols, err);
    /* n - 1 places at first, and each merge takes one and opens at most two. */
    m->heap = pf_alloc_array(n * 2, sizeof *m->heap, err);
    m->places = pf_alloc_array(n, sizeof *m->places, err);
    if (!m->symbols || !m->heap || !m->places)
        return false;
    m->room = n;
    return true;
}

static void merger_free(merger *m)
{
    pf_free(m->symbols);
    pf_free(m->heap);
    pf_free(m->places);
}

static void heap_push(merger *m, uint64_t value)
{
    size_t i = m->n_heap++;
    while (i > 0 && m->heap[(i - 1) / 2] > value) {
        m->heap[i] = m->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    m->heap[i] = value;
}

static uint64_t heap_pop(merger *m)
{
    uint64_t least = m->heap[0], last = m->heap[--m->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= m->n_heap)
            break;
        if (child + 1 < m->n_heap && m->heap[child + 1] < m->heap[child])
            child++;
        if (m->heap[child] >= last)
            break;
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = last;
    return least;
}

/* Put the place in, if the symbol there merges with the one after it. */
static void open_place(merger *m, uint32_t at)
{
    const symbol *s = &m->symbols[at];
    if (s->after == NOBODY)
        return;
    const uint32_t rank_plus_1 =
        pf_bpe_tables_find(m->tables, s->id, m->symbols[s->after].id);
    if (rank_plus_1 > 0)
        heap_push(m, (uint64_t)(rank_plus_1 - 1) << 32 | at);
}

/* Merge at `at`, unless what stood there is gone meanwhile. */
static bool merge_at(merger *m, const pf_bpe_merge *merge, uint32_t at)
{
    symbol *s = &m->symbols[at];
    if (s->id != merge->left || s->after == NOBODY ||
        m->symbols[s->after].id != merge->right)
        return false;
    symbol *gone = &m->symbols[s->after];
    gone->id = -1;
    s->id = merge->result;
    s->after = gone->after;
    if (s->after != NOBODY)
        m->symbols[s->after].before = at;
    return true;
}

/* Take all places of the lowest rank, merge there, open the places that makes. */
static void merge_rank(merger *m)
{
    uint64_t rank = m->heap[0] >> 32;
    const pf_bpe_merge *merge = &m->tables->merges[rank];
    size_t n = 0;
    while (m->n_heap > 0 && m->heap[0] >> 32 == rank) {
        uint32_t at = (uint32_t)heap_pop(m);
        if (merge_at(m, merge, at))
            m->places[n++] = at;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t at = m->places[i], before = m->symbols[at].before;
        /* The neighbour before opens this place itself when it was merged too. */
        if (before != NOBODY && (i == 0 || before != m->places[i - 1]))
            open_place(m, before);
        open_place(m, at);
    }
}

static void merge_bytes(merger *m, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t *ids =
            i + 1 < n ? m->tables->ids->byte_id : m->tables->ids->last_id;
        m->symbols[i] =
            (symbol){ids[(unsigned char)bytes[i]], i > 0 ? (uint32_t)(i - 1) : NOBODY,
                     i + 1 < n ? (uint32_t)(i + 1) : NOBODY};
    }
    m->n_heap = 0;
    for (size_t i = 0; i < n; i++)
        open_place(m, (uint32_t)i);
    while (m->n_heap > 0)
        merge_rank(m);
}

static bool encode_piece(merger *m, const uint32_t *s, size_t n, char *bytes,
                         pf_id_sink *sink, pf_err *err)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += pf_utf8_encode(s[i], bytes + size);
    if (!merger_reserve(m, size, err))
        return false;
    merge_bytes(m, bytes, size);
    for (uint32_t i = 0; i != NOBODY; i = m->symbols[i].after)
        pf_id_put(sink, m->symbols[i].id);
    return true;
}

static bool encode_clean(const pf_bpe *bpe, const pf_codes *text, pf_id_sink *sink,
                         pf_err *err)
{
    merger m = {.tables = &bpe->tables};
    char *bytes = pf_alloc_array(text->n, 4, err);
    bool ok = bytes != NULL;
    for (size_t i = 0; ok && i < text->n && !pf_id_sink_is_full(sink);) {
        const uint32_t *s = text->at + i;
        piece_kind kind;
        if (pf_code_classify(*s) == PF_CLASS_SPACE) {
            i++;
            continue;
        }
        size_t n = piece_length(s, text->n - i, &kind);
        if (kind == PIECE_TEXT)
            ok = encode_piece(&m, s, n, bytes, sink, err);
        else
            pf_id_put(sink, kind == PIECE_START ? pf_bpe_start_token(bpe)
                                                : pf_bpe_end_token(bpe));
        i += n;
    }
    pf_free(bytes);
    merger_free(&m);
    return ok;
}

bool pf_bpe_encode(const pf_bpe *bpe, const char *text, size_t n, size_t context,
                   int32_t *ids, size_t *n_ids, bool *is_truncated, pf_err *err)
{
    if (context == 0)
        return pf_fail(err, PF_ERR_MISUSE, "a context of 0 tokens holds no text");
    if (n > PF_BPE_TEXT_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "text has %zu bytes, at most %d are read", n,
                       PF_BPE_TEXT_MAX);
    pf_id_sink sink = {ids, 0, context};
    pf_codes clean = {0};
    pf_id_put(&sink, pf_bpe_start_token(bpe));
    bool ok =
        pf_text_clean(text, n, &clean, err) && encode_clean(bpe, &clean, &sink, err);
    pf_codes_free(&clean);
    if (!ok)
        return false;
    bool is_cut = pf_id_sink_end(&sink, pf_bpe_end_token(bpe));
    *n_ids = sink.n;
    if (is_truncated)
        *is_truncated = is_cut;
    return true;
}

/* Behind tokenizer.h. */

static bool type_open(void **self, const char *path, pf_err *err)
{
    pf_bpe *bpe;
    bool ok = pf_bpe_open(&bpe, path, err);
    *self = bpe;
    return ok;
}

static bool type_open_kept(void **self, const char *path, pf_err *err)
{
    pf_bpe *bpe;
    bool ok = pf_bpe_open_kept(&bpe, path, err);
    *self = bpe;
    return ok;
}

static void type_close(void *self)
{
    pf_bpe_close(self);
}

static bool type_encode(const void *self, const char *text, size_t n, size_t context,
                        int32_t *ids, size_t *n_ids, bool *is_truncated, pf_err *err)
{
    return pf_bpe_encode(self, text, n, context, ids, n_ids, is_truncated, err);
}

static int32_t type_vocabulary_size(const void *self)
{
    return pf_bpe_vocab_size(self);
}

static const char *type_file(const void *self, size_t i)
{
    const pf_bpe *bpe = self;
    const char *const files[] = {bpe->path, bpe->ids_path};
    return i < 2 ? files[i] : NULL;
}

static pf_hash type_hash(const void *self)
{
    return pf_bpe_hash(self);
}

const pf_tokenizer_type pf_bpe_type = {
    .files_wanted = "merges.txt and vocab.json (from PubMedCLIP's or "
                    "openai/clip-vit-base-patch32's files on Hugging Face) or "
                    "bpe_simple_vocab_16e6.txt.gz (from OpenAI's CLIP sources)",
    .open = type_open,
    .open_kept = type_open_kept,
    .close = type_close,
    .encode = type_encode,
    .vocabulary_size = type_vocabulary_size,
    .file = type_file,
    .hash = type_hash,
};
