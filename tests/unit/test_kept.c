/*
 * test_kept.c - answers that the server keeps: found again as they were, of the same
 * question and edition alone, within the bytes that were agreed; from many threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "server/kept.h"
#include "tests/unit/test_support.h"

static pf_err err;

static kept_question of(uint64_t edition, const char *text)
{
    return (kept_question){
        .edition = edition, .route = "/api/search", .text = text, .n = strlen(text)};
}

static void add(kept *k, uint64_t edition, const char *question, const char *answer)
{
    const kept_question q = of(edition, question);
    kept_add(k, &q, answer, strlen(answer));
}

static void expect_of(kept *k, const kept_question *q, const char *answer)
{
    size_t n = 0;
    char *found = kept_find(k, q, &n);
    assert_int_equal(n, strlen(answer));
    if (found)
        assert_memory_equal(found, answer, n);
    pf_free(found);
}

/* "" stands for none. */
static void expect(kept *k, uint64_t edition, const char *question, const char *answer)
{
    const kept_question q = of(edition, question);
    expect_of(k, &q, answer);
}

static void questions_do_not_meet(void **state)
{
    (void)state;
    kept *k;
    assert_ok(kept_new(&k, 1 << 20, &err), &err);
    expect(k, 1, "{\"phrase\":\"knee\"}", "");
    add(k, 1, "{\"phrase\":\"knee\"}", "/films/knee.png");
    add(k, 1, "{\"phrase\":\"knee\",\"hide_paths\":true}", "image 7");
    add(k, 2, "{\"phrase\":\"knee\"}", "/films/other.png");
    expect(k, 1, "{\"phrase\":\"knee\"}", "/films/knee.png");
    expect(k, 1, "{\"phrase\":\"knee\",\"hide_paths\":true}", "image 7");
    expect(k, 2, "{\"phrase\":\"knee\"}", "/films/other.png");
    expect(k, 2, "{\"phrase\":\"knee\",\"hide_paths\":true}", "");
    expect(k, 3, "{\"phrase\":\"knee\"}", "");
    expect(k, 1, "{\"phrase\":\"kne", "");
    kept_question elsewhere = of(1, "{\"phrase\":\"knee\"}");
    elsewhere.route = "/api/facets";
    expect_of(k, &elsewhere, "");
    add(k, 1, "{\"phrase\":\"knee\"}", "of another thread");
    expect(k, 1, "{\"phrase\":\"knee\"}", "/films/knee.png");
    kept_free(k);
    kept_free(NULL);
}

static void what_was_not_asked_for_makes_room(void **state)
{
    (void)state;
    enum { BYTES = 64 * 1000 };
    static char large[BYTES];
    char question[32], answer[901];
    kept *k;
    memset(large, 'x', sizeof large);
    memset(answer, 'a', 900);
    answer[900] = '\0';
    assert_ok(kept_new(&k, BYTES, &err), &err);
    const kept_question q = of(1, "large");
    kept_add(k, &q, large, BYTES / 64); /* five bytes more than its share */
    expect(k, 1, "large", "");
    kept_add(k, &q, large, BYTES / 64 - 5);
    for (int i = 0; i < 200; i++) { /* each is 909 bytes: 70 of them are too many */
        snprintf(question, sizeof question, "%09d", i);
        add(k, 1, question, answer);
        snprintf(question, sizeof question, "%09d", 0);
        expect(k, 1, question, answer); /* which is asked for all the time */
    }
    expect(k, 1, "large", "");
    expect(k, 1, "000000129", ""); /* 0 and the last 69 have 63,630 bytes */
    expect(k, 1, "000000131", answer);
    expect(k, 1, "000000199", answer);
    kept_free(k);
}

/* More than there are slots, of a few bytes each. */
static void slots_are_used_again(void **state)
{
    (void)state;
    char question[32];
    kept *k;
    assert_ok(kept_new(&k, 1 << 20, &err), &err);
    for (int i = 0; i < 5000; i++) {
        snprintf(question, sizeof question, "%d", i);
        add(k, 1, question, question);
        expect(k, 1, question, question);
    }
    expect(k, 1, "2951", "");
    expect(k, 1, "2952", "2952");
    kept_free(k);
}

static void *ask_much(void *context)
{
    char question[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(question, sizeof question, "%030d", i * 7919 % 700);
        add(context, 1, question, question);
        const kept_question q = of(1, question);
        size_t n;
        char *found = kept_find(context, &q, &n);
        assert_true(!found || (n == strlen(question) && !memcmp(found, question, n)));
        pf_free(found);
    }
    return NULL;
}

static void threads_do_not_mix(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    kept *k;
    assert_ok(kept_new(&k, 10000, &err), &err);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_much, k), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kept_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_do_not_meet),
        cmocka_unit_test(what_was_not_asked_for_makes_room),
        cmocka_unit_test(slots_are_used_again),
        cmocka_unit_test(threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
