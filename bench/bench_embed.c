/*
 * bench_embed.c - pf-bench-embed MODEL [SECONDS]: how fast a model embeds.
 *
 * Images per second at batch 1, 8 and 32 with one and two threads (one session each, as
 * the indexer works), and the time one text takes at 10, 25 and 77 tokens. Besides, the
 * rate of a plain matrix product of the same shapes, as a yardstick of the machine: the
 * ratio is what can be compared between machines, the rate is not.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/model/kernels.h"
#include "core/model/model.h"

enum { THREADS_MAX = 2, BATCH_MAX = 32, REPEATS = 5 };

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
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
        if (!job[i].ok) {
            fprintf(stderr, "pf-bench-embed: %s\n", job[i].err.msg);
            exit(1);
        }
        done += (double)job[i].done;
    }
    return done / (seconds_now() - start);
}

static void bench_images(const pf_model *model, double seconds)
{
    size_t size = pf_embed_pixels_size(model);
    float *pixels = pf_alloc_floats(size * BATCH_MAX, NULL);
    if (!pixels)
        exit(1);
    for (size_t i = 0; i < size * BATCH_MAX; i++)
        pixels[i] = (float)(i * 2654435761u % 2000) / 500.0f - 2.0f;
    static const size_t batch[] = {1, 8, 32};
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        for (size_t b = 0; b < sizeof batch / sizeof *batch; b++) {
            double rate[REPEATS];
            for (int r = 0; r < REPEATS; r++)
                rate[r] = images_per_second(model, pixels, batch[b], threads,
                                            seconds / REPEATS);
            printf("images   batch %2zu  threads %d  %7.2f images/s\n", batch[b],
                   threads, median(rate, REPEATS));
            fflush(stdout);
        }
    }
    pf_free(pixels);
}

/* ---- texts ---- */

static void bench_texts(const pf_model *model, double seconds)
{
    const pf_dims *d = pf_clip_dims(pf_model_clip(model));
    static const size_t length[] = {10, 25, 77};
    int32_t ids[77];
    pf_err err = PF_ERR_INIT;
    pf_session *s = NULL;
    float *out = pf_alloc_floats((size_t)d->embed, &err);
    bool ok = out && pf_session_new(&s, pf_model_clip(model), &err);
    for (size_t k = 0; ok && k < sizeof length / sizeof *length; k++) {
        size_t n = length[k] < (size_t)d->context ? length[k] : (size_t)d->context;
        for (size_t i = 0; i < n; i++)
            ids[i] = (int32_t)(i * 37 % (size_t)(d->vocab - 2));
        ids[n - 1] = d->vocab - 1;
        double time[256];
        int runs = 0;
        for (double start = seconds_now(); ok && runs < 256; runs++) {
            double before = seconds_now();
            ok = pf_session_embed_tokens(s, ids, &n, 1, out, &err);
            time[runs] = seconds_now() - before;
            if (runs > 4 && seconds_now() - start > seconds)
                break;
        }
        printf("text     tokens %2zu threads 1  %7.2f ms (median)\n", n,
               1e3 * median(time, runs));
    }
    if (!ok)
        fprintf(stderr, "pf-bench-embed: %s\n", err.msg);
    pf_session_free(s);
    pf_free(out);
}

/* ---- yardstick ---- */

/* The MLP's first product at batch 8: [400, 768] x [768, 3072]. */
static void bench_product(double seconds)
{
    enum { ROWS = 400, IN = 768, OUT = 3072 };
    float *x = pf_alloc_floats(ROWS * IN, NULL), *w = pf_alloc_floats(OUT * IN, NULL),
          *y = pf_alloc_floats(ROWS * OUT, NULL);
    if (!x || !w || !y)
        exit(1);
    pf_linear l = {.weight = w, .in = IN, .out = OUT};
    size_t runs = 0;
    double start = seconds_now();
    while (runs < 3 || seconds_now() - start < seconds) {
        pf_kernel_linear(&l, x, ROWS, y, OUT, false);
        runs++;
    }
    double flops = 2.0 * ROWS * IN * OUT * (double)runs / (seconds_now() - start);
    printf("product  [400, 768] x [768, 3072], 1 thread  %.1f GFLOP/s\n", flops * 1e-9);
    pf_free(x);
    pf_free(w);
    pf_free(y);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: pf-bench-embed MODEL [SECONDS per figure, 5]\n");
        return 2;
    }
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 5;
    pf_err err = PF_ERR_INIT;
    pf_model *model = NULL;
    pf_model_options options;
    pf_model_options_init(&options);
    options.what = PF_CLIP_TEXT | PF_CLIP_IMAGE;
    options.tokenizer_is_optional = true;
    double start = seconds_now();
    if (!pf_model_open(&model, argv[1], &options, NULL, &err)) {
        fprintf(stderr, "pf-bench-embed: %s\n", err.msg);
        return 1;
    }
    printf("open     %.3f s\n", seconds_now() - start);
    bench_product(seconds / 2);
    bench_images(model, seconds);
    bench_texts(model, seconds);
    pf_model_close(model);
    return 0;
}
