/*
 * test_picture.c - file bytes to pixels: every kind, every orientation, every damage.
 *
 * Fixtures: tests/golden/images/X and, as X.ppm, the pixels that X must give. They are
 * made by tests/reference/make_images.py.
 */
#include <pthread.h>

#include "image_support.h"

#define IMAGES PF_TESTS_DIR "/golden/images"

static const struct {
    const char *name, *format;
} fixtures[] = {
    {"rgb.png", "png"},           {"interlaced.png", "png"},
    {"grey2.png", "png"},         {"bilevel.png", "png"},
    {"rgba.png", "png"},          {"palette.png", "png"},
    {"grey16.png", "png"},        {"greyalpha16.png", "png"},
    {"grey16flat.png", "png"},    {"hot16.png", "png"},
    {"rgb12.png", "png"},         {"rgb16.png", "png"},
    {"turned.png", "png"},        {"padded.png", "png"},
    {"baseline.jpg", "jpeg"},     {"progressive.jpg", "jpeg"},
    {"grey.jpg", "jpeg"},         {"cmyk.jpg", "jpeg"},
    {"exif.jpg", "jpeg"},         {"plain.gif", "gif"},
    {"interlaced.gif", "gif"},    {"transparent.gif", "gif"},
    {"animated.gif", "gif"},      {"fulltable.gif", "gif"},
    {"rgb24.bmp", "bmp"},         {"palette8.bmp", "bmp"},
    {"bilevel.bmp", "bmp"},       {"raw.tga", "tga"},
    {"runs.tga", "tga"},          {"palette.tga", "tga"},
    {"mirrored.tga", "tga"},      {"raw.psd", "psd"},
    {"packed.psd", "psd"},        {"grey.pgm", "pnm"},
    {"rgb.ppm", "pnm"},           {"alpha.tif", "tiff"},
    {"alpha.webp", "webp"},       {"animated.webp", "webp"},
    {"cmyk.tif", "tiff"},         {"cmyk16.tif", "tiff"},
    {"deflate.tif", "tiff"},      {"double.tif", "tiff"},
    {"fax.tif", "tiff"},          {"float.tif", "tiff"},
    {"grey12.tif", "tiff"},       {"grey16.tif", "tiff"},
    {"grey32.tif", "tiff"},       {"half.tif", "tiff"},
    {"jpeg.tif", "tiff"},         {"lossless.webp", "webp"},
    {"lossy.webp", "webp"},       {"lossyalpha.webp", "webp"},
    {"lzw.tif", "tiff"},          {"packbits.tif", "tiff"},
    {"pages.tif", "tiff"},        {"palette.tif", "tiff"},
    {"planes.tif", "tiff"},       {"planes16.tif", "tiff"},
    {"rgb16.tif", "tiff"},        {"signed16.tif", "tiff"},
    {"tiles.tif", "tiff"},        {"tiles16.tif", "tiff"},
    {"turned.tif", "tiff"},       {"turned.webp", "webp"},
    {"white0.tif", "tiff"},       {"white16.tif", "tiff"},
#ifdef PF_HAS_DICOM
    {"bare.dcm", "dicom"},        {"big.dcm", "dicom"},
    {"bits.dcm", "dicom"},        {"deflated.dcm", "dicom"},
    {"double.dcm", "dicom"},      {"enhanced.dcm", "dicom"},
    {"explicit.dcm", "dicom"},    {"float.dcm", "dicom"},
    {"frames.dcm", "dicom"},      {"framesrle.dcm", "dicom"},
    {"grey32.dcm", "dicom"},      {"implicit.dcm", "dicom"},
    {"j2k.dcm", "dicom"},         {"jpeg12.lossy.dcm", "dicom"},
    {"jpeg8.lossy.dcm", "dicom"}, {"jpegls.dcm", "dicom"},
    {"lossless.dcm", "dicom"},    {"modlut.dcm", "dicom"},
    {"mono1.dcm", "dicom"},       {"palette.dcm", "dicom"},
    {"percentiles.dcm", "dicom"}, {"rle.dcm", "dicom"},
    {"tall.dcm", "dicom"},        {"voilut.dcm", "dicom"},
#endif
};
enum { FIXTURES = sizeof fixtures / sizeof *fixtures };

