/*
 * test_odd_images.c - a hundred strange and broken pictures: each is decoded or refused
 * with a reason, quickly, within bounds.
 *
 * The collection is not part of the project. Its expected.csv says for each file "yes",
 * "no" or "unsure"; here stands what this project does with the unsure ones.
 */
#include <sys/resource.h>
#include <time.h>

#include "image_support.h"

#define ODD PF_SHARED_DIR "/data/odd-images"

enum { MAX_SECONDS = 10, MAX_MIB = 1500 };

/* Where we differ from expected.csv. */
static const struct {
    const char *name, *why;
} exceptions[] = {
    {"hopper_bad_exif.jpg", "not the EXIF alone: most rows of blocks have bad codes, "
                            "libjpeg and Pillow show streaks, stb_image refuses"},
};

/* The unsure ones of which every pixel is known. All others of them are refused. */
static const char *const accepted[] = {
    "chunk_no_fdat.png",          /* the animation is damaged, the still is not */
    "empty_ancillary_chunks.png", /* metadata */
    "padded_idat.png",            /* bytes behind the last pixel */
    "junk_jpeg_header.jpg",       /* five bytes between headers */
    "truncated_app14.jpg",        /* metadata */
    "image02206.jpg",             /* metadata */
    "mjpeg.jpg",                  /* a webcam's: standard tables left out, padding */
    "peacock.s-very-weird.jpeg",  /* legal */
    "peacock.s1x3.jpeg",          /* legal */
    "testorig_transpose_440_q90_ari_rst1.jpg", /* arithmetic coding: legal */
    "hopper_8bit_plain.pgm",                   /* legal */
    "16bit.cropped.tif",                       /* legal */
    "psd-oob-write-x.psd", /* the layers are damaged, the whole picture is not */
};

static bool is_accepted(const char *name)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        if (strcmp(name, accepted[i]) == 0)
            return true;
    }
    return false;
}

static bool is_exception(const char *name)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
        if (strcmp(name, exceptions[i].name) == 0)
            return true;
    }
    return false;
}

/* "no (as a PNG/JPEG); DICOM reader yes" */
static bool reads_dicom(const char *verdict)
{
#ifdef PF_HAS_DICOM
    return strstr(verdict, "DICOM reader yes") != NULL;
#else
    (void)verdict;
    return false;
#endif
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `verdict` is "yes...", "no..." or "unsure". Returns how many complaints. */
static int check(const char *name, const char *verdict)
{
    pf_err err = PF_ERR_INIT;
    pf_picture p;
    double start = now();
    bool ok = decode_file(&p, ODD "/files", name, &err);
    double seconds = now() - start;
    bool expected = is_accepted(name);
    if (strncmp(verdict, "unsure", 6) != 0)
        expected = (strncmp(verdict, "yes", 3) == 0 || reads_dicom(verdict)) !=
                   is_exception(name);
    bool bad = ok != expected || seconds > MAX_SECONDS;
    if (ok)
        printf("%-7.7s %-40.40s %s %d x %d", verdict, name, p.format, p.width,
               p.height);
    else
        printf("%-7.7s %-40.40s refused: %s", verdict, name, err.msg);
    printf(" (%.0f ms)%s\n", seconds * 1e3, bad ? "  <-- NOT AS EXPECTED" : "");
    if (!ok)
        assert_clean_refusal(&p, &err);
    pf_picture_reset(&p);
    return bad;
}

static void test_all(void **state)
{
    (void)state;
    char line[1024];
    int files = 0, bad = 0;
    FILE *list = fopen(ODD "/expected.csv", "r");
    assert_non_null(list);
    assert_non_null(fgets(line, sizeof line, list)); /* the heading */
    while (fgets(line, sizeof line, list)) {
        char *path = strtok(line, ","), *verdict = strtok(NULL, ",");
        assert_non_null(verdict);
        bad += check(pf_path_base(path), verdict);
        files++;
    }
    fclose(list);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%d files, %d not as expected, at most %ld MiB in use\n", files, bad,
           usage.ru_maxrss / 1024);
    assert_true(files >= 100);
    assert_int_equal(bad, 0);
#ifndef PF_SANITIZED
    assert_true(usage.ru_maxrss / 1024 < MAX_MIB);
#endif
}

int main(void)
{
    if (!pf_path_exists(ODD "/expected.csv")) {
        fprintf(stderr, "skipped: no collection at " ODD "\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
