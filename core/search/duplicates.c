/*
 * duplicates.c - see duplicates.h.
 *
 * Equal vectors are joined first, by their hashes, so that ten thousand blank films are
 * one vector and not fifty million pairs. What differs is compared in tiles: an index
 * of TILE vectors, and all vectors from the tile's first on are looked up in it. FAISS
 * proposes pairs, pf_cosine() decides, a union-find joins.
 *
 * Each thread of a team takes the next tile and has an index and a union-find of its
 * own; these are merged at the end, so that the threads share nothing but counters.
 * Everything else here belongs to the caller's thread.
 */
#include "core/search/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/team.h"
#include "core/search/cosine.h"
#include "core/search/hits.h"
#include "core/search/scope.h"

enum {
    TILE = 4096,  /* vectors of one index: 8 MiB of 512 floats */
    CHUNK = 1024, /* vectors looked up at once */
    THREADS_MAX = 64,
};

/* One image. Rows are in the order of ids. */
typedef struct {
    int64_t id;
    const float *vector; /* borrowed from the catalog's index */
    size_t same;         /* the first row with an equal vector, perhaps itself */
} row;

typedef struct {
    const pf_duplicates_query *q;
    int dim;
    row *rows;
    size_t n_rows;
    size_t *distinct; /* [n_distinct] rows that are the first of their vector */
    size_t n_distinct;
    atomic_size_t pairs_done; /* of n_distinct * (n_distinct + 1) / 2, about */
    atomic_bool has_failed;   /* some thread has: the others stop */
} work;

static bool is_stopped(const work *w)
{
    return w->q->stop && atomic_load(w->q->stop) != 0;
}

