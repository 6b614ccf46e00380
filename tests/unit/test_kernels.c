/*
 * test_kernels.c - every kernel against a plain loop in double precision, at sizes that
 * are no multiple of anything, with strides, edges and masks.
 */
#include <math.h>
#include <stdio.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/model/kernels.h"
#include "core/model/model.h"
#include "core/model/winograd.h"
#include "tests/unit/test_support.h"

static pf_err err;
static uint32_t state;

static int before(void **unused)
{
    (void)unused;
    err = (pf_err)PF_ERR_INIT;
    state = 12345;
    return 0;
}

/* Floats between -1 and 1. */
static float *noise(size_t n)
{
    float *x = pf_alloc_floats(n, &err);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
    }
    return x;
}

static void close_to(double ours, double expected, double tolerance, const char *what,
                     size_t i)
{
    if (!(fabs(ours - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%s: number %zu is %.9g, expected %.9g", what, i, ours, expected);
}

/* ---- row by row ---- */

/* Pack l->weight; the memory is the caller's. */
static float *pack(pf_linear *l, pf_precision precision)
{
    float *memory = noise(pf_packed_size(precision, l->in, l->out) / sizeof(float));
    pf_packed_view(&l->packed, precision, l->in, l->out, memory);
    for (size_t i = 0; i < pf_packed_panels(&l->packed); i++)
        pf_packed_fill(&l->packed, i, l->weight + i * PF_TILE_COLUMNS * l->in, memory);
    return memory;
}

/* y += or = x w^T, with rows made anew. */
static void linear(const pf_linear *l, const float *x, size_t n, float *y, size_t ldy,
                   bool add)
{
    const pf_precision precision = l->packed.precision;
    float *room = noise(pf_rows_size(precision, l->in, n) / sizeof(float) + 1);
    pf_product p = {.layer = l, .y = y, .ldy = ldy, .add = add};
    pf_rows_make(&p.rows, precision, x, l->in, n, l->in, room);
    pf_kernel_linear(&p, 0, pf_packed_panels(&l->packed));
    pf_free(room);
}

static void check_linear(size_t n, size_t in, size_t out, size_t ldy, bool has_bias,
                         bool add)
{
    float *x = noise(n * in), *w = noise(out * in), *bias = noise(out);
    float *y = noise(n * ldy), *old = noise(n * ldy);
    memcpy(old, y, n * ldy * sizeof *y);
    pf_linear l = {.weight = w, .bias = has_bias ? bias : NULL, .in = in, .out = out};
    float *packed = pack(&l, PF_PRECISION_F32);
    linear(&l, x, n, y, ldy, add);
    for (size_t i = 0; i < n * ldy; i++) {
        size_t row = i / ldy, column = i % ldy;
        double sum = column >= out || add ? old[i] : 0;
        for (size_t k = 0; column < out && k < in; k++)
            sum += (double)x[row * in + k] * w[column * in + k];
        sum += column < out && has_bias ? bias[column] : 0;
        close_to(y[i], sum, 1e-5, "linear", i);
    }
    pf_free(x);
    pf_free(w);
    pf_free(bias);
    pf_free(y);
    pf_free(old);
    pf_free(packed);
}

static void test_linear(void **unused)
{
    (void)unused;
    for (int k = 0; k < 4; k++) {
        check_linear(1, 1, 1, 1, k & 1, k & 2);
        check_linear(7, 33, 19, 19, k & 1, k & 2);
        check_linear(5, 64, 31, 93, k & 1, k & 2); /* what lies between stays */
        check_linear(50, 129, 3, 3, k & 1, k & 2);
    }
}

/* What a rounded number may be off by, as a part of the largest of its block. */
static const double part_of_a_unit[PF_PRECISIONS] = {0, 1.0 / 5000, 1.0 / 127};

/* Rows, columns and depth around what a tile and a block have; each row the same alone
 * as among the others. */
static void check_product(const char *with, pf_precision precision, size_t n,
                          size_t depth, size_t width)
{
    const size_t ldy = width + 3;
    float *x = noise(n * depth), *w = noise(width * depth);
    float *y = noise(n * ldy), *old = noise(n * ldy), *row = noise(width);
    pf_linear l = {.weight = w, .in = depth, .out = width};
    float *packed = pack(&l, precision);
    memcpy(old, y, n * ldy * sizeof *y);
    linear(&l, x, n, y, ldy, true);
    for (size_t i = 0; i < n; i++) {
        memcpy(row, old + i * ldy, width * sizeof *row);
        linear(&l, x + i * depth, 1, row, width, true);
        assert_memory_equal(row, y + i * ldy, width * sizeof *row);
        for (size_t j = 0; j < ldy; j++) {
            double sum = old[i * ldy + j];
            for (size_t k = 0; j < width && k < depth; k++)
                sum += (double)x[i * depth + k] * w[j * depth + k];
            close_to(y[i * ldy + j], sum,
                     2e-5 + 4 * part_of_a_unit[precision] * sqrt((double)depth), with,
                     j);
        }
    }
    pf_free(x);
    pf_free(w);
    pf_free(y);
    pf_free(old);
    pf_free(row);
    pf_free(packed);
}

static const char *const sets[] = {"plain", "avx2", "avx512", "avx512-vnni"};

static void test_product(void **unused)
{
    (void)unused;
    static const size_t ns[] = {1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 25, 50},
                        widths[] = {1, 3, 17, 31, 32, 33, 97},
                        depths[] = {1, 3, 4, 7, 16, 18, 255, 256, 257, 515};
    assert_false(pf_packed_use("slide rule"));
    for (size_t s = 0; s < 4; s++) {
        if (!pf_packed_use(sets[s]))
            continue;
        for (size_t i = 0; i < 13 * 7 * 10; i++) {
            for (int p = 0; p < PF_PRECISIONS; p++)
                check_product(sets[s], (pf_precision)p, ns[i % 13], depths[i / 13 % 10],
                              widths[i / 130]);
        }
    }
    assert_true(pf_packed_use(NULL));
}

/* The worst that numbers can do: all of a size, of one sign, or alternating; a single
 * one beside many small ones; no number of 32 bits may be left behind. Sums of integers
 * are the same with all instruction sets. */
static void check_extremes(pf_precision precision, size_t depth, int shape)
{
    enum { N = 13, WIDTH = 40 };
    float *x = noise(N * depth), *w = noise(WIDTH * depth);
    float *y = noise(N * WIDTH), *first = noise(N * WIDTH);
    for (size_t i = 0; shape < 3 && i < N * depth; i++)
        x[i] = shape == 0 ? 1 : shape == 1 ? -1e10f : i % 2 ? 1e-10f : -1e-10f;
    for (size_t i = 0; shape < 3 && i < WIDTH * depth; i++)
        w[i] = shape == 2 && i % 2 ? -3 : 3;
    for (size_t i = 0; shape == 3 && i < N * depth; i += 97)
        x[i] = 1000;
    pf_linear l = {.weight = w, .in = depth, .out = WIDTH};
    float *packed = pack(&l, precision);
    bool is_first = true;
    for (size_t s = 0; s < 4; s++) {
        if (!pf_packed_use(sets[s]))
            continue;
        linear(&l, x, N, is_first ? first : y, WIDTH, false);
        for (size_t i = 0; i < N * WIDTH; i++) {
            double sum = 0, size = 0;
            for (size_t k = 0; k < depth; k++) {
                const double product =
                    (double)x[i / WIDTH * depth + k] * w[i % WIDTH * depth + k];
                sum += product;
                size += product * product;
            }
            const float ours = is_first ? first[i] : y[i];
            close_to(ours / sqrt(size), sum / sqrt(size),
                     (shape < 3 ? 1e-3 : 0.03) * sqrt((double)depth), sets[s], i);
            close_to(ours / sqrt(size), first[i] / sqrt(size), 1e-5, "sets agree", i);
        }
        is_first = false;
    }
    assert_true(pf_packed_use(NULL));
    pf_free(x);
    pf_free(w);
    pf_free(y);
    pf_free(first);
    pf_free(packed);
}

static void test_extremes(void **unused)
{
    (void)unused;
    static const size_t depths[] = {1, 255, 256, 512, 3072};
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
        for (int shape = 0; shape < 4; shape++) {
            check_extremes(PF_PRECISION_I16, depths[d], shape);
            check_extremes(PF_PRECISION_I8, depths[d], shape);
        }
    }
}

/* A number that is none makes its own row's products none, in every precision; a row of
 * nothing gives nothing. */
static void test_no_numbers(void **unused)
{
    (void)unused;
    enum { N = 5, DEPTH = 300, WIDTH = 33 };
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    float *x = noise(N * DEPTH), *w = noise(WIDTH * DEPTH), *y = noise(N * WIDTH);
    for (size_t i = 0; i < 3; i++)
        x[i * DEPTH + 7 + 100 * i] = bad[i];
    memset(x + 3 * DEPTH, 0, DEPTH * sizeof *x);
    for (size_t s = 0; s < 4; s++) {
        if (!pf_packed_use(sets[s]))
            continue;
        for (int p = 0; p < PF_PRECISIONS; p++) {
            pf_linear l = {.weight = w, .in = DEPTH, .out = WIDTH};
            float *packed = pack(&l, (pf_precision)p);
            linear(&l, x, N, y, WIDTH, false);
            for (size_t i = 0; i < 3 * WIDTH; i++)
                assert_false(isfinite(y[i]));
            for (size_t i = 3 * WIDTH; i < 4 * WIDTH; i++)
                assert_true(y[i] == 0);
            for (size_t i = 4 * WIDTH; i < 5 * WIDTH; i++)
                assert_true(isfinite(y[i]) && y[i] != 0);
            pf_free(packed);
        }
    }
    assert_true(pf_packed_use(NULL));
    pf_free(x);
    pf_free(w);
    pf_free(y);
}

/* Right but for one number of one row, as a kernel is that loses an edge. */
static void wrong_tile(const pf_tile *t, size_t rows)
{
    pf_tile_set_find("plain")->multiply[PF_PRECISION_I16](t, rows <= 2 ? rows : 4);
    if (rows == 4)
        t->y[3 * t->ldy + 31] *= 1.001f;
}

static void test_wrong_kernels_are_not_used(void **unused)
{
    (void)unused;
    const pf_tile_set *set;
    for (size_t i = 0; (set = pf_tile_set_at(i)); i++)
        assert_true(pf_tile_set_works(set));
    pf_tile_set wrong = *pf_tile_set_find("plain");
    wrong.name = "slide rule";
    pf_packed_prefer(&wrong);
    assert_string_equal(pf_packed_instructions()->name, "slide rule");
    assert_null(pf_packed_refused());
    wrong.multiply[PF_PRECISION_I16] = wrong_tile;
    assert_false(pf_tile_set_works(&wrong));
    pf_packed_prefer(&wrong);
    assert_ptr_equal(pf_packed_instructions(), pf_tile_set_at(0));
    assert_string_equal(pf_packed_refused(), "slide rule");
    /* Whoever opens a model is told. */
    pf_model *model = NULL;
    pf_notes notes = {0};
    pf_model_options o;
    pf_model_options_init(&o);
    o.what = PF_CLIP_TEXT;
    assert_true(
        pf_model_open(&model, PF_TESTS_DIR "/../data/demo-model", &o, &notes, &err));
    size_t told = 0;
    for (size_t i = 0; i < notes.count; i++)
        told += strstr(notes.line[i], "'slide rule' kernels compute wrongly") != NULL;
    assert_int_equal(told, 1);
    pf_notes_reset(&notes);
    pf_model_close(model);
    pf_packed_prefer(NULL);
}

/* It is done at each start: a fifth of a millisecond, and more where a sanitizer looks
 * on. */
static void test_the_check_is_quick(void **unused)
{
    (void)unused;
    double best = 1;
    for (int i = 0; i < 20; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        assert_true(pf_tile_set_works(pf_tile_set_at(0)));
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        best = fmin(best, (double)(b.tv_sec - a.tv_sec) +
                              1e-9 * (double)(b.tv_nsec - a.tv_nsec));
    }
    printf("kernels are checked in %.2f ms\n", 1e3 * best);
    assert_true(best < 10e-3);
}

static void test_layer_norm(void **unused)
{
    (void)unused;
    static const size_t widths[] = {1, 7, 8, 9, 64, 511, 768};
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        const size_t n = 3, width = widths[k];
        float *x = noise(n * width), *y = noise(n * width);
        float *gain = noise(width), *bias = noise(width);
        for (size_t i = 0; i < n * width; i++)
            x[i] = 100 + x[i]; /* far from zero: a one-pass variance would fail here */
        pf_norm norm = {gain, bias};
        pf_kernel_layer_norm(&norm, 1e-5f, x, n, width, y);
        pf_kernel_layer_norm(&norm, 1e-5f, x, 1, width, x); /* in place */
        assert_memory_equal(x, y, width * sizeof *x);
        for (size_t row = 1; row < n; row++) {
            const float *from = x + row * width;
            double mean = 0, variance = 0;
            for (size_t i = 0; i < width; i++)
                mean += from[i] / (double)width;
            for (size_t i = 0; i < width; i++)
                variance += (from[i] - mean) * (from[i] - mean) / (double)width;
            for (size_t i = 0; i < width; i++)
                close_to(y[row * width + i],
                         (from[i] - mean) / sqrt(variance + 1e-5) * gain[i] + bias[i],
                         1e-4, "layer norm", i);
        }
        pf_free(x);
        pf_free(y);
        pf_free(gain);
        pf_free(bias);
    }
}

static void test_simple(void **unused)
{
    (void)unused;
    const size_t n = 1003;
    float *x = noise(n), *y = noise(n), *sum = noise(n);
    for (size_t i = 0; i < n; i++) {
        x[i] *= 12;
        sum[i] = x[i];
    }
    pf_kernel_add(sum, y, n);
    for (size_t i = 0; i < n; i++)
        assert_true(sum[i] == x[i] + y[i]);
    memcpy(y, x, n * sizeof *y);
    pf_kernel_activate(PF_QUICK_GELU, y, n);
    for (size_t i = 0; i < n; i++)
        close_to(y[i], x[i] / (1 + exp(-1.702 * x[i])), 1e-6, "quick gelu", i);
    pf_free(x);
    pf_free(y);
    pf_free(sum);
}

/* Values at which exp() leaves the floats: the result is 0 or x, never NaN. */
static void test_activations_far_out(void **unused)
{
    (void)unused;
    for (int a = PF_QUICK_GELU; a <= PF_GELU_TANH; a++) {
        float x[] = {-1e30f, -1000, -100, 0, 100, 1000, 1e30f};
        pf_kernel_activate((pf_activation)a, x, 7);
        for (int i = 0; i < 3; i++)
            assert_true(fabsf(x[i]) < 1e-8f * 1e30f && isfinite(x[i]));
        assert_true(fabsf(x[1]) < 1e-30f && fabsf(x[2]) < 1e-30f);
        assert_true(x[3] == 0 && x[4] == 100 && x[5] == 1000 && x[6] == 1e30f);
    }
}

static double gelu_of(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2));
}

