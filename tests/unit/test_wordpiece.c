/* test_wordpiece.c - BERT's tokenizer: its rules on a vocabulary of our own, files that
 * are refused, and, where they are, PubMedBERT's vocabulary with the original's ids. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/support/tree.h"
#include "tests/unit/tokenizer_rows.h"

static const char shared_vocabulary[] = PF_SHARED_DIR "/tokenizer/pubmedbert-vocab.txt";
static const char shared_rows[] = PF_SHARED_DIR "/tokenizer/wordpiece-golden.jsonl";
enum { SHARED_ROWS = 152 }; /* 154 less 2 with mojibake */

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

/* Ids are the numbers of the tokens from 0. */
static const char vocabulary[] =
    "[UNK]\n[PAD]\n[CLS]\n[SEP]\n[MASK]\n" /* 0..4 */
    "chest\n##x\n##ray\nx\n-\n"            /* 5..9 */
    "ray\nche\n##s\n##st\ne\n"             /* 10..14 */
    "\xE8\x82\xBA\n##e\n##\n]\n[\n"        /* 15..19: U+80BA, a lung */
    "mask\ni\n\xCF\x83\n##\xCF\x83\n$\n"   /* 20..24: U+03C3, sigma */
    "a\n##a\n\xE1\x84\x92\n\xE2\x80\x94\n" /* 25..28: U+1112, a jamo; a dash */
    "c\xC2\xADt\nct\n##c\n"                /* 29..31: a soft hyphen */
    "\xC3\x9F\n##\xE3\x81\x82\n";          /* 32, 33: sharp s; hiragana */

enum { UNK, PAD, CLS, SEP, MASK, CHEST, X2, RAY2, X, DASH, RAY, CHE, S2, ST2, E, LUNG };
enum { BRACKET_CLOSES = 18, BRACKET_OPENS, MASK_WORD, I, SIGMA, SIGMA2, DOLLAR, A, A2 };
enum { JAMO = 27, EM_DASH, CT_WITH_HYPHEN, CT, C2, SHARP_S, KANA2 };

static pf_tokenizer *open_own(size_t context)
{
    pf_tree_write_text(pf_tree_path(folder, "vocab.txt"), vocabulary);
    return open_tokenizer(PF_TOKENIZER_WORDPIECE, folder, context);
}

typedef struct {
    const char *text;
    int32_t ids[12]; /* between [CLS] and [SEP]; -1 ends them */
} row;

static void assert_own_rows(const row *rows, size_t n)
{
    pf_tokenizer *t = open_own(32);
    for (size_t i = 0; i < n; i++) {
        int32_t ids[14] = {CLS};
        size_t n_ids = 0;
        while (rows[i].ids[n_ids] >= 0) {
            ids[n_ids + 1] = rows[i].ids[n_ids];
            n_ids++;
        }
        ids[n_ids + 1] = SEP;
        assert_ids(t, rows[i].text, strlen(rows[i].text), ids, n_ids + 2);
    }
    pf_tokenizer_close(t);
}

