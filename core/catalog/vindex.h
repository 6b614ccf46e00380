/*
 * vindex.h - vectors in, nearest neighbours out. Alone includes FAISS's headers.
 *
 * Vectors have length 1, so the inner product is a cosine. Search is exact, but for a
 * file whose vectors lie in lists (vlists.h): there it looks into the nearest lists
 * only, and what it finds is scored exactly; filters and ranges are exact there, too.
 * Every vector has an explicit id, given by the store. An index is filled by one
 * thread, or read from a file; afterwards it is immutable and any number of threads may
 * search it. What is added to one that was read lies in memory beside it.
 *
 * What kind of index it is stays hidden: vectors are had by id, or all of them in
 * order.
 *
 * Answers are reproducible: scores are computed in the same way for one query or many,
 * and equal scores come in the order of ids.
 */
#ifndef PF_CORE_CATALOG_VINDEX_H
#define PF_CORE_CATALOG_VINDEX_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/catalog/vfile.h"

typedef struct pf_vindex pf_vindex;

enum { PF_VINDEX_DIM_MAX = 65536 };

/* An empty index for vectors of `dim` floats, 1 to PF_VINDEX_DIM_MAX; at most
 * 1,000,000,000 of them. */
PF_MUST_CHECK bool pf_vindex_new(pf_vindex **out, int dim, pf_err *err);
void pf_vindex_free(pf_vindex *index); /* NULL is fine */

/* Add `vectors` [n, dim] under `ids` [n], which ascend and go on after those there. */
PF_MUST_CHECK bool pf_vindex_add(pf_vindex *index, const int64_t *ids,
                                 const float *vectors, size_t n, pf_err *err);

size_t pf_vindex_count(const pf_vindex *index);
int pf_vindex_dim(const pf_vindex *index);
/* The highest id; 0 when it is empty. */
PF_MUST_CHECK bool pf_vindex_find_last(const pf_vindex *index, int64_t *id,
                                       pf_err *err);

/* The vector [dim] of an id, borrowed; *out NULL when the index has none. */
PF_MUST_CHECK bool pf_vindex_get(const pf_vindex *index, int64_t id, const float **out,
                                 pf_err *err);

/* Every vector by ascending id, borrowed as long as nothing is added: start with {0},
 * stop when *is_there is false. */
typedef struct {
    int64_t id;
    const float *vector; /* [dim] */
    size_t at;           /* the walk's own */
} pf_vindex_step;
PF_MUST_CHECK bool pf_vindex_next(const pf_vindex *index, pf_vindex_step *step,
                                  bool *is_there, pf_err *err);

/* Write the file `path` (mode 0600), whole or not at all; *checksum is what read() asks
 * for. `path` + ".tmp" is used on the way. */
PF_MUST_CHECK bool pf_vindex_save(const pf_vindex *index, const char *path,
                                  pf_hash *checksum, pf_err *err);

/* What save() wrote, or a file with lists (vlists_make.h), from a file that is open for
 * reading and may be closed afterwards; `path` is for messages. Little of it is read
 * before it is needed (vfile.h). FORMAT, here or from any function that needs more of
 * it: it is not what was written; then the index is damaged from there on, and who has
 * the vectors elsewhere takes those. */
PF_MUST_CHECK bool pf_vindex_read(pf_vindex **out, int fd, const char *path,
                                  const pf_vfile_record *record, pf_err *err);
/* Of a file with lists: how many of them a search looks into, 1 to all; all of it, as
 * it is read. Before the index is shared. */
void pf_vindex_set_probe(pf_vindex *index, size_t n_lists);
bool pf_vindex_is_damaged(const pf_vindex *index);
/* Read and check all of it. */
PF_MUST_CHECK bool pf_vindex_check(const pf_vindex *index, pf_err *err);

/* For each of the queries [n_queries, dim] (unit vectors) its `k` nearest: `ids` and
 * `scores` [n_queries, k] best first; where there are fewer, id -1 and score -1 fill
 * the rest. `counts` [n_queries] (may be NULL) says how many there are. `only` (may be
 * NULL) limits the search to these `n_only` ids, in any order; ids the index does not
 * have are skipped. One search uses as many threads as pf_vindex_set_threads() said.
 *
 * With lists, no `only`, and `k` up to PF_VINDEX_LISTS_K of which the lists looked into
 * have four times as many, neighbours in other lists are missed; the first hits do not
 * depend on `k` then. All else is exact. */
enum { PF_VINDEX_LISTS_K = 1000 };
PF_MUST_CHECK bool pf_vindex_search(const pf_vindex *index, const float *queries,
                                    size_t n_queries, size_t k, const int64_t *only,
                                    size_t n_only, int64_t *ids, float *scores,
                                    size_t *counts, pf_err *err);

typedef void pf_vindex_near_fn(void *user, size_t query, int64_t id);

/* Candidates, not an answer: `fn` is called for every (query, id) whose score is
 * `min_score` or more, and for some just below, by 2e-5 at most. Whoever needs a sharp
 * line computes their scores in one way. Queries [n_queries, dim] come in their order,
 * the ids of one in none. Memory is bounded, whatever is found. */
PF_MUST_CHECK bool pf_vindex_near(const pf_vindex *index, const float *queries,
                                  size_t n_queries, double min_score,
                                  pf_vindex_near_fn *fn, void *user, pf_err *err);

/* Threads one search of this index may use, at most 256; 0, as it is made, lets OpenMP
 * decide. Before the index is shared. Nothing outside of the index is changed by it. */
void pf_vindex_set_threads(pf_vindex *index, int n);

#endif
