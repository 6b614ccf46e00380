/* test_words.c - search by words: questions, negation, other names, order and limits.
 *
 * Which caption answers which question is in tests/golden/words.tsv; what is here needs
 * a catalog, an exact expression or a failure. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/catalog/store_impl.h"
#include "core/search/missing.h"
#include "core/search/words_search.h"
#include "core/words/words.h"
#include "core/words/words_query.h"
#include "tests/support/rows.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 4 };

static pf_err err;
static char folder[PF_TREE_ROOM];
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

/* ---- one caption, one question --------------------------------------------------- */

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

static void captions_answer_as_a_reader_would_say(void **state)
{
    (void)state;
    FILE *f = fopen(PF_TESTS_DIR "/golden/words.tsv", "r");
    assert_non_null(f);
    char line[512];
    int pairs = 0, wrong = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        char *question = strchr(line, '\t');
        assert_non_null(question);
        *question++ = '\0';
        char *caption = strchr(question, '\t');
        assert_non_null(caption);
        *caption++ = '\0';
        unescape(caption);
        bool is_fit;
        assert_ok(pf_words_fit(words, question, caption, &is_fit, &err), &err);
        if (strcmp(is_fit ? "yes" : "no", line) != 0) {
            fprintf(stderr, "expected %s: '%s' in '%s'\n", line, question, caption);
            wrong++;
        }
        pairs++;
    }
    fclose(f);
    assert_true(pairs >= 100);
    assert_int_equal(wrong, 0);
}

static void negation_can_be_ignored(void **state)
{
    (void)state;
    const pf_words_settings settings = {.ignores_negation = true};
    pf_words *w;
    bool is_fit;
    assert_ok(pf_words_new(&w, &settings, &err), &err);
    assert_ok(pf_words_fit(w, "pneumothorax", "No pneumothorax", &is_fit, &err), &err);
    assert_true(is_fit);
    assert_ok(pf_words_fit(w, "no pneumothorax", "A pneumothorax", &is_fit, &err),
              &err);
    assert_true(is_fit);
    pf_words_free(w);
}

/* ---- what FTS5 is asked ---------------------------------------------------------- */

static const char *match_of(const char *question, bool all)
{
    static char copy[8192];
    pf_words_query q = {0};
    const pf_words_options none = {0};
    pf_buf b;
    pf_buf_init(&b, sizeof copy);
    size_t order[PF_WORDS_MAX_GROUPS], n = 0;
    assert_ok(pf_words_query_parse(&q, question, strlen(question), &none, &err), &err);
    for (size_t g = 0; g < q.n_groups; g++) {
        if (!q.groups[g].is_excluded)
            order[n++] = g;
    }
    const pf_store_match match = {.query = &q,
                                  .fields = 1u << PF_FIELD_CAPTION,
                                  .order = order,
                                  .n = n,
                                  .needs_all = all};
    assert_ok(pf_store_make_match(&match, &b, &err), &err);
    snprintf(copy, sizeof copy, "%s", b.data);
    pf_buf_free(&b);
    pf_words_query_reset(&q);
    return copy;
}

static void only_words_in_quotes_reach_fts5(void **state)
{
    (void)state;
    assert_string_equal(match_of("pleural effusions", false),
                        "((\"pleural\") OR ((\"pleural\") AND ((\"effus\"))))");
    assert_string_equal(match_of("a \"T2 weighted\" b*", true),
                        "(\"t2\" + \"weight\" OR \"t2weighted\") AND (\"=b\" *)");
    assert_string_equal(match_of("T2-weighted", true), "(\"t2\" + \"weight\" OR "
                                                       "\"t2weighted\")");
    assert_string_equal(match_of("spine NOT (fracture OR tumour)", true),
                        "(\"spine\")");
    assert_string_equal(match_of("x\"; DROP TABLE caption; --", true),
                        "(\"x\") AND (\"drop\") AND "
                        "(\"tabl\") AND (\"caption\")");
    assert_string_equal(match_of("NEAR(rowid, 5)^ {plain}: x + -y", true),
                        "(\"near\") AND (\"rowid\") AND "
                        "(\"5\") AND (\"plain\") AND "
                        "(\"x\") AND (\"y\")");
    assert_string_equal(match_of("of the", true), "(\"of\") AND (\"the\")");
}

