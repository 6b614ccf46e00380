/* test_exif.c - which way up a picture is, from whole and from damaged EXIF. */
#include "image_support.h"

#include "core/image/decode.h"

enum { TIFF_SIZE = 38 };

/* A directory of two entries, the second one being orientation. */
static void make_tiff(uint8_t *t, bool big, unsigned type, unsigned count,
                      unsigned value)
{
    const unsigned fields[] = {0x0100, 3,    0, 1,     0, 99,
                               0x0112, type, 0, count, 0, value};
    memset(t, 0, TIFF_SIZE);
    memcpy(t, big ? "MM\0*\0\0\0\10" : "II*\0\10\0\0\0", 8);
    t[big ? 9 : 8] = 2;
    for (size_t e = 0; e < 2; e++) {
        uint8_t *entry = t + 10 + 12 * e;
        const unsigned *f = fields + 6 * e; /* tag, type, count (32), value, padding */
        const unsigned words[6] = {f[0], f[1], big ? f[2] : f[3], big ? f[3] : f[2],
                                   f[5], 0};
        for (size_t w = 0; w < 6; w++) {
            entry[2 * w + (big ? 1 : 0)] = (uint8_t)words[w];
            entry[2 * w + (big ? 0 : 1)] = (uint8_t)(words[w] >> 8);
        }
    }
}

static void test_both_byte_orders(void **state)
{
    (void)state;
    uint8_t t[TIFF_SIZE];
    for (int big = 0; big < 2; big++) {
        for (unsigned value = 0; value <= 10; value++) {
            make_tiff(t, big, 3, 1, value);
            int expected = value >= 1 && value <= 8 ? (int)value : 1;
            assert_int_equal(pf_exif_orientation(t, sizeof t), expected);
        }
    }
}

static void test_wrong_type_or_count(void **state)
{
    (void)state;
    uint8_t t[TIFF_SIZE];
    make_tiff(t, true, 2, 1, 6);
    assert_int_equal(pf_exif_orientation(t, sizeof t), 1);
    make_tiff(t, false, 3, 2, 6);
    assert_int_equal(pf_exif_orientation(t, sizeof t), 1);
    make_tiff(t, false, 3, 1, 6);
    t[2] = 43;
    assert_int_equal(pf_exif_orientation(t, sizeof t), 1);
}

static void test_damage(void **state)
{
    (void)state;
    guarded g = guarded_new(TIFF_SIZE);
    uint8_t t[TIFF_SIZE];
    make_tiff(t, false, 3, 1, 6);
    const size_t needed = 10 + 2 * 12;
    for (size_t n = 0; n <= sizeof t; n++)
        assert_int_equal(pf_exif_orientation(guarded_put(&g, t, n), n),
                         n >= needed ? 6 : 1);
    for (size_t i = 0; i < sizeof t; i++) {
        for (int bit = 0; bit < 8; bit++) {
            t[i] ^= (uint8_t)(1 << bit);
            int o = pf_exif_orientation(guarded_put(&g, t, sizeof t), sizeof t);
            assert_in_range(o, 1, 8);
            t[i] ^= (uint8_t)(1 << bit);
        }
    }
    guarded_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_byte_orders),
        cmocka_unit_test(test_wrong_type_or_count),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
