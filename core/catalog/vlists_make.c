/* vlists_make.c - see vlists_make.h. */
#include "core/catalog/vlists_make.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/team.h"
#include "core/catalog/vindex_impl.h"
#include "core/catalog/vscan.h"
#include "core/catalog/vtrain.h"

enum {
    SAMPLE_PER_LIST = 40, /* vectors that centroids are found from */
    SAMPLE_BYTES = 512 << 20,
    ROWS = PF_VTRAIN_AT_ONCE, /* vectors that a thread puts into lists at once */
    NEAREST = PF_VLISTS_NEAREST,
    USEFUL_SHARE = 3, /* where more of the lists are to be looked into, all may be */
};

static const double WANTED = 0.995;

typedef struct {
    pf_vfile *file;
    const pf_vlists_wish *wish;
    size_t dim, count, n_threads;
    float *centroids; /* [n_lists, dim] */
    uint32_t *list;   /* [count] of each vector of the file */
    uint32_t *starts; /* [n_lists + 1] */
    size_t n_probe;
    double recall;
} making;

/* ---- centroids, found anew
 * ------------------------------------------------------------------- */

/* Spread over all of the file, each once. */
static bool copy_sample(const making *m, float *sample, size_t n, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const float *vector;
        if (!pf_vfile_get_vector(m->file, i * m->count / n, &vector, err))
            return false;
        memcpy(sample + i * m->dim, vector, m->dim * sizeof *sample);
    }
    return true;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool find_centroids(making *m, pf_err *err)
{
    const size_t n_lists = m->wish->n_lists;
    const size_t fit = SAMPLE_BYTES / (m->dim * sizeof(float));
    size_t n = smaller(n_lists * SAMPLE_PER_LIST, m->count);
    if (n > fit)
        n = fit > n_lists ? fit : n_lists;
    float *sample = pf_alloc_floats(n * m->dim, err);
    const bool ok = sample && copy_sample(m, sample, n, err) &&
                    pf_vtrain_centroids(sample, n, m->dim, n_lists, m->n_threads,
                                        m->centroids, err);
    pf_free(sample);
    return ok;
}

/* ---- lists of an older file ------------------------------------------------------ */

enum { NO_LIST = UINT32_MAX };

/* Has the older file the same vector under its id? Then its list. */
static bool find_known(const making *m, const pf_vlists *lists, size_t position,
                       const float *vector, uint32_t *list, pf_err *err)
{
    pf_vfile *known = m->wish->known;
    int64_t id;
    size_t at;
    const float *same;
    bool is_there;
    *list = NO_LIST;
    if (!pf_vfile_get_id(m->file, position, &id, err) ||
        !pf_vfile_find(known, id, &at, &is_there, err))
        return false;
    if (!is_there)
        return true;
    if (!pf_vfile_get_vector(known, at, &same, err))
        return false;
    if (memcmp(same, vector, m->dim * sizeof *same) == 0)
        *list = (uint32_t)pf_vlists_find(lists, at);
    return true;
}

static void add_to(float *sum, const float *vector, size_t dim)
{
    for (size_t k = 0; k < dim; k++)
        sum[k] += vector[k];
}

/* Vectors that are known stay in their lists, whose centroids become their middles:
 * those of before may tell of vectors that have gone. */
static bool take_over(making *m, pf_err *err)
{
    const size_t n_lists = m->wish->n_lists;
    pf_vlists known;
    const float *vector;
    if (!pf_vfile_begin(m->wish->known, err) ||
        !pf_vfile_get_lists(m->wish->known, &known, err))
        return false;
    for (size_t i = 0; i < m->count; i++) {
        if (!pf_vfile_get_vector(m->file, i, &vector, err) ||
            !find_known(m, &known, i, vector, &m->list[i], err))
            return false;
        if (m->list[i] != NO_LIST)
            add_to(m->centroids + m->list[i] * m->dim, vector, m->dim);
    }
    for (size_t i = 0; i < n_lists; i++) {
        if (!pf_vfile_get_vector(m->file, i * m->count / n_lists, &vector, err))
            return false;
        pf_vtrain_make_middle(m->centroids + i * m->dim, m->dim, vector);
    }
    return true;
}

