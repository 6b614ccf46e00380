/*
 * test_alone.c - a vector does not depend on what is embedded with it: bit for bit the
 * same alone, in batches of every size at every place, and with any number of workers;
 * with each instruction set that this machine has, in each precision.
 *
 * The models are those of noise, one for each kind of tower, and the demo model with
 * pictures of the sample collection.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/sandbox.h"
#include "core/model/packed.h"
#include "core/model/pipeline.h"
#include "tests/support/noise.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { N = 9, DIM_MAX = 512, SIDE_MAX = 224, CONTEXT_MAX = 256 };

static const char *const instruction_sets[] = {"plain", "avx2", "avx512",
                                               "avx512-vnni"};
static const size_t batches[] = {1, 2, 3, 5, 8, N};

static char folder[PF_TREE_ROOM];
static pf_err err;

static int before_all(void **state)
{
    (void)state;
    pf_tree_make(folder);
    err = (pf_err)PF_ERR_INIT;
    return !pf_seeded_model_write(pf_tree_path(folder, "vit"), &err) ||
           !pf_noise_write(pf_noise_find("tiny-rn"), pf_tree_path(folder, "rn.st"),
                           PF_NOISE_OPENAI, &err) ||
           !pf_noise_write(pf_noise_find("tiny-biomedclip"),
                           pf_tree_path(folder, "biomedclip"), PF_NOISE_OPEN_CLIP,
                           &err) ||
           !pf_noise_write(pf_noise_find("tiny-siglip"), pf_tree_path(folder, "siglip"),
                           PF_NOISE_HF, &err);
}

static int after_all(void **state)
{
    (void)state;
    pf_packed_use(NULL);
    pf_tree_remove(folder);
    return 0;
}

static pf_model *open_model(const char *path, pf_precision precision)
{
    pf_model *model = NULL;
    pf_model_options o;
    pf_model_options_init(&o);
    o.what = PF_CLIP_TEXT | PF_CLIP_IMAGE;
    o.tokenizer_is_optional = true;
    o.precision.asked = precision;
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_model_open(&model, path, &o, NULL, &err), &err);
    return model;
}

/* ---- the towers ---- */

typedef struct {
    pf_session *session;
    const pf_dims *dims;
    int side;
    const float *pixels;         /* [N, 3, side, side] */
    int32_t ids[N][CONTEXT_MAX]; /* of texts of different lengths */
    size_t lengths[N];
} towers;

static void embed(towers *t, bool texts, size_t first, size_t n, float *out)
{
    int32_t ids[N * CONTEXT_MAX], *end = ids;
    if (!texts) {
        const size_t size = 3 * (size_t)t->side * (size_t)t->side;
        assert_ok(pf_session_embed_images(t->session, t->pixels + first * size, t->side,
                                          n, out, &err),
                  &err);
        return;
    }
    for (size_t i = first; i < first + n; end += t->lengths[i++])
        memcpy(end, t->ids[i], t->lengths[i] * sizeof *ids);
    assert_ok(
        pf_session_embed_tokens(t->session, ids, t->lengths + first, n, out, &err),
        &err);
}

static void check_towers(towers *t, bool texts, const char *with)
{
    static float alone[N * DIM_MAX], together[N * DIM_MAX];
    const size_t dim = (size_t)t->dims->embed;
    for (size_t i = 0; i < N; i++)
        embed(t, texts, i, 1, alone + i * dim);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        for (size_t first = 0; first + batches[b] <= N; first++) {
            embed(t, texts, first, batches[b], together);
            if (memcmp(together, alone + first * dim,
                       batches[b] * dim * sizeof *alone) != 0)
                fail_msg("%s %zu to %zu with %s: together other bits than alone",
                         texts ? "texts" : "pictures", first, first + batches[b] - 1,
                         with);
        }
    }
}

/* Lengths from a start and an end token to all that the model reads. */
static void make_texts(towers *t)
{
    const int last = t->dims->vocab - 1, context = t->dims->context;
    const bool pads = t->dims->family->text.pooling == PF_POOL_LAST;
    assert_true(context <= CONTEXT_MAX);
    for (int i = 0; i < N; i++) {
        const int length = pads ? context : 2 + (context - 2) * i / (N - 1);
        for (int k = 0; k < length; k++)
            t->ids[i][k] = 1 + (i * 53 + k * 19) % (last - 2);
        t->ids[i][length - 1] = last;
        t->lengths[i] = (size_t)length;
    }
}

/* Of all texts and pictures at once, as with one thread. */
static void check_the_same(towers *t, size_t threads)
{
    static float alone[2][N * DIM_MAX], now[N * DIM_MAX];
    for (int texts = 0; texts < 2; texts++) {
        embed(t, texts, 0, N, threads == 1 ? alone[texts] : now);
        if (threads > 1)
            assert_memory_equal(now, alone[texts],
                                N * (size_t)t->dims->embed * sizeof *now);
    }
}

