/*
 * test_weights.c - the same model out of every container, by name, shape and value.
 *
 * tests/golden/containers/expected.tsv comes from PyTorch. The larger checkpoints of
 * the shared folder are compared with each other where that folder is there.
 */
#include <math.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tests/unit/checkpoint_support.h"

static const char *const containers[] = {
    "model.safetensors", "dtypes.safetensors", "plain.pt",  "plain-legacy.pt",
    "parameters.pt",     "protocol4.pt",       "dtypes.pt", "protocol4-legacy.pt",
    "authors.pth",       "authors-legacy.pth", "views.pt",  "dtypes-legacy.pt",
    "views-legacy.pt",   "torch2.pt",          "zip64.pt",  "model-key.pt",
    "scalars.pt",
};
enum { N_CONTAINERS = sizeof containers / sizeof *containers };

static pf_weights *open_golden(const char *name, pf_notes *notes)
{
    char path[512];
    pf_err err = PF_ERR_INIT;
    pf_weights *w;
    snprintf(path, sizeof path, "%s%s", CONTAINERS, name);
    if (!pf_weights_open(&w, path, notes, &err))
        fail_msg("%s", err.msg);
    return w;
}

/* ---- against PyTorch ---- */

/* "4,3,2" or "-" for none. */
static int parse_dims(const char *text, int64_t *out)
{
    int n = 0;
    while (*text && *text != '-') {
        char *end;
        out[n++] = strtoll(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    return n;
}

static void check_line(const pf_weights *w, char *field[7])
{
    int64_t shape[PF_TENSOR_MAX_RANK], stride[PF_TENSOR_MAX_RANK];
    const pf_tensor *t = pf_weights_find(w, field[1]);
    if (!t)
        fail_msg("%s has no '%s'", field[0], field[1]);
    assert_string_equal(pf_dtype_name(t->dtype), field[2]);
    assert_int_equal(parse_dims(field[3], shape), t->rank);
    parse_dims(field[4], stride);
    for (int i = 0; i < t->rank; i++) {
        assert_int_equal(t->shape[i], shape[i]);
        if (shape[i] > 1)
            assert_int_equal(t->stride[i], stride[i]);
    }
    float *v = tensor_floats(t);
    uint32_t crc = crc32_of(v, pf_tensor_elements(t) * sizeof *v);
    if (v[0] != strtof(field[6], NULL) || crc != strtoul(field[5], NULL, 16))
        fail_msg("%s '%s': first value %.9g, crc %08x; expected %s, %s", field[0],
                 field[1], (double)v[0], crc, field[6], field[5]);
    pf_free(v);
}

static bool split_line(char *text, char *field[7])
{
    text[strcspn(text, "\n")] = '\0';
    for (int i = 0; i < 7; i++) {
        field[i] = text;
        text += strcspn(text, "\t");
        if (*text == '\0' && i < 6)
            return false;
        *text++ = '\0';
    }
    return true;
}

static void every_container_gives_what_pytorch_says(void **state)
{
    (void)state;
    size_t lines = 0, tensors = 0;
    for (size_t i = 0; i < N_CONTAINERS; i++) {
        pf_weights *w = open_golden(containers[i], NULL);
        char text[1024], *field[7];
        size_t mine = 0;
        FILE *f = fopen(CONTAINERS "expected.tsv", "r");
        assert_non_null(f);
        while (fgets(text, sizeof text, f)) {
            assert_true(split_line(text, field));
            lines += i == 0;
            if (strcmp(field[0], containers[i]) != 0)
                continue;
            check_line(w, field);
            mine++;
        }
        fclose(f);
        assert_int_equal(mine, pf_weights_count(w)); /* none too many */
        tensors += mine;
        pf_weights_close(w);
    }
    assert_int_equal(lines, tensors); /* no file of the list was left out */
}

static void containers_say_what_they_are(void **state)
{
    (void)state;
    const char *const kinds[][2] = {{"model.safetensors", "safetensors"},
                                    {"plain.pt", "torch zip"},
                                    {"zip64.pt", "torch zip"},
                                    {"authors-legacy.pth", "torch legacy"}};
    for (size_t i = 0; i < 4; i++) {
        pf_weights *w = open_golden(kinds[i][0], NULL);
        assert_string_equal(pf_weights_container(w), kinds[i][1]);
        pf_weights_close(w);
    }
}

static void the_list_is_sorted_and_searchable(void **state)
{
    (void)state;
    pf_weights *w = open_golden("dtypes.pt", NULL);
    for (size_t i = 0; i < pf_weights_count(w); i++) {
        const pf_tensor *t = pf_weights_at(w, i);
        assert_ptr_equal(pf_weights_find(w, t->name), t);
        if (i > 0)
            assert_true(strcmp(pf_weights_at(w, i - 1)->name, t->name) < 0);
    }
    assert_null(pf_weights_find(w, "f3"));
    assert_null(pf_weights_find(w, "f322"));
    assert_null(pf_weights_find(w, ""));
    assert_null(pf_weights_find(w, "zzz"));
    pf_weights_close(w);
    pf_weights_close(NULL);
}

static void entries_that_are_no_tensors_are_noted(void **state)
{
    (void)state;
    pf_notes notes = {0};
    pf_weights *w = open_golden("scalars.pt", &notes);
    assert_int_equal(notes.count, 3);
    assert_string_equal(notes.line[0],
                        "entry 'epoch' of the state dict is passed over: an integer");
    pf_weights_close(w);
    pf_notes_reset(&notes);
    w = open_golden("authors.pth",
                    &notes); /* what surrounds a state dict is no oddity */
    assert_int_equal(notes.count, 0);
    pf_weights_close(w);
}

static void what_is_shown_of_a_name_is_short_and_tame(void **state)
{
    (void)state;
    blob b = blob_golden("scalars.pt");
    blob_swap(&b, "epoch", "e\x1b[\nh");
    pf_weights *w;
    pf_notes notes = {0};
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_weights_open_bytes(&w, b.p, b.n, &notes, &err), &err);
    assert_string_equal(notes.line[0],
                        "entry 'e?[?h' of the state dict is passed over: an integer");
    pf_weights_close(w);
    pf_notes_reset(&notes);
    blob_free(&b);

    char name[200];
    memset(name, 'a', sizeof name);
    assert_int_equal(pf_utf8_shown(name, 7), 7);
    assert_int_equal(pf_utf8_shown(name, 100), 100);
    assert_int_equal(pf_utf8_shown(name, 200), 100);
    memcpy(name + 99, "\xC3\xA9", 2);
    assert_int_equal(pf_utf8_shown(name, 200), 99);
}

static void bytes_behind_a_legacy_file_are_noted(void **state)
{
    (void)state;
    blob b = blob_golden("plain-legacy.pt");
    pf_weights *w;
    pf_notes notes = {0};
    pf_err err = PF_ERR_INIT;
    memset(b.p + b.n, 0, 5);
    assert_ok(pf_weights_open_bytes(&w, b.p, b.n + 5, &notes, &err), &err);
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.line[0],
                        "5 bytes behind the last storage are passed over");
    pf_weights_close(w);
    pf_notes_reset(&notes);
    blob_free(&b);
}

