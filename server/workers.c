/* workers.c - see workers.h. */
#include "server/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "cli/tools.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum { WAITING_MAX = 512, WATCH_SECONDS = 1 };

/* In the one line or the other. */
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
    pf_stop *stop;
    double deadline; /* of what it does; 0: nothing */
} member;

struct workers {
    workers_options options;
    member *members;
    unsigned n_members;
    pthread_t watch;
    bool has_watch;
    pthread_mutex_t lock; /* of all that follows, and of stop and deadline above */
    pthread_cond_t changed, watched;
    line quick, slow;
    unsigned n_busy, n_slow; /* members at work; at what takes long */
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

/* One thread is left for the others, where there are two. */
static unsigned slow_max(const workers *w)
{
    return w->n_members > 1 ? w->n_members - 1 : 1;
}

/* What takes long comes second, and never with all hands. */
static job *next_job(workers *w, bool *is_long)
{
    *is_long = false;
    if (w->quick.n > 0)
        return take(&w->quick);
    *is_long = w->slow.n > 0 && w->n_slow < slow_max(w);
    return *is_long ? take(&w->slow) : NULL;
}

bool workers_give(workers *w, http_exchange *x)
{
    job *j = pf_zalloc(sizeof *j, NULL);
    pthread_mutex_lock(&w->lock);
    const bool ok = j && !w->is_ending && w->quick.n + w->slow.n < WAITING_MAX;
    if (ok) {
        j->x = x;
        append(&w->quick, j);
        pthread_cond_signal(&w->changed);
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
    const workers_state state = {w->n_members, w->n_busy, w->quick.n + w->slow.n,
                                 w->n_refused};
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

static void begin_work(member *m, bool is_long)
{
    workers *w = m->all;
    pf_stop_free(m->stop);
    m->stop = NULL;
    if (!pf_stop_new(&m->stop, NULL))
        m->stop = NULL; /* it cannot be stopped then */
    m->w.stop = m->stop;
    m->deadline = pf_clock_seconds() + w->options.work_seconds;
    w->n_busy++;
    w->n_slow += is_long;
}

static void end_work(member *m, bool is_long)
{
    m->deadline = 0;
    m->all->n_busy--;
    m->all->n_slow -= is_long;
    pthread_cond_broadcast(&m->all->changed); /* one that takes long may begin now */
}

static void do_job(member *m, job *j, bool is_long)
{
    workers *w = m->all;
    pthread_mutex_unlock(&w->lock);
    refresh(m);
    const work_result result =
        w->options.handle(w->options.context, &m->w, j->x, is_long);
    if (result == WORK_DONE)
        http_answer(j->x);
    pthread_mutex_lock(&w->lock);
    end_work(m, is_long);
    if (result == WORK_IS_LONG)
        append(&w->slow, j);
    else
        pf_free(j);
}

static void *run(void *context)
{
    member *m = context;
    workers *w = m->all;
    bool is_long;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        job *j = next_job(w, &is_long);
        if (j) {
            begin_work(m, is_long);
            do_job(m, j, is_long);
        } else if (w->is_ending && w->quick.n + w->slow.n == 0) {
            break;
        } else {
            pthread_cond_wait(&w->changed, &w->lock);
        }
    }
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
    init_line(&w->quick);
    init_line(&w->slow);
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->engine_lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    pthread_cond_init(&w->watched, NULL);
    w->members = pf_alloc_array(options->threads, sizeof *w->members, err);
    w->n_members = w->members ? options->threads : 0;
    if (w->members && open_first(w, waits, err) && start_threads(w, err)) {
        *out = w;
        return true;
    }
    workers_free(w);
    return false;
}

static bool is_at_rest(const workers *w)
{
    return w->n_busy + w->quick.n + w->slow.n == 0;
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
    pthread_cond_destroy(&w->changed);
    pthread_cond_destroy(&w->watched);
    pthread_mutex_destroy(&w->engine_lock);
    pthread_mutex_destroy(&w->lock);
    pf_free(w->members);
    pf_free(w);
}
