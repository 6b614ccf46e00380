/* spelling.c - see spelling.h. */
#include "core/base/spelling.h"

enum { EDITS_MAX = 2 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t pf_spelling_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t d[PF_SPELLING_MAX + 1][PF_SPELLING_MAX + 1];
    for (size_t i = 0; i <= n_a; i++)
        d[i][0] = i;
    for (size_t k = 0; k <= n_b; k++)
        d[0][k] = k;
    for (size_t i = 1; i <= n_a; i++) {
        for (size_t k = 1; k <= n_b; k++) {
            size_t change = d[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
            d[i][k] = smaller(change, smaller(d[i - 1][k], d[i][k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                d[i][k] = smaller(d[i][k], d[i - 2][k - 2] + 1);
        }
    }
    return d[n_a][n_b];
}

bool pf_spelling_is_near(size_t distance, size_t n_a, size_t n_b)
{
    return distance <= EDITS_MAX && 2 * distance <= (n_a > n_b ? n_a : n_b);
}