/* ---- one tensor ---- */

static void in_place_use_needs_float32_alignment_and_order(void **state)
{
    (void)state;
    _Alignas(8) const float values[8] = {1, 2, 3, 4, 5, 6};
    pf_tensor t = {.name = "t",
                   .dtype = PF_DTYPE_F32,
                   .rank = 2,
                   .shape = {2, 3},
                   .stride = {3, 1},
                   .data = (const uint8_t *)values};
    assert_true(pf_tensor_is_plain_f32(&t));
    t.data++;
    assert_false(pf_tensor_is_plain_f32(&t));
    t.data--;
    t.dtype = PF_DTYPE_I32;
    assert_false(pf_tensor_is_plain_f32(&t));
    t.dtype = PF_DTYPE_F32;
    t.stride[0] = 4;
    assert_false(pf_tensor_is_plain_f32(&t));
    t.shape[0] = 1; /* now nobody steps along that axis */
    assert_true(pf_tensor_is_plain_f32(&t));
    t.rank = 0;
    assert_true(pf_tensor_is_plain_f32(&t));
    assert_int_equal(pf_tensor_elements(&t), 1);
}

/* The definition of binary16, spelled out. */
static float half_by_definition(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    float sign = h & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

static void every_float16_converts_exactly(void **state)
{
    (void)state;
    static uint16_t halves[65536];
    static float values[65536];
    for (size_t i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    pf_tensor t = {.dtype = PF_DTYPE_F16,
                   .rank = 1,
                   .shape = {65536},
                   .stride = {1},
                   .data = (const uint8_t *)halves};
    pf_tensor_read_f32(&t, values);
    for (size_t i = 0; i < 65536; i++) {
        float expected = half_by_definition((uint16_t)i);
        if (isnan(expected))
            assert_true(isnan(values[i]));
        else
            assert_memory_equal(&values[i], &expected, sizeof expected);
    }
}

static void strided_views_read_in_row_major_order(void **state)
{
    (void)state;
    uint8_t bytes[1 + 24 * 4]; /* unaligned on purpose */
    for (int32_t i = 0; i < 24; i++)
        memcpy(bytes + 1 + 4 * i, &i, 4);
    pf_tensor t = {.dtype = PF_DTYPE_I32,
                   .rank = 3,
                   .shape = {4, 2, 3},
                   .stride = {1, 12, 4},
                   .data = bytes + 1};
    float values[24], *v = values;
    pf_tensor_read_f32(&t, values);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 2; b++)
            for (int c = 0; c < 3; c++)
                assert_true(*v++ == (float)(a + 12 * b + 4 * c));
}

static void reading_from_the_file_is_reading_in_place(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    static const char *const files[] = {"views.pt", "dtypes.pt", "dtypes-legacy.pt"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        pf_weights *w = open_golden(files[f], NULL);
        for (size_t i = 0; i < pf_weights_count(w); i++) {
            const pf_tensor *t = pf_weights_at(w, i);
            const size_t n = pf_tensor_elements(t);
            float *a = pf_alloc_floats(n, &err), *b = pf_alloc_floats(n, &err);
            assert_true(a && b);
            pf_tensor_read_f32(t, a);
            assert_ok(pf_weights_read_f32(w, t, b, &err), &err);
            assert_memory_equal(a, b, n * sizeof *a);
            if (pf_tensor_is_plain_f32(t)) {
                b[0] = 0;
                assert_ok(pf_weights_read_plain(w, t, n - 1, 1, b, &err), &err);
                assert_memory_equal(a + n - 1, b, sizeof *b);
            }
            pf_free(a);
            pf_free(b);
        }
        pf_weights_close(w);
    }
}

/* ---- hard times ---- */

static void each_failing_allocation_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CONTAINERS; i++) {
        blob b = blob_golden(containers[i]);
        pf_weights *w = NULL;
        long n = 1;
        for (;; n++) {
            pf_err err = PF_ERR_INIT;
            pf_notes notes = {0};
            pf_mem_fail_at(n);
            bool ok = pf_weights_open_bytes(&w, b.p, b.n, &notes, &err);
            long asked = pf_mem_fail_at(0);
            pf_notes_reset(&notes);
            if (ok && asked < n)
                break; /* nothing failed any more */
            if (ok) {  /* only a note may get lost */
                assert_true(strcmp(containers[i], "scalars.pt") == 0);
            } else {
                assert_null(w);
                assert_int_equal(err.code, PF_ERR_NOMEM);
            }
            pf_weights_close(w);
        }
        assert_true(n > 3);
        pf_weights_close(w);
        blob_free(&b);
    }
}

