/*
 * fault.c - runs a program and lets something happen at the n-th call that changes what
 * lies in a folder.
 *
 *   pf-fault [OPTION...] FOLDER PROGRAM [ARGUMENT...]
 *
 *   --at N WHAT   at the N-th such call, counted from 1:
 *                   kill-before kill-after  the process is gone (SIGKILL)
 *                   kill-half               half of a write is done, then the same
 *                   short                   half of a write is done, as POSIX allows
 *                   ERRNO                   EIO or ENOSPC: the call is not made
 *                   sticky-EIO              nor is any behind it: the disk is gone
 *                   sticky-ENOSPC           nor is any behind it that needs room
 *   --only sync   only calls of fsync and fdatasync count
 *   --list FILE   every such call, a line each: its number, name and path
 *   --log FILE    what was done, in order, to be done again (power.py reads it): a line
 *                 "NAME PATH OFFSET SIZE", and behind one of a write its bytes
 *
 * The exit status is the program's; 137 when it was killed, 77 where nothing can be
 * traced, 2 for a misuse. Counted are write, pwrite64, fsync, fdatasync, ftruncate,
 * rename, unlink, mkdir and the open that makes a file: the kernel's calls, so those of
 * stdio too. A filter (seccomp) stops the program at these and nowhere else.
 *
 * Calls of the program's threads count, those of other processes that it starts do not.
 */
#define _GNU_SOURCE /* ptrace() and the rest are Linux's own */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
int main(void)
{
    fputs("pf-fault: knows the calls of x86-64 alone\n", stderr);
    return 77;
}
#else

enum { THREADS_MAX = 512, PID_LIMIT = 1 << 22 };

typedef enum { WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MKDIR, CREATE } kind;

static const struct {
    int number;
    kind kind;
    const char *name;
} calls[] = {
    {SCMP_SYS(write), WRITE, "write"},
    {SCMP_SYS(pwrite64), WRITE, "write"},
    {SCMP_SYS(fsync), SYNC, "sync"},
    {SCMP_SYS(fdatasync), SYNC, "sync"},
    {SCMP_SYS(ftruncate), TRUNCATE, "truncate"},
    {SCMP_SYS(rename), RENAME, "rename"},
    {SCMP_SYS(renameat), RENAME, "rename"},
    {SCMP_SYS(renameat2), RENAME, "rename"},
    {SCMP_SYS(unlink), UNLINK, "unlink"},
    {SCMP_SYS(unlinkat), UNLINK, "unlink"},
    {SCMP_SYS(mkdir), MKDIR, "mkdir"},
    {SCMP_SYS(mkdirat), MKDIR, "mkdir"},
    {SCMP_SYS(open), CREATE, "create"},
    {SCMP_SYS(openat), CREATE, "create"},
};

/* A call that is under way. */
typedef struct {
    pid_t thread;
    const char *name;
    kind kind;
    char path[PATH_MAX];
    uint64_t offset, size, bytes; /* of a write; `bytes` is an address of its own */
    bool is_counted, kills;
} call;

static struct {
    const char *folder;
    size_t folder_length;
    long at;
    const char *what;
    bool only_syncs, is_stuck;
    FILE *list, *log;

    pid_t program;
    long counted;
    call open[THREADS_MAX];
    bool is_known[PID_LIMIT]; /* threads that have been seen */
    bool is_ours[PID_LIMIT];  /* of the program, not of what it starts */
} run;

static void die(const char *why)
{
    fprintf(stderr, "pf-fault: %s: %m\n", why);
    if (run.program > 0)
        kill(run.program, SIGKILL);
    exit(77);
}

/* ---- what the program is about to do --------------------------------------------- */

static size_t read_memory(pid_t thread, uint64_t from, void *to, size_t n)
{
    struct iovec here = {to, n}, there = {(void *)(uintptr_t)from, n}; // NOLINT
    const ssize_t done = process_vm_readv(thread, &here, 1, &there, 1, 0);
    return done < 0 ? 0 : (size_t)done;
}

/* A string may end at the end of a page. */
static void read_string(pid_t thread, uint64_t from, char *to, size_t room)
{
    size_t n = 0;
    while (n + 1 < room && read_memory(thread, from + n, to + n, 1) == 1 && to[n])
        n++;
    to[n] = '\0';
}

