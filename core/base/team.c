/*
 * team.c - see team.h.
 *
 * One mutex guards the number of the next item, how many are done, which wait to be
 * collected, and the failure. The calling thread looks after the others: it collects,
 * and tells how far things are.
 */
#include "core/base/team.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"

enum { ROOMS = 2 }; /* of a member, for items that are not collected */

typedef struct worker worker;

typedef struct {
    const pf_team *team;
    worker *workers;
    size_t n_workers;
    bool refuses; /* collecting has failed; the calling thread's own */

    pthread_mutex_t lock;
    pthread_cond_t changed;   /* an item was done, or a thread ended */
    pthread_cond_t collected; /* an item was */
    size_t next, done, running;
    bool failed;
    pf_err failure;
} shared;

struct worker {
    shared *shared;
    void *member;
    pthread_t thread;
    size_t waiting[ROOMS]; /* items to be collected, the oldest first */
    size_t n_waiting;
};

/* ---- in the threads -------------------------------------------------------------- */

static bool next_item(worker *w, size_t *item)
{
    shared *s = w->shared;
    pthread_mutex_lock(&s->lock);
    while (w->n_waiting == ROOMS)
        pthread_cond_wait(&s->collected, &s->lock);
    const bool is_stopped = s->team->stop && atomic_load(s->team->stop) != 0;
    const bool has = !s->failed && !is_stopped && s->next < s->team->n_items;
    if (has)
        *item = s->next++;
    pthread_mutex_unlock(&s->lock);
    return has;
}

static void put_done(worker *w, size_t item)
{
    shared *s = w->shared;
    pthread_mutex_lock(&s->lock);
    s->done++;
    if (s->team->collect) {
        w->waiting[w->n_waiting++] = item;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}

static void put_failure(shared *s, const pf_err *why)
{
    pthread_mutex_lock(&s->lock);
    if (!s->failed)
        s->failure = *why;
    s->failed = true;
    pthread_mutex_unlock(&s->lock);
}

/* False when there is nothing left to do. */
static bool work_once(worker *w)
{
    size_t item;
    pf_err err = PF_ERR_INIT;
    if (!next_item(w, &item))
        return false;
    const bool ok = w->shared->team->work(w->member, item, &err);
    if (ok)
        put_done(w, item);
    else
        put_failure(w->shared, &err);
    return ok;
}

static void *work(void *context)
{
    worker *w = context;
    shared *s = w->shared;
    while (work_once(w))
        ;
    pthread_mutex_lock(&s->lock);
    s->running--;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- in the calling thread ------------------------------------------------------- */

/* With the lock held. */
static worker *find_waiting(shared *s)
{
    for (size_t i = 0; i < s->n_workers; i++) {
        if (s->workers[i].n_waiting > 0)
            return &s->workers[i];
    }
    return NULL;
}

/* The lock is held, but not while an item is collected: it counts as waiting until
 * then. */
static void collect_all(shared *s)
{
    worker *w;
    while ((w = find_waiting(s))) {
        const size_t item = w->waiting[0];
        pf_err err = PF_ERR_INIT;
        pthread_mutex_unlock(&s->lock);
        if (!s->refuses && !s->team->collect(w->member, item, &err)) {
            s->refuses = true;
            put_failure(s, &err);
        }
        pthread_mutex_lock(&s->lock);
        w->waiting[0] = w->waiting[1];
        w->n_waiting--;
        pthread_cond_broadcast(&s->collected);
    }
}

static void look_after(shared *s)
{
    const pf_team *t = s->team;
    const size_t total = t->n_told ? t->n_told : t->n_items;
    pthread_mutex_lock(&s->lock);
    collect_all(s);
    const size_t done = s->done;
    pthread_mutex_unlock(&s->lock);
    if (t->progress)
        t->progress(t->context, t->what, done * total / t->n_items, total);
}

/* Until a thread has done something, or for a tenth of a second. False when all of them
 * have ended. */
static bool wait_a_little(shared *s)
{
    enum { TENTH_NS = 100000000, SECOND_NS = 1000000000 };
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TENTH_NS;
    until.tv_sec += until.tv_nsec / SECOND_NS;
    until.tv_nsec %= SECOND_NS;
    pthread_mutex_lock(&s->lock);
    if (s->running > 0 && !find_waiting(s))
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
    const bool goes_on = s->running > 0;
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

static bool start(worker *w)
{
    shared *s = w->shared;
    pthread_mutex_lock(&s->lock);
    s->running++;
    pthread_mutex_unlock(&s->lock);
    if (pthread_create(&w->thread, NULL, work, w) == 0)
        return true;
    pthread_mutex_lock(&s->lock);
    s->running--;
    pthread_mutex_unlock(&s->lock);
    return false;
}

static void run_workers(shared *s)
{
    size_t started = 0;
    while (started < s->n_workers && start(&s->workers[started]))
        started++;
    while (started > 0 && wait_a_little(s))
        look_after(s);
    while (started == 0 && work_once(&s->workers[0]))
        look_after(s);
    look_after(s);
    for (size_t i = 0; i < started; i++)
        pthread_join(s->workers[i].thread, NULL);
}

static bool run(shared *s, pf_err *err)
{
    const pf_team *t = s->team;
    s->n_workers = t->n_members < t->n_items ? t->n_members : t->n_items;
    s->workers = pf_alloc_array(s->n_workers, sizeof *s->workers, err);
    if (!s->workers)
        return false;
    for (size_t i = 0; i < s->n_workers; i++)
        s->workers[i] = (worker){.shared = s, .member = t->members[i]};
    run_workers(s);
    pf_free(s->workers);
    if (s->failed)
        return pf_fail_as(err, &s->failure);
    return s->next == t->n_items || pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

size_t pf_team_cores(size_t most)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (size_t)n > most ? most : (size_t)n;
}

bool pf_team_run(const pf_team *team, pf_err *err)
{
    shared s = {.team = team, .failure = PF_ERR_INIT};
    if (team->n_items == 0)
        return true;
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.changed, NULL);
    pthread_cond_init(&s.collected, NULL);
    const bool ok = run(&s, err);
    pthread_cond_destroy(&s.collected);
    pthread_cond_destroy(&s.changed);
    pthread_mutex_destroy(&s.lock);
    return ok;
}