static void no_byte_behind_the_end_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CONTAINERS; i++) {
        blob b = blob_golden(containers[i]);
        guarded g = guarded_new(b.n);
        pf_weights *w;
        pf_err err = PF_ERR_INIT;
        assert_ok(pf_weights_open_bytes(&w, guarded_put(&g, b.p, b.n), b.n, NULL, &err),
                  &err);
        checkpoint_digest(w);
        pf_weights_close(w);
        guarded_free(&g);
        blob_free(&b);
    }
}

/* ---- the larger tiny models ---- */

#define TINY PF_SHARED_DIR "/reference/tiny/"

static pf_weights *open_tiny(const char *name)
{
    char path[1024];
    pf_err err = PF_ERR_INIT;
    pf_weights *w;
    snprintf(path, sizeof path, "%s%s", TINY, name);
    if (!pf_weights_open(&w, path, NULL, &err))
        fail_msg("%s", err.msg);
    return w;
}

/* Same names, element counts and values. `rounded` tensors of b are float16 where a has
 * float32: each must be a half nearest to the float. Returns how many were. */
static size_t assert_same(const pf_weights *a, const pf_weights *b)
{
    size_t rounded = 0;
    assert_int_equal(pf_weights_count(a), pf_weights_count(b));
    for (size_t i = 0; i < pf_weights_count(a); i++) {
        const pf_tensor *x = pf_weights_at(a, i), *y = pf_weights_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(pf_tensor_elements(x), pf_tensor_elements(y));
        for (int k = 0; x->rank == y->rank && k < x->rank; k++)
            assert_int_equal(x->shape[k], y->shape[k]);
        float *v = tensor_floats(x), *u = tensor_floats(y);
        bool is_rounded = x->dtype != y->dtype;
        rounded += is_rounded;
        for (size_t k = 0; k < pf_tensor_elements(x); k++) {
            /* half an ulp of 11 bits, or half of the smallest subnormal */
            float off = fmaxf(fabsf(v[k]) * 0x1p-11f, 0x1p-25f);
            if (is_rounded ? fabsf(v[k] - u[k]) > off : memcmp(v + k, u + k, 4) != 0)
                fail_msg("'%s'[%zu]: %.9g and %.9g", x->name, k, (double)v[k],
                         (double)u[k]);
        }
        pf_free(v);
        pf_free(u);
    }
    return rounded;
}

