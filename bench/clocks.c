/* clocks.c - see clocks.h. */
#include "bench/clocks.h"

#include <stdlib.h>

double pf_bench_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double pf_bench_ms(clockid_t clock)
{
    return 1e3 * pf_bench_seconds(clock);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double pf_bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}