static double gelu_tanh_of(double x)
{
    return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
}

/* Both against the definition: in units of float's rounding of the largest value near,
 * so that the three cannot be taken for each other, which differ by up to 2e-2. */
static void test_gelu(void **unused)
{
    (void)unused;
    double worst = 0, worst_tanh = 0;
    for (int i = -1200000; i <= 1200000; i++) {
        const float x = (float)i / 100000;
        float exact = x, with_tanh = x;
        pf_kernel_activate(PF_GELU, &exact, 1);
        pf_kernel_activate(PF_GELU_TANH, &with_tanh, 1);
        const double unit = 6e-8 * (1 + fabs((double)x));
        worst = fmax(worst, fabs((double)exact - gelu_of((double)x)) / unit);
        worst_tanh =
            fmax(worst_tanh, fabs((double)with_tanh - gelu_tanh_of((double)x)) / unit);
    }
    if (worst > 2 || worst_tanh > 2)
        fail_msg("gelu is off by %.3f units, with tanh by %.3f", worst, worst_tanh);
    print_message("gelu is off by at most %.3f units, with tanh by %.3f\n", worst,
                  worst_tanh);
}

/* ---- e^x ---- */

/*
 * Two scores {0, x} come out of softmax as {1, e^x} / (1 + e^x). Where e^x is below
 * 2^-24 the sum is 1 and the second is e^x itself, to the last bit; nearer to zero one
 * is added, divided and multiplied again, each good to half a unit.
 */
