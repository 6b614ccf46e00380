/* test_siglip.c - SigLIP's tokenizer: its rules on a model of our own, in both layouts
 * and by both ways of encoding; models that are refused; and, where they are, a trained
 * model with the original's ids. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/base64.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/tokenizer/pieces.h"
#include "core/tokenizer/unigram.h"
#include "tests/support/small_map.h"
#include "tests/support/tree.h"
#include "tests/unit/tokenizer_rows.h"

static const char shared_model[] =
    PF_SHARED_DIR "/tokenizer/siglip-test/test_sentencepiece.model";
static const char shared_rows[] = PF_SHARED_DIR "/tokenizer/siglip-test/golden.jsonl";
enum { SHARED_ROWS = 154, CONTEXT = 64 };

#define BLANK "\xE2\x96\x81" /* U+2581, as blanks are written in pieces */

static char folder[PF_TREE_ROOM]; /* of its own for each test */

static int make_folder(void **state)
{
    (void)state;
    pf_tree_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    pf_tree_remove(folder);
    return 0;
}

/* ---- a model of our own ---- */

enum { PAD, END, UNK, B, B_CHEST, B_X, RAY, X, C, H, E, S, T, CH, U, N, K, LESS, FI };
enum { AE = 19, DIGIT_2, B_T, MARK, N_OWN }; /* the last is not in all layouts */

#define NORMAL(text, score)                                                            \
    {                                                                                  \
        text, sizeof text - 1, score, PF_PIECE_NORMAL                                  \
    }
#define OTHER(text, kind)                                                              \
    {                                                                                  \
        text, sizeof text - 1, 0, kind                                                 \
    }

static const pf_piece own[] = {
    OTHER("<pad>", PF_PIECE_CONTROL),
    OTHER("</s>", PF_PIECE_CONTROL),
    OTHER("<unk>", PF_PIECE_UNKNOWN),
    NORMAL(BLANK, -3),
    NORMAL(BLANK "chest", -4),
    NORMAL(BLANK "x", -4.5F),
    NORMAL("ray", -5),
    NORMAL("x", -6),
    NORMAL("c", -7),
    NORMAL("h", -7.25F),
    NORMAL("e", -6.5F),
    NORMAL("s", -6),
    NORMAL("t", -6.125F),
    NORMAL("ch", -9),
    NORMAL("u", -8),
    NORMAL("n", -8),
    NORMAL("k", -8),
    NORMAL("<", -9),
    NORMAL("fi", -7),
    NORMAL("\xC3\xA6", -8), /* U+00E6 */
    NORMAL("2", -7),
    NORMAL(BLANK "t", -9.5F),
};

static const char *const own_map[][2] = {
    {BLANK, " "},
    {"\xEF\xAC\x81", "fi"},    /* U+FB01, a ligature */
    {"\xC2\xB2", "2"},         /* superscript */
    {"\xEF\xBC\x9C", "<"},     /* U+FF1C, full width */
    {"e\xCC\x81", "\xC3\xA9"}, /* e and an accent: a key that begins with no other */
    {"\xE3\x80\x80", " "},     /* U+3000 */
    {"\xE2\x80\x8B", ""},      /* U+200B vanishes */
};

static void make_own(pf_pieces *p)
{
    static uint8_t bytes[PF_SMALL_MAP_ROOM];
    pf_err err = PF_ERR_INIT;
    *p = (pf_pieces){.n = 0};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        assert_ok(pf_pieces_add(p, own[i], &err), &err);
    size_t n = pf_small_map_make(own_map, sizeof own_map / sizeof *own_map, bytes);
    assert_ok(pf_pieces_set_map(p, pf_span_of(bytes, n), &err), &err);
}

static void write_model(const pf_pieces *p, const char *name)
{
    pf_err err = PF_ERR_INIT;
    pf_buf bytes;
    pf_buf_init(&bytes, 1 << 20);
    assert_ok(pf_pieces_write_model(p, &bytes, &err), &err);
    pf_tree_write(pf_tree_path(folder, name), bytes.data, bytes.size);
    pf_buf_free(&bytes);
}