static bool is_lossy(const char *name)
{
    return strstr(name, ".jpg") || strstr(name, "jpeg.") || strstr(name, "lossy");
}

static void test_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        pf_err err = PF_ERR_INIT;
        pf_picture p, expected;
        const char *name = fixtures[i].name;
        char golden[64];
        snprintf(golden, sizeof golden, "%s.ppm", name);
        assert_ok(decode_file(&p, IMAGES, name, &err), &err);
        assert_ok(decode_file(&expected, IMAGES, golden, &err), &err);
        assert_string_equal(p.format, fixtures[i].format);
        assert_int_equal(p.width, expected.width);
        assert_int_equal(p.height, expected.height);
        distance d =
            compare(p.rgb, expected.rgb, (size_t)p.width * (size_t)p.height * 3);
        printf("%-16s largest difference %d/255, mean %.4f/255\n", name, d.max, d.mean);
        /* another libjpeg may round otherwise, or libwebp */
        /* DCMTK cuts where DICOM's formula is rounded */
        const int off = strcmp(p.format, "dicom") == 0;
        assert_true(is_lossy(name) ? d.mean <= 1.0 : d.max <= off);
        pf_picture_reset(&p);
        pf_picture_reset(&expected);
    }
}

/* --- PNM is small enough to be written here --- */

static void expect_pixels(const char *file, size_t n, int width, const char *rgb_hex)
{
    pf_err err = PF_ERR_INIT;
    pf_picture p;
    assert_ok(pf_picture_decode(&p, (const uint8_t *)file, n, NULL, 0, NULL, &err),
              &err);
    assert_int_equal(p.width, width);
    for (size_t i = 0; i < (size_t)p.width * (size_t)p.height * 3; i++) {
        unsigned v;
        assert_int_equal(sscanf(rgb_hex + 2 * i, "%2x", &v), 1);
        assert_int_equal(p.rgb[i], v);
    }
    pf_picture_reset(&p);
}

#define EXPECT_PIXELS(file, width, hex)                                                \
    expect_pixels(file, sizeof(file) - 1, width, hex)

static void test_pnm(void **state)
{
    (void)state;
    EXPECT_PIXELS("P1 # text\n3 1\n01 0", 3, "ffffff000000ffffff");
    EXPECT_PIXELS("P2\n#a\n2 1 15\n0 15\n", 2, "000000ffffff");
    EXPECT_PIXELS("P3 1 2 255 1 2 3 255 254 253", 1, "010203fffefd");
    EXPECT_PIXELS("P4 9 1 \x80\x80", 9,
                  "000000ffffffffffffffffffffffffffffffffffffffffff000000");
    EXPECT_PIXELS("P5 2 1 7\n\0\7", 2, "000000ffffff");
    EXPECT_PIXELS("P5 3 1 65535\n\1\0\1\1\1\2", 3, "000000808080ffffff");
    EXPECT_PIXELS("P6 1 1 65535\n\x80\x80\xff\xff\0\0", 1, "80ff00");
}

