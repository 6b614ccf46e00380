/*
 * test_smaller.c - JPEGs that are decoded at a part of their size: the same picture,
 * the same damage found, less memory.
 */
#define _GNU_SOURCE /* memmem() */
#include "image_support.h"

#include "core/image/decode.h"
#include "core/image/encode.h"
#include "core/image/intake.h"

#define IMAGES PF_TESTS_DIR "/golden/images"

static const char *const films[] = {"baseline.jpg", "progressive.jpg", "grey.jpg",
                                    "cmyk.jpg", "exif.jpg"};
enum { FILMS = sizeof films / sizeof *films, SIDE = 112 };

#define MEAN_MOST 0.5 /* of 255; a crop that is off by a pixel is more */

static pf_err err;
static pf_picture_limits limits;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_picture_limits_init(&limits);
    return 0;
}

/* Something like a film: slopes, a bright disk, stripes of a few pixels. */
static void draw(pf_picture *p, int width, int height)
{
    *p = (pf_picture){.width = width, .height = height, .format = "made"};
    p->rgb = pf_alloc_array((size_t)width * (size_t)height, 3, &err);
    assert_non_null(p->rgb);
    uint8_t *rgb = p->rgb;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const int dx = x - width / 3, dy = y - height / 2;
            const bool is_disk = dx * dx + dy * dy < width * height / 30;
            *rgb++ = (uint8_t)(is_disk ? 220 : 40 + 120 * x / width);
            *rgb++ = (uint8_t)(is_disk ? 210 : 40 + 120 * y / height);
            *rgb++ = (uint8_t)(x / 9 % 2 ? 60 : 90);
        }
    }
}

static void make_jpeg(pf_buf *jpeg, int width, int height)
{
    pf_picture p;
    draw(&p, width, height);
    pf_buf_init(jpeg, 8 << 20);
    assert_ok(pf_jpeg_encode(&p, 90, jpeg, &err), &err);
    pf_picture_reset(&p);
}

static void decode(pf_picture *out, const void *bytes, size_t n, int enough)
{
    limits.enough = enough;
    assert_ok(pf_picture_decode(out, bytes, n, NULL, 0, &limits, &err), &err);
}

/* ---- sizes ---- */

/* 29 x 19 pixels: an eighth has 19/8 of the short side, no more than 2 whole ones. */
static void sizes(void **state)
{
    (void)state;
    static const struct {
        int enough, eighths, width, height;
    } row[] = {{1, 1, 4, 3},   {2, 1, 4, 3},        {3, 2, 8, 5},    {4, 2, 8, 5},
               {5, 4, 15, 10}, {9, 4, 15, 10},      {10, 0, 29, 19}, {19, 0, 29, 19},
               {0, 0, 29, 19}, {1 << 30, 0, 29, 19}};
    for (size_t f = 0; f < FILMS; f++) {
        pf_mapfile map;
        open_file(&map, IMAGES, films[f]);
        pf_picture whole;
        decode(&whole, map.data, map.size, 0);
        const bool is_turned = whole.width < whole.height;
        for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
            pf_picture p;
            decode(&p, map.data, map.size, row[i].enough);
            assert_int_equal(p.eighths, row[i].eighths);
            assert_int_equal(is_turned ? p.height : p.width, row[i].width);
            assert_int_equal(is_turned ? p.width : p.height, row[i].height);
            assert_int_equal(pf_picture_whole_width(&p), whole.width);
            assert_int_equal(pf_picture_whole_height(&p), whole.height);
            pf_picture_reset(&p);
        }
        pf_picture_reset(&whole);
        pf_mapfile_close(&map);
    }
}