/* As Hugging Face writes it. */
static void write_json(const pf_pieces *p, const char *name)
{
    FILE *f = fopen(pf_tree_path(folder, name), "wb");
    assert_non_null(f);
    fprintf(f,
            "{\"version\": \"1.0\", \"added_tokens\": [{\"id\": %d, \"content\": "
            "\"</s>\", \"special\": true}],\n \"normalizer\": {\"type\": \"Sequence\", "
            "\"normalizers\": [{\"type\": \"Lowercase\"}, {\"type\": \"Precompiled\", "
            "\"precompiled_charsmap\": \"",
            (int)p->end_id);
    pf_base64_write(f, p->map_bytes, p->map_size);
    fprintf(f,
            "\"}]},\n \"model\": {\"type\": \"Unigram\", \"unk_id\": %d, \"vocab\": ",
            (int)p->unknown_id);
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_array(&w, NULL);
    for (size_t i = 0; i < p->n; i++) {
        pf_json_begin_array(&w, NULL);
        pf_json_write_string(&w, NULL, p->at[i].text);
        pf_json_write_real(&w, NULL, (double)p->at[i].score, 17);
        pf_json_end_array(&w);
    }
    pf_json_end_array(&w);
    fputs("}}\n", f);
    assert_int_equal(fclose(f), 0);
}

static void write_own(void)
{
    pf_pieces p;
    pf_err err = PF_ERR_INIT;
    make_own(&p);
    assert_ok(pf_pieces_finish(&p, &err), &err);
    write_model(&p, "spiece.model");
    write_json(&p, "tokenizer.json");
    pf_pieces_free(&p);
}

typedef struct {
    const char *text;
    int32_t ids[12]; /* before </s>; -1 ends them */
} row;

/* By both layouts. */
static void assert_own_rows(const row *rows, size_t n)
{
    static const char *const names[] = {"spiece.model", "tokenizer.json"};
    write_own();
    for (size_t k = 0; k < 2; k++) {
        pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE,
                                         pf_tree_path(folder, names[k]), 16);
        for (size_t i = 0; i < n; i++) {
            int32_t ids[13];
            size_t n_ids = 0;
            for (; rows[i].ids[n_ids] >= 0; n_ids++)
                ids[n_ids] = rows[i].ids[n_ids];
            ids[n_ids] = END;
            assert_ids(t, rows[i].text, strlen(rows[i].text), ids, n_ids + 1);
        }
        pf_tokenizer_close(t);
    }
}

