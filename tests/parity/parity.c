/*
 * parity.c - pf-parity GOLDEN.json CHECKPOINT [CEILING]: our vectors against the
 * original code.
 *
 * The golden file names the noise that its pictures are of, and holds unit vectors of
 * pictures (of "image_size", where it differs from the model's own) and perhaps of
 * texts, and for one of each the mean, deviation and first values after every stage, so
 * that a failure names its stage. CEILING is the largest difference of two numbers of a
 * unit vector. Prints one line per comparison; exit 1 when one is out of tolerance.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/model.h"
#include "core/model/precision.h"
#include "tests/support/noise.h"

static const double cosine_floor = 0.99999; /* DESIGN's promise to users */
static const double difference_ceiling = 2e-4;
/* Stages are not normalised: values up to 10, and the rounding of all before them. */
static const double stages_to_vectors = 10;
/* With integers they are as far off as the vectors, which are what is promised; they
 * still tell where something went wrong. */
static const double integers_to_floats = 50;

enum { TEXTS_MAX = 16 };

typedef struct {
    const pf_json *golden;
    const char *seed; /* of the pictures */
    int side;
    const pf_clip *clip;
    pf_session *session;
    pf_precision precision; /* that was asked for */
    double ceiling;
    int failures;
    int stages_seen;
} parity;

static double number(const pf_json *v)
{
    double x = NAN;
    pf_json_to_real(v, &x);
    return x;
}

static void verdict(parity *p, bool ok, const char *what, const char *figures)
{
    printf("%-4s %-22s %s\n", ok ? "ok" : "FAIL", what, figures);
    p->failures += !ok;
}

/* ---- stages ---- */

/* Values of the first sample in the golden file's order: [tokens, width] as we have it
 * for transformers, [channels, h, w] for the maps that we keep as [h * w, channels]. */
static double value_at(const float *x, size_t rows, size_t columns, bool is_map,
                       size_t i)
{
    return is_map ? (double)x[i % rows * columns + i / rows] : (double)x[i];
}

/* What the original code calls a stage, where it is not what we do. */
static const struct {
    const char *ours, *theirs;
} other_names[] = {
    {"image.norm", "image.post_layernorm"},
    {"image.head.norm", "image.head.layernorm"},
    {"image.pooled", "image.head"},
    {"text.norm", "text.final_layer_norm"},
    {"text.pooled", "text.cls"},
    {"text.projection.first", "text.proj.0"},
    {"text.projection", "text.head"},
};

static const pf_json *golden_stage(const parity *p, const char *stage)
{
    const pf_json *stages = pf_json_get(p->golden, "stages");
    const pf_json *g = pf_json_get(stages, stage);
    for (size_t i = 0; !g && i < sizeof other_names / sizeof *other_names; i++) {
        if (strcmp(stage, other_names[i].ours) == 0)
            g = pf_json_get(stages, other_names[i].theirs);
    }
    return g;
}

static void compare_stage(void *context, const char *stage, const float *x, size_t rows,
                          size_t columns)
{
    parity *p = context;
    const pf_json *g = golden_stage(p, stage);
    const pf_json *shape = pf_json_get(g, "shape"), *first = pf_json_get(g, "first8");
    const double stage_ceiling =
        stages_to_vectors * p->ceiling *
        (p->precision == PF_PRECISION_F32 ? 1 : integers_to_floats);
    if (!g)
        return;
    p->stages_seen++;
    bool is_map = pf_json_size(shape) == 3;
    size_t n = 1;
    for (size_t i = 0; i < pf_json_size(shape); i++)
        n *= (size_t)number(pf_json_at(shape, i));
    double sum = 0, squares = 0, worst = 0;
    for (size_t i = 0; n <= rows * columns && i < n; i++)
        sum += value_at(x, rows, columns, is_map, i);
    for (size_t i = 0; n <= rows * columns && i < n; i++)
        squares += pow(value_at(x, rows, columns, is_map, i) - sum / (double)n, 2);
    for (size_t i = 0; i < pf_json_size(first); i++)
        worst = fmax(worst, fabs(value_at(x, rows, columns, is_map, i) -
                                 number(pf_json_at(first, i))));
    double mean = fabs(sum / (double)n - number(pf_json_get(g, "mean")));
    /* The reference may divide by n or by n - 1. */
    double std = number(pf_json_get(g, "std"));
    double deviation = fmin(fabs(sqrt(squares / (double)n) - std),
                            fabs(sqrt(squares / (double)(n - 1)) - std));
    char text[128];
    snprintf(text, sizeof text, "mean off by %.1e, deviation %.1e, first values %.1e",
             mean, deviation, worst);
    verdict(p,
            n <= rows * columns && mean < stage_ceiling && deviation < stage_ceiling &&
                worst < stage_ceiling,
            stage, text);
}

/* ---- vectors ---- */

