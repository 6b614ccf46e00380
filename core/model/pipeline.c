/*
 * pipeline.c - see pipeline.h.
 *
 * A team's item is a batch of inputs in a row. What comes of it lies in one of the two
 * batches that its worker owns, so that one can be with the caller while the other is
 * filled.
 */
#include "core/model/pipeline.h"

#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/team.h"
#include "core/image/sandbox.h"

enum {
    JOBS_MAX = 256,
    BATCHES_PER_WORKER = 2,
    PASS_BYTES = 96 << 20, /* of a worker's forward pass, but for one input alone */
};

typedef struct {
    size_t n;          /* results */
    size_t n_embedded; /* of them with pixels, in pixel order */
    pf_embedded *result;
    float *input, *vector; /* [batch, pixels], [batch, dim] */
    bool *is_truncated;    /* [batch] of the texts */
    pf_buf thumbnails;     /* one after another */
} batch;

typedef struct {
    const pf_pipeline *options;
    const pf_picture_ref *pictures; /* [count]; NULL when the inputs are texts */
    const char *const *texts;       /* [count], or NULL */
    size_t count;
    size_t batch; /* inputs in one */
    pf_pipeline_sink *sink;
    void *context;
    size_t n_handed_over; /* results; the caller's own */
    void **members;       /* the workers, */
    size_t n_members;     /* for watch(); the caller's own */
} job;

typedef struct {
    job *job;
    pf_embedder *embedder;
    batch batches[BATCHES_PER_WORKER];
    size_t n_filled;      /* batches, ever */
    size_t n_handed_over; /* of them; the caller's own */
    pf_sandbox *sandbox;  /* that it is decoded in; NULL for texts */
    pf_intake intake;     /* of the picture in it; NULLs for texts */

    atomic_size_t at;     /* the picture it reads now, from 1; 0: none */
    _Atomic double since; /* when it began to */
    size_t n_told;        /* the last one that was told of; the caller's own */
} worker;

int pf_pipeline_cores(void)
{
    return (int)pf_team_cores(JOBS_MAX);
}

/* ---- one picture ---- */

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

static bool read_file(worker *w, const pf_picture_ref *ref, pf_hash *content,
                      pf_err *why)
{
    const pf_pipeline *p = w->job->options;
    int fd;
    if (!(p->open ? p->open : pf_file_open_within)(&fd, ref->path, ref->within, why))
        return false;
    const bool ok = pf_sandbox_read_open(w->sandbox, fd, ref->path, content, why);
    close(fd);
    return ok;
}

static bool read_picture(worker *w, const pf_picture_ref *ref, pf_hash *content,
                         pf_err *why)
{
    return read_file(w, ref, content, why) &&
           (!ref->as_it_was || pf_file_is_as(ref->path, ref->as_it_was) ||
            pf_fail(why, PF_ERR_BUSY, "it changed while it was read"));
}

