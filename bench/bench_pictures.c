/*
 * bench_pictures.c - pf-bench-pictures MODEL FILE...: what a picture costs before it is
 * embedded, and what decoding it smaller does to its vector.
 *
 * Milliseconds of processor time, the least of several times: decoding as the file has
 * it and as the engine asks for it, the model's input and the thumbnail made of either,
 * its JPEG, all of this, and the embedding at the precision that auto chooses. `cosine`
 * is between the vectors of the two. A line for each, fields separated by tabs, with a
 * head line.
 */
#include <stdio.h>

#include "bench/clocks.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"
#include "core/image/intake.h"
#include "core/model/model.h"

enum { REPEATS = 7 };

typedef struct {
    pf_model *model;
    const pf_preprocess *preprocess;
    pf_embedder *embedder;
    uint8_t *rgb;
    float *input, *vector[2]; /* of the whole picture, and of the smaller one */
    pf_thumbnail thumbnail;
    pf_buf jpeg;
} bench;

static double now(void)
{
    return pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID);
}

static void keep_least(double *least, double ms)
{
    *least = *least == 0 || ms < *least ? ms : *least;
}

typedef struct {
    double decode, input, thumbnail, jpeg, embed; /* ms */
    int width, height;
} cost;

static bool measure(bench *b, const pf_mapfile *file, int enough, float *vector,
                    cost *c, pf_err *err)
{
    pf_picture p = {0};
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    limits.enough = enough;
    bool ok = true;
    for (int r = 0; ok && r < REPEATS; r++) {
        pf_picture_reset(&p);
        b->jpeg.size = 0;
        double t[6] = {now()};
        ok = pf_picture_decode(&p, file->data, file->size, NULL, 0, &limits, err);
        t[1] = now();
        ok = ok && pf_preprocess_pixels(b->preprocess, &p, b->rgb, err);
        t[2] = now();
        ok = ok && pf_thumbnail_make(&b->thumbnail, &p, err);
        t[3] = now();
        ok = ok && pf_thumbnail_encode(&b->thumbnail, &b->jpeg, err);
        t[4] = now();
        pf_preprocess_normalise(b->preprocess, b->rgb, b->input);
        ok = ok && (r > 2 || pf_embed_pixels(b->embedder, b->input, 1, vector, err));
        t[5] = now();
        keep_least(&c->decode, t[1] - t[0]);
        keep_least(&c->input, t[2] - t[1]);
        keep_least(&c->thumbnail, t[3] - t[2]);
        keep_least(&c->jpeg, t[4] - t[3]);
        if (r <= 2)
            keep_least(&c->embed, t[5] - t[4]);
    }
    c->width = p.width;
    c->height = p.height;
    pf_picture_reset(&p);
    return ok;
}

static double cosine(const float *a, const float *b, int dim)
{
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void tell(const char *path, const char *what, const cost *c, double cosine)
{
    printf("%s\t%s\t%d\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.6f\n", path, what,
           c->width, c->height, c->decode, c->input, c->thumbnail, c->jpeg,
           c->decode + c->input + c->thumbnail + c->jpeg, c->embed, cosine);
}

static bool bench_file(bench *b, const char *path, pf_err *err)
{
    const int enough = pf_intake_enough(b->preprocess);
    pf_mapfile file;
    cost whole = {0}, small = {0};
    if (!pf_mapfile_open(&file, path, err))
        return false;
    bool ok = measure(b, &file, 0, b->vector[0], &whole, err) &&
              measure(b, &file, enough, b->vector[1], &small, err);
    pf_mapfile_close(&file);
    if (!ok)
        return pf_fail_in(err, "'%s'", path);
    tell(path, "whole", &whole, 1);
    tell(path, "small", &small,
         cosine(b->vector[0], b->vector[1], pf_model_dim(b->model)));
    fflush(stdout);
    return true;
}

static bool open_all(bench *b, const char *path, pf_err *err)
{
    pf_model_options options;
    pf_model_options_init(&options);
    options.what =
        PF_CLIP_IMAGE | PF_CLIP_VERIFY; /* or the precision is not measured */
    options.precision.asked = PF_PRECISION_AUTO;
    options.tokenizer_is_optional = true;
    pf_buf_init(&b->jpeg, PF_THUMBNAIL_CAP);
    if (!pf_model_open(&b->model, path, &options, NULL, err) ||
        !pf_embedder_new(&b->embedder, b->model, err))
        return false;
    b->preprocess = pf_model_preprocess(b->model);
    const size_t size = pf_embed_pixels_size(b->model);
    const size_t dim = (size_t)pf_model_dim(b->model);
    return (b->rgb = pf_alloc_array(size, 1, err)) &&
           (b->input = pf_alloc_floats(size, err)) &&
           (b->vector[0] = pf_alloc_floats(dim, err)) &&
           (b->vector[1] = pf_alloc_floats(dim, err));
}

int main(int argc, char **argv)
{
    static bench b;
    pf_err err = PF_ERR_INIT;
    if (argc < 3) {
        fprintf(stderr, "usage: pf-bench-pictures MODEL FILE...\n");
        return 2;
    }
    bool ok = open_all(&b, argv[1], &err);
    puts("file\tdecoded\twidth\theight\tdecode\tinput\tthumbnail\tjpeg\tall\tembed\t"
         "cosine");
    for (int i = 2; ok && i < argc; i++)
        ok = bench_file(&b, argv[i], &err);
    if (!ok)
        fprintf(stderr, "pf-bench-pictures: %s\n", err.msg);
    return ok ? 0 : 1;
}
