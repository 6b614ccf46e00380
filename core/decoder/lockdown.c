/*
 * lockdown.c - see lockdown.h. Alone includes libseccomp.
 *
 * Decoding was measured to need memory and nothing else: brk, anonymous mmap, mremap
 * and munmap. Landlock takes the file system away once more, for what the filter may
 * have forgotten; kernels without it do without.
 */
#define _GNU_SOURCE /* close_range(), prctl() and the rest are Linux's own */
#include "core/decoder/lockdown.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- limits ---- */

/* Of time, the soft limit tells (SIGXCPU) before the hard one kills. */
static bool limit(int what, uint64_t most)
{
    const struct rlimit r = {most, what == RLIMIT_CPU ? most + 1 : most};
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return false;
    return now.rlim_max <= most || setrlimit((__rlimit_resource_t)what, &r) == 0;
}

/* Without the call (Linux before 5.9) one by one. */
static void close_above(int last)
{
    if (syscall(SYS_close_range, (unsigned)last + 1, ~0U, 0) == 0)
        return;
    const long most = sysconf(_SC_OPEN_MAX);
    for (int fd = last + 1; fd < (most > 0 ? most : 1024); fd++)
        close(fd);
}

#ifdef PF_SANITIZED
enum { HAS_SHADOW = true }; /* of all addresses: they cannot be limited */
#else
enum { HAS_SHADOW = false };
#endif

bool pf_lockdown_limits(int last, uint64_t max_memory, unsigned max_cpu_seconds)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        close(fd);
    close_above(last);
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && limit(RLIMIT_CORE, 0) &&
           limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NPROC, 0) &&
           limit(RLIMIT_NOFILE, (uint64_t)last + 1) &&
           (HAS_SHADOW || limit(RLIMIT_AS, max_memory)) &&
           limit(RLIMIT_CPU, max_cpu_seconds);
}

/* ---- calls ---- */

/* All that can be named is handled and nothing is allowed. */
static void lock_files(void)
{
    const struct landlock_ruleset_attr attr = {
        .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
    const long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (fd < 0)
        return;
    syscall(SYS_landlock_restrict_self, fd, 0);
    close((int)fd);
}

static bool allow(scmp_filter_ctx filter, int control, int input)
{
    static const int memory[] = {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap)};
    const int protection = PROT_READ | PROT_WRITE;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof memory / sizeof *memory; i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, memory[i], 0) == 0;
    return ok &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1,
                            SCMP_A0(SCMP_CMP_EQ, (unsigned)control, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                            SCMP_A0(SCMP_CMP_EQ, (unsigned)control, 0)) == 0 &&
           /* memory of its own, never to be executed */
           seccomp_rule_add(
               filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
               SCMP_A2(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)protection, 0),
               SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)) == 0 &&
           /* the picture, to be read */
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                            SCMP_A2(SCMP_CMP_EQ, PROT_READ, 0),
                            SCMP_A4(SCMP_CMP_EQ, (unsigned)input, 0)) == 0;
}

bool pf_lockdown_calls(int control, int input, bool *has_filter)
{
    *has_filter = true;
#ifdef PF_SANITIZED /* these need calls of their own */
    (void)allow, (void)lock_files, (void)control, (void)input;
    return true;
#else
    lock_files();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter) /* an old kernel: with one thread, it is the same */
        filter = seccomp_init(SCMP_ACT_KILL_THREAD);
    if (!filter)
        return false;
    const bool is_made = allow(filter, control, input);
    /* else all that the kernel says is -ECANCELED */
    const bool is_raw = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1) == 0;
    const int why = is_made && is_raw ? seccomp_load(filter) : 0;
    seccomp_release(filter);
    *has_filter = is_made && is_raw && why == 0;
    return *has_filter || why == -EINVAL || why == -ENOSYS || why == -EOPNOTSUPP;
#endif
}