static void a_question_without_a_word_is_refused(void **state)
{
    (void)state;
    static const char *const questions[] = {"",   "  ",  "\"\"",    "* - /",
                                            "()", "AND", "\xFF\xFE"};
    bool is_fit;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        assert_refused(pf_words_fit(words, questions[i], "x", &is_fit, &err), &err,
                       "there is no word to look for");
        assert_int_equal(err.code, PF_ERR_MISUSE);
    }
}

static void a_question_of_any_length_is_read_to_a_limit(void **state)
{
    (void)state;
    static char text[200000];
    const pf_words_options none = {0};
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = i % 3 == 2 ? ' ' : (char)('a' + i / 3 % 26);
    pf_words_query q = {0};
    assert_ok(pf_words_query_parse(&q, text, sizeof text - 1, &none, &err), &err);
    assert_int_equal(q.n_groups, PF_WORDS_MAX_GROUPS);
    assert_true(q.is_cut);
    pf_words_query_reset(&q);
    memset(text, '(', sizeof text - 1);
    memcpy(text + 500, "x NOT y", 7);
    assert_ok(pf_words_query_parse(&q, text, sizeof text - 1, &none, &err), &err);
    assert_int_equal(q.n_groups, 2);
    assert_int_equal(q.n_steps, 0);
    pf_words_query_reset(&q);
}

/* ---- tables ---------------------------------------------------------------------- */

static void a_table_of_synonyms_can_be_replaced(void **state)
{
    (void)state;
    pf_tree_make(folder);
    const char *path = pf_tree_path(folder, "table");
    pf_tree_write_text(path, "# my own\r\n\n  Foo = bar baz = qux\r\n");
    const pf_words_settings settings = {.synonyms = path};
    pf_words *w;
    bool is_fit;
    assert_ok(pf_words_new(&w, &settings, &err), &err);
    assert_ok(pf_words_fit(w, "foo", "a bar baz", &is_fit, &err), &err);
    assert_true(is_fit);
    assert_ok(pf_words_fit(w, "bar baz", "QUX", &is_fit, &err), &err);
    assert_true(is_fit);
    assert_ok(pf_words_fit(w, "CXR", "chest x-ray", &is_fit, &err), &err);
    assert_false(is_fit);
    pf_words_free(w);
    pf_tree_remove(folder);
    assert_refused(pf_words_new(&w, &settings, &err), &err, path);
}

/* Its groups are beside the built-in ones; what is narrower finds nothing wider. */
static void a_table_of_synonyms_can_be_added(void **state)
{
    (void)state;
    static const struct {
        const char *question, *text;
        bool is_fit;
    } asked[] = {
        {"foo", "a baz", true},          {"baz", "a foo", false},
        {"foo", "a bar", true},          {"bar", "a foo", true},
        {"CXR", "chest x-ray", true},    {"bleak", "CT", true},
        {"bleak", "CT of lungs", true},  {"bleak", "CT, bleak", true},
        {"bleak", "a lung", false},      {"CT", "bleak", false},
        {"bright CT", "bright", true},   {"no bleak", "without CT", true},
        {"unlit", "no dark lamp", true}, {"unlit", "a dark lamp", false},
        {"without dark", "unlit", true}, {"without dark", "not unlit", false},
    };
    pf_tree_make(folder);
    char plus[PF_TREE_ROOM + 8];
    snprintf(plus, sizeof plus, "+%s", pf_tree_path(folder, "table"));
    pf_tree_write_text(plus + 1, "foo = bar > baz\nbleak > CT\nunlit = without dark\n");
    const pf_words_settings settings = {.synonyms = plus};
    pf_words *w;
    assert_ok(pf_words_new(&w, &settings, &err), &err);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        bool is_fit;
        assert_ok(pf_words_fit(w, asked[i].question, asked[i].text, &is_fit, &err),
                  &err);
        if (is_fit != asked[i].is_fit)
            fail_msg("'%s' in '%s'", asked[i].question, asked[i].text);
    }
    pf_words_free(w);
    pf_tree_write_text(plus + 1, "lonely\n");
    assert_refused(pf_words_new(&w, &settings, &err), &err, "line 1: a group has one");
    pf_tree_remove(folder);
    assert_refused(pf_words_new(&w, &settings, &err), &err, plus + 1);
}

