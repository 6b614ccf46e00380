/*
 * parity.c - pf-parity GOLDEN.json CHECKPOINT: our vectors against OpenAI's own code.
 *
 * The golden file names the noise variant, and holds unit vectors of pictures (of
 * "image_size", where it differs from the model's own) and perhaps of texts, and for
 * the first of each the mean, deviation and first values after every stage, so that a
 * failure names its stage. Prints one line per comparison; exit 1 when one is out of
 * tolerance.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/model.h"
#include "tests/support/noise.h"

static const double cosine_floor = 0.99999; /* DESIGN's promise to users */
static const double difference_ceiling = 2e-4;
static const double stage_ceiling =
    2e-3; /* stages are not normalised: values up to 10 */

enum { CONTEXT_MAX = 77, TEXTS_MAX = 16 };

typedef struct {
    const pf_json *golden;
    const pf_noise_variant *variant;
    const pf_clip *clip;
    pf_session *session;
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

static void compare_stage(void *context, const char *stage, const float *x, size_t rows,
                          size_t columns)
{
    parity *p = context;
    const pf_json *g = pf_json_get(pf_json_get(p->golden, "stages"), stage);
    const pf_json *shape = pf_json_get(g, "shape"), *first = pf_json_get(g, "first8");
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
            pf_json_size(golden) == n && cosine >= cosine_floor &&
                worst <= difference_ceiling,
            name, text);
}

/* Pictures one by one and all at once must be the same vectors. */
static bool compare_images(parity *p, pf_err *err)
{
    const pf_json *golden = pf_json_get(p->golden, "image_vectors");
    int64_t side = p->variant->image_size;
    pf_json_to_int(pf_json_get(p->golden, "image_size"), &side);
    size_t n = pf_json_size(golden), r = (size_t)side;
    size_t dim = (size_t)pf_clip_dims(p->clip)->embed, area = 3 * r * r;
    float *pixels = pf_alloc_floats(n * area, err),
          *out = pf_alloc_floats(n * dim, err);
    bool ok = pixels && out && n > 0;
    for (size_t i = 0; ok && i < n; i++)
        ok = pf_noise_image(p->variant, (int)r, (int)i, pixels + i * area, err);
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

static bool compare_texts(parity *p, pf_err *err)
{
    const pf_json *golden = pf_json_get(p->golden, "text_vectors");
    const pf_json *texts = pf_json_get(p->golden, "token_ids");
    size_t n = pf_json_size(golden), dim = (size_t)pf_clip_dims(p->clip)->embed;
    int32_t ids[TEXTS_MAX * CONTEXT_MAX] = {0}, padded[CONTEXT_MAX] = {0};
    size_t lengths[TEXTS_MAX], at = 0, whole = CONTEXT_MAX;
    if (n == 0 || n > TEXTS_MAX || pf_json_size(texts) != n)
        return pf_fail(err, PF_ERR_FORMAT, "the golden file has %zu texts", n);
    for (size_t i = 0; i < n; i++) {
        lengths[i] = pf_json_size(pf_json_at(texts, i));
        for (size_t k = 0; k < lengths[i] && k < CONTEXT_MAX; k++) {
            ids[at] = (int32_t)number(pf_json_at(pf_json_at(texts, i), k));
            if (i == 0)
                padded[k] = ids[at];
            at++;
        }
    }
    float *out = pf_alloc_floats(n * dim, err);
    if (!out)
        return false;
    /* The reference pads to the whole context: stages are compared on that, and the
     * padded text must give the same vector as the bare one. */
    pf_session_set_probe(p->session, compare_stage, p);
    bool ok = pf_session_embed_tokens(p->session, padded, &whole, 1, out, err);
    pf_session_set_probe(p->session, NULL, NULL);
    if (ok)
        compare_vector(p, "text, padded", 0, out, pf_json_at(golden, 0));
    ok = ok && pf_session_embed_tokens(p->session, ids, lengths, n, out, err);
    for (size_t i = 0; ok && i < n; i++)
        compare_vector(p, "text", i, out + i * dim, pf_json_at(golden, i));
    pf_free(out);
    return ok;
}

static bool compare_all(parity *p, pf_err *err)
{
    if (!pf_session_new(&p->session, p->clip, err))
        return false;
    double scale = number(pf_json_get(p->golden, "logit_scale_exp"));
    char text[64];
    snprintf(text, sizeof text, "%.6f", (double)pf_clip_logit_scale(p->clip));
    verdict(p, fabs(pf_clip_logit_scale(p->clip) - scale) < 1e-4 * scale,
            "exp(logit_scale)", text);
    bool has_texts = pf_json_get(p->golden, "text_vectors");
    if (!compare_images(p, err) || (has_texts && !compare_texts(p, err)))
        return false;
    snprintf(text, sizeof text, "%d", p->stages_seen);
    verdict(p, p->stages_seen == (int)pf_json_size(pf_json_get(p->golden, "stages")),
            "stages compared", text);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: pf-parity GOLDEN.json CHECKPOINT\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    pf_json *golden = NULL;
    pf_model *model = NULL;
    parity p = {0};
    pf_model_options options;
    pf_model_options_init(&options);
    options.tokenizer_is_optional = true;
    bool ok = pf_json_parse_file(&golden, argv[1], 1 << 22, &err) &&
              (golden || pf_fail(&err, PF_ERR_NOT_FOUND, "there is no '%s'", argv[1]));
    p.golden = golden;
    const char *variant = pf_json_string(pf_json_get(golden, "variant"), NULL);
    p.variant = variant ? pf_noise_find(variant) : NULL;
    ok = ok && (p.variant || pf_fail(&err, PF_ERR_FORMAT, "unknown variant")) &&
         pf_model_open(&model, argv[2], &options, NULL, &err);
    if (ok) {
        p.clip = pf_model_clip(model);
        ok = compare_all(&p, &err);
    }
    if (!ok)
        printf("FAIL %s\n", err.msg);
    pf_session_free(p.session);
    pf_model_close(model);
    pf_json_free(golden);
    return ok && p.failures == 0 ? 0 : 1;
}
