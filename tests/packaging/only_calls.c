/*
 * only_calls.c - runs a program as systemd does under SystemCallFilter=,
 * MemoryDenyWriteExecute=yes and RestrictAddressFamilies=AF_UNIX, without systemd.
 *
 *   pf-only-calls PROGRAM [ARGUMENT...] <NAMES
 *
 * NAMES are the calls it may make, a line each; any other fails with EPERM. Names
 * that this libseccomp does not know are passed over, as systemd does. Exit 77 where
 * the kernel takes no filter.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int status)
{
    if (status == 0)
        return;
    fprintf(stderr, "pf-only-calls: the filter cannot be made (%d)\n", status);
    exit(1);
}

/* What depends on arguments is added below. */
static int is_special(const char *name)
{
    return !strcmp(name, "mmap") || !strcmp(name, "mprotect") ||
           !strcmp(name, "socket");
}

static int allow_listed(scmp_filter_ctx filter)
{
    char name[64];
    int n = 0;
    while (fgets(name, sizeof name, stdin)) {
        name[strcspn(name, "\n")] = '\0';
        const int call = seccomp_syscall_resolve_name(name);
        if (is_special(name) || call < 0)
            continue;
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0));
        n++;
    }
    return n;
}

static void allow_special(scmp_filter_ctx filter)
{
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    must(seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC)));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                          SCMP_A0(SCMP_CMP_EQ, AF_UNIX)));
}

int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (argc < 2 || !filter)
        return 2;
    if (allow_listed(filter) < 100) {
        fputs("pf-only-calls: these are too few calls to be meant\n", stderr);
        return 2;
    }
    allow_special(filter);
    if (seccomp_load(filter) != 0) {
        fputs("pf-only-calls: the kernel takes no filter\n", stderr);
        return 77;
    }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
