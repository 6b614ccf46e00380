/*
 * test_precision.c - names of precisions, lines of stamps, and what auto measures: a
 * model of any vocabulary and context.
 */
#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"
#include "core/model/tower.h"
#include "tests/support/noise.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

static char folder[PF_TREE_ROOM];
static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_tree_remove(folder);
    return 0;
}

/* ---- words ---- */

static void names(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "f", "f3", "f322", "i", "F32", "auto "};
    pf_precision p;
    for (int i = 0; i <= PF_PRECISION_AUTO; i++) {
        assert_ok(pf_precision_find(&p, pf_precision_name((pf_precision)i), &err),
                  &err);
        assert_int_equal(p, i);
    }
    assert_ok(pf_precision_find(&p, NULL, &err), &err);
    assert_int_equal(p, PF_PRECISION_AUTO);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(pf_precision_find(&p, wrong[i], &err));
        assert_int_equal(err.code, PF_ERR_MISUSE);
        err = (pf_err)PF_ERR_INIT;
    }
}

static void lines_of_stamps(void **state)
{
    (void)state;
    const pf_precision_choice said = {.asked = PF_PRECISION_AUTO,
                                      .text = PF_PRECISION_I16,
                                      .image = PF_PRECISION_F32};
    char line[PF_PRECISION_LINE], stamp[200], text[PF_PRECISION_TEXT];
    pf_precision_choice c;
    pf_precision_write(&said, line);
    assert_string_equal(line, "precision auto i16 f32");
    snprintf(stamp, sizeof stamp, "a 1 2.3 4\n%s\nb 5 6.7 8\n", line);
    pf_precision_read(&c, stamp);
    assert_int_equal(c.asked, PF_PRECISION_AUTO);
    assert_int_equal(c.text, PF_PRECISION_I16);
    assert_int_equal(c.image, PF_PRECISION_F32);
    assert_true(c.is_known && !c.is_unsaid);
    pf_precision_describe(&c, text);
    assert_string_equal(text, "auto: texts i16, pictures f32");
}

/* Those of before there was a choice, and those that say nothing that is known. */
static void stamps_without_one(void **state)
{
    (void)state;
    static const char *const stamps[] = {NULL,
                                         "",
                                         "\n\n",
                                         "a 1 2.3 4\n",
                                         "a precision auto i16 i16\n",
                                         "precision",
                                         "precision \n",
                                         "precision auto i16\n",
                                         "precision auto i16 i16",
                                         "precision auto i16 auto\n",
                                         "precision auto auto f32\n",
                                         "precision i16 i16 i16 i16\n",
                                         "precision i32 i16 i16\n"};
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
        pf_precision_choice c;
        pf_precision_read(&c, stamps[i]);
        assert_true(c.is_known && c.is_unsaid);
        assert_int_equal(c.asked, PF_PRECISION_F32);
        assert_int_equal(c.text, PF_PRECISION_F32);
        assert_int_equal(c.image, PF_PRECISION_F32);
    }
}

/* ---- measuring ---- */

/* Open a model of noise as the indexer does, looking at all of it. */
static pf_precision_choice measure(const pf_noise_variant *v, pf_noise_layout layout,
                                   pf_notes *notes)
{
    pf_model *model = NULL;
    pf_model_options o;
    const char *path = pf_tree_path(folder, "model");
    assert_ok(pf_noise_write(v, path, layout, &err), &err);
    pf_model_options_init(&o);
    o.tokenizer_is_optional = true;
    o.precision.asked = PF_PRECISION_AUTO;
    assert_ok(pf_model_open(&model, path, &o, notes, &err), &err);
    const pf_precision_choice c = *pf_model_precision(model);
    pf_model_close(model);
    return c;
}

/* Files that somebody made up may have any. */
static void few_words(void **state)
{
    (void)state;
    const int vocab = *(const int *)*state;
    pf_noise_variant v = *pf_noise_find("tiny-vit");
    v.vocab = vocab;
    const pf_precision_choice c = measure(&v, PF_NOISE_OPENAI, NULL);
    assert_true(c.is_known);
}

/* A SigLIP wants all of its places filled. */
static void a_long_context(void **state)
{
    (void)state;
    pf_noise_variant v = *pf_noise_find("tiny-siglip");
    v.context = 1500;
    assert_true(measure(&v, PF_NOISE_HF, NULL).is_known);
}

/* ---- what is packed how ---- */

/* Of a ResNet, 3 x 3 convolutions go by points, which are floats, unless bytes are
 * asked for; all else is of the precision that was asked for, and what was packed
 * before is forgotten. */
static void layers_of_a_resnet(void **state)
{
    (void)state;
    pf_model *model = NULL;
    pf_model_options o;
    const char *path = pf_tree_path(folder, "rn.safetensors");
    assert_ok(pf_noise_write(pf_noise_find("tiny-rn"), path, PF_NOISE_OPENAI, &err),
              &err);
    pf_model_options_init(&o);
    o.tokenizer_is_optional = true;
    o.precision.asked = PF_PRECISION_F32;
    assert_ok(pf_model_open(&model, path, &o, NULL, &err), &err);
    pf_clip *clip = (pf_clip *)pf_model_clip(model); /* nobody else has it */
    static const pf_precision order[] = {PF_PRECISION_F32, PF_PRECISION_I16,
                                         PF_PRECISION_I8, PF_PRECISION_I16};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const bool by_points = order[i] != PF_PRECISION_I8;
        pf_clip_set_precision(clip, PF_CLIP_IMAGE, order[i]);
        assert_ok(pf_clip_pack(clip, PF_CLIP_IMAGE, &err), &err);
        const pf_resnet_tower *r = &clip->resnet;
        for (size_t k = 0; k < r->n_blocks; k++) {
            const pf_bottleneck *b = &r->blocks[k];
            assert_int_equal(b->spatial.has_points, by_points);
            assert_int_equal(by_points ? b->spatial.points.packed.precision
                                       : b->spatial.kernel.packed.precision,
                             by_points ? PF_PRECISION_F32 : order[i]);
            assert_false(b->reduce.has_points);
            assert_int_equal(b->reduce.kernel.packed.precision, order[i]);
        }
        assert_false(r->stem[0].has_points); /* three colours, every other position */
        assert_true(r->stem[1].has_points == by_points);
        assert_int_equal(r->key.packed.precision, order[i]);
    }
    pf_model_close(model);
}

int main(void)
{
    static int vocab[] = {1, 2, 3};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(lines_of_stamps),
        cmocka_unit_test(stamps_without_one),
        cmocka_unit_test_prestate_setup_teardown(few_words, before, after, &vocab[0]),
        cmocka_unit_test_prestate_setup_teardown(few_words, before, after, &vocab[1]),
        cmocka_unit_test_prestate_setup_teardown(few_words, before, after, &vocab[2]),
        cmocka_unit_test_setup_teardown(a_long_context, before, after),
        cmocka_unit_test_setup_teardown(layers_of_a_resnet, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
