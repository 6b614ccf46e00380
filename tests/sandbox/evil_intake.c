/*
 * evil_intake.c - in the place of the decoders: what a picture may try once it has
 * taken over the process. Linked with the decoder's own main() and lockdown, so what
 * stops it is what stops a real one. The picture's name says what is tried; when that
 * is survived, the picture has a width that says how far it came.
 */
#define _GNU_SOURCE
#include "core/image/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/decoder/protocol.h"

static volatile int *volatile nowhere = (volatile int *)8;

enum { REFUSED = 1, SURVIVED = 2, SUCCEEDED = 666 };

/* What it wanted to have: a descriptor, an address, or 0. */
static int outcome(long result)
{
    return result >= 0 ? SUCCEEDED : REFUSED;
}

static int try_memory(int protection)
{
    void *p = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? SUCCEEDED : REFUSED;
}

static int try_connect(int family)
{
    const int fd = socket(family, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(9),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return fd < 0 ? REFUSED : outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int try_exec(void)
{
    char name[] = "sh";
    char *const argv[] = {name, NULL}, *const none[] = {NULL};
    return outcome(execve("/bin/sh", argv, none));
}

static int eat_memory(void)
{
    for (size_t n = 0; n < 1 << 20; n++) {
        char *p = malloc(1 << 20);
        if (!p)
            return SURVIVED;
        memset(p, 1, 1 << 20);
    }
    return SUCCEEDED;
}

static int loop(void)
{
    volatile unsigned n = 0;
    while (n < 4000000000u || n > 0)
        n++;
    return SUCCEEDED;
}

/* Through the descriptor of the picture, or of the page that is shared. */
static int fill_disk(void)
{
    static const char bytes[1 << 16];
    const int fds[] = {PF_DECODER_INPUT, PF_DECODER_PAGE, 0, 1, 2};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (write(fds[i], bytes, sizeof bytes) > 0)
            return SUCCEEDED;
    }
    return REFUSED;
}

static int write_to_picture(void)
{
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, PF_DECODER_INPUT, 0);
    if (p == MAP_FAILED)
        return REFUSED;
    p[0] = 'x';
    return SUCCEEDED;
}

static int flood(void)
{
    static const char bytes[1 << 16];
    while (write(PF_DECODER_CONTROL, bytes, sizeof bytes) > 0)
        continue;
    return SURVIVED;
}

static int ask_without_end(const pf_intake_options *o)
{
    while (o->limits->reserve(o->limits->context, 1 << 20))
        continue;
    return SURVIVED;
}

static bool is_poisoned;

/* It answers, and dies at the picture that comes next. */
static int poison(void)
{
    is_poisoned = true;
    return 0;
}

static int misbehave(const char *what, const pf_intake_options *o)
{
    if (is_poisoned)
        _exit(0);
    if (strcmp(what, "poison") == 0)
        return poison();
    if (strcmp(what, "open") == 0)
        return outcome(open("/etc/passwd", O_RDONLY));
    if (strcmp(what, "create") == 0)
        return outcome(open("/tmp/plainfilm-evil", O_WRONLY | O_CREAT, 0600));
    if (strcmp(what, "unlink") == 0)
        return outcome(unlink("/tmp/plainfilm-evil"));
    if (strcmp(what, "connect") == 0)
        return try_connect(AF_INET);
    if (strcmp(what, "unix") == 0)
        return try_connect(AF_UNIX);
    if (strcmp(what, "fork") == 0)
        return outcome(fork());
    if (strcmp(what, "exec") == 0)
        return try_exec();
    if (strcmp(what, "ptrace") == 0)
        return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
    if (strcmp(what, "kill-parent") == 0)
        return outcome(kill(getppid(), 0));
    if (strcmp(what, "kill-all") == 0)
        return outcome(syscall(SYS_kill, -1, 0));
    if (strcmp(what, "executable") == 0)
        return try_memory(PROT_READ | PROT_WRITE | PROT_EXEC);
    if (strcmp(what, "executable-alone") == 0)
        return try_memory(PROT_EXEC);
    if (strcmp(what, "mprotect") == 0)
        return outcome(mprotect((void *)((uintptr_t)misbehave & ~4095UL), 4096,
                                PROT_READ | PROT_WRITE | PROT_EXEC));
    if (strcmp(what, "dumpable") == 0)
        return outcome(prctl(PR_SET_DUMPABLE, 1));
    if (strcmp(what, "limits") == 0) {
        const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
        return outcome(setrlimit(RLIMIT_AS, &none));
    }
    if (strcmp(what, "fill-disk") == 0)
        return fill_disk();
    if (strcmp(what, "write-picture") == 0)
        return write_to_picture();
    if (strcmp(what, "memory") == 0)
        return eat_memory();
    if (strcmp(what, "loop") == 0)
        return loop();
    if (strcmp(what, "sleep") == 0)
        return outcome(sleep(1000) == 0 ? 0 : -1);
    if (strcmp(what, "crash") == 0)
        return *nowhere;
    if (strcmp(what, "abort") == 0)
        abort();
    if (strcmp(what, "exit") == 0)
        _exit(0);
    if (strcmp(what, "flood") == 0)
        return flood();
    if (strcmp(what, "ask") == 0)
        return ask_without_end(o);
    return 0;
}

/* Answers that no decoder gives. */
static bool lie(const char *what, pf_intake *intake, pf_err *err)
{
    if (strcmp(what, "lie-thumbnail") == 0) {
        intake->thumbnail->width = 1 << 30;
        intake->thumbnail->height = -5;
    } else if (strcmp(what, "lie-size") == 0) {
        intake->width = -1;
    } else if (strcmp(what, "lie-format") == 0) {
        memset(intake->format, '<', sizeof intake->format);
    } else if (strcmp(what, "lie-code") == 0) {
        return pf_fail(err, (pf_code)4711, "who knows");
    } else if (strcmp(what, "lie-memory") == 0) {
        return pf_fail(err, PF_ERR_NOMEM, "all of it");
    } else if (strcmp(what, "lie-message") == 0) {
        pf_fail(err, PF_ERR_FORMAT, "x");
        memset(err->msg, 0x1B, sizeof err->msg);
        return false;
    }
    return true;
}

bool pf_intake_make(pf_intake *intake, const uint8_t *bytes, size_t n,
                    const pf_intake_options *o, pf_err *err)
{
    (void)bytes, (void)n;
    intake->width = intake->height = 100;
    strcpy(intake->format, "png");
    if (intake->pixels)
        memset(intake->pixels, 7,
               (size_t)o->preprocess->size * (size_t)o->preprocess->size * 3);
    if (intake->thumbnail)
        intake->thumbnail->width = intake->thumbnail->height = 1;
    char what[PF_DECODER_NAME_ROOM] = ""; /* the name without its ending */
    if (o->name)
        memcpy(what, o->name, strcspn(o->name, "."));
    const int came = misbehave(what, o);
    if (came != 0)
        intake->width = came;
    return lie(what, intake, err);
}
