/*
 * metrics.c - see metrics.h.
 *
 * Ranks are sorted once. A resample is how often each place of the sorted list was
 * drawn; the figures follow from one walk over these counts, without sorting again.
 */
#include "core/evaluate/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"

const char *pf_metric_name(pf_metric metric)
{
    static const char *const names[PF_N_METRICS] = {
        "recall_at_1", "recall_at_5", "recall_at_10", "median_rank", "mrr"};
    return (size_t)metric < PF_N_METRICS ? names[metric] : "unknown";
}

/* splitmix64: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014. The same numbers on every machine. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* 0 .. n - 1, n < 2^32; off from even by less than n / 2^32. */
static size_t draw(uint64_t *state, size_t n)
{
    return (size_t)((next_random(state) >> 32) * (uint64_t)n >> 32);
}

/* ---- figures --------------------------------------------------------------------- */

static double rank_value(size_t rank)
{
    return rank == 0 ? (double)INFINITY : (double)rank;
}

/* The mean of the two in the middle, which are one when n is odd. */
typedef struct {
    size_t low, high; /* places, from 0 */
    double a, b;
} middle;

static void pass_middle(middle *m, size_t from, size_t to, double value)
{
    if (m->low >= from && m->low < to)
        m->a = value;
    if (m->high >= from && m->high < to)
        m->b = value;
}

/* `sorted` [n] with those not found last; `times` [n] each counts, n in all. */
static void measure(double out[PF_N_METRICS], const size_t *sorted,
                    const uint32_t *times, size_t n)
{
    static const size_t depth[] = {1, 5, 10};
    size_t within[3] = {0}, seen = 0;
    middle m = {.low = (n - 1) / 2, .high = n / 2};
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t rank = sorted[i], count = times ? times[i] : 1;
        if (count == 0)
            continue;
        for (int k = 0; k < 3; k++)
            within[k] += rank > 0 && rank <= depth[k] ? count : 0;
        sum += rank > 0 ? (double)count / (double)rank : 0;
        pass_middle(&m, seen, seen + count, rank_value(rank));
        seen += count;
    }
    out[PF_RECALL_AT_1] = (double)within[0] / (double)n;
    out[PF_RECALL_AT_5] = (double)within[1] / (double)n;
    out[PF_RECALL_AT_10] = (double)within[2] / (double)n;
    out[PF_MEDIAN_RANK] = (m.a + m.b) / 2;
    out[PF_MRR] = sum / (double)n;
}

static int by_rank(const void *a, const void *b)
{
    const double x = rank_value(*(const size_t *)a), y = rank_value(*(const size_t *)b);
    return (x > y) - (x < y);
}

/* ---- intervals ------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `drawn` [resamples], which is sorted here: the values that 2.5 % do not exceed, and
 * that 97.5 % do not exceed. */
static void set_interval(pf_estimate *e, double *drawn, size_t resamples)
{
    const size_t low = (25 * resamples + 999) / 1000;
    const size_t high = (975 * resamples + 999) / 1000;
    qsort(drawn, resamples, sizeof *drawn, by_value);
    e->low = drawn[low > 0 ? low - 1 : 0];
    e->high = drawn[high - 1];
}

/* `drawn` [PF_N_METRICS, resamples]. */
static void resample(pf_metrics *out, const size_t *sorted, uint32_t *times, size_t n,
                     double *drawn, size_t resamples, uint64_t seed)
{
    double figures[PF_N_METRICS];
    for (size_t b = 0; b < resamples; b++) {
        for (size_t i = 0; i < n; i++)
            times[i] = 0;
        for (size_t i = 0; i < n; i++)
            times[draw(&seed, n)]++;
        measure(figures, sorted, times, n);
        for (int m = 0; m < PF_N_METRICS; m++)
            drawn[(size_t)m * resamples + b] = figures[m];
    }
    for (int m = 0; m < PF_N_METRICS; m++)
        set_interval(&out->of[m], drawn + (size_t)m * resamples, resamples);
}

bool pf_metrics_compute(pf_metrics *out, const size_t *ranks, size_t n,
                        size_t resamples, uint64_t seed, pf_err *err)
{
    *out = (pf_metrics){.n = n};
    if (n == 0 || n > PF_METRICS_RANKS_MAX || resamples == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "%zu ranks and %zu resamples give no figures", n, resamples);
    double figures[PF_N_METRICS];
    size_t *sorted = pf_alloc_array(n, sizeof *sorted, err);
    uint32_t *times = pf_alloc_array(n, sizeof *times, err);
    double *drawn = pf_alloc_array(resamples, PF_N_METRICS * sizeof *drawn, err);
    const bool ok = sorted && times && drawn;
    if (ok) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = ranks[i];
        qsort(sorted, n, sizeof *sorted, by_rank);
        measure(figures, sorted, NULL, n);
        for (int m = 0; m < PF_N_METRICS; m++)
            out->of[m].value = figures[m];
        resample(out, sorted, times, n, drawn, resamples, seed);
    }
    pf_free(sorted);
    pf_free(times);
    pf_free(drawn);
    return ok;
}