/* Read, decode and preprocess one file into the batch's next place. */
static bool load_picture(worker *w, batch *b, pf_embedded *r, pf_err *why)
{
    const pf_model *model = w->job->options->model;
    const pf_picture_ref *ref = &w->job->pictures[r->item];
    const pf_intake_options options = {.name = pf_path_base(ref->path),
                                       .frame = ref->frame,
                                       .preprocess = pf_model_preprocess(model)};
    if (!read_picture(w, ref, &r->content, why) ||
        !pf_sandbox_decode(w->sandbox, &w->intake, &options, why))
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

/* ---- one batch ---- */

static bool is_stopped(const job *j)
{
    return j->options->stop && atomic_load(j->options->stop) != 0;
}

/* Fewer when it is told to stop. */
static bool load_pictures(worker *w, batch *b, size_t first, size_t n, pf_err *err)
{
    if (!pf_sandbox_start(w->sandbox, err))
        return false; /* it would fail for every file */
    for (size_t i = first; i < first + n && !is_stopped(w->job); i++) {
        pf_embedded *r = &b->result[b->n++];
        *r = (pf_embedded){.item = i};
        pf_err why = PF_ERR_INIT;
        atomic_store(&w->since, pf_clock_seconds());
        atomic_store(&w->at, i + 1);
        const bool ok = load_picture(w, b, r, &why);
        atomic_store(&w->at, 0);
        if (ok)
            b->n_embedded++;
        else if (is_fatal(why.code))
            return pf_fail_as(err, &why);
        else
            r->failure = why; /* those without one have the vectors, in this order */
    }
    place_thumbnails(b);
    return b->n_embedded == 0 ||
           pf_embed_pixels(w->embedder, b->input, b->n_embedded, b->vector, err);
}

static bool load_texts(worker *w, batch *b, size_t first, size_t n, pf_err *err)
{
    for (size_t i = 0; i < n; i++)
        b->result[i] = (pf_embedded){.item = first + i};
    b->n = b->n_embedded = n;
    return pf_embed_texts(w->embedder, w->job->texts + first, n, b->vector,
                          b->is_truncated, err);
}

static void place_vectors(const job *j, batch *b)
{
    const size_t dim = (size_t)pf_model_dim(j->options->model);
    size_t k = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->result[i].failure.code != PF_OK)
            continue;
        b->result[i].is_truncated = j->texts && b->is_truncated[k];
        b->result[i].vector = b->vector + k++ * dim;
    }
}

static bool embed_batch(void *member, size_t item, pf_err *err)
{
    worker *w = member;
    const job *j = w->job;
    batch *b = &w->batches[w->n_filled++ % BATCHES_PER_WORKER];
    const size_t first = item * j->batch, left = j->count - first;
    const size_t n = left < j->batch ? left : j->batch;
    b->n = b->n_embedded = b->thumbnails.size = 0;
    if (!(j->texts ? load_texts(w, b, first, n, err)
                   : load_pictures(w, b, first, n, err)))
        return false;
    place_vectors(j, b);
    return true;
}

/* By the caller; batches come in the order in which they were filled. */
static bool hand_over(void *member, size_t item, pf_err *err)
{
    (void)item;
    worker *w = member;
    const batch *b = &w->batches[w->n_handed_over++ % BATCHES_PER_WORKER];
    w->job->n_handed_over += b->n;
    return b->n == 0 || w->job->sink(w->job->context, b->result, b->n, err);
}

/* Which picture keeps a worker for too long? By the caller, now and then. The two
 * numbers are of one picture when it is still the same after they were read. */
static void watch(void *context, const char *what, size_t done, size_t total)
{
    (void)what, (void)done, (void)total;
    const job *j = context;
    for (size_t i = 0; i < j->n_members; i++) {
        worker *w = j->members[i];
        const size_t at = atomic_load(&w->at);
        const double seconds = pf_clock_seconds() - atomic_load(&w->since);
        if (at == 0 || at == w->n_told || seconds < j->options->patience ||
            at != atomic_load(&w->at))
            continue;
        w->n_told = at;
        j->options->slow(j->options->context, &j->pictures[at - 1]);
    }
}

/* ---- setting up ---- */

static bool make_batch(batch *b, const job *j, pf_err *err)
{
    const size_t n = j->batch, dim = (size_t)pf_model_dim(j->options->model);
    pf_buf_init(&b->thumbnails, n * PF_THUMBNAIL_CAP);
    b->result = pf_alloc_array(n, sizeof *b->result, err);
    b->vector = pf_alloc_floats(n * dim, err);
    if (!b->result || !b->vector)
        return false;
    if (j->texts)
        b->is_truncated = pf_alloc_array(n, sizeof *b->is_truncated, err);
    else
        b->input = pf_alloc_floats(n * pf_embed_pixels_size(j->options->model), err);
    return b->is_truncated || b->input;
}

static bool make_intake(pf_intake *v, const pf_pipeline *p, pf_err *err)
{
    v->pixels = pf_zalloc(pf_embed_pixels_size(p->model), err);
    if (p->makes_thumbnails)
        v->thumbnail = pf_zalloc(sizeof *v->thumbnail, err);
    return v->pixels && (v->thumbnail || !p->makes_thumbnails);
}

