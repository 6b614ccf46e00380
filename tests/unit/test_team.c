/* test_team.c - each item once, whatever the number of threads; what comes of items is
 * collected by the caller; failures and being stopped end it. */
#define _GNU_SOURCE /* pthread_setattr_default_np(): a way to get no thread */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/team.h"
#include "tests/unit/test_support.h"

enum { N = 500, MEMBERS = 4, NEVER = N };

/* What happened, and what is to happen at which item. */
static struct {
    atomic_int worked[N], in_caller, too_far;
    int collected[N];
    size_t fails_at, refuses_at, stops_at;
    size_t told, told_of;
} board;

typedef struct {
    size_t items[N]; /* in the order of work */
    atomic_size_t n, n_collected;
} member;

static pf_err err;
static atomic_int stop;
static pthread_t caller;
static member all[MEMBERS];
static void *members[MEMBERS];

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    memset(&board, 0, sizeof board);
    memset(all, 0, sizeof all);
    board.fails_at = board.refuses_at = board.stops_at = NEVER;
    caller = pthread_self();
    atomic_store(&stop, 0);
    for (int i = 0; i < MEMBERS; i++)
        members[i] = &all[i];
    return 0;
}

/* cmocka's assertions belong to its own thread. */
static bool work(void *context, size_t item, pf_err *e)
{
    member *m = context;
    if (pthread_equal(pthread_self(), caller))
        atomic_fetch_add(&board.in_caller, 1);
    if (atomic_load(&m->n) - atomic_load(&m->n_collected) >= 2)
        atomic_fetch_add(&board.too_far, 1);
    if (item == board.fails_at)
        return pf_fail(e, PF_ERR_IO, "item %zu", item);
    if (item == board.stops_at)
        atomic_store(&stop, 1);
    atomic_fetch_add(&board.worked[item], 1);
    m->items[atomic_fetch_add(&m->n, 1)] = item;
    return true;
}

static bool collect(void *context, size_t item, pf_err *e)
{
    member *m = context;
    assert_true(pthread_equal(pthread_self(), caller));
    assert_int_equal(m->items[atomic_fetch_add(&m->n_collected, 1)], item);
    if (item == board.refuses_at)
        return pf_fail(e, PF_ERR_LIMIT, "no room for item %zu", item);
    board.collected[item]++;
    return true;
}

static void tell(void *context, const char *what, size_t done, size_t total)
{
    assert_ptr_equal(context, &board);
    assert_string_equal(what, "counting");
    assert_true(pthread_equal(pthread_self(), caller));
    assert_true(done >= board.told && done <= total);
    board.told = done;
    board.told_of = total;
}

static bool run(size_t n_members, size_t n_items, pf_team_fn *with)
{
    const pf_team team = {.work = work,
                          .members = members,
                          .n_members = n_members,
                          .n_items = n_items,
                          .n_told = 7 * n_items,
                          .stop = &stop,
                          .collect = with,
                          .progress = tell,
                          .context = &board,
                          .what = "counting"};
    return pf_team_run(&team, &err);
}

static int count_worked(void)
{
    int n = 0;
    for (int i = 0; i < N; i++)
        n += board.worked[i];
    return n;
}

static int count_collected(void)
{
    int n = 0;
    for (int i = 0; i < N; i++)
        n += board.collected[i];
    return n;
}

static void assert_each_once(size_t n, bool is_collected)
{
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(board.worked[i], i < n);
        assert_int_equal(board.collected[i], is_collected && i < n);
    }
    assert_int_equal(board.told, 7 * n);
    assert_int_equal(board.told_of, 7 * n);
}

static void each_item_once(void **state)
{
    static const size_t n_items[] = {0, 1, 3, N};
    for (size_t m = 1; m <= MEMBERS; m++) {
        for (size_t i = 0; i < sizeof n_items / sizeof *n_items; i++) {
            before(state);
            assert_ok(run(m, n_items[i], NULL), &err);
            assert_each_once(n_items[i], false);
            before(state);
            assert_ok(run(m, n_items[i], collect), &err);
            assert_each_once(n_items[i], true);
            assert_int_equal(board.in_caller, 0);
            assert_int_equal(board.too_far, 0);
        }
    }
}

/* What others have done is collected all the same. */
static void a_failure_ends_it(void **state)
{
    (void)state;
    board.fails_at = 20;
    assert_refused(run(MEMBERS, N, collect), &err, "item 20");
    assert_int_equal(err.code, PF_ERR_IO);
    assert_true(count_worked() >= 20 && count_worked() < N);
    assert_int_equal(count_collected(), count_worked());
}

static void a_refusal_ends_it(void **state)
{
    (void)state;
    board.refuses_at = 20;
    assert_refused(run(MEMBERS, N, collect), &err, "no room for item 20");
    assert_true(count_worked() < N);
    assert_true(count_collected() < count_worked());
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    board.stops_at = 20;
    assert_refused(run(MEMBERS, N, collect), &err, "interrupted");
    assert_int_equal(err.code, PF_ERR_INTERRUPTED);
    assert_true(count_worked() < N);
    assert_int_equal(count_collected(), count_worked());
    before(state);
    board.stops_at = 0; /* too late for the only one */
    assert_ok(run(MEMBERS, 1, collect), &err);
}

/* No address space has room for such a stack. */
static void without_threads_the_caller_works(void **state)
{
    pthread_attr_t usual, huge;
    pthread_getattr_default_np(&usual);
    pthread_attr_init(&huge);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 56), 0);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    assert_ok(run(MEMBERS, N, collect), &err);
    assert_each_once(N, true);
    assert_int_equal(board.in_caller, N);
    assert_int_equal(board.too_far, 0);
    before(state);
    board.stops_at = 3;
    assert_refused(run(MEMBERS, N, NULL), &err, "interrupted");
    assert_int_equal(board.in_caller, 4);
    pthread_setattr_default_np(&usual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_item_once, before),
        cmocka_unit_test_setup(a_failure_ends_it, before),
        cmocka_unit_test_setup(a_refusal_ends_it, before),
        cmocka_unit_test_setup(it_can_be_stopped, before),
        cmocka_unit_test_setup(without_threads_the_caller_works, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
