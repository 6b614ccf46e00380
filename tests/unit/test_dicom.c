/*
 * test_dicom.c - what is refused of DICOM, and how: by the name of its transfer syntax,
 * for what it says of itself, for what is missing.
 *
 * What is shown, and what damage does, is in test_picture.c with the other kinds.
 */
#include "image_support.h"

#include "core/base/buf.h"

#define EXPLICIT "1.2.840.10008.1.2.1"

static pf_buf file;
static pf_err err;

static void add(const void *bytes, size_t n)
{
    assert_ok(pf_buf_add(&file, bytes, n, &err), &err);
}

static void add_number(uint32_t v, size_t n)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                              (uint8_t)(v >> 24)};
    add(bytes, n);
}

/* An element of explicit VR; `n` is what it says of its length. */
static void add_header(uint32_t tag, const char *vr, uint32_t n)
{
    add_number(tag >> 16, 2);
    add_number(tag & 0xFFFF, 2);
    add(vr, 2);
    if (strcmp(vr, "OB") == 0 || strcmp(vr, "OW") == 0) {
        add_number(0, 2);
        add_number(n, 4);
    } else {
        add_number(n, 2);
    }
}

static void add_text(uint32_t tag, const char *vr, const char *text)
{
    const size_t n = strlen(text);
    add_header(tag, vr, (uint32_t)(n + n % 2));
    add(text, n);
    add(" ", strcmp(vr, "UI") == 0 ? 0 : n % 2);
    add("\0", strcmp(vr, "UI") == 0 ? n % 2 : 0);
}

static void add_short(uint32_t tag, unsigned v)
{
    add_header(tag, "US", 2);
    add_number(v, 2);
}

/* All before the pixels of a grey picture. */
static void start(const char *syntax, unsigned width, unsigned height, unsigned bits,
                  const char *frames)
{
    static const uint8_t preamble[128];
    file.size = 0;
    err = (pf_err)PF_ERR_INIT;
    add(preamble, sizeof preamble);
    add("DICM", 4);
    add_text(0x00020010, "UI", syntax);
    add_text(0x00080060, "CS", "CT");
    add_short(0x00280002, 1);
    add_text(0x00280004, "CS", "MONOCHROME2");
    add_text(0x00280008, "IS", frames);
    add_short(0x00280010, height);
    add_short(0x00280011, width);
    add_short(0x00280100, bits);
    add_short(0x00280101, bits);
    add_short(0x00280102, bits - 1);
    add_short(0x00280103, 0);
}

static bool decode(int frame)
{
    pf_picture p;
    const bool ok = pf_picture_decode(&p, (const uint8_t *)file.data, file.size, NULL,
                                      frame, NULL, &err);
    if (!ok)
        assert_clean_refusal(&p, &err);
    pf_picture_reset(&p);
    return ok;
}

static void refuse(pf_code code, const char *words)
{
    assert_refused(decode(0), &err, words);
    assert_int_equal(err.code, code);
}

static void test_syntaxes(void **state)
{
    (void)state;
    static const struct {
        const char *uid, *words;
    } refused[] = {
        {EXPLICIT ".98", "Encapsulated Uncompressed: this transfer syntax is not read"},
        {"1.2.840.10008.1.2.4.100", "MPEG-2 Main Profile Main Level"},
        {"1.2.840.10008.1.2.4.102", "MPEG-4 High Profile"},
        {"1.2.840.10008.1.2.4.107", "HEVC Main Profile"},
        {"1.2.840.10008.1.2.4.110", "JPEG XL Lossless"},
        {"1.2.840.10008.1.2.4.201", "HTJ2K Lossless"},
        {"1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL"},
        {"1.2.840.10008.1.2.4.203", "HTJ2K"},
        {"1.2.840.10008.1.2.4.94", "JPIP Referenced"},
        {"1.3.6.1.4.1.99.7", "1.3.6.1.4.1.99.7"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        start(refused[i].uid, 2, 2, 8, "1");
        add_header(0x7FE00010, "OB", 0xFFFFFFFF);
        add_number(0xE000FFFE, 4);
        add_number(0, 4);
        refuse(PF_ERR_UNSUPPORTED, refused[i].words);
    }
}

static void test_promises(void **state)
{
    (void)state;
    start(EXPLICIT, 60000, 60000, 16, "1");
    add_header(0x7FE00010, "OW", 8);
    add("12345678", 8);
    refuse(PF_ERR_LIMIT, "too large");

    start(EXPLICIT, 9000, 9000, 8, "1");
    add_header(0x7FE00010, "OB", 8);
    add("12345678", 8);
    refuse(PF_ERR_FORMAT, "the file ends in its pixels");

    start(EXPLICIT, 2, 2, 8, "2147483647");
    add_header(0x7FE00010, "OB", 8);
    add("12345678", 8);
    assert_ok(decode(1), &err);
    assert_refused(decode(2147483646), &err, "the file ends in its pixels");
    assert_int_equal(err.code, PF_ERR_FORMAT);

    start(EXPLICIT, 2, 2, 8, "2");
    add_header(0x7FE00010, "OB", 8);
    add("12345678", 8);
    assert_refused(decode(2), &err, "the file has 2");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);

    start(EXPLICIT, 2, 2, 24, "1");
    add_header(0x7FE00010, "OB", 12);
    add("123456789012", 12);
    refuse(PF_ERR_UNSUPPORTED, "24 bits in a sample");
}

