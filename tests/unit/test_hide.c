/* test_hide.c - messages without the paths that are in them. */
#include <string.h>

#include "core/base/mem.h"
#include "indexer/hide.h"
#include "tests/unit/test_support.h"

static pf_err err;
static const pf_hider hider = {.key = {.bytes = {1, 2, 3}}};

/* `*` in the pattern is what stands for a path. */
static void expect(const char *text, const char *pattern)
{
    char *shown = pf_hide_text(&hider, text, &err);
    assert_non_null(shown);
    const char *s = shown;
    for (const char *p = pattern; *p; p++) {
        if (*p != '*') {
            if (*s++ != *p)
                fail_msg("'%s' became '%s', not '%s'", text, shown, pattern);
            continue;
        }
        assert_memory_equal(s, "file-", 5);
        assert_int_equal(strspn(s + 5, "0123456789abcdef"), 16);
        s += 21;
    }
    assert_string_equal(s, "");
    pf_free(shown);
}

static void paths_go(void **state)
{
    (void)state;
    expect("", "");
    expect("nothing to hide: 5 of 7 images/s", "nothing to hide: 5 of 7 images/s");
    expect("/a/b c/d.png: it is cut", "*: it is cut");
    expect("/a/b", "*");
    expect("cannot read '/a/o'neill, j/x.png': No such file",
           "cannot read '*': No such file");
    expect("'/a' and '/b.c'", "'*' and '*'");
    expect("a member 'doe/john.jpg' of 'x.zip' is there twice",
           "a member '*' of '*' is there twice");
    expect("the column 'caption' is there twice",
           "the column 'caption' is there twice");
    expect("a quote ' and no other /a", "a quote ' and no other *");
    expect("in (/a/b): no", "in (*: no"); /* rather too much */
    expect("'/a/b.png", "'*");
}

static void one_path_one_name(void **state)
{
    (void)state;
    char one[PF_HIDDEN_ROOM], two[PF_HIDDEN_ROOM], other[PF_HIDDEN_ROOM];
    pf_hider with_other_key = hider;
    with_other_key.key.bytes[0]++;
    pf_hide_path(&hider, "/a/b.png", one);
    pf_hide_path(&hider, "/a/b.png", two);
    assert_string_equal(one, two);
    pf_hide_path(&with_other_key, "/a/b.png", other);
    assert_string_not_equal(one, other);
    pf_hide_path(&hider, "/a/c.png", other);
    assert_string_not_equal(one, other);
    char *text = pf_hide_text(&hider, "'/a/b.png'", &err);
    assert_non_null(text);
    assert_non_null(strstr(text, one));
    pf_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_go),
        cmocka_unit_test(one_path_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
