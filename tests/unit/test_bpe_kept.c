/*
 * test_bpe_kept.c - a tokenizer's tables from the cache: the same ids as from the
 * files; tables that are damaged, hostile or of other files are made anew.
 *
 * Works on copies of tests/golden/tokenizer-tiny.
 */
#include <dirent.h>
#include <stdlib.h>

#include "core/base/cache_file.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/tokenizer/bpe_tables.h"
#include "tests/support/tree.h"
#include "tests/unit/bpe_rows.h"

static const char tiny[] = PF_TESTS_DIR "/golden/tokenizer-tiny";
static const char tiny_rows[] = PF_TESTS_DIR "/golden/tokenizer-tiny/golden.jsonl";
enum { TINY_SIZE = 512 + 60 + 2, TINY_ROWS = 21 };

static const pf_cache_kind kind = {"tokens-", 1};
static char folder[PF_TREE_ROOM], vocabulary[600], kept[1000];
static pf_hash key;
static void *good; /* the tables as they should be */
static size_t n_good;

static void copy_file(const char *name)
{
    pf_err err = PF_ERR_INIT;
    pf_buf text;
    char from[600], to[700];
    snprintf(from, sizeof from, "%s/%s", tiny, name);
    snprintf(to, sizeof to, "%s/%s", vocabulary, name);
    pf_buf_init(&text, 1 << 20);
    assert_ok(pf_file_read(from, &text, &err), &err);
    pf_tree_write(to, text.data, text.size);
    pf_buf_free(&text);
}

/* The one file that is kept, and its key, which is its name. */
static void find_kept(void)
{
    char cache[600];
    snprintf(cache, sizeof cache, "%s/plainfilm", folder);
    DIR *dir = opendir(cache);
    assert_non_null(dir);
    int n = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (strncmp(e->d_name, "tokens-", 7) != 0)
            continue;
        n++;
        snprintf(kept, sizeof kept, "%s/%s", cache, e->d_name);
        for (size_t i = 0; i < sizeof key.b; i++) {
            unsigned byte;
            assert_int_equal(sscanf(e->d_name + 7 + 2 * i, "%2x", &byte), 1);
            key.b[i] = (uint8_t)byte;
        }
    }
    closedir(dir);
    assert_int_equal(n, 1);
}

static pf_bpe *open_kept(void)
{
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe;
    assert_ok(pf_bpe_open_kept(&bpe, vocabulary, &err), &err);
    return bpe;
}

