/* test_intake.c - an intake is what decoding, preprocessing and shrinking give, each by
 * itself, and asks for no more than what is wanted. */
#include "core/image/intake.h"
#include "tests/unit/image_support.h"

#define IMAGES PF_TESTS_DIR "/golden/images"

enum { SIDE = 32 };

static pf_err err;
static pf_mapfile file;
static pf_preprocess recipe;
static uint8_t pixels[SIDE * SIDE * 3];
static pf_thumbnail thumbnail;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    open_file(&file, IMAGES, "exif.jpg");
    pf_preprocess_init_clip(&recipe, SIDE);
    memset(pixels, 0, sizeof pixels);
    thumbnail = (pf_thumbnail){0};
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_mapfile_close(&file);
    return 0;
}

static bool make(pf_intake *intake, pf_intake_options options)
{
    options.preprocess = &recipe;
    return pf_intake_make(intake, file.data, file.size, &options, &err);
}

static void all_of_it(void **state)
{
    (void)state;
    pf_intake intake = {.pixels = pixels, .thumbnail = &thumbnail};
    pf_picture p, small = {0};
    uint8_t want[SIDE * SIDE * 3];
    assert_ok(make(&intake, (pf_intake_options){.name = "exif.jpg"}), &err);
    assert_ok(decode_file(&p, IMAGES, "exif.jpg", &err), &err);
    assert_int_equal(intake.width, p.width);
    assert_int_equal(intake.height, p.height);
    assert_string_equal(intake.format, "jpeg");
    assert_ok(pf_preprocess_pixels(&recipe, &p, want, &err), &err);
    assert_memory_equal(pixels, want, sizeof want);
    assert_ok(pf_picture_shrink(&small, &p, PF_THUMBNAIL_SIDE, &err), &err);
    assert_int_equal(thumbnail.width, small.width);
    assert_int_equal(thumbnail.height, small.height);
    assert_memory_equal(thumbnail.rgb, small.rgb,
                        (size_t)small.width * (size_t)small.height * 3);
    pf_picture_reset(&small);
    pf_picture_reset(&p);
}

static void only_what_is_wanted(void **state)
{
    (void)state;
    const pf_intake_options none = {0};
    pf_intake facts = {0}, small = {.thumbnail = &thumbnail};
    assert_ok(pf_intake_make(&facts, file.data, file.size, &none, &err), &err);
    assert_true(facts.width > 0 && facts.height > 0);
    assert_ok(pf_intake_make(&small, file.data, file.size, &none, &err), &err);
    assert_true(thumbnail.width > 0);
    for (size_t i = 0; i < sizeof pixels; i++)
        assert_int_equal(pixels[i], 0);
}

static void refusals(void **state)
{
    (void)state;
    pf_intake intake = {.pixels = pixels, .thumbnail = &thumbnail};
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    limits.max_pixels = 14;
    assert_refused(make(&intake, (pf_intake_options){.limits = &limits}), &err,
                   "too large");
    assert_refused(make(&intake, (pf_intake_options){.frame = 2}), &err, "frame 2");
    recipe.resize = SIDE - 1;
    assert_refused(make(&intake, (pf_intake_options){0}), &err, "cannot crop");
}

static void each_allocation(void **state)
{
    (void)state;
    bool ok = false;
    long n = 1;
    for (; !ok && n < 200; n++) {
        pf_intake intake = {.pixels = pixels, .thumbnail = &thumbnail};
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = make(&intake, (pf_intake_options){0});
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
    }
    assert_true(ok && n > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_it),
        TEST(only_what_is_wanted),
        TEST(refusals),
        TEST(each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
