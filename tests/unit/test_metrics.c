/* test_metrics.c - figures worked out by hand, and intervals that keep their promises.
 */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/evaluate/metrics.h"
#include "tests/unit/test_support.h"

static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static pf_metrics compute(const size_t *ranks, size_t n)
{
    pf_metrics m;
    assert_ok(pf_metrics_compute(&m, ranks, n, 1000, 1, &err), &err);
    assert_int_equal(m.n, n);
    return m;
}

static void assert_value(const pf_metrics *m, pf_metric which, double value)
{
    if (fabs(m->of[which].value - value) > 1e-12)
        fail_msg("%s is %.12g, expected %.12g", pf_metric_name(which),
                 m->of[which].value, value);
}

static void figures_by_hand(void **state)
{
    (void)state;
    const size_t ranks[] = {0, 11, 1, 2};
    const pf_metrics m = compute(ranks, 4);
    assert_value(&m, PF_RECALL_AT_1, 0.25);
    assert_value(&m, PF_RECALL_AT_5, 0.5);
    assert_value(&m, PF_RECALL_AT_10, 0.5);
    assert_value(&m, PF_MEDIAN_RANK, 6.5); /* of 1 2 11 none: (2 + 11) / 2 */
    assert_value(&m, PF_MRR, (1 + 1.0 / 2 + 1.0 / 11) / 4);
    const size_t edges[] = {5, 6, 10};
    const pf_metrics e = compute(edges, 3);
    assert_value(&e, PF_RECALL_AT_1, 0);
    assert_value(&e, PF_RECALL_AT_5, 1.0 / 3);
    assert_value(&e, PF_RECALL_AT_10, 1);
    assert_value(&e, PF_MEDIAN_RANK, 6);
}

static void a_median_may_not_exist(void **state)
{
    (void)state;
    const size_t two[] = {0, 3}, three[] = {0, 3, 0};
    pf_metrics m = compute(two, 2);
    assert_true(isinf(m.of[PF_MEDIAN_RANK].value));
    m = compute(three, 3);
    assert_true(isinf(m.of[PF_MEDIAN_RANK].value));
    assert_value(&m, PF_MRR, 1.0 / 9);
    assert_true(isinf(m.of[PF_MEDIAN_RANK].high) && m.of[PF_MEDIAN_RANK].low == 3);
}

static void a_constant_has_no_width(void **state)
{
    (void)state;
    const size_t ranks[] = {3, 3, 3, 3, 3};
    const pf_metrics m = compute(ranks, 5);
    for (int i = 0; i < PF_N_METRICS; i++) {
        assert_true(m.of[i].low == m.of[i].high);
        assert_true(fabs(m.of[i].low - m.of[i].value) < 1e-12);
    }
    const size_t one[] = {7};
    const pf_metrics single = compute(one, 1);
    assert_true(single.of[PF_MEDIAN_RANK].low == 7 &&
                single.of[PF_MEDIAN_RANK].high == 7);
}

enum { MANY = 400 };

static void fill(size_t ranks[MANY])
{
    for (size_t i = 0; i < MANY; i++)
        ranks[i] = i % 4 == 0 ? 1 : i % 13;
}

/* 1.96 standard deviations of a share, either side: the bootstrap must be near that. */
static void intervals_are_as_wide_as_theory_says(void **state)
{
    (void)state;
    size_t ranks[MANY];
    fill(ranks);
    const pf_metrics m = compute(ranks, MANY);
    for (int i = 0; i < PF_N_METRICS; i++) {
        assert_true(m.of[i].low <= m.of[i].value && m.of[i].value <= m.of[i].high);
        assert_true(m.of[i].low < m.of[i].high);
    }
    const double p = m.of[PF_RECALL_AT_5].value, sd = sqrt(p * (1 - p) / MANY);
    assert_true(fabs(m.of[PF_RECALL_AT_5].low - (p - 1.96 * sd)) < 0.5 * sd);
    assert_true(fabs(m.of[PF_RECALL_AT_5].high - (p + 1.96 * sd)) < 0.5 * sd);
}

static void the_seed_decides(void **state)
{
    (void)state;
    size_t ranks[MANY];
    pf_metrics a, b, c;
    fill(ranks);
    assert_ok(pf_metrics_compute(&a, ranks, MANY, 300, 5, &err), &err);
    assert_ok(pf_metrics_compute(&b, ranks, MANY, 300, 5, &err), &err);
    assert_ok(pf_metrics_compute(&c, ranks, MANY, 300, 6, &err), &err);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.of[PF_MRR].value == c.of[PF_MRR].value);
    assert_true(a.of[PF_MRR].low != c.of[PF_MRR].low);
}

static void nothing_gives_no_figures(void **state)
{
    (void)state;
    pf_metrics m;
    const size_t rank = 1;
    assert_refused(pf_metrics_compute(&m, NULL, 0, 10, 1, &err), &err, "0 ranks");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    assert_refused(pf_metrics_compute(&m, &rank, 1, 0, 1, &err), &err, "0 resamples");
}

static void memory_may_run_out(void **state)
{
    (void)state;
    const size_t ranks[] = {1, 2};
    pf_metrics m;
    for (long n = 1; n <= 3; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        assert_false(pf_metrics_compute(&m, ranks, 2, 10, 1, &err));
        assert_int_equal(err.code, PF_ERR_NOMEM);
    }
    pf_mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(figures_by_hand, before),
        cmocka_unit_test_setup(a_median_may_not_exist, before),
        cmocka_unit_test_setup(a_constant_has_no_width, before),
        cmocka_unit_test_setup(intervals_are_as_wide_as_theory_says, before),
        cmocka_unit_test_setup(the_seed_decides, before),
        cmocka_unit_test_setup(nothing_gives_no_figures, before),
        cmocka_unit_test_setup(memory_may_run_out, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
