/* test_vcodes.c - codes and their products: no kernel is further off than it says. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/catalog/vcodes.h"
#include "tests/support/seeded.h"
#include "tests/unit/test_support.h"

enum { DIM_MAX = 2100, COUNT = 40 };

static const char *const kernels[] = {"plain", "avx2", "vnni"};
static const int dims[] = {1, 3, 16, 24, 63, 64, 65, 100, 512, 768, 1040, 2100};

static float vectors[COUNT * DIM_MAX], low[DIM_MAX], width[DIM_MAX];
static uint8_t codes[COUNT * DIM_MAX];

/* Seeded vectors, some of them with one number that is nearly all of it; their codes.
 */
static pf_vcodes make(int dim)
{
    for (size_t i = 0; i < COUNT; i++) {
        float *v = vectors + i * (size_t)dim;
        pf_seeded_vector(v, dim, (uint32_t)i);
        if (i % 7 == 3) {
            memset(v, 0, (size_t)dim * sizeof *v);
            v[i % (size_t)dim] = i % 2 ? 1.0f : -1.0f;
        }
        pf_vcodes_widen(low, width, v, (size_t)dim, i == 0);
    }
    for (int i = 0; i < dim; i++)
        width[i] -= low[i];
    const pf_vcodes c = {low, width, (size_t)dim};
    for (size_t i = 0; i < COUNT; i++)
        pf_vcodes_make(&c, vectors + i * (size_t)dim, codes + i * (size_t)dim);
    return c;
}

static double meaning(const pf_vcodes *c, size_t i, uint8_t code)
{
    return c->low[i] + (double)c->width[i] * (code + 0.5) / 255;
}

static void an_error_is_the_distance_to_what_codes_stand_for(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        const pf_vcodes c = make(dims[d]);
        for (size_t i = 0; i < COUNT; i++) {
            const float *v = vectors + i * c.dim;
            const uint8_t *code = codes + i * c.dim;
            double sum = 0;
            for (size_t k = 0; k < c.dim; k++) {
                const double off = v[k] - meaning(&c, k, code[k]);
                assert_true(fabs(off) <= c.width[k] / 510.0 + 1e-6);
                sum += off * off;
            }
            const float error = pf_vcodes_error(&c, v, code);
            assert_true((double)error >= sqrt(sum));
            assert_true((double)error < sqrt(sum) + 1e-6);
        }
    }
}

/* Each kernel against a sum in double, one vector and many, also with queries that have
 * one number only, whose weights are as large as they get. */
static void products_are_within_their_noise(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof kernels / sizeof *kernels; n++) {
        if (!pf_vcodes_use(kernels[n]))
            continue;
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
            const pf_vcodes c = make(dims[d]);
            for (size_t q = 0; q < COUNT; q++) {
                pf_err err = PF_ERR_INIT;
                float found[COUNT], alone;
                const float *query = vectors + q * c.dim;
                pf_vcodes_query *ready = pf_vcodes_prepare(&c, query, &err);
                assert_non_null(ready);
                pf_vcodes_products(ready, codes, COUNT, found);
                assert_true(pf_vcodes_noise(ready) < 2e-3f);
                for (size_t i = 0; i < COUNT; i++) {
                    double sum = 0;
                    for (size_t k = 0; k < c.dim; k++)
                        sum += query[k] * meaning(&c, k, codes[i * c.dim + k]);
                    assert_true(fabs(sum - (double)found[i]) <=
                                (double)pf_vcodes_noise(ready));
                    pf_vcodes_products(ready, codes + i * c.dim, 1, &alone);
                    assert_memory_equal(&alone, &found[i], sizeof alone);
                }
                pf_free(ready);
            }
        }
    }
    assert_false(pf_vcodes_use("none"));
    assert_true(pf_vcodes_use(NULL));
}

/* A query that points to where the codes are off, and is as long as an index takes:
 * there is no worse one. */
static void a_vector_is_within_its_error_and_noise(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        const pf_vcodes c = make(dims[d]);
        for (size_t i = 0; i < COUNT; i++) {
            pf_err err = PF_ERR_INIT;
            float query[DIM_MAX], found;
            const float *v = vectors + i * c.dim;
            const uint8_t *code = codes + i * c.dim;
            const float error = pf_vcodes_error(&c, v, code);
            double product = 0;
            for (size_t k = 0; k < c.dim; k++) {
                const double off = (double)v[k] - meaning(&c, k, code[k]);
                query[k] = (float)(1.0009 * off / (double)error);
                product += (double)query[k] * (double)v[k];
            }
            pf_vcodes_query *ready = pf_vcodes_prepare(&c, query, &err);
            assert_non_null(ready);
            pf_vcodes_products(ready, code, 1, &found);
            assert_true(fabs(product - (double)found) <=
                        (double)pf_vcodes_length(ready) * (double)error +
                            (double)pf_vcodes_noise(ready));
            pf_free(ready);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_the_distance_to_what_codes_stand_for),
        cmocka_unit_test(products_are_within_their_noise),
        cmocka_unit_test(a_vector_is_within_its_error_and_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
