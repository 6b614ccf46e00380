/* sandbox.c - see sandbox.h. The other side is core/decoder/main.c. */
#define _GNU_SOURCE /* memfd_create(), dladdr() and the rest are Linux's own */
#include "core/image/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/decoder/protocol.h"

enum {
    SECONDS_MAX = 60,     /* for one picture */
    PICTURES_MAX = 500,   /* of one decoder: its time is limited as a whole, too */
    FIRST_FD = 10,        /* clear of those that the decoder gets */
    LARGE_FILE = 4 << 20, /* bytes; they count, and their memory is given back */
    CHUNK = 1 << 18,      /* bytes of a file that are here at a time */
};

struct pf_sandbox {
    pid_t pid;   /* 0: not started */
    int control; /* our end of the socket */
    int input;   /* memory file with the picture's bytes */
    int page_fd;
    pf_decoder_page *page;
    unsigned n_pictures; /* that this process was given */
    size_t n_bytes;      /* of the picture that was taken in */
    size_t granted;      /* of the budget, now */
    bool is_large;       /* the one large file that there may be is ours */
};

static atomic_bool is_unfiltered;

const char *pf_sandbox_lack(void)
{
    return atomic_load(&is_unfiltered)
               ? "this kernel has no seccomp: pictures are decoded within limits of "
                 "memory and time, but their decoder may call the system as it likes"
               : NULL;
}

/* ---- the budget ------------------------------------------------------------------ */

static pthread_mutex_t budget_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t budget_changed = PTHREAD_COND_INITIALIZER;
static size_t budget_used;

static bool has_large_file;

/* False: more than there ever is. */
static bool take(pf_sandbox *s, uint64_t bytes)
{
    if (bytes > PF_SANDBOX_MEMORY - s->granted)
        return false;
    pthread_mutex_lock(&budget_lock);
    while (budget_used + bytes > PF_SANDBOX_MEMORY)
        pthread_cond_wait(&budget_changed, &budget_lock);
    budget_used += (size_t)bytes;
    s->granted += (size_t)bytes;
    pthread_mutex_unlock(&budget_lock);
    return true;
}

/* Before a large file is read. There is one at a time: two that have theirs and want
 * memory to decode them could wait for each other for ever. */
static bool take_for_file(pf_sandbox *s, size_t n, pf_err *err)
{
    if (n <= LARGE_FILE)
        return true;
    pthread_mutex_lock(&budget_lock);
    while (has_large_file)
        pthread_cond_wait(&budget_changed, &budget_lock);
    has_large_file = s->is_large = true;
    pthread_mutex_unlock(&budget_lock);
    return take(s, n) || pf_fail(err, PF_ERR_LIMIT, "a file of %zu bytes", n);
}

/* All but what its file takes, which is needed again if it is tried again. */
static void give_back(pf_sandbox *s, size_t of_file)
{
    pthread_mutex_lock(&budget_lock);
    budget_used -= s->granted - of_file;
    s->granted = of_file;
    if (s->is_large && of_file == 0)
        has_large_file = s->is_large = false;
    pthread_cond_broadcast(&budget_changed);
    pthread_mutex_unlock(&budget_lock);
}

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
    const bool is_found = dladdr((const void *)&is_unfiltered, &info) != 0;
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
static int stop(pf_sandbox *s)
{
    int status = 0;
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    s->pid = 0;
    close_fd(&s->control);
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

static bool make_files(pf_sandbox *s, pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    if (s->page)
        return true;
    s->input = memory_file("plainfilm-picture", limits.max_file_bytes);
    s->page_fd = memory_file("plainfilm-page", sizeof *s->page);
    void *page = s->page_fd < 0 ? MAP_FAILED
                                : mmap(NULL, sizeof *s->page, PROT_READ | PROT_WRITE,
                                       MAP_SHARED, s->page_fd, 0);
    if (s->input < 0 || page == MAP_FAILED) {
        pf_fail_errno(err, errno, "cannot make room for a picture");
        close_fd(&s->input);
        close_fd(&s->page_fd);
        return false;
    }
    s->page = page;
    return true;
}

/* What the decoder can only read. */
static int readable_input(const pf_sandbox *s)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", s->input);
    const int opened = open(path, O_RDONLY | O_CLOEXEC);
    const int fd = opened < 0 ? -1 : fcntl(opened, F_DUPFD_CLOEXEC, FIRST_FD);
    if (opened >= 0)
        close(opened);
    return fd;
}

