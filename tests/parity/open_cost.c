/*
 * open_cost.c - pf-open-cost CHECKPOINT [TOKENIZER]: what opening a model costs.
 *
 * Four ways: a phrase query (text tower), a later index run (both towers), the first
 * index run (both, every number looked at and hashed), and that with eight pictures
 * embedded. Each way runs five times in a process of its own; printed are the median
 * time, on the clock and of the processor, of opening, and the peak of resident memory,
 * also as a multiple of the model's weights in float32. The first time warms the page
 * cache and is not counted. Exit 1 when opening takes over two seconds or memory is
 * over 1.6 times the weights.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/model/model.h"

enum { REPEATS = 5, PICTURES = 8 };

static const double seconds_ceiling = 2.0, memory_ceiling = 1.6;

typedef struct {
    const char *name;
    unsigned what;
    bool embeds;
} way;

static const way ways[] = {
    {"phrase query", PF_CLIP_TEXT, false},
    {"later run", PF_CLIP_TEXT | PF_CLIP_IMAGE, false},
    {"first run", PF_CLIP_TEXT | PF_CLIP_IMAGE | PF_CLIP_VERIFY, false},
    {"first run + 8 pictures", PF_CLIP_TEXT | PF_CLIP_IMAGE | PF_CLIP_VERIFY, true},
};

typedef struct {
    double seconds, cpu;
    double peak, weights; /* bytes */
} cost;

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Bytes this process has had resident at most, mapped files included. */
static double peak_memory(void)
{
    char line[128];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    if (f)
        fclose(f);
    return 1024.0 * (double)kib;
}

static bool embed_noise(const pf_model *model, pf_err *err)
{
    pf_embedder *e = NULL;
    size_t area = pf_embed_pixels_size(model), dim = (size_t)pf_model_dim(model);
    float *pixels = pf_alloc_floats(PICTURES * area, err);
    float *out = pf_alloc_floats(PICTURES * dim, err);
    bool ok = pixels && out && pf_embedder_new(&e, model, err);
    for (size_t i = 0; ok && i < PICTURES * area; i++)
        pixels[i] = (float)(i * 2654435761u % 1000) / 500 - 1;
    ok = ok && pf_embed_pixels(e, pixels, PICTURES, out, err);
    pf_embedder_free(e);
    pf_free(pixels);
    pf_free(out);
    return ok;
}

static bool open_once(const way *w, const char *path, const char *tokenizer, cost *c,
                      pf_err *err)
{
    pf_model *model = NULL;
    pf_model_options options;
    pf_model_options_init(&options);
    options.what = w->what;
    options.tokenizer = tokenizer;
    options.tokenizer_is_optional = true;
    double start = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    bool ok = pf_model_open(&model, path, &options, NULL, err);
    c->seconds = seconds_of(CLOCK_MONOTONIC) - start;
    c->cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (ok) {
        c->weights =
            4.0 * (double)pf_dims_parameters(pf_clip_dims(pf_model_clip(model)));
        ok = !w->embeds || embed_noise(model, err);
    }
    c->peak = peak_memory();
    pf_model_close(model);
    return ok;
}

static bool open_apart(const way *w, const char *path, const char *tokenizer, cost *c)
{
    int ends[2], status = 1;
    if (pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        pf_err err = PF_ERR_INIT;
        bool ok = open_once(w, path, tokenizer, c, &err);
        if (!ok)
            fprintf(stderr, "pf-open-cost: %s\n", err.msg);
        ok = ok && write(ends[1], c, sizeof *c) == (ssize_t)sizeof *c;
        _exit(!ok);
    }
    close(ends[1]);
    bool ok = child > 0 && read(ends[0], c, sizeof *c) == (ssize_t)sizeof *c;
    close(ends[0]);
    return waitpid(child, &status, 0) == child && status == 0 && ok;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool measure(const way *w, const char *path, const char *tokenizer, bool *good)
{
    double seconds[REPEATS], cpu[REPEATS], peak = 0;
    cost c = {0};
    for (int i = -1; i < REPEATS; i++) {
        if (!open_apart(w, path, tokenizer, &c))
            return false;
        if (i >= 0) {
            seconds[i] = c.seconds;
            cpu[i] = c.cpu;
        }
        peak = c.peak > peak ? c.peak : peak;
    }
    qsort(seconds, REPEATS, sizeof *seconds, by_value);
    qsort(cpu, REPEATS, sizeof *cpu, by_value);
    double median = seconds[REPEATS / 2], ratio = peak / c.weights;
    *good = median <= seconds_ceiling && ratio <= memory_ceiling;
    printf("%-4s %-22s %5.0f ms (%5.0f ms of CPU), peak %5.0f MB, %.2f x the weights "
           "(%.0f MB)\n",
           *good ? "ok" : "FAIL", w->name, 1e3 * median, 1e3 * cpu[REPEATS / 2],
           peak / 1e6, ratio, c.weights / 1e6);
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    int failures = 0;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: pf-open-cost CHECKPOINT [TOKENIZER]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bool good = false;
        if (!measure(&ways[i], argv[1], argc > 2 ? argv[2] : NULL, &good))
            return 1;
        failures += !good;
    }
    return failures > 0;
}
