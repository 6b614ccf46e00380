/*
 * vcodes.h - a vector as one byte per number, and how far that may lead astray.
 *
 * Codes are those of FAISS's scalar quantizer (QT_8bit): number i of a vector lies in
 * one of 256 steps between low[i] and low[i] + width[i], and its code is the step; what
 * stands for it is the middle of the step. A product with a query is then a product of
 * small integers, which is four times less to read and faster to multiply.
 *
 * It is never wrong without being known to be: with v' for what the codes of v stand
 * for, |q v - q v'| <= |q| |v - v'| (Cauchy-Schwarz), and |v - v'| is kept with each
 * vector. A product of codes therefore says between which two numbers the product of
 * the vectors lies.
 */
#ifndef PF_CORE_CATALOG_VCODES_H
#define PF_CORE_CATALOG_VCODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Between which numbers the vectors lie, number by number: both [dim], borrowed. */
typedef struct {
    const float *low, *width;
    size_t dim;
} pf_vcodes;

/* Widen `low` and `high` [dim] until `vector` lies between them; the first vector sets
 * them (`is_first`). */
void pf_vcodes_widen(float *low, float *high, const float *vector, size_t dim,
                     bool is_first);

/* The codes [dim] of `vector`. */
void pf_vcodes_make(const pf_vcodes *c, const float *vector, uint8_t *codes);

/* How far what codes stand for lies from `vector`, rounded up. */
float pf_vcodes_error(const pf_vcodes *c, const float *vector, const uint8_t *codes);

/* A query made ready for products with codes: one allocation, free with pf_free(). */
typedef struct pf_vcodes_query pf_vcodes_query;
PF_MUST_CHECK pf_vcodes_query *pf_vcodes_prepare(const pf_vcodes *c, const float *query,
                                                 pf_err *err);

/* The products of the query with the `n` vectors behind `codes` [n, dim]. The same for
 * one vector or many, on one machine. */
void pf_vcodes_products(const pf_vcodes_query *q, const uint8_t *codes, size_t n,
                        float *products);

/* By how much a product may differ from that of the numbers that the codes stand for.
 */
float pf_vcodes_noise(const pf_vcodes_query *q);
/* |q|, rounded up: the product of a vector lies within `error` so many times, and the
 * noise, of that of its codes. */
float pf_vcodes_length(const pf_vcodes_query *q);

/* For tests: multiply with "plain", "avx2" or "vnni" from now on, NULL with the best
 * there is. False when this processor has not got it. */
bool pf_vcodes_use(const char *kernel);

#endif