static void words_become_their_longest_pieces(void **state)
{
    (void)state;
    static const row rows[] = {
        {"", {-1}},
        {" \t\n", {-1}},
        {"chest", {CHEST, -1}},
        {"chests", {CHEST, S2, -1}},
        {"chestxray", {CHEST, X2, RAY2, -1}},
        {"x-ray", {X, DASH, RAY, -1}},
        {"chestq x", {UNK, X, -1}},   /* what was found of the word does not count */
        {"ches x", {CHE, S2, X, -1}}, /* the longest, not the first */
        {"ray\nx", {RAY, X, -1}},
        {"xa", {X, A2, -1}},
        {"##x", {UNK, UNK, X, -1}}, /* typed, "#" is punctuation */
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void case_and_accents_go(void **state)
{
    (void)state;
    static const row rows[] = {
        {"CHEST Chest", {CHEST, CHEST, -1}},
        {"\xC3\xA9 e\xCC\x81 \xC3\x89", {E, E, E, -1}},
        {"\xC4\xB0", {I, -1}},                     /* capital I with a dot */
        {"\xCE\xA3\xCE\xA3", {SIGMA, SIGMA2, -1}}, /* never the final sigma */
        {"\xC3\x9F \xE1\xBA\x9E", {SHARP_S, SHARP_S, -1}},
        {"\xED\x95\x98", {UNK, -1}}, /* U+D558 is two jamo, of which one is known */
        {"\xE1\x84\x92", {JAMO, -1}},
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void controls_go_and_chinese_stands_alone(void **state)
{
    (void)state;
    static const row rows[] = {
        {"che\x01st", {CHEST, -1}},
        {"che\xC2\xADst", {CHEST, -1}},         /* the soft hyphen is of Cf */
        {"che\xE2\x80\x8Bst", {CHEST, -1}},     /* zero width space */
        {"che\xEF\xBF\xBDst", {CHEST, -1}},     /* U+FFFD */
        {"che\xFFst", {CHEST, -1}},             /* which a bad byte becomes */
        {"che\xEE\x80\x80st", {CHEST, -1}},     /* for private use */
        {"che\xF3\xA0\x81\x81st", {CHEST, -1}}, /* a tag */
        {"c\xC2\xADt", {CT, -1}},               /* so that token is never found */
        {"x\xE8\x82\xBAx", {X, LUNG, X, -1}},
        {"x\xE3\x81\x82", {X, KANA2, -1}}, /* kana belong to the word */
        {"x\xC2\xA0x\xE3\x80\x80x", {X, X, X, -1}},
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void every_punctuation_is_a_word(void **state)
{
    (void)state;
    static const row rows[] = {
        {"x$x", {X, DOLLAR, X, -1}}, /* $ + < = > ^ ` | ~ are taken for it */
        {"x\xE2\x80\x94x", {X, EM_DASH, X, -1}},
        {"--", {DASH, DASH, -1}},
        {"x\xE2\x82\xACx", {UNK, -1}}, /* the euro is a symbol */
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void marks_may_be_typed(void **state)
{
    (void)state;
    static const row rows[] = {
        {"[MASK]", {MASK, -1}},
        {"x[MASK]ray", {X, MASK, RAY, -1}}, /* what follows begins a word */
        {"[PAD][PAD] x", {PAD, PAD, X, -1}},
        {"[UNK] [SEP][CLS]", {UNK, SEP, CLS, -1}},
        {"[mask]", {BRACKET_OPENS, MASK_WORD, BRACKET_CLOSES, -1}},
        {"[MASK", {BRACKET_OPENS, MASK_WORD, -1}},
        {"[[MASK]]", {BRACKET_OPENS, MASK, BRACKET_CLOSES, -1}},
        {"&#91;MASK&#93;", {MASK, -1}}, /* the text is cleaned first */
    };
    assert_own_rows(rows, sizeof rows / sizeof *rows);
}

static void a_word_has_at_most_100_characters(void **state)
{
    (void)state;
    pf_tokenizer *t = open_own(256);
    char text[103];
    int32_t ids[103] = {CLS, A};
    memset(text, 'a', sizeof text);
    for (size_t i = 2; i <= 100; i++)
        ids[i] = A2;
    ids[101] = SEP;
    assert_ids(t, text, 100, ids, 102);
    const int32_t unknown[] = {CLS, UNK, SEP};
    assert_ids(t, text, 101, unknown, 3);
    /* It is characters that count, after accents went: 100 times e and U+0301. */
    char accents[300];
    for (size_t i = 0; i < 100; i++)
        memcpy(accents + 3 * i, "e\xCC\x81", 3);
    ids[1] = E;
    for (size_t i = 2; i <= 100; i++)
        ids[i] = 16; /* ##e */
    assert_ids(t, accents, sizeof accents, ids, 102);
    pf_tokenizer_close(t);
}

static void a_long_text_is_cut_and_ends_in_its_mark(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t = open_own(4);
    int32_t ids[5] = {0};
    size_t n = 0;
    bool is_cut = true;
    ids[4] = -7;
    assert_ok(pf_tokenizer_encode(t, "x ray", 5, ids, &n, &is_cut, &err), &err);
    assert_false(is_cut);
    assert_int_equal(n, 4);
    assert_ok(pf_tokenizer_encode(t, "x chestx ray", 12, ids, &n, &is_cut, &err), &err);
    assert_true(is_cut);
    const int32_t want[] = {CLS, X, CHEST, SEP, -7};
    assert_int_equal(n, 4);
    assert_memory_equal(ids, want, sizeof want);
    pf_tokenizer_close(t);
}

static void what_a_vocabulary_says_of_itself(void **state)
{
    (void)state;
    pf_tokenizer *t = open_own(256);
    assert_int_equal(pf_tokenizer_vocabulary_size(t), 34);
    assert_int_equal(pf_tokenizer_context(t), 256);
    assert_string_equal(pf_tokenizer_path(t), pf_tree_path(folder, "vocab.txt"));
    assert_string_equal(pf_tokenizer_file(t, 0), pf_tokenizer_path(t));
    assert_null(pf_tokenizer_file(t, 1));
    pf_hash a = pf_tokenizer_hash(t);
    pf_tokenizer_close(t);
    pf_tree_write_text(pf_tree_path(folder, "other.txt"), vocabulary);
    t = open_tokenizer(PF_TOKENIZER_WORDPIECE, pf_tree_path(folder, "other.txt"), 77);
    pf_hash b = pf_tokenizer_hash(t);
    assert_true(pf_hash_equal(&a, &b));
    pf_tokenizer_close(t);
    pf_tokenizer_close(NULL);
}

/* ---- what is refused ---- */

static void assert_vocabulary_refused(const char *text, size_t n, pf_code code,
                                      const char *words)
{
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    const char *path = pf_tree_path(folder, "vocab.txt");
    pf_tree_write(path, text, n);
    assert_refused(pf_tokenizer_open(&t, PF_TOKENIZER_WORDPIECE, path, 64, &err), &err,
                   words);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.msg, "vocab.txt"));
    assert_null(t);
}

#define MARKS "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

static void bad_vocabularies_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *words;
    } cases[] = {
        {"", 0, "file is empty"},
        {MARKS "\nx\n", sizeof MARKS + 2, "line 6 is empty"},
        {MARKS "x\na\nx\n", sizeof MARKS + 5, "line 8 repeats line 6, 'x'"},
        {"[PAD]\n[UNK]\n[CLS]\n[SEP]\nx\n", 26, "there is no token '[MASK]'"},
        {"a\nb\n", 4, "there is no token '[PAD]'"},
        {"[PAD]\r\n[UNK]\r\n", 14, "(lines end in CR LF)"},
        {" [PAD]\n", 7, "there is no token '[PAD]'"},
        {MARKS "a\0b\n", sizeof MARKS + 3, "file is not UTF-8 text"},
        {MARKS "\xFF\n", sizeof MARKS + 1, "file is not UTF-8 text"},
        {MARKS "\xED\xA0\x80\n", sizeof MARKS + 3, "file is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_vocabulary_refused(cases[i].text, cases[i].n, PF_ERR_FORMAT,
                                  cases[i].words);
}

static void huge_vocabularies_stop_at_their_limits(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_buf text;
    pf_buf_init(&text, 64 << 20);
    for (int i = 0; i <= 1 << 20; i++)
        assert_ok(pf_buf_addf(&text, &err, "%x\n", (unsigned)i), &err);
    assert_vocabulary_refused(text.data, text.size, PF_ERR_LIMIT,
                              "more than 1048576 tokens");
    memset(text.data, 'a', 1025);
    assert_vocabulary_refused(text.data, 1025, PF_ERR_LIMIT,
                              "line 1 has 1025 bytes, at most 1024 are read");
    assert_ok(pf_buf_reserve(&text, 40 << 20, &err), &err);
    memset(text.data, 'a', 33 << 20);
    assert_vocabulary_refused(text.data, 33 << 20, PF_ERR_LIMIT,
                              "the limit is 33554432");
    pf_buf_free(&text);
}

static void absence_and_misuse_are_told_apart(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    const pf_tokenizer_kind kind = PF_TOKENIZER_WORDPIECE;
    assert_refused(pf_tokenizer_open(&t, kind, folder, 64, &err), &err,
                   "there is no vocabulary");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "vocab.txt"));
    assert_refused(pf_tokenizer_open(&t, kind, "/nowhere", 64, &err), &err,
                   "there is no vocabulary");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_refused(pf_tokenizer_open(&t, kind, folder, 1, &err), &err,
                   "a context of 1 tokens holds no text");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    t = open_own(64);
    int32_t ids[64];
    size_t n;
    assert_refused(
        pf_tokenizer_encode(t, "x", PF_TOKENIZER_TEXT_MAX + 1, ids, &n, NULL, &err),
        &err, "at most 4194304 are read");
    assert_int_equal(err.code, PF_ERR_LIMIT);
    pf_tokenizer_close(t);
    assert_non_null(strstr(pf_tokenizer_files_wanted(kind), "vocab.txt"));
}

/* Each cut, and each byte changed, is refused or harmless; sanitizers watch. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    const char *path = pf_tree_path(folder, "vocab.txt");
    char bytes[sizeof vocabulary];
    int32_t ids[8];
    size_t n;
    for (size_t i = 0; i + 1 < sizeof vocabulary; i++) {
        pf_tokenizer *t;
        memcpy(bytes, vocabulary, sizeof bytes);
        bytes[i] ^= 0x15;
        pf_tree_write(path, i % 2 ? bytes : vocabulary, i % 2 ? sizeof bytes - 1 : i);
        if (!pf_tokenizer_open(&t, PF_TOKENIZER_WORDPIECE, path, 8, &err))
            continue;
        assert_ok(pf_tokenizer_encode(t, vocabulary, i, ids, &n, NULL, &err), &err);
        assert_true(n >= 2 && n <= 8);
        pf_tokenizer_close(t);
    }
}

static void memory_that_runs_out_is_reported(void **state)
{
    (void)state;
    pf_tree_write_text(pf_tree_path(folder, "vocab.txt"), vocabulary);
    bool has_failed = false;
    for (long at = 1;; at++) {
        pf_err err = PF_ERR_INIT;
        pf_tokenizer *t;
        int32_t ids[16];
        size_t n;
        pf_mem_fail_at(at);
        bool is_open = pf_tokenizer_open(&t, PF_TOKENIZER_WORDPIECE, folder, 16, &err);
        bool ok = is_open && pf_tokenizer_encode(t, "x [MASK] \xC3\xA9&amp;", 14, ids,
                                                 &n, NULL, &err);
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

static void the_originals_ids(void **state)
{
    (void)state;
    if (!pf_path_exists(shared_vocabulary))
        skip();
    pf_tokenizer *t = open_tokenizer(PF_TOKENIZER_WORDPIECE, shared_vocabulary, 256);
    assert_int_equal(pf_tokenizer_vocabulary_size(t), 30522);
    assert_int_equal(assert_tokenizer_rows(t, shared_rows, "mojibake"), SHARED_ROWS);
    pf_tokenizer_close(t);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(words_become_their_longest_pieces),
        in_folder(case_and_accents_go),
        in_folder(controls_go_and_chinese_stands_alone),
        in_folder(every_punctuation_is_a_word),
        in_folder(marks_may_be_typed),
        in_folder(a_word_has_at_most_100_characters),
        in_folder(a_long_text_is_cut_and_ends_in_its_mark),
        in_folder(what_a_vocabulary_says_of_itself),
        in_folder(bad_vocabularies_are_refused_by_name),
        in_folder(huge_vocabularies_stop_at_their_limits),
        in_folder(absence_and_misuse_are_told_apart),
        in_folder(damage_does_no_harm),
        in_folder(memory_that_runs_out_is_reported),
        cmocka_unit_test(the_originals_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
