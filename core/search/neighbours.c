/* neighbours.c - see neighbours.h. */
#include "core/search/neighbours.h"

#include "core/base/mem.h"

bool pf_neighbours_alloc(pf_neighbours *out, size_t n, pf_err *err)
{
    out->ids = pf_alloc_array(n, sizeof *out->ids, err);
    out->scores = pf_alloc_array(n, sizeof *out->scores, err);
    return out->ids && out->scores;
}

void pf_neighbours_reset(pf_neighbours *neighbours)
{
    pf_free(neighbours->ids);
    pf_free(neighbours->scores);
    *neighbours = (pf_neighbours){0};
}

bool pf_neighbours_find(pf_neighbours *out, const pf_vindex *index, const float *vector,
                        size_t k, const pf_id_set *only, pf_err *err)
{
    const size_t count = only ? only->n : pf_vindex_count(index);
    if (k > count)
        k = count;
    if (k == 0)
        return true;
    return pf_neighbours_alloc(out, k, err) &&
           pf_vindex_search(index, vector, 1, k, only ? only->ids : NULL,
                            only ? only->n : 0, out->ids, out->scores, &out->n, err);
}