static void test_pnm_damage(void **state)
{
    (void)state;
    static const struct {
        const char *file, *words;
    } bad[] = {
        {"P5 2 1 7\n\1\x8", "a sample of 8"},
        {"P5 2 2 255\n\1\2", "ends in its pixels"},
        {"P5 2 2 70000\n\1\2", "65535"},
        {"P5 99999999999 1 255\n1", "not readable"},
        {"P5 90000 90000 255\n1", "too large"},
        {"P5 0 9 255\n1", "no pixels"},
        {"P2 2 2 255\n1 2 x 4", "ends in its pixels"},
        {"P5 2 2", "not readable"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pf_err err = PF_ERR_INIT;
        pf_picture p;
        assert_refused(pf_picture_decode(&p, (const uint8_t *)bad[i].file,
                                         strlen(bad[i].file), NULL, 0, NULL, &err),
                       &err, bad[i].words);
        assert_clean_refusal(&p, &err);
    }
}

/* --- orientation --- */

/* Where pixel (x, y) of the upright picture lies in a stored one of w x h; EXIF 2.3:
 * "the 0th row is at the visual top, the 0th column at the visual left" and so on. */
static void stored_place(int o, int w, int h, int x, int y, int *sx, int *sy)
{
    bool turned = o >= 5;
    int up_w = turned ? h : w, up_h = turned ? w : h;
    bool from_right = o == 2 || o == 3 || o == 6 || o == 7;
    bool from_bottom = o == 3 || o == 4 || o == 7 || o == 8;
    int a = from_right ? up_w - 1 - x : x, b = from_bottom ? up_h - 1 - y : y;
    *sx = turned ? b : a;
    *sy = turned ? a : b;
}

static void check_orientation(const pf_picture *stored, const pf_picture *up, int o)
{
    assert_int_equal(up->width, o >= 5 ? stored->height : stored->width);
    assert_int_equal(up->height, o >= 5 ? stored->width : stored->height);
    for (int y = 0; y < up->height; y++) {
        for (int x = 0; x < up->width; x++) {
            int sx, sy;
            stored_place(o, stored->width, stored->height, x, y, &sx, &sy);
            assert_memory_equal(up->rgb + 3 * (y * up->width + x),
                                stored->rgb + 3 * (sy * stored->width + sx), 3);
        }
    }
}

static void test_orientations(void **state)
{
    (void)state;
    static const uint8_t entry[] = {0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 1};
    pf_mapfile map;
    pf_err err = PF_ERR_INIT;
    pf_picture stored;
    open_file(&map, IMAGES, "exif.jpg");
    uint8_t *file = pf_zalloc(map.size, &err);
    assert_non_null(file);
    memcpy(file, map.data, map.size);
    size_t at = 0;
    while (at + sizeof entry < map.size && memcmp(file + at, entry, sizeof entry) != 0)
        at++;
    uint8_t *orientation = file + at + sizeof entry - 1;
    assert_ok(pf_picture_decode(&stored, file, map.size, NULL, 0, NULL, &err), &err);
    for (int o = 0; o <= 9; o++) {
        pf_picture up;
        *orientation = (uint8_t)o;
        assert_ok(pf_picture_decode(&up, file, map.size, NULL, 0, NULL, &err), &err);
        check_orientation(&stored, &up, o >= 1 && o <= 8 ? o : 1);
        pf_picture_reset(&up);
    }
    pf_picture_reset(&stored);
    pf_free(file);
    pf_mapfile_close(&map);
}

/* --- kinds and limits --- */

static void test_sniff(void **state)
{
    (void)state;
    static const uint8_t nothing[8] = {0};
    uint8_t dicom[132] = "II*";
    memcpy(dicom + 128, "DICM", 4);
    assert_string_equal(pf_picture_sniff(dicom, sizeof dicom, NULL), "dicom");
    assert_string_equal(pf_picture_sniff(dicom, 128, NULL), "tiff");
    assert_string_equal(pf_picture_sniff((const uint8_t *)"\xFF\xD8\xFF", 3, "a.png"),
                        "jpeg");
    assert_null(pf_picture_sniff((const uint8_t *)"\xFF\xD8", 2, NULL));
    assert_null(pf_picture_sniff((const uint8_t *)"P5x", 3, NULL));
    assert_null(pf_picture_sniff(nothing, sizeof nothing, "a.dat"));
    assert_null(pf_picture_sniff(nothing, 0, NULL));
    assert_string_equal(pf_picture_sniff(nothing, sizeof nothing, "a.TGA"), "tga");
}

static void test_unsupported(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_picture p;
    assert_refused(pf_picture_decode(&p, (const uint8_t *)"\xFF\x4F\xFF\x51", 4, NULL,
                                     0, NULL, &err),
                   &err, "jpeg2000 is not read by this version");
    assert_int_equal(err.code, PF_ERR_UNSUPPORTED);
    assert_refused(
        pf_picture_decode(&p, (const uint8_t *)"hello", 5, NULL, 0, NULL, &err), &err,
        "not a kind of picture");
    assert_refused(pf_picture_decode(&p, NULL, 0, NULL, 0, NULL, &err), &err, "empty");
    assert_int_equal(err.code, PF_ERR_FORMAT);
}

/* A page of a TIFF is a frame, and DICOM has them; of the others the first is read, of
 * a GIF with two as well. */
static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        pf_err err = PF_ERR_INIT;
        pf_picture p;
        pf_mapfile map;
        open_file(&map, IMAGES, fixtures[i].name);
        const bool is_tiff = strcmp(fixtures[i].format, "tiff") == 0;
        const bool is_dicom = strcmp(fixtures[i].format, "dicom") == 0;
        for (int frame = -1; frame <= 3; frame += 4) {
            assert_refused(pf_picture_decode(&p, map.data, map.size, fixtures[i].name,
                                             frame, NULL, &err),
                           &err,
                           frame < 0 || !(is_tiff || is_dicom) ? "only frame 0 is read"
                           : is_tiff ? "the tiff has fewer pages"
                                     : "frame 3 was asked for, the file has");
            assert_int_equal(err.code, PF_ERR_NOT_FOUND);
            assert_clean_refusal(&p, &err);
        }
        pf_mapfile_close(&map);
    }
}

