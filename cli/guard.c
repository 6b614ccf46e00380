/* guard.c - see guard.h. */
#define _GNU_SOURCE /* cpu_set_t */
#include "cli/guard.h"

#include <sched.h>
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

/* ---- OpenBLAS's threads ---- */

#if defined(__linux__) && !defined(PF_SANITIZED)

/* OpenBLAS counts the cores that this process may use, so it may use one while the
 * libraries start: .preinit_array is run before any of theirs. */
static cpu_set_t all_cores;
static bool has_one_core;

static void use_one_core(int argc, char **argv, char **env)
{
    cpu_set_t one;
    (void)argc;
    (void)argv;
    (void)env;
    if (sched_getaffinity(0, sizeof all_cores, &all_cores) != 0)
        return;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &all_cores))
            CPU_SET(i, &one);
    }
    has_one_core = sched_setaffinity(0, sizeof one, &one) == 0;
}

typedef void preinit_fn(int argc, char **argv, char **env);
__attribute__((section(".preinit_array"), used)) static preinit_fn *const preinit =
    use_one_core;

static bool use_all_cores(void)
{
    if (has_one_core)
        (void)sched_setaffinity(0, sizeof all_cores, &all_cores);
    return has_one_core;
}

#else

static bool use_all_cores(void)
{
    return false;
}

#endif

static void start_again(char **argv)
{
    char self[4096];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0)
        return;
    self[n] = '\0';
    execv(self, argv);
}

void pf_guard_threads(char **argv)
{
    const char *set = getenv("OPENBLAS_NUM_THREADS");
    const bool has_none = use_all_cores() || (set && strcmp(set, "1") == 0);
    if (!has_none && pf_mem_is_limited())
        start_again(argv);
}

/* ---- what is private ---- */

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
