/*
 * test_sandbox.c - whatever a picture makes of its decoder, it costs that picture: the
 * process that asked lives, is told why, and the next picture is decoded.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/image/decoder_process.h"
#include "core/image/sandbox.h"
#include "tests/unit/test_support.h"

#ifdef PF_SANITIZED
enum { IS_FILTERED = false }; /* these need calls of their own */
#else
enum { IS_FILTERED = true };
#endif

static pf_sandbox *sandbox;
static pf_preprocess preprocess;
static uint8_t pixels[2][224 * 224 * 3];
static pf_thumbnail thumbnail[2];
static pf_err err;

static void use(const char *program)
{
    pf_sandbox_free(sandbox);
    if (program)
        setenv("PLAINFILM_DECODER", program, 1);
    else
        unsetenv("PLAINFILM_DECODER");
    assert_ok(pf_sandbox_new(&sandbox, &err), &err);
}

static pf_intake intake_at(int i)
{
    memset(pixels[i], 0, sizeof pixels[i]);
    memset(&thumbnail[i], 0, sizeof thumbnail[i]);
    return (pf_intake){.pixels = pixels[i], .thumbnail = &thumbnail[i]};
}

static bool decode(pf_intake *intake, const char *name, const void *bytes, size_t n)
{
    const pf_intake_options options = {.name = name, .preprocess = &preprocess};
    err = (pf_err)PF_ERR_INIT;
    return pf_sandbox_put(sandbox, bytes, n, &err) &&
           pf_sandbox_decode(sandbox, intake, &options, &err);
}

/* ---- the same pictures ---- */

static size_t n_compared;

/* With the sandbox and without: the same bytes, or the same refusal. */
static void compare(const char *path)
{
    pf_buf file;
    pf_err direct = PF_ERR_INIT;
    const pf_intake_options options = {.name = pf_path_base(path),
                                       .preprocess = &preprocess};
    pf_buf_init(&file, 256 << 20);
    assert_ok(pf_file_read(path, &file, &err), &err);
    pf_intake a = intake_at(0), b = intake_at(1);
    const bool is_read =
        pf_intake_make(&a, (const uint8_t *)file.data, file.size, &options, &direct);
    const bool is_read_there = decode(&b, options.name, file.data, file.size);
    if (is_read != is_read_there)
        print_message("%s: %s | %s\n", path, direct.msg, err.msg);
    assert_int_equal(is_read, is_read_there);
    if (is_read) {
        assert_memory_equal(pixels[0], pixels[1], sizeof pixels[0]);
        /* nor anything of the picture before */
        assert_memory_equal(&thumbnail[0], &thumbnail[1], sizeof thumbnail[0]);
        assert_string_equal(a.format, b.format);
        assert_int_equal(a.width, b.width);
        assert_int_equal(a.height, b.height);
    } else {
        assert_int_equal(direct.code, err.code);
        assert_string_equal(direct.msg, err.msg);
    }
    n_compared++;
    pf_buf_free(&file);
}

static void compare_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    char path[1024];
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            compare(path);
    }
    if (dir)
        closedir(dir);
}

static void pictures_are_the_same(void **state)
{
    (void)state;
    use(NULL);
    compare_folder(PF_TESTS_DIR "/golden/images");
    compare_folder(PF_TESTS_DIR "/golden/preprocess/in");
    assert_true(n_compared > 20);
    pf_preprocess_set_open_clip(&preprocess); /* as the files have them, before RGB */
    compare_folder(PF_TESTS_DIR "/golden/images");
    compare_folder(PF_TESTS_DIR "/golden/preprocess/in");
    pf_preprocess_init_clip(&preprocess, 224);
    compare_folder(PF_SHARED_DIR "/data/odd-images/files");
    compare_folder(PF_SHARED_DIR "/data/radiographs/images");
    assert_null(pf_sandbox_lack());
}

/* ---- what is tried ---- */

/* Once the process has been harmed, the next picture is decoded in another one. */
static void assert_goes_on(void)
{
    pf_intake intake = intake_at(0);
    assert_ok(decode(&intake, "good", "x", 1), &err);
    assert_int_equal(intake.width, 100);
    assert_int_equal(pixels[0][0], 7);
}

static void assert_fails(const char *what, const char *why)
{
    pf_intake intake = intake_at(0);
    const bool ok = decode(&intake, what, "x", 1);
    if (ok || !strstr(err.msg, why))
        print_message("%s: %s (%d)\n", what, ok ? "it went on" : err.msg, intake.width);
    assert_false(ok);
    assert_non_null(strstr(err.msg, why));
    assert_true(err.code == PF_ERR_FORMAT || err.code == PF_ERR_LIMIT);
    assert_goes_on();
}

