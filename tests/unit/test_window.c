/*
 * test_window.c - which samples of a deep picture turn black and white: films with hot
 * and dead pixels, borders, few bits in many, and those that have nothing to stretch.
 */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/window.h"
#include "tests/unit/test_support.h"

enum { SIDE = 64, PIXELS = SIDE * SIDE };

static uint16_t film[PIXELS];
static uint8_t grey[PIXELS], rgb[3 * PIXELS];

/* A slope over `from`..`to`: as many samples of each level, in no order. */
static void draw_slope(unsigned from, unsigned to)
{
    for (unsigned i = 0; i < PIXELS; i++)
        film[i] = (uint16_t)(from + (to - from) * (i * 421 % PIXELS) / (PIXELS - 1));
}

static void fill(size_t from, size_t n, uint16_t v)
{
    for (size_t i = from; i < from + n; i++)
        film[i] = v;
}

static pf_window find(void)
{
    static uint32_t counts[PF_WINDOW_LEVELS];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < PIXELS; i++)
        counts[film[i]]++;
    return pf_window_find(counts);
}

static void expect(unsigned low, unsigned high, unsigned slack)
{
    const pf_window w = find();
    assert_in_range(w.low, low < slack ? 0 : low - slack, low + slack);
    assert_in_range(w.high, high - slack, high + slack);
}

/* Into `rgb`, as a file has it. */
static void render(const uint16_t *samples, size_t n, bool is_colour, unsigned max)
{
    static uint8_t bytes[2 * PIXELS];
    pf_err err = PF_ERR_INIT;
    for (size_t i = 0; i < n; i++) {
        bytes[2 * i] = (uint8_t)(samples[i] >> 8);
        bytes[2 * i + 1] = (uint8_t)samples[i];
    }
    assert_ok(is_colour ? pf_rgb16_to_rgb(bytes, n / 3, max, rgb, &err)
                        : pf_grey16_to_rgb(bytes, n, max, rgb, &err),
              &err);
}

static void render_film(void)
{
    render(film, PIXELS, false, 65535);
    for (size_t i = 0; i < PIXELS; i++) {
        grey[i] = rgb[3 * i];
        assert_int_equal(rgb[3 * i + 1], grey[i]);
        assert_int_equal(rgb[3 * i + 2], grey[i]);
    }
}

/* The hundredth part at either end, of whatever range. */
static void test_slope(void **state)
{
    (void)state;
    draw_slope(0, 4095);
    expect(40, 4055, 0);
    draw_slope(0, 65535);
    expect(640, 64895, 16);
    draw_slope(30000, 30400);
    expect(30004, 30396, 1);
    render_film();
    for (size_t i = 0; i < PIXELS; i++) {
        const int right = ((int)film[i] - 30003) * 255 / 393;
        assert_in_range(grey[i], right < 2 ? 0 : right - 2,
                        right < 0     ? 2
                        : right > 253 ? 255
                                      : right + 2);
    }
}

static void test_hot_and_dead_pixels(void **state)
{
    (void)state;
    draw_slope(1000, 5000);
    const pf_window clean = find();
    film[7] = 65535;
    expect(clean.low, clean.high, 3);
    film[9] = film[1000] = 0;
    expect(clean.low, clean.high, 3);
    for (unsigned i = 0; i < 12; i++) /* each of another value */
        film[i * 300] = (uint16_t)(20000 + i * 3000);
    expect(clean.low, clean.high, 15);
    draw_slope(1000, 5000);
    film[1000] = 0;
    fill(0, SIDE, 65535); /* a line of the detector: more than a hundredth */
    expect(clean.low, clean.high, 3);
    render_film();
    assert_int_equal(grey[0], 255);
    assert_int_equal(grey[1000], 0);
    draw_slope(1000, 5000);
    fill(100, SIDE, 0);
    expect(0, clean.high, 15); /* as near to the others as these are to each other */
}

/* As much as half the picture, black or white, or both. */
static void test_borders(void **state)
{
    (void)state;
    draw_slope(30000, 34000);
    fill(0, PIXELS / 2, 0);
    expect(30040, 33960, 4);
    fill(0, PIXELS / 2, 65535);
    expect(30040, 33960, 4);
    fill(0, PIXELS / 4, 0);
    expect(30040, 33960, 4);
    render_film();
    assert_int_equal(grey[0], 0);
    assert_int_equal(grey[PIXELS / 2 - 1], 255);
    /* a black border that is near enough is a part of the picture */
    draw_slope(1000, 5000);
    fill(0, PIXELS / 2, 0);
    expect(0, 4918, 4);
}

/* What is left of very little is shown by its extremes. */
static void test_nearly_nothing(void **state)
{
    (void)state;
    fill(0, PIXELS, 500);
    film[3] = 510;
    expect(500, 510, 0);
    film[4] = 65535;
    expect(500, 510, 0);
    fill(0, PIXELS, 12); /* two values, of which none is a border */
    fill(0, PIXELS / 2, 9000);
    expect(12, 9000, 0);
}

