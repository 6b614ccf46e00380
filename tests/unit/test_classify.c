/* test_classify.c - labels as they are written, probabilities against sums done here,
 * pictures by their stored vectors. The model is the tiny one (seeded.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/search/classify.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/support/noise.h"
#include "tests/support/seeded.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, MANY = 100 };

static pf_err err;
static pf_model *model;
static pf_labels labels;
static pf_classifier *classifier;

static int before_all(void **state)
{
    (void)state;
    pf_model_options o;
    pf_model_options_init(&o);
    pf_films_make();
    pf_films_model();
    return !pf_model_open(&model, pf_films_path("model"), &o, NULL, &err);
}

static int after_all(void **state)
{
    (void)state;
    pf_model_close(model);
    pf_films_remove();
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_classifier_free(classifier);
    pf_labels_reset(&labels);
    classifier = NULL;
    return 0;
}

static void make(const char *list, const char *template)
{
    assert_ok(pf_labels_parse(&labels, list, template, &err), &err);
    assert_ok(pf_classifier_new(&classifier, &labels, model, &err), &err);
}

/* ---- labels ---- */

static void labels_are_read(void **state)
{
    (void)state;
    assert_ok(pf_labels_parse(&labels, " Chest X-Ray,Brain MRI ,\t \xC3\xA9pi{}e ",
                              "a {}!", &err),
              &err);
    assert_int_equal(labels.n, 3);
    assert_string_equal(labels.name[0], "Chest X-Ray");
    assert_string_equal(labels.name[1], "Brain MRI");
    assert_string_equal(labels.name[2], "\xC3\xA9pi{}e");
    assert_string_equal(labels.text[0], "a Chest X-Ray!");
    assert_string_equal(labels.text[2], "a \xC3\xA9pi{}e!");
}

static void labels_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list, *template, *why;
    } wrong[] = {
        {"a", "{}", "'a' is the only label"},
        {"", "{}", "label 1 is empty"},
        {"a,", "{}", "label 2 is empty"},
        {"a, ,b", "{}", "label 2 is empty"},
        {",a", "{}", "label 1 is empty"},
        {"a,b,c, b ", "{}", "the label 'b' is there twice"},
        {"a,\xC3", "{}", "no UTF-8"},
        {"a,b", "a photo", "the template 'a photo' does not have {}"},
        {"a,b", "{} {}", "exactly once"},
        {"a,b", "{}{}", "exactly once"},
        {"a,b", "{\xFF}{}", "no UTF-8"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (pf_err)PF_ERR_INIT;
        assert_refused(pf_labels_parse(&labels, wrong[i].list, wrong[i].template, &err),
                       &err, wrong[i].why);
        assert_int_equal(err.code, PF_ERR_MISUSE);
        assert_true(!labels.name && !labels.text && labels.n == 0);
    }
}

