/* test_bpe.c - vocabularies that load, those that are refused, and merging.
 *
 * Works on tests/golden/tokenizer-tiny; bad vocabularies are made from it by replacing
 * one piece of text by another. */
#include <time.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/tokenizer/bpe_vocab.h"
#include "tests/support/tree.h"
#include "tests/unit/bpe_rows.h"

static const char tiny[] = PF_TESTS_DIR "/golden/tokenizer-tiny";
static const char tiny_merges[] = PF_TESTS_DIR "/golden/tokenizer-tiny/merges.txt";
static const char tiny_ids[] = PF_TESTS_DIR "/golden/tokenizer-tiny/vocab.json";
static const char tiny_rows[] = PF_TESTS_DIR "/golden/tokenizer-tiny/golden.jsonl";
enum { TINY_SIZE = 512 + 60 + 2, TINY_ROWS = 21 };

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

static void write_file(const char *name, const void *bytes, size_t n)
{
    pf_tree_write(pf_tree_path(folder, name), bytes, n);
}

/* Copies `path` with the first `from` replaced by `to`; NULL copies as it is. */
static void write_patched(const char *name, const char *path, const char *from,
                          const char *to)
{
    pf_err err = PF_ERR_INIT;
    pf_mapfile map;
    assert_ok(pf_mapfile_open(&map, path, &err), &err);
    pf_buf text;
    pf_buf_init(&text, 1 << 20);
    assert_ok(pf_buf_add(&text, map.data, map.size, &err), &err);
    pf_mapfile_close(&map);
    const char *at = from ? strstr(text.data, from) : text.data;
    assert_non_null(at);
    pf_buf out;
    pf_buf_init(&out, 1 << 20);
    assert_ok(pf_buf_add(&out, text.data, (size_t)(at - text.data), &err), &err);
    if (from) {
        assert_ok(pf_buf_add_str(&out, to, &err), &err);
        at += strlen(from);
    }
    assert_ok(pf_buf_add_str(&out, at, &err), &err);
    write_file(name, out.data, out.size);
    pf_buf_free(&text);
    pf_buf_free(&out);
}

static void write_gz(const char *name, const void *bytes, size_t n, size_t times)
{
    gzFile f = gzopen(pf_tree_path(folder, name), "wb");
    assert_non_null(f);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void a_folder_gives_the_golden_ids(void **state)
{
    (void)state;
    pf_bpe *bpe = open_vocab(tiny);
    assert_int_equal(pf_bpe_vocab_size(bpe), TINY_SIZE);
    assert_int_equal(pf_bpe_start_token(bpe), TINY_SIZE - 2);
    assert_int_equal(pf_bpe_end_token(bpe), TINY_SIZE - 1);
    assert_string_equal(pf_bpe_path(bpe), tiny_merges);
    assert_int_equal(assert_rows(bpe, tiny_rows), TINY_ROWS);
    pf_bpe_close(bpe);
}

static void every_layout_is_the_same_vocabulary(void **state)
{
    (void)state;
    pf_bpe *whole = open_vocab(tiny), *beside = open_vocab(tiny_merges);
    write_patched("merges.txt", tiny_merges, NULL, NULL);
    pf_bpe *alone = open_vocab(folder);
    write_patched("other.txt", tiny_merges, "#version: 0.2\n", "");
    pf_bpe *headless = open_vocab(pf_tree_path(folder, "other.txt"));
    pf_hash want = pf_bpe_hash(whole);
    pf_bpe *const all[] = {beside, alone, headless};
    for (size_t i = 0; i < 3; i++) {
        pf_hash got = pf_bpe_hash(all[i]);
        assert_true(pf_hash_equal(&want, &got));
        assert_int_equal(assert_rows(all[i], tiny_rows), TINY_ROWS);
        pf_bpe_close(all[i]);
    }
    pf_bpe_close(whole);
}

static void ids_come_from_vocab_json(void **state)
{
    (void)state;
    write_patched("merges.txt", tiny_merges, NULL, NULL);
    write_patched("vocab.json", tiny_ids, "\"<|endoftext|>\": 573",
                  "\"<|endoftext|>\": 600, \"<|pad|>\": 573");
    pf_bpe *bpe = open_vocab(folder), *whole = open_vocab(tiny);
    assert_int_equal(pf_bpe_end_token(bpe), 600);
    assert_int_equal(pf_bpe_vocab_size(bpe), 601);
    pf_hash a = pf_bpe_hash(bpe), b = pf_bpe_hash(whole);
    assert_false(pf_hash_equal(&a, &b));
    pf_bpe_close(bpe);
    pf_bpe_close(whole);
}

/* A vocab.json that says what the order says is not parsed; written otherwise it is. */
static void the_spelling_of_vocab_json_does_not_matter(void **state)
{
    (void)state;
    pf_bpe *whole = open_vocab(tiny);
    pf_hash want = pf_bpe_hash(whole);
    static const char *const patches[][2] = {
        {"{\"!\": 0,", "{\n  \"!\"\t:0 ,\r\n"},
        {"{\"!\": 0,", "{\"\\u0021\": 0,"},
        {"{\"!\": 0,", "{\"<|pad|>\": 900, \"!\": 0,"},
        {"\"!\": 0, \"\\\"\": 1", "\"\\\"\": 1, \"!\": 0"},
    };
    write_patched("merges.txt", tiny_merges, NULL, NULL);
    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
        write_patched("vocab.json", tiny_ids, patches[i][0], patches[i][1]);
        pf_bpe *bpe = open_vocab(folder);
        pf_hash got = pf_bpe_hash(bpe);
        assert_true(pf_hash_equal(&want, &got));
        assert_int_equal(assert_rows(bpe, tiny_rows), TINY_ROWS);
        pf_bpe_close(bpe);
    }
    pf_bpe_close(whole);
}

