/* seeded.c - see seeded.h. */
#include "tests/support/seeded.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/model/model.h"
#include "tests/support/noise.h"

enum { DIM_MAX = 4096, SMALL_DIM = 8 };

void pf_seeded_vector(float *v, int dim, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    double square = 0;
    for (int i = 0; i < dim; i++) {
        state = state * 1664525u + 1013904223u;
        v[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
        square += (double)v[i] * v[i];
    }
    for (int i = 0; i < dim; i++)
        v[i] = (float)(v[i] / sqrt(square));
}

static int original_of(int i)
{
    while (i % 7 == 0)
        i /= 7;
    return i;
}

void pf_seeded_twin(float *v, int dim, int i)
{
    static const float step[] = {0, 0.02f, 0.1f, 0.3f};
    i = original_of(i);
    const int first = i - (i - 1) % 4;
    float noise[DIM_MAX];
    pf_seeded_vector(v, dim, (uint32_t)first);
    for (int k = first + 1; k <= i; k++) {
        double square = 0;
        pf_seeded_vector(noise, dim, 5000000u + (uint32_t)k);
        for (int d = 0; d < dim; d++) {
            v[d] += step[k - first] * noise[d];
            square += (double)v[d] * v[d];
        }
        for (int d = 0; d < dim; d++)
            v[d] = (float)(v[d] / sqrt(square));
    }
}

bool pf_seeded_model_write(const char *folder, pf_err *err)
{
    if (!pf_noise_write(pf_noise_find("tiny-vit"), folder, PF_NOISE_HF, err))
        return false;
    /* No merges: the vocabulary is 256 bytes, 256 that end a word, start and end. */
    char *path = pf_path_join(folder, "merges.txt", err);
    FILE *f = path ? fopen(path, "w") : NULL;
    const bool ok = f && fputs("#version: 0.2\n", f) >= 0 && fclose(f) == 0;
    if (!ok && path)
        pf_fail(err, PF_ERR_IO, "cannot write '%s'", path);
    pf_free(path);
    return ok;
}

typedef struct {
    pf_store *store;
    int dim;
    int64_t model, source;
    bool has_captions, has_twins, has_thumbnails;
    bool is_measured;   /* the model, for what it may compute with */
    char *const *texts; /* [n_texts], or none: what captions say */
    size_t n_texts;
} writing;

static bool put_model_row(writing *w, const pf_store_model *row, pf_err *err)
{
    w->dim = row->dim;
    return pf_store_put_model(w->store, row, &w->model, err) &&
           pf_store_use_model(w->store, w->model, err);
}

static bool put_model(writing *w, const char *path, const char *tokenizer, pf_err *err)
{
    pf_model_options options;
    pf_model_options_init(&options);
    options.tokenizer = tokenizer;
    if (w->is_measured)
        options.precision = (pf_precision_choice){.asked = PF_PRECISION_AUTO};
    pf_model *model = NULL;
    if (!pf_model_open(&model, path, &options, NULL, err))
        return false;
    const pf_hash fingerprint = pf_model_fingerprint(model);
    char hex[PF_HASH_HEX_SIZE], description[] = "seeded noise", clip[] = "clip";
    pf_hash_hex(&fingerprint, hex);
    pf_store_model row = {.fingerprint = hex,
                          .path = pf_strdup(path, err),
                          .preprocess = clip,
                          .description = description,
                          .stamp = pf_model_stamp(model, err),
                          .dim = pf_model_dim(model),
                          .logit_scale = 4.6052};
    bool ok = row.path && row.stamp;
    if (tokenizer)
        ok = (row.tokenizer = pf_strdup(tokenizer, err)) != NULL && ok;
    ok = ok && put_model_row(w, &row, err);
    pf_free(row.path);
    pf_free(row.stamp);
    pf_free(row.tokenizer);
    pf_model_close(model);
    return ok;
}

static bool put_no_model(writing *w, pf_err *err)
{
    char path[] = "/no/model", text[] = "none", clip[] = "clip";
    const pf_store_model row = {.fingerprint = text,
                                .path = path,
                                .preprocess = clip,
                                .description = text,
                                .stamp = text,
                                .dim = SMALL_DIM,
                                .logit_scale = 4.6052};
    return put_model_row(w, &row, err);
}

static bool put_case(writing *w, int i, int64_t *id, pf_err *err)
{
    char key[32], title[64];
    *id = 0;
    if (i % 5 > 1 || i < 5)
        return true;
    snprintf(key, sizeof key, "case-%d", i / 5);
    snprintf(title, sizeof title, "Case number %d", i / 5);
    const pf_store_attribute anatomy = {"anatomy", i / 5 % 2 ? "chest" : "head"};
    return pf_store_put_case(w->store, w->source, key, title, id, err) &&
           pf_store_set_case_attributes(w->store, *id, &anatomy, 1, err);
}

static bool put_text(writing *w, int i, int64_t image, pf_err *err)
{
    float v[DIM_MAX];
    int64_t id;
    pf_buf text;
    pf_buf_init(&text, 1 << 16);
    pf_seeded_vector(v, w->dim, 1000000u + (uint32_t)i);
    const bool ok =
        pf_buf_addf(&text, err, "%s (%d)", w->texts[(size_t)i % w->n_texts], i) &&
        pf_buf_add(&text, "", 1, err) &&
        pf_store_put_caption_text(w->store, w->model, text.data, v, &id, err) &&
        pf_store_set_captions(w->store, image, &id, 1, err);
    pf_buf_free(&text);
    return ok;
}

static bool put_captions(writing *w, int i, int64_t image, pf_err *err)
{
    float v[DIM_MAX];
    int64_t texts[2];
    const size_t n = i % 2 != 0 || !w->has_captions ? 0 : i % 10 == 0 ? 2 : 1;
    for (size_t k = 0; k < n; k++) {
        char text[64];
        const int number = w->has_twins && i % 6 == 0 && k == 0 ? 0 : i;
        snprintf(text, sizeof text, "%s of film %d", k ? "another text" : "caption",
                 number);
        pf_seeded_vector(v, w->dim, 1000000u * (uint32_t)(k + 1) + (uint32_t)number);
        if (!pf_store_put_caption_text(w->store, w->model, text, v, &texts[k], err))
            return false;
    }
    return n == 0 || pf_store_set_captions(w->store, image, texts, n, err);
}

static bool put_thumbnail(writing *w, int64_t picture, pf_err *err)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xd9}; /* as short as there is */
    return !w->has_thumbnails ||
           pf_store_put_thumbnail(w->store, picture, jpeg, sizeof jpeg, err);
}