static bool make_centroids(making *m, pf_err *err)
{
    if (m->wish->known)
        return take_over(m, err);
    for (size_t i = 0; i < m->count; i++)
        m->list[i] = NO_LIST;
    return find_centroids(m, err);
}

/* ---- which vector is in which list ----------------------------------------------- */

typedef struct {
    making *m;
    pf_vtrain_finder *finder;
} assigner;

static bool assign_rows(void *user, size_t item, pf_err *err)
{
    const assigner *a = user;
    making *m = a->m;
    const size_t first = item * ROWS, end = smaller(first + ROWS, m->count);
    const float *vectors[ROWS];
    size_t at[ROWS], n = 0; /* of those that are in none yet */
    uint32_t list[ROWS];
    float product[ROWS];
    for (size_t i = first; i < end; i++) {
        if (m->list[i] != NO_LIST)
            continue;
        if (!pf_vfile_get_vector(m->file, i, &vectors[n], err))
            return false;
        at[n++] = i;
    }
    if (n > 0 && !pf_vtrain_find(a->finder, vectors, n, list, product, err))
        return false;
    for (size_t i = 0; i < n; i++)
        m->list[at[i]] = list[i];
    return true;
}

static bool assign_all(making *m, const pf_vtrain_lists *lists, pf_err *err)
{
    assigner all[PF_VTRAIN_THREADS_MAX];
    void *members[PF_VTRAIN_THREADS_MAX];
    bool ok = true;
    size_t n = 0;
    for (; ok && n < m->n_threads; n++) {
        all[n] = (assigner){.m = m};
        members[n] = &all[n];
        ok = pf_vtrain_finder_new(&all[n].finder, lists, err);
    }
    const pf_team team = {.work = assign_rows,
                          .members = members,
                          .n_members = n,
                          .n_items = (m->count + ROWS - 1) / ROWS};
    ok = ok && pf_team_run(&team, err);
    while (n-- > 0)
        pf_vtrain_finder_free(all[n].finder);
    return ok;
}

static bool fill_lists(making *m, pf_err *err)
{
    pf_vtrain_lists *lists;
    if (!pf_vtrain_lists_new(&lists, m->centroids, m->wish->n_lists, m->dim, err))
        return false;
    const bool ok = assign_all(m, lists, err);
    pf_vtrain_lists_free(lists);
    if (!ok)
        return false;
    for (size_t i = 0; i < m->count; i++)
        m->starts[m->list[i] + 1]++;
    for (size_t i = 0; i < m->wish->n_lists; i++)
        m->starts[i + 1] += m->starts[i];
    return true;
}

/* ---- how many lists are enough --------------------------------------------------- */

/* How many lists are nearer to the query than the one of this neighbour. */
static uint32_t rank_of(const making *m, const float *products, uint32_t list)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < m->wish->n_lists; i++)
        rank +=
            products[i] > products[list] || (products[i] == products[list] && i < list);
    return rank;
}

/* Of the neighbours of one question the ranks of their lists: ranks [NEAREST]. */
static bool rank_hits(const making *m, const float *products, const pf_vscan_hit *hits,
                      size_t n_hits, int64_t own, uint32_t *ranks, size_t *n,
                      pf_err *err)
{
    *n = 0;
    for (size_t i = 0; i < n_hits && *n < NEAREST; i++) {
        size_t at;
        bool is_there;
        if (hits[i].id == own)
            continue;
        if (!pf_vfile_find(m->file, hits[i].id, &at, &is_there, err))
            return false;
        ranks[(*n)++] = rank_of(m, products, m->list[at]);
    }
    return true;
}

