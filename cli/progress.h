/*
 * progress.h - how far a long job is: count, rate, time left, failures.
 *
 * On a terminal one line is written over at most ten times a second:
 *
 *   indexing  42 % [########............] 1234/2911  35.2/s  0:47 left  3 failed
 *
 * Elsewhere (a log, cron's mail) a plain line comes every 30 seconds, and none at all
 * when the job is done before that. Owned by one thread.
 */
#ifndef PF_CLI_PROGRESS_H
#define PF_CLI_PROGRESS_H

#include <stddef.h>
#include <stdio.h>

#include "core/base/err.h"

typedef struct {
    FILE *file;      /* usually stderr */
    bool can_redraw; /* pf_term.can_redraw */
    bool is_quiet;   /* nothing is written, but by pf_progress_say() */
    int columns;     /* of the terminal */
    /* Seconds that only grow, from any start; NULL is the system's monotonic clock. */
    double (*clock)(void *context);
    void *clock_context;
} pf_progress_options;

enum { PF_PROGRESS_SAMPLES = 16 };

/* The caller's; fields are progress.c's own. */
typedef struct {
    pf_progress_options options;
    const char *what;
    size_t done, total, failed;
    double start, last_output;
    bool is_running, has_output, line_is_open;
    size_t line_columns;
    struct {
        double at;
        size_t done;
    } samples[PF_PROGRESS_SAMPLES]; /* about one a second, for the rate of late */
    size_t n_samples;
} pf_progress;

void pf_progress_init(pf_progress *p, const pf_progress_options *options);

/* A job begins. `what` ("indexing") is borrowed; `total` 0 is unknown. */
void pf_progress_start(pf_progress *p, const char *what, size_t total);
/* The total became known, or grew. */
void pf_progress_set_total(pf_progress *p, size_t total);
/* Where the job is now. Cheap; call it as often as you like. */
void pf_progress_update(pf_progress *p, size_t done, size_t failed);
/* The job is over: the last state is shown if any was, with the mean rate. */
void pf_progress_finish(pf_progress *p);

/* A whole line for the user, between redraws of the bar; also when quiet and when no
 * job is running. Control characters in it are made harmless; it is cut at 4095 bytes.
 */
void pf_progress_say(pf_progress *p, const char *fmt, ...) PF_PRINTF(2, 3);

#endif