static void path_of_fd(pid_t thread, int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, fd);
    const ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = '\0';
}

/* Relative to a folder that is open, or to the working directory. */
static void path_at(pid_t thread, int fd, uint64_t name, char *path)
{
    char given[PATH_MAX], base[PATH_MAX], link[64];
    read_string(thread, name, given, sizeof given);
    if (given[0] == '/') {
        memcpy(path, given, sizeof given);
        return;
    }
    if (fd != AT_FDCWD) {
        path_of_fd(thread, fd, base);
    } else {
        snprintf(link, sizeof link, "/proc/%d/cwd", thread);
        const ssize_t n = readlink(link, base, sizeof base - 1);
        base[n < 0 ? 0 : n] = '\0';
    }
    const size_t n = strlen(base), m = strlen(given);
    if (n + m + 2 > PATH_MAX) {
        path[0] = '\0';
        return;
    }
    memcpy(path, base, n);
    path[n] = '/';
    memcpy(path + n + 1, given, m + 1);
}

/* Where a write without an offset goes. */
static uint64_t position_of(pid_t thread, int fd)
{
    char path[64], line[128];
    unsigned long long at = 0;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", thread, fd);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "pos: %llu", &at) == 1)
            break;
    }
    if (f)
        fclose(f);
    return at;
}

static bool is_inside(const char *path)
{
    return strncmp(path, run.folder, run.folder_length) == 0 &&
           (path[run.folder_length] == '/' || path[run.folder_length] == '\0');
}

static void look_at_descriptor(call *c, pid_t thread,
                               const struct user_regs_struct *regs)
{
    path_of_fd(thread, (int)regs->rdi, c->path);
    if (c->kind == TRUNCATE) {
        c->offset = regs->rsi;
    } else if (c->kind == WRITE && is_inside(c->path)) {
        c->bytes = regs->rsi;
        c->size = regs->rdx;
        c->offset = regs->orig_rax == SCMP_SYS(pwrite64)
                        ? regs->r10
                        : position_of(thread, (int)regs->rdi);
    }
}

/* To open a file changes the folder when it makes the file, or empties it. */
static void look_at_flags(call *c, uint64_t flags)
{
    struct stat st;
    const bool exists = stat(c->path, &st) == 0;
    if (exists && (flags & O_TRUNC)) {
        c->kind = TRUNCATE;
        c->name = "truncate";
    } else if (exists || !(flags & O_CREAT)) {
        c->path[0] = '\0';
    }
}

static void look_at_name(call *c, pid_t thread, const struct user_regs_struct *regs)
{
    switch (regs->orig_rax) {
    case SCMP_SYS(rename):
        path_at(thread, AT_FDCWD, regs->rsi, c->path);
        break;
    case SCMP_SYS(renameat):
    case SCMP_SYS(renameat2):
        path_at(thread, (int)regs->rdx, regs->r10, c->path);
        break;
    case SCMP_SYS(unlink):
    case SCMP_SYS(mkdir):
    case SCMP_SYS(open):
        path_at(thread, AT_FDCWD, regs->rdi, c->path);
        break;
    default:
        path_at(thread, (int)regs->rdi, regs->rsi, c->path);
    }
    if (c->kind == CREATE)
        look_at_flags(c, regs->orig_rax == SCMP_SYS(open) ? regs->rsi : regs->rdx);
}

/* The old name of a rename goes where other calls have their bytes. */
static void say_old_name(pid_t thread, const struct user_regs_struct *regs)
{
    char from[PATH_MAX];
    if (regs->orig_rax == SCMP_SYS(rename))
        path_at(thread, AT_FDCWD, regs->rdi, from);
    else
        path_at(thread, (int)regs->rdi, regs->rsi, from);
    fprintf(run.log, "from %s 0 0\n", from);
}