/* A new program with three descriptors, signals as they are by default, and no
 * environment; 0, or an errno. */
static int spawn(pf_sandbox *s, const char *program, int theirs, int input)
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
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int why = posix_spawn_file_actions_adddup2(&files, theirs, PF_DECODER_CONTROL);
    if (why == 0)
        why = posix_spawn_file_actions_adddup2(&files, input, PF_DECODER_INPUT);
    if (why == 0)
        why = posix_spawn_file_actions_adddup2(&files, s->page_fd, PF_DECODER_PAGE);
    if (why == 0)
        why = posix_spawn(&s->pid, program, &files, &how, argv, environment);
    if (why != 0)
        s->pid = 0;
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return why;
}

static bool spawn_connected(pf_sandbox *s, const char *program, pf_err *err)
{
    int ends[2], theirs, input = readable_input(s);
    if (input < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        pf_fail_errno(err, errno, "cannot start the decoder '%s'", program);
        close_fd(&input);
        return false;
    }
    s->control = ends[0];
    theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, FIRST_FD);
    close(ends[1]);
    const int why = theirs < 0 ? errno : spawn(s, program, theirs, input);
    close_fd(&theirs);
    close_fd(&input);
    return why == 0 ||
           pf_fail_errno(err, why, "cannot start the decoder '%s'", program);
}

/* ---- talking --------------------------------------------------------------------- */

static bool tell(const pf_sandbox *s, pf_decoder_message what)
{
    const char c = (char)what;
    return send(s->control, &c, 1, MSG_NOSIGNAL) == 1;
}

/* What it says next; 0 when it has ended, -1 when it takes too long. */
static int hear(const pf_sandbox *s)
{
    char c;
    struct pollfd p = {.fd = s->control, .events = POLLIN};
    int n;
    while ((n = poll(&p, 1, 1000 * SECONDS_MAX)) < 0 && errno == EINTR)
        continue;
    if (n == 0)
        return -1;
    return recv(s->control, &c, 1, 0) == 1 ? c : 0;
}

