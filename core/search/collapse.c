/*
 * collapse.c - see collapse.h.
 *
 * The ranking is walked in blocks. A block is compared with what was kept before it by
 * FAISS, which proposes candidates; what was kept within the block is compared one by
 * one. pf_cosine() decides in both cases.
 */
#include "core/search/collapse.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/search/cosine.h"

enum { BLOCK = 256 };

typedef struct {
    const pf_vindex *index;
    const int64_t *ids;
    double threshold;
    size_t limit;
    pf_collapsed *out;
    pf_vindex *kept; /* vectors of the kept ones, in memory; id: their number, from 1 */
    float *block;    /* [BLOCK, dim] */
    size_t first;    /* place of the block's first */
} folder;

static bool vector_of(const pf_vindex *index, int64_t id, const float **out,
                      pf_err *err)
{
    return pf_vindex_get(index, id, out, err) &&
           (*out || pf_fail(err, PF_ERR_FORMAT,
                            "the catalog is damaged: its index has no vector of %lld",
                            (long long)id));
}

static const float *row(const folder *f, size_t i)
{
    return f->block + i * (size_t)pf_vindex_dim(f->index);
}

/* Vectors of places in the ranking, one after another. */
static bool gather(const pf_vindex *index, const int64_t *ids, size_t n, float *out,
                   pf_err *err)
{
    const size_t dim = (size_t)pf_vindex_dim(index);
    for (size_t i = 0; i < n; i++) {
        const float *v;
        if (!vector_of(index, ids[i], &v, err))
            return false;
        memcpy(out + i * dim, v, dim * sizeof *out);
    }
    return true;
}

/* ---- folding ---- */

static void fold_into_earlier(void *user, size_t query, int64_t id)
{
    folder *f = user;
    size_t *into = &f->out->into[f->first + query];
    const size_t number = (size_t)id - 1;
    const int dim = pf_vindex_dim(f->index);
    const float *kept;
    if (pf_vindex_get(f->kept, id, &kept, NULL) && number < *into &&
        pf_cosine(row(f, query), kept, dim) >= f->threshold)
        *into = number;
}

/* Those that the earlier blocks left: into the first kept of this one, or kept. */
static void fold_within(folder *f, size_t n)
{
    pf_collapsed *out = f->out;
    const int dim = pf_vindex_dim(f->index);
    const size_t before = pf_vindex_count(f->kept);
    for (size_t i = 0; i < n; i++) {
        size_t *into = &out->into[f->first + i];
        for (size_t k = before; k < out->n_kept && *into == out->n; k++) {
            if (pf_cosine(row(f, i), row(f, out->kept[k] - f->first), dim) >=
                f->threshold)
                *into = k;
        }
        if (*into == out->n && out->n_kept < f->limit) {
            *into = out->n_kept;
            out->kept[out->n_kept++] = f->first + i;
        }
    }
}

static bool remember_kept(folder *f, pf_err *err)
{
    bool ok = true;
    for (size_t k = pf_vindex_count(f->kept); ok && k < f->out->n_kept; k++) {
        const int64_t id = (int64_t)k + 1;
        ok = pf_vindex_add(f->kept, &id, row(f, f->out->kept[k] - f->first), 1, err);
    }
    return ok;
}

static bool fold_block(folder *f, size_t n, pf_err *err)
{
    if (!gather(f->index, f->ids + f->first, n, f->block, err) ||
        !pf_vindex_near(f->kept, f->block, n, f->threshold, fold_into_earlier, f, err))
        return false;
    fold_within(f, n);
    return remember_kept(f, err);
}

static bool fold_all(folder *f, pf_err *err)
{
    pf_collapsed *out = f->out;
    for (size_t i = 0; i < out->n; i++)
        out->into[i] = out->n;
    for (; f->first < out->n; f->first += BLOCK) {
        const size_t left = out->n - f->first;
        if (!fold_block(f, left < BLOCK ? left : BLOCK, err))
            return false;
    }
    return true;
}

