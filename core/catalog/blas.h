/*
 * blas.h - OpenBLAS, which FAISS multiplies with when it is asked many questions at
 * once. The towers multiply themselves (core/model/tile.h).
 */
#ifndef PF_CORE_CATALOG_BLAS_H
#define PF_CORE_CATALOG_BLAS_H

/* How many threads OpenBLAS may use for one product, for the whole process: a program's
 * decision, the library itself never makes it. Our programs say 1, since several of our
 * own threads search at once; with more, these wait for each other. */
void pf_blas_set_threads(int n);

#endif