static void tiny_models_agree(void **state)
{
    (void)state;
    if (!pf_path_exists(TINY "tiny-vit/plain-f32.pt")) {
        fprintf(stderr, "no tiny models at '%s': skipped\n", TINY);
        skip();
    }
    const char *const pairs[][3] = {
        {"tiny-vit/hf/model.safetensors", "tiny-vit/hf-bin/pytorch_model.bin", "same"},
        {"tiny-vit/plain-f32.pt", "tiny-vit/authors-f16.pth", "rounded"},
        {"tiny-vit/authors-f16.pth", "tiny-vit/authors-f16-legacy.pth", "same"},
        {"tiny-rn/plain-f32.pt", "tiny-rn/authors-f16.pth", "rounded"},
        {"tiny-rn/authors-f16.pth", "tiny-rn/authors-f16-legacy.pth", "same"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        pf_weights *a = open_tiny(pairs[i][0]), *b = open_tiny(pairs[i][1]);
        size_t rounded = assert_same(a, b);
        assert_int_equal(rounded > 0, strcmp(pairs[i][2], "rounded") == 0);
        pf_weights_close(a);
        pf_weights_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_container_gives_what_pytorch_says),
        cmocka_unit_test(containers_say_what_they_are),
        cmocka_unit_test(the_list_is_sorted_and_searchable),
        cmocka_unit_test(entries_that_are_no_tensors_are_noted),
        cmocka_unit_test(what_is_shown_of_a_name_is_short_and_tame),
        cmocka_unit_test(bytes_behind_a_legacy_file_are_noted),
        cmocka_unit_test(in_place_use_needs_float32_alignment_and_order),
        cmocka_unit_test(every_float16_converts_exactly),
        cmocka_unit_test(strided_views_read_in_row_major_order),
        cmocka_unit_test(reading_from_the_file_is_reading_in_place),
        cmocka_unit_test(each_failing_allocation_is_survived),
        cmocka_unit_test(no_byte_behind_the_end_is_read),
        cmocka_unit_test(tiny_models_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