bool pf_collapse(pf_collapsed *out, const pf_vindex *index, const int64_t *ids,
                 size_t n, double threshold, size_t limit, pf_err *err)
{
    folder f = {
        .index = index, .ids = ids, .threshold = threshold, .limit = limit, .out = out};
    const size_t dim = (size_t)pf_vindex_dim(index);
    out->n = n;
    out->kept = pf_alloc_array(n, sizeof *out->kept, err);
    out->into = pf_alloc_array(n, sizeof *out->into, err);
    f.block = pf_alloc_floats(BLOCK * dim, err);
    const bool ok = out->kept && out->into && f.block &&
                    pf_vindex_new(&f.kept, (int)dim, err) && fold_all(&f, err);
    pf_vindex_free(f.kept);
    pf_free(f.block);
    if (!ok)
        pf_collapsed_reset(out);
    return ok;
}

void pf_collapsed_reset(pf_collapsed *collapsed)
{
    pf_free(collapsed->kept);
    pf_free(collapsed->into);
    *collapsed = (pf_collapsed){0};
}

/* ---- candidates ---- */

typedef struct {
    int64_t *ids;
    size_t n, room;
    bool ok;
    pf_err err;
} candidates;

static void take(void *user, size_t query, int64_t id)
{
    candidates *c = user;
    (void)query;
    c->ok = c->ok && pf_grow_array(&c->ids, &c->room, c->n, sizeof *c->ids, &c->err);
    if (c->ok)
        c->ids[c->n++] = id;
}

/* Those near some of the ids, each once; sorted after each block, so that what many are
 * near to takes no more room than the index. */
static bool find_candidates(const pf_vindex *index, const int64_t *ids, size_t n,
                            double threshold, float *vectors, candidates *c,
                            pf_err *err)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t rows = n - i < BLOCK ? n - i : BLOCK;
        if (!gather(index, ids + i, rows, vectors, err) ||
            !pf_vindex_near(index, vectors, rows, threshold, take, c, err))
            return false;
        if (!c->ok)
            return pf_fail_as(err, &c->err);
        c->n = pf_ids_sort(c->ids, c->n);
    }
    return true;
}

bool pf_collapse_candidates(const pf_vindex *index, const int64_t *ids, size_t n,
                            double threshold, int64_t **out, size_t *n_out, pf_err *err)
{
    candidates c = {.ok = true, .err = PF_ERR_INIT};
    float *vectors = pf_alloc_floats(BLOCK * (size_t)pf_vindex_dim(index), err);
    bool ok = vectors && find_candidates(index, ids, n, threshold, vectors, &c, err);
    if (ok && !c.ids) /* nothing is near: an empty list, not none */
        ok = (c.ids = pf_alloc_array(0, sizeof *c.ids, err)) != NULL;
    pf_free(vectors);
    if (!ok)
        pf_free(c.ids);
    *out = ok ? c.ids : NULL;
    *n_out = ok ? c.n : 0;
    return ok;
}

/* ---- telling ---- */

/* Which lists the hits get; those that are there on failure are theirs already. */
static bool make_lists(const pf_collapsed *c, pf_hit *hits, int64_t **lists,
                       pf_err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->into[i] < c->n_kept)
            hits[c->into[i]].n_duplicates++;
    }
    for (size_t k = 0; k < c->n_kept; k++) {
        lists[k] = pf_alloc_array(hits[k].n_duplicates, sizeof **lists, err);
        hits[k].duplicates = lists[k];
        hits[k].n_duplicates = 0;
        if (!lists[k])
            return false;
    }
    return true;
}

bool pf_collapse_tell(const pf_collapsed *c, const int64_t *ids, pf_hit *hits,
                      pf_err *err)
{
    int64_t **lists = pf_alloc_array(c->n_kept, sizeof *lists, err);
    const bool ok = lists && make_lists(c, hits, lists, err);
    for (size_t i = 0; ok && i < c->n; i++) {
        const size_t k = c->into[i];
        if (k < c->n_kept && c->kept[k] != i)
            lists[k][hits[k].n_duplicates++] = ids[i];
    }
    pf_free(lists);
    return ok;
}
