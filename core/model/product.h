/*
 * product.h - matrix products whose rows know nothing of each other.
 *
 * A number of y is one sum, in one order, whatever n is and wherever its row lies: a
 * picture or a text has the same vector, bit for bit, alone and in every batch. No BLAS
 * promises that; OpenBLAS treats the rows at an edge otherwise than those within
 * (bench/results.md). It holds on one machine: another has another instruction set, and
 * other last bits.
 */
#ifndef PF_CORE_MODEL_PRODUCT_H
#define PF_CORE_MODEL_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* y[i, j] += the sum over k of x[i, k] w(k, j). Row-major; steps from row to row in
 * floats. y overlaps neither of the others. */
typedef struct {
    const float *x; /* [n, depth] */
    const float *w; /* [width, depth] when it is transposed, else [depth, width] */
    float *y;       /* [n, width] */
    size_t ldx, ldw, ldy;
    size_t n, depth, width;
    bool w_is_transposed;
} pf_product;

/* Allocates nothing; takes 50 KB of the stack. */
void pf_product_add(const pf_product *p);

/* For tests: from now on only the instruction set of this name ("avx512", "avx2",
 * "plain"), NULL for the best. False, and nothing changed, when this machine lacks it.
 */
bool pf_product_use(const char *name);

#endif