/* The second page is the first one mirrored. */
static void test_pages(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_picture first, second;
    pf_mapfile map;
    open_file(&map, IMAGES, "pages.tif");
    assert_ok(pf_picture_decode(&first, map.data, map.size, NULL, 0, NULL, &err), &err);
    assert_ok(pf_picture_decode(&second, map.data, map.size, NULL, 1, NULL, &err),
              &err);
    for (int y = 0; y < first.height; y++) {
        for (int x = 0; x < first.width; x++)
            assert_memory_equal(
                first.rgb + 3 * (y * first.width + x),
                second.rgb + 3 * (y * first.width + first.width - 1 - x), 3);
    }
    pf_picture_reset(&first);
    pf_picture_reset(&second);
    pf_mapfile_close(&map);
}

/* --- TIFF: fields of a good file changed --- */

/* The value of a field of one value, in a little-endian file whose directory is first;
 * `tag` 0: nothing. */
static void set_field(uint8_t *file, unsigned tag, uint32_t value)
{
    const unsigned n = file[8] | file[9] << 8;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *entry = file + 10 + 12 * i;
        if ((unsigned)(entry[0] | entry[1] << 8) != tag)
            continue;
        for (int k = 0; k < 4; k++)
            entry[8 + k] = (uint8_t)(value >> 8 * k);
        return;
    }
    assert_int_equal(tag, 0);
}

static bool decode_changed(const char *name, const uint32_t fields[][2], size_t n,
                           pf_err *err)
{
    pf_mapfile map;
    pf_picture p;
    open_file(&map, IMAGES, name);
    uint8_t *file = pf_zalloc(map.size, err);
    assert_non_null(file);
    memcpy(file, map.data, map.size);
    for (size_t i = 0; i < n; i++)
        set_field(file, fields[i][0], fields[i][1]);
    const bool ok = pf_picture_decode(&p, file, map.size, NULL, 0, NULL, err);
    if (!ok)
        assert_clean_refusal(&p, err);
    pf_picture_reset(&p);
    pf_free(file);
    pf_mapfile_close(&map);
    return ok;
}

enum {
    WIDTH = 256,
    HEIGHT = 257,
    BITS = 258,
    COMPRESSION = 259,
    COLOURS = 262,
    ROWS_PER_STRIP = 278,
    TILE_WIDTH = 322,
    TILE_HEIGHT = 323,
};

