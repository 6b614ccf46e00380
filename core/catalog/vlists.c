/* vlists.c - see vlists.h. */
#include "core/catalog/vlists.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vindex_impl.h"

bool pf_vlists_check(const pf_vlists *l, size_t dim, size_t count, pf_err *err)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!pf_vfile_is_unit(l->centroids + i * dim, dim))
            return pf_fail(err, PF_ERR_FORMAT,
                           "the middle of list %zu has not length 1", i);
        if (l->starts[i] > l->starts[i + 1])
            return pf_fail(err, PF_ERR_FORMAT, "list %zu ends before it begins", i);
    }
    return (l->starts[0] == 0 && l->starts[l->n] == count) ||
           pf_fail(err, PF_ERR_FORMAT,
                   "its lists go from vector %u to %u, expected 0 to %zu",
                   (unsigned)l->starts[0], (unsigned)l->starts[l->n], count);
}

size_t pf_vlists_find(const pf_vlists *l, size_t position)
{
    size_t first = 0, n = l->n; /* the last list that does not begin behind it */
    while (n > 1) {
        const size_t half = n / 2;
        const bool is_behind = l->starts[first + half] > position;
        first += is_behind ? 0 : half;
        n = is_behind ? half : n - half;
    }
    return first;
}

typedef struct {
    float product;
    uint32_t list;
} near_list;

static int by_product(const void *a, const void *b)
{
    const near_list *x = a, *y = b;
    if (x->product != y->product)
        return x->product < y->product ? 1 : -1;
    return (x->list > y->list) - (x->list < y->list);
}

bool pf_vlists_choose(const pf_vlists *l, size_t dim, const float *query, size_t n,
                      pf_vlists_range *ranges, size_t *n_vectors, pf_err *err)
{
    float *products = pf_alloc_array(l->n, sizeof *products, err);
    near_list *near = pf_alloc_array(l->n, sizeof *near, err);
    const bool ok = products && near;
    *n_vectors = 0;
    if (ok) {
        pf_vindex_products(query, l->centroids, l->n, dim, products);
        for (size_t i = 0; i < l->n; i++)
            near[i] = (near_list){products[i], (uint32_t)i};
        qsort(near, l->n, sizeof *near, by_product);
    }
    for (size_t i = 0; ok && i < n; i++) {
        const uint32_t *at = l->starts + near[i].list;
        ranges[i] = (pf_vlists_range){at[0], at[1]};
        *n_vectors += at[1] - at[0];
    }
    pf_free(products);
    pf_free(near);
    return ok;
}
