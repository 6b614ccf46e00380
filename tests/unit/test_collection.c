/* test_collection.c - what an importer gives, in whatever order, becomes sorted images
 * with their texts in the order in which they came. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "indexer/collection.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_collection c;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_collection_init(&c, "/s");
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_collection_reset(&c);
    return 0;
}

static pf_subject image(const char *path, int frame)
{
    const pf_collected_image new = {
        .path = path, .frame = frame, .size = 7, .mtime_ns = 8, .in_case = 99};
    pf_subject out;
    assert_ok(pf_collection_add_image(&c, &new, &out, &err), &err);
    return out;
}

static pf_subject case_of(const char *key, const char *title)
{
    pf_subject out;
    assert_ok(pf_collection_add_case(&c, key, title, &out, &err), &err);
    return out;
}

static void caption(pf_subject of, const char *text)
{
    assert_ok(pf_collection_add_caption(&c, of, text, &err), &err);
}

static void attribute(pf_subject of, const char *key, const char *value)
{
    assert_ok(pf_collection_add_attribute(&c, of, key, value, &err), &err);
}

/* The captions, or keys and values, one behind the other: "a|b|". */
static void assert_texts(pf_text_chain chain, bool has_keys, const char *expected)
{
    char all[200] = "";
    uint32_t n = 0;
    for (uint32_t at = chain.first; at; at = c.texts[at].next, n++) {
        const pf_collected_text *t = &c.texts[at];
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s%s|",
                 has_keys ? c.keys[t->key] : "", has_keys ? "=" : "", t->value);
    }
    assert_string_equal(all, expected);
    assert_int_equal(n, chain.count);
}

static void images_are_sorted_and_keep_what_is_theirs(void **state)
{
    (void)state;
    const pf_subject b1 = image("/s/b", 1), a = image("/s/a", 0), b0 = image("/s/b", 0);
    const pf_subject one = case_of("k1", "One"), two = case_of("k2", "Two");
    caption(b1, "first of b1");
    caption(a, "of a");
    caption(one, "of the case");
    caption(b1, "second of b1");
    caption(b1, "");
    attribute(b0, "view", "PA");
    attribute(two, "age", "7");
    attribute(b0, "modality", "CR");
    attribute(b0, "view", "");
    pf_collection_put_into_case(&c, a, two);
    pf_collection_put_into_case(&c, b1, two);
    pf_collection_put_into_case(&c, b1, one);
    pf_collection_finish(&c);

    assert_int_equal(c.n_images, 3);
    assert_string_equal(c.images[0].path, "/s/a");
    assert_true(c.images[1].frame == 0 && c.images[2].frame == 1);
    assert_true(c.images[0].size == 7 && c.images[0].mtime_ns == 8);
    assert_texts(c.images[0].captions, false, "of a|");
    assert_texts(c.images[1].captions, false, "");
    assert_texts(c.images[1].attributes, true, "view=PA|modality=CR|");
    assert_texts(c.images[2].captions, false, "first of b1|second of b1|");
    assert_int_equal(c.images[0].in_case, 2);
    assert_int_equal(c.images[1].in_case, 0);
    assert_int_equal(c.images[2].in_case, 1);
    assert_texts(c.cases[0].captions, false, "of the case|");
    assert_texts(c.cases[1].attributes, true, "age=7|");
    assert_string_equal(c.cases[1].title, "Two");
    assert_int_equal(c.n_captions, 4);
    assert_int_equal(c.n_keys, 3);
}

static void an_image_that_comes_twice_is_one(void **state)
{
    (void)state;
    const pf_subject first = image("/s/a", 0), second = image("/s/a", 0);
    image("/s/a", 1);
    caption(first, "one");
    caption(second, "two");
    attribute(second, "k", "v");
    pf_collection_put_into_case(&c, second, case_of("k", "K"));
    pf_collection_finish(&c);
    assert_int_equal(c.n_images, 2);
    assert_int_equal(c.images[0].captions.count, 2);
    assert_texts(c.images[0].attributes, true, "k=v|");
    assert_int_equal(c.images[0].in_case, 1);
}

static void a_case_is_known_by_its_key(void **state)
{
    (void)state;
    enum { CASES = 1000 };
    char key[16];
    for (unsigned i = 0; i < 2 * CASES; i++) {
        snprintf(key, sizeof key, "%u", i % CASES);
        assert_int_equal(case_of(key, i < CASES ? "first" : "second").at, i % CASES);
    }
    assert_int_equal(c.n_cases, CASES);
    assert_string_equal(c.cases[CASES - 1].title, "first");
    const pf_subject repaired = case_of("\xFFx", "\xFE");
    assert_int_equal(case_of("\xFEx", "").at, repaired.at);
    assert_string_equal(c.cases[CASES].key, "\xEF\xBF\xBDx");
    assert_string_equal(c.cases[CASES].title, "\xEF\xBF\xBD");
}

static void gaps(void **state)
{
    (void)state;
    assert_false(pf_collection_is_in_gap(&c, "/s/far/x"));
    assert_ok(pf_collection_add_gap(&c, "/s/far", "away", &err), &err);
    assert_true(pf_collection_is_in_gap(&c, "/s/far/x"));
    assert_false(pf_collection_is_in_gap(&c, "/s/farther"));
    assert_false(pf_collection_is_in_gap(&c, "/elsewhere"));
    assert_ok(pf_collection_add_gap(&c, "/s", "all of it", &err), &err);
    assert_true(
        pf_collection_is_in_gap(&c, "/elsewhere")); /* images may lie anywhere */
    assert_string_equal(c.gaps[1].reason, "all of it");
}

static bool fill(void)
{
    const pf_collected_image new = {.path = "/s/a"};
    pf_subject a, k;
    return pf_collection_add_image(&c, &new, &a, &err) &&
           pf_collection_add_case(&c, "k\xFF", "t\xFF", &k, &err) &&
           pf_collection_add_caption(&c, k, "c\xFF", &err) &&
           pf_collection_add_attribute(&c, a, "k\xFF", "v\xFF", &err) &&
           pf_collection_add_gap(&c, "/s/x", "r\xFF", &err);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    bool is_done = false;
    for (long n = 1; !is_done; n++) {
        pf_collection_reset(&c);
        pf_collection_init(&c, "/s");
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        is_done = fill();
        pf_mem_fail_at(0);
        assert_true(is_done || err.code == PF_ERR_NOMEM);
        pf_collection_finish(&c);
        assert_true(n < 100);
    }
    assert_texts(c.images[0].attributes, true, "k\xEF\xBF\xBD=v\xEF\xBF\xBD|");
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        test(images_are_sorted_and_keep_what_is_theirs),
        test(an_image_that_comes_twice_is_one),
        test(a_case_is_known_by_its_key),
        test(gaps),
        test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