static void check_model_in(const char *path, const char *variant,
                           pf_precision precision)
{
    pf_model *model = open_model(path, precision);
    towers t = {.dims = pf_clip_dims(pf_model_clip(model)),
                .side = pf_model_preprocess(model)->size};
    const size_t size = 3 * (size_t)t.side * (size_t)t.side;
    float *pixels = pf_alloc_floats(N * size, &err);
    assert_true(pixels && t.dims->embed <= DIM_MAX);
    for (int i = 0; i < N; i++)
        assert_ok(pf_noise_image(variant, t.side, i, pixels + (size_t)i * size, &err),
                  &err);
    t.pixels = pixels;
    make_texts(&t);
    assert_ok(pf_session_new(&t.session, pf_model_clip(model), &err), &err);
    for (size_t k = 0; k < sizeof instruction_sets / sizeof *instruction_sets; k++) {
        if (!pf_packed_use(instruction_sets[k]))
            continue;
        check_towers(&t, false, instruction_sets[k]);
        check_towers(&t, true, instruction_sets[k]);
    }
    /* Threads that help change nothing, nor does it matter how many. */
    for (size_t n = 1; n <= 3; n++) {
        assert_ok(pf_session_set_threads(t.session, n, &err), &err);
        check_the_same(&t, n);
    }
    pf_packed_use(NULL);
    pf_session_free(t.session);
    pf_free(pixels);
    pf_model_close(model);
}

static void check_model(const char *path, const char *variant)
{
    for (int p = 0; p < PF_PRECISIONS; p++)
        check_model_in(path, variant, (pf_precision)p);
}

static void a_transformer(void **state)
{
    (void)state;
    check_model(pf_tree_path(folder, "vit"), "tiny-vit");
}

static void a_resnet(void **state)
{
    (void)state;
    check_model(pf_tree_path(folder, "rn.st"), "tiny-rn");
}

/* Norms behind, hidden padding, two layers at the end; no mask and a probe. */
static void other_families(void **state)
{
    (void)state;
    check_model(pf_tree_path(folder, "biomedclip"), "tiny-biomedclip");
    check_model(pf_tree_path(folder, "siglip"), "tiny-siglip");
}

static void the_demo_model(void **state)
{
    (void)state;
    check_model(PF_TESTS_DIR "/../data/demo-model", "tiny-vit");
}

/* ---- runs and questions ---- */

typedef struct {
    float vector[N][DIM_MAX];
    size_t dim, count;
} collected;

static bool collect(void *context, const pf_embedded *r, size_t n, pf_err *e)
{
    (void)e;
    collected *c = context;
    for (size_t i = 0; i < n; i++) {
        assert_non_null(r[i].vector);
        memcpy(c->vector[r[i].item], r[i].vector, c->dim * sizeof(float));
    }
    c->count += n;
    return true;
}

static const char *const films[N] = {"case0001-1", "case0002-1", "case0002-2",
                                     "case0003-1", "case0004-1", "case0005-1",
                                     "case0006-1", "case0006-2", "case0006-3"};
static const char *const captions[N] = {
    "a",        "pleural effusion on the left",
    "",         "CT of the head",
    "fracture", "no pneumothorax, no effusion, heart normal",
    "knee",     "two views of a chest",
    "MR, T2"};

/* As a question does it: one at a time, with an embedder that was asked before. */
static void ask(const pf_model *model, char path[][300], collected *pictures,
                collected *texts)
{
    pf_embedder *e = NULL;
    pf_sandbox *sandbox = NULL;
    pf_intake in = {.pixels = pf_zalloc(pf_embed_pixels_size(model), &err)};
    pf_hash hash;
    assert_non_null(in.pixels);
    assert_ok(pf_embedder_new(&e, model, &err) && pf_sandbox_new(&sandbox, &err), &err);
    for (int i = 0; i < N; i++) {
        const pf_intake_options o = {.name = films[i],
                                     .preprocess = pf_model_preprocess(model)};
        assert_ok(pf_sandbox_read(sandbox, path[i], NULL, &hash, &err) &&
                      pf_sandbox_decode(sandbox, &in, &o, &err) &&
                      pf_embed_picture(e, in.pixels, pictures->vector[i], &err) &&
                      pf_embed_texts(e, &captions[i], 1, texts->vector[i], NULL, &err),
                  &err);
    }
    pf_sandbox_free(sandbox);
    pf_embedder_free(e);
    pf_free(in.pixels);
}

static void runs_and_questions(void **state)
{
    (void)state;
    static collected asked, asked_texts, run;
    static char path[N][300];
    pf_picture_ref pictures[N] = {{0}};
    pf_model *model = open_model(PF_TESTS_DIR "/../data/demo-model", PF_PRECISION_I16);
    for (int i = 0; i < N; i++) {
        snprintf(path[i], sizeof path[i], PF_TESTS_DIR "/../data/sample/%s.jpg",
                 films[i]);
        pictures[i].path = path[i];
    }
    run.dim = (size_t)pf_model_dim(model);
    ask(model, path, &asked, &asked_texts);
    for (int jobs = 1; jobs <= 4; jobs *= 2) {
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            const pf_pipeline p = {.model = model, .jobs = jobs, .batch = batches[b]};
            run.count = 0;
            assert_ok(pf_pipeline_pictures(&p, pictures, N, collect, &run, &err), &err);
            assert_int_equal(run.count, N);
            assert_memory_equal(run.vector, asked.vector, sizeof run.vector);
            assert_ok(pf_pipeline_texts(&p, captions, N, collect, &run, &err), &err);
            assert_memory_equal(run.vector, asked_texts.vector, sizeof run.vector);
        }
    }
    pf_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transformer),      cmocka_unit_test(a_resnet),
        cmocka_unit_test(other_families),     cmocka_unit_test(the_demo_model),
        cmocka_unit_test(runs_and_questions),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
