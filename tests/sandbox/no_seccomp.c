/*
 * no_seccomp.c - run a program as if this kernel had no seccomp.
 *
 *   pf-no-seccomp PROGRAM [ARG...]
 *
 * 77 where it has none indeed, or where a filter cannot be had.
 */
#include <errno.h>
#include <linux/prctl.h>
#include <seccomp.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (argc < 2 || !filter ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) != 0 ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                         SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP)) != 0 ||
        seccomp_load(filter) != 0)
        return 77;
    seccomp_release(filter);
    execvp(argv[1], argv + 1);
    return 127;
}
