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

/* What a picture is before it is RGB, in the kinds of files that have such. */
static void tables_and_alpha(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool has_table, has_alpha;
    } row[] = {{"palette.png", true, false},  {"bilevel.png", true, false},
               {"grey2.png", false, false},   {"rgb.png", false, false},
               {"rgba.png", false, true},     {"plain.gif", true, false},
               {"palette8.bmp", true, false}, {"bilevel.bmp", true, false},
               {"rgb24.bmp", false, false},   {"palette.tga", true, false},
               {"raw.tga", false, false},     {"palette.tif", true, false},
               {"fax.tif", true, false},      {"alpha.tif", false, true},
               {"alpha.webp", false, true},   {"lossyalpha.webp", false, true},
               {"lossy.webp", false, false},  {"grey.jpg", false, false},
               {"grey.pgm", false, false}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        pf_picture plain, kept;
        assert_ok(decode_file(&plain, IMAGES, row[i].name, &err), &err);
        assert_ok(decode_file_with_alpha(&kept, IMAGES, row[i].name, true, &err), &err);
        if (kept.has_table != row[i].has_table ||
            (kept.alpha != NULL) != row[i].has_alpha)
            fail_msg("%s: table %d, alpha %d", row[i].name, kept.has_table,
                     kept.alpha != NULL);
        assert_null(plain.alpha);
        assert_true(same_picture(&plain, &kept)); /* the colours below it */
        pf_picture_reset(&plain);
        pf_picture_reset(&kept);
    }
}

/* A preprocessing that resizes first gets them; one that makes RGB first does not. */
static void by_its_recipe(void **state)
{
    (void)state;
    uint8_t clip[SIDE * SIDE * 3], want[SIDE * SIDE * 3];
    pf_picture p;
    pf_intake intake = {.pixels = pixels};
    pf_mapfile_close(&file);
    open_file(&file, IMAGES, "rgba.png");
    assert_ok(make(&intake, (pf_intake_options){0}), &err);
    memcpy(clip, pixels, sizeof clip);
    pf_preprocess_set_open_clip(&recipe);
    assert_ok(make(&intake, (pf_intake_options){0}), &err);
    assert_ok(decode_file_with_alpha(&p, IMAGES, "rgba.png", true, &err), &err);
    assert_ok(pf_preprocess_pixels(&recipe, &p, want, &err), &err);
    assert_memory_equal(pixels, want, sizeof want);
    assert_memory_not_equal(pixels, clip, sizeof clip);
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
        TEST(all_of_it),           TEST(tables_and_alpha), TEST(by_its_recipe),
        TEST(only_what_is_wanted), TEST(refusals),         TEST(each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
