/* test_names.c - words and names that are one thing here, and those that are not.
 *
 * tests/golden/pairs.tsv has pairs of our own; tests/golden/forms.txt is what became of
 * the 20,000 most frequent words of ROCO's captions. Where these are at hand it is made
 * again and compared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/words/stem.h"
#include "core/words/words_text.h"
#include "tests/unit/test_support.h"

#define CAPTIONS PF_SHARED_DIR "/data/roco-test/captions.txt"

enum {
    MUST_MEET = 400,
    MUST_BE_APART = 200,
    MOST_FREQUENT = 20000,
    WORDS_MAX = 1 << 20,
    FILE_MAX_BYTES = 8 << 20,
};

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

/* ---- pairs ----------------------------------------------------------------------- */

/* Does the text have all words of the question? */
static bool finds(const char *question, const char *text)
{
    pf_words_query q = {0};
    pf_words_doc doc = {0};
    const pf_words_said said = {.caption = text};
    bool has_all = true;
    assert_ok(pf_words_parse(&q, words, question, &err), &err);
    assert_ok(pf_words_doc_read(&doc, words, &said, &err), &err);
    for (size_t g = 0; g < q.n_groups; g++) {
        const pf_found f = pf_words_doc_find(&doc, &q, &q.groups[g], PF_FIELDS_ALL, 0);
        has_all = has_all && pf_found_is_there(&f);
    }
    pf_words_doc_reset(&doc);
    pf_words_query_reset(&q);
    return has_all;
}

static void names_meet_or_stay_apart(void **state)
{
    (void)state;
    FILE *f = fopen(PF_TESTS_DIR "/golden/pairs.tsv", "r");
    char line[256];
    int n_meet = 0, n_apart = 0, n_wide = 0, n_wrong = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        char *a = strchr(line, '\t'), *b = a ? strchr(a + 1, '\t') : NULL;
        assert_non_null(b);
        *a++ = *b++ = '\0';
        const bool is_meet = strcmp(line, "meet") == 0, is_wide = line[0] == 'w';
        const bool is_right = finds(a, b) == (is_meet || is_wide) &&
                              finds(b, a) == is_meet && finds(a, a) && finds(b, b);
        if (!is_right)
            fprintf(stderr, "expected %s: '%s' and '%s'\n", line, a, b);
        n_wrong += !is_right;
        n_meet += is_meet;
        n_wide += is_wide;
        n_apart += strcmp(line, "apart") == 0;
    }
    fclose(f);
    printf("%d meet, %d stay apart, %d one-way, %d wrong\n", n_meet, n_apart, n_wide,
           n_wrong);
    assert_true(n_meet >= MUST_MEET && n_apart >= MUST_BE_APART && n_wide > 0);
    assert_int_equal(n_wrong, 0);
}

/* ---- forms ----------------------------------------------------------------------- */

typedef struct {
    const char *word;
    char stem[PF_TERMS_MAX_WORD + PF_STEM_ROOM];
    int count; /* or the line */
} form;

static form *forms;
static size_t n_forms;

static void add_form(const char *word, int count)
{
    const size_t n = strlen(word);
    assert_true(n_forms < WORDS_MAX && n <= PF_TERMS_MAX_WORD);
    form *f = &forms[n_forms++];
    f->word = word;
    f->count = count;
    memcpy(f->stem, word, n);
    f->stem[pf_stem(f->stem, n)] = '\0';
}

static int by_stem(const void *a, const void *b)
{
    const form *x = a, *y = b;
    const int order = strcmp(x->stem, y->stem);
    return order != 0 ? order : strcmp(x->word, y->word);
}

static int by_word(const void *a, const void *b)
{
    return strcmp(((const form *)a)->word, ((const form *)b)->word);
}

static int most_frequent_first(const void *a, const void *b)
{
    const form *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : strcmp(x->word, y->word);
}

static void read_file(const char *path, pf_buf *out)
{
    pf_buf_init(out, FILE_MAX_BYTES);
    assert_ok(pf_file_read(path, out, &err), &err);
    assert_ok(pf_buf_add(out, "", 1, &err), &err);
}

/* The words of forms.txt, with their line's number. */
static void read_list(pf_buf *text)
{
    int number = 0;
    char *rest, *word_rest;
    read_file(PF_TESTS_DIR "/golden/forms.txt", text);
    n_forms = 0;
    for (char *line = strtok_r(text->data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        number++;
        for (char *word = strtok_r(line, " ", &word_rest); line[0] != '#' && word;
             word = strtok_r(NULL, " ", &word_rest))
            add_form(word, number);
    }
}

static void the_list_of_forms_is_what_it_says(void **state)
{
    (void)state;
    pf_buf text;
    forms = pf_alloc_array(WORDS_MAX, sizeof *forms, &err);
    assert_non_null(forms);
    read_list(&text);
    assert_true(n_forms > 3000);
    qsort(forms, n_forms, sizeof *forms, by_stem);
    for (size_t i = 1; i < n_forms; i++) {
        const bool is_one = strcmp(forms[i].stem, forms[i - 1].stem) == 0;
        if (is_one != (forms[i].count == forms[i - 1].count))
            fail_msg("'%s' and '%s'", forms[i - 1].word, forms[i].word);
    }
    pf_buf_free(&text);
    pf_free(forms);
}

/* Words are looked up in it by halves. */
static void irregular_forms_are_in_order(void **state)
{
    (void)state;
    pf_buf text;
    char *rest;
    const char *before = "";
    int n = 0;
    read_file(PF_TESTS_DIR "/../core/words/forms.inc", &text);
    for (char *line = strtok_r(text.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] != '{')
            continue;
        char *word = line + strlen("{\"");
        word[strcspn(word, "\"")] = '\0';
        if (strcmp(before, word) >= 0)
            fail_msg("'%s' stands behind '%s'", word, before);
        before = word;
        n++;
    }
    assert_true(n > 300);
    pf_buf_free(&text);
}