static bool make_worker(worker *w, job *j, pf_err *err)
{
    w->job = j;
    bool ok = pf_embedder_new(&w->embedder, j->options->model, err) &&
              (j->texts || (pf_sandbox_new(&w->sandbox, err) &&
                            make_intake(&w->intake, j->options, err)));
    for (int i = 0; ok && i < BATCHES_PER_WORKER; i++)
        ok = make_batch(&w->batches[i], j, err);
    return ok;
}

static void free_worker(worker *w)
{
    for (int i = 0; i < BATCHES_PER_WORKER; i++) {
        pf_free(w->batches[i].result);
        pf_free(w->batches[i].vector);
        pf_free(w->batches[i].is_truncated);
        pf_free(w->batches[i].input);
        pf_buf_free(&w->batches[i].thumbnails);
    }
    pf_embedder_free(w->embedder);
    pf_free(w->intake.pixels);
    pf_free(w->intake.thumbnail);
    pf_sandbox_free(w->sandbox);
}

/* ---- all of it ---- */

static size_t divide_up(size_t n, size_t by)
{
    return (n + by - 1) / by;
}

static bool run_workers(job *j, worker *workers, void **members, size_t n_workers,
                        pf_err *err)
{
    for (size_t i = 0; i < n_workers; i++) {
        members[i] = &workers[i];
        if (!make_worker(&workers[i], j, err))
            return false;
    }
    j->members = members;
    j->n_members = n_workers;
    const bool watches = j->pictures && j->options->slow;
    const pf_team team = {.work = embed_batch,
                          .collect = hand_over,
                          .members = members,
                          .n_members = n_workers,
                          .n_items = divide_up(j->count, j->batch),
                          .progress = watches ? watch : NULL,
                          .context = j,
                          .stop = j->options->stop};
    return pf_team_run(&team, err) && (j->n_handed_over == j->count ||
                                       pf_fail(err, PF_ERR_INTERRUPTED, "interrupted"));
}

/* Inputs of one pass: as many as were asked for, or as its working memory allows. A
 * vector is the same either way. */
static size_t most_at_once(const job *j)
{
    const pf_dims *d = pf_clip_dims(pf_model_clip(j->options->model));
    const size_t each = j->texts ? pf_dims_text_bytes(d) : pf_dims_picture_bytes(d);
    const size_t most = each < PASS_BYTES ? PASS_BYTES / each : 1;
    return j->options->batch < most ? j->options->batch : most;
}

static bool run(job *j, pf_err *err)
{
    if (j->count == 0)
        return true;
    const size_t jobs =
        j->options->jobs < JOBS_MAX ? (size_t)j->options->jobs : JOBS_MAX;
    const size_t batches = divide_up(j->count, most_at_once(j));
    const size_t n = jobs < batches ? jobs : batches;
    /* of about one size, as many for each worker: all are busy until the end */
    j->batch = divide_up(j->count, divide_up(batches, n) * n);
    worker *workers = pf_alloc_array(n, sizeof *workers, err);
    void **members = pf_alloc_array(n, sizeof *members, err);
    const bool ok = workers && members && run_workers(j, workers, members, n, err);
    for (size_t i = 0; workers && i < n; i++)
        free_worker(&workers[i]);
    pf_free(workers);
    pf_free(members);
    return ok;
}

bool pf_pipeline_pictures(const pf_pipeline *p, const pf_picture_ref *pictures,
                          size_t n, pf_pipeline_sink *sink, void *context, pf_err *err)
{
    job j = {.options = p,
             .pictures = pictures,
             .count = n,
             .sink = sink,
             .context = context};
    return run(&j, err);
}

bool pf_pipeline_texts(const pf_pipeline *p, const char *const *texts, size_t n,
                       pf_pipeline_sink *sink, void *context, pf_err *err)
{
    job j = {
        .options = p, .texts = texts, .count = n, .sink = sink, .context = context};
    return run(&j, err);
}
