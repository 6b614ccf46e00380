/*
 * bench_evaluate.c - pf-bench-evaluate FOLDER [PAIRS [DIM]]: how long an evaluation
 * takes, part by part.
 *
 * Makes the catalog FOLDER with PAIRS (10,000) images of one caption each: vectors are
 * noise of length 1 and DIM (512) numbers, a caption's near its image's, captions those
 * of the drawn phantoms. A catalog that is there already is used as it is.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "core/catalog/catalog.h"
#include "core/evaluate/evaluate.h"
#include "data/phantoms/catalogue.h"
#include "tests/support/asking.h"

enum { DIM_MAX = 4096 };

typedef struct {
    pf_store *store;
    int dim;
    int64_t model, source;
    ph_rng random;
} writing;

static void make_unit(float *v, int dim)
{
    double square = 0;
    for (int i = 0; i < dim; i++)
        square += (double)v[i] * v[i];
    for (int i = 0; i < dim; i++)
        v[i] = (float)(v[i] / sqrt(square));
}

static bool put_caption(writing *w, float *v, int i, int64_t image, pf_err *err)
{
    pf_buf text;
    int64_t id = 0;
    ph_view views[PH_VIEWS_MAX];
    ph_study study = ph_study_of(i % ph_classes(), &w->random);
    ph_views_of(&study, &w->random, views);
    study = ph_seen(&study, views[0]);
    for (int k = 0; k < w->dim; k++)
        v[k] += ph_uniform(&w->random, -0.5f, 0.5f);
    make_unit(v, w->dim);
    pf_buf_init(&text, 1 << 16);
    const bool ok =
        ph_caption(&text, &study, views[0], &w->random, err) &&
        pf_store_put_caption_text(w->store, w->model, text.data, v, &id, err) &&
        pf_store_set_captions(w->store, image, &id, 1, err);
    pf_buf_free(&text);
    return ok;
}

static bool put_pair(writing *w, int i, pf_err *err)
{
    float v[DIM_MAX];
    char path[64];
    int64_t id;
    snprintf(path, sizeof path, "/films/%06d.png", i);
    for (int k = 0; k < w->dim; k++)
        v[k] = ph_uniform(&w->random, -1, 1);
    make_unit(v, w->dim);
    const pf_store_picture picture = {.model_id = w->model,
                                      .content = pf_hash_bytes(path, strlen(path)),
                                      .width = 64,
                                      .height = 64,
                                      .format = "png",
                                      .vector = v};
    pf_store_image image = {.source_id = w->source, .path = path, .size = 1000};
    if (!pf_store_put_picture(w->store, &picture, &image.picture_id, err) ||
        !pf_store_put_image(w->store, &image, &id, err))
        return false;
    for (int k = 0; k < w->dim; k++)
        v[k] *= sqrtf((float)w->dim) * 0.15f;
    return put_caption(w, v, i, id, err);
}

static bool write_catalog(const char *folder, int pairs, int dim, pf_err *err)
{
    char fingerprint[] = "0123456789abcdef0123456789abcdef", path[] = "/no-model",
         preprocess[] = "clip", description[] = "noise", stamp[] = "none";
    const pf_store_model model = {.fingerprint = fingerprint,
                                  .path = path,
                                  .preprocess = preprocess,
                                  .description = description,
                                  .stamp = stamp,
                                  .dim = dim,
                                  .logit_scale = 4.6052};
    const pf_store_source source = {.path = "/films", .kind = "folder"};
    pf_catalog *catalog = NULL;
    if (!pf_catalog_open_writer(&catalog, folder, NULL, err))
        return false;
    writing w = {
        .store = pf_catalog_store(catalog), .dim = dim, .random = ph_rng_of(1, 1)};
    bool ok = pf_store_begin(w.store, err) &&
              pf_store_put_model(w.store, &model, &w.model, err) &&
              pf_store_use_model(w.store, w.model, err) &&
              pf_store_put_source(w.store, &source, &w.source, err);
    for (int i = 1; ok && i <= pairs; i++)
        ok = put_pair(&w, i, err);
    ok = ok && pf_catalog_publish(catalog, err);
    pf_catalog_close(catalog);
    return ok;
}

static void print_part(const char *name, const pf_evaluated_way *e)
{
    if (!e->is_there)
        return;
    printf("%-24s %6zu questions %8.2f s  Recall@1 %.3f  MRR %.3f\n", name,
           e->metrics.n, e->seconds, e->metrics.of[PF_RECALL_AT_1].value,
           e->metrics.of[PF_MRR].value);
    fflush(stdout);
}

static bool measure(const char *folder, pf_by by, pf_err *err)
{
    const pf_evaluate_options how = {.by = by, .seed = PF_METRICS_SEED};
    pf_reader *reader = NULL;
    pf_evaluate_result e = {0};
    const bool ok = pf_asking_open(&reader, folder, NULL, NULL, err) &&
                    pf_evaluate(reader, &how, &e, NULL, err);
    print_part("text to image, meaning", &e.text_to_image[PF_EVALUATED_MEANING]);
    print_part("image to text, meaning", &e.image_to_text);
    print_part("text to image, words", &e.text_to_image[PF_EVALUATED_WORDS]);
    print_part("text to image, both", &e.text_to_image[PF_EVALUATED_BOTH]);
    pf_evaluate_result_reset(&e);
    pf_asking_close(reader);
    return ok;
}

int main(int argc, char **argv)
{
    pf_blas_set_threads(1);
    pf_err err = PF_ERR_INIT;
    if (argc < 2 || argc > 4) {
        fputs("usage: pf-bench-evaluate FOLDER [PAIRS [DIM]]\n", stderr);
        return 2;
    }
    const long pairs = argc > 2 ? strtol(argv[2], NULL, 10) : 10000;
    const long dim = argc > 3 ? strtol(argv[3], NULL, 10) : 512;
    if (pairs < 1 || pairs > 10000000 || dim < 1 || dim > DIM_MAX) {
        fputs("pf-bench-evaluate: no such number of pairs or dimensions\n", stderr);
        return 2;
    }
    const bool ok = (pf_path_exists(argv[1]) ||
                     write_catalog(argv[1], (int)pairs, (int)dim, &err)) &&
                    measure(argv[1], PF_BY_MEANING, &err) &&
                    measure(argv[1], PF_BY_WORDS, &err) &&
                    measure(argv[1], PF_BY_BOTH, &err);
    if (!ok)
        fprintf(stderr, "pf-bench-evaluate: %s\n", err.msg);
    return ok ? 0 : 1;
}