static double units_off(float ours, double expected)
{
    int exponent;
    frexp(expected, &exponent);
    return fabs((double)ours - expected) / ldexp(1, exponent - 24);
}

static void test_exp(void **unused)
{
    (void)unused;
    double worst = 0, worst_near = 0;
    for (int i = 0; i <= 2000000; i++) {
        float x = -87.0f * (float)i / 2000000, pair[2] = {0, x};
        pf_kernel_softmax(pair, 1, 2);
        if (x < -17)
            worst = fmax(worst, units_off(pair[1], exp((double)x)));
        else
            worst_near = fmax(
                worst_near, units_off(pair[1], exp((double)x) / (1 + exp((double)x))));
    }
    /* Above zero: x / (1 + e^(-1.702 x)) with e^(...) from 2^24 to the end. */
    for (int i = 0; i <= 1000000; i++) {
        float x = -10.0f - 41.7f * (float)i / 1000000, y = x;
        double expected = (double)x / (1 + exp((double)(-1.702f * x)));
        pf_kernel_activate(PF_QUICK_GELU, &y, 1);
        worst_near = fmax(worst_near, units_off(y, expected));
    }
    if (worst > 2 || worst_near > 4)
        fail_msg("e^x is off by %.3f units, through softmax by %.3f", worst,
                 worst_near);
    print_message("e^x is off by at most %.3f units, through softmax by %.3f\n", worst,
                  worst_near);
}

