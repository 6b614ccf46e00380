/* test_base.c - errors, memory, spans, buffers, UTF-8, JSON, hashes, files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/utf8.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

static void first_failure_gets_its_place_in_front(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    assert_false(pf_fail(&err, PF_ERR_FORMAT, "tensor '%s' is cut", "visual.proj"));
    assert_false(pf_fail_in(&err, "'%s'", "model.bin"));
    assert_int_equal(err.code, PF_ERR_FORMAT);
    assert_string_equal(err.msg, "'model.bin': tensor 'visual.proj' is cut");
}

static void messages_carry_no_control_characters_and_no_half_sequences(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_fail(&err, PF_ERR_FORMAT, "name '\x1b[31m\n'");
    assert_string_equal(err.msg, "name '?[31m?'");
    char text[1024];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof err.msg - 2, "\xC3\xA9", 3); /* the cut falls inside the e */
    pf_fail(&err, PF_ERR_FORMAT, "%s", text);
    assert_true(pf_utf8_is_valid(err.msg, strlen(err.msg)));
    assert_int_equal(strlen(err.msg), sizeof err.msg - 2);
}

static void allocation_refuses_products_that_overflow(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    assert_null(pf_alloc_array(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.code, PF_ERR_NOMEM);
    void *p = pf_zalloc(4, &err);
    void *before = p;
    assert_false(pf_resize_array(&p, SIZE_MAX / 2, 3, &err));
    assert_ptr_equal(p, before);
    pf_free(p);
    assert_null(pf_alloc_floats(SIZE_MAX / 2, &err));
}

static void the_nth_allocation_fails_on_request(void **state)
{
    (void)state;
    pf_mem_fail_at(2);
    void *a = pf_zalloc(1, NULL), *b = pf_zalloc(1, NULL), *c = pf_zalloc(1, NULL);
    assert_int_equal(pf_mem_fail_at(0), 3);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    pf_free(a);
    pf_free(c);
}

static void spans_never_pass_their_end(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    pf_span s = pf_span_of(bytes, sizeof bytes);
    uint64_t u64 = 0;
    uint16_t u16 = 0;
    assert_true(pf_span_u64le(&s, &u64));
    assert_true(u64 == 0x0807060504030201u);
    assert_false(pf_span_u16le(&s, &u16));
    assert_int_equal(pf_span_left(&s), 1);
    assert_false(pf_span_skip(&s, SIZE_MAX));
    s = pf_span_of(bytes, 5);
    assert_false(pf_span_u64le(&s, &u64));
    assert_int_equal(pf_span_left(&s), 5);
}

static void buffers_stop_at_their_cap(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_buf b;
    pf_buf_init(&b, 10);
    assert_ok(pf_buf_addf(&b, &err, "%d-%s", 12, "abc"), &err);
    assert_string_equal(b.data, "12-abc");
    assert_refused(pf_buf_add_str(&b, "12345", &err), &err, "more than 10 bytes");
    assert_string_equal(b.data, "12-abc");
    char *taken = pf_buf_take(&b, &err);
    assert_string_equal(taken, "12-abc");
    assert_int_equal(b.size, 0);
    pf_free(taken);
}

static void utf8_refuses_what_the_standard_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xC0\xAF",     "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xC3", "\xF0\x9F\x98", "\xFF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pf_utf8_is_valid(bad[i], strlen(bad[i])));
    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        if (c == 0xD800)
            c = 0xE000;
        char s[4];
        uint32_t back = 0;
        size_t n = pf_utf8_encode(c, s);
        if (pf_utf8_decode(s, n, &back) != n || back != c)
            fail_msg("U+%04X does not come back", c);
    }
    char *fixed = pf_utf8_repair("a\xFFz", NULL);
    assert_string_equal(fixed, "a\xEF\xBF\xBDz");
    pf_free(fixed);
    assert_int_equal(pf_utf8_cut("a\xC3\xA9", 2), 1);
}

static void json_reads_strictly(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_json *doc = NULL;
    const char *text = "{\"a\":[1,2.5,\"x\"],\"b\":true}";
    assert_ok(pf_json_parse(&doc, text, strlen(text), &err), &err);
    const pf_json *a = pf_json_get(doc, "a");
    int64_t i = 0;
    double r = 0;
    assert_int_equal(pf_json_size(a), 3);
    assert_true(pf_json_to_int(pf_json_at(a, 0), &i) && i == 1);
    assert_false(pf_json_to_int(pf_json_at(a, 1), &i));
    assert_true(pf_json_to_real(pf_json_at(a, 1), &r) && r == 2.5);
    assert_string_equal(pf_json_string(pf_json_at(a, 2), NULL), "x");
    assert_null(pf_json_get(doc, "none"));
    assert_null(pf_json_get(NULL, "a"));
    pf_json_free(doc);
    assert_refused(pf_json_parse(&doc, "{\"a\":1,\"a\":2}", 13, &err), &err,
                   "duplicate");
    assert_null(doc);
    assert_refused(pf_json_parse(&doc, "", 0, &err), &err, "not valid JSON");
    char deep[100000];
    memset(deep, '[', sizeof deep);
    assert_refused(pf_json_parse(&doc, deep, sizeof deep, &err), &err, "depth");
}

