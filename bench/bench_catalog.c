/* bench_catalog.c - see bench_catalog.h. */
#include "bench/bench_catalog.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench_store.h"
#include "core/base/mem.h"
#include "data/phantoms/catalogue.h"

typedef struct {
    pf_bench_store to;
    int dim;
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
    ph_view views[PH_VIEWS_MAX];
    ph_study study = ph_study_of(i % ph_classes(), &w->random);
    ph_views_of(&study, &w->random, views);
    study = ph_seen(&study, views[0]);
    for (int k = 0; k < w->dim; k++)
        v[k] += ph_uniform(&w->random, -0.5f, 0.5f);
    make_unit(v, w->dim);
    pf_buf_init(&text, 1 << 16);
    const bool ok = ph_caption(&text, &study, views[0], &w->random, err) &&
                    pf_bench_put_caption(&w->to, image, text.data, v, err);
    pf_buf_free(&text);
    return ok;
}

static bool put_attributes(writing *w, int i, int64_t image, pf_err *err)
{
    static const char *const modality[] = {"CT", "MR", "CR", "US", "DX", "MG"};
    char part[16], date[16];
    snprintf(part, sizeof part, "part %d", i * 7 % 41);
    snprintf(date, sizeof date, "20%02d-%02d-%02d", i % 25, i % 12 + 1, i % 28 + 1);
    const pf_store_attribute all[] = {
        {"modality", modality[i % 17 % 6]}, {"body_part", part}, {"date", date}};
    return pf_store_set_image_attributes(w->to.store, image, all, 3, err);
}

static bool put_pair(writing *w, int i, pf_err *err)
{
    float v[PF_BENCH_DIM_MAX];
    char path[64];
    int64_t id;
    snprintf(path, sizeof path, "/films/%06d.png", i);
    for (int k = 0; k < w->dim; k++)
        v[k] = ph_uniform(&w->random, -1, 1);
    make_unit(v, w->dim);
    if (!pf_bench_put_image(&w->to, path, v, &id, err) ||
        !put_attributes(w, i, id, err))
        return false;
    for (int k = 0; k < w->dim; k++)
        v[k] *= sqrtf((float)w->dim) * 0.15f;
    return put_caption(w, v, i, id, err);
}

bool pf_bench_write_catalog(const char *folder, int pairs, int dim, pf_err *err)
{
    pf_catalog *catalog = NULL;
    if (!pf_catalog_open_writer(&catalog, folder, NULL, err))
        return false;
    writing w = {.dim = dim, .random = ph_rng_of(1, 1)};
    bool ok = pf_bench_begin(&w.to, catalog, dim, err);
    for (int i = 1; ok && i <= pairs; i++)
        ok = put_pair(&w, i, err);
    ok = ok && pf_catalog_publish(catalog, err);
    pf_catalog_close(catalog);
    return ok;
}