static void test_without_pixels(void **state)
{
    (void)state;
    start(EXPLICIT, 2, 2, 8, "1");
    refuse(PF_ERR_UNSUPPORTED, "there is no picture in it, its modality is CT");
    /* nothing of a file that says who it is of */
    start(EXPLICIT, 0, 0, 8, "1");
    add_text(0x00290010, "LO", "CANARY^NAME");
    refuse(PF_ERR_UNSUPPORTED, "there is no picture in it");
    assert_null(strstr(err.msg, "CANARY"));
}

static void test_items(void **state)
{
    (void)state;
    static const char rle[] = "1.2.840.10008.1.2.5";
    start(rle, 2, 2, 8, "1");
    add_header(0x7FE00010, "OB", 4);
    add("1234", 4);
    refuse(PF_ERR_FORMAT, "its pixels are not packed");

    start(rle, 2, 2, 8, "1");
    add_header(0x7FE00010, "OB", 0xFFFFFFFF);
    refuse(PF_ERR_UNSUPPORTED, "there is no picture in it"); /* nor anything else */

    start(rle, 2, 2, 8, "1");
    add_header(0x7FE00010, "OB", 0xFFFFFFFF);
    add_number(0xE000FFFE, 4);
    add_number(0, 4);
    refuse(PF_ERR_FORMAT, "there is no frame 0");

    start(rle, 2, 2, 8, "1");
    add_header(0x7FE00010, "OB", 0xFFFFFFFF);
    add_number(0xE000FFFE, 4);
    add_number(0, 4);
    add_number(0xE000FFFE, 4);
    add_number(100, 4);
    refuse(PF_ERR_FORMAT, "the file ends in its pixels");

    start(rle, 2, 2, 8, "1");
    add_header(0x7FE00010, "OB", 0xFFFFFFFF);
    add_number(0x00100010, 4);
    add_number(0, 4);
    refuse(PF_ERR_FORMAT, "something between its fragments");

    start(EXPLICIT, 2, 2, 8, "1");
    add_header(0x7FE00010, "OB", 0xFFFFFFFF);
    add_number(0xE000FFFE, 4);
    add_number(0, 4);
    refuse(PF_ERR_FORMAT, "its pixels are packed");
}

/* Where another syntax is named, the stream is of another size, or is none. */
static void test_code_stream(void **state)
{
    (void)state;
    static const char j2k[] = "1.2.840.10008.1.2.4.90";
    pf_mapfile map;
    open_file(&map, PF_TESTS_DIR "/golden/images", "j2k.dcm");
    const uint8_t *pixels = map.data;
    while (memcmp(pixels, "\xE0\x7F\x10\0OB", 6) != 0)
        pixels++;
    start(j2k, 29, 20, 16, "1"); /* it has 19 rows */
    add(pixels, map.size - (size_t)(pixels - map.data));
    refuse(PF_ERR_FORMAT, "29 x 19 pixels of 1 samples, not 29 x 20 of 1");
    start(j2k, 29, 19, 16, "1");
    add(pixels, map.size - (size_t)(pixels - map.data));
    assert_ok(decode(0), &err);
    file.data[file.size - 200] ^= 0x55;
    (void)decode(0); /* decoded or refused, and nothing else happens */
    pf_mapfile_close(&map);

    start(j2k, 29, 19, 16, "1");
    add_header(0x7FE00010, "OB", 0xFFFFFFFF);
    add_number(0xE000FFFE, 4);
    add_number(0, 4);
    add_number(0xE000FFFE, 4);
    add_number(4, 4);
    add("none", 4);
    refuse(PF_ERR_FORMAT, "JPEG 2000 Lossless");
}