static void test_tiff_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t fields[3][2];
        pf_code code;
        const char *words;
    } bad[] = {
        /* a bomb's promise, by size, strip and tile */
        {"white16.tif", {{WIDTH, 60000}, {HEIGHT, 60000}}, PF_ERR_LIMIT, "too large"},
        {"white0.tif", {{WIDTH, 60000}, {HEIGHT, 60000}}, PF_ERR_LIMIT, "too large"},
        {"white16.tif", {{WIDTH, 9000}, {HEIGHT, 9000}}, PF_ERR_FORMAT, "damaged"},
        {"tiles16.tif",
         {{TILE_WIDTH, 1 << 20}, {TILE_HEIGHT, 1 << 20}},
         PF_ERR_LIMIT,
         "a strip or tile"},
        {"tiles16.tif", {{TILE_WIDTH, 0}}, PF_ERR_FORMAT, "damaged"},
        {"white16.tif", {{WIDTH, 0}}, PF_ERR_FORMAT, "size is zero"},
        {"white16.tif", {{ROWS_PER_STRIP, 3}}, PF_ERR_FORMAT, "damaged"},
        /* legal, not read */
        {"white16.tif", {{COMPRESSION, 34712}}, PF_ERR_UNSUPPORTED, "34712"},
        {"white16.tif", {{COMPRESSION, 6}}, PF_ERR_UNSUPPORTED, "compression 6"},
        {"white16.tif", {{COMPRESSION, 34676}}, PF_ERR_UNSUPPORTED, "SGILog"},
        {"white16.tif", {{BITS, 24}}, PF_ERR_UNSUPPORTED, "24 bits"},
        {"white16.tif", {{COLOURS, 8}}, PF_ERR_UNSUPPORTED, "colours 8 with 16 bits"},
        {"white0.tif", {{COLOURS, 4}}, PF_ERR_UNSUPPORTED, "libtiff cannot read it"},
        {"white16.tif", {{COLOURS, 2}}, PF_ERR_FORMAT, "1 samples"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pf_err err = PF_ERR_INIT;
        assert_refused(decode_changed(bad[i].name, bad[i].fields, 3, &err), &err,
                       bad[i].words);
        assert_int_equal(err.code, bad[i].code);
    }
}

/* 60000 x 60000 of an animation, whose header alone is there. */
static void test_webp_bomb(void **state)
{
    (void)state;
    static const uint8_t file[] = "RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\2\0\0\0"
                                  "\x5F\xEA\0\x5F\xEA\0";
    pf_err err = PF_ERR_INIT;
    pf_picture p;
    assert_refused(pf_picture_decode(&p, file, sizeof file - 1, NULL, 0, NULL, &err),
                   &err, "too large");
    assert_int_equal(err.code, PF_ERR_LIMIT);
}

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        pf_err err = PF_ERR_INIT;
        pf_picture p;
        pf_picture_limits limits;
        pf_mapfile map;
        open_file(&map, IMAGES, fixtures[i].name);
        pf_picture_limits_init(&limits);
        limits.max_pixels = 14;
        assert_refused(pf_picture_decode(&p, map.data, map.size, fixtures[i].name, 0,
                                         &limits, &err),
                       &err, "too large");
        assert_int_equal(err.code, PF_ERR_LIMIT);
        pf_picture_limits_init(&limits);
        limits.max_file_bytes = map.size - 1;
        assert_refused(pf_picture_decode(&p, map.data, map.size, fixtures[i].name, 0,
                                         &limits, &err),
                       &err, "file is too large");
        assert_int_equal(err.code, PF_ERR_LIMIT);
        pf_mapfile_close(&map);
    }
}

/* --- damage --- */

/* Bytes at the end of which the pixels do not need: the rest may be cut. A TGA ends in
 * a 26-byte footer, a BMP in padding, text in a newline. */
static void test_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        const char *name = fixtures[i].name;
        pf_err err = PF_ERR_INIT;
        pf_picture whole;
        pf_mapfile map;
        open_file(&map, IMAGES, name);
        guarded g = guarded_new(map.size);
        const uint8_t *bytes = guarded_put(&g, map.data, map.size);
        assert_ok(pf_picture_decode(&whole, bytes, map.size, name, 0, NULL, &err),
                  &err);
        size_t accepted = 0;
        for (size_t n = 0; n < map.size; n++) {
            pf_picture p;
            err = (pf_err)PF_ERR_INIT;
            bytes = guarded_put(&g, map.data, n);
            if (pf_picture_decode(&p, bytes, n, name, 0, NULL, &err)) {
                assert_true(same_picture(&p, &whole));
                accepted++;
            } else {
                assert_clean_refusal(&p, &err);
            }
            pf_picture_reset(&p);
        }
        /* these three kinds of file say where they end */
        if (strcmp(fixtures[i].format, "png") == 0 ||
            strcmp(fixtures[i].format, "jpeg") == 0 ||
            strcmp(fixtures[i].format, "gif") == 0)
            assert_int_equal(accepted, 0);
        if (strcmp(name, "pages.tif") != 0) /* of which the first is wanted */
            assert_true(accepted <= 26);
        pf_picture_reset(&whole);
        guarded_free(&g);
        pf_mapfile_close(&map);
    }
}