/* EXIF turns the smaller picture as it turns the whole one. */
static void turned(void **state)
{
    (void)state;
    static const uint8_t entry[] = {0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 1};
    pf_mapfile map;
    open_file(&map, IMAGES, "exif.jpg");
    uint8_t *file = pf_zalloc(map.size, &err);
    assert_non_null(file);
    memcpy(file, map.data, map.size);
    uint8_t *orientation = memmem(file, map.size, entry, sizeof entry);
    assert_non_null(orientation);
    orientation += sizeof entry - 1;
    for (int o = 1; o <= 8; o++) {
        pf_picture p, want;
        *orientation = 1;
        decode(&want, file, map.size, 5);
        assert_ok(pf_picture_orient(&want, o, &err), &err);
        *orientation = (uint8_t)o;
        decode(&p, file, map.size, 5);
        assert_true(same_picture(&p, &want));
        assert_int_equal(p.width, o < 5 ? 15 : 10);
        assert_int_equal(pf_picture_whole_width(&p), o < 5 ? 29 : 19);
        assert_int_equal(pf_picture_whole_height(&p), o < 5 ? 19 : 29);
        pf_picture_reset(&want);
        pf_picture_reset(&p);
    }
    pf_free(file);
    pf_mapfile_close(&map);
}

static void other_kinds_come_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"rgb.png", "plain.gif", "lossy.webp",
                                        "lzw.tif", "rgb24.bmp", "grey.pgm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        pf_mapfile map;
        pf_picture whole, p;
        open_file(&map, IMAGES, names[i]);
        decode(&whole, map.data, map.size, 0);
        decode(&p, map.data, map.size, 1);
        assert_int_equal(p.eighths, 0);
        assert_true(same_picture(&p, &whole));
        pf_picture_reset(&p);
        pf_picture_reset(&whole);
        pf_mapfile_close(&map);
    }
}

/* ---- the same picture ---- */

static void assert_alike(const uint8_t *a, const uint8_t *b, int width, int height,
                         double most)
{
    const distance d = compare(a, b, (size_t)width * (size_t)height * 3);
    if (d.mean > most)
        fail_msg("%d x %d: %.3f on the mean", width, height, d.mean);
}

/* The model's input and the thumbnail of either. */
static void compare_input(const pf_picture *whole, const pf_picture *p)
{
    static uint8_t a[SIDE * SIDE * 3], b[SIDE * SIDE * 3];
    pf_preprocess recipe;
    pf_picture s = {0}, t = {0};
    pf_preprocess_init_clip(&recipe, SIDE);
    assert_ok(pf_preprocess_pixels(&recipe, whole, a, &err), &err);
    assert_ok(pf_preprocess_pixels(&recipe, p, b, &err), &err);
    assert_alike(a, b, SIDE, SIDE, MEAN_MOST);
    assert_ok(pf_picture_shrink(&s, whole, SIDE, &err), &err);
    assert_ok(pf_picture_shrink(&t, p, SIDE, &err), &err);
    assert_int_equal(s.width, t.width);
    assert_int_equal(s.height, t.height);
    /* of the whole one, its last row and column may have been left out */
    assert_alike(s.rgb, t.rgb, s.width, s.height, 2 * MEAN_MOST);
    pf_picture_reset(&s);
    pf_picture_reset(&t);
}

/* Sides that are no multiple of a block's, and such that the crop would lie elsewhere
 * if the smaller one's sides told where: 112 * 594 / 449 is 148, 112 * 297 / 225 is
 * 147. */
static void the_same_picture(void **state)
{
    (void)state;
    static const int size[][2] = {{594, 449},  {449, 594},  {901, 608},
                                  {1501, 461}, {461, 1501}, {463, 463}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        pf_buf jpeg;
        pf_picture whole, p;
        make_jpeg(&jpeg, size[i][0], size[i][1]);
        decode(&whole, jpeg.data, jpeg.size, 0);
        assert_int_equal(whole.eighths, 0);
        decode(&p, jpeg.data, jpeg.size, 224);
        assert_int_equal(p.eighths, 4);
        compare_input(&whole, &p);
        pf_picture_reset(&p);
        pf_picture_reset(&whole);
        pf_buf_free(&jpeg);
    }
}

