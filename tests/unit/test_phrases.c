/* test_phrases.c - files of phrases, good and bad; their order against cosines computed
 * here. The model is the tiny one (seeded.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/search/phrases.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/support/seeded.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, COUNT = 90 };

static pf_err err;
static pf_reader *bare;       /* of the model alone */
static const pf_model *model; /* its text tower */
static pf_phrases phrases;
static pf_hits answer;
static const pf_phrases_work work;

static int before_all(void **state)
{
    (void)state;
    pf_films_make();
    pf_films_model();
    const pf_engine_options o = {.model = pf_films_path("model")};
    return !(pf_asking_open(&bare, NULL, &o, NULL, &err) &&
             pf_reader_get_model(bare, PF_CLIP_TEXT, &model, &err));
}

static int after_all(void **state)
{
    (void)state;
    pf_asking_close(bare);
    pf_films_remove();
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_phrases_reset(&phrases);
    pf_hits_reset(&answer);
    return 0;
}

static void parse(const char *text)
{
    pf_phrases_reset(&phrases);
    assert_ok(pf_phrases_parse(&phrases, text, strlen(text), "f", &err), &err);
}

/* ---- files ---- */

static void is_phrase(size_t i, const char *text, size_t line)
{
    assert_true(i < phrases.n);
    assert_string_equal(phrases.text[i], text);
    assert_int_equal(phrases.line[i], line);
}

static void files_are_read(void **state)
{
    (void)state;
    parse("\xEF\xBB\xBF"
          "one\r\n\r\n# no phrase\n  #5 fracture \t\n\n\xC3\xA9tude\nlast");
    assert_int_equal(phrases.n, 4);
    is_phrase(0, "one", 1);
    is_phrase(1, "#5 fracture", 4);
    is_phrase(2, "\xC3\xA9tude", 6);
    is_phrase(3, "last", 7);
    parse("a\na\n");
    assert_int_equal(phrases.n, 2);
    parse("a");
    is_phrase(0, "a", 1);
}

static void refuse(const char *bytes, size_t n, pf_code code, const char *why)
{
    err = (pf_err)PF_ERR_INIT;
    assert_refused(pf_phrases_parse(&phrases, bytes, n, "f", &err), &err, why);
    assert_int_equal(err.code, code);
    assert_true(!phrases.text && !phrases.line && phrases.n == 0 && phrases.room == 0);
}

static void files_are_refused(void **state)
{
    (void)state;
    refuse(NULL, 0, PF_ERR_NOT_FOUND, "there is no phrase in 'f'");
    refuse("\xEF\xBB\xBF", 3, PF_ERR_NOT_FOUND, "there is no phrase in 'f'");
    refuse("\n \r\n#x\n", 7, PF_ERR_NOT_FOUND, "there is no phrase in 'f'");
    refuse("a\nb\0c\n", 6, PF_ERR_FORMAT, "'f' line 2 is no UTF-8 text");
    refuse("a\nb\n\xFF\n", 6, PF_ERR_FORMAT, "'f' line 3 is no UTF-8 text");
    refuse("a\n\xC3", 3, PF_ERR_FORMAT, "'f' line 2 is no UTF-8 text");
    refuse("# \xFF\n", 4, PF_ERR_FORMAT, "'f' line 1 is no UTF-8 text");
}

static void limits(void **state)
{
    (void)state;
    const size_t longest = PF_PHRASE_MAX_BYTES, most = PF_PHRASES_MAX;
    char *s = pf_zalloc(2 * most + 2 > longest + 2 ? 2 * most + 2 : longest + 2, &err);
    assert_non_null(s);
    memset(s, 'a', longest);
    s[longest] = '\n';
    assert_ok(pf_phrases_parse(&phrases, s, longest + 1, "f", &err), &err);
    pf_phrases_reset(&phrases);
    s[longest] = 'a';
    refuse(s, longest + 1, PF_ERR_LIMIT,
           "'f' line 1 has 1048577 bytes, the most is 1048576");
    for (size_t i = 0; i <= most; i++)
        memcpy(s + 2 * i, "a\n", 2);
    assert_ok(pf_phrases_parse(&phrases, s, 2 * most, "f", &err), &err);
    assert_int_equal(phrases.n, most);
    pf_phrases_reset(&phrases);
    refuse(s, 2 * most + 2, PF_ERR_LIMIT, "'f' has more than 1000000 phrases");
    pf_free(s);
}

/* ---- ranking ---- */