static void texts_become_their_likeliest_pieces(void **state)
{
    (void)state;
    static const row rows[] = {
        {"", {-1}},
        {"chest", {B_CHEST, -1}},
        {"chestxray", {B_CHEST, X, RAY, -1}},
        {"xchest", {B_X, CH, E, S, T, -1}}, /* -9 is better than -7 and -7.25 */
        {"ch", {B, CH, -1}},
        {"t", {B, T, -1}}, /* -9.125 is better than -9.5 */
        {"chest x", {B_CHEST, B_X, -1}},
        {"chest\xE8\x82\xBA\xE8\x82\xBA x", {B_CHEST, UNK, B_X, -1}}, /* one, not two */
        {"\xE8\x82\xBA", {B, UNK, -1}},
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void texts_are_made_canonical(void **state)
{
    (void)state;
    static const row rows[] = {
        {"CHEST", {B_CHEST, -1}},
        {"x-ray", {B_X, RAY, -1}},
        {"c_h!e\"s#t$", {B_CHEST, -1}},
        {" - ", {-1}},
        {"?", {-1}},
        {" chest \t\n x ", {B_CHEST, B_X, -1}},
        {"chest\x1Cx", {B_CHEST, B_X, -1}}, /* a separator is white space to Python */
        {"chest\xC2\xA0x", {B_CHEST, B_X, -1}},
        {"chest" BLANK "x", {B_CHEST, B_X, -1}},
        {"\xC3\x86", {B, AE, -1}},
        {"x - x", {B_X, B_X, -1}},
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void characters_are_mapped(void **state)
{
    (void)state;
    static const row rows[] = {
        {"\xEF\xAC\x81", {B, FI, -1}},
        {"x\xC2\xB2", {B_X, DIGIT_2, -1}},
        {"x\xEF\xBC\x9C", {B_X, LESS, -1}}, /* after punctuation went */
        {"xe\xCC\x81x", {B_X, UNK, X, -1}}, /* what it becomes is no piece */
        {"x\xE3\x80\x80x", {B_X, B_X, -1}},
        {"che\xE2\x80\x8Bst", {B_CHEST, -1}},
        {"\xE2\x80\x8B x", {B_X, -1}},
        {"x\xFFx", {B_X, UNK, X, -1}}, /* a bad byte is U+FFFD */
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void marks_may_be_typed(void **state)
{
    (void)state;
    static const row rows[] = {
        {"</s>", {-1}}, /* it has its end already */
        {"x </s>", {B_X, -1}},
        {"</s> x", {END, X, -1}}, /* no blank in front any more */
        {"x</s>x", {B_X, END, X, -1}},
        {"x <unk> ray", {B_X, UNK, RAY, -1}},
        {"<UNK></S>x", {UNK, END, X, -1}}, /* lower case comes first */
        {"</s></s>", {END, -1}},
        {"<s>", {B, S, -1}}, /* is none of SigLIP's */
        {"<pad>", {B, UNK, -1}},
        /* ">", which ends "<unk>", is unknown, and takes what follows with it. */
        {"</s>\xE8\x82\xBAx", {END, X, -1}},
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void a_text_fills_the_context(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    write_own();
    pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, 4);
    int32_t ids[5];
    size_t n = 0;
    bool is_cut = true;
    ids[4] = -7;
    assert_ok(pf_tokenizer_encode(t, "x x x", 5, ids, &n, &is_cut, &err), &err);
    assert_false(is_cut);
    const int32_t full[] = {B_X, B_X, B_X, END, -7};
    assert_int_equal(n, 4);
    assert_memory_equal(ids, full, sizeof full);
    assert_ok(pf_tokenizer_encode(t, "x chest ray x", 13, ids, &n, &is_cut, &err),
              &err);
    assert_true(is_cut);
    const int32_t cut[] = {B_X, B_CHEST, B, END, -7};
    assert_memory_equal(ids, cut, sizeof cut);
    assert_ok(pf_tokenizer_encode(t, "x", 1, ids, &n, &is_cut, &err), &err);
    assert_false(is_cut);
    const int32_t padded[] = {B_X, END, END, END, -7};
    assert_int_equal(n, 4);
    assert_memory_equal(ids, padded, sizeof padded);
    pf_tokenizer_close(t);
}

static void both_layouts_are_the_same_vocabulary(void **state)
{
    (void)state;
    write_own();
    pf_tokenizer *model = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, 64);
    pf_tokenizer *json = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE,
                                        pf_tree_path(folder, "tokenizer.json"), 16);
    pf_hash a = pf_tokenizer_hash(model), b = pf_tokenizer_hash(json);
    assert_true(pf_hash_equal(&a, &b));
    assert_int_equal(pf_tokenizer_vocabulary_size(model), sizeof own / sizeof *own);
    assert_int_equal(pf_tokenizer_vocabulary_size(json), sizeof own / sizeof *own);
    /* In a folder spiece.model is taken, else tokenizer.json. */
    assert_string_equal(pf_tokenizer_path(model), pf_tree_path(folder, "spiece.model"));
    assert_null(pf_tokenizer_file(model, 1));
    pf_tokenizer_close(model);
    pf_tokenizer_close(json);
    pf_tree_remove(pf_tree_path(folder, "spiece.model"));
    json = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, 64);
    assert_string_equal(pf_tokenizer_path(json),
                        pf_tree_path(folder, "tokenizer.json"));
    pf_tokenizer_close(json);
}

/* Pieces that no JSON can say: unused ones, and those of the user. */
static void unused_and_user_defined_pieces(void **state)
{
    (void)state;
    static const pf_piece more[] = {
        OTHER("\xC3\xB6", PF_PIECE_UNUSED),        /* 22 */
        OTHER(BLANK "xr", PF_PIECE_UNUSED),        /* 23 */
        OTHER("\xC2\xB2x", PF_PIECE_USER_DEFINED), /* 24 */
        OTHER("che", PF_PIECE_USER_DEFINED),       /* 25 */
    };
    static const int32_t rows[][6] = {
        {B, 22, END, -1}, /* what is not used is unknown, and called by its name */
        {B_X, RAY, END, -1},
        {B, 24, END, -1}, /* not mapped */
        {B_X, 25, END, -1},
    };
    static const char *const texts[] = {"\xC3\xB6", "xray", "\xC2\xB2x", "xche"};
    pf_err err = PF_ERR_INIT;
    pf_pieces p;
    make_own(&p);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        assert_ok(pf_pieces_add(&p, more[i], &err), &err);
    assert_ok(pf_pieces_finish(&p, &err), &err);
    write_model(&p, "spiece.model");
    pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, 16);
    for (size_t i = 0; i < 4; i++) {
        size_t n = 0;
        while (rows[i][n] >= 0)
            n++;
        assert_ids(t, texts[i], strlen(texts[i]), rows[i], n);
    }
    pf_tokenizer_close(t);
    pf_pieces_free(&p);
}

static void blanks_may_be_kept(void **state)
{
    (void)state;
    static const int32_t rows[][6] = {
        {B, B_X, END, -1}, /* for the blank in front, and the one that was there */
        {B_X, B_X, END, -1},
        {END, X, END, -1}, /* before a mark it is nothing */
        {B, END, -1},
    };
    static const char *const texts[] = {" x", "x  x", " </s> x", "-"};
    pf_err err = PF_ERR_INIT;
    pf_pieces p;
    make_own(&p);
    p.keeps_blanks = true;
    assert_ok(pf_pieces_finish(&p, &err), &err);
    write_model(&p, "spiece.model");
    pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, 16);
    for (size_t i = 0; i < 4; i++) {
        size_t n = 0;
        while (rows[i][n] >= 0)
            n++;
        assert_ids(t, texts[i], strlen(texts[i]), rows[i], n);
    }
    pf_tokenizer_close(t);
    pf_pieces_free(&p);
}

/* ---- two ways of encoding ---- */

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Texts of all sorts: letters that pieces have, marks, bytes. */
static size_t random_text(uint64_t *seed, char *text, size_t room)
{
    static const char *const parts[] = {" ",
                                        "e",
                                        "the ",
                                        "ray",
                                        "chest",
                                        "x",
                                        "<unk>",
                                        "</s>",
                                        "in",
                                        "\xC3\xA9",
                                        "-",
                                        "s",
                                        "ion",
                                        "2",
                                        "\xE8\x82\xBA",
                                        BLANK,
                                        "\xEF\xAC\x81",
                                        "t",
                                        "a",
                                        "I",
                                        "\xC4\xB0",
                                        "\xF0\x9F\xA9\xBB",
                                        "\xFF",
                                        "m"};
    size_t n = 0;
    for (uint64_t left = next(seed) % 60; left > 0 && n + 8 < room; left--) {
        const char *part = parts[next(seed) % (sizeof parts / sizeof *parts)];
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

static void assert_same_ids(const pf_tokenizer *a, const pf_tokenizer *b,
                            const char *text, size_t n)
{
    pf_err err = PF_ERR_INIT;
    int32_t ids[CONTEXT], others[CONTEXT];
    size_t n_ids = 0, n_others = 0;
    bool is_cut = false, is_other_cut = true;
    assert_ok(pf_tokenizer_encode(a, text, n, ids, &n_ids, &is_cut, &err), &err);
    assert_ok(pf_tokenizer_encode(b, text, n, others, &n_others, &is_other_cut, &err),
              &err);
    assert_int_equal(n_ids, n_others);
    assert_int_equal(is_cut, is_other_cut);
    assert_memory_equal(ids, others, sizeof ids);
}

/* The model through libsentencepiece, where it is, and its pieces through unigram.c. */
static void assert_both_ways_agree(const char *model_path, const char *json_path)
{
    enum { TEXTS = 4000 };
    pf_tokenizer *a = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, model_path, CONTEXT);
    pf_tokenizer *b = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, json_path, CONTEXT);
    pf_hash one = pf_tokenizer_hash(a), other = pf_tokenizer_hash(b);
    assert_true(pf_hash_equal(&one, &other));
    uint64_t seed = 20;
    char text[512];
    for (int i = 0; i < TEXTS; i++)
        assert_same_ids(a, b, text, random_text(&seed, text, sizeof text));
    pf_tokenizer_close(a);
    pf_tokenizer_close(b);
}

static void own_and_library_agree(void **state)
{
    (void)state;
    write_own();
    assert_both_ways_agree(pf_tree_path(folder, "spiece.model"),
                           pf_tree_path(folder, "tokenizer.json"));
}

typedef struct {
    const pf_tokenizer *tokenizer;
    uint64_t sum; /* of all ids, 0 when an encoding failed */
} share;

static void *sum_ids(void *of)
{
    share *s = of;
    uint64_t seed = 21, sum = 1;
    char text[512];
    int32_t ids[CONTEXT];
    size_t n_ids = 0;
    for (int i = 0; i < 500; i++) {
        const size_t n = random_text(&seed, text, sizeof text);
        if (!pf_tokenizer_encode(s->tokenizer, text, n, ids, &n_ids, NULL, NULL))
            return NULL;
        for (size_t k = 0; k < n_ids; k++)
            sum = sum * 0x9E3779B97F4A7C15u + (uint64_t)ids[k] + 1;
    }
    s->sum = sum;
    return NULL;
}

static void threads_may_share_it(void **state)
{
    enum { THREADS = 4 };
    (void)state;
    write_own();
    pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, CONTEXT);
    pthread_t threads[THREADS];
    share shares[THREADS], alone = {.tokenizer = t};
    sum_ids(&alone);
    assert_true(alone.sum != 0);
    for (int i = 0; i < THREADS; i++) {
        shares[i] = (share){.tokenizer = t};
        assert_int_equal(pthread_create(&threads[i], NULL, sum_ids, &shares[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(shares[i].sum == alone.sum);
    }
    pf_tokenizer_close(t);
}

/* A megabyte of it: a run of what is unknown, which is one id, and what fills the
 * context many times over. */
static void megabytes_are_no_trouble(void **state)
{
    (void)state;
    enum { SIZE = PF_TOKENIZER_TEXT_MAX / 12 * 12 };
    pf_err err = PF_ERR_INIT;
    write_own();
    pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, folder, CONTEXT);
    char *text = pf_zalloc(SIZE, &err);
    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i += 3)
        memcpy(text + i, "\xE8\x82\xBA", 3);
    int32_t ids[CONTEXT];
    size_t n;
    bool is_cut = true;
    assert_ok(pf_tokenizer_encode(t, text, SIZE, ids, &n, &is_cut, &err), &err);
    assert_false(is_cut);
    assert_int_equal(ids[0], B);
    assert_int_equal(ids[1], UNK);
    assert_int_equal(ids[2], END);
    for (size_t i = 0; i < SIZE; i += 4)
        memcpy(text + i, "</s>", 4);
    assert_ok(pf_tokenizer_encode(t, text, SIZE, ids, &n, &is_cut, &err), &err);
    assert_true(is_cut);
    memset(text, '\xFF', SIZE); /* U+FFFD, three times as long */
    assert_ok(pf_tokenizer_encode(t, text, SIZE, ids, &n, &is_cut, &err), &err);
    assert_false(is_cut);
    assert_int_equal(ids[1], UNK);
    memset(text, 'x', SIZE);
    assert_ok(pf_tokenizer_encode(t, text, SIZE, ids, &n, &is_cut, &err), &err);
    assert_true(is_cut);
    assert_int_equal(ids[62], X);
    pf_free(text);
    pf_tokenizer_close(t);
}

/* ---- what is refused ---- */

static void assert_refused_file(const char *name, const void *bytes, size_t n,
                                const char *words)
{
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    const char *path = pf_tree_path(folder, name);
    pf_tree_write(path, bytes, n);
    assert_refused(pf_tokenizer_open(&t, PF_TOKENIZER_SENTENCEPIECE, path, 64, &err),
                   &err, words);
    assert_non_null(strstr(err.msg, name));
    assert_null(strchr(err.msg, '\n'));
    assert_null(t);
}

static void bad_pieces_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        pf_piece piece;
        const char *words;
    } cases[] = {
        {{"a", 1, NAN, PF_PIECE_NORMAL}, "piece 22, 'a', has no usable score"},
        {{"a", 1, INFINITY, PF_PIECE_NORMAL}, "piece 22, 'a', has no usable score"},
        {{"a", 1, -1e9F, PF_PIECE_NORMAL}, "piece 22, 'a', has no usable score"},
        {{"", 0, -1, PF_PIECE_NORMAL}, "piece 22 is empty"},
        {{"a\0b", 3, -1, PF_PIECE_NORMAL}, "piece 22 is not UTF-8"},
        {{"\xFF", 1, -1, PF_PIECE_NORMAL}, "piece 22 is not UTF-8"},
        {{"ray", 3, -1, PF_PIECE_NORMAL}, "piece 22 repeats piece 6, 'ray'"},
        {{"<u>", 3, 0, PF_PIECE_UNKNOWN}, "2 pieces stand for the unknown, not one"},
    };
    static char huge[300];
    memset(huge, 'a', sizeof huge);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pf_err err = PF_ERR_INIT;
        pf_pieces p;
        make_own(&p);
        assert_refused(pf_pieces_add(&p, cases[i].piece, &err) &&
                           pf_pieces_finish(&p, &err),
                       &err, cases[i].words);
        assert_int_equal(err.code, PF_ERR_FORMAT);
        pf_pieces_free(&p);
    }
    pf_err err = PF_ERR_INIT;
    pf_pieces p;
    make_own(&p);
    const pf_piece long_piece = {huge, sizeof huge, -1, PF_PIECE_NORMAL};
    assert_refused(pf_pieces_add(&p, long_piece, &err), &err,
                   "piece 22 has 300 bytes, at most 256 are read");
    pf_pieces_free(&p);
}

