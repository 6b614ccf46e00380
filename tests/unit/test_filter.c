/* test_filter.c - filters as they are typed, and what they accept. */
#include <string.h>

#include "core/search/filter.h"
#include "tests/unit/test_support.h"

static pf_err err;

static void filters_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *value;
        pf_filter_op op;
    } good[] = {
        {"a=b", "a", "b", PF_FILTER_EQUAL},
        {" a b != c d ", "a b", "c d", PF_FILTER_NOT_EQUAL},
        {"a<b", "a", "b", PF_FILTER_LESS},
        {"a<=b=c", "a", "b=c", PF_FILTER_AT_MOST},
        {"a>=1", "a", "1", PF_FILTER_AT_LEAST},
        {"a>!=", "a", "!=", PF_FILTER_GREATER},
        {"a<b|c..d", "a", "b|c..d", PF_FILTER_LESS},
        {"a~b..c", "a", "b..c", PF_FILTER_HAS_WORD},
        {"a=b...c", "a", "b...c", PF_FILTER_EQUAL},
        {"a=...", "a", "...", PF_FILTER_EQUAL},
        {"a=b.c", "a", "b.c", PF_FILTER_EQUAL},
        {"a=\"b|c..d\" ", "a", "b|c..d", PF_FILTER_EQUAL},
        {"a=\" \"\"b\"\" \"", "a", " \"b\" ", PF_FILTER_EQUAL},
        {"a>\" b\"", "a", " b", PF_FILTER_GREATER},
        {"a=5\"", "a", "5\"", PF_FILTER_EQUAL},
        {"path~*a|b..c\"", "path", "*a|b..c\"", PF_FILTER_LIKE_PATH},
        {"a!b~c", "a!b", "c", PF_FILTER_HAS_WORD},
        {"path~*\xff", "path", "*\xff", PF_FILTER_LIKE_PATH},
        {"e\xCC\x81=e\xCC\x81", "\xC3\xA9", "\xC3\xA9", PF_FILTER_EQUAL},
        {"path~*e\xCC\x81", "path", "*e\xCC\x81", PF_FILTER_LIKE_PATH}, /* bytes */
    };
    static const char *const bad[] = {
        "",       "a",         "=b",        "a=",        "a= ",    " =b",      "a==b",
        "path=x", "a!b",       "a=\xff",    "path~",     "path~x", "a=b|",     "a=|b",
        "a=b||c", "a=..",      "a=|",       "a=b..c..d", "a=\"b",  "a=\"b\"c", "a=\"\"",
        "a~b|",   "a<\"b\"|c", "a=\"b\"\"", "a!= .. "};
    pf_filter f;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(pf_filter_parse(&f, good[i].text, &err), &err);
        assert_string_equal(f.key, good[i].key);
        assert_int_equal(f.n_choices, 1);
        assert_string_equal(f.choices[0].from, good[i].value);
        assert_null(f.choices[0].to);
        assert_int_equal(f.op, good[i].op);
        pf_filter_reset(&f);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(pf_filter_parse(&f, bad[i], &err), &err, "filter '");
        assert_int_equal(err.code, PF_ERR_MISUSE);
        assert_null(f.text);
        err = (pf_err)PF_ERR_INIT;
    }
}

static void choices_and_ranges_are_parsed(void **state)
{
    (void)state;
    static const char *const expected[][2] = {{"b", NULL},   {"1", "2"}, {"", "x y"},
                                              {"3|", "4.."}, {"5", ""},  {"", NULL}};
    pf_filter f;
    assert_ok(pf_filter_parse(&f, "a= b | 1 .. 2 |..x y|\"3|\"..\"4..\"|5.. ", &err),
              &err);
    assert_int_equal(f.n_choices, 5);
    for (size_t i = 0; i < f.n_choices; i++) {
        assert_string_equal(f.choices[i].from, expected[i][0]);
        assert_true(!f.choices[i].to == !expected[i][1]);
        if (f.choices[i].to)
            assert_string_equal(f.choices[i].to, expected[i][1]);
    }
    pf_filter_reset(&f);
    char many[2 * PF_FILTER_MAX_CHOICES + 8] = "a=x";
    for (int i = 1; i <= PF_FILTER_MAX_CHOICES; i++)
        strcat(many, "|x");
    assert_refused(pf_filter_parse(&f, many, &err), &err, "more than 100 values");
    many[strlen(many) - 2] = '\0';
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_filter_parse(&f, many, &err), &err);
    assert_int_equal(f.n_choices, PF_FILTER_MAX_CHOICES);
    pf_filter_reset(&f);
}

static void values_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *value;
        bool is_accepted;
    } rows[] = {
        {"age>9", "10", true},
        {"age>9", "10Y", false}, /* as texts */
        {"age<=1e1", "10.0", true},
        {"number=7", "007", false},
        {"side=LEFT", "left", true},
        {"tag~lung", "Left lung base", true},
        {"tag~ear", "heart", false},
        {"path~*/2024/*", "/films/2024/a/1.png", true},
        /* A year, month or day means all of it. */
        {"date=2024", "2024-05-31", true},
        {"date=2024-05", "2024-05-31", true},
        {"date=2024-05-31", "2024-05-31T10:15:00", true},
        {"date=2024-05-31", "2024-05-31 10:15", true},
        {"date=2024-06", "2024-05-31", false},
        {"date>2024", "2024-05-31", false},
        {"date>2023", "2024-05-31", true},
        {"date>=2024", "2024-05-31", true},
        {"date<=2024-05", "2024-05-31", true},
        {"date<2024-05", "2024-05-31", false},
        {"date<2024-06", "2024-05-31", true},
        {"date<2024-05-31", "2024-05-30", true},
        {"year<=2024", "2024", true},
        /* One of several, and ranges, whose ends are in them. */
        {"modality=CT|MR", "mr", true},
        {"modality=CT|MR", "CR", false},
        {"tag~ear|lung", "left lung base", true},
        {"age=9..20", "9", true},
        {"age=9..20", "20.0", true},
        {"age=9..20", "21", false},
        {"age=9..20", "100", false},
        {"age=90..", "100", true},
        {"age=..9", "-1", true},
        {"age=..9", "10", false},
        {"date=2023..2024-06", "2023-01-01", true},
        {"date=2023..2024-06", "2024-06-30T23:59:59", true},
        {"date=2023..2024-06", "2024-07-01", false},
        {"date=2023..2024-06", "2022-12-31", false},
        {"date=2023-05-02..2023-05-03", "2023-05-03 10:00", true},
        {"tag=\"a|b\"", "a|b", true},
        {"tag=\"a|b\"", "a", false},
        {"tag=\"1..3\"", "2", false},
        {"tag=\"1..3\"", "1..3", true},
        /* No dates. */
        {"number=2024", "2024-13", false},
        {"number=2024", "20245", false},
        {"number=2024-05", "2024-05-99", false},
        {"number=202", "2024", false},
        {"number=2024-05-31", "2024-05-311", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pf_filter f;
        assert_ok(pf_filter_parse(&f, rows[i].filter, &err), &err);
        if (pf_filter_accepts(&f, rows[i].value) != rows[i].is_accepted)
            fail_msg("%s takes %s otherwise", rows[i].filter, rows[i].value);
        pf_filter_reset(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_parsed),
        cmocka_unit_test(choices_and_ranges_are_parsed),
        cmocka_unit_test(values_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