/* Every word of three letters a to z and more of the captions. */
static void read_captions(pf_buf *text, pf_terms *t)
{
    read_file(CAPTIONS, text);
    assert_ok(pf_terms_read(t, text->data, 0, &err), &err);
    pf_buf all;
    char *rest;
    pf_buf_init(&all, FILE_MAX_BYTES);
    for (char *line = strtok_r(text->data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *caption = strchr(line, '\t');
        assert_non_null(caption);
        assert_ok(pf_terms_read(t, caption, strlen(caption), &err), &err);
        for (size_t i = 0; i < t->n; i++) {
            const char *word = pf_terms_plain(t, i);
            const size_t n = strlen(word);
            if (n >= 3 && strspn(word, "abcdefghijklmnopqrstuvwxyz") == n)
                assert_ok(pf_buf_addf(&all, &err, "%s\n", word), &err);
        }
    }
    assert_ok(pf_buf_add(&all, "", 1, &err), &err);
    pf_buf_free(text);
    *text = all;
    n_forms = 0;
    for (char *word = strtok_r(text->data, "\n", &rest); word;
         word = strtok_r(NULL, "\n", &rest))
        add_form(word, 1);
}

static void count_forms(void)
{
    size_t kept = 0;
    qsort(forms, n_forms, sizeof *forms, by_word);
    for (size_t i = 0; i < n_forms; i++) {
        if (kept > 0 && strcmp(forms[kept - 1].word, forms[i].word) == 0)
            forms[kept - 1].count++;
        else
            forms[kept++] = forms[i];
    }
    n_forms = kept;
    qsort(forms, n_forms, sizeof *forms, most_frequent_first);
    n_forms = n_forms < MOST_FREQUENT ? n_forms : MOST_FREQUENT;
    qsort(forms, n_forms, sizeof *forms, by_stem);
}

/* Those whose stem another word has, too; by stem, then word. */
static void keep_pairs(void)
{
    size_t kept = 0;
    for (size_t i = 0, end; i < n_forms; i = end) {
        for (end = i + 1; end < n_forms && strcmp(forms[end].stem, forms[i].stem) == 0;)
            end++;
        for (size_t k = i; end - i > 1 && k < end; k++)
            forms[kept++] = forms[k];
    }
    n_forms = kept;
}

static void the_list_of_forms_is_complete(void **state)
{
    (void)state;
    FILE *f = fopen(CAPTIONS, "r");
    if (!f)
        skip();
    fclose(f);
    pf_buf captions, list;
    pf_terms t = {0};
    forms = pf_alloc_array(WORDS_MAX, sizeof *forms, &err);
    assert_non_null(forms);
    read_captions(&captions, &t);
    count_forms();
    keep_pairs();
    form *made = forms;
    const size_t n_made = n_forms;
    forms = pf_alloc_array(WORDS_MAX, sizeof *forms, &err);
    assert_non_null(forms);
    read_list(&list);
    qsort(forms, n_forms, sizeof *forms, by_stem);
    for (size_t i = 0; i < n_made && i < n_forms; i++) {
        if (strcmp(made[i].word, forms[i].word) != 0)
            fail_msg("'%s' became '%s', the list has '%s' ('%s')", made[i].word,
                     made[i].stem, forms[i].word, forms[i].stem);
    }
    assert_int_equal(n_made, n_forms);
    pf_free(made);
    pf_free(forms);
    pf_buf_free(&captions);
    pf_buf_free(&list);
    pf_terms_reset(&t);
}

/* ---- abbreviations --------------------------------------------------------------- */

static void an_abbreviation_keeps_its_s(void **state)
{
    (void)state;
    assert_false(finds("XYZ", "the XYZS of it"));
    assert_false(finds("MI", "MIS of the spine"));
    assert_true(finds("XYZS", "the XYZS of it"));
    assert_true(finds("CT", "two CTs were done"));
    assert_true(finds("rib", "RIBS OF THE LEFT SIDE"));
    assert_true(finds("ribs", "RIBS: normal"));
    assert_true(finds("effusion", "EFFUSIONS on both sides"));
    assert_true(finds("ards", "ARDS in a child"));
    assert_true(finds("ultrasound", "US of the liver"));
    assert_false(finds("ultrasound", "used in the liver"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_meet_or_stay_apart),
        cmocka_unit_test(the_list_of_forms_is_what_it_says),
        cmocka_unit_test(irregular_forms_are_in_order),
        cmocka_unit_test(the_list_of_forms_is_complete),
        cmocka_unit_test(an_abbreviation_keeps_its_s),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