typedef struct {
    float *vectors; /* [n, dim] */
    int64_t *own;   /* [n] */
    size_t n;
    pf_vscan_hit *hits; /* [n, NEAREST + 1] */
    size_t *n_hits;     /* [n] */
    float *products;    /* [n_lists] */
    uint32_t *ranks;    /* [n, NEAREST], as many as n_ranks */
    size_t n_ranks;
} measuring;

static bool measuring_init(measuring *x, const making *m, const pf_vlists_questions *q,
                           pf_err *err)
{
    const size_t n = smaller(q->n, PF_VLISTS_ASKED);
    *x = (measuring){.n = n};
    x->vectors = pf_alloc_floats((n + 1) * m->dim, err);
    x->own = pf_alloc_array(n, sizeof *x->own, err);
    x->hits = pf_alloc_array(n, (NEAREST + 1) * sizeof *x->hits, err);
    x->n_hits = pf_alloc_array(n, sizeof *x->n_hits, err);
    x->products = pf_alloc_array(m->wish->n_lists, sizeof *x->products, err);
    x->ranks = pf_alloc_array(n, NEAREST * sizeof *x->ranks, err);
    if (!x->vectors || !x->own || !x->hits || !x->n_hits || !x->products || !x->ranks)
        return false;
    for (size_t i = 0; i < n; i++) {
        const size_t at = i * q->n / n;
        memcpy(x->vectors + i * m->dim, q->vectors + at * m->dim,
               m->dim * sizeof *x->vectors);
        x->own[i] = q->ids ? q->ids[at] : 0;
    }
    return true;
}

static void measuring_reset(measuring *x)
{
    pf_free(x->vectors);
    pf_free(x->own);
    pf_free(x->hits);
    pf_free(x->n_hits);
    pf_free(x->products);
    pf_free(x->ranks);
}