static int before(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_cache_file file;
    pf_tree_make(folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    pf_cache_file_set_least(1);
    snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary", folder);
    assert_ok(pf_make_folders(vocabulary, 0700, &err), &err);
    copy_file("merges.txt");
    copy_file("vocab.json");
    pf_bpe_close(open_kept());
    find_kept();
    assert_true(pf_cache_file_find(&file, &kind, &key, 0));
    n_good = file.size;
    good = pf_zalloc(n_good, &err);
    assert_non_null(good);
    memcpy(good, file.bytes, n_good);
    pf_cache_file_close(&file);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_free(good);
    pf_cache_file_set_least(0);
    pf_tree_remove(folder);
    return 0;
}

static bool are_kept_as_they_should_be(void)
{
    pf_cache_file file;
    const bool ok = pf_cache_file_find(&file, &kind, &key, n_good) &&
                    memcmp(file.bytes, good, n_good) == 0;
    pf_cache_file_close(&file);
    return ok;
}

static void assert_right(const pf_bpe *bpe)
{
    const pf_bpe *plain = open_vocab(tiny);
    const pf_hash want = pf_bpe_hash(plain), got = pf_bpe_hash(bpe);
    assert_true(pf_hash_equal(&want, &got));
    assert_int_equal(pf_bpe_vocab_size(bpe), TINY_SIZE);
    assert_int_equal(pf_bpe_start_token(bpe), TINY_SIZE - 2);
    assert_int_equal(pf_bpe_end_token(bpe), TINY_SIZE - 1);
    assert_int_equal(assert_rows(bpe, tiny_rows), TINY_ROWS);
    pf_bpe_close((pf_bpe *)plain);
}

/* Opening finds what is kept or makes it anew; either way the ids are right. */
static void assert_opens_right(void)
{
    pf_bpe *bpe = open_kept();
    assert_right(bpe);
    pf_bpe_close(bpe);
    assert_true(are_kept_as_they_should_be());
}

static void the_same_ids(void **state)
{
    (void)state;
    pf_bpe *bpe = open_kept();
    assert_right(bpe);
    assert_int_equal(strcmp(pf_bpe_path(bpe) + strlen(vocabulary), "/merges.txt"), 0);
    pf_bpe_close(bpe);
}

/* Another end, which no file says, shows where the tables came from. */
static void they_are_taken_from_the_cache(void **state)
{
    (void)state;
    ((pf_bpe_ids *)good)->end_id = 7;
    pf_cache_file_keep(&kind, &key, good, n_good);
    pf_bpe *bpe = open_kept();
    assert_int_equal(pf_bpe_end_token(bpe), 7);
    pf_bpe_close(bpe);
    pf_err err = PF_ERR_INIT; /* but by no one who asks for the files */
    assert_ok(pf_bpe_open(&bpe, vocabulary, &err), &err);
    assert_right(bpe);
    pf_bpe_close(bpe);
}

static void other_files_have_other_tables(void **state)
{
    (void)state;
    ((pf_bpe_ids *)good)->end_id = 7;
    pf_cache_file_keep(&kind, &key, good, n_good);
    copy_file("vocab.json"); /* the same bytes, at another time */
    pf_bpe *bpe = open_kept();
    assert_right(bpe);
    pf_bpe_close(bpe);
}

static void damage_is_mended(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_buf bytes;
    pf_buf_init(&bytes, 1 << 20);
    assert_ok(pf_file_read(kept, &bytes, &err), &err);
    for (size_t at = 0; at < bytes.size; at += 41) {
        bytes.data[at] ^= 0x10;
        pf_tree_write(kept, bytes.data, bytes.size);
        assert_opens_right();
        pf_tree_write(kept, bytes.data, at); /* cut off */
        assert_opens_right();
        bytes.data[at] ^= 0x10;
    }
    pf_buf_free(&bytes);
    assert_int_equal(remove(kept), 0);
    assert_opens_right();
}

/* Tables with all checksums right that lead outside. */
static void hostile_tables_are_refused(void **state)
{
    (void)state;
    const pf_bpe_ids *ids = good;
    const size_t merges = sizeof *ids, places = merges + ids->n_merges * 12;
    const struct {
        size_t at;
        uint32_t value;
    } lies[] = {
        {offsetof(pf_bpe_ids, byte_id) + 4, TINY_SIZE},
        {offsetof(pf_bpe_ids, byte_id) + 255 * 4, 0x80000000},
        {offsetof(pf_bpe_ids, last_id), 0xFFFFFFFF},
        {offsetof(pf_bpe_ids, start_id), TINY_SIZE},
        {offsetof(pf_bpe_ids, end_id), 0xFFFFFFFF},
        {offsetof(pf_bpe_ids, size), 0},
        {offsetof(pf_bpe_ids, size), TINY_SIZE - 1},
        {offsetof(pf_bpe_ids, size), PF_BPE_ID_MAX + 1},
        {offsetof(pf_bpe_ids, size), 0x80000000},
        {offsetof(pf_bpe_ids, n_merges), ids->n_merges + 1},
        {offsetof(pf_bpe_ids, n_merges), ids->n_merges - 1},
        {offsetof(pf_bpe_ids, n_merges), 0xFFFFFFFF},
        {offsetof(pf_bpe_ids, n_places), ids->n_places * 2},
        {offsetof(pf_bpe_ids, n_places), ids->n_places - 1},
        {offsetof(pf_bpe_ids, n_places), 0},
        {merges, TINY_SIZE},
        {merges + 8, 0x7FFFFFFF},
        {places - 4, 0xFFFFFFFF},
        {places, ids->n_merges + 1},
        {n_good - 4, 0xFFFFFFFF},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        pf_bpe_tables tables;
        char *bytes = pf_zalloc(n_good, NULL);
        assert_non_null(bytes);
        memcpy(bytes, good, n_good);
        assert_true(pf_bpe_tables_view(&tables, bytes, n_good));
        memcpy(bytes + lies[i].at, &lies[i].value, 4);
        if (pf_bpe_tables_view(&tables, bytes, n_good))
            fail_msg("lie %zu is believed", i);
        pf_cache_file_keep(&kind, &key, bytes, n_good);
        pf_free(bytes);
        assert_opens_right();
    }
    for (size_t n = 0; n < n_good; n += 97) {
        pf_bpe_tables tables;
        assert_false(pf_bpe_tables_view(&tables, good, n));
        if (n > 0)
            pf_cache_file_keep(&kind, &key, good, n);
        assert_opens_right();
    }
}

/* Whatever else they say, encoding stays within the vocabulary; sanitizers watch. */
static void odd_tables_do_no_harm(void **state)
{
    (void)state;
    static const char text[] = "the pleural effusion aaaaaaaaaaaaaaaa of the lungs";
    uint32_t random = 1;
    for (int round = 0; round < 300; round++) {
        pf_err err = PF_ERR_INIT;
        int32_t ids[77];
        size_t n = 0;
        pf_bpe *bpe;
        int32_t *words = pf_zalloc(n_good, NULL);
        assert_non_null(words);
        memcpy(words, good, n_good);
        for (int i = 0; i < 400; i++) {
            random = random * 1664525 + 1013904223;
            const size_t at = random % (n_good / 4);
            if (at >= 512 + 5 + 4 || at < 512) /* no counts */
                words[at] = (int32_t)((random >> 8) % 60);
        }
        pf_cache_file_keep(&kind, &key, words, n_good);
        assert_ok(pf_bpe_open_kept(&bpe, vocabulary, &err), &err);
        assert_ok(pf_bpe_encode(bpe, text, sizeof text - 1, 77, ids, &n, NULL, &err),
                  &err);
        for (size_t i = 0; i < n; i++)
            assert_in_range(ids[i], 0, TINY_SIZE - 1);
        pf_bpe_close(bpe);
        pf_free(words);
    }
}

static void without_memory_or_a_folder(void **state)
{
    (void)state;
    for (int is_there = 0; is_there < 2; is_there++) {
        for (long n = 1;; n++) {
            pf_err err = PF_ERR_INIT;
            pf_bpe *bpe;
            if (!is_there)
                remove(kept);
            pf_mem_fail_at(n);
            const bool ok = pf_bpe_open_kept(&bpe, vocabulary, &err);
            pf_mem_fail_at(0);
            if (ok)
                assert_right(bpe);
            else
                assert_int_equal(err.code, PF_ERR_NOMEM);
            pf_bpe_close(bpe);
            if (ok && n > 60)
                break;
        }
    }
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    the_same_ids(state);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_same_ids),
        IN_FOLDER(they_are_taken_from_the_cache),
        IN_FOLDER(other_files_have_other_tables),
        IN_FOLDER(damage_is_mended),
        IN_FOLDER(hostile_tables_are_refused),
        IN_FOLDER(odd_tables_do_no_harm),
        IN_FOLDER(without_memory_or_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