/* A terminal that is shown our JSON does nothing of it, and shows it in order. */
static void json_escapes_what_drives_a_terminal(void **state)
{
    (void)state;
    static const char odd[] = "a\x7F\xC2\x80\xC2\x9B"
                              "31m\xC2\x9F\xC2\xA0\xD8\x9C\xE2\x80\x8E\xE2\x80\x8F"
                              "\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"
                              "\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9\xF0\x9F\xA9\xBB";
    static const char wanted[] =
        "\"a\\u007F\\u0080\\u009B31m\\u009F\xC2\xA0\\u061C\\u200E\\u200F\xE2\x80\xA7"
        "\\u2028\\u2029\\u202A\\u202E\\u2066\\u2069\xF0\x9F\xA9\xBB\"";
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    pf_json_writer w;
    pf_json *json;
    pf_err err = PF_ERR_INIT;
    pf_json_writer_init(&w, f);
    pf_json_write_string(&w, NULL, odd);
    fclose(f);
    text[n - 1] = '\0';
    assert_string_equal(text, wanted);
    assert_ok(pf_json_parse(&json, text, n - 1, &err), &err);
    assert_string_equal(pf_json_string(json, NULL), odd);
    char *again = pf_json_text(json, &err);
    assert_string_equal(again, wanted);
    pf_free(again);
    pf_json_free(json);
    free(text);
}

/* What reads alike whatever its layout, is one text. */
static void json_sorts_members(void **state)
{
    (void)state;
    static const char text[] =
        " { \"b\" : [2, {\"d\":1.5,\"c\":null}, 1],\n\"a\":\"\\u0041\"}";
    pf_json *json;
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_json_parse(&json, text, sizeof text - 1, &err), &err);
    char *sorted = pf_json_sorted_text(json, &err);
    assert_string_equal(sorted, "{\"a\":\"A\",\"b\":[2,{\"c\":null,\"d\":1.5},1]}");
    pf_free(sorted);
    pf_json_free(json);
}

static void json_writes_what_can_be_read(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, "path", "a\"\xFF\n");
    pf_json_begin_array(&w, "v");
    pf_json_write_real(&w, NULL, 0.25, 9);
    pf_json_write_int(&w, NULL, -7);
    pf_json_write_real(&w, NULL, 0.0 / 0.0, 9);
    pf_json_end_array(&w);
    pf_json_begin_object(&w, "o");
    pf_json_end_object(&w);
    pf_json_write_string(&w, "none", NULL);
    pf_json_write_bool(&w, "yes", true);
    pf_json_end_object(&w);
    fclose(f);
    assert_string_equal(text, "{\"path\":\"a\\\"\xEF\xBF\xBD\\n\",\"v\":[0.25,-7,null],"
                              "\"o\":{},\"none\":null,\"yes\":true}\n");
    free(text);
}

