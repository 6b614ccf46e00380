/*
 * workers.h - threads that answer: each has a pf_reader, all share the pf_engine.
 *
 * There are three lines that requests wait in. All come to the first one, which a
 * thread of its own looks through: what it need only look up is answered at once,
 * whatever the others are at. The usual ones take milliseconds. What takes long (a
 * picture to be decoded, a comparison of all with all) is never done by all threads at
 * once: one is left for the usual. A handler that sees only when it has read the
 * question which line is for it says so, and is called again out of that one.
 *
 * A catalog in which nothing was published yet is waited for: its engine is opened
 * anew with each request until it can be.
 */
#ifndef PF_SERVER_WORKERS_H
#define PF_SERVER_WORKERS_H

#include <stdbool.h>

#include "include/plainfilm.h"
#include "server/http.h"

typedef struct workers workers;

typedef struct {
    pf_reader *reader;   /* at the newest generation; NULL: see `failure` */
    const pf_stop *stop; /* of the work under way: it takes too long, or all ends */
    pf_err failure;      /* why there is no reader */
} worker;

typedef enum { WORK_FIRST, WORK_USUAL, WORK_LONG, WORK_DONE } work_line;

/* Makes the response of a request out of `from`, WORK_DONE; or says which line behind
 * that one is for it. */
typedef work_line work_handler(void *context, worker *w, http_exchange *x,
                               work_line from);

typedef struct {
    pf_engine_options engine;
    unsigned threads;    /* beside the one that looks up */
    double work_seconds; /* that one request may take */
    work_handler *handle;
    void *context;
} workers_options;

/* `threads` and those of them that are `busy`, without the one that looks up. */
typedef struct {
    unsigned threads, busy, waiting;
    unsigned long long refused;
} workers_state;

/* NOT_FOUND is none of a catalog whose folder is there: *waits tells. */
PF_MUST_CHECK bool workers_start(workers **out, const workers_options *options,
                                 bool *waits, pf_err *err);
/* False: too many wait already. */
bool workers_give(workers *w, http_exchange *x);
workers_state workers_look(workers *w);
/* Answer what waits and is under way, and end the threads; after `seconds` what is
 * under way is told to stop. What is given afterwards is refused. NULL is fine. */
void workers_end(workers *w, double seconds);
/* When nobody gives anything any more; ends them first. NULL is fine. */
void workers_free(workers *w);

#endif
