/* test_negex.c - what is denied: 300 sentences, and texts of any kind in bounded time.
 *
 * Figures by kind are printed; bench/results.md has them. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/words/negex.h"
#include "core/words/terms.h"
#include "core/words/words.h"
#include "tests/unit/test_support.h"

enum { KINDS_MAX = 32, SENTENCES = 300 };

static pf_err err;

typedef struct {
    char name[32];
    int n, right;
} tally;

static tally kinds[KINDS_MAX];
static size_t n_kinds;

static tally *kind_of(const char *name)
{
    for (size_t i = 0; i < n_kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    assert_true(n_kinds < KINDS_MAX);
    snprintf(kinds[n_kinds].name, sizeof kinds->name, "%s", name);
    return &kinds[n_kinds++];
}

static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        const bool is_newline = s[0] == '\\' && s[1] == 'n';
        *to++ = is_newline ? '\n' : *s;
        s += is_newline;
    }
    *to = '\0';
}

/* Four fields of a line, parted by tabs. */
static void split(char *line, char *fields[4])
{
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < 4; i++) {
        fields[i] = line;
        line += strcspn(line, "\t");
        assert_true(i == 3 || *line == '\t');
        *line++ = '\0';
    }
    unescape(fields[3]);
}

static void sentences_are_denied_as_a_reader_would_say(void **state)
{
    (void)state;
    FILE *f = fopen(PF_TESTS_DIR "/golden/denials.tsv", "r");
    pf_words *words;
    char line[512], *field[4];
    int n = 0, right = 0, n_there = 0, lost = 0;
    assert_non_null(f);
    assert_ok(pf_words_new(&words, NULL, &err), &err);
    while (fgets(line, sizeof line, f)) {
        bool is_found;
        if (line[0] == '#')
            continue;
        split(line, field);
        const bool is_there = strcmp(field[1], "there") == 0;
        assert_true(is_there || strcmp(field[1], "denied") == 0);
        assert_ok(pf_words_fit(words, field[2], field[3], &is_found, &err), &err);
        tally *k = kind_of(field[0]);
        k->n++;
        k->right += is_found == is_there;
        n++;
        right += is_found == is_there;
        n_there += is_there;
        lost += is_there && !is_found;
        if (is_found != is_there)
            fprintf(stderr, "expected %s: '%s' in '%s'\n", field[1], field[2],
                    field[3]);
    }
    fclose(f);
    pf_words_free(words);
    for (size_t i = 0; i < n_kinds; i++)
        printf("%-12s %d of %d\n", kinds[i].name, kinds[i].right, kinds[i].n);
    printf("%d of %d right, %d of %d lost\n", right, n, lost, n_there);
    assert_int_equal(n, SENTENCES);
    assert_true(100 * right >= 97 * n);
    assert_true(100 * lost <= 2 * n_there);
}

/* Without the phrases every mention counts, so the bar above can be missed. */
static void without_phrases_most_denials_are_missed(void **state)
{
    (void)state;
    pf_negex *x;
    pf_terms t = {0};
    pf_negations n = {0};
    assert_ok(pf_negex_parse(&x, "# none\n", 7, "t", &err), &err);
    assert_ok(pf_terms_read(&t, "no effusion", 11, &err), &err);
    assert_ok(pf_negex_find(x, &t, &n, &err), &err);
    assert_false(pf_negations_cover(&n, 1, 1));
    assert_false(pf_negations_has_phrase(&n, 0));
    pf_negex_free(x);
    assert_ok(pf_negex_new(&x, &err), &err);
    assert_ok(pf_negex_find(x, &t, &n, &err), &err);
    assert_true(pf_negations_cover(&n, 1, 1));
    assert_true(pf_negations_has_phrase(&n, 0));
    pf_negex_free(x);
    pf_negations_reset(&n);
    pf_terms_reset(&t);
}

/* A thing that is denied is so with what belongs to it, asked for in quotes. */
static void a_phrase_goes_with_its_first_word(void **state)
{
    (void)state;
    static const char text[] = "no metastases in the liver";
    pf_negex *x;
    pf_terms t = {0};
    pf_negations n = {0};
    assert_ok(pf_negex_new(&x, &err), &err);
    assert_ok(pf_terms_read(&t, text, sizeof text - 1, &err), &err);
    assert_ok(pf_negex_find(x, &t, &n, &err), &err);
    assert_true(pf_negations_cover(&n, 1, 4));
    assert_true(pf_negations_cover(&n, 1, 1));
    assert_false(pf_negations_cover(&n, 4, 4));
    assert_false(pf_negations_cover(&n, 0, 1));
    pf_negex_free(x);
    pf_negations_reset(&n);
    pf_terms_reset(&t);
}

/* A megabyte of what the rules look at most closely takes no longer than one of words:
 * each must end within the time of the test. */
static void hostile_texts_take_the_time_of_their_length(void **state)
{
    (void)state;
    static const char *const pieces[] = {"no ",
                                         "no a, ",
                                         "was not ",
                                         "is was not been seen ",
                                         "and or ",
                                         "of the ",
                                         "not seen on in at ",
                                         "no\n",
                                         "x: no, ",
                                         "- no ",
                                         "no sign of the liver or ",
                                         "1) ",
                                         "contrast ",
                                         "(((",
                                         "a: ",
                                         "not not seen "};
    static char text[1 << 20];
    pf_negex *x;
    pf_terms t = {0};
    pf_negations n = {0};
    assert_ok(pf_negex_new(&x, &err), &err);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const size_t length = strlen(pieces[i]);
        for (size_t at = 0; at < sizeof text; at++)
            text[at] = pieces[i][at % length];
        assert_ok(pf_terms_read(&t, text, sizeof text, &err), &err);
        assert_ok(pf_negex_find(x, &t, &n, &err), &err);
        for (size_t k = 0; k < n.n; k++)
            assert_true(n.at[k].first > n.at[k].last || n.at[k].last < t.n);
    }
    pf_negex_free(x);
    pf_negations_reset(&n);
    pf_terms_reset(&t);
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    static const char table[] = "pre (no|without any) (|clear) sign of\npost absent\n";
    bool ok = false;
    for (long k = 1; !ok; k++) {
        pf_negex *x;
        pf_terms t = {0};
        pf_negations n = {0};
        pf_mem_fail_at(k);
        ok = pf_negex_parse(&x, table, sizeof table - 1, "t", &err) &&
             pf_terms_read(&t, "no sign of a cyst", 17, &err) &&
             pf_negex_find(x, &t, &n, &err);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        pf_negex_free(x);
        pf_negations_reset(&n);
        pf_terms_reset(&t);
        assert_true(k < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_are_denied_as_a_reader_would_say),
        cmocka_unit_test(without_phrases_most_denials_are_missed),
        cmocka_unit_test(a_phrase_goes_with_its_first_word),
        cmocka_unit_test(hostile_texts_take_the_time_of_their_length),
        cmocka_unit_test(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
