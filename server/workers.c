/* workers.c - see workers.h. */
#include "server/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "cli/tools.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum { WAITING_MAX = 512, WATCH_SECONDS = 1 };

/* In one of the lines. */
typedef struct job {
    struct job *next;
    http_exchange *x;
} job;

typedef struct {
    job *first, **last;
    unsigned n;
} line;

typedef struct {
    pthread_t thread;
    bool is_running;
    workers *all;
    worker w;
    bool looks_up; /* the one that is there for the first line */
    pf_stop *stop;
    double deadline; /* of what it does; 0: nothing */
} member;

struct workers {
    workers_options options;
    member *members; /* [n_members]; the first one looks up */
    unsigned n_members;
    pthread_t watch;
    bool has_watch;
    pthread_mutex_t lock; /* of all that follows, and of stop and deadline above */
    pthread_cond_t has_come, changed, watched;
    line lines[WORK_DONE];
    unsigned n_at[WORK_DONE]; /* members at work, by the line it came out of */
    unsigned long long n_refused;
    bool is_ending;
    pthread_mutex_t engine_lock;
    pf_engine *engine; /* NULL: there is nothing to be opened yet */
};

/* ---- lines -------------------------------------------------------------------------
 */

static void init_line(line *l)
{
    *l = (line){.last = &l->first};
}

static void append(line *l, job *j)
{
    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
    l->n++;
}

static job *take(line *l)
{
    job *j = l->first;
    l->first = j->next;
    if (!l->first)
        l->last = &l->first;
    l->n--;
    return j;
}

/* Of those that do not look up one is left for the others, where there are two. */
static unsigned long_max(const workers *w)
{
    return w->n_members > 2 ? w->n_members - 2 : 1;
}

/* What takes long comes second, and never with all hands. */
static work_line line_for(const member *m)
{
    const workers *w = m->all;
    if (m->looks_up)
        return WORK_FIRST;
    return w->lines[WORK_USUAL].n > 0 || w->n_at[WORK_LONG] >= long_max(w) ? WORK_USUAL
                                                                           : WORK_LONG;
}

/* NULL: there is nothing to do for it. */
static job *next_job(const member *m, work_line *from)
{
    *from = line_for(m);
    line *l = &m->all->lines[*from];
    return l->n > 0 ? take(l) : NULL;
}

static unsigned count_waiting(const workers *w)
{
    return w->lines[WORK_FIRST].n + w->lines[WORK_USUAL].n + w->lines[WORK_LONG].n;
}

bool workers_give(workers *w, http_exchange *x)
{
    job *j = pf_zalloc(sizeof *j, NULL);
    pthread_mutex_lock(&w->lock);
    const bool ok = j && !w->is_ending && count_waiting(w) < WAITING_MAX;
    if (ok) {
        j->x = x;
        append(&w->lines[WORK_FIRST], j);
        pthread_cond_signal(&w->has_come);
    } else {
        w->n_refused++;
    }
    pthread_mutex_unlock(&w->lock);
    if (!ok)
        pf_free(j);
    return ok;
}

workers_state workers_look(workers *w)
{
    pthread_mutex_lock(&w->lock);
    const workers_state state = {w->n_members - 1,
                                 w->n_at[WORK_USUAL] + w->n_at[WORK_LONG],
                                 count_waiting(w), w->n_refused};
    pthread_mutex_unlock(&w->lock);
    return state;
}

/* ---- the catalog -------------------------------------------------------------------
 */

/* Opened by the first that can. */
static bool open_engine(workers *w, pf_err *err)
{
    pthread_mutex_lock(&w->engine_lock);
    const bool ok = w->engine || pf_engine_open(&w->engine, &w->options.engine, err);
    pthread_mutex_unlock(&w->engine_lock);
    return ok;
}

/* A reader that cannot be brought up to date is closed: what it could tell of another
 * generation would be of one that nobody asked for. */
static void refresh(member *m)
{
    worker *w = &m->w;
    w->failure = (pf_err)PF_ERR_INIT;
    if (w->reader && !pf_reader_refresh(w->reader, &w->failure)) {
        pf_reader_close(w->reader);
        w->reader = NULL;
        return;
    }
    if (!w->reader && open_engine(m->all, &w->failure) &&
        !pf_reader_open(&w->reader, m->all->engine, &w->failure))
        w->reader = NULL;
}

/* ---- at work -----------------------------------------------------------------------
 */

static void begin_work(member *m, work_line from)
{
    workers *w = m->all;
    pf_stop_free(m->stop);
    m->stop = NULL;
    if (!pf_stop_new(&m->stop, NULL))
        m->stop = NULL; /* it cannot be stopped then */
    m->w.stop = m->stop;
    m->deadline = pf_clock_seconds() + w->options.work_seconds;
    w->n_at[from]++;
}

/* In another line there is something to do now; or there may be, for what takes long
 * waits for others. */
static void end_work(member *m, work_line from, work_line to)
{
    workers *w = m->all;
    m->deadline = 0;
    w->n_at[from]--;
    if (from != WORK_FIRST || to != WORK_DONE || w->is_ending)
        pthread_cond_broadcast(&w->changed);
}