static void missing_marks_are_refused(void **state)
{
    (void)state;
    static const struct {
        pf_piece pieces[3];
        size_t n;
        const char *words;
    } cases[] = {
        {{{0}}, 0, "there are no pieces"},
        {{OTHER("</s>", PF_PIECE_CONTROL), OTHER("<unk>", PF_PIECE_UNKNOWN)},
         2,
         "there are no pieces of text"},
        {{OTHER("</s>", PF_PIECE_CONTROL), NORMAL("a", -1)},
         2,
         "0 pieces stand for the unknown"},
        {{OTHER("<unk>", PF_PIECE_UNKNOWN), NORMAL("a", -1)},
         2,
         "there is no mark '</s>'"},
        {{OTHER("<unk>", PF_PIECE_UNKNOWN), NORMAL("</s>", -1)},
         2,
         "there is no mark '</s>'"},
        {{OTHER("<u>", PF_PIECE_UNKNOWN), OTHER("</s>", PF_PIECE_CONTROL),
          NORMAL("a", -1)},
         3,
         "there is no mark '<unk>'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pf_err err = PF_ERR_INIT;
        pf_pieces p = {.n = 0};
        for (size_t k = 0; k < cases[i].n; k++)
            assert_ok(pf_pieces_add(&p, cases[i].pieces[k], &err), &err);
        assert_refused(pf_pieces_finish(&p, &err), &err, cases[i].words);
        pf_pieces_free(&p);
    }
}

static void too_many_pieces_of_the_user(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_pieces p;
    make_own(&p);
    for (int i = 0; i < 65; i++) {
        char text[2] = {(char)(i < 26 ? 'A' + i : i < 52 ? '!' + i - 26 : 'y'), 0};
        char longer[40];
        int n = snprintf(longer, sizeof longer, "%s%d", text, i);
        const pf_piece piece = {longer, (uint32_t)n, 0, PF_PIECE_USER_DEFINED};
        assert_ok(pf_pieces_add(&p, piece, &err), &err);
    }
    assert_refused(pf_pieces_finish(&p, &err), &err,
                   "65 pieces are defined by the user, at most 64 are read");
    pf_pieces_free(&p);
}

/* Fields of a model, spelt byte by byte. */
static void bad_models_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"", 0, "there are no pieces"},
        {"\x0A", 1, "it is cut or damaged"},
        {"\x0A\x05\x0A\x01x", 5, "it is cut or damaged"},
        {"\x0A\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12, "cut or damaged"},
        {"\x0B", 1, "it is cut or damaged"},     /* a group */
        {"\x00\x00", 2, "it is cut or damaged"}, /* field 0 */
        {"\x08\x01", 2, "it is cut or damaged"}, /* a piece that is a number */
        {"\x0A\x03\x0A\x01\xFF", 5, "piece 0 is not UTF-8"},
        {"\x0A\x06\x0A\x01x\x0A\x01y", 8, "piece 0: field 1 is there twice"},
        {"\x0A\x02\x18\x06", 4, "piece 0: it has pieces for bytes"},
        {"\x0A\x02\x18\x07", 4, "piece 0: a piece is of a kind that is not known"},
        {"\x0A\x0C\x18\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01\x0A\x00", 14,
         "is of a kind that is not known"},
        {"\x12\x02\x18\x02", 4, "no model of unigrams but of byte pairs"},
        {"\x12\x02\x18\x03", 4, "no model of unigrams"},
        {"\x12\x03\x98\x02\x01", 5, "it takes bytes for what it does not know"},
        {"\x12\x04\x18\x01\x18\x01", 6, "field 3 is there twice"},
        {"\x12\x00\x12\x00", 4, "field 2 is there twice"},
        {"\x1A\x02\x28\x00", 4, "its blanks stay blanks"},
        {"\x1A\x03\x12\x01x", 5, "the map of characters is damaged: it is cut"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused_file("spiece.model", cases[i].bytes, cases[i].n, cases[i].words);
}

static void bad_documents_are_refused_by_name(void **state)
{
    (void)state;
#define MODEL(rest) "{\"model\": {\"type\": \"Unigram\"" rest "}}"
    static const char *const cases[][2] = {
        {"", "not valid JSON"},
        {"[1]", "it is no model of unigrams"},
        {"{\"model\": {\"type\": \"BPE\"}}", "but of the type BPE"},
        {MODEL(""), "there are no pieces"},
        {MODEL(", \"vocab\": {\"a\": 1}"), "there are no pieces"},
        {MODEL(", \"vocab\": [[\"a\", -1]]"), "it does not say 'unk_id'"},
        {MODEL(", \"byte_fallback\": true"), "it takes bytes for what it does not"},
        {MODEL(", \"unk_id\": 0, \"vocab\": [1]"), "piece 0 is no text with a score"},
        {MODEL(", \"unk_id\": 0, \"vocab\": [[\"a\"]]"), "piece 0 is no text with"},
        {MODEL(", \"unk_id\": 0, \"vocab\": [[\"a\", 1e300]]"), "no usable score"},
        {MODEL(", \"unk_id\": 9, \"vocab\": [[\"a\", -1]]"), "0 pieces stand for"},
        {"{\"normalizer\": {\"type\": \"NFC\"}, \"model\": {\"type\": \"Unigram\"}}",
         "its normaliser has the step 'NFC', which no SigLIP model has"},
        {"{\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": 1}, "
         "\"model\": {\"type\": \"Unigram\"}}",
         "its normaliser has no map of characters"},
        {"{\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": "
         "\"!\"}, \"model\": {\"type\": \"Unigram\"}}",
         "map of characters: "},
        {"{\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": "
         "\"AAAA\"}, \"model\": {\"type\": \"Unigram\"}}",
         "the map of characters is damaged: it is cut"},
        {"{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": {\"a\": 1}}, "
         "\"model\": {\"type\": \"Unigram\"}}",
         "its normaliser has the step ''"},
    };
#undef MODEL
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused_file("tokenizer.json", cases[i][0], strlen(cases[i][0]),
                            cases[i][1]);
}

static void put_unit(uint8_t *map, size_t i, uint32_t unit)
{
    for (int k = 0; k < 4; k++)
        map[4 + 4 * i + (size_t)k] = (uint8_t)(unit >> 8 * k);
}

/* In the map of "a" -> "b" the root's children begin at unit 256, those of "a", which
 * is unit 256 + 'a', at unit 512. */
static void bad_maps_are_refused(void **state)
{
    (void)state;
    static const char *const pair[][2] = {{"a", "b"}};
    static uint8_t good[PF_SMALL_MAP_ROOM], bad[PF_SMALL_MAP_ROOM];
    const size_t n = pf_small_map_make(pair, 1, good), a = 256 + 'a';
    const uint32_t to_itself = (uint32_t)(a ^ 256) << 10 | 1u << 8 | 'a';
    const struct {
        size_t unit;
        uint32_t value;
        const char *words;
    } cases[] = {
        {a, to_itself, "its trie leads in circles"},
        {a, 0x1FFFFFu << 10 | 'a', "its trie leads outside"},
        {0, 1u << 9 | 0x100u << 10, "its trie leads outside"},
        {512, 1u << 31 | 2, "a key turns into what lies outside"},
        {512, 0x7FFFFFFF, "a key turns into what lies outside"},
    };
    pf_err err = PF_ERR_INIT;
    pf_charsmap map;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bad, good, n);
        put_unit(bad, cases[i].unit, cases[i].value);
        assert_refused(pf_charsmap_open(&map, pf_span_of(bad, n), &err), &err,
                       cases[i].words);
    }
    assert_refused(pf_charsmap_open(&map, pf_span_of(good, 3), &err), &err, "is cut");
    assert_refused(pf_charsmap_open(&map, pf_span_of(good, 1000), &err), &err,
                   "is cut");
    assert_refused(pf_charsmap_open(&map, pf_span_of(good, n - 1), &err), &err,
                   "no NUL ends it");
    memset(bad, 0, 9);
    assert_refused(pf_charsmap_open(&map, pf_span_of(bad, 9), &err), &err,
                   "its trie has a wrong size");
    assert_ok(pf_charsmap_open(&map, pf_span_of(good, n), &err), &err);
    size_t length = 0;
    assert_string_equal(pf_charsmap_find(&map, "ab", 2, &length), "b");
    assert_int_equal(length, 1);
    assert_null(pf_charsmap_find(&map, "ba", 2, &length));
    assert_null(pf_charsmap_find(&map, "", 0, &length));
}

