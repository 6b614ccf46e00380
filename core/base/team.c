/*
 * team.c - see team.h.
 *
 * One mutex guards the number of the next item, how many are done, and the failure. The
 * calling thread works on nothing: it waits, and tells how far things are.
 */
#include "core/base/team.h"

#include <pthread.h>
#include <time.h>

#include "core/base/mem.h"

typedef struct {
    const pf_team *team;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a thread ended */
    size_t next, done, running;
    bool failed;
    pf_err failure;
} shared;

typedef struct {
    shared *shared;
    void *member;
    pthread_t thread;
} worker;

static bool next_item(shared *s, bool has_done, size_t *item)
{
    pthread_mutex_lock(&s->lock);
    s->done += has_done;
    const bool is_stopped = s->team->stop && atomic_load(s->team->stop) != 0;
    const bool has = !s->failed && !is_stopped && s->next < s->team->n_items;
    if (has)
        *item = s->next++;
    pthread_mutex_unlock(&s->lock);
    return has;
}

static void *work(void *context)
{
    worker *w = context;
    shared *s = w->shared;
    pf_err err = PF_ERR_INIT;
    size_t item = 0;
    bool ok = true;
    for (bool has_done = false; ok && next_item(s, has_done, &item); has_done = true)
        ok = s->team->work(w->member, item, &err);
    pthread_mutex_lock(&s->lock);
    if (!ok && !s->failed) {
        s->failed = true;
        s->failure = err;
    }
    s->running--;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static bool start(worker *w, shared *s, void *member, pf_err *err)
{
    *w = (worker){.shared = s, .member = member};
    pthread_mutex_lock(&s->lock);
    s->running++;
    pthread_mutex_unlock(&s->lock);
    const int why = pthread_create(&w->thread, NULL, work, w);
    if (why == 0)
        return true;
    pthread_mutex_lock(&s->lock);
    s->running--;
    s->failed = true;
    pf_fail_errno(&s->failure, why, "cannot start a thread");
    pthread_mutex_unlock(&s->lock);
    return pf_fail_errno(err, why, "cannot start a thread");
}

/* Until all threads have ended, telling how far they are ten times a second. */
static void wait_for_all(shared *s)
{
    enum { TENTH_NS = 100000000, SECOND_NS = 1000000000 };
    const pf_team *t = s->team;
    const size_t total = t->n_told ? t->n_told : t->n_items;
    pthread_mutex_lock(&s->lock);
    while (s->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TENTH_NS;
        until.tv_sec += until.tv_nsec / SECOND_NS;
        until.tv_nsec %= SECOND_NS;
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
        const size_t done = s->done;
        pthread_mutex_unlock(&s->lock);
        if (t->progress)
            t->progress(t->context, t->what, done * total / t->n_items, total);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static bool run(shared *s, pf_err *err)
{
    const pf_team *t = s->team;
    const size_t n = t->n_members < t->n_items ? t->n_members : t->n_items;
    worker *workers = pf_alloc_array(n, sizeof *workers, err);
    size_t started = 0;
    bool ok = workers != NULL;
    while (ok && started < n) {
        ok = start(&workers[started], s, t->members[started], err);
        started += ok;
    }
    wait_for_all(s);
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    pf_free(workers);
    if (ok && s->failed) {
        *err = s->failure;
        return false;
    }
    if (ok && t->stop && atomic_load(t->stop) != 0)
        return pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
    return ok;
}

bool pf_team_run(const pf_team *team, pf_err *err)
{
    shared s = {.team = team, .failure = PF_ERR_INIT};
    if (team->n_items == 0)
        return true;
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.changed, NULL);
    const bool ok = run(&s, err);
    pthread_cond_destroy(&s.changed);
    pthread_mutex_destroy(&s.lock);
    return ok;
}
