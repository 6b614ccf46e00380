/*
 * bench_embed.c - pf-bench-embed MODEL [SECONDS [PRECISION [ROWS]]]: how fast a model
 * embeds.
 *
 * Images per second at batch 1, 8 and 32 with one and two threads (one session each, as
 * the indexer works), one picture with both cores, and the time one text takes at 10,
 * 25 and 77 tokens. PRECISION is f32, i16, i8 or auto (the default); PF_INSTRUCTIONS
 * chooses the instruction set. Besides, the rate of a plain matrix product of the same
 * shapes, as a yardstick of the machine: the ratio is what can be compared between
 * machines, the rate is not.
 *
 * Each figure is a line of tab-separated columns, for scripts:
 *
 *   precision  instructions  what  n  threads  value  unit  processor-seconds
 *
 * where `what` is open, pack (both towers, opening included), product, images (batches,
 * a session for each thread), image (one picture by all threads) or text, n the batch
 * or the tokens, and the last column what one image or text costs. ROWS, such as
 * images:8:2,text:10:1, are the lines to measure; without it all.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clocks.h"
#include "core/base/mem.h"
#include "core/model/kernels.h"
#include "core/model/model.h"
#include "core/model/precision.h"

enum { THREADS_MAX = 2, BATCH_MAX = 32, REPEATS = 5 };

typedef struct {
    pf_model *model;
    const char *rows; /* that were asked for, or NULL */
    double seconds;   /* per figure */
} bench;

static double seconds_now(void)
{
    return pf_bench_seconds(CLOCK_MONOTONIC);
}