/* As many as may be, and one more. */
static void labels_are_counted(void **state)
{
    (void)state;
    static char list[8 * (PF_LABELS_MAX + 1)];
    size_t n = 0;
    for (int i = 0; i < PF_LABELS_MAX; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%d", i ? "," : "", i);
    make(list, "{}");
    assert_int_equal(labels.n, PF_LABELS_MAX);
    static pf_label_score out[PF_LABELS_MAX];
    float v[DIM];
    pf_seeded_vector(v, DIM, 1);
    pf_classify(classifier, v, out);
    double sum = 0;
    for (int i = 0; i < PF_LABELS_MAX; i++)
        sum += out[i].probability;
    assert_true(fabs(sum - 1) < 1e-12);
    pf_labels_reset(&labels);
    snprintf(list + n, sizeof list - n, ",x");
    assert_refused(pf_labels_parse(&labels, list, "{}", &err), &err,
                   "1001 labels, the most is 1000");
}

/* ---- probabilities ---- */

/* The vectors of the labels as --embed gives them, one text at a time. */
static void embed_labels(float *v)
{
    pf_embedder *e;
    assert_ok(pf_embedder_new(&e, model, &err), &err);
    for (size_t i = 0; i < labels.n; i++)
        assert_ok(pf_embed_texts(e, (const char *const *)&labels.text[i], 1,
                                 v + i * DIM, NULL, &err),
                  &err);
    pf_embedder_free(e);
}

static double cosine(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Of label i, written down differently: 1 over the sum of exp(difference). */
static double expected(const float *v, size_t i, const float *picture)
{
    const double scale = (double)pf_clip_logit_scale(pf_model_clip(model));
    double sum = 0;
    for (size_t k = 0; k < labels.n; k++)
        sum +=
            exp(scale * (cosine(v + k * DIM, picture) - cosine(v + i * DIM, picture)));
    return 1 / sum;
}

static void probabilities_are_clips(void **state)
{
    (void)state;
    static const char list[] = "chest x-ray, brain MRI, abdomen CT scan, mammogram";
    float v[4 * DIM], picture[DIM];
    pf_label_score out[4];
    make(list, "a photo of {}");
    assert_true(fabsf(pf_clip_logit_scale(pf_model_clip(model)) - 100) < 1e-3f);
    embed_labels(v);
    for (uint32_t seed = 1; seed <= 50; seed++) {
        pf_seeded_vector(picture, DIM, seed);
        pf_classify(classifier, picture, out);
        double sum = 0;
        for (int i = 0; i < 4; i++) {
            const double p = expected(v, out[i].label, picture);
            assert_true(fabs(out[i].probability - p) < 1e-6 + 1e-4 * p);
            assert_true(i == 0 || out[i].cosine <= out[i - 1].cosine);
            sum += out[i].probability;
        }
        assert_true(fabs(sum - 1) < 1e-12);
    }
}

/* SigLIP's rule, written down differently: tanh of half the logit. Labels do not share
 * anything, so that one more changes nothing for the others. */
static void each_by_itself(void **state)
{
    (void)state;
    enum { WIDE = 72 };
    pf_model *siglip;
    pf_model_options o;
    pf_classifier *two, *three;
    pf_labels more = {0};
    float picture[WIDE], bias = 0;
    pf_label_score a[2], b[3];
    pf_model_options_init(&o);
    assert_ok(pf_noise_write(pf_noise_find("tiny-siglip"), pf_films_path("siglip"),
                             PF_NOISE_HF, &err),
              &err);
    assert_ok(pf_model_open(&siglip, pf_films_path("siglip"), &o, NULL, &err), &err);
    assert_ok(pf_labels_parse(&labels, "left lung, right hip", "{}", &err), &err);
    assert_ok(pf_labels_parse(&more, "left lung, right hip, spine", "{}", &err), &err);
    assert_ok(pf_classifier_new(&two, &labels, siglip, &err), &err);
    assert_ok(pf_classifier_new(&three, &more, siglip, &err), &err);
    assert_true(pf_clip_logit_bias(pf_model_clip(siglip), &bias) && bias == -12.5f);
    for (uint32_t seed = 1; seed <= 50; seed++) {
        pf_seeded_vector(picture, WIDE, seed);
        pf_classify(two, picture, a);
        pf_classify(three, picture, b);
        for (int i = 0; i < 2; i++) {
            const double logit = 100 * a[i].cosine - 12.5;
            const double p = 0.5 + 0.5 * tanh(logit / 2);
            assert_true(fabs(a[i].probability - p) < 1e-4 * p + 1e-12);
            for (int k = 0; k < 3; k++)
                assert_true(b[k].label != a[i].label ||
                            b[k].probability == a[i].probability);
        }
    }
    pf_labels_reset(&more);
    pf_classifier_free(two);
    pf_classifier_free(three);
    pf_model_close(siglip);
}

/* By hand: a picture made so that its cosines to both labels differ by 0.02. With the
 * scale of 100 the logits differ by 2, and 1 / (1 + e^-2) = 0.880797. */
static void hand_computed(void **state)
{
    (void)state;
    float v[2 * DIM], picture[DIM];
    pf_label_score out[2];
    make("left, right", "{}");
    embed_labels(v);
    const double between = cosine(v, v + DIM), apart = 1 - between;
    for (int i = 0; i < DIM; i++)
        picture[i] = (float)(0.02 / (2 * apart)) * (v[i] - v[DIM + i]);
    pf_classify(classifier, picture, out);
    assert_int_equal(out[0].label, 0);
    assert_true(fabs(out[0].probability - 0.880797) < 1e-5);
    assert_true(fabs(out[1].probability - 0.119203) < 1e-5);
}

/* Equal ones share, in the order they were given; a scale that would overflow exp()
 * does not. */
static void ties_and_extremes(void **state)
{
    (void)state;
    const float nothing[DIM] = {0};
    float far[DIM];
    pf_label_score out[3];
    make("c, a, b", "{}");
    pf_classify(classifier, nothing, out);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(out[i].label, i);
        assert_true(fabs(out[i].probability - 1.0 / 3) < 1e-15);
    }
    for (int i = 0; i < DIM; i++)
        far[i] = i % 2 ? 1e6f : -1e6f;
    pf_classify(classifier, far, out);
    assert_true(out[0].probability == 1 && out[1].probability == 0 &&
                out[2].probability == 0);
}

static void counts_truncated(void **state)
{
    (void)state;
    char list[400];
    memset(list, '0', sizeof list);
    memcpy(list, "short,", 6);
    list[sizeof list - 1] = '\0';
    make(list, "{}");
    assert_int_equal(pf_classifier_truncated(classifier), 1);
}

/* ---- images of a catalog ---- */

static void stored_images(void **state)
{
    (void)state;
    float v[DIM];
    pf_label_score out[3], wanted[3];
    pf_reader *reader;
    const char *folder = pf_films_path("catalog");
    assert_ok(
        pf_seeded_catalog_write(folder, pf_films_path("model"), NULL, 5, false, &err),
        &err);
    assert_ok(pf_asking_open(&reader, folder, NULL, NULL, &err), &err);
    make("a, b, c", "{}");
    for (int64_t id = 1; id <= 5; id++) {
        pf_seeded_vector(v, DIM, (uint32_t)id);
        pf_classify(classifier, v, wanted);
        assert_ok(pf_classify_image(classifier, reader, id, out, &err), &err);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(out[i].label, wanted[i].label);
            assert_true(fabs(out[i].probability - wanted[i].probability) < 1e-12);
        }
    }
    assert_refused(pf_classify_image(classifier, reader, 6, out, &err), &err,
                   "there is no image 6");
    pf_asking_close(reader);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (long n = 1; n < MANY; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        const bool ok = pf_labels_parse(&labels, "a, b, c", "{}", &err) &&
                        pf_classifier_new(&classifier, &labels, model, &err);
        pf_mem_fail_at(0);
        if (ok) {
            assert_true(n > 8);
            return;
        }
        assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_null(classifier);
        pf_labels_reset(&labels);
    }
    fail_msg("still failing after %d", MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_are_read, before, after),
        cmocka_unit_test_setup_teardown(labels_are_refused, before, after),
        cmocka_unit_test_setup_teardown(labels_are_counted, before, after),
        cmocka_unit_test_setup_teardown(probabilities_are_clips, before, after),
        cmocka_unit_test_setup_teardown(each_by_itself, before, after),
        cmocka_unit_test_setup_teardown(hand_computed, before, after),
        cmocka_unit_test_setup_teardown(ties_and_extremes, before, after),
        cmocka_unit_test_setup_teardown(counts_truncated, before, after),
        cmocka_unit_test_setup_teardown(stored_images, before, after),
        cmocka_unit_test_setup_teardown(out_of_memory, before, after),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