static void test_constant(void **state)
{
    (void)state;
    static const uint16_t values[] = {0, 1, 0x8080, 65535};
    static const uint8_t greys[] = {0, 0, 128, 255};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        fill(0, PIXELS, values[i]);
        render_film();
        assert_int_equal(grey[0], greys[i]);
        assert_int_equal(grey[PIXELS - 1], greys[i]);
    }
    const uint16_t top = 4095; /* of a file that says so */
    render(&top, 1, false, 4095);
    assert_int_equal(rgb[0], 255);
}

/* A photograph keeps its black and white, whatever it shows. */
static void test_colours(void **state)
{
    (void)state;
    static uint16_t colours[3 * 200];
    for (unsigned i = 0; i < 600; i++)
        colours[i] = (uint16_t)(2000 + i * 60);
    render(colours, 600, true, 65535);
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(rgb[i], (colours[i] * 255u + 32767) / 65535);
    for (unsigned i = 0; i < 600; i++) /* 12 bits */
        colours[i] = (uint16_t)(i * 4095 / 599);
    colours[0] = 65535;
    render(colours, 600, true, 65535);
    assert_int_equal(rgb[0], 255);
    for (unsigned i = 1; i < 600; i++)
        assert_int_equal(rgb[i], (colours[i] * 255u + 2047) / 4095);
    memset(colours, 0, sizeof colours);
    render(colours, 600, true, 65535);
    assert_int_equal(rgb[0], 0);
    render(colours, 600, true, 300); /* fewer levels than would fit in fewer bits */
    assert_int_equal(rgb[0], 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    static const uint8_t samples[6];
    for (int is_colour = 0; is_colour < 2; is_colour++) {
        pf_err err = PF_ERR_INIT;
        pf_mem_fail_at(1);
        assert_false(is_colour ? pf_rgb16_to_rgb(samples, 1, 65535, rgb, &err)
                               : pf_grey16_to_rgb(samples, 3, 65535, rgb, &err));
        pf_mem_fail_at(0);
        assert_int_equal(err.code, PF_ERR_NOMEM);
    }
}

/* ---- floats ---- */

static float values[PIXELS];

static void draw_floats(float from, float to)
{
    for (unsigned i = 0; i < PIXELS; i++)
        values[i] = from + (to - from) * (float)(i * 421 % PIXELS) / (PIXELS - 1);
}

/* To a fiftieth of the range. */
static void expect_floats(double low, double high)
{
    pf_float_window w;
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_float_window_find(&w, values, PIXELS, &err), &err);
    const double slack = (high - low) / 50;
    if (fabs(w.low - low) > slack || fabs(w.high - high) > slack)
        fail_msg("%g..%g instead of %g..%g", w.low, w.high, low, high);
}

static void one_float_changes_nothing(void **state)
{
    (void)state;
    static const float odd[] = {100,   500,      1e3F,    2e3F,         5e3F,
                                1e4F,  1e5F,     1e6F,    1e9F,         -1e3F,
                                -1e6F, -3.4e38F, 3.4e38F, 4294967295.0F};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        draw_floats(0, 0.98F);
        values[17] = odd[i];
        expect_floats(0, 0.98);
        values[18] =
            2 * odd[i] < 3.4e38F && 2 * odd[i] > -3.4e38F ? 2 * odd[i] : -odd[i];
        expect_floats(0, 0.98);
    }
}

/* Nodata values fill what is no part of the picture. */
static void a_border_of_floats_is_left_out(void **state)
{
    (void)state;
    static const float nodata[] = {-3.4e38F, -9999, -1, 1e6F, 3.4e38F};
    for (size_t i = 0; i < sizeof nodata / sizeof *nodata; i++) {
        draw_floats(0, 0.5F);
        for (unsigned k = 0; k < PIXELS; k += 3)
            values[k] = nodata[i];
        expect_floats(0, 0.5);
    }
}

static void few_floats_are_all_shown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PIXELS; i++)
        values[i] = (float)(i % 2);
    expect_floats(0, 1);
    for (unsigned i = 0; i < PIXELS; i++)
        values[i] = i == 5 ? 1 : 0;
    expect_floats(0, 1);
    for (unsigned i = 0; i < PIXELS; i++)
        values[i] = 7;
    pf_float_window w;
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_float_window_find(&w, values, PIXELS, &err), &err);
    assert_true(w.low == 7 && w.high == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slope),
        cmocka_unit_test(test_hot_and_dead_pixels),
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_nearly_nothing),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(one_float_changes_nothing),
        cmocka_unit_test(a_border_of_floats_is_left_out),
        cmocka_unit_test(few_floats_are_all_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
