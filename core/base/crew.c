/*
 * crew.c - see crew.h.
 *
 * A round is open while its number is odd. Who wants to help says that it is inside,
 * and then looks whether the round is still open; who closes it waits until nobody is
 * inside. So what a round is about is never read while it is written.
 */
#include "core/base/crew.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "core/base/mem.h"

enum { THREADS_MAX = 8, SPINS = 4000 }; /* some 50 microseconds */

typedef struct {
    pf_crew *crew;
    size_t number;
    pthread_t thread;
} helper;

struct pf_crew {
    helper helpers[THREADS_MAX];
    size_t n_helpers;
    atomic_size_t round, inside, sleeping, next;
    atomic_bool ends;
    pthread_mutex_t lock;
    pthread_cond_t wakes;
    /* What the round is about. */
    size_t n;
    pf_crew_fn *work;
    void *context;
};

static void rest(int *spins)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (++*spins % 256 == 0)
        sched_yield();
}

static void work_on(pf_crew *c, size_t worker)
{
    size_t item;
    while ((item = atomic_fetch_add(&c->next, 1)) < c->n)
        c->work(c->context, worker, item);
}

/* ---- in the helpers ---- */

static bool is_news(pf_crew *c, size_t done)
{
    const size_t round = atomic_load(&c->round);
    return (round % 2 == 1 && round != done) || atomic_load(&c->ends);
}

static void await(pf_crew *c, size_t done)
{
    for (int spins = 0; spins < SPINS;) {
        if (is_news(c, done))
            return;
        rest(&spins);
    }
    pthread_mutex_lock(&c->lock);
    atomic_fetch_add(&c->sleeping, 1);
    while (!is_news(c, done))
        pthread_cond_wait(&c->wakes, &c->lock);
    atomic_fetch_sub(&c->sleeping, 1);
    pthread_mutex_unlock(&c->lock);
}

static void *help(void *context)
{
    const helper *h = context;
    pf_crew *c = h->crew;
    size_t done = 0;
    while (await(c, done), !atomic_load(&c->ends)) {
        const size_t round = atomic_load(&c->round);
        atomic_fetch_add(&c->inside, 1);
        if (round % 2 == 1 && atomic_load(&c->round) == round) {
            work_on(c, h->number);
            done = round;
        }
        atomic_fetch_sub(&c->inside, 1);
    }
    return NULL;
}

/* ---- for the caller ---- */

static void wake(pf_crew *c)
{
    if (atomic_load(&c->sleeping) == 0)
        return;
    pthread_mutex_lock(&c->lock);
    pthread_cond_broadcast(&c->wakes);
    pthread_mutex_unlock(&c->lock);
}

bool pf_crew_new(pf_crew **out, size_t threads, pf_err *err)
{
    sigset_t all, old;
    pf_crew *c = *out = pf_zalloc(sizeof *c, err);
    if (!c)
        return false;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wakes, NULL);
    sigfillset(&all); /* signals are the program's own threads' business */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (c->n_helpers + 1 < threads && c->n_helpers < THREADS_MAX) {
        helper *h = &c->helpers[c->n_helpers];
        *h = (helper){.crew = c, .number = c->n_helpers + 1};
        if (pthread_create(&h->thread, NULL, help, h) != 0)
            break;
        c->n_helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return true;
}

void pf_crew_free(pf_crew *c)
{
    if (!c)
        return;
    atomic_store(&c->ends, true);
    wake(c);
    for (size_t i = 0; i < c->n_helpers; i++)
        pthread_join(c->helpers[i].thread, NULL);
    pthread_cond_destroy(&c->wakes);
    pthread_mutex_destroy(&c->lock);
    pf_free(c);
}

size_t pf_crew_size(const pf_crew *c)
{
    return c ? c->n_helpers + 1 : 1;
}

void pf_crew_each(pf_crew *c, size_t n, pf_crew_fn *work, void *context)
{
    if (!c || c->n_helpers == 0 || n < 2) {
        for (size_t i = 0; i < n; i++)
            work(context, 0, i);
        return;
    }
    c->n = n;
    c->work = work;
    c->context = context;
    atomic_store(&c->next, 0);
    atomic_fetch_add(&c->round, 1);
    wake(c);
    work_on(c, 0);
    atomic_fetch_add(&c->round, 1);
    for (int spins = 0; atomic_load(&c->inside) > 0;)
        rest(&spins);
}