static void compare_vector(parity *p, const char *what, size_t i, const float *ours,
                           const pf_json *golden)
{
    size_t n = (size_t)pf_clip_dims(p->clip)->embed;
    double dot = 0, a = 0, b = 0, worst = 0;
    for (size_t k = 0; k < n; k++) {
        double g = number(pf_json_at(golden, k));
        dot += g * ours[k];
        a += g * g;
        b += (double)ours[k] * ours[k];
        worst = fmax(worst, fabs(g - ours[k]));
    }
    double cosine = dot / sqrt(a * b);
    char name[32], text[96];
    snprintf(name, sizeof name, "%s %zu", what, i);
    snprintf(text, sizeof text, "cosine %.9f, off by at most %.1e", cosine, worst);
    verdict(p,
            pf_json_size(golden) == n && cosine >= cosine_floor && worst <= p->ceiling,
            name, text);
}

/* Pictures one by one and all at once must be the same vectors. */
static bool compare_images(parity *p, pf_err *err)
{
    const pf_json *golden = pf_json_get(p->golden, "image_vectors");
    size_t n = pf_json_size(golden), r = (size_t)p->side;
    size_t dim = (size_t)pf_clip_dims(p->clip)->embed, area = 3 * r * r;
    float *pixels = pf_alloc_floats(n * area, err),
          *out = pf_alloc_floats(n * dim, err);
    bool ok = pixels && out && n > 0;
    for (size_t i = 0; ok && i < n; i++)
        ok = pf_noise_image(p->seed, (int)r, (int)i, pixels + i * area, err);
    if (ok) {
        pf_session_set_probe(p->session, compare_stage, p);
        ok = pf_session_embed_images(p->session, pixels, (int)r, 1, out, err);
        pf_session_set_probe(p->session, NULL, NULL);
        compare_vector(p, "image, probed", 0, out, pf_json_at(golden, 0));
    }
    ok = ok && pf_session_embed_images(p->session, pixels, (int)r, n, out, err);
    for (size_t i = 0; ok && i < n; i++)
        compare_vector(p, "image", i, out + i * dim, pf_json_at(golden, i));
    pf_free(pixels);
    pf_free(out);
    return ok;
}

/* ---- texts ---- */

typedef struct {
    size_t n, context;
    int32_t *bare;   /* one after another, or padded too where that is how it is done */
    int32_t *padded; /* [n, context] */
    size_t lengths[TEXTS_MAX];
} texts;

static bool read_texts(texts *t, const parity *p, pf_err *err)
{
    const pf_dims *d = pf_clip_dims(p->clip);
    const pf_json *all = pf_json_get(p->golden, "token_ids");
    int64_t pad = 0;
    pf_json_to_int(pf_json_get(p->golden, "pad_id"), &pad);
    t->n = pf_json_size(all);
    t->context = (size_t)d->context;
    if (t->n == 0 || t->n > TEXTS_MAX ||
        pf_json_size(pf_json_get(p->golden, "text_vectors")) != t->n)
        return pf_fail(err, PF_ERR_FORMAT, "the golden file has %zu texts", t->n);
    t->bare = pf_alloc_array(t->n * t->context, sizeof *t->bare, err);
    t->padded = pf_alloc_array(t->n * t->context, sizeof *t->padded, err);
    if (!t->bare || !t->padded)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        const size_t n = pf_json_size(pf_json_at(all, i));
        const bool pads = d->family->text.pooling == PF_POOL_LAST;
        t->lengths[i] = pads ? t->context : n;
        for (size_t k = 0; k < t->context; k++) {
            const int32_t id = k < n
                                   ? (int32_t)number(pf_json_at(pf_json_at(all, i), k))
                                   : (int32_t)pad;
            t->padded[i * t->context + k] = id;
            if (k < t->lengths[i])
                t->bare[at++] = id;
        }
    }
    return true;
}

/* The text whose stages are in the golden file: alone, or padded to the whole context
 * in the files that do not say which one it is. */
static bool compare_probed(parity *p, const texts *t, float *out, pf_err *err)
{
    const pf_json *golden = pf_json_get(p->golden, "text_vectors");
    const pf_json *sample =
        pf_json_get(pf_json_get(p->golden, "stages_sample"), "text");
    int64_t which = 0;
    pf_json_to_int(sample, &which);
    const size_t i = (size_t)which;
    if (i >= t->n)
        return pf_fail(err, PF_ERR_FORMAT, "there is no text %zu", i);
    pf_session_set_probe(p->session, compare_stage, p);
    const bool ok =
        pf_session_embed_tokens(p->session, t->padded + i * t->context,
                                sample ? &t->lengths[i] : &t->context, 1, out, err);
    pf_session_set_probe(p->session, NULL, NULL);
    if (ok)
        compare_vector(p, "text, probed", i, out, pf_json_at(golden, i));
    return ok;
}