/* Damage anywhere is refused or harmless; sanitizers watch. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    const char *const paths[] = {tiny_merges, tiny_ids}, *const copies[] = {
                                                             "merges.txt",
                                                             "vocab.json"};
    write_patched("merges.txt", tiny_merges, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        pf_err err = PF_ERR_INIT;
        pf_mapfile map;
        assert_ok(pf_mapfile_open(&map, paths[i], &err), &err);
        uint8_t *bytes = pf_zalloc(map.size, &err);
        assert_non_null(bytes);
        memcpy(bytes, map.data, map.size);
        for (size_t at = 0; at < map.size; at += i == 0 ? 5 : 97) {
            pf_bpe *bpe;
            write_file(copies[i], bytes, at);
            if (pf_bpe_open(&bpe, folder, &err))
                pf_bpe_close(bpe);
            else if (i == 1)
                assert_non_null(strstr(err.msg, "vocab.json"));
            bytes[at] ^= 0x15;
            write_file(copies[i], bytes, map.size);
            if (pf_bpe_open(&bpe, folder, &err))
                pf_bpe_close(bpe);
            bytes[at] ^= 0x15;
        }
        write_file(copies[i], bytes, map.size);
        pf_free(bytes);
        pf_mapfile_close(&map);
    }
}

static void a_vocabulary_without_merges_spells_bytes(void **state)
{
    (void)state;
    write_file("merges.txt", "#version: 0.2\n", 14);
    pf_bpe *bpe = open_vocab(folder);
    assert_int_equal(pf_bpe_vocab_size(bpe), 514);
    pf_err err = PF_ERR_INIT;
    int32_t ids[8];
    size_t n = 0;
    assert_ok(pf_bpe_encode(bpe, "CT \xc3\xa9", 5, 8, ids, &n, NULL, &err), &err);
    /* 'c' is the 66th printable character; 0xC3 and 0xA9 are in the second range. */
    const int32_t want[] = {512, 66, 83 + 256, 127, 102 + 256, 513};
    assert_int_equal(n, 6);
    assert_memory_equal(ids, want, sizeof want);
    pf_bpe_close(bpe);
}

static void encode_text(const char *merges, const char *text, int32_t *ids, size_t *n)
{
    write_file("merges.txt", merges, strlen(merges));
    pf_bpe *bpe = open_vocab(folder);
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_bpe_encode(bpe, text, strlen(text), 32, ids, n, NULL, &err), &err);
    pf_bpe_close(bpe);
}

/* The merge of lowest rank goes to all its places before a lower one it opens is seen;
 * and from left to right. */