static void hashes_do_not_depend_on_the_pieces(void **state)
{
    (void)state;
    pf_hasher *h = pf_hasher_new(NULL);
    pf_hasher_add(h, "plain", 5);
    pf_hasher_add(h, "film", 4);
    pf_hash whole = pf_hash_bytes("plainfilm", 9), pieces = pf_hasher_finish(h);
    assert_true(pf_hash_equal(&whole, &pieces));
    char hex[PF_HASH_HEX_SIZE];
    pf_hash empty = pf_hash_bytes(NULL, 0);
    pf_hash_hex(&empty, hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f"); /* XXH3-128 of "" */
}

/* What one machine has written another one reads: whichever instructions the library
 * takes for long inputs, these are the plain ones' hashes. */
static void hashes_do_not_depend_on_the_processor(void **state)
{
    (void)state;
    enum { N = 300001 };
    uint8_t *bytes = pf_alloc_array(N, 1, NULL);
    for (size_t i = 0; i < N; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    const pf_hash whole = pf_hash_bytes(bytes, N);
    pf_hasher *h = pf_hasher_new(NULL);
    for (size_t at = 0; at < N; at += 70000)
        pf_hasher_add(h, bytes + at, N - at < 70000 ? N - at : 70000);
    const pf_hash pieces = pf_hasher_finish(h);
    assert_true(pf_hash_equal(&whole, &pieces));
    char hex[PF_HASH_HEX_SIZE];
    pf_hash_hex(&whole, hex);
    assert_string_equal(hex, "ed5e86ee7b612399738d9dc43f8c52e6");
    assert_int_equal(pf_hash_seeded(bytes, N, 0), 0x738D9DC43F8C52E6u);
    assert_int_equal(pf_hash_seeded(bytes, 4096, 7), 0x25F58C2D99CDC107u);
    pf_free(bytes);
}

static void files_are_published_whole(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    char dir[PF_TREE_ROOM];
    pf_tree_make(dir);
    char *deep = pf_path_join(dir, "a/b", &err),
         *temp = pf_path_join(deep, "x.tmp", &err),
         *path = pf_path_join(deep, "x", &err);
    assert_ok(pf_make_folders(deep, 0700, &err), &err);
    assert_ok(pf_make_folders(deep, 0700, &err), &err);
    pf_tree_write_text(temp, "film");
    assert_ok(pf_file_publish(temp, path, &err), &err);
    assert_false(pf_path_exists(temp));
    pf_mapfile map;
    assert_ok(pf_mapfile_open(&map, path, &err), &err);
    assert_int_equal(map.size, 4);
    assert_memory_equal(map.data, "film", 4);
    pf_mapfile_close(&map);
    assert_refused(pf_mapfile_open(&map, deep, &err), &err, "not a regular file");
    assert_refused(pf_make_folders(path, 0700, &err), &err, "not a folder");
    assert_refused(pf_mapfile_open(&map, temp, &err), &err, "No such file");
    pf_tree_remove(dir);
    pf_free(deep);
    pf_free(temp);
    pf_free(path);
    assert_string_equal(pf_path_extension("/x.y/name.tar.gz"), "gz");
    assert_string_equal(pf_path_extension("/x.y/.hidden"), "");
}

static void paths_are_tidied_by_their_names(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"/a/b.png", "/a/b.png"}, {"//a///b.png/", "/a/b.png"}, {"/a/./b/../c", "/a/c"},
        {"/../../a", "/a"},       {"/a/..b/...", "/a/..b/..."}, {"/a/..", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s", pairs[i][0]);
        pf_path_tidy(path);
        assert_string_equal(path, pairs[i][1]);
    }
}

static void a_path_keeps_its_links(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    char dir[PF_TREE_ROOM];
    pf_tree_make(dir);
    char *folder = pf_path_join(dir, "folder", &err);
    char *link = pf_path_join(dir, "link", &err);
    char *up = pf_path_join(link, "../x", &err);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink("folder", link), 0);
    const char *const pairs[][2] = {{"/", "/"}, {"/a//b/./c/", "/a/b/c"}, {link, link}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *path = pf_path_absolute(pairs[i][0], &err);
        assert_string_equal(path, pairs[i][1]);
        pf_free(path);
    }
    char *here = pf_path_absolute(".", &err), *of_here = pf_path_absolute("x", &err);
    assert_true(pf_path_is_under(of_here, here));
    assert_false(pf_path_is_gone(link));
    assert_true(pf_path_is_gone(up));
    assert_int_equal(rmdir(folder), 0);
    assert_false(pf_path_is_gone(link)); /* it leads nowhere, but is there */
    assert_false(pf_path_exists(link));
    pf_tree_remove(dir);
    pf_free(of_here);
    pf_free(here);
    pf_free(up);
    pf_free(link);
    pf_free(folder);
}

static void an_arena_keeps_strings_where_they_are(void **state)
{
    (void)state;
    enum { STRINGS = 40000, LARGE = 1 << 20 };
    static const char *kept[STRINGS];
    pf_err err = PF_ERR_INIT;
    pf_arena a = {0};
    char text[16], *large = pf_zalloc(LARGE, &err);
    for (int i = 0; i < STRINGS; i++) {
        const int n = snprintf(text, sizeof text, "%d", i);
        assert_non_null(kept[i] = pf_arena_add(&a, text, (size_t)n, &err));
        if (i == STRINGS / 2)
            assert_memory_equal(pf_arena_add(&a, large, LARGE, &err), large, LARGE);
    }
    for (int i = 0; i < STRINGS; i++)
        assert_int_equal(strtol(kept[i], NULL, 10), i);
    assert_string_equal(pf_arena_add(&a, "cut here", 3, &err), "cut");
    pf_arena_reset(&a);
    pf_mem_fail_at(1);
    assert_null(pf_arena_add(&a, "x", 1, &err));
    pf_mem_fail_at(0);
    assert_int_equal(err.code, PF_ERR_NOMEM);
    pf_arena_reset(&a);
    pf_free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_gets_its_place_in_front),
        cmocka_unit_test(messages_carry_no_control_characters_and_no_half_sequences),
        cmocka_unit_test(allocation_refuses_products_that_overflow),
        cmocka_unit_test(the_nth_allocation_fails_on_request),
        cmocka_unit_test(spans_never_pass_their_end),
        cmocka_unit_test(buffers_stop_at_their_cap),
        cmocka_unit_test(utf8_refuses_what_the_standard_refuses),
        cmocka_unit_test(json_reads_strictly),
        cmocka_unit_test(json_sorts_members),
        cmocka_unit_test(json_writes_what_can_be_read),
        cmocka_unit_test(json_escapes_what_drives_a_terminal),
        cmocka_unit_test(hashes_do_not_depend_on_the_pieces),
        cmocka_unit_test(hashes_do_not_depend_on_the_processor),
        cmocka_unit_test(files_are_published_whole),
        cmocka_unit_test(paths_are_tidied_by_their_names),
        cmocka_unit_test(a_path_keeps_its_links),
        cmocka_unit_test(an_arena_keeps_strings_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