static void test_softmax(void **unused)
{
    (void)unused;
    static const size_t widths[] = {1, 2, 7, 8, 9, 50, 77, 257};
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        const size_t n = 5, width = widths[k];
        float *x = noise(n * width), *y = noise(n * width);
        for (size_t i = 0; i < n * width; i++)
            y[i] = x[i] = 60 * x[i];
        pf_kernel_softmax(y, n, width);
        for (size_t row = 0; row < n; row++) {
            double sum = 0, top = -1e9;
            for (size_t i = 0; i < width; i++)
                top = fmax(top, x[row * width + i]);
            for (size_t i = 0; i < width; i++)
                sum += exp(x[row * width + i] - top);
            for (size_t i = 0; i < width; i++)
                close_to(y[row * width + i], exp(x[row * width + i] - top) / sum, 1e-6,
                         "softmax", i);
        }
        pf_free(x);
        pf_free(y);
    }
}

/* ---- attention ---- */

/* One output number, written out from the definition. */
static double attended(const pf_attention *a, size_t head, size_t query, size_t column)
{
    const size_t at = head * a->head_width, last = a->is_causal ? query + 1 : a->nk;
    double sum = 0, out = 0;
    for (size_t j = 0; j < last; j++) {
        double score = 0;
        for (size_t c = 0; c < a->head_width; c++)
            score += (double)a->q[query * a->ldq + at + c] * a->k[j * a->ldkv + at + c];
        double weight = exp(score / sqrt((double)a->head_width));
        sum += weight;
        out += weight * a->v[j * a->ldkv + at + column];
    }
    return out / sum;
}

