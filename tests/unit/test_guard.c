/* test_guard.c - a program that holds pictures leaves no core file and no way in, ends
 * with a word when a mapped file is cut, and when it is told to, whatever it does. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/guard.h"
#include "cli/interrupt.h"
#include "core/base/clock.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

#if defined(NDEBUG) && !defined(PF_SANITIZED)
enum { IS_PRIVATE = 1 };
#else
enum { IS_PRIVATE = 0 };
#endif

static void pictures_stay_in_the_process(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        struct rlimit cores = {1, 1};
        pf_guard_begin("test");
        const int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
        getrlimit(RLIMIT_CORE, &cores);
        _exit(IS_PRIVATE ? dumpable != 0 || cores.rlim_cur != 0 || cores.rlim_max != 0
                         : dumpable == 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void read_what_was_cut(const char *path)
{
    enum { SIZE = 8192 };
    static const char bytes[SIZE];
    pf_tree_write(path, bytes, SIZE);
    const int fd = open(path, O_RDONLY);
    const volatile char *map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED && truncate(path, 0) == 0)
        _exit(map[SIZE - 1] ? 4 : 5);
}

static void a_cut_file_ends_with_a_word(void **state)
{
    (void)state;
    char folder[PF_TREE_ROOM], said[256] = "";
    int told[2], status;
    pf_tree_make(folder);
    assert_int_equal(pipe(told), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(told[1], STDERR_FILENO);
        pf_guard_begin("test");
        read_what_was_cut(pf_tree_path(folder, "file"));
        _exit(6);
    }
    close(told[1]);
    assert_true(read(told[0], said, sizeof said - 1) > 0);
    close(told[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(said, "test: a file was cut"));
    pf_tree_remove(folder);
}

/* A program that does not look at the flag; how it ended, and after how many seconds.
 */
static int end_deaf_program(int first, int second, double *seconds)
{
    int ready[2], status;
    char byte;
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        pf_interrupt_catch();
        if (write(ready[1], "x", 1) != 1)
            _exit(99);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const double start = pf_clock_seconds();
    kill(child, first);
    if (second) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        kill(child, second);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    *seconds = pf_clock_seconds() - start;
    close(ready[0]);
    close(ready[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_second_signal_does_not_wait(void **state)
{
    (void)state;
    double seconds;
    assert_int_equal(end_deaf_program(SIGINT, SIGINT, &seconds), 130);
    assert_true(seconds < 5);
    assert_int_equal(end_deaf_program(SIGTERM, SIGINT, &seconds), 130);
    assert_true(seconds < 5);
}

static void who_terms_waits_ten_seconds(void **state)
{
    (void)state;
    double seconds;
    assert_int_equal(end_deaf_program(SIGTERM, 0, &seconds), 143);
    assert_true(seconds > PF_INTERRUPT_SECONDS - 2 &&
                seconds < PF_INTERRUPT_SECONDS + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_stay_in_the_process),
        cmocka_unit_test(a_cut_file_ends_with_a_word),
        cmocka_unit_test(a_second_signal_does_not_wait),
        cmocka_unit_test(who_terms_waits_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