/* Each byte changed in three ways (of large files each fifth change). Nothing may
 * crash; a PNG, all checksums, may not even pass. Small limits keep a changed size from
 * costing time. */
static void test_flips(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0xFF, 0x01, 0x80};
    pf_picture_limits limits = {.max_file_bytes = 1 << 20, .max_pixels = 100000};
    size_t passed = 0, refused = 0;
    for (size_t i = 0; i < FIXTURES; i++) {
        pf_mapfile map;
        open_file(&map, IMAGES, fixtures[i].name);
        guarded g = guarded_new(map.size);
        guarded_put(&g, map.data, map.size);
        uint8_t *bytes = g.end - map.size;
        bool must_fail = strcmp(fixtures[i].name, "rgb.png") == 0;
        size_t step = map.size > 2000 ? 5 : 1; /* of the large ones a sample */
        for (size_t k = 0; k < 3 * map.size; k += step) {
            pf_err err = PF_ERR_INIT;
            pf_picture p;
            bytes[k / 3] ^= masks[k % 3];
            if (pf_picture_decode(&p, bytes, map.size, fixtures[i].name, 0, &limits,
                                  &err)) {
                assert_false(must_fail);
                assert_true((size_t)p.width * (size_t)p.height <= limits.max_pixels);
                passed++;
            } else {
                assert_clean_refusal(&p, &err);
                refused++;
            }
            pf_picture_reset(&p);
            bytes[k / 3] ^= masks[k % 3];
        }
        guarded_free(&g);
        pf_mapfile_close(&map);
    }
    printf("%zu changed files: %zu refused, %zu decoded\n", passed + refused, refused,
           passed);
}

static void test_palette_overrun(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_picture p;
    assert_refused(decode_file(&p, IMAGES, "beyond.bad.png", &err), &err,
                   "the palette has 9");
    assert_int_equal(err.code, PF_ERR_FORMAT);
}

/* --- JPEG scans, put together by hand --- */

/* 8 x 8 pixels, three components without subsampling, quantiser 1, codes: DC category 0
 * is 0, end of block is 0. A scan of one component is then the bits 00. */
static size_t jpeg_start(uint8_t *out)
{
    static const uint8_t tables[] = {
        0xFF, 0xC0, 0,    17, 8,    0, 8, 0,    8,    3, 1,  0x11, 0, 2, 0x11,
        0,    3,    0x11, 0, /* SOF0 */
        0xFF, 0xC4, 0,    20, 0x00, 1, 0, 0,    0,    0, 0,  0,    0, 0, 0,
        0,    0,    0,    0,  0,    0, 0, 0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0,
        0,    0,    0,    0,  0,    0, 0, 0,    0,    0, 0,  0,    0, 0,
    };
    size_t n = 0;
    memcpy(out, "\xFF\xD8\xFF\xDB\0\x43", 6);
    n += 6;
    out[n++] = 0;
    memset(out + n, 1, 64);
    n += 64;
    memcpy(out + n, tables, sizeof tables);
    return n + sizeof tables;
}

static size_t jpeg_scan(uint8_t *out, int component)
{
    const uint8_t scan[] = {0xFF, 0xDA, 0, 8, 1, (uint8_t)component, 0, 0, 63, 0, 0x3F};
    memcpy(out, scan, sizeof scan);
    return sizeof scan;
}

/* `components` names the scans, one digit each. */
static bool decode_scans(const char *components, pf_err *err)
{
    static uint8_t file[8192];
    pf_picture p;
    size_t n = jpeg_start(file);
    for (const char *c = components; *c; c++)
        n += jpeg_scan(file + n, *c - '0');
    memcpy(file + n, "\xFF\xD9", 2);
    bool ok = pf_picture_decode(&p, file, n + 2, NULL, 0, NULL, err);
    pf_picture_reset(&p);
    return ok;
}