static bool start(pf_sandbox *s, pf_err *err)
{
    char *program = NULL;
    bool ok = make_files(s, err) && find_program(&program, err) &&
              spawn_connected(s, program, err);
    if (ok && hear(s) != PF_DECODER_READY) {
        const int status = stop(s);
        ok = pf_fail(err, PF_ERR_IO,
                     "the decoder '%s' does not start (status %d): is it of this "
                     "version?",
                     program, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    if (ok && !s->page->has_filter)
        atomic_store(&is_unfiltered, true);
    if (!ok)
        stop(s);
    s->n_pictures = 0;
    pf_free(program);
    return ok;
}

/* ---- taking it in ---------------------------------------------------------------- */

static void forget_bytes(pf_sandbox *s)
{
    if (s->n_bytes > LARGE_FILE)
        fallocate(s->input, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  (off_t)s->n_bytes);
    s->n_bytes = 0;
    give_back(s, 0);
}

static bool check_file(size_t n, pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    return n <= limits.max_file_bytes ||
           pf_fail(err, PF_ERR_LIMIT, "the file has %zu bytes, the limit is %zu", n,
                   limits.max_file_bytes);
}

static bool append(pf_sandbox *s, const uint8_t *bytes, size_t n, pf_err *err)
{
    while (n > 0) {
        const ssize_t done = pwrite(s->input, bytes, n, (off_t)s->n_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return pf_fail(err, PF_ERR_LIMIT, "no memory for the file");
        bytes += done;
        n -= (size_t)done;
        s->n_bytes += (size_t)done;
    }
    return true;
}

bool pf_sandbox_put(pf_sandbox *s, const uint8_t *bytes, size_t n, pf_err *err)
{
    forget_bytes(s);
    if (check_file(n, err) && make_files(s, err) && take_for_file(s, n, err) &&
        append(s, bytes, n, err))
        return true;
    forget_bytes(s);
    return false;
}

/* To its end; one that grew meanwhile is as long as it was. */
static bool copy_file(pf_sandbox *s, int fd, size_t size, pf_hasher *h, uint8_t *chunk,
                      pf_err *err)
{
    while (s->n_bytes < size) {
        const size_t left = size - s->n_bytes;
        const ssize_t n =
            pread(fd, chunk, left < CHUNK ? left : CHUNK, (off_t)s->n_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pf_fail_errno(err, errno, "cannot read it");
        if (n == 0)
            return true; /* it was cut */
        pf_hasher_add(h, chunk, (size_t)n);
        if (!append(s, chunk, (size_t)n, err))
            return false;
    }
    return true;
}

static bool read_open(pf_sandbox *s, int fd, pf_hash *hash, pf_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read it");
    const size_t size = (size_t)st.st_size;
    pf_hasher *h = pf_hasher_new(err);
    uint8_t *chunk = pf_alloc_array(CHUNK, 1, err);
    const bool ok = h && chunk && check_file(size, err) &&
                    take_for_file(s, size, err) &&
                    copy_file(s, fd, size, h, chunk, err);
    pf_free(chunk);
    if (ok)
        *hash = pf_hasher_finish(h);
    else
        pf_hasher_free(h);
    return ok;
}

bool pf_sandbox_read(pf_sandbox *s, const char *path, const char *within, pf_hash *hash,
                     pf_err *err)
{
    int fd;
    forget_bytes(s);
    if (!make_files(s, err) || !pf_file_open_within(&fd, path, within, err))
        return false;
    const bool ok = read_open(s, fd, hash, err) || pf_fail_in(err, "'%s'", path);
    close(fd);
    if (!ok)
        forget_bytes(s);
    return ok;
}

/* ---- one picture ----------------------------------------------------------------- */

static void put_question(const pf_sandbox *s, const pf_intake *intake,
                         const pf_intake_options *o)
{
    pf_decoder_page *p = s->page;
    /* nothing of the picture before */
    memset(&p->thumbnail, 0, sizeof p->thumbnail);
    if (intake->pixels)
        memset(p->pixels, 0,
               (size_t)o->preprocess->size * (size_t)o->preprocess->size * 3);
    p->n_bytes = s->n_bytes;
    p->frame = o->frame;
    p->wants_pixels = intake->pixels != NULL;
    p->wants_thumbnail = intake->thumbnail != NULL;
    snprintf(p->name, sizeof p->name, "%s", o->name ? o->name : "");
    if (o->preprocess)
        p->preprocess = *o->preprocess;
    if (o->limits)
        p->limits = *o->limits;
    else
        pf_picture_limits_init(&p->limits);
}

static bool is_failure_of_a_picture(pf_code code)
{
    return code == PF_ERR_FORMAT || code == PF_ERR_UNSUPPORTED ||
           code == PF_ERR_LIMIT || code == PF_ERR_NOT_FOUND;
}

/* What it gives as its reason is no more to be trusted than what it gives as pixels. */
static bool fail_as_told(pf_err told, pf_err *err)
{
    told.msg[sizeof told.msg - 1] = '\0';
    if (told.code == PF_ERR_NOMEM)
        return pf_fail(err, PF_ERR_LIMIT,
                       "decoding it takes more memory than it may have");
    return pf_fail(err, is_failure_of_a_picture(told.code) ? told.code : PF_ERR_FORMAT,
                   "%s", told.msg);
}

static bool is_size(int n, int most)
{
    return n >= 1 && n <= most;
}

/* Copied first: what is checked is what is used. */
static bool take_answer(const pf_sandbox *s, pf_intake *intake,
                        const pf_intake_options *o, pf_err *err)
{
    const pf_decoder_page *p = s->page;
    const pf_err told = p->err;
    intake->width = p->width;
    intake->height = p->height;
    memcpy(intake->format, p->format, sizeof intake->format);
    intake->format[sizeof intake->format - 1] = '\0';
    if (told.code != PF_OK)
        return fail_as_told(told, err);
    bool ok = intake->width >= 1 && intake->height >= 1;
    if (intake->thumbnail) {
        memcpy(intake->thumbnail, &p->thumbnail, sizeof *intake->thumbnail);
        ok = ok && is_size(intake->thumbnail->width, PF_THUMBNAIL_SIDE) &&
             is_size(intake->thumbnail->height, PF_THUMBNAIL_SIDE);
    }
    if (intake->pixels)
        memcpy(intake->pixels, p->pixels,
               (size_t)o->preprocess->size * (size_t)o->preprocess->size * 3);
    for (const char *c = intake->format; *c; c++)
        ok = ok && ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'));
    return ok || pf_fail(err, PF_ERR_FORMAT, "the decoder gave nonsense");
}

/* GO, what it needs, which is said once, and DONE; 0 when it has died or says anything
 * else, -1 when it hangs. Twice would let two of them wait for each other. */
static int converse(pf_sandbox *s)
{
    const size_t of_file = s->granted;
    int said = tell(s, PF_DECODER_GO) ? hear(s) : 0;
    if (said == PF_DECODER_NEEDS) {
        const bool is_granted = take(s, s->page->needs);
        said =
            tell(s, is_granted ? PF_DECODER_GRANTED : PF_DECODER_REFUSED) ? hear(s) : 0;
    }
    give_back(s, of_file);
    return said == PF_DECODER_DONE || said == -1 ? said : 0;
}

static bool say_how_it_ended(pf_sandbox *s, int said, pf_err *err)
{
    const int status = stop(s);
    if (said == -1)
        return pf_fail(err, PF_ERR_LIMIT, "decoding it takes more than %d seconds",
                       SECONDS_MAX);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return pf_fail(err, PF_ERR_FORMAT,
                       "its decoder tried what decoders may not do, and was ended");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return pf_fail(err, PF_ERR_LIMIT, "decoding it takes too long");
    return pf_fail(err, PF_ERR_FORMAT, "its decoder died (%s %d)",
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* *is_done: it came to an answer, be that a failure. */
static bool try_once(pf_sandbox *s, pf_intake *intake, const pf_intake_options *o,
                     bool *is_done, pf_err *err)
{
    put_question(s, intake, o);
    s->n_pictures++;
    const int said = converse(s);
    *is_done = said == PF_DECODER_DONE;
    return *is_done ? take_answer(s, intake, o, err) : say_how_it_ended(s, said, err);
}

static bool decode(pf_sandbox *s, pf_intake *intake, const pf_intake_options *o,
                   pf_err *err)
{
    bool is_done;
    if (s->n_pictures >= PICTURES_MAX)
        stop(s);
    if (s->pid == 0 && !start(s, err))
        return false;
    const bool was_new = s->n_pictures == 0;
    if (try_once(s, intake, o, &is_done, err))
        return true;
    if (is_done || was_new)
        return false;
    /* Perhaps an earlier picture has harmed it: only the culprit is to pay. */
    pf_err again = PF_ERR_INIT;
    if (!start(s, &again))
        return pf_fail_as(err, &again);
    return try_once(s, intake, o, &is_done, err);
}

bool pf_sandbox_decode(pf_sandbox *s, pf_intake *intake, const pf_intake_options *o,
                       pf_err *err)
{
    if (intake->pixels && !is_size(o->preprocess->size, PF_DECODER_SIDE_MAX))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "pictures of %d pixels for the model, the most is %d",
                       o->preprocess->size, PF_DECODER_SIDE_MAX);
    const bool ok = decode(s, intake, o, err);
    forget_bytes(s);
    return ok;
}

bool pf_sandbox_start(pf_sandbox *s, pf_err *err)
{
    return s->pid != 0 || start(s, err);
}

bool pf_sandbox_new(pf_sandbox **out, pf_err *err)
{
    *out = pf_zalloc(sizeof **out, err);
    if (!*out)
        return false;
    (*out)->control = (*out)->input = (*out)->page_fd = -1;
    return true;
}

void pf_sandbox_free(pf_sandbox *s)
{
    if (!s)
        return;
    stop(s);
    forget_bytes(s);
    if (s->page)
        munmap(s->page, sizeof *s->page);
    close_fd(&s->input);
    close_fd(&s->page_fd);
    pf_free(s);
}
