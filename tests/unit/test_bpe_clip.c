/* test_bpe_clip.c - CLIP's own vocabulary, in both layouts, against the reference's
 * ids.
 *
 * Neither the vocabulary nor these ids are part of the project; without them the test
 * counts as skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/support/tree.h"
#include "tests/unit/bpe_rows.h"

static const char folder[] = PF_SHARED_DIR "/tokenizer";
static const char openai[] = PF_SHARED_DIR "/tokenizer/bpe_simple_vocab_16e6.txt.gz";
static const char rows[] = PF_SHARED_DIR "/tokenizer/golden.jsonl";
enum { ROWS = 141 }; /* 145 less 4 with mojibake */

static void both_layouts_give_the_references_ids(void **state)
{
    (void)state;
    pf_bpe *hf = open_vocab(folder), *oa = open_vocab(openai);
    assert_int_equal(pf_bpe_vocab_size(hf), 49408);
    assert_int_equal(pf_bpe_vocab_size(oa), 49408);
    assert_int_equal(pf_bpe_start_token(hf), 49406);
    assert_int_equal(pf_bpe_end_token(oa), 49407);
    assert_int_equal(assert_rows(hf, rows), ROWS);
    assert_int_equal(assert_rows(oa, rows), ROWS);
    pf_hash a = pf_bpe_hash(hf), b = pf_bpe_hash(oa);
    assert_true(pf_hash_equal(&a, &b));
    pf_bpe_close(hf);
    pf_bpe_close(oa);
}

static void kept_tables_give_them_as_well(void **state)
{
    (void)state;
    char cache[PF_TREE_ROOM];
    pf_tree_make(cache);
    setenv("XDG_CACHE_HOME", cache, 1);
    const char *const paths[] = {folder, openai};
    for (int i = 0; i < 4; i++) { /* made and kept, then found */
        pf_err err = PF_ERR_INIT;
        pf_bpe *bpe, *read = open_vocab(paths[i / 2]);
        assert_ok(pf_bpe_open_kept(&bpe, paths[i / 2], &err), &err);
        assert_int_equal(assert_rows(bpe, rows), ROWS);
        const pf_hash want = pf_bpe_hash(read), got = pf_bpe_hash(bpe);
        assert_true(pf_hash_equal(&want, &got));
        pf_bpe_close(bpe);
        pf_bpe_close(read);
    }
    pf_tree_remove(cache);
}

static void long_text_is_cut_as_the_reference_cuts(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe = open_vocab(folder);
    char text[100 * 5 + 1] = "";
    for (int i = 0; i < 100; i++)
        memcpy(text + 5 * i, "word ", 6);
    int32_t ids[77];
    size_t n = 0;
    bool is_cut = false;
    assert_ok(pf_bpe_encode(bpe, text, strlen(text), 77, ids, &n, &is_cut, &err), &err);
    assert_true(is_cut);
    assert_int_equal(n, 77);
    assert_int_equal(ids[0], 49406);
    assert_int_equal(ids[75], ids[1]);
    assert_int_equal(ids[76], 49407);
    /* 75 words fill the context exactly. */
    assert_ok(pf_bpe_encode(bpe, text, 75 * 5, 77, ids, &n, &is_cut, &err), &err);
    assert_false(is_cut);
    assert_int_equal(n, 77);
    pf_bpe_close(bpe);
}

/* "aaaa..." merges at every place and at every level. */
static void a_megabyte_in_one_word_is_no_trouble(void **state)
{
    (void)state;
    enum { SIZE = 1000000 };
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe = open_vocab(openai);
    char *text = pf_zalloc(SIZE, &err);
    assert_non_null(text);
    memset(text, 'a', SIZE);
    int32_t ids[77];
    size_t n = 0;
    bool is_cut = false;
    clock_t start = clock();
    assert_ok(pf_bpe_encode(bpe, text, SIZE, 77, ids, &n, &is_cut, &err), &err);
    double s = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_true(is_cut);
    assert_int_equal(n, 77);
    if (s > 20)
        fail_msg("one word of %d bytes took %.1f s", SIZE, s);
    pf_free(text);
    pf_bpe_close(bpe);
}

int main(void)
{
    if (!pf_path_exists(openai)) {
        fprintf(stderr, "skipped: no CLIP vocabulary in %s\n", folder);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_layouts_give_the_references_ids),
        cmocka_unit_test(kept_tables_give_them_as_well),
        cmocka_unit_test(long_text_is_cut_as_the_reference_cuts),
        cmocka_unit_test(a_megabyte_in_one_word_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
