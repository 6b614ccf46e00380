/* test_values.c - columns of dates and numbers: what decides, what is kept as text. */
#include <string.h>

#include "indexer/values.h"
#include "tests/unit/test_support.h"

/* The values of a column, parted by '|', are kept as `wanted`. */
static void expect(const char *column, pf_values_kind kind, const char *wanted)
{
    char all[400], *rest, found[400] = "", out[PF_VALUE_MAX];
    pf_values v = {0};
    for (int pass = 0; pass < 2; pass++) {
        strcpy(all, column);
        for (char *value = strtok_r(all, "|", &rest); value;
             value = strtok_r(NULL, "|", &rest)) {
            if (pass == 0) {
                pf_values_show(&v, value);
                continue;
            }
            strcat(found, found[0] ? "|" : "");
            strcat(found, pf_values_write(&v, value, out));
        }
    }
    assert_int_equal(pf_values_decide(&v), kind);
    assert_string_equal(found, wanted);
}

static void same(const char *column, pf_values_kind kind)
{
    expect(column, kind, column);
}

static void dates(void **state)
{
    (void)state;
    same("2024-05-31|1999-12-01", PF_VALUES_DATES);
    expect("2024/5/1|31.05.2024|1.6.2024", PF_VALUES_DATES,
           "2024-05-01|2024-05-31|2024-06-01");
    expect("31/05/2024|01/06/2024", PF_VALUES_DATES, "2024-05-31|2024-06-01");
    expect("05/31/2024|06/01/2024", PF_VALUES_DATES, "2024-05-31|2024-06-01");
    expect("13-02-2024|2024-02-14", PF_VALUES_DATES, "2024-02-13|2024-02-14");
    expect("05/05/2024|6/6/2024", PF_VALUES_DATES, "2024-05-05|2024-06-06");
    expect("31.05.2024 08:15|2024-05-31T08:15:00Z", PF_VALUES_DATES,
           "2024-05-31 08:15|2024-05-31T08:15:00Z");
    expect("29.02.2024", PF_VALUES_DATES, "2024-02-29");
}

static void no_dates(void **state)
{
    (void)state;
    same("05/06/2024|01/02/2024", PF_VALUES_UNSURE_DATES);
    same("31/05/2024|05/31/2024", PF_VALUES_UNSURE_DATES); /* both cannot be */
    same("31.02.2024", PF_VALUES_TEXT);
    same("29.02.2023", PF_VALUES_TEXT);
    same("31.05.2024|unknown", PF_VALUES_TEXT);
    same("31.05.24", PF_VALUES_TEXT);
    same("2024-05", PF_VALUES_TEXT);
    same("2024-05/31|31.05/2024", PF_VALUES_TEXT);
    same("32/13/2024", PF_VALUES_TEXT);
    same("31.05.2024x|31.05.2024 8", PF_VALUES_TEXT);
    same("1.2.3.4", PF_VALUES_TEXT);
}

static void numbers(void **state)
{
    (void)state;
    expect("3,5|10|-0,25|+1,0", PF_VALUES_NUMBERS, "3.5|10|-0.25|+1.0");
    expect("1.234,5|12", PF_VALUES_NUMBERS, "1234.5|12");
    expect("1,234.5|1,234", PF_VALUES_NUMBERS, "1234.5|1234");
    expect("1,234,567", PF_VALUES_NUMBERS, "1234567");
    expect("0,125", PF_VALUES_NUMBERS, "0.125");
    expect("1,234|0,5", PF_VALUES_NUMBERS, "1.234|0.5");
    expect("1234,567", PF_VALUES_NUMBERS, "1234.567");
    same("1.5|2|007", PF_VALUES_TEXT); /* as they should be */
}

static void no_numbers(void **state)
{
    (void)state;
    same("1,234|5", PF_VALUES_UNSURE_NUMBERS);
    same("3,5|2.5", PF_VALUES_UNSURE_NUMBERS); /* both cannot be */
    same("3,5|T1,2", PF_VALUES_TEXT);
    same("1,2,3", PF_VALUES_TEXT);
    same("3,|,5", PF_VALUES_TEXT);
    same("1,23,456", PF_VALUES_TEXT);
    same("-", PF_VALUES_TEXT);
    expect("", PF_VALUES_TEXT, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),
        cmocka_unit_test(no_dates),
        cmocka_unit_test(numbers),
        cmocka_unit_test(no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