static void merges_apply_in_the_references_order(void **state)
{
    (void)state;
    int32_t ids[32];
    size_t n;
    encode_text("ab a\na b\n", "ababc", ids, &n);
    const int32_t twice[] = {514, 513, 513, 66 + 256, 515};
    assert_int_equal(n, 5);
    assert_memory_equal(ids, twice, sizeof twice);

    encode_text("a a\naa a</w>\n", "aaaaaa", ids, &n);
    const int32_t pairs[] = {514, 512, 512, 64, 64 + 256, 515};
    assert_int_equal(n, 6);
    assert_memory_equal(ids, pairs, sizeof pairs);

    encode_text("a a\naa a</w>\n", "aaaaa", ids, &n);
    const int32_t odd[] = {514, 512, 513, 515}; /* aa, then aa a</w> */
    assert_int_equal(n, 4);
    assert_memory_equal(ids, odd, sizeof odd);

    /* Two ways to one token: the later line's id counts, and the former's is a hole. */
    encode_text("a b\nb c\nab c\na bc\n", "abcx", ids, &n);
    const int32_t same[] = {516, 515, 87 + 256, 517};
    assert_int_equal(n, 4);
    assert_memory_equal(ids, same, sizeof same);
}

static void special_tokens_and_contractions_split_off(void **state)
{
    (void)state;
    int32_t ids[32];
    size_t n;
    encode_text("' s</w>\n", "x's '\u017f <|EndOfText|>!<|endoftext|>", ids, &n);
    /* x 's | ' + long s (two bytes, one piece) | end | !<| as one piece, endoftext ...
     */
    assert_int_equal(ids[1], 87 + 256);
    assert_int_equal(ids[2], 512);
    assert_int_equal(ids[3], 6); /* "'" inside a word: the long s belongs to it */
    assert_int_equal(ids[6], 514);
    assert_int_equal(ids[7], 0); /* "!" inside a word, so the second is no token */
    assert_int_equal(n, 7 + 3 + 9 + 2 + 1);
    encode_text("x y</w>\n", "x\u0345y", ids, &n); /* parts words and is no token */
    const int32_t parted[] = {513, 87 + 256, 88 + 256, 514};
    assert_int_equal(n, 4);
    assert_memory_equal(ids, parted, sizeof parted);
}

static void context_bounds_the_ids(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe = open_vocab(tiny);
    int32_t ids[9];
    size_t n = 0;
    bool is_cut = false;
    ids[3] = -7;
    assert_ok(pf_bpe_encode(bpe, "chest ct", 8, 3, ids, &n, &is_cut, &err), &err);
    assert_true(is_cut);
    assert_int_equal(n, 3);
    assert_int_equal(ids[2], TINY_SIZE - 1);
    assert_int_equal(ids[3], -7);
    assert_ok(pf_bpe_encode(bpe, "chest ct", 8, 1, ids, &n, &is_cut, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], TINY_SIZE - 1); /* as the reference: the last is the end */
    assert_ok(pf_bpe_encode(bpe, "", 0, 2, ids, &n, &is_cut, &err), &err);
    assert_int_equal(n, 2);
    assert_false(is_cut);
    assert_refused(pf_bpe_encode(bpe, "x", 1, 0, ids, &n, NULL, &err), &err,
                   "a context of 0");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    assert_refused(pf_bpe_encode(bpe, "x", PF_BPE_TEXT_MAX + 1, 9, ids, &n, NULL, &err),
                   &err, "at most 4194304 are read");
    assert_int_equal(err.code, PF_ERR_LIMIT);
    pf_bpe_close(bpe);
}

static void a_long_word_takes_no_longer_than_its_length(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    /* 'a' doubles at each of 20 levels. */
    pf_buf merges;
    pf_err err = PF_ERR_INIT;
    pf_buf_init(&merges, 16 << 20);
    char *as = pf_zalloc(SIZE + 1, &err);
    assert_non_null(as);
    memset(as, 'a', SIZE);
    for (int length = 1; length <= SIZE / 4; length *= 2)
        assert_ok(pf_buf_addf(&merges, &err, "%.*s %.*s\n", length, as, length, as),
                  &err);
    write_file("merges.txt", merges.data, merges.size);
    pf_bpe *bpe = open_vocab(folder);
    int32_t ids[77];
    size_t n = 0;
    clock_t start = clock();
    assert_ok(pf_bpe_encode(bpe, as, SIZE, 77, ids, &n, NULL, &err), &err);
    double s = (double)(clock() - start) / CLOCKS_PER_SEC;
    /* 2^20 - 1 = 2^19 + 2^18 + ... + 1; the last byte ends the word: no merge. */
    assert_int_equal(n, 2 + 20 + 1);
    if (s > 20)
        fail_msg("one word of %d bytes took %.1f s", SIZE, s);
    pf_bpe_close(bpe);
    pf_buf_free(&merges);
    pf_free(as);
}