static void do_job(member *m, job *j, work_line from)
{
    workers *w = m->all;
    pthread_mutex_unlock(&w->lock);
    refresh(m);
    const work_line to = w->options.handle(w->options.context, &m->w, j->x, from);
    if (to == WORK_DONE)
        http_answer(j->x);
    pthread_mutex_lock(&w->lock);
    if (to == WORK_DONE)
        pf_free(j);
    else
        append(&w->lines[to], j);
    end_work(m, from, to);
}

/* With nothing in the lines, what the one that looks up is at may still come into one.
 */
static bool is_over(const workers *w)
{
    return w->is_ending && count_waiting(w) + w->n_at[WORK_FIRST] == 0;
}

static void *run(void *context)
{
    member *m = context;
    workers *w = m->all;
    work_line from;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        job *j = next_job(m, &from);
        if (j) {
            begin_work(m, from);
            do_job(m, j, from);
        } else if (is_over(w)) {
            break;
        } else {
            pthread_cond_wait(m->looks_up ? &w->has_come : &w->changed, &w->lock);
        }
    }
    pthread_cond_broadcast(&w->has_come);
    pthread_cond_broadcast(&w->watched);
    pthread_mutex_unlock(&w->lock);
    pf_reader_close(m->w.reader);
    m->w.reader = NULL;
    return NULL;
}

/* Stops what takes too long. */
static void *watch(void *context)
{
    workers *w = context;
    pthread_mutex_lock(&w->lock);
    while (!w->is_ending) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += WATCH_SECONDS;
        pthread_cond_timedwait(&w->watched, &w->lock, &until);
        const double now = pf_clock_seconds();
        for (unsigned i = 0; i < w->n_members; i++) {
            const member *m = &w->members[i];
            if (m->stop && m->deadline > 0 && now > m->deadline)
                pf_stop_set(m->stop);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- start and stop ----------------------------------------------------------------
 */

static bool start_threads(workers *w, pf_err *err)
{
    for (unsigned i = 0; i < w->n_members; i++) {
        member *m = &w->members[i];
        m->all = w;
        m->looks_up = i == 0;
        m->is_running = pthread_create(&m->thread, NULL, run, m) == 0;
        if (!m->is_running)
            return pf_cli_fail(err, PF_ERR_IO, "cannot start a thread");
    }
    w->has_watch = pthread_create(&w->watch, NULL, watch, w) == 0;
    return w->has_watch || pf_cli_fail(err, PF_ERR_IO, "cannot start a thread");
}

static bool open_first(workers *w, bool *waits, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    *waits = false;
    if (open_engine(w, &why))
        return true;
    const char *folder = w->options.engine.catalog ? w->options.engine.catalog
                                                   : getenv("PLAINFILM_CATALOG");
    *waits = why.code == PF_ERR_NOT_FOUND && folder && pf_cli_is_folder(folder);
    return *waits || pf_fail_as(err, &why);
}

bool workers_start(workers **out, const workers_options *options, bool *waits,
                   pf_err *err)
{
    *out = NULL;
    workers *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    w->options = *options;
    for (int i = 0; i < WORK_DONE; i++)
        init_line(&w->lines[i]);
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->engine_lock, NULL);
    pthread_cond_init(&w->has_come, NULL);
    pthread_cond_init(&w->changed, NULL);
    pthread_cond_init(&w->watched, NULL);
    w->members = pf_alloc_array(options->threads + 1, sizeof *w->members, err);
    w->n_members = w->members ? options->threads + 1 : 0;
    if (w->members && open_first(w, waits, err) && start_threads(w, err)) {
        *out = w;
        return true;
    }
    workers_free(w);
    return false;
}

static bool is_at_rest(const workers *w)
{
    return count_waiting(w) + w->n_at[WORK_FIRST] + w->n_at[WORK_USUAL] +
               w->n_at[WORK_LONG] ==
           0;
}

static void wait_for_rest(workers *w, double seconds)
{
    const double until = pf_clock_seconds() + seconds;
    while (!is_at_rest(w) && pf_clock_seconds() < until) {
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_sec += WATCH_SECONDS;
        pthread_cond_timedwait(&w->changed, &w->lock, &soon);
    }
    for (unsigned i = 0; i < w->n_members; i++) {
        if (w->members[i].stop)
            pf_stop_set(w->members[i].stop);
    }
}

void workers_end(workers *w, double seconds)
{
    if (!w || w->is_ending)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_ending = true;
    pthread_cond_broadcast(&w->has_come);
    pthread_cond_broadcast(&w->changed);
    pthread_cond_broadcast(&w->watched);
    wait_for_rest(w, seconds);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_members; i++) {
        if (w->members[i].is_running)
            pthread_join(w->members[i].thread, NULL);
    }
    if (w->has_watch)
        pthread_join(w->watch, NULL);
}

void workers_free(workers *w)
{
    if (!w)
        return;
    workers_end(w, 0);
    for (unsigned i = 0; i < w->n_members; i++)
        pf_stop_free(w->members[i].stop);
    pf_engine_close(w->engine);
    pthread_cond_destroy(&w->has_come);
    pthread_cond_destroy(&w->changed);
    pthread_cond_destroy(&w->watched);
    pthread_mutex_destroy(&w->engine_lock);
    pthread_mutex_destroy(&w->lock);
    pf_free(w->members);
    pf_free(w);
}
