/* bench_store.c - see bench_store.h. */
#include "bench/bench_store.h"

#include <string.h>

bool pf_bench_begin(pf_bench_store *out, pf_catalog *catalog, int dim, pf_err *err)
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
    *out = (pf_bench_store){.store = pf_catalog_store(catalog)};
    return pf_store_begin(out->store, err) &&
           pf_store_put_model(out->store, &model, &out->model, err) &&
           pf_store_use_model(out->store, out->model, err) &&
           pf_store_put_source(out->store, &source, &out->source, err);
}

bool pf_bench_put_image(const pf_bench_store *s, const char *path, const float *v,
                        int64_t *id, pf_err *err)
{
    const pf_store_picture picture = {.model_id = s->model,
                                      .content = pf_hash_bytes(path, strlen(path)),
                                      .width = 64,
                                      .height = 64,
                                      .format = "png",
                                      .vector = v};
    pf_store_image image = {.source_id = s->source, .path = path, .size = 1000};
    return pf_store_put_picture(s->store, &picture, &image.picture_id, err) &&
           pf_store_put_image(s->store, &image, id, err);
}

bool pf_bench_put_caption(const pf_bench_store *s, int64_t image, const char *text,
                          const float *v, pf_err *err)
{
    int64_t id = 0;
    return pf_store_put_caption_text(s->store, s->model, text, v, &id, err) &&
           pf_store_set_captions(s->store, image, &id, 1, err);
}
