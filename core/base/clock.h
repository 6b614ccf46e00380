/*
 * clock.h - seconds that only grow, to measure with; and the time of day.
 */
#ifndef PF_CORE_BASE_CLOCK_H
#define PF_CORE_BASE_CLOCK_H

#include <stdint.h>

/* Since some moment of the past: only differences mean something. */
double pf_clock_seconds(void);

/* The time of day, in nanoseconds since 1970: it may be set back. */
int64_t pf_clock_now_ns(void);

#endif
