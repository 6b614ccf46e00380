/* interrupt.c - see interrupt.h. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "core/base/stop.h"

static pf_stop stop;      /* lock-free, so a handler may set it */
static atomic_int status; /* 128 + the first signal */

static void on_signal(int signal)
{
    int none = 0;
    if (!atomic_compare_exchange_strong(&status, &none, 128 + signal))
        _exit(128 + signal);
    pf_stop_set(&stop);
    if (signal != SIGINT)
        alarm(PF_INTERRUPT_SECONDS);
}

static void on_deadline(int signal)
{
    (void)signal;
    _exit(atomic_load(&status));
}

static void catch_unless_ignored(int signal, void (*handler)(int))
{
    struct sigaction before, action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(signal, &action, NULL);
}

const pf_stop *pf_interrupt_catch(void)
{
    struct sigaction deadline = {.sa_handler = on_deadline};
    sigemptyset(&deadline.sa_mask);
    sigaction(SIGALRM, &deadline, NULL);
    catch_unless_ignored(SIGINT, on_signal);
    catch_unless_ignored(SIGTERM, on_signal);
    catch_unless_ignored(SIGHUP, on_signal);
    return &stop;
}

int pf_interrupt_status(void)
{
    return atomic_load(&status);
}
