/*
 * test_cache_file.c - packed weights on disk: found as they were kept, not found when
 * they are damaged anywhere, somebody else's or somebody else's to write to, and of a
 * bounded number; without a folder all goes on without them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cache_file.h"
#include "core/base/mem.h"
#include "core/model/model.h"
#include "tests/support/noise.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { SIZE = (2 << 20) + 4096 }; /* two blocks and a bit */

static const pf_cache_kind kind = {"weights-", 4 << 20};
static char folder[PF_TREE_ROOM];
static char *numbers;
static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    pf_cache_file_set_least(1);
    numbers = pf_zalloc(SIZE, &err);
    for (size_t i = 0; numbers && i < SIZE; i++)
        numbers[i] = (char)(i * 2654435761u >> 13);
    return numbers == NULL;
}

static int after(void **state)
{
    (void)state;
    pf_free(numbers);
    pf_cache_file_set_least(0);
    pf_tree_remove(folder);
    return 0;
}

static pf_hash key_of(int i)
{
    return pf_hash_bytes(&i, sizeof i);
}

static bool is_found(int i)
{
    pf_cache_file file;
    const pf_hash key = key_of(i);
    const bool found = pf_cache_file_find(&file, &kind, &key, SIZE);
    if (found)
        assert_memory_equal(file.bytes, numbers, SIZE);
    pf_cache_file_close(&file);
    return found;
}

/* The file may say itself how much is in it. */
static bool is_found_by_key(int i)
{
    pf_cache_file file;
    const pf_hash key = key_of(i);
    const bool found = pf_cache_file_find(&file, &kind, &key, 0);
    pf_cache_file_close(&file);
    return found;
}

static void keep(int i)
{
    const pf_hash key = key_of(i);
    pf_cache_file_keep(&kind, &key, numbers, SIZE);
}

static void path_of(int i, char path[600])
{
    char hex[PF_HASH_HEX_SIZE];
    const pf_hash key = key_of(i);
    pf_hash_hex(&key, hex);
    snprintf(path, 600, "%s/plainfilm/weights-%s.pack", folder, hex);
}

static void found_as_it_was_kept(void **state)
{
    (void)state;
    pf_cache_file file;
    const pf_hash key = key_of(1);
    struct stat st;
    char path[600];
    assert_false(is_found(1));
    keep(1);
    assert_true(is_found(1));
    assert_false(is_found(2));
    assert_false(pf_cache_file_find(&file, &kind, &key, SIZE - 4096));
    assert_true(pf_cache_file_find(&file, &kind, &key, 0)); /* whatever size it has */
    assert_int_equal(file.size, SIZE);
    assert_memory_equal(file.bytes, numbers, SIZE);
    pf_cache_file_close(&file);
    path_of(1, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    pf_cache_file_set_least(SIZE + 1); /* few are neither kept nor looked for */
    assert_false(is_found(1));
    keep(3);
    pf_cache_file_set_least(1);
    assert_false(is_found(3));
}

/* One bit of it, wherever it is; a piece that is missing, or too much. */
static void damage_is_noticed(void **state)
{
    (void)state;
    char path[600];
    struct stat st;
    path_of(1, path);
    keep(1);
    assert_int_equal(stat(path, &st), 0);
    const off_t at[] = {
        0, 7, 9, 24, 33, 41, 4096, 5000, 4096 + 1048576, st.st_size - 1};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char byte = 0;
        const int fd = open(path, O_RDWR);
        assert_true(fd >= 0 && pread(fd, &byte, 1, at[i]) == 1);
        byte ^= 16;
        assert_int_equal(pwrite(fd, &byte, 1, at[i]), 1);
        if (is_found(1) || is_found_by_key(1))
            fail_msg("a bit of byte %lld is another one, and nobody noticed",
                     (long long)at[i]);
        close(fd);
        keep(1); /* in its place */
        assert_true(is_found(1));
    }
    assert_int_equal(truncate(path, st.st_size - 1), 0);
    assert_false(is_found(1) || is_found_by_key(1));
    assert_int_equal(truncate(path, 0), 0);
    assert_false(is_found(1) || is_found_by_key(1));
    keep(1);
    assert_int_equal(truncate(path, st.st_size + 1), 0);
    assert_false(is_found(1) || is_found_by_key(1));
}

