/*
 * clock.h - seconds that only grow, to measure with.
 */
#ifndef PF_CORE_BASE_CLOCK_H
#define PF_CORE_BASE_CLOCK_H

/* Since some moment of the past: only differences mean something. */
double pf_clock_seconds(void);

#endif
