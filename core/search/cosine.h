/*
 * cosine.h - how near two stored vectors are, for all that asks whether two things are
 * near duplicates. Internal to search.
 *
 * One way to compute it, and therefore one line between those that are and those that
 * are not: a sum in double, in order. Equal vectors have 1, whatever rounding would
 * make of them, so that copies are together at every threshold.
 */
#ifndef PF_CORE_SEARCH_COSINE_H
#define PF_CORE_SEARCH_COSINE_H

#include <string.h>

/* Of two unit vectors [dim]. */
static inline double pf_cosine(const float *a, const float *b, int dim)
{
    double sum = 0;
    if (memcmp(a, b, (size_t)dim * sizeof *a) == 0)
        return 1;
    for (int i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum > 1 ? 1 : sum;
}

#endif