static bool put_image(writing *w, int i, pf_err *err)
{
    static const char *const modality[] = {"CT", "MR", "CR"};
    char path[64];
    float v[DIM_MAX];
    char content[64];
    snprintf(path, sizeof path, "/films/%04d.png", i);
    snprintf(content, sizeof content, "/films/%04d.png",
             w->has_twins ? original_of(i) : i);
    if (w->has_twins)
        pf_seeded_twin(v, w->dim, i);
    else
        pf_seeded_vector(v, w->dim, (uint32_t)i);
    const pf_store_picture picture = {.model_id = w->model,
                                      .content =
                                          pf_hash_bytes(content, strlen(content)),
                                      .width = 64,
                                      .height = 48,
                                      .format = "png",
                                      .vector = v};
    pf_store_image image = {.source_id = w->source, .path = path, .size = 1000};
    const pf_store_attribute attribute = {"modality", modality[i % 3]};
    int64_t id;
    return pf_store_put_picture(w->store, &picture, &image.picture_id, err) &&
           put_thumbnail(w, image.picture_id, err) &&
           put_case(w, i, &image.case_id, err) &&
           pf_store_put_image(w->store, &image, &id, err) &&
           pf_store_set_image_attributes(w->store, id, &attribute, 1, err) &&
           (w->n_texts > 0 ? put_text : put_captions)(w, i, id, err);
}

/* `model` is NULL: it has none. */
static bool write_catalog(writing w, const char *folder, const char *model,
                          const char *tokenizer, int n_images, pf_err *err)
{
    pf_catalog *catalog = NULL;
    if (!pf_catalog_open_writer(&catalog, folder, NULL, err))
        return false;
    const pf_store_source source = {.path = "/films", .kind = "folder"};
    w.store = pf_catalog_store(catalog);
    bool ok = pf_store_begin(w.store, err) &&
              (model ? put_model(&w, model, tokenizer, err) : put_no_model(&w, err)) &&
              pf_store_put_source(w.store, &source, &w.source, err);
    for (int i = 1; ok && i <= n_images; i++)
        ok = put_image(&w, i, err);
    ok = ok && pf_catalog_publish(catalog, err);
    pf_catalog_close(catalog);
    return ok;
}

bool pf_seeded_catalog_write(const char *folder, const char *model,
                             const char *tokenizer, int n_images, bool has_captions,
                             pf_err *err)
{
    const writing w = {.has_captions = has_captions};
    return write_catalog(w, folder, model, tokenizer, n_images, err);
}

bool pf_seeded_twins_write(const char *folder, const char *model, int n_images,
                           pf_err *err)
{
    const writing w = {.has_captions = true, .has_twins = true};
    return write_catalog(w, folder, model, NULL, n_images, err);
}

/* The lines of `file`, which they are cut out of. */
static bool split_lines(pf_buf *file, char ***lines, size_t *n, pf_err *err)
{
    size_t room = 0;
    for (char *at = file->data, *line; (line = strtok_r(at, "\n", &at));) {
        char *tab = strchr(line, '\t');
        if (!pf_grow_array((void *)lines, &room, *n, sizeof **lines, err))
            return false;
        (*lines)[(*n)++] = tab ? tab + 1 : line;
    }
    return *n > 0 || pf_fail(err, PF_ERR_FORMAT, "there are no texts");
}

bool pf_seeded_measured_write(const char *folder, const char *model, int n_images,
                              const char *texts, pf_err *err)
{
    writing w = {.has_captions = true, .has_thumbnails = true, .is_measured = true};
    pf_buf file;
    char **lines = NULL;
    pf_buf_init(&file, 1 << 30);
    const bool ok =
        (!texts || (pf_file_read(texts, &file, err) && pf_buf_add(&file, "", 1, err) &&
                    split_lines(&file, &lines, &w.n_texts, err)));
    w.texts = lines;
    const bool is_written = ok && write_catalog(w, folder, model, NULL, n_images, err);
    pf_free((void *)lines);
    pf_buf_free(&file);
    return is_written;
}

bool pf_seeded_small_write(const char *folder, int n_images, pf_err *err)
{
    const writing w = {.has_captions = true, .has_thumbnails = true};
    return write_catalog(w, folder, NULL, NULL, n_images, err);
}