static void check_attention(size_t nq, size_t nk, size_t heads, size_t head_width,
                            bool is_causal)
{
    const size_t width = heads * head_width, ld = 3 * width + 1, ldo = width + 5;
    float *qkv = noise((nk > nq ? nk : nq) * ld), *out = noise(nq * ldo);
    float *scratch = noise(pf_attention_scratch(nq, nk, head_width));
    float *old = noise(nq * ldo);
    memcpy(old, out, nq * ldo * sizeof *out);
    pf_attention a = {.q = qkv,
                      .k = qkv + width,
                      .v = qkv + 2 * width,
                      .out = out,
                      .scratch = scratch,
                      .nq = nq,
                      .nk = nk,
                      .heads = heads,
                      .head_width = head_width,
                      .ldq = ld,
                      .ldkv = ld,
                      .ldo = ldo,
                      .is_causal = is_causal};
    pf_kernel_attention(&a, 0, heads);
    for (size_t i = 0; i < nq * ldo; i++) {
        size_t column = i % ldo;
        double expected = column < width ? attended(&a, column / head_width, i / ldo,
                                                    column % head_width)
                                         : old[i];
        close_to(out[i], expected, 1e-5, is_causal ? "causal" : "attention", i);
    }
    pf_free(qkv);
    pf_free(out);
    pf_free(scratch);
    pf_free(old);
}

static void test_attention(void **unused)
{
    (void)unused;
    check_attention(1, 1, 1, 1, false);
    check_attention(1, 50, 3, 8, false); /* one query, as in the last block */
    check_attention(13, 13, 2, 7, false);
    check_attention(5, 17, 4, 5, false);
    check_attention(1, 1, 2, 3, true);
    check_attention(13, 13, 2, 7, true);
    check_attention(77, 77, 1, 16, true);
}

