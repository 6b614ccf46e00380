/*
 * ids.h - finding an id where ids ascend.
 */
#ifndef PF_CORE_BASE_IDS_H
#define PF_CORE_BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The place of the first of `n` ids that is not below `id`; n when all are. `first` is
 * the first of them and the next is `stride` bytes on: of an array of ids
 * sizeof(int64_t), of structs their size. They must ascend; `first` may be NULL when n
 * is 0. */
size_t pf_ids_lower(const int64_t *first, size_t n, size_t stride, int64_t id);

/* The same for a plain array, when the id itself is wanted: is it there, and where?
 * `at` may be NULL. */
bool pf_ids_find(const int64_t *ids, size_t n, int64_t id, size_t *at);

/* The same when ids are looked for that ascend mostly: `next` is where the search
 * begins, 0 at first, and is left behind what was found. */
bool pf_ids_find_next(const int64_t *ids, size_t n, int64_t id, size_t *next,
                      size_t *at);

/* For qsort(): ascending. */
int pf_ids_compare(const void *a, const void *b);

/* Sort the ids and leave each once; how many are left. */
size_t pf_ids_sort(int64_t *ids, size_t n);

#endif
