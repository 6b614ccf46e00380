/* test_thumbnail.c - shrinking, and pictures that are written as files. */
#include "core/image/thumbnail.h"
#include "core/image/encode.h"
#include "tests/unit/image_support.h"

static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

/* A soft pattern, so that JPEG has little to lose; `has_color` or grey. */
static pf_picture pattern(int width, int height, bool has_color)
{
    pf_picture p = {.width = width, .height = height, .format = "png"};
    p.rgb = pf_alloc_array((size_t)width * (size_t)height, 3, &err);
    assert_non_null(p.rgb);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *rgb = p.rgb + ((size_t)y * (size_t)width + (size_t)x) * 3;
            rgb[0] = (uint8_t)(255 * x / width);
            rgb[1] = has_color ? (uint8_t)(255 * y / height) : rgb[0];
            rgb[2] = has_color ? 100 : rgb[0];
        }
    }
    return p;
}

static void assert_shrinks(int width, int height, int to_width, int to_height)
{
    pf_picture p = pattern(width, height, true), small = {0};
    assert_ok(pf_picture_shrink(&small, &p, 192, &err), &err);
    assert_int_equal(small.width, to_width);
    assert_int_equal(small.height, to_height);
    assert_string_equal(small.format, "png");
    if (width == to_width)
        assert_true(same_picture(&p, &small));
    pf_picture_reset(&small);
    pf_picture_reset(&p);
}

static void the_longer_side_decides(void **state)
{
    (void)state;
    assert_shrinks(1, 1, 1, 1);
    assert_shrinks(192, 100, 192, 100); /* never enlarged */
    assert_shrinks(193, 100, 192, 99);
    assert_shrinks(400, 400, 192, 192);
    assert_shrinks(1000, 2000, 96, 192);
    assert_shrinks(2001, 1000, 192, 96);
    assert_shrinks(3000, 1, 192, 1); /* blocks are no wider than the picture */
    assert_shrinks(2, 5000, 1, 192);
}

/* The same ramp, whichever size it comes from. */
static void shrinking_keeps_the_picture(void **state)
{
    (void)state;
    static const int sizes[] = {250, 383, 384, 500, 768, 1000, 1537};
    pf_picture want = pattern(192, 192, true);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        pf_picture p = pattern(sizes[i], sizes[i], true), small = {0};
        assert_ok(pf_picture_shrink(&small, &p, 192, &err), &err);
        const distance d = compare(want.rgb, small.rgb, 192 * 192 * 3);
        assert_true(d.max <= 4 && d.mean < 1.5);
        pf_picture_reset(&small);
        pf_picture_reset(&p);
    }
    pf_picture_reset(&want);
}

/* Stripes of one pixel come out as their mean: no false pattern. */
static void fine_detail_becomes_its_mean(void **state)
{
    (void)state;
    pf_picture p = pattern(1600, 1600, false), small = {0};
    for (size_t i = 0; i < 1600 * 1600; i++)
        memset(p.rgb + 3 * i, i % 2 ? 255 : 0, 3);
    assert_ok(pf_picture_shrink(&small, &p, 192, &err), &err);
    for (int i = 0; i < 192 * 192 * 3; i++)
        assert_in_range(small.rgb[i], 126, 130);
    pf_picture_reset(&small);
    pf_picture_reset(&p);
}

static bool make_file(const pf_picture *p, pf_buf *jpeg)
{
    static pf_thumbnail t;
    return pf_thumbnail_make(&t, p, &err) && pf_thumbnail_encode(&t, jpeg, &err);
}

static void a_thumbnail_is_a_small_jpeg(void **state)
{
    (void)state;
    for (int has_color = 0; has_color < 2; has_color++) {
        pf_picture p = pattern(700, 500, has_color), small = {0}, back = {0};
        pf_buf b;
        pf_buf_init(&b, PF_THUMBNAIL_CAP);
        assert_ok(pf_buf_add_str(&b, "before", &err), &err);
        assert_ok(make_file(&p, &b), &err);
        assert_memory_equal(b.data, "before\xFF\xD8", 8);
        assert_memory_equal(b.data + b.size - 2, "\xFF\xD9", 2);
        assert_true(b.size < 8000);
        assert_ok(pf_picture_decode(&back, (uint8_t *)b.data + 6, b.size - 6, NULL, 0,
                                    NULL, &err),
                  &err);
        assert_ok(pf_picture_shrink(&small, &p, 192, &err), &err);
        assert_int_equal(back.width, 192);
        assert_int_equal(back.height, 137);
        assert_true(compare(back.rgb, small.rgb, 192 * 137 * 3).mean < 2);
        for (int i = 0; !has_color && i < 192 * 137; i++)
            assert_memory_equal(back.rgb + 3 * i, back.rgb + 3 * i + 1, 2);
        pf_picture_reset(&back);
        pf_picture_reset(&small);
        pf_picture_reset(&p);
        pf_buf_free(&b);
    }
}

/* Even of noise, the worst there is, it stays below the cap. */
static void noise_fits(void **state)
{
    (void)state;
    pf_picture p = pattern(192, 192, true);
    uint32_t x = 1;
    pf_buf b;
    for (size_t i = 0; i < 192 * 192 * 3; i++)
        p.rgb[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    pf_buf_init(&b, PF_THUMBNAIL_CAP);
    assert_ok(make_file(&p, &b), &err);
    pf_buf_free(&b);
    pf_buf_init(&b, 20000);
    assert_refused(make_file(&p, &b), &err, "more than 20000 bytes");
    assert_int_equal(b.size, 0);
    pf_buf_free(&b);
    pf_picture_reset(&p);
}

static void a_png_is_the_picture(void **state)
{
    (void)state;
    pf_picture p = pattern(300, 71, true), back = {0};
    FILE *f = tmpfile();
    static uint8_t bytes[100000];
    assert_non_null(f);
    assert_ok(pf_png_write(&p, f, &err), &err);
    rewind(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_ok(pf_picture_decode(&back, bytes, n, NULL, 0, NULL, &err), &err);
    assert_string_equal(back.format, "png");
    assert_true(same_picture(&p, &back));
    pf_picture_reset(&back);
    f = fopen("/dev/full", "wb");
    if (f) {
        setvbuf(f, NULL, _IONBF, 0);
        assert_refused(pf_png_write(&p, f, &err), &err, "No space left");
        assert_int_equal(err.code, PF_ERR_IO);
        fclose(f);
    }
    pf_picture_reset(&p);
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    pf_picture p = pattern(900, 900, false);
    bool ok = false;
    long n = 1;
    for (; !ok && n < 200; n++) {
        pf_buf b;
        pf_buf_init(&b, PF_THUMBNAIL_CAP);
        err = (pf_err)PF_ERR_INIT;
        FILE *f = tmpfile();
        pf_mem_fail_at(n);
        ok = make_file(&p, &b) && pf_png_write(&p, f, &err);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        fclose(f);
        pf_buf_free(&b);
    }
    assert_true(ok && n > 10);
    pf_picture_reset(&p);
}

#define TEST(name) cmocka_unit_test_setup(name, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_longer_side_decides),
        TEST(shrinking_keeps_the_picture),
        TEST(fine_detail_becomes_its_mean),
        TEST(a_thumbnail_is_a_small_jpeg),
        TEST(noise_fits),
        TEST(a_png_is_the_picture),
        TEST(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