/* ---- maps ---- */

typedef struct {
    size_t n, height, width;
    bool add, relu;
} layout;

/* What a convolution of the maps x should be at number i of y, which was `old`. */
static double convolved(const pf_conv *c, const layout *l, const float *x, double old,
                        size_t i)
{
    const size_t h = pf_conv_side(c, l->height), v = pf_conv_side(c, l->width);
    const size_t out = c->kernel.out, o = i % out, map = i / out / v / h;
    const size_t row = i / out / v % h * c->stride, column = i / out % v * c->stride;
    double sum = c->kernel.bias[o] + (l->add ? old : 0);
    for (size_t k = 0; k < c->kernel.in; k++) {
        const size_t yy = row + k / (c->size * c->channels) - c->padding;
        const size_t xx = column + k / c->channels % c->size - c->padding;
        if (yy < l->height && xx < l->width)
            sum += (double)c->kernel.weight[o * c->kernel.in + k] *
                   x[((map * l->height + yy) * l->width + xx) * c->channels +
                     k % c->channels];
    }
    return l->relu ? fmax(sum, 0) : sum;
}

static void check_packed_conv(const pf_conv *c, const layout *l, double tolerance)
{
    const size_t from = l->n * l->height * l->width * c->channels;
    const size_t to =
        l->n * pf_conv_side(c, l->height) * pf_conv_side(c, l->width) * c->kernel.out;
    const size_t room = pf_conv_scratch(c, l->n, l->height, l->width);
    float *x = noise(from), *y = noise(to + 1), *old = noise(to + 1);
    float *scratch = noise(room / sizeof(float) + 1);
    memcpy(old, y, (to + 1) * sizeof *y);
    const pf_conv_maps maps = {x, l->n,    l->height, l->width,
                               y, scratch, l->add,    l->relu};
    pf_kernel_conv(c, &maps);
    for (size_t i = 0; i < to; i++)
        close_to(y[i], convolved(c, l, x, old[i], i), tolerance, "convolution", i);
    assert_true(y[to] == old[to]);
    pf_free(x);
    pf_free(y);
    pf_free(old);
    pf_free(scratch);
}

/* Pack the points; the memory is the caller's. */
static float *pack_points(pf_conv *c)
{
    c->has_points = true;
    c->points = pf_winograd_points(c);
    const pf_linear *p = &c->points;
    float *memory = noise(pf_packed_size(PF_PRECISION_F32, p->in, p->out) / 4);
    float *rows = noise(PF_TILE_COLUMNS * p->in);
    pf_packed_view(&c->points.packed, PF_PRECISION_F32, p->in, p->out, memory);
    for (size_t i = 0; i < pf_packed_panels(&p->packed); i++) {
        size_t n = PF_TILE_COLUMNS;
        const size_t first = pf_winograd_from(c, i * PF_TILE_COLUMNS, &n);
        pf_winograd_fill(c, i * PF_TILE_COLUMNS, PF_TILE_COLUMNS,
                         c->kernel.weight + (n ? first : 0) * c->kernel.in, rows);
        pf_packed_fill(&p->packed, i, rows, memory);
    }
    pf_free(rows);
    return memory;
}

/* Integers are off by a part of the longest field, points by five roundings. */
static void check_conv_of(pf_conv c, const layout *l)
{
    const size_t field = c.size * c.size * c.channels;
    float *w = noise(c.kernel.out * field), *bias = noise(c.kernel.out);
    c.kernel.in = field;
    c.kernel.weight = w;
    c.kernel.bias = bias;
    for (int p = 0; p < PF_PRECISIONS; p++) {
        float *packed = pack(&c.kernel, (pf_precision)p);
        check_packed_conv(&c, l, 1e-5 + 4 * part_of_a_unit[p] * sqrt((double)field));
        pf_free(packed);
    }
    if (pf_winograd_fits(&c)) {
        float *packed = pack_points(&c);
        check_packed_conv(&c, l, 5e-5);
        pf_free(packed);
    }
    pf_free(w);
    pf_free(bias);
}

