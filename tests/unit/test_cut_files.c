/*
 * test_cut_files.c - files that are cut while they are read are errors, never the end
 * of the process. A child reads them again and again, the parent cuts and mends them.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/model.h"
#include "tests/support/noise.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { ROUNDS = 150, CAP = 1 << 24 };

static char folder[PF_TREE_ROOM];
static pf_err err;

/* Reads `path` once; whether that works is not the question. */
typedef void read_once(const char *path);

static void read_plain_file(const char *path)
{
    pf_hash hash;
    pf_json *json;
    pf_buf text;
    pf_err ignored = PF_ERR_INIT;
    pf_buf_init(&text, CAP);
    const bool is_hashed = pf_hash_file(&hash, path, &ignored);
    const bool is_read = pf_file_read(path, &text, &ignored);
    if (pf_json_parse_file(&json, path, CAP, &ignored))
        pf_json_free(json);
    else if (!is_hashed || !is_read)
        _exit(3); /* a shorter file is a file */
    pf_buf_free(&text);
}

static void read_model(const char *path)
{
    pf_model *model;
    pf_err ignored = PF_ERR_INIT;
    pf_model_options options;
    pf_model_options_init(&options);
    options.tokenizer_is_optional = true;
    if (pf_model_open(&model, path, &options, NULL, &ignored))
        pf_model_close(model);
    else if (ignored.msg[0] == '\0')
        _exit(3);
}

static void cut_and_mend(const char *path, const char *bytes, size_t n, int round)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)(n / 7 * (size_t)(round % 7))), 0);
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* The child ends by itself, and with 0, when the file it reads is cut at any time. */
static void survive(const char *path, read_once *once)
{
    pf_buf bytes;
    pf_buf_init(&bytes, CAP);
    assert_ok(pf_file_read(path, &bytes, &err), &err);
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    const pid_t child = fork();
    if (child == 0) {
        char ignored;
        signal(SIGBUS, SIG_DFL); /* cmocka has a handler of its own */
        close(tell[1]);
        do
            once(path);
        while (access(pf_tree_path(folder, "end"), F_OK) != 0);
        _exit(read(tell[0], &ignored, 1) < 0);
    }
    close(tell[0]);
    for (int round = 0; round < ROUNDS; round++)
        cut_and_mend(path, bytes.data, bytes.size, round);
    pf_tree_write(pf_tree_path(folder, "end"), "", 0);
    close(tell[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("'%s': signal %d", path, WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    remove(pf_tree_path(folder, "end"));
    pf_buf_free(&bytes);
}

static void files_of_any_kind(void **state)
{
    (void)state;
    static char json[4 << 20];
    memset(json, ' ', sizeof json);
    json[0] = '1';
    pf_tree_write(pf_tree_path(folder, "a.json"), json, sizeof json);
    char path[512]; /* pf_tree_path() is asked for others meanwhile */
    snprintf(path, sizeof path, "%s", pf_tree_path(folder, "a.json"));
    survive(path, read_plain_file);
}

static void checkpoints(void **state)
{
    (void)state;
    static const char *const names[] = {"tiny-vit", "tiny-rn"};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s", pf_tree_path(folder, names[i]));
        assert_ok(pf_noise_write(pf_noise_find(names[i]), path, PF_NOISE_OPENAI, &err),
                  &err);
        survive(path, read_model);
    }
}

/* What stays mapped is not touched when the file is no longer what it was. */
static void an_open_model_says_that_its_file_was_changed(void **state)
{
    (void)state;
    const pf_noise_variant *v = pf_noise_find("tiny-vit");
    const int32_t ids[] = {1, 2, 3};
    const size_t length = 3;
    float out[1024];
    char path[512];
    pf_model *model;
    pf_session *session;
    pf_model_options options;
    pf_model_options_init(&options);
    options.tokenizer_is_optional = true;
    snprintf(path, sizeof path, "%s", pf_tree_path(folder, "open.safetensors"));
    assert_ok(pf_noise_write(v, path, PF_NOISE_OPENAI, &err), &err);
    assert_ok(pf_model_open(&model, path, &options, NULL, &err), &err);
    assert_true(v->embed <= 1024);
    assert_ok(pf_session_new(&session, pf_model_clip(model), &err), &err);
    assert_ok(pf_session_embed_tokens(session, ids, &length, 1, out, &err), &err);
    assert_int_equal(truncate(path, 4096), 0);
    assert_refused(pf_session_embed_tokens(session, ids, &length, 1, out, &err), &err,
                   "the file ends at byte 4096");
    pf_session_free(session);
    pf_model_close(model);
}

static int before_all(void **state)
{
    (void)state;
    pf_tree_make(folder);
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_tree_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_any_kind),
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(an_open_model_says_that_its_file_was_changed),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
