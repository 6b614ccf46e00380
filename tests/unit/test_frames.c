/* test_frames.c - which frames of a file are images. */
#include <string.h>

#include "indexer/frames.h"
#include "tests/unit/test_support.h"

static pf_err err;

static pf_frames frames_of(const char *text)
{
    pf_frames frames;
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_frames_read(&frames, text, &err), &err);
    return frames;
}

static void expect(const char *text, int of, int n, const int *wanted)
{
    const pf_frames frames = frames_of(text);
    assert_int_equal(pf_frames_count(&frames, of), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(pf_frames_at(&frames, of, i), wanted[i]);
}
#define FRAMES(...) ((const int[]){__VA_ARGS__})

static void each_kind(void **state)
{
    (void)state;
    expect("first", 9, 1, FRAMES(0));
    expect("middle", 9, 1, FRAMES(4));
    expect("middle", 4, 1, FRAMES(2));
    expect("1", 4, 1, FRAMES(2));
    expect("all", 3, 3, FRAMES(0, 1, 2));
    expect("2", 4, 2, FRAMES(1, 3));
    expect("3", 10, 3, FRAMES(1, 5, 8));
    expect("5", 2, 2, FRAMES(0, 1));
    expect("first", 1, 1, FRAMES(0));
    expect("middle", 1, 1, FRAMES(0));
}

/* Whatever a file claims: few, each once, in their order, all there. */
static void any_number(void **state)
{
    (void)state;
    static const int claims[] = {1, 2, 4095, 4096, 4097, 1000000, INT32_MAX};
    static const char *const asked[] = {"first", "middle", "all", "7", "4096"};
    for (size_t i = 0; i < 5 * sizeof claims / sizeof *claims; i++) {
        const int of = claims[i / 5];
        const pf_frames frames = frames_of(asked[i % 5]);
        const int n = pf_frames_count(&frames, of);
        int last = -1;
        assert_in_range(n, 1, PF_FRAMES_MAX);
        for (int k = 0; k < n; k++) {
            const int at = pf_frames_at(&frames, of, k);
            assert_true(at > last && at < of);
            last = at;
        }
    }
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",   "0",  "-1",    "4097", "99999999999999999999",
        "7x", " 7", "First", "last", "1.5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        pf_frames frames;
        err = (pf_err)PF_ERR_INIT;
        assert_refused(pf_frames_read(&frames, wrong[i], &err), &err, "--frames takes");
        assert_int_equal(err.code, PF_ERR_MISUSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind),
        cmocka_unit_test(any_number),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
