/* test_long_text.c - a caption of any length costs a question what its length costs. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/words/terms.h"
#include "core/words/words.h"
#include "tests/unit/test_support.h"

static pf_err err;

/* `part` again and again, in memory of the caller's. */
static char *repeat(const char *part, size_t n)
{
    const size_t length = strlen(part);
    char *text = pf_alloc_array(n * length + 1, 1, &err);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * length, part, length);
    return text;
}

/* Processor time of a question, the best of three. */
static double seconds_of(const pf_words *words, const char *question, const char *text)
{
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        bool fits;
        const clock_t start = clock();
        assert_ok(pf_words_fit(words, question, text, &fits, &err), &err);
        const double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = s < best ? s : best;
    }
    return best;
}

/* Each of these took a time that grew with the square of the text. */
static void twice_the_text_takes_twice_the_time(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "no x. ",       "no x, ",   "no a and x ",          "x and ", "x, ",
        "x is absent ", "x or no ", "ruled out x, new x, ", "x/",
    };
    enum { WORDS = 64000 };
    pf_words *words;
    assert_ok(pf_words_new(&words, NULL, &err), &err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *once = repeat(parts[i], WORDS / 4), *twice = repeat(parts[i], WORDS / 2);
        const double a = seconds_of(words, "x", once);
        const double b = seconds_of(words, "x", twice);
        if (b > 2.5 * a + 0.01)
            fail_msg("'%s': %.3f s, twice as much of it %.3f s", parts[i], a, b);
        pf_free(once);
        pf_free(twice);
    }
    pf_words_free(words);
}

static void words_behind_the_limit_are_not_found(void **state)
{
    (void)state;
    pf_words *words;
    bool fits;
    assert_ok(pf_words_new(&words, NULL, &err), &err);
    char *text = repeat("ab ", PF_TERMS_MAX + 1);
    memcpy(text + 3 * (PF_TERMS_MAX - 1), "xy", 2);
    memcpy(text + 3 * PF_TERMS_MAX, "yx", 2);
    assert_ok(pf_words_fit(words, "xy", text, &fits, &err), &err);
    assert_true(fits);
    assert_ok(pf_words_fit(words, "yx", text, &fits, &err), &err);
    assert_false(fits);
    pf_free(text);
    pf_words_free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice_the_text_takes_twice_the_time),
        cmocka_unit_test(words_behind_the_limit_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