static double cosine(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void embed(const char *text, float *v)
{
    pf_embedder *e;
    assert_ok(pf_embedder_new(&e, model, &err), &err);
    assert_ok(pf_embed_texts(e, &text, 1, v, NULL, &err), &err);
    pf_embedder_free(e);
}

/* COUNT lines, of which every third is the same. */
static void many(void)
{
    char text[COUNT * 24] = "";
    size_t n = 0;
    for (int i = 0; i < COUNT; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %d\n",
                              i % 3 ? "a phrase" : "same", i % 3 ? i : 0);
    parse(text);
    assert_int_equal(phrases.n, COUNT);
}

static pf_query ask(const pf_part *parts, size_t n)
{
    pf_query q;
    pf_query_init(&q);
    q.find = PF_FIND_CAPTIONS;
    q.parts = parts;
    q.n_parts = n;
    q.limit = COUNT;
    return q;
}

static size_t rank(const pf_query *q, pf_reader *reader)
{
    size_t n_truncated = 99;
    pf_hits_reset(&answer);
    assert_ok(pf_phrases_rank(&answer, &phrases, q, reader, &work, &n_truncated, &err),
              &err);
    return n_truncated;
}

static void order_is_by_cosine(void **state)
{
    (void)state;
    const pf_part part = {.kind = PF_PART_PHRASE, .text = "question", .weight = 1};
    pf_query q = ask(&part, 1);
    float asked[DIM], v[DIM];
    bool seen[COUNT + 1] = {false};
    many();
    assert_int_equal(rank(&q, bare), 0);
    assert_int_equal(answer.n_hits, COUNT);
    embed("question", asked);
    for (size_t i = 0; i < COUNT; i++) {
        const pf_hit *h = &answer.hits[i];
        embed(h->caption, v);
        assert_true(fabs(h->score - cosine(asked, v)) < 1e-6);
        assert_true(h->id >= 1 && h->id <= COUNT && !seen[h->id]);
        assert_string_equal(h->caption, phrases.text[h->id - 1]);
        assert_true(!h->path && h->image_id == 0);
        seen[h->id] = true;
        if (i == 0)
            continue;
        const pf_hit *last = &answer.hits[i - 1];
        assert_true(last->score > h->score ||
                    (last->score == h->score && last->id < h->id));
        if (strcmp(last->caption, h->caption) == 0)
            assert_true(last->score == h->score);
    }
    const double third = answer.hits[2].score;
    q.limit = 7;
    rank(&q, bare);
    assert_int_equal(answer.n_hits, 7);
    q.min_score = third;
    rank(&q, bare);
    assert_true(answer.n_hits >= 3 && answer.hits[answer.n_hits - 1].score >= third);
    q.min_score = 1;
    rank(&q, bare);
    assert_int_equal(answer.n_hits, 0);
}

static void long_ones_are_counted(void **state)
{
    (void)state;
    char text[900], part_text[300];
    memset(text, '0', sizeof text);
    memcpy(text + 300, "\nshort\n", 7);
    text[sizeof text - 1] = '\0';
    memset(part_text, '1', sizeof part_text);
    part_text[sizeof part_text - 1] = '\0';
    const pf_part part = {.kind = PF_PART_PHRASE, .text = part_text, .weight = 1};
    const pf_query q = ask(&part, 1);
    parse(text);
    assert_int_equal(rank(&q, bare), 2);
    assert_int_equal(answer.n_truncated, 1);
}

static void images_of_the_catalog(void **state)
{
    (void)state;
    const pf_part parts[] = {{.kind = PF_PART_LIKE, .text = "3", .weight = 1},
                             {.kind = PF_PART_PHRASE, .text = "x", .weight = -0.5}};
    const pf_query q = ask(parts, 2);
    size_t n_truncated;
    parse("a\nb\nc\n");
    assert_refused(
        pf_phrases_rank(&answer, &phrases, &q, bare, &work, &n_truncated, &err), &err,
        "there is a model only");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    err = (pf_err)PF_ERR_INIT;

    pf_reader *reader;
    assert_ok(pf_seeded_catalog_write(pf_films_path("catalog"), pf_films_path("model"),
                                      NULL, 5, false, &err),
              &err);
    assert_ok(pf_asking_open(&reader, pf_films_path("catalog"), NULL, NULL, &err),
              &err);
    rank(&q, reader);
    float film[DIM], x[DIM], v[DIM];
    pf_seeded_vector(film, DIM, 3);
    embed("x", x);
    double length = 0;
    for (int i = 0; i < DIM; i++) {
        film[i] -= 0.5f * x[i];
        length += (double)film[i] * (double)film[i];
    }
    for (size_t i = 0; i < 3; i++) {
        embed(answer.hits[i].caption, v);
        assert_true(fabs(answer.hits[i].score - cosine(film, v) / sqrt(length)) < 1e-6);
    }
    pf_asking_close(reader);
}

static void stops(void **state)
{
    (void)state;
    const atomic_int stop = 1;
    const pf_phrases_work stopped = {.stop = &stop};
    const pf_part part = {.kind = PF_PART_PHRASE, .text = "question", .weight = 1};
    const pf_query q = ask(&part, 1);
    size_t n_truncated;
    many();
    assert_refused(
        pf_phrases_rank(&answer, &phrases, &q, bare, &stopped, &n_truncated, &err),
        &err, "interrupted");
    assert_int_equal(err.code, PF_ERR_INTERRUPTED);
    assert_true(!answer.hits && answer.n_hits == 0);
}

static void out_of_memory(void **state)
{
    (void)state;
    const pf_part part = {.kind = PF_PART_PHRASE, .text = "question", .weight = 1};
    const pf_query q = ask(&part, 1);
    size_t n_truncated;
    for (long n = 1; n < 400; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_phrases_reset(&phrases);
        pf_mem_fail_at(n);
        const bool ok =
            pf_phrases_parse(&phrases, "a\nb\n", 4, "f", &err) &&
            pf_phrases_rank(&answer, &phrases, &q, bare, &work, &n_truncated, &err);
        pf_mem_fail_at(0);
        if (ok) {
            assert_true(n > 15 && answer.n_hits == 2);
            return;
        }
        assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_true(!answer.hits && answer.n_hits == 0);
    }
    fail_msg("still failing after 400");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read, before, after),
        cmocka_unit_test_setup_teardown(files_are_refused, before, after),
        cmocka_unit_test_setup_teardown(limits, before, after),
        cmocka_unit_test_setup_teardown(order_is_by_cosine, before, after),
        cmocka_unit_test_setup_teardown(long_ones_are_counted, before, after),
        cmocka_unit_test_setup_teardown(images_of_the_catalog, before, after),
        cmocka_unit_test_setup_teardown(stops, before, after),
        cmocka_unit_test_setup_teardown(out_of_memory, before, after),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
