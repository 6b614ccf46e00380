/* guard.c - see guard.h. */
#include "cli/guard.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "core/base/mem.h"

#if defined(NDEBUG) && !defined(PF_SANITIZED)
enum { IS_PRIVATE = true };
#else
enum { IS_PRIVATE = false };
#endif

static char message[160]; /* made before: a signal handler cannot */

void pf_guard_memory(char **argv)
{
    static const char name[] = "OPENBLAS_NUM_THREADS";
    char self[4096];
    const char *set = getenv(name);
    if (!pf_mem_is_limited() || (set && strcmp(set, "1") == 0))
        return;
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || setenv(name, "1", 1) != 0)
        return;
    self[n] = '\0';
    execv(self, argv);
}

/* A mapped byte is no longer in the file (core/checkpoint/source.h). */
static void on_bus_error(int signum)
{
    (void)signum;
    const ssize_t ignored = write(STDERR_FILENO, message, strlen(message));
    (void)ignored;
    _exit(1);
}

void pf_guard_begin(const char *name)
{
    snprintf(message, sizeof message,
             "%s: a file was cut while it was in use, perhaps the model's; try again\n",
             name);
    struct sigaction action = {.sa_handler = on_bus_error};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
    if (!IS_PRIVATE)
        return;
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