/* As the engine asks for it. */
static void of_an_intake(void **state)
{
    (void)state;
    enum { LARGE = 224 };
    static uint8_t pixels[LARGE * LARGE * 3], alone[LARGE * LARGE * 3];
    static pf_thumbnail thumbnail;
    pf_buf jpeg;
    pf_picture whole;
    pf_preprocess recipe;
    pf_preprocess_init_clip(&recipe, LARGE);
    make_jpeg(&jpeg, 1000, 800);
    const pf_intake_options o = {.preprocess = &recipe};
    pf_intake both = {.pixels = pixels, .thumbnail = &thumbnail},
              one = {.pixels = alone};
    assert_int_equal(pf_intake_enough(&recipe), 392);
    assert_int_equal(pf_intake_enough(NULL), 336);
    assert_ok(pf_intake_make(&both, (uint8_t *)jpeg.data, jpeg.size, &o, &err), &err);
    assert_int_equal(both.width, 1000);
    assert_int_equal(both.height, 800);
    assert_int_equal(thumbnail.width, 192);
    assert_int_equal(thumbnail.height, 154);
    assert_ok(pf_intake_make(&one, (uint8_t *)jpeg.data, jpeg.size, &o, &err), &err);
    assert_memory_equal(pixels, alone, sizeof alone); /* whatever else is made */
    decode(&whole, jpeg.data, jpeg.size, 0);
    assert_ok(pf_preprocess_pixels(&recipe, &whole, alone, &err), &err);
    const distance d = compare(pixels, alone, sizeof alone);
    assert_true(d.max > 0); /* it was decoded smaller */
    assert_true(d.mean < MEAN_MOST);
    pf_picture_reset(&whole);
    pf_buf_free(&jpeg);
}

/* ---- damage and memory ---- */

/* What is refused is refused at any size: nothing is skipped. */
static void damage(void **state)
{
    (void)state;
    size_t refused = 0;
    for (size_t f = 0; f < FILMS; f++) {
        pf_mapfile map;
        open_file(&map, IMAGES, films[f]);
        guarded g = guarded_new(map.size);
        for (size_t k = 0; k < 2 * map.size; k++) {
            const size_t n = k < map.size ? k : map.size; /* cut, then changed */
            pf_picture whole, p;
            uint8_t *bytes = guarded_put(&g, map.data, n);
            if (k >= map.size)
                bytes[k - map.size] ^= 0x55;
            limits =
                (pf_picture_limits){.max_file_bytes = 1 << 20, .max_pixels = 10000};
            const bool ok = pf_picture_decode(&whole, bytes, n, NULL, 0, &limits, &err);
            limits.enough = 2;
            assert_int_equal(pf_picture_decode(&p, bytes, n, NULL, 0, &limits, &err),
                             ok);
            refused += !ok;
            pf_picture_reset(&whole);
            pf_picture_reset(&p);
        }
        guarded_free(&g);
        pf_mapfile_close(&map);
    }
    assert_true(refused > 1000);
}

static bool count_bytes(void *context, size_t bytes)
{
    *(size_t *)context += bytes;
    return true;
}

static void memory(void **state)
{
    (void)state;
    pf_buf jpeg;
    pf_picture p;
    size_t whole = 0, small = 0;
    make_jpeg(&jpeg, 800, 640);
    limits.reserve = count_bytes;
    limits.context = &whole;
    decode(&p, jpeg.data, jpeg.size, 0);
    pf_picture_reset(&p);
    limits.context = &small;
    decode(&p, jpeg.data, jpeg.size, 160);
    pf_picture_reset(&p);
    assert_int_equal(whole, 800 * 640 * 3);
    assert_int_equal(small, 200 * 160 * 3);
    limits.max_pixels = 800 * 640 - 1; /* of the file, however it is decoded */
    assert_false(
        pf_picture_decode(&p, (uint8_t *)jpeg.data, jpeg.size, NULL, 0, &limits, &err));
    assert_int_equal(err.code, PF_ERR_LIMIT);
    pf_buf_free(&jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sizes, before),
        cmocka_unit_test_setup(turned, before),
        cmocka_unit_test_setup(other_kinds_come_whole, before),
        cmocka_unit_test_setup(the_same_picture, before),
        cmocka_unit_test_setup(of_an_intake, before),
        cmocka_unit_test_setup(damage, before),
        cmocka_unit_test_setup(memory, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
