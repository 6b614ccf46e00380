/*
 * test_crew.c - every item is worked on once and is done when the call returns, however
 * many threads there are and however often it is called; threads that sleep wake up.
 */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "core/base/crew.h"
#include "tests/unit/test_support.h"

enum { ITEMS = 40 };

static pf_err err;

typedef struct {
    atomic_int seen[ITEMS];
    size_t threads;
    size_t plain[ITEMS]; /* written without a lock: the call orders it */
    size_t round;
} work;

static void note(void *context, size_t worker, size_t item)
{
    work *w = context;
    if (worker < w->threads)
        atomic_fetch_add(&w->seen[item], 1);
    w->plain[item] = w->round;
}

static void check(size_t threads, size_t rounds, bool rests)
{
    static work w;
    pf_crew *crew = NULL;
    assert_ok(pf_crew_new(&crew, threads, &err), &err);
    assert_true(pf_crew_size(crew) >= 1 &&
                pf_crew_size(crew) <= threads + (threads == 0));
    memset(&w, 0, sizeof w);
    w.threads = pf_crew_size(crew);
    for (w.round = 1; w.round <= rounds; w.round++) {
        const size_t n = w.round % (ITEMS + 1);
        pf_crew_each(crew, n, note, &w);
        for (size_t i = 0; i < ITEMS; i++) {
            assert_int_equal(atomic_exchange(&w.seen[i], 0), i < n);
            assert_true(i >= n || w.plain[i] == w.round);
        }
        const struct timespec pause = {.tv_nsec = 3000000};
        if (rests)
            nanosleep(&pause, NULL);
    }
    pf_crew_free(crew);
}

static void each_item_once(void **state)
{
    (void)state;
    static const size_t threads[] = {0, 1, 2, 3, 8, 50};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        check(threads[i], 3000, false);
}

static void after_a_rest(void **state)
{
    (void)state;
    check(3, 60, true);
}

static void without_a_crew(void **state)
{
    (void)state;
    static work w = {.threads = 1, .round = 1};
    pf_crew_each(NULL, ITEMS, note, &w);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(w.seen[i], 1);
    assert_int_equal(pf_crew_size(NULL), 1);
    pf_crew_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_once),
        cmocka_unit_test(after_a_rest),
        cmocka_unit_test(without_a_crew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