static void check_conv(size_t height, size_t width, size_t in, size_t out, size_t size,
                       size_t stride, size_t padding, bool relu)
{
    const pf_conv c = {.kernel = {.out = out},
                       .channels = in,
                       .size = size,
                       .stride = stride,
                       .padding = padding};
    for (size_t n = 1; n <= 3; n += 2) {
        const layout alone = {n, height, width, false, relu};
        check_conv_of(c, &alone);
        const layout added = {n, height, width, true, relu};
        if (size == 1 && stride == 1)
            check_conv_of(c, &added);
    }
}

static void test_conv(void **unused)
{
    (void)unused;
    check_conv(1, 1, 1, 1, 1, 1, 0, false);
    check_conv(9, 7, 5, 3, 1, 1, 0, true); /* one matrix product */
    check_conv(9, 7, 5, 3, 1, 2, 0, false);
    check_conv(9, 7, 3, 4, 3, 1, 1, true);
    check_conv(9, 8, 3, 4, 3, 2, 1, false); /* the stem */
    check_conv(2, 2, 3, 4, 3, 1, 1, false); /* a field over every edge at once */
    check_conv(1, 3, 2, 2, 3, 1, 1, true);
    check_conv(11, 6, 2, 3, 5, 3, 2, false);
    check_conv(8, 8, 3, 5, 4, 4, 0, false);
    check_conv(40, 31, 2, 3, 3, 1, 1, true); /* several blocks of positions */
}

/* By points: tiles that hang over every edge, channels that fill no vector, columns
 * that fill no panel, several blocks of tiles. With each instruction set. */
static void test_conv_by_points(void **unused)
{
    (void)unused;
    const pf_conv fits = {.channels = 8, .size = 3, .stride = 1, .padding = 1};
    pf_conv strides = fits, odd = fits, wide = fits;
    strides.stride = 2;
    odd.channels = 3;
    wide.size = 5;
    assert_true(pf_winograd_fits(&fits));
    assert_false(pf_winograd_fits(&strides) || pf_winograd_fits(&odd) ||
                 pf_winograd_fits(&wide));
    const pf_tile_set *set;
    for (size_t i = 0; (set = pf_tile_set_at(i)); i++) {
        assert_true(pf_packed_use(set->name));
        check_conv(1, 1, 4, 1, 3, 1, 1, false);
        check_conv(2, 5, 4, 3, 3, 1, 1, true);
        check_conv(3, 3, 16, 32, 3, 1, 1, true);
        check_conv(7, 14, 20, 40, 3, 1, 1, false);
        check_conv(31, 40, 8, 5, 3, 1, 1, true);
    }
    pf_packed_use(NULL);
}

static void check_pool(size_t height, size_t width, size_t channels, size_t size)
{
    float *x = noise(height * width * channels);
    const size_t h = height / size, v = width / size;
    float *y = noise(h * v * channels + 1);
    const float guard = y[h * v * channels];
    pf_kernel_average_pool(x, height, width, channels, size, y);
    for (size_t i = 0; i < h * v * channels; i++) {
        size_t row = i / channels / v * size, column = i / channels % v * size;
        double sum = 0;
        for (size_t k = 0; k < size * size; k++)
            sum += x[((row + k / size) * width + column + k % size) * channels +
                     i % channels];
        close_to(y[i], sum / (double)(size * size), 1e-6, "pool", i);
    }
    assert_true(y[h * v * channels] == guard);
    pf_free(x);
    pf_free(y);
}

static void test_average_pool(void **unused)
{
    (void)unused;
    check_pool(4, 4, 1, 1);
    check_pool(8, 6, 5, 2);
    check_pool(125, 125, 3, 2); /* an odd side: the last row and column are left out */
    check_pool(7, 31, 9, 3);
}

/* ---- vectors ---- */

static void test_normalize(void **unused)
{
    (void)unused;
    float *x = noise(513), *y = noise(513);
    double squares = 0;
    memcpy(y, x, 513 * sizeof *x);
    assert_true(pf_kernel_normalize(y, 513));
    for (size_t i = 0; i < 513; i++)
        squares += (double)x[i] * x[i];
    for (size_t i = 0; i < 513; i++)
        close_to(y[i], x[i] / sqrt(squares), 1e-7, "normalize", i);
    float zero[3] = {0}, nan[3] = {1, NAN, 2}, infinite[2] = {INFINITY, 1};
    float huge[2] = {3e38f, 3e38f}, tiny[2] = {3e-38f, 4e-38f};
    assert_false(pf_kernel_normalize(zero, 3));
    assert_false(pf_kernel_normalize(nan, 3));
    assert_true(nan[0] == 1 && nan[2] == 2);
    assert_false(pf_kernel_normalize(infinite, 2));
    assert_true(pf_kernel_normalize(huge, 2)); /* its square is no float */
    close_to(huge[0], sqrt(0.5), 1e-6, "huge", 0);
    assert_true(pf_kernel_normalize(tiny, 2));
    close_to(tiny[1], 0.8, 1e-6, "tiny", 1);
    pf_free(x);
    pf_free(y);
}

