/*
 * vindex_impl.h - what the files v*.c share: FAISS's distance functions, which score
 * everything that is answered, pair by pair.
 */
#ifndef PF_CORE_CATALOG_VINDEX_IMPL_H
#define PF_CORE_CATALOG_VINDEX_IMPL_H

#include <stddef.h>

/* Two orders of summation of a 4,096-float product of unit vectors stay well below. */
#define PF_VINDEX_NOISE 1e-5f

/* The inner product of two vectors; of one with itself. */
float pf_vindex_product(const float *a, const float *b, size_t dim);
float pf_vindex_square(const float *vector, size_t dim);
/* The products of `query` [dim] with `rows` [n, dim]. */
void pf_vindex_products(const float *query, const float *rows, size_t n, size_t dim,
                        float *products);

#endif
