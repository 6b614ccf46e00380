/* blas.c - see blas.h. */
#include "core/catalog/blas.h"

#include <cblas.h>

/* The call is OpenBLAS's; cblas.h has it. */
void pf_blas_set_threads(int n)
{
    openblas_set_num_threads(n);
}
