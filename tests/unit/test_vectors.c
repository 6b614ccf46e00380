/*
 * test_vectors.c - vectors that are kept: found again as they were, the oldest make
 * room; a question answered from them is answered the same, and a picture can be asked
 * with by its hash as long as it is known.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/engine/vectors.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 5, IMAGES = 20 };

static char root[PF_TREE_ROOM], folder[96], model[96];
static pf_err err;

static pf_hash key_of(int i)
{
    return pf_hash_bytes(&i, sizeof i);
}

static void keep(pf_vectors *v, int i)
{
    float x[DIM];
    const pf_hash key = key_of(i);
    pf_seeded_vector(x, DIM, (uint32_t)i);
    pf_vectors_keep(v, &key, x, DIM, i % 2 == 1);
}

static bool has(pf_vectors *v, int i)
{
    float x[DIM], wanted[DIM];
    bool flag = i % 2 == 0;
    const pf_hash key = key_of(i);
    pf_seeded_vector(wanted, DIM, (uint32_t)i);
    if (!pf_vectors_find(v, &key, x, DIM, &flag))
        return false;
    assert_memory_equal(x, wanted, sizeof x);
    assert_int_equal(flag, i % 2 == 1);
    return true;
}

static void what_is_kept_is_found(void **state)
{
    (void)state;
    pf_vectors *v;
    float x[DIM + 1];
    bool flag;
    assert_ok(pf_vectors_new(&v, 1024, &err), &err);
    for (int i = 0; i < 100; i++) {
        assert_false(has(v, i));
        keep(v, i);
        keep(v, i); /* in its place */
    }
    for (int i = 0; i < 100; i++)
        assert_true(has(v, i));
    const pf_hash key = key_of(7);
    assert_false(pf_vectors_find(v, &key, x, DIM + 1, &flag)); /* of another model */
    pf_vectors_free(v);
    pf_vectors_free(NULL);
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    pf_vectors *v;
    assert_ok(pf_vectors_new(&v, 8, &err), &err); /* one row */
    for (int i = 0; i < 8; i++)
        keep(v, i);
    assert_true(has(v, 0)); /* used just now */
    keep(v, 8);
    assert_false(has(v, 1));
    for (int i = 0; i <= 8; i++)
        assert_int_equal(has(v, i), i != 1);
    pf_vectors_free(v);
}

/* ---- asking ---- */

static pf_reader *open_reader(size_t kept)
{
    pf_reader *reader;
    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.kept_vectors = kept;
    assert_ok(pf_asking_open(&reader, folder, &options, NULL, &err), &err);
    return reader;
}

static void answers_are_the_same(void **state)
{
    (void)state;
    static const char *const questions[] = {
        "{\"phrase\":\"film 8\",\"limit\":5}",
        "{\"phrase\":[\"film\",\"8\"],\"without\":\"left\",\"by\":\"meaning\"}",
        "{\"phrase\":\"2:film 8\",\"find\":\"captions\"}",
        "{\"image_bytes\":\"UDIKMiAyCjI1NQowIDI1NSA5MCAyMDAK\",\"limit\":4}",
    };
    pf_reader *fresh = open_reader(0), *keeping = open_reader(64);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
            char *a = pf_asking_ask(fresh, questions[i], &err),
                 *b = pf_asking_ask(keeping, questions[i], &err);
            assert_ok(a && b, &err);
            assert_string_equal(a, b);
            pf_free(a);
            pf_free(b);
        }
    }
    pf_asking_close(fresh);
    pf_asking_close(keeping);
}

/* By its hash a picture finds what it found; only where it is kept, and no other. */
static void a_picture_is_known_by_its_hash(void **state)
{
    (void)state;
    static const char sent[] =
        "{\"image_bytes\":\"UDIKMiAyCjI1NQowIDI1NSA5MCAyMDAK\",\"limit\":4}";
    char question[160];
    pf_reader *fresh = open_reader(0), *keeping = open_reader(64);
    char *first = pf_asking_ask(keeping, sent, &err);
    assert_ok(first != NULL, &err);
    const char *hash = strstr(first, "\"picture\":\"");
    assert_non_null(hash);
    hash += strlen("\"picture\":\"");
    snprintf(question, sizeof question, "{\"picture\":\"%.32s\",\"limit\":4}", hash);
    char *second = pf_asking_ask(keeping, question, &err);
    assert_ok(second != NULL, &err);
    assert_string_equal(strstr(first, "\"hits\""), strstr(second, "\"hits\""));
    pf_free(second);
    /* as an answer has it, it can be asked again */
    snprintf(question, sizeof question,
             "{\"parts\":[{\"image\":\"image_bytes\",\"picture\":\"%.32s\","
             "\"weight\":1}],\"limit\":4}",
             hash);
    second = pf_asking_ask(keeping, question, &err);
    assert_ok(second != NULL, &err);
    assert_string_equal(strstr(first, "\"hits\""), strstr(second, "\"hits\""));
    pf_free(second);
    assert_null(pf_asking_ask(fresh, question, &err));
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_null(pf_asking_ask(
        keeping, "{\"picture\":\"0123456789abcdef0123456789abcdef\"}", &err));
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_null(pf_asking_ask(keeping, "{\"picture\":\"0123456789ABCDEF\"}", &err));
    assert_int_equal(err.code, PF_ERR_MISUSE);
    pf_free(first);
    pf_asking_close(fresh);
    pf_asking_close(keeping);
}

static void too_many_are_refused(void **state)
{
    (void)state;
    pf_reader *reader;
    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.kept_vectors = PF_KEPT_VECTORS_MAX + 1;
    assert_refused(pf_asking_open(&reader, folder, &options, NULL, &err), &err,
                   "vectors to be kept, the most is 1000000");
}

static int before_all(void **state)
{
    (void)state;
    pf_tree_make(root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    snprintf(model, sizeof model, "%s/model", root);
    assert_ok(pf_make_folders(model, 0700, &err) &&
                  pf_seeded_model_write(model, &err) &&
                  pf_seeded_catalog_write(folder, model, NULL, IMAGES, true, &err),
              &err);
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_kept_is_found, before),
        cmocka_unit_test_setup(the_oldest_makes_room, before),
        cmocka_unit_test_setup(answers_are_the_same, before),
        cmocka_unit_test_setup(a_picture_is_known_by_its_hash, before),
        cmocka_unit_test_setup(too_many_are_refused, before),
    };
    return cmocka_run_group_tests_name("vectors", tests, before_all, after_all);
}