static bool look_at_call(call *c, pid_t thread, const struct user_regs_struct *regs)
{
    size_t i = 0;
    while (i < sizeof calls / sizeof *calls &&
           (uint64_t)calls[i].number != regs->orig_rax)
        i++;
    if (i == sizeof calls / sizeof *calls)
        return false;
    *c = (call){.thread = thread, .name = calls[i].name, .kind = calls[i].kind};
    if (c->kind == WRITE || c->kind == SYNC || c->kind == TRUNCATE)
        look_at_descriptor(c, thread, regs);
    else
        look_at_name(c, thread, regs);
    return is_inside(c->path);
}

/* ---- what happens to it ---------------------------------------------------------- */

static int errno_of(const char *what)
{
    return strstr(what, "ENOSPC") ? ENOSPC : EIO;
}

static bool needs_room(kind k)
{
    return k == WRITE || k == CREATE || k == MKDIR;
}

static void refuse(pid_t thread, struct user_regs_struct *regs, int why)
{
    regs->orig_rax = (unsigned long long)-1;
    regs->rax = (unsigned long long)-why;
    if (ptrace(PTRACE_SETREGS, thread, 0, regs) != 0)
        die("cannot refuse a call");
}

static void halve(call *c, pid_t thread, struct user_regs_struct *regs)
{
    if (c->kind != WRITE || c->size < 2)
        return;
    c->size = regs->rdx = regs->rdx / 2;
    if (ptrace(PTRACE_SETREGS, thread, 0, regs) != 0)
        die("cannot shorten a write");
}

/* False: the call is not made. */
static bool strike(call *c, pid_t thread, struct user_regs_struct *regs)
{
    if (strncmp(run.what, "kill-", 5) == 0) {
        if (strcmp(run.what, "kill-before") == 0)
            kill(run.program, SIGKILL);
        if (strcmp(run.what, "kill-half") == 0)
            halve(c, thread, regs);
        c->kills = true;
        return true;
    }
    if (strcmp(run.what, "short") == 0) {
        halve(c, thread, regs);
        return true;
    }
    run.is_stuck = strncmp(run.what, "sticky-", 7) == 0;
    refuse(thread, regs, errno_of(run.what));
    return false;
}

static void write_log(const call *c, uint64_t result)
{
    static char bytes[1 << 16];
    const uint64_t size = c->kind == WRITE ? result : 0;
    fprintf(run.log, "%s %s %llu %llu\n", c->name, c->path,
            (unsigned long long)c->offset, (unsigned long long)size);
    for (uint64_t done = 0; done < size;) {
        const uint64_t left = size - done;
        const size_t n = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (read_memory(c->thread, c->bytes + done, bytes, n) != n)
            die("cannot read what was written");
        fwrite(bytes, 1, n, run.log);
        done += n;
    }
}

static call *slot_of(pid_t thread)
{
    for (int i = 0; i < THREADS_MAX; i++) {
        if (run.open[i].thread == thread)
            return &run.open[i];
    }
    return NULL;
}

/* The program is about to make one of the calls above; returns how it goes on. */
static int before_call(pid_t thread)
{
    struct user_regs_struct regs;
    call now;
    if (ptrace(PTRACE_GETREGS, thread, 0, &regs) != 0 ||
        !look_at_call(&now, thread, &regs) || (run.only_syncs && now.kind != SYNC))
        return PTRACE_CONT;
    run.counted++;
    if (run.list)
        fprintf(run.list, "%ld %s %s %llu %llu\n", run.counted, now.name, now.path,
                (unsigned long long)now.offset, (unsigned long long)now.size);
    const int sticky = run.is_stuck ? errno_of(run.what) : 0;
    if (sticky == EIO || (sticky == ENOSPC && needs_room(now.kind))) {
        refuse(thread, &regs, sticky);
        return PTRACE_CONT;
    }
    if (run.counted == run.at && !strike(&now, thread, &regs))
        return PTRACE_CONT;
    if (!run.log && !now.kills)
        return PTRACE_CONT;
    if (run.log && now.kind == RENAME)
        say_old_name(thread, &regs);
    call *slot = slot_of(0);
    if (!slot)
        die("too many calls at once");
    *slot = now;
    return PTRACE_SYSCALL;
}

static void after_call(pid_t thread)
{
    struct user_regs_struct regs;
    call *c = slot_of(thread);
    if (!c || ptrace(PTRACE_GETREGS, thread, 0, &regs) != 0)
        return;
    if (run.log && (int64_t)regs.rax >= 0)
        write_log(c, regs.rax);
    if (c->kills)
        kill(run.program, SIGKILL);
    c->thread = 0;
}