static void long_texts_and_nested_keys_of_a_map_are_refused(void **state)
{
    (void)state;
    static uint8_t bytes[PF_SMALL_MAP_ROOM];
    static char keys[33][34], text[66];
    static const char *pairs[33][2];
    pf_err err = PF_ERR_INIT;
    pf_charsmap map;
    for (size_t i = 0; i < 33; i++) {
        memset(keys[i], 'a', i + 1);
        pairs[i][0] = keys[i];
        pairs[i][1] = "b";
    }
    size_t n = pf_small_map_make((const char *const(*)[2])pairs, 32, bytes);
    assert_ok(pf_charsmap_open(&map, pf_span_of(bytes, n), &err), &err);
    n = pf_small_map_make((const char *const(*)[2])pairs, 33, bytes);
    assert_refused(pf_charsmap_open(&map, pf_span_of(bytes, n), &err), &err,
                   "too many keys begin with one another");
    memset(text, 'b', 65);
    pairs[0][1] = text;
    n = pf_small_map_make((const char *const(*)[2])pairs, 1, bytes);
    assert_refused(pf_charsmap_open(&map, pf_span_of(bytes, n), &err), &err,
                   "a key turns into too many bytes");
}

static void absence_is_not_found(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    const pf_tokenizer_kind kind = PF_TOKENIZER_SENTENCEPIECE;
    assert_refused(pf_tokenizer_open(&t, kind, folder, 64, &err), &err,
                   "has no vocabulary (spiece.model or tokenizer.json)");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_refused(pf_tokenizer_open(&t, kind, "/nowhere/spiece.model", 64, &err), &err,
                   "there is no vocabulary");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_non_null(strstr(pf_tokenizer_files_wanted(kind), "spiece.model"));
}

