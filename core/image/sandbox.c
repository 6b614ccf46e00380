/* sandbox.c - see sandbox.h. The other side is core/decoder/main.c. */
#define _GNU_SOURCE /* fallocate(), memory files */
#include "core/image/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/decoder_process.h"

enum {
    PICTURES_MAX = 500,   /* of one decoder: its time is limited as a whole, too */
    LARGE_FILE = 4 << 20, /* bytes; they count, and their memory is given back */
    CHUNK = 1 << 18,      /* bytes of a file that are here at a time */
};

struct pf_sandbox {
    pf_decoder_process process;
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

static bool start(pf_sandbox *s, pf_err *err)
{
    s->n_pictures = 0;
    if (!pf_decoder_process_start(&s->process, err))
        return false;
    if (!s->process.page->has_filter)
        atomic_store(&is_unfiltered, true);
    return true;
}

/* ---- taking it in ---------------------------------------------------------------- */

static void forget_bytes(pf_sandbox *s)
{
    if (s->n_bytes > LARGE_FILE)
        fallocate(s->process.input, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
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
        const ssize_t done = pwrite(s->process.input, bytes, n, (off_t)s->n_bytes);
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
    if (check_file(n, err) && pf_decoder_process_open(&s->process, err) &&
        take_for_file(s, n, err) && append(s, bytes, n, err))
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

bool pf_sandbox_read_open(pf_sandbox *s, int fd, const char *path, pf_hash *hash,
                          pf_err *err)
{
    forget_bytes(s);
    if (!pf_decoder_process_open(&s->process, err))
        return false;
    const bool ok = read_open(s, fd, hash, err) || pf_fail_in(err, "'%s'", path);
    if (!ok)
        forget_bytes(s);
    return ok;
}

bool pf_sandbox_read(pf_sandbox *s, const char *path, const char *within, pf_hash *hash,
                     pf_err *err)
{
    int fd;
    forget_bytes(s);
    if (!pf_file_open_within(&fd, path, within, err))
        return false;
    const bool ok = pf_sandbox_read_open(s, fd, path, hash, err);
    close(fd);
    return ok;
}

/* ---- one picture ----------------------------------------------------------------- */

static void put_question(const pf_sandbox *s, const pf_intake *intake,
                         const pf_intake_options *o)
{
    pf_decoder_page *p = s->process.page;
    /* nothing of the picture before */
    memset(&p->thumbnail, 0, sizeof p->thumbnail);
    memset(&p->facts, 0, sizeof p->facts);
    if (intake->pixels)
        memset(p->pixels, 0,
               (size_t)o->preprocess->size * (size_t)o->preprocess->size * 3);
    p->n_bytes = s->n_bytes;
    p->frame = o->frame;
    p->preview_side = intake->preview_side;
    p->preview_width = p->preview_height = 0;
    p->wants_pixels = intake->pixels != NULL;
    p->wants_thumbnail = intake->thumbnail != NULL;
    p->wants_facts = intake->facts != NULL;
    snprintf(p->name, sizeof p->name, "%s", o->name ? o->name : "");
    if (o->preprocess)
        p->preprocess = *o->preprocess;
    if (o->limits)
        p->limits = *o->limits;
    else
        pf_picture_limits_init(&p->limits);
    /* no address of ours is any business of the decoder's */
    p->preprocess.name = NULL;
    p->limits.reserve = NULL;
    p->limits.context = NULL;
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

/* The page keeps nothing of it: the next picture is none of its decoder's business. */
static bool take_preview(const pf_sandbox *s, pf_intake *intake, pf_err *err)
{
    pf_decoder_page *p = s->process.page;
    const int width = p->preview_width, height = p->preview_height;
    if (!is_size(width, intake->preview_side) || !is_size(height, intake->preview_side))
        return pf_fail(err, PF_ERR_FORMAT, "the decoder gave nonsense");
    const size_t n = (size_t)width * (size_t)height * 3;
    uint8_t *rgb = pf_alloc_array(n, 1, err);
    if (!rgb)
        return false;
    memcpy(rgb, p->preview, n);
    memset(p->preview, 0, n);
    intake->preview = (pf_picture){.width = width, .height = height, .rgb = rgb};
    return true;
}

/* Copied first: what is checked is what is used. */
static bool take_answer(const pf_sandbox *s, pf_intake *intake,
                        const pf_intake_options *o, pf_err *err)
{
    const pf_decoder_page *p = s->process.page;
    const pf_err told = p->err;
    if (intake->facts && told.code == PF_OK) {
        memcpy(intake->facts, &p->facts, sizeof *intake->facts);
        pf_facts_clean(intake->facts);
        return true;
    }
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
    intake->n_frames = p->n_frames >= 0 ? p->n_frames : 0;
    intake->is_deep = p->is_deep != 0;
    if (intake->preview_side > 0 && !take_preview(s, intake, err))
        return false;
    for (const char *c = intake->format; *c; c++)
        ok = ok && ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'));
    return ok || pf_fail(err, PF_ERR_FORMAT, "the decoder gave nonsense");
}

/* GO, what it needs, which is said once, and DONE; 0 when it has died or says anything
 * else, -1 when it hangs. Twice would let two of them wait for each other. */
static int converse(pf_sandbox *s)
{
    const size_t of_file = s->granted;
    int said = pf_decoder_process_tell(&s->process, PF_DECODER_GO)
                   ? pf_decoder_process_hear(&s->process)
                   : 0;
    if (said == PF_DECODER_NEEDS) {
        const bool is_granted = take(s, s->process.page->needs);
        said = pf_decoder_process_tell(&s->process, is_granted ? PF_DECODER_GRANTED
                                                               : PF_DECODER_REFUSED)
                   ? pf_decoder_process_hear(&s->process)
                   : 0;
    }
    give_back(s, of_file);
    return said == PF_DECODER_DONE || said == -1 ? said : 0;
}

static bool say_how_it_ended(pf_sandbox *s, int said, pf_err *err)
{
    const int status = pf_decoder_process_stop(&s->process);
    if (said == -1)
        return pf_fail(err, PF_ERR_LIMIT, "decoding it takes more than %d seconds",
                       pf_decoder_seconds);
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
    pf_err why = PF_ERR_INIT;
    if (s->n_pictures >= PICTURES_MAX)
        pf_decoder_process_stop(&s->process);
    if (s->process.pid == 0 && !start(s, err))
        return false;
    const bool was_new = s->n_pictures == 0;
    if (try_once(s, intake, o, &is_done, &why))
        return true;
    if (is_done || was_new)
        return pf_fail_as(err, &why);
    /* Perhaps an earlier picture has harmed it: only the culprit is to pay. */
    return start(s, err) && try_once(s, intake, o, &is_done, err);
}

bool pf_sandbox_decode(pf_sandbox *s, pf_intake *intake, const pf_intake_options *o,
                       pf_err *err)
{
    const bool fits = !intake->pixels ||
                      is_size(o->preprocess->size, PF_DECODER_SIDE_MAX) ||
                      pf_fail(err, PF_ERR_UNSUPPORTED,
                              "pictures of %d pixels for the model, the most is %d",
                              o->preprocess->size, PF_DECODER_SIDE_MAX);
    assert(intake->preview_side <= PF_DECODER_PREVIEW_MAX);
    const bool ok = fits && decode(s, intake, o, err);
    forget_bytes(s);
    return ok;
}

bool pf_sandbox_start(pf_sandbox *s, pf_err *err)
{
    return s->process.pid != 0 || start(s, err);
}

bool pf_sandbox_new(pf_sandbox **out, pf_err *err)
{
    *out = pf_zalloc(sizeof **out, err);
    if (!*out)
        return false;
    pf_decoder_process_init(&(*out)->process);
    return true;
}

void pf_sandbox_free(pf_sandbox *s)
{
    if (!s)
        return;
    forget_bytes(s);
    pf_decoder_process_reset(&s->process);
    pf_free(s);
}