static bool interrupted(pf_err *err)
{
    return pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

/* ---- union-find ------------------------------------------------------------------ */

/* The root of a set is its lowest number. */
static size_t root_of(size_t *parent, size_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static void join(size_t *parent, size_t a, size_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

static size_t *new_sets(size_t n, pf_err *err)
{
    size_t *parent = pf_alloc_array(n, sizeof *parent, err);
    for (size_t i = 0; parent && i < n; i++)
        parent[i] = i;
    return parent;
}

/* ---- rows ------------------------------------------------------------------------ */

static bool take_rows(work *w, const pf_vindex *index, const pf_id_set *only,
                      pf_err *err)
{
    pf_vindex_step step = {0};
    w->dim = pf_vindex_dim(index);
    w->rows = pf_alloc_array(pf_vindex_count(index), sizeof *w->rows, err);
    bool has_step = w->rows != NULL, ok = has_step;
    while (has_step && (ok = pf_vindex_next(index, &step, &has_step, err)) &&
           has_step) {
        if (!only || pf_id_set_has(only, step.id))
            w->rows[w->n_rows++] = (row){.id = step.id, .vector = step.vector};
    }
    return ok;
}

typedef struct {
    pf_hash hash; /* of the vector's bytes */
    size_t row;
} hashed;

static int by_hash_then_row(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    const int order = memcmp(&x->hash, &y->hash, sizeof x->hash);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* Which vectors are there already: rows with one hash lie side by side, the first row
 * in front. Two vectors with one hash that differ are just not joined here. */
static bool find_same(work *w, pf_err *err)
{
    const size_t bytes = (size_t)w->dim * sizeof(float);
    hashed *h = pf_alloc_array(w->n_rows, sizeof *h, err);
    w->distinct = pf_alloc_array(w->n_rows, sizeof *w->distinct, err);
    if (!h || !w->distinct) {
        pf_free(h);
        return false;
    }
    for (size_t i = 0; i < w->n_rows; i++)
        h[i] = (hashed){pf_hash_bytes(w->rows[i].vector, bytes), i};
    qsort(h, w->n_rows, sizeof *h, by_hash_then_row);
    for (size_t i = 0; i < w->n_rows; i++) {
        row *r = &w->rows[h[i].row];
        const size_t before = i > 0 ? w->rows[h[i - 1].row].same : 0;
        const bool is_same =
            i > 0 && memcmp(&h[i].hash, &h[i - 1].hash, sizeof h[i].hash) == 0 &&
            memcmp(r->vector, w->rows[before].vector, bytes) == 0;
        r->same = is_same ? before : h[i].row;
    }
    pf_free(h);
    for (size_t i = 0; i < w->n_rows; i++) {
        if (w->rows[i].same == i)
            w->distinct[w->n_distinct++] = i;
    }
    return true;
}

/* ---- pairs ----------------------------------------------------------------------- */

typedef struct {
    work *w;
    size_t *sets;   /* [n_distinct] of numbers in `distinct` */
    float *vectors; /* [CHUNK, dim] */
    size_t first;   /* number of the chunk's first */
} worker;

static const float *vector_of(const work *w, size_t number)
{
    return w->rows[w->distinct[number]].vector;
}

static void gather(const work *w, size_t first, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * (size_t)w->dim, vector_of(w, first + i),
               (size_t)w->dim * sizeof *out);
}

/* Ids of a tile are numbers from 1. */
static void meet(void *user, size_t query, int64_t id)
{
    worker *me = user;
    const work *w = me->w;
    const size_t a = (size_t)id - 1, b = me->first + query;
    if (root_of(me->sets, a) != root_of(me->sets, b) &&
        pf_cosine(vector_of(w, a), vector_of(w, b), w->dim) >= w->q->threshold)
        join(me->sets, a, b);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool make_tile(worker *me, size_t first, size_t n, pf_vindex **out, pf_err *err)
{
    bool ok = pf_vindex_new(out, me->w->dim, err);
    if (ok)
        pf_vindex_set_threads(*out, 1); /* the threads are ours */
    for (size_t i = first; ok && i < first + n; i++) {
        const int64_t id = (int64_t)i + 1;
        ok = pf_vindex_add(*out, &id, vector_of(me->w, i), 1, err);
    }
    return ok;
}

/* By pairs: the first tiles take longest. */
static void report(void *context, const char *what, size_t done, size_t total)
{
    (void)what, (void)done, (void)total;
    const work *w = context;
    const double n = (double)w->n_distinct;
    const double part = (double)atomic_load(&w->pairs_done) / (n * (n + 1) / 2);
    w->q->progress(w->q->context, (size_t)((double)w->n_rows * (part < 1 ? part : 1)),
                   w->n_rows);
}

/* The tile's vectors against themselves and all behind them. */
static bool compare_tile(void *member, size_t item, pf_err *err)
{
    worker *me = member;
    work *w = me->w;
    const size_t first = item * TILE, n = smaller(TILE, w->n_distinct - first);
    pf_vindex *tile = NULL;
    bool ok = make_tile(me, first, n, &tile, err);
    for (me->first = first; ok && me->first < w->n_distinct; me->first += CHUNK) {
        const size_t rows = smaller(CHUNK, w->n_distinct - me->first);
        if (is_stopped(w))
            ok = interrupted(err);
        else if (atomic_load(&w->has_failed))
            break;
        gather(w, me->first, rows, me->vectors);
        ok = ok &&
             pf_vindex_near(tile, me->vectors, rows, w->q->threshold, meet, me, err);
        atomic_fetch_add(&w->pairs_done,
                         me->first < first + n ? rows * n / 2 : rows * n);
    }
    pf_vindex_free(tile);
    if (!ok)
        atomic_store(&w->has_failed, true);
    return ok;
}

static bool prepare(worker *me, work *w, pf_err *err)
{
    me->w = w;
    me->sets = new_sets(w->n_distinct, err);
    me->vectors = pf_alloc_floats(CHUNK * (size_t)w->dim, err);
    return me->sets && me->vectors;
}

static bool run_workers(work *w, worker *workers, void **members, size_t n,
                        size_t tiles, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        members[i] = &workers[i];
        if (!prepare(&workers[i], w, err))
            return false;
    }
    const pf_team team = {.work = compare_tile,
                          .members = members,
                          .n_members = n,
                          .n_items = tiles,
                          .stop = w->q->stop,
                          .progress = w->q->progress ? report : NULL,
                          .context = w};
    return pf_team_run(&team, err);
}

static void merge(const work *w, worker *workers, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; k < w->n_distinct; k++)
            join(workers[0].sets, k, workers[i].sets[k]);
    }
}

/* *sets: of numbers in `distinct`, given. */
static bool compare_all(work *w, size_t **sets, pf_err *err)
{
    const size_t tiles = (w->n_distinct + TILE - 1) / TILE;
    const int wanted = w->q->threads < THREADS_MAX ? w->q->threads : THREADS_MAX;
    const size_t n = smaller(wanted > 1 ? (size_t)wanted : 1, tiles > 0 ? tiles : 1);
    worker *workers = pf_alloc_array(n, sizeof *workers, err);
    void **members = pf_alloc_array(n, sizeof *members, err);
    const bool ok =
        workers && members && run_workers(w, workers, members, n, tiles, err);
    if (ok)
        merge(w, workers, n);
    if (ok && w->q->progress) /* pairs were rounded down */
        w->q->progress(w->q->context, w->n_rows, w->n_rows);
    for (size_t i = 0; workers && i < n; i++) {
        pf_free(workers[i].vectors);
        if (i > 0 || !ok)
            pf_free(workers[i].sets);
    }
    *sets = ok ? workers[0].sets : NULL;
    pf_free(workers);
    pf_free(members);
    return ok;
}

/* ---- groups ---------------------------------------------------------------------- */

/* An image on its way into a group. */
typedef struct {
    size_t group; /* row of the group's first image */
    size_t row;
} member;

static int by_group_then_row(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->group != y->group)
        return x->group > y->group ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Every row with the first row of its group; [n_rows], given. */
static member *list_members(const work *w, size_t *sets, pf_err *err)
{
    size_t *number = pf_alloc_array(w->n_rows, sizeof *number, err);
    member *members = pf_alloc_array(w->n_rows, sizeof *members, err);
    if (!number || !members) {
        pf_free(number);
        pf_free(members);
        return NULL;
    }
    for (size_t i = 0; i < w->n_distinct; i++)
        number[w->distinct[i]] = i;
    for (size_t i = 0; i < w->n_rows; i++) {
        const size_t root = root_of(sets, number[w->rows[i].same]);
        members[i] = (member){w->distinct[root], i};
    }
    pf_free(number);
    qsort(members, w->n_rows, sizeof *members, by_group_then_row);
    return members;
}

static int larger_first(const void *a, const void *b)
{
    const pf_duplicates_group *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

/* Groups of two or more; `first` counts in `members`. Those past the limit go. */
static bool list_groups(const work *w, const member *members, pf_duplicates *out,
                        pf_err *err)
{
    out->groups = pf_alloc_array(w->n_rows / 2 + 1, sizeof *out->groups, err);
    if (!out->groups)
        return false;
    for (size_t i = 0, end; i < w->n_rows; i = end) {
        end = i + 1;
        while (end < w->n_rows && members[end].group == members[i].group)
            end++;
        if (end - i >= 2)
            out->groups[out->n_found++] =
                (pf_duplicates_group){.first = i, .n = end - i};
    }
    qsort(out->groups, out->n_found, sizeof *out->groups, larger_first);
    out->n_groups = w->q->limit > 0 ? smaller(w->q->limit, out->n_found) : out->n_found;
    return true;
}

/* For each of the chunk the one of the group that is least alike: the nearest to its
 * opposite. */
static bool lowest_of_chunk(const work *w, const pf_vindex *group, const float *chunk,
                            float *opposite, size_t n, double *lowest, pf_err *err)
{
    int64_t far[CHUNK];
    float scores[CHUNK];
    for (size_t i = 0; i < n * (size_t)w->dim; i++)
        opposite[i] = -chunk[i];
    if (!pf_vindex_search(group, opposite, n, 1, NULL, 0, far, scores, NULL, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const double c =
            pf_cosine(chunk + i * (size_t)w->dim, w->rows[far[i] - 1].vector, w->dim);
        if (c < *lowest)
            *lowest = c;
    }
    return true;
}

/* Chunk by chunk. `buffer` is [2, CHUNK, dim]. */
static bool lowest_of(const work *w, const member *members, size_t n,
                      const pf_vindex *group, float *buffer, double *lowest,
                      pf_err *err)
{
    const size_t dim = (size_t)w->dim;
    *lowest = 1;
    for (size_t i = 0; i < n;) {
        size_t filled = 0;
        for (; i < n && filled < CHUNK; i++) {
            const row *r = &w->rows[members[i].row];
            if (r->same == members[i].row)
                memcpy(buffer + filled++ * dim, r->vector, dim * sizeof *buffer);
        }
        if (is_stopped(w))
            return interrupted(err);
        if (!lowest_of_chunk(w, group, buffer, buffer + CHUNK * dim, filled, lowest,
                             err))
            return false;
    }
    return true;
}

/* Ids in the group's index are rows from 1. */
static bool measure(const work *w, const member *members, size_t n, float *buffer,
                    double *lowest, pf_err *err)
{
    pf_vindex *group = NULL;
    bool ok = pf_vindex_new(&group, w->dim, err);
    if (ok)
        pf_vindex_set_threads(group, w->q->threads);
    for (size_t i = 0; ok && i < n; i++) {
        const row *r = &w->rows[members[i].row];
        const int64_t id = (int64_t)members[i].row + 1;
        ok = r->same != members[i].row || pf_vindex_add(group, &id, r->vector, 1, err);
    }
    ok = ok && lowest_of(w, members, n, group, buffer, lowest, err);
    pf_vindex_free(group);
    return ok;
}

static bool fill_group(const work *w, pf_store *store, const member *members,
                       pf_duplicates_group *g, pf_hits *out, pf_err *err)
{
    const row *first = &w->rows[members[0].row];
    for (size_t i = 0; i < g->n; i++) {
        const row *r = &w->rows[members[i].row];
        const float score = (float)pf_cosine(first->vector, r->vector, w->dim);
        if (!pf_hits_fill(out, store, PF_FIND_IMAGES, &r->id, &score, 1, err))
            return false;
    }
    return true;
}

static bool fill_groups(const work *w, pf_store *store, const member *members,
                        pf_duplicates *out, pf_err *err)
{
    float *buffer = pf_alloc_floats(2 * CHUNK * (size_t)w->dim, err);
    bool ok = buffer != NULL;
    for (size_t i = 0; ok && i < out->n_groups; i++) {
        pf_duplicates_group *g = &out->groups[i];
        const member *its = members + g->first;
        g->first = out->images.n_hits;
        ok = measure(w, its, g->n, buffer, &g->lowest, err) &&
             fill_group(w, store, its, g, &out->images, err);
    }
    pf_free(buffer);
    return ok;
}

/* ---- all of it ------------------------------------------------------------------- */

static bool check(const pf_reader *r, const pf_duplicates_query *q, pf_err *err)
{
    if (!(q->threshold >= 0 && q->threshold <= 1))
        return pf_fail(err, PF_ERR_MISUSE, "a threshold of %g is outside 0..1",
                       q->threshold);
    if (q->n_filters > PF_FILTERS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu filters, the most is %d", q->n_filters,
                       PF_FILTERS_MAX);
    return pf_reader_check_catalog(r, err);
}

static bool find(pf_duplicates *out, work *w, pf_store *store, pf_err *err)
{
    size_t *sets = NULL;
    member *members = NULL;
    const bool ok = find_same(w, err) && compare_all(w, &sets, err) &&
                    (members = list_members(w, sets, err)) != NULL &&
                    list_groups(w, members, out, err) &&
                    fill_groups(w, store, members, out, err);
    out->n_images = w->n_rows;
    pf_free(members);
    pf_free(sets);
    return ok;
}

bool pf_duplicates_find(pf_duplicates *out, pf_reader *r, const pf_duplicates_query *q,
                        pf_err *err)
{
    work w = {.q = q};
    pf_id_set scope = {0};
    const pf_vindex *index;
    if (!check(r, q, err) || !pf_reader_get_index(r, PF_INDEX_IMAGES, &index, err))
        return false;
    pf_store *store = pf_reader_store(r);
    const bool ok = (q->n_filters == 0 ||
                     pf_scope_images(&scope, store, q->filters, q->n_filters, err)) &&
                    take_rows(&w, index, q->n_filters > 0 ? &scope : NULL, err) &&
                    find(out, &w, store, err);
    out->images.by = PF_BY_MEANING;
    out->images.no_image_passes = q->n_filters > 0 && scope.n == 0;
    pf_id_set_reset(&scope);
    pf_free(w.rows);
    pf_free(w.distinct);
    if (!ok)
        pf_duplicates_reset(out);
    return ok;
}

void pf_duplicates_reset(pf_duplicates *d)
{
    pf_hits_reset(&d->images);
    pf_free(d->groups);
    *d = (pf_duplicates){0};
}