static void test_scans(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    assert_ok(decode_scans("123", &err), &err);
    assert_refused(decode_scans("12", &err), &err, "component is missing");
    char many[301];
    for (int i = 0; i < 300; i++)
        many[i] = (char)('1' + i % 3);
    many[300] = '\0';
    assert_refused(decode_scans(many, &err), &err, "too many");
    assert_int_equal(err.code, PF_ERR_LIMIT);
    many[150] = '\0';
    assert_ok(decode_scans(many, &err), &err);
}

/* A progressive file that ends in order after its first scans. */
static void test_missing_progressive_scans(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_mapfile map;
    open_file(&map, IMAGES, "progressive.jpg");
    uint8_t *file = pf_zalloc(map.size, &err);
    assert_non_null(file);
    int refused = 0;
    for (size_t n = 2; n + 2 < map.size; n++) {
        pf_picture p;
        if (map.data[n] != 0xFF || map.data[n + 1] != 0xDA)
            continue;
        memcpy(file, map.data, n);
        memcpy(file + n, "\xFF\xD9", 2);
        assert_false(pf_picture_decode(&p, file, n + 2, NULL, 0, NULL, &err));
        assert_int_equal(err.code, PF_ERR_FORMAT);
        refused++;
    }
    assert_true(refused >= 8);
    pf_free(file);
    pf_mapfile_close(&map);
}

/* A hundred thousand empty APP1 segments took libjpeg's own bookkeeping ten seconds. */
static void test_many_segments(void **state)
{
    (void)state;
    enum { SEGMENTS = 200000 };
    pf_err err = PF_ERR_INIT;
    pf_mapfile map;
    pf_picture p;
    open_file(&map, IMAGES, "baseline.jpg");
    uint8_t *file = pf_zalloc(map.size + 4 * SEGMENTS, &err);
    assert_non_null(file);
    memcpy(file, map.data, 2);
    for (size_t i = 0; i < SEGMENTS; i++)
        memcpy(file + 2 + 4 * i, "\xFF\xE1\0\2", 4);
    memcpy(file + 2 + 4 * SEGMENTS, map.data + 2, map.size - 2);
    assert_ok(pf_picture_decode(&p, file, map.size + 4 * SEGMENTS, NULL, 0, NULL, &err),
              &err);
    pf_picture_reset(&p);
    pf_free(file);
    pf_mapfile_close(&map);
}

/* --- memory and threads --- */

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        const char *name = fixtures[i].name;
        pf_mapfile map;
        open_file(&map, IMAGES, name);
        long n = 1;
        for (;; n++) {
            pf_err err = PF_ERR_INIT;
            pf_picture p;
            pf_mem_fail_at(n);
            bool ok = pf_picture_decode(&p, map.data, map.size, name, 0, NULL, &err);
            pf_mem_fail_at(0);
            if (ok) {
                pf_picture_reset(&p);
                break;
            }
            assert_int_equal(err.code, PF_ERR_NOMEM);
            assert_clean_refusal(&p, &err);
            assert_true(n < 1000);
        }
        assert_true(n >= 2); /* something did fail */
        pf_mapfile_close(&map);
    }
}

static void *decode_all(void *result)
{
    bool *ok = result;
    for (size_t i = 0; i < FIXTURES; i++) {
        pf_err err = PF_ERR_INIT;
        pf_picture p, expected;
        char golden[64];
        snprintf(golden, sizeof golden, "%s.ppm", fixtures[i].name);
        if (!decode_file(&p, IMAGES, fixtures[i].name, &err) ||
            !decode_file(&expected, IMAGES, golden, &err) ||
            (!is_lossy(fixtures[i].name) && strcmp(p.format, "dicom") != 0 &&
             !same_picture(&p, &expected)))
            *ok = false;
        pf_picture_reset(&p);
        pf_picture_reset(&expected);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    bool ok[THREADS];
    for (int i = 0; i < THREADS; i++) {
        ok[i] = true;
        assert_int_equal(pthread_create(&threads[i], NULL, decode_all, &ok[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(ok[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_pnm),
        cmocka_unit_test(test_pnm_damage),
        cmocka_unit_test(test_orientations),
        cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_tiff_refusals),
        cmocka_unit_test(test_webp_bomb),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_palette_overrun),
        cmocka_unit_test(test_scans),
        cmocka_unit_test(test_missing_progressive_scans),
        cmocka_unit_test(test_many_segments),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
