/*
 * start.c - what has to be done before the libraries start.
 *
 * OpenBLAS makes a thread for each core before main() has a say, and until one of them
 * has work they ask for it in a busy loop: some 20 of the 50 ms that a question to a
 * large catalog takes are spent beside them. Nothing here needs them (FAISS multiplies
 * with one thread). Their number is that of the cores this process may use, so it may
 * use one while libraries start: functions in .preinit_array run before any library's
 * own, constructors of the program behind all of these. OPENBLAS_NUM_THREADS would say
 * the same, but nobody sets it for a program that he calls by hand.
 */
#define _GNU_SOURCE /* cpu_set_t */
#include <sched.h>
#include <stdbool.h>

#if defined(__linux__) && defined(__ELF__) && !defined(PF_SANITIZED)

static cpu_set_t all; /* that the process may use */
static bool is_narrowed;

static void use_one_core(int argc, char **argv, char **env)
{
    cpu_set_t one;
    (void)argc;
    (void)argv;
    (void)env;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    }
    is_narrowed = sched_setaffinity(0, sizeof one, &one) == 0;
}

typedef void start_fn(int argc, char **argv, char **env);
__attribute__((section(".preinit_array"), used)) static start_fn *const first =
    use_one_core;

__attribute__((constructor)) static void use_all_cores(void)
{
    if (is_narrowed)
        (void)sched_setaffinity(0, sizeof all, &all);
}

#endif