/* ---- the program ----------------------------------------------------------------- */

static bool is_of_program(pid_t thread)
{
    char path[64], line[128];
    int group = 0;
    if (thread >= PID_LIMIT)
        die("a process number out of all bounds");
    if (run.is_known[thread])
        return run.is_ours[thread];
    snprintf(path, sizeof path, "/proc/%d/status", thread);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "Tgid: %d", &group) == 1)
            break;
    }
    if (f)
        fclose(f);
    run.is_known[thread] = group != 0;
    return run.is_ours[thread] = group == run.program;
}

/* Stops itself until it is watched, then becomes the program. */
static void become(char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (size_t i = 0; filter && i < sizeof calls / sizeof *calls; i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_TRACE(0), calls[i].number, 0) != 0)
            _exit(77);
    }
    if (!filter || ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0 ||
        seccomp_load(filter) != 0)
        _exit(77);
    execv(argv[0], argv);
    _exit(127);
}

static void start(char **argv)
{
    const long follow = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                        PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                        PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    int status;
    run.program = fork();
    if (run.program == 0)
        become(argv);
    if (run.program < 0 || waitpid(run.program, &status, 0) != run.program ||
        !WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, run.program, 0, follow) != 0 ||
        ptrace(PTRACE_CONT, run.program, 0, 0) != 0)
        die("nothing can be traced here");
}

/* How a thread that has stopped goes on, and with which signal. */
static int go_on(pid_t thread, int status, int *signal)
{
    const int event = status >> 16;
    *signal = 0;
    if (event == PTRACE_EVENT_SECCOMP)
        return is_of_program(thread) ? before_call(thread) : PTRACE_CONT;
    if (event != 0)
        return PTRACE_CONT;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80))
        after_call(thread);
    else if (WSTOPSIG(status) != SIGSTOP) /* that of a new thread is for us */
        *signal = WSTOPSIG(status);
    return PTRACE_CONT;
}

/* Its wait status. */
static int watch(void)
{
    for (;;) {
        int status, signal;
        const pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR)
            continue;
        if (thread < 0)
            die("lost sight of the program");
        if (!WIFSTOPPED(status)) {
            if (thread == run.program)
                return status;
            if (thread < PID_LIMIT)
                run.is_known[thread] = false; /* its number may come again */
            continue;
        }
        const int how = go_on(thread, status, &signal);
        ptrace(how, thread, 0, signal); /* it may be gone by now */
    }
}

/* ---- the command line ------------------------------------------------------------ */

static FILE *open_for_writing(const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f)
        die(path);
    return f;
}

/* The index of the first argument that is no option; 0 for a misuse. */
static int read_options(int argc, char **argv)
{
    int i = 1;
    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        const char *option = argv[i] + 2;
        const int left = argc - i - 1;
        if (strcmp(option, "at") == 0 && left >= 2) {
            run.at = strtol(argv[i + 1], NULL, 10);
            run.what = argv[i + 2];
            i += 3;
        } else if (strcmp(option, "only") == 0 && left >= 1) {
            run.only_syncs = true;
            i += 2;
        } else if (strcmp(option, "list") == 0 && left >= 1) {
            run.list = open_for_writing(argv[i + 1]);
            i += 2;
        } else if (strcmp(option, "log") == 0 && left >= 1) {
            run.log = open_for_writing(argv[i + 1]);
            i += 2;
        } else {
            return 0;
        }
    }
    return argc - i >= 2 ? i : 0;
}

int main(int argc, char **argv)
{
    const int first = read_options(argc, argv);
    if (first == 0) {
        fputs("usage: pf-fault [--at N WHAT] [--only sync] [--list FILE] [--log FILE] "
              "FOLDER PROGRAM [ARGUMENT...]\n",
              stderr);
        return 2;
    }
    run.folder = argv[first];
    run.folder_length = strlen(run.folder);
    start(argv + first + 1);
    const int status = watch();
    if ((run.list && fclose(run.list) != 0) || (run.log && fclose(run.log) != 0))
        die("cannot write what was seen");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
#endif
