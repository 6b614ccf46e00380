/*
 * test_facts.c - what is believed of a file's header: codes, a year, a UID, and nothing
 * that could be a name; and how a study gets its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/facts.h"
#include "indexer/study_key.h"
#include "tests/unit/test_support.h"

static void test_clean(void **state)
{
    (void)state;
    pf_facts f = {.frames = -3};
    strcpy(f.modality, "CT");
    strcpy(f.body_part, "UP_ABDOMEN 2");
    strcpy(f.view, "Doe^John");
    strcpy(f.laterality, "M");
    strcpy(f.year, "2019");
    strcpy(f.study, "1.2.840.7");
    pf_facts_clean(&f);
    assert_string_equal(f.modality, "CT");
    assert_string_equal(f.body_part, "UP_ABDOMEN 2");
    assert_string_equal(f.view, "");
    assert_string_equal(f.laterality, "");
    assert_string_equal(f.year, "2019");
    assert_string_equal(f.study, "1.2.840.7");
    assert_int_equal(f.frames, 1);
    /* from a decoder that means harm: nothing ends */
    memset(&f, 'A', sizeof f);
    pf_facts_clean(&f);
    assert_string_equal(f.modality, "");
    assert_string_equal(f.study, "");
    assert_string_equal(f.year, "");
    strcpy(f.year, "19");
    strcpy(f.study, "1.2/../x");
    pf_facts_clean(&f);
    assert_string_equal(f.year, "");
    assert_string_equal(f.study, "");
}

/* From the authors' vectors: key 00 01 .. 0f, message 00 01 .. of growing length. */
static void test_siphash(void **state)
{
    (void)state;
    static const uint8_t expected[2][PF_SIPHASH_SIZE] = {
        {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
         0x55, 0x02, 0x93},
        {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
         0x22, 0xfc, 0x45}};
    uint8_t key[PF_SIPHASH_KEY], out[PF_SIPHASH_SIZE];
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    for (size_t n = 0; n < 2; n++) {
        pf_siphash(out, key, key, n);
        assert_memory_equal(out, expected[n], sizeof out);
    }
}

static void test_study_key(void **state)
{
    (void)state;
    char box[] = "/tmp/plainfilm-key.XXXXXX", name[2][PF_STUDY_NAME_ROOM];
    char path[128];
    struct stat st;
    pf_err err = PF_ERR_INIT;
    pf_study_key key, again;
    assert_non_null(mkdtemp(box));
    setenv("XDG_CONFIG_HOME", box, 1);
    snprintf(path, sizeof path, "%s/plainfilm/study.key", box);
    assert_ok(pf_study_key_open(&key, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(pf_study_key_open(&again, &err), &err);
    assert_memory_equal(&key, &again, sizeof key);
    pf_study_name(&key, "1.2.3", name[0]);
    pf_study_name(&key, "1.2.4", name[1]);
    assert_int_equal(strlen(name[0]), PF_STUDY_NAME_ROOM - 1);
    assert_string_not_equal(name[0], name[1]);
    /* another key, another name */
    assert_int_equal(unlink(path), 0);
    assert_ok(pf_study_key_open(&again, &err), &err);
    pf_study_name(&again, "1.2.3", name[1]);
    assert_string_not_equal(name[0], name[1]);
    assert_int_equal(chmod(path, 0640), 0);
    assert_refused(pf_study_key_open(&again, &err), &err, "chmod 600");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_refused(pf_study_key_open(&again, &err), &err, "cannot open");
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/plainfilm", box);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(box), 0);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "", 1);
    assert_refused(pf_study_key_open(&again, &err), &err, "set HOME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_study_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
