/*
 * pipeline.c - see pipeline.h.
 *
 * One mutex guards the queue: the number of the next item, the batches that wait for
 * the caller, and whether somebody failed. Workers own two batches each, so that one
 * can wait while the next is filled; a worker that is ahead waits for its batch to come
 * back.
 */
#include "core/model/pipeline.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/intake.h"

enum { JOBS_MAX = 256, BATCHES_PER_WORKER = 2 };

typedef struct batch {
    struct batch *next; /* in the list of finished ones */
    bool is_out;        /* with the caller */
    size_t n;           /* results */
    size_t n_embedded;  /* of them with pixels, in pixel order */
    pf_embedded *result;
    float *input, *vector; /* [batch, pixels], [batch, dim] */
    const char **text;
    bool *is_truncated; /* [batch] of the texts */
    pf_buf thumbnails;  /* one after another */
} batch;

typedef struct queue {
    const pf_pipeline *options;
    const pf_picture_ref *pictures; /* [count]; NULL when the inputs are texts */
    const char *const *texts;       /* [count], or NULL */
    size_t count;

    pthread_mutex_t lock;
    pthread_cond_t done_changed; /* a batch was finished, or a worker ended */
    pthread_cond_t free_changed; /* a batch came back */
    size_t next;
    batch *done;
    int running;
    bool failed;
    pf_err failure;
} queue;

typedef struct {
    queue *q;
    pthread_t thread;
    pf_embedder *embedder;
    batch batches[BATCHES_PER_WORKER];
    pf_buf bytes;     /* of the file being read */
    pf_intake intake; /* of the picture in it; NULLs for texts */
} worker;

int pf_pipeline_cores(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (int)n;
}

/* ---- one item ---- */

static bool is_fatal(pf_code code)
{
    return code == PF_ERR_NOMEM;
}

/* Behind those of the batch; it may move until all of them are there. A picture whose
 * thumbnail makes no file is indexed all the same. */
static void add_thumbnail(batch *b, const pf_thumbnail *thumbnail, pf_embedded *r)
{
    const size_t before = b->thumbnails.size;
    if (pf_thumbnail_encode(thumbnail, &b->thumbnails, NULL))
        r->thumbnail_size = b->thumbnails.size - before;
    if (r->thumbnail_size > PF_THUMBNAIL_CAP) {
        b->thumbnails.size = before;
        r->thumbnail_size = 0;
    }
}

static void place_thumbnails(batch *b)
{
    const uint8_t *at = (const uint8_t *)b->thumbnails.data;
    for (size_t i = 0; i < b->n; i++) {
        if (b->result[i].thumbnail_size == 0)
            continue;
        b->result[i].thumbnail = at;
        at += b->result[i].thumbnail_size;
    }
}

/* Read, decode and preprocess one file into the batch's next place. */
static bool load_picture(worker *w, batch *b, pf_embedded *r)
{
    const pf_model *model = w->q->options->model;
    const pf_picture_ref *ref = &w->q->pictures[r->item];
    const pf_intake_options options = {.name = pf_path_base(ref->path),
                                       .frame = ref->frame,
                                       .preprocess = pf_model_preprocess(model)};
    w->bytes.size = 0;
    if (!pf_file_read(ref->path, &w->bytes, &r->failure))
        return false;
    r->content = pf_hash_bytes(w->bytes.data, w->bytes.size);
    if (!pf_intake_make(&w->intake, (const uint8_t *)w->bytes.data, w->bytes.size,
                        &options, &r->failure))
        return false;
    r->width = w->intake.width;
    r->height = w->intake.height;
    memcpy(r->format, w->intake.format, sizeof r->format);
    if (w->intake.thumbnail)
        add_thumbnail(b, w->intake.thumbnail, r);
    pf_preprocess_normalise(options.preprocess, w->intake.pixels,
                            b->input + b->n_embedded * pf_embed_pixels_size(model));
    return true;
}

static bool embed_batch(worker *w, batch *b, pf_err *err)
{
    if (b->n_embedded == 0)
        return true;
    bool ok = w->q->texts ? pf_embed_texts(w->embedder, b->text, b->n_embedded,
                                           b->vector, b->is_truncated, err)
                          : pf_embed_pixels(w->embedder, b->input, b->n_embedded,
                                            b->vector, err);
    const size_t dim = (size_t)pf_model_dim(w->q->options->model);
    size_t k = 0;
    for (size_t i = 0; ok && i < b->n; i++) {
        if (b->result[i].failure.code != PF_OK)
            continue;
        b->result[i].is_truncated = w->q->texts && b->is_truncated[k];
        b->result[i].vector = b->vector + k++ * dim;
    }
    return ok;
}