static void of_nobody_else(void **state)
{
    (void)state;
    char path[600], other[600];
    keep(1);
    path_of(1, path);
    assert_int_equal(chmod(path, 0620), 0);
    assert_false(is_found(1));
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(is_found(1));
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_false(is_found(1));
        assert_int_equal(chown(path, 0, 0), 0);
    }
    snprintf(other, sizeof other, "%s/elsewhere", folder);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_false(is_found(1));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(is_found(1)); /* and nobody waits for a writer */
    snprintf(other, sizeof other, "%s/plainfilm", folder);
    assert_int_equal(chmod(other, 0777), 0);
    keep(5); /* not where others may write */
    assert_false(is_found(5));
}

static void a_few_files(void **state)
{
    (void)state;
    char path[600];
    const time_t now = time(NULL);
    for (int i = 0; i < PF_CACHE_FILES + 3; i++) {
        keep(i);
        path_of(i, path);
        const struct timespec times[2] = {{.tv_sec = now - 1000 + i},
                                          {.tv_sec = now - 1000 + i}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    keep(100);
    int found = 0;
    for (int i = 0; i < PF_CACHE_FILES + 3; i++)
        found += is_found(i);
    assert_int_equal(found, PF_CACHE_FILES - 1);
    assert_true(is_found(100) && is_found(PF_CACHE_FILES + 2) && !is_found(0));
}

/* What a process was writing when it was ended: in a container the next one may have
 * its number, and so the same name for what it writes. */
static void a_half_written_file_of_the_same_name(void **state)
{
    (void)state;
    static const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    char path[600], temp[700];
    struct stat st;
    keep(1);
    path_of(2, path);
    snprintf(temp, sizeof temp, "%s.%ld.tmp", path, (long)getpid());
    pf_tree_write_text(temp, "half");
    keep(2);
    assert_false(is_found(2)); /* somebody may be writing to it */
    assert_int_equal(stat(temp, &st), 0);
    assert_int_equal(utimensat(AT_FDCWD, temp, long_ago, 0), 0);
    keep(2);
    assert_int_equal(stat(temp, &st), -1);
    keep(2);
    assert_true(is_found(2) && is_found(1));
}

static void without_a_folder(void **state)
{
    (void)state;
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    keep(1);
    assert_false(is_found(1));
    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("HOME");
    keep(1);
    assert_false(is_found(1));
}

/* A model makes the same vectors with its weights from the cache; and when the cache is
 * damaged; another checkpoint in the same place is another key. */
static void embed(const char *path, float *out)
{
    pf_model *model = NULL;
    pf_session *session = NULL;
    pf_model_options options;
    const int32_t ids[] = {1, 2, 3, 513};
    const size_t length = 4;
    pf_model_options_init(&options);
    options.tokenizer_is_optional = true;
    options.what = PF_CLIP_TEXT;
    options.precision.asked = PF_PRECISION_I16;
    assert_ok(pf_model_open(&model, path, &options, NULL, &err), &err);
    assert_ok(pf_session_new(&session, pf_model_clip(model), &err), &err);
    assert_ok(pf_session_embed_tokens(session, ids, &length, 1, out, &err), &err);
    pf_session_free(session);
    pf_model_close(model);
}

static void models(void **state)
{
    (void)state;
    static float first[1024], again[1024];
    char path[600], command[700];
    snprintf(path, sizeof path, "%s", pf_tree_path(folder, "tiny.safetensors"));
    assert_ok(pf_noise_write(pf_noise_find("tiny-vit"), path, PF_NOISE_OPENAI, &err),
              &err);
    embed(path, first);
    snprintf(command, sizeof command,
             "ls %s/plainfilm/weights-*.pack | wc -l | grep -qx 1", folder);
    assert_int_equal(system(command), 0);
    embed(path, again);
    assert_memory_equal(first, again, sizeof first);
    snprintf(command, sizeof command,
             "for f in %s/plainfilm/weights-*; do printf xxxx | "
             "dd of=$f bs=1 seek=9000 conv=notrunc 2>/dev/null; done",
             folder);
    assert_int_equal(system(command), 0);
    embed(path, again);
    assert_memory_equal(first, again, sizeof first);
    remove(path);
    assert_ok(pf_noise_write(pf_noise_find("tiny-rn"), path, PF_NOISE_OPENAI, &err),
              &err);
    embed(path, again);
    assert_true(memcmp(first, again, sizeof first) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found_as_it_was_kept, before, after),
        cmocka_unit_test_setup_teardown(damage_is_noticed, before, after),
        cmocka_unit_test_setup_teardown(of_nobody_else, before, after),
        cmocka_unit_test_setup_teardown(a_few_files, before, after),
        cmocka_unit_test_setup_teardown(a_half_written_file_of_the_same_name, before,
                                        after),
        cmocka_unit_test_setup_teardown(models, before, after),
        cmocka_unit_test_setup_teardown(without_a_folder, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