static void bad_tables_are_refused_with_the_line(void **state)
{
    (void)state;
    pf_synonyms *s;
    pf_negex *x;
    assert_refused(pf_synonyms_parse(&s, "a = b\nlonely\n", 13, "t", &err), &err,
                   "'t', line 2: a group has one name");
    assert_refused(pf_synonyms_parse(&s, "a =\n", 4, "t", &err), &err, "0 words");
    assert_refused(pf_synonyms_parse(&s, "a b c d e f g h i = b", 21, "t", &err), &err,
                   "9 words, expected 1 to 8");
    assert_refused(pf_negex_parse(&x, "pre no\nfoo not\n", 15, "t", &err), &err,
                   "'t', line 2: a line does not begin with a kind");
    assert_refused(pf_negex_parse(&x, "pre\n", 4, "t", &err), &err, "line 1");
    assert_refused(pf_negex_parse(&x, "pre -\n", 6, "t", &err), &err,
                   "'-' does not belong there");
    assert_refused(pf_negex_parse(&x, "pre (a|\n", 8, "t", &err), &err, "no ')'");
    assert_refused(pf_negex_parse(&x, "pre (a|(b)\n", 11, "t", &err), &err,
                   "'(' does not belong there");
    assert_refused(pf_negex_parse(&x, "pre (|a) (b|)\n", 14, "t", &err), &err,
                   "0 words");
    assert_refused(pf_negex_parse(&x, "pre a b c d e f g h i\n", 22, "t", &err), &err,
                   "more than 8 parts");
}

/* ---- a catalog ------------------------------------------------------------------- */

static const struct {
    int image;
    const char *text;
} captions[] = {
    {1, "Right pleural effusion"},
    {1, "Pleural effusion and consolidation in the right lower lobe of the lung"},
    {2, "No pleural effusion"},
    {3, "Pleural thickening"},
    {4, "Right pleural effusion"},
    {5, "Joint effusion"},
    {6, "No pleural effusion on the left; right pleural effusion, effusion, effusion"},
    {7, "Fracture"},
};
enum { N_CAPTIONS = sizeof captions / sizeof *captions, N_IMAGES = 7 };

static bool fill(pf_store *s, pf_err *e)
{
    static const float v[DIM] = {0.6f, 0.8f, 0, 0};
    const pf_store_source source = {.path = "/f", .kind = "folder"};
    int64_t model_id, source_id;
    bool ok = pf_store_begin(s, e) && pf_rows_put_model(s, DIM, &model_id, e) &&
              pf_store_put_source(s, &source, &source_id, e);
    for (int i = 1; ok && i <= N_IMAGES; i++) {
        char name[32];
        snprintf(name, sizeof name, "/f/%d.png", i);
        pf_store_image image = {.source_id = source_id, .path = name};
        int64_t texts[4], id;
        size_t n = 0;
        ok = pf_rows_put_picture(s, model_id, name, v, &image.picture_id, e) &&
             pf_store_put_image(s, &image, &id, e);
        for (size_t k = 0; ok && k < N_CAPTIONS; k++) {
            if (captions[k].image == i)
                ok = pf_store_put_caption_text(s, model_id, captions[k].text, v,
                                               &texts[n++], e);
        }
        ok = ok && pf_store_set_captions(s, id, texts, n, e);
    }
    int64_t unseen;
    return ok && /* of no caption: nobody may see it */
           pf_store_put_caption_text(s, model_id, "right pleural effusion, unseen", v,
                                     &unseen, e) &&
           pf_store_fill_words(s, e) && pf_store_commit(s, e);
}

static pf_store *make_store(void)
{
    pf_store *s;
    pf_tree_make(folder);
    const char *path = pf_tree_path(folder, "catalog.db");
    assert_ok(pf_store_open(&s, path, PF_STORE_CREATE, &err), &err);
    assert_ok(fill(s, &err), &err);
    return s;
}

static void remove_store(pf_store *s)
{
    pf_store_close(s);
    pf_tree_remove(folder);
}

/* The ids of an answer as text: "1 4 2". */
static const char *ids_of(pf_store *s, const pf_words_ask *ask)
{
    static char line[256];
    pf_words_answer a = {0};
    size_t n = 0;
    line[0] = '\0';
    assert_ok(pf_words_search(words, s, ask, &a, &err), &err);
    for (size_t i = 0; i < a.n_hits; i++)
        n += (size_t)snprintf(
            line + n, sizeof line - n, "%s%lld", i ? " " : "",
            (long long)(ask->by_image ? a.hits[i].image_id : a.hits[i].caption_id));
    pf_words_answer_reset(&a);
    return line;
}

