/* ids.c - see ids.h. */
#include "core/base/ids.h"

#include <stdlib.h>
#include <string.h>

static int64_t id_at(const int64_t *first, size_t i, size_t stride)
{
    int64_t id;
    memcpy(&id, (const char *)first + i * stride, sizeof id);
    return id;
}

size_t pf_ids_lower(const int64_t *first, size_t n, size_t stride, int64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (id_at(first, middle, stride) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool pf_ids_find(const int64_t *ids, size_t n, int64_t id, size_t *at)
{
    const size_t i = pf_ids_lower(ids, n, sizeof *ids, id);
    if (at)
        *at = i;
    return i < n && ids[i] == id;
}

/* In steps that double, up to one that is too far. */
bool pf_ids_find_next(const int64_t *ids, size_t n, int64_t id, size_t *next,
                      size_t *at)
{
    size_t first = *next, step = 1;
    if (first > 0 && ids[first - 1] >= id)
        first = 0;
    while (step < n - first && ids[first + step] < id) {
        first += step;
        step *= 2;
    }
    const size_t end = step < n - first ? first + step + 1 : n;
    *at = first + pf_ids_lower(ids + first, end - first, sizeof *ids, id);
    const bool is_there = *at < n && ids[*at] == id;
    *next = *at + is_there;
    return is_there;
}

int pf_ids_compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool are_sorted(const int64_t *ids, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (ids[i - 1] > ids[i])
            return false;
    }
    return true;
}

size_t pf_ids_sort(int64_t *ids, size_t n)
{
    size_t unique = 0;
    if (!are_sorted(ids, n))
        qsort(ids, n, sizeof *ids, pf_ids_compare);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || ids[i] != ids[i - 1])
            ids[unique++] = ids[i];
    }
    return unique;
}