typedef struct {
    bool in_ids; /* patch vocab.json, else merges.txt */
    const char *from, *to, *words;
} bad_vocab;

static void bad_vocabularies_are_refused_by_name(void **state)
{
    (void)state;
    static const bad_vocab cases[] = {
        {true, "\"chest</w>\":", "\"chset</w>\":", "token 'chest</w>' has no id"},
        {true, "\"le\":", "\"el\":", "merge in line 3: token 'le' has no id"},
        {true, "\"!\":", "\"!!\":", "token '!' has no id"},
        {true, "<|startoftext|>", "<|start|>", "token '<|startoftext|>' has no id"},
        {true, "\"!\": 0", "\"!\": 1", "id 1 is given twice"},
        {true, "\"!\": 0", "\"!\": -1", "token '!' has id -1"},
        {true, "\"!\": 0", "\"!\": 99999999", "expected 0..16777215"},
        {true, "\"!\": 0", "\"!\": \"0\"", "id of token '!' is not a number"},
        {true, "\"!\": 0", "\"!\": 0, \"!\": 0", "duplicate"},
        {true, "{", "[", "vocab.json"},
        {true, "}", "", "vocab.json"},
        {false, "\nl e\n", "\nle\n", "line 3: 'le' is not two tokens"},
        {false, "\nl e\n", "\nl  e\n", "line 3: 'l  e' is not two tokens"},
        {false, "\nl e\n", "\nl e x\n", "line 3: 'l e x' is not two tokens"},
        {false, "\nl e\n", "\n l\n", "line 3: ' l' is not two tokens"},
        {false, "\nl e\n", "\nl \n", "line 3: 'l ' is not two tokens"},
        {false, "\nl e\n", "\n\n", "line 3: '' is not two tokens"},
        {false, "\nl e\n", "\nl e\nl e\n", "line 4 repeats the merge of line 3"},
        {false, "\nl e\n", "\nl qzq\n", "merge in line 3: token 'qzq' has no id"},
        {false, "\nl e\n", "\nl \xff\n", "file is not UTF-8"},
        {false, "#version", "\"bpe_simple_vocab_16e6.txt#version", "has 48894 merges"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bad_vocab *c = &cases[i];
        write_patched("merges.txt", tiny_merges, c->in_ids ? NULL : c->from, c->to);
        write_patched("vocab.json", tiny_ids, c->in_ids ? c->from : NULL, c->to);
        pf_err err = PF_ERR_INIT;
        pf_bpe *bpe;
        assert_refused(pf_bpe_open(&bpe, folder, &err), &err, c->words);
        assert_null(bpe);
    }
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe;
    write_patched("merges.txt", tiny_merges, NULL, NULL);
    write_file("vocab.json", "[1]", 3);
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "is not an object");
    assert_int_equal(err.code, PF_ERR_FORMAT);
    write_file("vocab.json", "", 0);
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "vocab.json");
    write_file("merges.txt", "", 0);
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "file is empty");
    /* Without ids a token must be made by a merge. */
    write_file("other.txt", "a b\nabc d\n", 10);
    assert_refused(pf_bpe_open(&bpe, pf_tree_path(folder, "other.txt"), &err), &err,
                   "merge in line 2: token 'abc' has no id");
}

static void absence_is_not_found(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe;
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "has no vocabulary");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_refused(pf_bpe_open(&bpe, "/nowhere/merges.txt", &err), &err,
                   "there is no vocabulary");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    pf_bpe_close(NULL);
}