static void forbidden_calls_end_the_decoder(void **state)
{
    static const char *const calls[] = {
        "open",          "create",   "unlink",     "connect",
        "unix",          "fork",     "exec",       "ptrace",
        "kill-parent",   "kill-all", "executable", "executable-alone",
        "mprotect",      "dumpable", "limits",     "fill-disk",
        "write-picture", "sleep"};
    (void)state;
    if (!IS_FILTERED)
        skip();
    use(PF_EVIL_DECODER);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_fails(calls[i], "tried what decoders may not do");
    assert_int_not_equal(access("/tmp/plainfilm-evil", F_OK), 0);
}

static void it_may_die_as_it_likes(void **state)
{
    (void)state;
    use(PF_EVIL_DECODER);
    if (IS_FILTERED)
        assert_fails("crash", "its decoder died (signal 11)");
    assert_fails("abort", IS_FILTERED ? "tried what" : "its decoder died");
    assert_fails("exit", "its decoder died");
    assert_fails("flood", "its decoder died");
    assert_fails("ask", "its decoder died");
}

/* Memory runs out in the decoder alone. */
static void it_may_eat_what_it_likes(void **state)
{
    (void)state;
    if (!IS_FILTERED)
        skip();
    use(PF_EVIL_DECODER);
    pf_intake intake = intake_at(0);
    assert_ok(decode(&intake, "memory", "x", 1), &err);
    assert_int_equal(intake.width, 2); /* it was refused more, and survived */
    assert_goes_on();
}

static void its_lies_are_not_believed(void **state)
{
    static const char *const lies[] = {"lie-thumbnail", "lie-size", "lie-format"};
    (void)state;
    use(PF_EVIL_DECODER);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        assert_fails(lies[i], "the decoder gave nonsense");
    assert_fails("lie-code", "who knows");
    assert_fails("lie-memory", "takes more memory than it may have");
    assert_fails("lie-message", "????");
}

/* Only the culprit pays: a good picture that comes to a decoder which dies of an
 * earlier one is decoded in the next. */
static void a_picture_is_tried_again_where_nothing_went_before(void **state)
{
    (void)state;
    use(PF_EVIL_DECODER);
    assert_goes_on();
    pf_intake intake = intake_at(0);
    assert_ok(decode(&intake, "poison", "x", 1), &err);
    assert_goes_on();
    assert_int_equal(err.code, PF_OK); /* the failure before is nobody's business */
    assert_string_equal(err.msg, "");
}

static void it_may_not_loop_for_ever(void **state)
{
    (void)state;
    const int patience = pf_decoder_seconds;
    use(PF_EVIL_DECODER);
    pf_decoder_seconds = 1;
    assert_fails("loop", "more than 1 seconds");
    pf_decoder_seconds = patience;
}

/* ---- programs that are none ---- */

static void a_decoder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    pf_intake intake = intake_at(0);
    use("/nowhere/plainfilm-decode");
    assert_false(decode(&intake, "a.png", "x", 1));
    assert_int_equal(err.code, PF_ERR_IO);
    assert_non_null(strstr(err.msg, "cannot start the decoder '/nowhere/"));
    use("/bin/true");
    assert_false(decode(&intake, "a.png", "x", 1));
    assert_non_null(strstr(err.msg, "does not start"));
    assert_false(pf_sandbox_start(sandbox, &err));
}

/* ---- size, memory, time ---- */

static void large_pictures_share_one_budget(void **state)
{
    (void)state;
    char gif[] =
        "GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;";
    pf_intake intake = intake_at(0);
    use(NULL);
    assert_false(decode(&intake, "a.gif", gif, sizeof gif - 1));
    assert_int_equal(err.code, PF_ERR_LIMIT); /* 4 Gpixel */
    char pgm[64] = "P5 12000 12000 65535\n";  /* 144 million, each of 5 bytes */
    assert_false(decode(&intake, "a.pgm", pgm, sizeof pgm));
    assert_true(err.code == PF_ERR_LIMIT || err.code == PF_ERR_FORMAT);
    uint8_t *bytes = calloc(1, (size_t)300 << 20);
    assert_non_null(bytes);
    /* 145 MB of file and 361 MB to decode it, of 537 */
    assert_true(sprintf((char *)bytes, "P5 8500 8500 65535 ") > 0);
    assert_true(decode(&intake, "a.pgm", bytes, (size_t)145 << 20));
    assert_true(sprintf((char *)bytes, "P5 9999 9999 65535 ") > 0); /* 200 and 500 */
    assert_false(decode(&intake, "a.pgm", bytes, (size_t)200 << 20));
    assert_int_equal(err.code, PF_ERR_LIMIT);
    assert_false(decode(&intake, "a.pgm", bytes, (size_t)300 << 20));
    assert_int_equal(err.code, PF_ERR_LIMIT);
    assert_true(sprintf((char *)bytes, "P5 8500 8500 65535 ") >
                0); /* all is given back */
    assert_true(decode(&intake, "a.pgm", bytes, (size_t)145 << 20));
    free(bytes);
}