static void more_words_come_first(void **state)
{
    (void)state;
    pf_store *s = make_store();
    pf_words_ask ask = {.text = "right pleural effusion", .limit = 100};
    /* three words: 1, 5, 7, 2; two: none; one: thickening, joint effusion */
    assert_string_equal(ids_of(s, &ask), "1 5 7 2 4 6");
    ask.by_image = true;
    assert_string_equal(ids_of(s, &ask), "1 4 6 3 5");
    for (ask.limit = 1; ask.limit <= 5; ask.limit++) {
        char expected[] = "1 4 6 3 5";
        expected[2 * ask.limit - 1] = '\0';
        assert_string_equal(ids_of(s, &ask), expected);
    }
    ask = (pf_words_ask){.text = "no effusion", .limit = 9};
    assert_string_equal(ids_of(s, &ask), "3 7");
    ask.text = "fracture";
    assert_string_equal(ids_of(s, &ask), "8");
    ask.text = "unseen";
    assert_string_equal(ids_of(s, &ask), "");
    ask.text = "effusion AND consolidation";
    assert_string_equal(ids_of(s, &ask), "2");
    remove_store(s);
}

/* "CXR" stands in one caption, its other names, and more often, in others. */
static void what_was_typed_comes_before_other_names(void **state)
{
    (void)state;
    pf_store *s = make_store();
    pf_words *usual = words;
    const char *path = pf_tree_path(folder, "table");
    pf_tree_write_text(path, "thickening = effusion\nfracture = right\n");
    const pf_words_settings settings = {.synonyms = path};
    assert_ok(pf_words_new(&words, &settings, &err), &err);
    pf_words_ask ask = {.text = "thickening", .limit = 100};
    const char *const expected[] = {"4",       "4 7",       "4 7 6",
                                    "4 7 6 1", "4 7 6 1 5", "4 7 6 1 5 2"};
    for (ask.limit = 1; ask.limit <= 6; ask.limit++)
        assert_string_equal(ids_of(s, &ask), expected[ask.limit - 1]);
    ask.limit = 100;
    assert_string_equal(ids_of(s, &ask), expected[5]);
    ask.text = "pleural thickening"; /* 4 as typed; four by another name */
    assert_string_equal(ids_of(s, &ask), "4 1 5 7 2 6");
    ask.text = "fracture thickening"; /* none as typed; right and effusion; one */
    assert_string_equal(ids_of(s, &ask), "1 5 7 2 8 4 6");
    pf_words_free(words);
    words = usual;
    remove_store(s);
}

/* "a (2) b (1); c": words that are missing, with what is near. */
static const char *missing_of(pf_store *s, const char *question)
{
    static char line[512];
    pf_missing_word *m;
    size_t n, at = 0;
    line[0] = '\0';
    assert_ok(pf_missing_find(words, s, question, 0, &m, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%s:", i ? "; " : "",
                               m[i].word);
        for (size_t k = 0; k < m[i].n_suggestions; k++)
            at += (size_t)snprintf(line + at, sizeof line - at, " %s %lld",
                                   m[i].suggestions[k].word,
                                   (long long)m[i].suggestions[k].captions);
    }
    pf_missing_free(m, n);
    return line;
}