static bool rank_all(const making *m, measuring *x, pf_err *err)
{
    const pf_vscan s = {.file = m->file,
                        .queries = x->vectors,
                        .n_queries = x->n,
                        .n_allowed = m->count,
                        .threads = (int)m->n_threads};
    if (!pf_vscan_nearest(&s, NEAREST + 1, x->hits, x->n_hits, err))
        return false;
    for (size_t i = 0; i < x->n; i++) {
        size_t n;
        pf_vindex_products(x->vectors + i * m->dim, m->centroids, m->wish->n_lists,
                           m->dim, x->products);
        if (!rank_hits(m, x->products, x->hits + i * (NEAREST + 1), x->n_hits[i],
                       x->own[i], x->ranks + x->n_ranks, &n, err))
            return false;
        x->n_ranks += n;
    }
    return true;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* So many lists that the wanted share of these neighbours lies in them. */
static size_t lists_enough(measuring *x)
{
    if (x->n_ranks == 0)
        return 0;
    qsort(x->ranks, x->n_ranks, sizeof *x->ranks, ascending);
    const size_t n = (size_t)ceil(WANTED * (double)x->n_ranks);
    return x->ranks[n - 1] + 1;
}

static double recall_of(const measuring *x, size_t n_probe)
{
    size_t n = 0;
    while (n < x->n_ranks && x->ranks[n] < n_probe)
        n++;
    return x->n_ranks > 0 ? (double)n / (double)x->n_ranks : 1;
}

static bool measure(making *m, pf_err *err)
{
    measuring x[PF_VLISTS_KINDS] = {0};
    bool ok = true;
    m->n_probe = 0;
    m->recall = 1;
    for (int kind = 0; ok && kind < PF_VLISTS_KINDS; kind++) {
        ok = measuring_init(&x[kind], m, &m->wish->asked[kind], err) &&
             rank_all(m, &x[kind], err);
        const size_t enough = ok ? lists_enough(&x[kind]) : 0;
        m->n_probe = enough > m->n_probe ? enough : m->n_probe;
    }
    if (m->n_probe == 0) /* nothing has a neighbour */
        m->n_probe = m->wish->n_lists;
    for (int kind = 0; kind < PF_VLISTS_KINDS; kind++) {
        m->recall = fmin(m->recall, recall_of(&x[kind], m->n_probe));
        measuring_reset(&x[kind]);
    }
    return ok;
}

/* ---- the file -------------------------------------------------------------------- */

/* Positions in the old file by list; within a list they ascend, as ids do. */
static bool write_vectors(const making *m, const uint32_t *order, pf_vfile_writer *w,
                          pf_err *err)
{
    for (size_t i = 0; i < m->count; i++) {
        int64_t id;
        const float *vector;
        if (!pf_vfile_get_id(m->file, order[i], &id, err) ||
            !pf_vfile_get_vector(m->file, order[i], &vector, err) ||
            !pf_vfile_writer_add(w, id, vector, err))
            return false;
    }
    return true;
}

static uint32_t *order_by_list(const making *m, pf_err *err)
{
    const size_t n_lists = m->wish->n_lists;
    uint32_t *order = pf_alloc_array(m->count, sizeof *order, err);
    uint32_t *next = pf_alloc_array(n_lists, sizeof *next, err);
    if (order && next) {
        memcpy(next, m->starts, n_lists * sizeof *next);
        for (size_t i = 0; i < m->count; i++)
            order[next[m->list[i]]++] = (uint32_t)i;
    }
    pf_free(next);
    if (next)
        return order;
    pf_free(order);
    return NULL;
}

static bool write_file(const making *m, const char *path, pf_hash *checksum,
                       pf_err *err)
{
    const pf_vlists lists = {m->wish->n_lists, m->centroids, m->starts};
    uint32_t *order = order_by_list(m, err);
    pf_vfile_writer *w = NULL;
    const bool ok =
        order && pf_vfile_writer_new(&w, path, (int)m->dim, m->count, &lists, err) &&
        write_vectors(m, order, w, err) && pf_vfile_writer_finish(w, checksum, err);
    pf_vfile_writer_free(w);
    pf_free(order);
    return ok;
}

static bool making_init(making *m, pf_vfile *file, const pf_vlists_wish *wish,
                        pf_err *err)
{
    *m = (making){.file = file,
                  .wish = wish,
                  .dim = pf_vfile_dim(file),
                  .count = pf_vfile_count(file),
                  .n_threads = pf_team_cores(PF_VTRAIN_THREADS_MAX)};
    if (wish->n_lists < 1 || wish->n_lists > PF_VLISTS_MAX || wish->n_lists > m->count)
        return pf_fail(err, PF_ERR_MISUSE, "%zu lists of %zu vectors", wish->n_lists,
                       m->count);
    if (wish->known && (pf_vfile_dim(wish->known) != m->dim ||
                        pf_vfile_n_lists(wish->known) != wish->n_lists))
        return pf_fail(err, PF_ERR_MISUSE, "%zu lists after %zu of another file",
                       wish->n_lists, pf_vfile_n_lists(wish->known));
    m->centroids = pf_alloc_floats(wish->n_lists * m->dim, err);
    m->list = pf_alloc_array(m->count, sizeof *m->list, err);
    m->starts = pf_alloc_array(wish->n_lists + 1, sizeof *m->starts, err);
    return m->centroids && m->list && m->starts;
}

bool pf_vlists_make(pf_vlists_made *out, pf_vfile *file, const char *path,
                    const pf_vlists_wish *wish, pf_err *err)
{
    making m;
    *out = (pf_vlists_made){0};
    bool ok = making_init(&m, file, wish, err) && pf_vfile_begin(file, err) &&
              make_centroids(&m, err) && fill_lists(&m, err) && measure(&m, err);
    const bool is_useful = ok && m.n_probe * USEFUL_SHARE <= wish->n_lists;
    if (ok && (is_useful || wish->must)) {
        ok = write_file(&m, path, &out->checksum, err);
        out->n_lists = wish->n_lists;
        out->n_probe = m.n_probe;
    }
    out->recall = m.recall;
    pf_free(m.centroids);
    pf_free(m.list);
    pf_free(m.starts);
    return ok;
}