static double seconds_used(void)
{
    return pf_bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void give_up(const char *why)
{
    fprintf(stderr, "pf-bench-embed: %s\n", why);
    exit(1);
}

/* ---- lines ---- */

static bool is_wanted(const bench *b, const char *what, size_t n, int threads)
{
    char row[64];
    const size_t size =
        (size_t)snprintf(row, sizeof row, "%s:%zu:%d", what, n, threads);
    for (const char *p = b->rows; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        if (strncmp(p, row, size) == 0 && (p[size] == '\0' || p[size] == ','))
            return true;
    }
    return !b->rows;
}

static void tell(const bench *b, const char *what, size_t n, int threads, double value,
                 const char *unit, double cost)
{
    const pf_clip *clip = pf_model_clip(b->model);
    const unsigned tower = strncmp(what, "text", 4) == 0 ? PF_CLIP_TEXT : PF_CLIP_IMAGE;
    printf("%s\t%s\t%s\t%zu\t%d\t%.3f\t%s\t%.5f\n",
           pf_precision_name(pf_clip_precision(clip, tower)),
           pf_packed_instructions()->name, what, n, threads, value, unit, cost);
    fflush(stdout);
}

/* ---- images ---- */

typedef struct {
    const pf_model *model;
    const float *pixels;
    size_t batch;
    double deadline;
    size_t done;
    bool ok;
    pf_err err;
} image_job;

static void *embed_until(void *context)
{
    image_job *job = context;
    pf_embedder *e = NULL;
    float *out =
        pf_alloc_floats(job->batch * (size_t)pf_model_dim(job->model), &job->err);
    job->ok = out && pf_embedder_new(&e, job->model, &job->err);
    while (job->ok && (job->done == 0 || seconds_now() < job->deadline)) {
        job->ok = pf_embed_pixels(e, job->pixels, job->batch, out, &job->err);
        job->done += job->batch;
    }
    pf_embedder_free(e);
    pf_free(out);
    return NULL;
}

static double images_per_second(const pf_model *model, const float *pixels,
                                size_t batch, int threads, double seconds)
{
    image_job job[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    double start = seconds_now(), done = 0;
    for (int i = 0; i < threads; i++) {
        job[i] =
            (image_job){model, pixels, batch, start + seconds, 0, false, PF_ERR_INIT};
        pthread_create(&thread[i], NULL, embed_until, &job[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        if (!job[i].ok)
            give_up(job[i].err.msg);
        done += (double)job[i].done;
    }
    return done / (seconds_now() - start);
}

static void bench_images(const bench *b, const float *pixels, size_t batch, int threads)
{
    double rate[REPEATS], cost[REPEATS];
    if (!is_wanted(b, "images", batch, threads))
        return;
    for (int r = 0; r < REPEATS; r++) {
        const double start = seconds_now(), cpu = seconds_used();
        rate[r] =
            images_per_second(b->model, pixels, batch, threads, b->seconds / REPEATS);
        cost[r] = (seconds_used() - cpu) / (rate[r] * (seconds_now() - start));
    }
    tell(b, "images", batch, threads, pf_bench_median(rate, REPEATS), "images/s",
         pf_bench_median(cost, REPEATS));
}

/* One picture after another, each with `threads` threads. */
static void bench_together(const bench *b, const float *pixels, size_t threads)
{
    enum { MOST = REPEATS * 8 };
    const int size = pf_model_preprocess(b->model)->size;
    double time[MOST];
    size_t runs = 0;
    pf_err err = PF_ERR_INIT;
    pf_session *s = NULL;
    if (!is_wanted(b, "image", 1, (int)threads))
        return;
    float *out = pf_alloc_floats((size_t)pf_model_dim(b->model), &err);
    if (!out || !pf_session_new(&s, pf_model_clip(b->model), &err) ||
        !pf_session_set_threads(s, threads, &err))
        give_up(err.msg);
    const double start = seconds_now(), cpu = seconds_used();
    while (runs < MOST && (runs <= REPEATS || seconds_now() - start <= b->seconds)) {
        const double before = seconds_now();
        if (!pf_session_embed_images(s, pixels, size, 1, out, &err))
            give_up(err.msg);
        time[runs++] = seconds_now() - before;
    }
    const double cost = (seconds_used() - cpu) / (double)runs;
    tell(b, "image", 1, (int)threads, 1e3 * pf_bench_median(time, runs), "ms", cost);
    pf_session_free(s);
    pf_free(out);
}

static void bench_all_images(const bench *b)
{
    size_t size = pf_embed_pixels_size(b->model);
    float *pixels = pf_alloc_floats(size * BATCH_MAX, NULL);
    if (!pixels)
        exit(1);
    for (size_t i = 0; i < size * BATCH_MAX; i++)
        pixels[i] = (float)(i * 2654435761u % 2000) / 500.0f - 2.0f;
    static const size_t batch[] = {1, 8, 32};
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        for (size_t k = 0; k < sizeof batch / sizeof *batch; k++)
            bench_images(b, pixels, batch[k], threads);
    }
    for (size_t threads = 1; threads <= THREADS_MAX; threads++)
        bench_together(b, pixels, threads);
    pf_free(pixels);
}

/* ---- texts ---- */

static void bench_text(const bench *b, pf_session *s, size_t length, int threads,
                       float *out)
{
    const pf_dims *d = pf_clip_dims(pf_model_clip(b->model));
    const size_t n = length < (size_t)d->context ? length : (size_t)d->context;
    int32_t ids[77];
    double time[256];
    size_t runs = 0;
    pf_err err = PF_ERR_INIT;
    if (!is_wanted(b, "text", length, threads))
        return;
    if (!pf_session_set_threads(s, (size_t)threads, &err))
        give_up(err.msg);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(i * 37 % (size_t)(d->vocab - 2)) + 1;
    ids[n - 1] = d->vocab - 1;
    const double start = seconds_now(), cpu = seconds_used();
    while (runs < 256 && (runs <= REPEATS || seconds_now() - start <= b->seconds)) {
        const double before = seconds_now();
        if (!pf_session_embed_tokens(s, ids, &n, 1, out, &err))
            give_up(err.msg);
        time[runs++] = seconds_now() - before;
    }
    const double cost = (seconds_used() - cpu) / (double)runs;
    tell(b, "text", n, threads, 1e3 * pf_bench_median(time, runs), "ms", cost);
}

static void bench_texts(const bench *b)
{
    static const size_t length[] = {10, 25, 77};
    const pf_clip *clip = pf_model_clip(b->model);
    pf_err err = PF_ERR_INIT;
    pf_session *s = NULL;
    float *out = pf_alloc_floats((size_t)pf_clip_dims(clip)->embed, &err);
    if (!out || !pf_session_new(&s, clip, &err))
        give_up(err.msg);
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        for (size_t k = 0; k < sizeof length / sizeof *length; k++)
            bench_text(b, s, length[k], threads, out);
    }
    pf_session_free(s);
    pf_free(out);
}

/* ---- yardstick ---- */

/* The MLP's first product at batch 8: [400, 768] x [768, 3072]. */
static void bench_product(const bench *b)
{
    enum { ROWS = 400, IN = 768, OUT = 3072 };
    const pf_precision precision =
        pf_clip_precision(pf_model_clip(b->model), PF_CLIP_IMAGE);
    const size_t room = pf_rows_size(precision, IN, ROWS) / sizeof(float) + 1;
    const size_t packed = pf_packed_size(precision, IN, OUT) / sizeof(float);
    if (!is_wanted(b, "product", ROWS, 1))
        return;
    float *x = pf_alloc_floats(ROWS * IN, NULL), *w = pf_alloc_floats(OUT * IN, NULL),
          *y = pf_alloc_floats(ROWS * OUT, NULL), *rows = pf_alloc_floats(room, NULL),
          *to = pf_alloc_floats(packed, NULL);
    if (!x || !w || !y || !rows || !to)
        exit(1);
    for (size_t i = 0; i < ROWS * IN; i++)
        x[i] = (float)(i * 2654435761u % 2000) / 500.0f - 2.0f;
    for (size_t i = 0; i < OUT * IN; i++)
        w[i] = (float)(i * 2246822519u % 2000) / 5000.0f - 0.2f;
    pf_linear l = {.weight = w, .in = IN, .out = OUT};
    pf_packed_view(&l.packed, precision, IN, OUT, to);
    for (size_t i = 0; i < pf_packed_panels(&l.packed); i++)
        pf_packed_fill(&l.packed, i, w + i * PF_TILE_COLUMNS * IN, to);
    pf_product p = {.layer = &l, .y = y, .ldy = OUT};
    size_t runs = 0;
    double start = seconds_now(), cpu = seconds_used();
    while (runs < 3 || seconds_now() - start < b->seconds / 2) {
        pf_rows_make(&p.rows, precision, x, IN, ROWS, IN, rows);
        pf_kernel_linear(&p, 0, pf_packed_panels(&l.packed));
        runs++;
    }
    const double per_run = (seconds_now() - start) / (double)runs;
    tell(b, "product", ROWS, 1, 2e-9 * ROWS * IN * OUT / per_run, "GFLOP/s",
         (seconds_used() - cpu) / (double)runs);
    pf_free(x);
    pf_free(w);
    pf_free(y);
    pf_free(rows);
    pf_free(to);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 5) {
        fprintf(stderr, "usage: pf-bench-embed MODEL [SECONDS per figure, 5 "
                        "[f32|i16|i8|auto [ROWS]]]\n");
        return 2;
    }
    bench b = {.seconds = argc >= 3 ? strtod(argv[2], NULL) : 5,
               .rows = argc >= 5 ? argv[4] : NULL};
    pf_err err = PF_ERR_INIT;
    pf_model_options options;
    pf_model_options_init(&options);
    options.what = PF_CLIP_TEXT | PF_CLIP_IMAGE;
    options.tokenizer_is_optional = true;
    if (!pf_precision_find(&options.precision.asked, argc >= 4 ? argv[3] : "auto",
                           &err))
        give_up(err.msg);
    if (options.precision.asked == PF_PRECISION_AUTO)
        options.what |= PF_CLIP_VERIFY; /* or it is not measured */
    const double start = seconds_now(), cpu = seconds_used();
    if (!pf_model_open(&b.model, argv[1], &options, NULL, &err))
        give_up(err.msg);
    if (is_wanted(&b, "open", 0, 1))
        tell(&b, "open", 0, 1, 1e3 * (seconds_now() - start), "ms",
             seconds_used() - cpu);
    if (!pf_clip_pack(pf_model_clip(b.model), PF_CLIP_TEXT, &err) ||
        !pf_clip_pack(pf_model_clip(b.model), PF_CLIP_IMAGE, &err))
        give_up(err.msg);
    if (is_wanted(&b, "pack", 0, 1))
        tell(&b, "pack", 0, 1, 1e3 * (seconds_now() - start), "ms",
             seconds_used() - cpu);
    bench_product(&b);
    bench_all_images(&b);
    bench_texts(&b);
    pf_model_close(b.model);
    return 0;
}
