/* test_canvas.c - rectangles, pictures and text, also past the edges. */
#include "cli/canvas.h"
#include "core/image/encode.h"
#include "tests/unit/image_support.h"

static pf_err err;
static const pf_color black = {0, 0, 0}, white = {255, 255, 255}, red = {200, 10, 20};

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static pf_canvas canvas(int width, int height)
{
    pf_canvas c = {{0}};
    assert_ok(pf_canvas_new(&c, width, height, black, &err), &err);
    return c;
}

static const uint8_t *at(const pf_canvas *c, int x, int y)
{
    return c->picture.rgb + ((size_t)y * (size_t)c->picture.width + (size_t)x) * 3;
}

/* Pixels of the box that are not black. */
static int lit(const pf_canvas *c, int x, int y, int width, int height)
{
    int n = 0;
    for (int i = 0; i < width * height; i++)
        n += at(c, x + i % width, y + i / width)[1] != 0;
    return n;
}

static void boxes_end_at_the_edges(void **state)
{
    (void)state;
    pf_canvas c = canvas(20, 10), none = {{0}};
    pf_canvas_fill(&c, -5, -5, 10, 8, white);
    assert_int_equal(lit(&c, 0, 0, 20, 10), 5 * 3);
    pf_canvas_fill(&c, 18, 8, 1000, 1000, red);
    assert_int_equal(lit(&c, 0, 0, 20, 10), 5 * 3 + 2 * 2);
    assert_memory_equal(at(&c, 19, 9), "\xC8\x0A\x14", 3);
    pf_canvas_fill(&c, 30, 0, 5, 5, white);
    pf_canvas_fill(&c, 0, 0, 0, -5, white);
    assert_int_equal(lit(&c, 0, 0, 20, 10), 19);
    pf_canvas_reset(&c);
    assert_refused(pf_canvas_new(&none, 0, 5, black, &err), &err, "too large");
    assert_refused(pf_canvas_new(&none, 20001, 5, black, &err), &err, "too large");
    assert_refused(pf_canvas_new(&none, 20000, 20000, black, &err), &err, "too large");
    assert_int_equal(err.code, PF_ERR_LIMIT);
}

static void a_picture_stands_in_the_middle(void **state)
{
    (void)state;
    pf_canvas from = canvas(40, 20), c = canvas(100, 100);
    pf_canvas_fill(&from, 0, 0, 40, 20, white);
    pf_buf b;
    pf_buf_init(&b, 100000);
    assert_ok(pf_jpeg_encode(&from.picture, 90, &b, &err), &err);
    const uint8_t *jpeg = (const uint8_t *)b.data;
    assert_ok(pf_canvas_put_jpeg(&c, 10, 20, 60, 60, jpeg, b.size, &err), &err);
    assert_int_equal(lit(&c, 0, 0, 100, 100), 40 * 20); /* not enlarged */
    assert_int_equal(lit(&c, 20, 40, 40, 20), 40 * 20);
    assert_ok(pf_canvas_put_jpeg(&c, 90, 90, 20, 20, jpeg, b.size, &err), &err);
    assert_int_equal(lit(&c, 90, 90, 10, 10), 10 * 5); /* 20 x 10, half of it outside */
    assert_refused(pf_canvas_put_jpeg(&c, 0, 0, 20, 20, jpeg, b.size / 2, &err), &err,
                   "jpeg");
    pf_buf_free(&b);
    pf_canvas_reset(&from);
    pf_canvas_reset(&c);
}

static pf_canvas drawn(const char *text)
{
    pf_canvas c = canvas(300, 40);
    assert_ok(pf_canvas_put_text(&c, 10, 10, 20, white, text, strlen(text), &err),
              &err);
    return c;
}

static bool is_same(const char *a, const char *b)
{
    pf_canvas x = drawn(a), y = drawn(b);
    const bool is = same_picture(&x.picture, &y.picture);
    pf_canvas_reset(&x);
    pf_canvas_reset(&y);
    return is;
}

static void text_is_drawn_where_it_belongs(void **state)
{
    (void)state;
    static const char *const words[] = {
        "effusion", "\xC3\xA9panchement pleural",
        "\xCE\xA0\xCE\xBB\xCE\xB5\xCF\x85\xCF\x81\xCE\xAC",
        "\xD0\x9B\xD1\x91\xD0\xB3\xD0\xBA\xD0\xBE\xD0\xB5"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t n = strlen(words[i]);
        pf_canvas c = drawn(words[i]);
        const int width = pf_text_width(words[i], n, 20);
        assert_true(width > 60 && width < 220);
        assert_true(lit(&c, 10, 10, width, 20) > 150);
        assert_int_equal(lit(&c, 0, 0, 300, 10), 0);
        assert_int_equal(lit(&c, 0, 31, 300, 9), 0);
        assert_int_equal(lit(&c, 10 + width + 2, 0, 300 - 12 - width, 40), 0);
        pf_canvas_reset(&c);
    }
    /* each letter is its own, and none is the box of what the font does not have */
    assert_false(is_same("\xCE\xA0", "\xD0\x9B"));
    assert_false(is_same("\xCE\xA0", "\xF0\xAF\xA0\x80"));
    assert_true(is_same("\xF0\xAF\xA0\x80", "\xF0\xAF\xA0\x81")); /* CJK: that box */
    assert_false(is_same("\xF0\xAF\xA0\x80", " "));
}

static void hostile_text_does_no_harm(void **state)
{
    (void)state;
    assert_true(is_same("a\xFF"
                        "b",
                        "a\xEF\xBF\xBD"
                        "b"));
    assert_true(is_same("a\nb", "a b"));
    assert_true(is_same("\xE2\x80\xAE"
                        "a\033b\x7F",
                        "ab"));
    assert_true(is_same("", "\xE2\x80\x8B"));
    pf_canvas c = canvas(50, 50);
    char many[5000];
    memset(many, 'W', sizeof many);
    for (int x = -30000; x <= 60; x += 1001)
        assert_ok(pf_canvas_put_text(&c, x, 45, 16, red, many, sizeof many, &err),
                  &err);
    assert_ok(pf_canvas_put_text(&c, 0, -10, 16, red, "Wg", 2, &err), &err);
    assert_ok(pf_canvas_put_text(&c, 0, 0, 1000, red, "W", 1, &err), &err);
    assert_int_equal(pf_text_width(many, sizeof many, 16), PF_CANVAS_SIDE_MAX);
    pf_canvas_reset(&c);
}

static void what_fits_ends_before_a_character(void **state)
{
    (void)state;
    static const char text[] = "\xC3\x89panchement \xC3\xA0 droite";
    const size_t n = strlen(text);
    assert_int_equal(pf_text_fitting(text, n, 15, 1000), n);
    assert_int_equal(pf_text_fitting(text, n, 15, 0), 0);
    size_t last = 0;
    for (int width = 0; width < 200; width++) {
        const size_t m = pf_text_fitting(text, n, 15, width);
        assert_true(m >= last && m <= n && ((unsigned char)text[m] & 0xC0) != 0x80);
        assert_true(pf_text_width(text, m, 15) <= width);
        last = m;
    }
    assert_int_equal(last, n);
}

#define TEST(name) cmocka_unit_test_setup(name, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(boxes_end_at_the_edges),
        TEST(a_picture_stands_in_the_middle),
        TEST(text_is_drawn_where_it_belongs),
        TEST(hostile_text_does_no_harm),
        TEST(what_fits_ends_before_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