static void test_is_finite(void **unused)
{
    (void)unused;
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    float *x = noise(67);
    assert_true(pf_kernel_is_finite(x, 0));
    assert_true(pf_kernel_is_finite(x, 67));
    for (size_t i = 0; i < 67 * 3; i++) {
        float kept = x[i / 3];
        x[i / 3] = bad[i % 3];
        assert_false(pf_kernel_is_finite(x, 67));
        assert_true(pf_kernel_is_finite(x, i / 3));
        x[i / 3] = kept;
    }
    x[5] = 3.4e38f;
    x[6] = 1e-45f;
    assert_true(pf_kernel_is_finite(x, 67));
    pf_free(x);
}

/* Products of several threads at once share nothing. */
enum { RACE_ROWS = 17, RACE_SIZE = 128, RACE_THREADS = 4, RACE_ROUNDS = 20000 };

typedef struct {
    const pf_product *product;
    const float *expected;
    size_t wrong;
} racer;

static void *race(void *context)
{
    racer *r = context;
    static const size_t n = (size_t)RACE_ROWS * RACE_SIZE;
    float *y = pf_alloc_floats(n, NULL);
    for (int i = 0; y && i < RACE_ROUNDS; i++) {
        pf_product p = *r->product;
        p.y = y;
        pf_kernel_linear(&p, 0, pf_packed_panels(&p.layer->packed));
        r->wrong += memcmp(y, r->expected, n * sizeof *y) != 0;
    }
    r->wrong += y == NULL;
    pf_free(y);
    return NULL;
}

static void test_threads_at_once(void **unused)
{
    (void)unused;
    static float w[RACE_SIZE * RACE_SIZE], x[RACE_ROWS * RACE_SIZE],
        y[RACE_ROWS * RACE_SIZE];
    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        w[i] = (float)(i * 7919 % 1000) / 500 - 1;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)(i * 104729 % 1000) / 500 - 1;
    pf_linear l = {.weight = w, .in = RACE_SIZE, .out = RACE_SIZE};
    float *packed = pack(&l, PF_PRECISION_F32);
    pf_product p = {.layer = &l, .ldy = RACE_SIZE};
    pf_rows_make(&p.rows, PF_PRECISION_F32, x, RACE_SIZE, RACE_ROWS, RACE_SIZE, NULL);
    linear(&l, x, RACE_ROWS, y, RACE_SIZE, false);
    racer r[RACE_THREADS];
    pthread_t thread[RACE_THREADS];
    for (int i = 0; i < RACE_THREADS; i++) {
        r[i] = (racer){&p, y, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, race, &r[i]), 0);
    }
    for (int i = 0; i < RACE_THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(r[i].wrong, 0);
    }
    pf_free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_linear, before),
        cmocka_unit_test_setup(test_product, before),
        cmocka_unit_test_setup(test_extremes, before),
        cmocka_unit_test_setup(test_no_numbers, before),
        cmocka_unit_test_setup(test_wrong_kernels_are_not_used, before),
        cmocka_unit_test_setup(test_the_check_is_quick, before),
        cmocka_unit_test_setup(test_layer_norm, before),
        cmocka_unit_test_setup(test_simple, before),
        cmocka_unit_test_setup(test_activations_far_out, before),
        cmocka_unit_test_setup(test_gelu, before),
        cmocka_unit_test_setup(test_exp, before),
        cmocka_unit_test_setup(test_softmax, before),
        cmocka_unit_test_setup(test_attention, before),
        cmocka_unit_test_setup(test_conv, before),
        cmocka_unit_test_setup(test_conv_by_points, before),
        cmocka_unit_test_setup(test_average_pool, before),
        cmocka_unit_test_setup(test_normalize, before),
        cmocka_unit_test_setup(test_is_finite, before),
        cmocka_unit_test_setup(test_threads_at_once, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
