/* decoder_process.c - see decoder_process.h. */
#define _GNU_SOURCE /* memfd_create(), dladdr() and the rest are Linux's own */
#include "core/image/decoder_process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/picture.h"

int pf_decoder_seconds = 60;

enum { FIRST_FD = 10 }; /* clear of those that the decoder gets */

/* ---- finding the program --------------------------------------------------------- */

/* The loader knows where a library lies; of a program it knows argv[0], which may be
 * anything, and the kernel knows better. */
static bool is_library(const char *path)
{
    return path && path[0] == '/' && strstr(pf_path_base(path), ".so");
}

/* The folder of the library, or of the program it is linked into; NULL: not known. */
static bool own_folder(char **out, pf_err *err)
{
    Dl_info info;
    const bool is_found = dladdr((const void *)&pf_decoder_process_start, &info) != 0;
    char *real = realpath(is_found && is_library(info.dli_fname) ? info.dli_fname
                                                                 : "/proc/self/exe",
                          NULL);
    const bool is_known = real != NULL;
    *out = is_known ? pf_strndup(real, (size_t)(pf_path_base(real) - real), err) : NULL;
    free(real);
    return !is_known || *out;
}

/* *out NULL: it is not there, or cannot be run. */
static bool look(const char *folder, const char *place, char **out, pf_err *err)
{
    char *program = pf_strf(err, "%s%splainfilm-decode", folder, place);
    *out = program && access(program, X_OK) == 0 ? program : NULL;
    if (!*out)
        pf_free(program);
    return program != NULL;
}

/* Beside us, as in a build folder, or where an installation has it, moved or not. */
static bool find_program(char **out, pf_err *err)
{
    static const char *const places[] = {"", "../libexec/plainfilm/",
                                         "../../libexec/plainfilm/"};
    const char *named = secure_getenv("PLAINFILM_DECODER");
    char *folder;
    *out = NULL;
    if (named && named[0] == '/')
        return (*out = pf_strdup(named, err)) != NULL;
    bool ok = own_folder(&folder, err);
    for (size_t i = 0; ok && folder && !*out && i < sizeof places / sizeof *places; i++)
        ok = look(folder, places[i], out, err);
    pf_free(folder);
    return ok && (*out || (*out = pf_strdup(PF_DECODER_PATH, err)) != NULL);
}

/* ---- starting and ending --------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Ends the process, whatever it is at; its wait status. */
int pf_decoder_process_stop(pf_decoder_process *p)
{
    int status = 0;
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    p->pid = 0;
    close_fd(&p->control);
    return status;
}

/* A memory file that nobody can make smaller or larger. */
static int memory_file(const char *name, size_t size)
{
    const int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const int fd = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, FIRST_FD);
    if (made >= 0)
        close(made);
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool pf_decoder_process_open(pf_decoder_process *p, pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    if (p->page)
        return true;
    p->input = memory_file("plainfilm-picture", limits.max_file_bytes);
    p->page_fd = memory_file("plainfilm-page", sizeof *p->page);
    void *page = p->page_fd < 0 ? MAP_FAILED
                                : mmap(NULL, sizeof *p->page, PROT_READ | PROT_WRITE,
                                       MAP_SHARED, p->page_fd, 0);
    if (p->input < 0 || page == MAP_FAILED) {
        pf_fail_errno(err, errno, "cannot make room for a picture (%zu bytes)",
                      sizeof *p->page);
        close_fd(&p->input);
        close_fd(&p->page_fd);
        return false;
    }
    p->page = page;
    return true;
}

/* What the decoder can only read. */
static int readable_input(const pf_decoder_process *p)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", p->input);
    const int opened = open(path, O_RDONLY | O_CLOEXEC);
    const int fd = opened < 0 ? -1 : fcntl(opened, F_DUPFD_CLOEXEC, FIRST_FD);
    if (opened >= 0)
        close(opened);
    return fd;
}

/* A new program with three descriptors, signals as they are by default, and no
 * environment; 0, or an errno. */
static int spawn(pf_decoder_process *p, const char *program, int theirs, int input)
{
    char name[] = "plainfilm-decode", version[] = PF_DECODER_VERSION;
    char *const argv[] = {name, version, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    /* a group of its own: Ctrl-C is for who reads the terminal */
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
    int why = posix_spawn_file_actions_adddup2(&files, theirs, PF_DECODER_CONTROL);
    if (why == 0)
        why = posix_spawn_file_actions_adddup2(&files, input, PF_DECODER_INPUT);
    if (why == 0)
        why = posix_spawn_file_actions_adddup2(&files, p->page_fd, PF_DECODER_PAGE);
    if (why == 0)
        why = posix_spawn(&p->pid, program, &files, &how, argv, environment);
    if (why != 0)
        p->pid = 0;
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return why;
}

static bool spawn_connected(pf_decoder_process *p, const char *program, pf_err *err)
{
    int ends[2], theirs, input = readable_input(p);
    if (input < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        pf_fail_errno(err, errno, "cannot start the decoder '%s'", program);
        close_fd(&input);
        return false;
    }
    p->control = ends[0];
    theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, FIRST_FD);
    close(ends[1]);
    const int why = theirs < 0 ? errno : spawn(p, program, theirs, input);
    close_fd(&theirs);
    close_fd(&input);
    return why == 0 ||
           pf_fail_errno(err, why, "cannot start the decoder '%s'", program);
}

/* ---- talking --------------------------------------------------------------------- */

bool pf_decoder_process_tell(const pf_decoder_process *p, pf_decoder_message what)
{
    const char c = (char)what;
    return send(p->control, &c, 1, MSG_NOSIGNAL) == 1;
}

/* What it says next; 0 when it has ended, -1 when it takes too long. */
int pf_decoder_process_hear(const pf_decoder_process *p)
{
    char c;
    struct pollfd control = {.fd = p->control, .events = POLLIN};
    int n;
    while ((n = poll(&control, 1, 1000 * pf_decoder_seconds)) < 0 && errno == EINTR)
        continue;
    if (n == 0)
        return -1;
    return recv(p->control, &c, 1, 0) == 1 ? c : 0;
}

bool pf_decoder_process_start(pf_decoder_process *p, pf_err *err)
{
    char *program = NULL;
    bool ok = pf_decoder_process_open(p, err) && find_program(&program, err) &&
              spawn_connected(p, program, err);
    if (ok && pf_decoder_process_hear(p) != PF_DECODER_READY) {
        const int status = pf_decoder_process_stop(p);
        ok = pf_fail(err, PF_ERR_IO,
                     "the decoder '%s' does not start (status %d): is it of this "
                     "version?",
                     program, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    if (!ok)
        pf_decoder_process_stop(p);
    pf_free(program);
    return ok;
}

void pf_decoder_process_init(pf_decoder_process *p)
{
    *p = (pf_decoder_process){.control = -1, .input = -1, .page_fd = -1};
}

void pf_decoder_process_reset(pf_decoder_process *p)
{
    pf_decoder_process_stop(p);
    if (p->page)
        munmap(p->page, sizeof *p->page);
    close_fd(&p->input);
    close_fd(&p->page_fd);
    p->page = NULL;
}