/* Each cut, and bytes changed, are refused or harmless; sanitizers watch. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    static const char *const names[] = {"spiece.model", "tokenizer.json"};
    static uint8_t bytes[64 << 10];
    pf_err err = PF_ERR_INIT;
    int32_t ids[8];
    write_own();
    for (size_t k = 0; k < 2; k++) {
        const char *path = pf_tree_path(folder, names[k]);
        const size_t n = pf_tree_read(path, bytes, sizeof bytes);
        for (size_t i = 0; i < n; i += i < 600 ? 1 : 61) {
            pf_tokenizer *t;
            size_t n_ids;
            bytes[i] ^= 0x15;
            pf_tree_write(path, bytes, i % 2 ? n : i);
            bytes[i] ^= 0x15;
            if (!pf_tokenizer_open(&t, PF_TOKENIZER_SENTENCEPIECE, path, 8, &err))
                continue;
            assert_ok(pf_tokenizer_encode(t, "chest \xC2\xB2x</s>\xEF\xAC\x81", 17, ids,
                                          &n_ids, NULL, &err),
                      &err);
            assert_int_equal(n_ids, 8);
            pf_tokenizer_close(t);
        }
    }
}

static void memory_that_runs_out_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = {"spiece.model", "tokenizer.json"};
    write_own();
    for (size_t k = 0; k < 2; k++) {
        const char *path = pf_tree_path(folder, names[k]);
        bool has_failed = false;
        for (long at = 1;; at++) {
            pf_err err = PF_ERR_INIT;
            pf_tokenizer *t;
            int32_t ids[16];
            size_t n;
            pf_mem_fail_at(at);
            bool is_open =
                pf_tokenizer_open(&t, PF_TOKENIZER_SENTENCEPIECE, path, 16, &err);
            bool ok =
                is_open && pf_tokenizer_encode(t, "x ray", 5, ids, &n, NULL, &err);
            pf_mem_fail_at(0);
            if (is_open)
                pf_tokenizer_close(t);
            if (ok)
                break;
            assert_int_equal(err.code, PF_ERR_NOMEM);
            has_failed = true;
        }
        assert_true(has_failed);
    }
}

/* A trained model, as it is and as a tokenizer.json that is made of it. */
static void the_originals_ids(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    if (!pf_path_exists(shared_model))
        skip();
    pf_buf file;
    pf_pieces p = {.n = 0};
    pf_buf_init(&file, PF_PIECES_FILE_MAX);
    assert_ok(pf_file_read(shared_model, &file, &err), &err);
    assert_ok(pf_pieces_read_model(&p, pf_span_of(file.data, file.size), &err), &err);
    write_json(&p, "tokenizer.json");
    pf_pieces_free(&p);
    pf_buf_free(&file);
    const char *const paths[] = {shared_model, pf_tree_path(folder, "tokenizer.json")};
    for (size_t k = 0; k < 2; k++) {
        pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_SENTENCEPIECE, paths[k], CONTEXT);
        assert_int_equal(pf_tokenizer_vocabulary_size(t), 1000);
        assert_int_equal(assert_tokenizer_rows(t, shared_rows, NULL), SHARED_ROWS);
        pf_tokenizer_close(t);
    }
    assert_both_ways_agree(paths[0], paths[1]);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(texts_become_their_likeliest_pieces),
        in_folder(texts_are_made_canonical),
        in_folder(characters_are_mapped),
        in_folder(marks_may_be_typed),
        in_folder(a_text_fills_the_context),
        in_folder(both_layouts_are_the_same_vocabulary),
        in_folder(unused_and_user_defined_pieces),
        in_folder(blanks_may_be_kept),
        in_folder(own_and_library_agree),
        in_folder(threads_may_share_it),
        in_folder(megabytes_are_no_trouble),
        in_folder(bad_models_are_refused_by_name),
        in_folder(bad_documents_are_refused_by_name),
        in_folder(absence_is_not_found),
        in_folder(damage_does_no_harm),
        in_folder(memory_that_runs_out_is_reported),
        in_folder(the_originals_ids),
        cmocka_unit_test(bad_pieces_are_refused_by_name),
        cmocka_unit_test(missing_marks_are_refused),
        cmocka_unit_test(too_many_pieces_of_the_user),
        cmocka_unit_test(bad_maps_are_refused),
        cmocka_unit_test(long_texts_and_nested_keys_of_a_map_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