/* ---- the worker ---- */

static bool next_item(queue *q, size_t *item)
{
    pthread_mutex_lock(&q->lock);
    bool stop = q->options->stop && atomic_load(q->options->stop);
    bool has = !q->failed && !stop && q->next < q->count;
    if (has)
        *item = q->next++;
    pthread_mutex_unlock(&q->lock);
    return has;
}

static bool fill_batch(worker *w, batch *b, pf_err *err)
{
    size_t item;
    b->n = b->n_embedded = b->thumbnails.size = 0;
    while (b->n_embedded < w->q->options->batch && b->n < 2 * w->q->options->batch &&
           next_item(w->q, &item)) {
        pf_embedded *r = &b->result[b->n++];
        *r = (pf_embedded){.item = item};
        if (w->q->texts) {
            b->text[b->n_embedded++] = w->q->texts[item];
        } else if (load_picture(w, b, r)) {
            b->n_embedded++;
        } else if (is_fatal(r->failure.code)) {
            *err = r->failure;
            return false;
        }
    }
    place_thumbnails(b);
    return embed_batch(w, b, err);
}

/* A batch of this worker that is not with the caller. */
static batch *free_batch(worker *w)
{
    queue *q = w->q;
    batch *b = NULL;
    pthread_mutex_lock(&q->lock);
    while (!b) {
        for (int i = 0; !b && i < BATCHES_PER_WORKER; i++)
            b = w->batches[i].is_out ? NULL : &w->batches[i];
        if (!b)
            pthread_cond_wait(&q->free_changed, &q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return b;
}

static void hand_over(queue *q, batch *b)
{
    pthread_mutex_lock(&q->lock);
    b->is_out = true;
    b->next = q->done;
    q->done = b;
    pthread_cond_signal(&q->done_changed);
    pthread_mutex_unlock(&q->lock);
}

static void *work(void *context)
{
    worker *w = context;
    queue *q = w->q;
    pf_err err = PF_ERR_INIT;
    bool ok = true;
    for (;;) {
        batch *b = free_batch(w);
        ok = fill_batch(w, b, &err);
        if (!ok || b->n == 0)
            break;
        hand_over(q, b);
    }
    pthread_mutex_lock(&q->lock);
    if (!ok && !q->failed) {
        q->failed = true;
        q->failure = err;
    }
    q->running--;
    pthread_cond_signal(&q->done_changed);
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* ---- setting up ---- */

static bool make_batch(batch *b, const queue *q, pf_err *err)
{
    const size_t n = q->options->batch, dim = (size_t)pf_model_dim(q->options->model);
    pf_buf_init(&b->thumbnails, n * PF_THUMBNAIL_CAP);
    b->result = pf_alloc_array(2 * n, sizeof *b->result, err);
    b->vector = pf_alloc_floats(n * dim, err);
    if (!b->result || !b->vector)
        return false;
    if (!q->texts) {
        b->input = pf_alloc_floats(n * pf_embed_pixels_size(q->options->model), err);
        return b->input != NULL;
    }
    b->text = pf_alloc_array(n, sizeof *b->text, err);
    b->is_truncated = pf_alloc_array(n, sizeof *b->is_truncated, err);
    return b->text && b->is_truncated;
}

static void free_worker(worker *w)
{
    for (int i = 0; i < BATCHES_PER_WORKER; i++) {
        pf_free(w->batches[i].result);
        pf_free(w->batches[i].vector);
        pf_free(w->batches[i].text);
        pf_free(w->batches[i].is_truncated);
        pf_free(w->batches[i].input);
        pf_buf_free(&w->batches[i].thumbnails);
    }
    pf_embedder_free(w->embedder);
    pf_buf_free(&w->bytes);
    pf_free(w->intake.pixels);
    pf_free(w->intake.thumbnail);
}

static bool make_intake(pf_intake *v, const pf_pipeline *p, pf_err *err)
{
    v->pixels = pf_zalloc(pf_embed_pixels_size(p->model), err);
    if (p->makes_thumbnails)
        v->thumbnail = pf_zalloc(sizeof *v->thumbnail, err);
    return v->pixels && (v->thumbnail || !p->makes_thumbnails);
}

static bool make_worker(worker *w, queue *q, pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    pf_buf_init(&w->bytes, limits.max_file_bytes);
    w->q = q;
    bool ok = pf_embedder_new(&w->embedder, q->options->model, err) &&
              (q->texts || make_intake(&w->intake, q->options, err));
    for (int i = 0; ok && i < BATCHES_PER_WORKER; i++)
        ok = make_batch(&w->batches[i], q, err);
    return ok;
}

/* ---- the caller's side ---- */

/* Finished batches, oldest first; NULL when all workers have ended. */
static batch *take_done(queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->done && q->running > 0)
        pthread_cond_wait(&q->done_changed, &q->lock);
    batch *newest = q->done, *oldest = NULL;
    q->done = NULL;
    pthread_mutex_unlock(&q->lock);
    while (newest) {
        batch *b = newest;
        newest = b->next;
        b->next = oldest;
        oldest = b;
    }
    return oldest;
}

static void give_back(queue *q, batch *b)
{
    pthread_mutex_lock(&q->lock);
    b->is_out = false;
    pthread_cond_broadcast(&q->free_changed);
    pthread_mutex_unlock(&q->lock);
}

static void stop_all(queue *q, const pf_err *why)
{
    pthread_mutex_lock(&q->lock);
    if (!q->failed) {
        q->failed = true;
        q->failure = *why;
    }
    pthread_mutex_unlock(&q->lock);
}

static void collect(queue *q, pf_pipeline_sink *sink, void *context)
{
    batch *b;
    bool ok = true;
    while ((b = take_done(q))) {
        while (b) {
            batch *next = b->next;
            pf_err err = PF_ERR_INIT;
            /* what comes after it has refused once is dropped */
            if (ok && !(ok = sink(context, b->result, b->n, &err)))
                stop_all(q, &err);
            give_back(q, b);
            b = next;
        }
    }
}

static bool start(worker *w, pf_err *err)
{
    pthread_mutex_lock(&w->q->lock);
    w->q->running++;
    pthread_mutex_unlock(&w->q->lock);
    int why = pthread_create(&w->thread, NULL, work, w);
    if (why == 0)
        return true;
    pthread_mutex_lock(&w->q->lock);
    w->q->running--;
    pthread_mutex_unlock(&w->q->lock);
    return pf_fail_errno(err, why, "cannot start a thread");
}

static bool run(queue *q, pf_pipeline_sink *sink, void *context, pf_err *err)
{
    size_t jobs = q->options->jobs < JOBS_MAX ? (size_t)q->options->jobs : JOBS_MAX;
    size_t useful = (q->count + q->options->batch - 1) / q->options->batch;
    jobs = jobs < useful ? jobs : useful;
    worker *workers = pf_alloc_array(jobs, sizeof *workers, err);
    bool ok = workers != NULL;
    size_t started = 0;
    for (size_t i = 0; ok && i < jobs; i++)
        ok = make_worker(&workers[i], q, err);
    while (ok && started < jobs) {
        ok = start(&workers[started], err);
        started += ok;
    }
    if (!ok)
        stop_all(q, err);
    if (started > 0)
        collect(q, sink, context);
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; workers && i < jobs; i++)
        free_worker(&workers[i]);
    pf_free(workers);
    if (ok && q->failed) {
        *err = q->failure;
        return false;
    }
    if (ok && q->next < q->count)
        return pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
    return ok;
}

static bool run_queue(queue *q, pf_pipeline_sink *sink, void *context, pf_err *err)
{
    if (q->count == 0)
        return true;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->done_changed, NULL);
    pthread_cond_init(&q->free_changed, NULL);
    bool ok = run(q, sink, context, err);
    pthread_cond_destroy(&q->free_changed);
    pthread_cond_destroy(&q->done_changed);
    pthread_mutex_destroy(&q->lock);
    return ok;
}

bool pf_pipeline_pictures(const pf_pipeline *p, const pf_picture_ref *pictures,
                          size_t n, pf_pipeline_sink *sink, void *context, pf_err *err)
{
    queue q = {.options = p, .pictures = pictures, .count = n};
    return run_queue(&q, sink, context, err);
}

bool pf_pipeline_texts(const pf_pipeline *p, const char *const *texts, size_t n,
                       pf_pipeline_sink *sink, void *context, pf_err *err)
{
    queue q = {.options = p, .texts = texts, .count = n};
    return run_queue(&q, sink, context, err);
}