/* Two decoders at once, each with a file and pixels that would not fit twice: neither
 * waits for the other for ever. */
static void *decode_large(void *bytes)
{
    pf_sandbox *own;
    bool ok = pf_sandbox_new(&own, NULL);
    for (int i = 0; ok && i < 2; i++) {
        pf_intake intake = {0};
        const pf_intake_options options = {.name = "a.pgm"};
        ok = pf_sandbox_put(own, bytes, (size_t)145 << 20, NULL) &&
             pf_sandbox_decode(own, &intake, &options, NULL);
    }
    pf_sandbox_free(own);
    return ok ? bytes : NULL;
}

static void large_pictures_wait_for_each_other(void **state)
{
    (void)state;
    pthread_t thread[2];
    uint8_t *bytes = calloc(1, (size_t)145 << 20);
    assert_non_null(bytes);
    assert_true(sprintf((char *)bytes, "P5 8500 8500 65535 ") > 0);
    use(NULL);
    alarm(120);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, decode_large, bytes), 0);
    for (int i = 0; i < 2; i++) {
        void *done;
        pthread_join(thread[i], &done);
        assert_non_null(done);
    }
    alarm(0);
    free(bytes);
}

/* Read in pieces: the same hash, the same pixels. */
static void files_are_read_whole(void **state)
{
    (void)state;
    enum { SIDE = 500 }; /* 750 kB, in three pieces */
    static char film[20 + 3 * SIDE * SIDE];
    char path[] = "/tmp/plainfilm-film-XXXXXX";
    const int fd = mkstemp(path), head = sprintf(film, "P6 %d %d 255 ", SIDE, SIDE);
    const size_t size = (size_t)head + 3 * SIDE * SIDE;
    for (size_t i = (size_t)head; i < size; i++)
        film[i] = (char)(i * i / 1000);
    assert_int_equal(write(fd, film, size), size);
    close(fd);
    pf_hash there, here = pf_hash_bytes(film, size);
    pf_intake a = intake_at(0), b = intake_at(1);
    const pf_intake_options options = {.name = "film.ppm", .preprocess = &preprocess};
    use(NULL);
    assert_ok(pf_intake_make(&a, (uint8_t *)film, size, &options, &err), &err);
    assert_ok(pf_sandbox_read(sandbox, path, "/tmp", &there, &err), &err);
    assert_ok(pf_sandbox_decode(sandbox, &b, &options, &err), &err);
    assert_true(pf_hash_equal(&there, &here));
    assert_memory_equal(pixels[0], pixels[1], sizeof pixels[0]);
    assert_false(pf_sandbox_read(sandbox, path, "/usr", &there, &err));
    assert_int_equal(err.code, PF_ERR_UNSUPPORTED);
    unlink(path);
}

/* There may be none, and no name. */
static void bytes_of_any_number(void **state)
{
    (void)state;
    pf_intake intake = intake_at(0);
    use(NULL);
    assert_false(decode(&intake, "a.png", "", 0));
    assert_non_null(strstr(err.msg, "empty"));
    assert_false(decode(&intake, "a.png", NULL, 0));
    assert_false(decode(&intake, NULL, "x", 1));
}

/* It ends with whoever started it, whatever that died of. */
static void it_ends_with_its_parent(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        pf_sandbox *own;
        if (pf_sandbox_new(&own, &err) && pf_sandbox_start(own, &err)) {
            /* the decoder has no copy of `ends`: the test sees the end of both */
            if (write(ends[1], "s", 1) == 1)
                pause();
        }
        _exit(1);
    }
    char c;
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(read(ends[0], &c, 1), 0);
    close(ends[0]);
}

static int before(void **state)
{
    (void)state;
    pf_preprocess_init_clip(&preprocess, 224);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_sandbox_free(sandbox);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_the_same),
        cmocka_unit_test(forbidden_calls_end_the_decoder),
        cmocka_unit_test(it_may_die_as_it_likes),
        cmocka_unit_test(it_may_eat_what_it_likes),
        cmocka_unit_test(its_lies_are_not_believed),
        cmocka_unit_test(a_picture_is_tried_again_where_nothing_went_before),
        cmocka_unit_test(it_may_not_loop_for_ever),
        cmocka_unit_test(a_decoder_that_is_not_there_is_an_error),
        cmocka_unit_test(large_pictures_share_one_budget),
        cmocka_unit_test(large_pictures_wait_for_each_other),
        cmocka_unit_test(files_are_read_whole),
        cmocka_unit_test(bytes_of_any_number),
        cmocka_unit_test(it_ends_with_its_parent),
    };
    return cmocka_run_group_tests(tests, before, after);
}
