/* clocks.h - what programs that measure in C share: a clock, and the median. */
#ifndef PF_BENCH_CLOCKS_H
#define PF_BENCH_CLOCKS_H

#include <stddef.h>
#include <time.h>

/* Seconds, and milliseconds, of CLOCK_MONOTONIC (the wall's) or
 * CLOCK_PROCESS_CPUTIME_ID (the processor's, of all threads). */
double pf_bench_seconds(clockid_t clock);
double pf_bench_ms(clockid_t clock);

/* Sorts the `n` values, ascending; of an even number, the larger of the two in the
 * middle. `n` is above 0. */
double pf_bench_median(double *values, size_t n);

#endif