static void gzip_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char text[] = "#version: 0.2\na b\nab c\n";
    static const char name[] = "bpe_simple_vocab_16e6.txt.gz";
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe;
    write_gz(name, text, sizeof text - 1, 1);
    bpe = open_vocab(folder);
    assert_int_equal(pf_bpe_vocab_size(bpe), 516);
    pf_bpe_close(bpe);

    char whole[256];
    const size_t n = pf_tree_read(pf_tree_path(folder, name), whole, sizeof whole);
    for (size_t cut = 2; cut < n; cut++) {
        write_file(name, whole, cut);
        assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "gzip data is cut");
    }
    whole[n] = 'x';
    write_file(name, whole, n + 1);
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "1 bytes stand behind");
    whole[n - 6] ^= 1; /* in the checksum */
    write_file(name, whole, n);
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "gzip data is damaged");
}

static void a_gzip_bomb_stops_at_the_cap(void **state)
{
    (void)state;
    static char blank[1 << 20];
    memset(blank, 'a', sizeof blank);
    write_gz("bpe_simple_vocab_16e6.txt.gz", blank, sizeof blank, 40);
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe;
    assert_refused(pf_bpe_open(&bpe, folder, &err), &err, "more than 33554432 bytes");
    assert_int_equal(err.code, PF_ERR_LIMIT);
}

static void openais_file_counts_48894_merges(void **state)
{
    (void)state;
    /* Merges of "a" with every character, of those with every character, ... */
    pf_err err = PF_ERR_INIT;
    pf_buf text;
    pf_buf_init(&text, 4 << 20);
    assert_ok(pf_buf_add_str(&text, "\"bpe_simple_vocab_16e6.txt#version: 0.2\n", &err),
              &err);
    size_t lines = 0;
    for (int x = 33; x < 127; x++) {
        for (int y = 33; y < 127; y++, lines++)
            assert_ok(pf_buf_addf(&text, &err, "%c %c\n", x, y), &err);
    }
    for (int x = 33; x < 127 && lines < 48894; x++) {
        for (int y = 33; y < 127; y++) {
            for (int z = 33; z < 127 && lines < 48894; z++, lines++)
                assert_ok(pf_buf_addf(&text, &err, "%c%c %c\n", x, y, z), &err);
        }
    }
    assert_int_equal(lines, 48894);
    assert_ok(pf_buf_add_str(&text, "this is not read\n", &err), &err);
    write_file("bpe_simple_vocab_16e6.txt", text.data, text.size);
    pf_bpe *bpe = open_vocab(folder);
    assert_int_equal(pf_bpe_vocab_size(bpe), 49408);
    pf_bpe_close(bpe);
    pf_buf_free(&text);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char text[] = "#version: 0.2\na b\nab c\n";
    write_gz("bpe_simple_vocab_16e6.txt.gz", text, sizeof text - 1, 1);
    const char *const paths[] = {tiny, folder};
    for (size_t i = 0; i < 2; i++) {
        for (long n = 1;; n++) {
            pf_err err = PF_ERR_INIT;
            pf_bpe *bpe;
            int32_t ids[77];
            size_t n_ids;
            pf_mem_fail_at(n);
            bool ok = pf_bpe_open(&bpe, paths[i], &err) &&
                      pf_bpe_encode(bpe, "pleural e\u0301ffusion", 18, 77, ids, &n_ids,
                                    NULL, &err);
            pf_mem_fail_at(0);
            pf_bpe_close(bpe);
            if (ok) {
                assert_true(n > 20);
                break;
            }
            assert_int_equal(err.code, PF_ERR_NOMEM);
        }
    }
}

#define IN_FOLDER(test)                                                                \
    cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_the_golden_ids),
        IN_FOLDER(every_layout_is_the_same_vocabulary),
        IN_FOLDER(ids_come_from_vocab_json),
        IN_FOLDER(the_spelling_of_vocab_json_does_not_matter),
        IN_FOLDER(damage_does_no_harm),
        IN_FOLDER(a_vocabulary_without_merges_spells_bytes),
        IN_FOLDER(merges_apply_in_the_references_order),
        IN_FOLDER(special_tokens_and_contractions_split_off),
        cmocka_unit_test(context_bounds_the_ids),
        IN_FOLDER(a_long_word_takes_no_longer_than_its_length),
        IN_FOLDER(bad_vocabularies_are_refused_by_name),
        IN_FOLDER(absence_is_not_found),
        IN_FOLDER(gzip_is_read_whole_or_not_at_all),
        IN_FOLDER(a_gzip_bomb_stops_at_the_cap),
        IN_FOLDER(openais_file_counts_48894_merges),
        IN_FOLDER(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