static void words_in_no_caption_are_named_with_the_nearest(void **state)
{
    (void)state;
    pf_store *s = make_store();
    static const char *const asked[][2] = {
        {"pleural effusion", ""},
        {"plueral efusions", "plueral: pleural 6; efusions: effusion 6"},
        {"Thickanning of the FRACTURE", "Thickanning: thickening 1"},
        {"lugn rigt", "lugn: lung 1; rigt: right 4"},
        {"xq lug", "xq:; lug:"}, /* too short */
        {"\"plueral efusion\" plueral-efusion plu*", ""},
        {"unseen", "unseen:"},                   /* of no caption */
        {"qleural right", "qleural: pleural 6"}, /* no word has its first letters */
        {"fracture NOT plueral", "plueral: pleural 6"},
        {"a1 b2 c3 d4 e5 f6 g7 h8 i9 j10", "a1:; b2:; c3:; d4:; e5:; f6:; g7:; h8:"},
        {"?!", ""},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        assert_string_equal(missing_of(s, asked[i][0]), asked[i][1]);
    remove_store(s);
}

/* What another program may have put into the list: any bytes, of any length. */
static void suggestions_are_made_of_letters_only(void **state)
{
    (void)state;
    pf_store *s = make_store();
    pf_store_close(s);
    pf_rows_run_script(folder,
                       "INSERT INTO words_list VALUES (7 * 65536 + 9, 'pl\xC3\xA9ura'"
                       " || '0001' || 'pleur\x1B!0001' || 'pleurak!!!!'),"
                       " (6 * 65536 + 3, 'pleura0001x'), (65535 * 65536, 'p'),"
                       " (-1, 'pleurax'), (65536 * 7 + 70000, x'00')");
    assert_ok(
        pf_store_open(&s, pf_tree_path(folder, "catalog.db"), PF_STORE_READ, &err),
        &err);
    assert_string_equal(missing_of(s, "plueral"),
                        "plueral: pleural 6 pleura 0 pleurak 0");
    remove_store(s);
}

static void only_some_images_may_be_asked(void **state)
{
    (void)state;
    pf_store *s = make_store();
    static const int64_t some[] = {2, 3, 4, 7};
    pf_words_ask ask = {
        .text = "pleural effusion", .images = some, .n_images = 4, .limit = 9};
    assert_string_equal(ids_of(s, &ask), "5 4");
    ask.n_images = 0;
    assert_string_equal(ids_of(s, &ask), "");
    remove_store(s);
}

static void scores_fall_and_count_the_words(void **state)
{
    (void)state;
    pf_store *s = make_store();
    const pf_words_ask ask = {.text = "right pleural effusion", .limit = 100};
    pf_words_answer a = {0};
    assert_ok(pf_words_search(words, s, &ask, &a, &err), &err);
    assert_int_equal(a.n_asked, 3);
    assert_int_equal(a.hits[0].matched, 3);
    assert_int_equal(a.hits[a.n_hits - 1].matched, 1);
    for (size_t i = 0; i < a.n_hits; i++) {
        assert_true(a.hits[i].score > 0);
        assert_true(i == 0 || a.hits[i].matched < a.hits[i - 1].matched ||
                    a.hits[i].score <= a.hits[i - 1].score);
    }
    pf_words_answer_reset(&a);
    remove_store(s);
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    pf_store *s = make_store();
    const pf_words_ask ask = {.text = "(\"pleural effusion\" OR x-ray) NOT fracture*",
                              .limit = 9,
                              .by_image = true};
    bool ok = false;
    for (long n = 1; !ok; n++) {
        pf_words_answer a = {0};
        static const char table[] = "a = b c\n";
        pf_synonyms *synonyms = NULL;
        pf_mem_fail_at(n);
        ok = pf_synonyms_parse(&synonyms, table, sizeof table - 1, "t", &err) &&
             pf_words_search(words, s, &ask, &a, &err);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        pf_synonyms_free(synonyms);
        pf_words_answer_reset(&a);
        assert_true(n < 500);
    }
    remove_store(s);
}

static void looking_for_near_words_may_run_out_of_memory(void **state)
{
    (void)state;
    pf_store *s = make_store();
    bool ok = false;
    for (long n = 1; !ok; n++) {
        pf_missing_word *m;
        size_t n_missing;
        pf_mem_fail_at(n);
        ok = pf_missing_find(words, s, "plueral thickanning", 0, &m, &n_missing, &err);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        pf_missing_free(m, n_missing);
        assert_true(n < 500);
    }
    remove_store(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_answer_as_a_reader_would_say),
        cmocka_unit_test(negation_can_be_ignored),
        cmocka_unit_test(only_words_in_quotes_reach_fts5),
        cmocka_unit_test(a_question_without_a_word_is_refused),
        cmocka_unit_test(a_question_of_any_length_is_read_to_a_limit),
        cmocka_unit_test(a_table_of_synonyms_can_be_replaced),
        cmocka_unit_test(a_table_of_synonyms_can_be_added),
        cmocka_unit_test(what_was_typed_comes_before_other_names),
        cmocka_unit_test(words_in_no_caption_are_named_with_the_nearest),
        cmocka_unit_test(suggestions_are_made_of_letters_only),
        cmocka_unit_test(bad_tables_are_refused_with_the_line),
        cmocka_unit_test(more_words_come_first),
        cmocka_unit_test(only_some_images_may_be_asked),
        cmocka_unit_test(scores_fall_and_count_the_words),
        cmocka_unit_test(running_out_of_memory_is_an_error),
        cmocka_unit_test(looking_for_near_words_may_run_out_of_memory),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
