/* test_mentions.c - where in a caption the words of a question stand, and how. */
#include <stdio.h>
#include <string.h>

#include "core/words/words_text.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_words *words;

static int before_all(void **state)
{
    (void)state;
    return pf_words_new(&words, NULL, &err) ? 0 : -1;
}

static int after_all(void **state)
{
    (void)state;
    pf_words_free(words);
    return 0;
}

/* "effusion=Effusions~ ..." with '=' as typed, '~' a form, '^' another name; then what
 * stands in the caption. */
static void write_mentions(char *out, size_t room, const char *question,
                           const char *caption, size_t max)
{
    pf_words_query q = {0};
    pf_words_text text = {0};
    pf_mention found[16];
    size_t n;
    assert_ok(pf_words_parse(&q, words, question, &err), &err);
    assert_ok(pf_words_text_read(&text, words, caption, &err), &err);
    assert_ok(pf_words_text_mentions(&text, &q, question, found, max, &n, &err), &err);
    assert_true(n <= max);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const pf_mention *m = &found[i];
        const pf_word_group *g = &q.groups[m->group];
        snprintf(out + strlen(out), room - strlen(out), "%s%.*s%c%.*s",
                 i > 0 ? ", " : "", (int)(g->end - g->start), question + g->start,
                 m->is_same    ? '='
                 : m->is_typed ? '~'
                               : '^',
                 (int)(m->end - m->start), caption + m->start);
    }
    pf_words_text_reset(&text);
    pf_words_query_reset(&q);
}

static void mentions_stand_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *question, *caption, *mentions;
    } rows[] = {
        {"effusion", "Pleural EFFUSION, effusions",
         "effusion=EFFUSION, effusion~effusions"},
        {"effusion", "No effusion", ""},
        {"no effusion", "No effusion. An effusion.", "effusion=effusion"},
        {"oedema", "Edema", "oedema~Edema"},
        {"na\xC3\xAFve", "naive", "na\xC3\xAFve=naive"},
        {"CXR", "chest x-ray", "CXR^chest x-ray"},
        {"chest x-ray", "a CXR", "chest^CXR, x-ray^CXR"},
        {"T2-weighted", "T2 weighted, T2weighted",
         "T2-weighted=T2 weighted, T2-weighted=T2weighted"},
        {"\"pleural effusion\"", "effusion, pleural effusion",
         "pleural effusion=pleural effusion"},
        {"pneumo*", "pneumonia", "pneumo~pneumonia"},
        {"mass NOT cyst", "a mass, a cyst", "mass=mass"},
        {"\xE6\xAD\xA3", "\xE6\xAD\xA3\xE9\x9D\xA2", ""},
        {"lung", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[256];
        write_mentions(got, sizeof got, rows[i].question, rows[i].caption, 16);
        assert_string_equal(got, rows[i].mentions);
    }
}

static void no_more_than_asked_are_told(void **state)
{
    (void)state;
    char got[256];
    write_mentions(got, sizeof got, "a mass", "mass mass mass mass", 2);
    assert_string_equal(got, "mass=mass, mass=mass");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mentions_stand_where_they_are),
        cmocka_unit_test(no_more_than_asked_are_told),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