/* Headers that DCMTK's codecs would loop in, or believe. */
static void test_streams(void **state)
{
    (void)state;
    static const struct {
        const char *syntax, *bytes;
        size_t n;
        const char *words;
    } bad[] = {
        {"1.2.840.10008.1.2.4.50", "\xFF\xD8\xFF\xE0\0\0\xFF\xC0\0\x0B", 10,
         "the header of the code stream is damaged"},
        {"1.2.840.10008.1.2.4.50", "\xFF\xC0\0\x0B\x8\0\2\0\2\1\1\x11\0\0", 14,
         "the header of the code stream is damaged"},
        {"1.2.840.10008.1.2.4.57", "\xFF\xD8\xFF\xC3\0\x0B\x8\0\3\0\2\1\1\x11\0\0", 16,
         "2 x 3 pixels of 1 samples, not 2 x 2 of 1"},
        {"1.2.840.10008.1.2.4.80", "\xFF\xD8\xFF\xF7\0\x0B\x10\0\2\0\2\1\1\x11\0\0", 16,
         "samples of 16 bits, of 8"},
        {"1.2.840.10008.1.2.5", "\1\0\0\0\x40\0\0\0", 8, "its runs have no header"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        start(bad[i].syntax, 2, 2, 8, "1");
        add_header(0x7FE00010, "OB", 0xFFFFFFFF);
        add_number(0xE000FFFE, 4);
        add_number(0, 4);
        add_number(0xE000FFFE, 4);
        add_number((uint32_t)bad[i].n, 4);
        add(bad[i].bytes, bad[i].n);
        refuse(PF_ERR_FORMAT, bad[i].words);
    }
    /* a segment that ends before the plane does, and one that lies elsewhere */
    for (unsigned at = 64; at <= 70; at += 6) {
        start("1.2.840.10008.1.2.5", 2, 2, 8, "1");
        add_header(0x7FE00010, "OB", 0xFFFFFFFF);
        add_number(0xE000FFFE, 4);
        add_number(0, 4);
        add_number(0xE000FFFE, 4);
        add_number(66, 4);
        add_number(1, 4);
        add_number(at, 4);
        for (int k = 0; k < 14; k++)
            add_number(0, 4);
        add("\xFE\7", 2); /* three times 7; four pixels */
        refuse(PF_ERR_FORMAT, "a run passes its end");
    }
}

static void test_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        bool is_dicom;
    } heads[] = {
        {"\2\0\0\0UL\4\0\x10\0\0\0\0\0\0\0", 16, true},
        {"\x08\0\5\0CS\x0A\0ISO_IR 100", 18, true},
        {"\x08\0\0\0\4\0\0\0\x10\0\0\0\0\0\0\0", 16, true},
        {"\x08\0\x16\0\x1A\0\0\0001.2.840.10008", 21, true},
        {"\x08\0\x16\0\x1A\0\0\0\1\2\3\4\5\6\7\x08", 16, false},
        {"\x08\0\x16\0\xFF\xFF\0\0\0\0\0\0\0\0\0\0", 16, false},
        {"\x08\0\0\0\5\0\0\0\x10\0\0\0\0\0\0\0", 16, false},
        {"\x08\0\5\0XX\x0A\0ISO_IR 100", 18, false},
        {"\x08\0\5\0CS\x0A\0ISO_IR", 14, false},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const char *kind =
            pf_picture_sniff((const uint8_t *)heads[i].bytes, heads[i].n, NULL);
        assert_int_equal(kind != NULL, heads[i].is_dicom);
    }
}

int main(void)
{
    pf_buf_init(&file, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntaxes),       cmocka_unit_test(test_promises),
        cmocka_unit_test(test_without_pixels), cmocka_unit_test(test_items),
        cmocka_unit_test(test_code_stream),    cmocka_unit_test(test_streams),
        cmocka_unit_test(test_recognised),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pf_buf_free(&file);
    return failed;
}