/* The bare text and the padded one must be the same vector. */
static bool compare_texts(parity *p, const texts *t, pf_err *err)
{
    const pf_json *golden = pf_json_get(p->golden, "text_vectors");
    const size_t dim = (size_t)pf_clip_dims(p->clip)->embed;
    float *out = pf_alloc_floats(t->n * dim, err);
    bool ok = out && compare_probed(p, t, out, err);
    for (size_t i = 0; ok && i < t->n; i++) {
        ok = pf_session_embed_tokens(p->session, t->padded + i * t->context,
                                     &t->context, 1, out, err);
        if (ok)
            compare_vector(p, "text, padded", i, out, pf_json_at(golden, i));
    }
    ok = ok && pf_session_embed_tokens(p->session, t->bare, t->lengths, t->n, out, err);
    for (size_t i = 0; ok && i < t->n; i++)
        compare_vector(p, "text", i, out + i * dim, pf_json_at(golden, i));
    pf_free(out);
    return ok;
}

static bool compare_all_texts(parity *p, pf_err *err)
{
    texts t = {0};
    const bool ok = !pf_json_get(p->golden, "text_vectors") ||
                    (read_texts(&t, p, err) && compare_texts(p, &t, err));
    pf_free(t.bare);
    pf_free(t.padded);
    return ok;
}

/* ---- together ---- */

static bool compare_logits(parity *p)
{
    const double scale = number(pf_json_get(p->golden, "logit_scale_exp"));
    const pf_json *bias = pf_json_get(p->golden, "logit_bias");
    float ours = 0;
    char text[64];
    snprintf(text, sizeof text, "%.6f", (double)pf_clip_logit_scale(p->clip));
    verdict(p, fabs(pf_clip_logit_scale(p->clip) - scale) < 1e-4 * scale,
            "exp(logit_scale)", text);
    const bool has_bias = pf_clip_logit_bias(p->clip, &ours);
    snprintf(text, sizeof text, "%.6f", (double)ours);
    verdict(p, has_bias == (bias != NULL) && (!bias || (double)ours == number(bias)),
            "logit_bias", text);
    return true;
}

static bool compare_all(parity *p, pf_err *err)
{
    char text[64];
    if (!pf_session_new(&p->session, p->clip, err) || !compare_logits(p) ||
        !compare_images(p, err) || !compare_all_texts(p, err))
        return false;
    snprintf(text, sizeof text, "%d", p->stages_seen);
    verdict(p, p->stages_seen == (int)pf_json_size(pf_json_get(p->golden, "stages")),
            "stages compared", text);
    return true;
}

/* Which noise the pictures are, and how large. */
static bool read_pictures(parity *p, pf_err *err)
{
    const pf_json *config = pf_json_get(p->golden, "config");
    const char *variant = pf_json_string(pf_json_get(p->golden, "variant"), NULL);
    int64_t side = pf_clip_dims(p->clip)->image_size;
    p->seed = pf_json_string(pf_json_get(config, "seed"), NULL);
    if (!p->seed)
        p->seed = variant;
    pf_json_to_int(pf_json_get(config, "image_resolution"), &side);
    pf_json_to_int(pf_json_get(p->golden, "image_size"), &side);
    p->side = (int)side;
    return p->seed || pf_fail(err, PF_ERR_FORMAT, "the golden file has no variant");
}

static bool compare_files(parity *p, const char *golden, const char *checkpoint,
                          pf_precision precision, pf_err *err)
{
    pf_json *json = NULL;
    pf_model *model = NULL;
    pf_model_options options;
    pf_model_options_init(&options);
    options.tokenizer_is_optional = true;
    options.precision.asked = p->precision = precision;
    bool ok = pf_json_parse_file(&json, golden, 1 << 22, err) &&
              (json || pf_fail(err, PF_ERR_NOT_FOUND, "there is no '%s'", golden)) &&
              pf_model_open(&model, checkpoint, &options, NULL, err);
    if (ok) {
        p->golden = json;
        p->clip = pf_model_clip(model);
        ok = read_pictures(p, err) && compare_all(p, err);
    }
    pf_session_free(p->session);
    pf_model_close(model);
    pf_json_free(json);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 5) {
        fprintf(
            stderr,
            "usage: pf-parity GOLDEN.json CHECKPOINT [CEILING [f32|i16|i8|auto]]\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    pf_precision precision;
    if (!pf_precision_find(&precision, argc > 4 ? argv[4] : "f32", &err)) {
        fprintf(stderr, "pf-parity: %s\n", err.msg);
        return 2;
    }
    parity p = {.ceiling = argc > 3 ? strtod(argv[3], NULL) : difference_ceiling};
    const bool ok = compare_files(&p, argv[1], argv[2], precision, &err);
    if (!ok)
        printf("FAIL %s\n", err.msg);
    return ok && p.failures == 0 ? 0 : 1;
}
