/*
 * vtrain.c - see vtrain.h.
 *
 * FAISS has k-means as well. It multiplies with OpenBLAS, which our programs use in one
 * thread, and which has no kernel for a processor that is newer than itself: two thirds
 * more processor time than by codes, and all of it in one thread (bench/results.md).
 */
#include "core/catalog/vtrain.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/team.h"
#include "core/catalog/vcodes.h"
#include "core/catalog/vindex_impl.h"
#include "core/catalog/vscan.h"

enum { ITERATIONS = 10 };

/* ---- the nearest centroid -------------------------------------------------------- */

struct pf_vtrain_lists {
    const float *centroids; /* [n, dim] borrowed */
    size_t n, dim;
    float *low, *width; /* [dim] */
    uint8_t *codes;     /* [n, dim] */
    float *errors;      /* [n] */
};

static void make_codes(pf_vtrain_lists *l)
{
    const size_t dim = l->dim;
    for (size_t i = 0; i < l->n; i++)
        pf_vcodes_widen(l->low, l->width, l->centroids + i * dim, dim, i == 0);
    for (size_t k = 0; k < dim; k++)
        l->width[k] -= l->low[k]; /* it was the highest */
    const pf_vcodes c = {l->low, l->width, dim};
    for (size_t i = 0; i < l->n; i++) {
        pf_vcodes_make(&c, l->centroids + i * dim, l->codes + i * dim);
        l->errors[i] = pf_vcodes_error(&c, l->centroids + i * dim, l->codes + i * dim);
    }
}

bool pf_vtrain_lists_new(pf_vtrain_lists **out, const float *centroids, size_t n_lists,
                         size_t dim, pf_err *err)
{
    *out = NULL;
    pf_vtrain_lists *l = pf_zalloc(sizeof *l, err);
    if (!l)
        return false;
    l->centroids = centroids;
    l->n = n_lists;
    l->dim = dim;
    l->low = pf_alloc_floats(dim, err);
    l->width = pf_alloc_floats(dim, err);
    l->codes = pf_alloc_array(n_lists, dim, err);
    l->errors = pf_alloc_array(n_lists, sizeof *l->errors, err);
    if (!l->low || !l->width || !l->codes || !l->errors) {
        pf_vtrain_lists_free(l);
        return false;
    }
    make_codes(l);
    *out = l;
    return true;
}

void pf_vtrain_lists_free(pf_vtrain_lists *l)
{
    if (!l)
        return;
    pf_free(l->low);
    pf_free(l->width);
    pf_free(l->codes);
    pf_free(l->errors);
    pf_free(l);
}

/* By how much the product of codes may differ from that which decides, for each length
 * of an error, and at all. */
typedef struct {
    float length, noise;
} margin;

static float best_lower(const pf_vtrain_lists *l, const float *products, margin m)
{
    float best = -INFINITY;
    for (size_t i = 0; i < l->n; i++) {
        const float lower = products[i] - (l->errors[i] * m.length + m.noise);
        best = lower > best ? lower : best;
    }
    return best;
}

struct pf_vtrain_finder {
    const pf_vtrain_lists *lists; /* borrowed */
    pf_vcodes_query *queries[PF_VTRAIN_AT_ONCE];
    float *products; /* [PF_VTRAIN_AT_ONCE, n] */
};

bool pf_vtrain_finder_new(pf_vtrain_finder **out, const pf_vtrain_lists *lists,
                          pf_err *err)
{
    *out = pf_zalloc(sizeof **out, err);
    if (!*out)
        return false;
    (*out)->lists = lists;
    (*out)->products = pf_alloc_array(lists->n, PF_VTRAIN_AT_ONCE * sizeof(float), err);
    if ((*out)->products)
        return true;
    pf_free(*out);
    *out = NULL;
    return false;
}

static void forget_queries(pf_vtrain_finder *f)
{
    for (size_t q = 0; q < PF_VTRAIN_AT_ONCE; q++) {
        pf_free(f->queries[q]);
        f->queries[q] = NULL;
    }
}

void pf_vtrain_finder_free(pf_vtrain_finder *f)
{
    if (!f)
        return;
    forget_queries(f);
    pf_free(f->products);
    pf_free(f);
}

static bool prepare(pf_vtrain_finder *f, const float *const *vectors, size_t n,
                    pf_err *err)
{
    const pf_vcodes codes = {f->lists->low, f->lists->width, f->lists->dim};
    for (size_t q = 0; q < n; q++) {
        f->queries[q] = pf_vcodes_prepare(&codes, vectors[q], err);
        if (!f->queries[q])
            return false;
    }
    return true;
}

/* Some centroids, which the first cache keeps, with all the vectors; then the next. */
static void multiply(pf_vtrain_finder *f, size_t n)
{
    enum { CENTROIDS = 48 };
    const pf_vtrain_lists *l = f->lists;
    for (size_t first = 0; first < l->n; first += CENTROIDS) {
        const size_t left = l->n - first, some = left < CENTROIDS ? left : CENTROIDS;
        for (size_t q = 0; q < n; q++)
            pf_vcodes_products(f->queries[q], l->codes + first * l->dim, some,
                               f->products + q * l->n + first);
    }
}

/* Of those that it may be the one that it is. */
static void decide(const pf_vtrain_finder *f, size_t q, const float *vector,
                   uint32_t *list, float *product)
{
    const pf_vtrain_lists *l = f->lists;
    const float *products = f->products + q * l->n;
    const margin m = {pf_vcodes_length(f->queries[q]),
                      pf_vscan_noise(f->queries[q], l->dim)};
    const float least = best_lower(l, products, m);
    *list = 0;
    *product = -INFINITY;
    for (size_t i = 0; i < l->n; i++) {
        if (products[i] + (l->errors[i] * m.length + m.noise) < least)
            continue;
        const float exact =
            pf_vindex_product(vector, l->centroids + i * l->dim, l->dim);
        if (exact > *product) {
            *product = exact;
            *list = (uint32_t)i;
        }
    }
}

bool pf_vtrain_find(pf_vtrain_finder *f, const float *const *vectors, size_t n,
                    uint32_t *list, float *product, pf_err *err)
{
    const bool ok = prepare(f, vectors, n, err);
    if (ok)
        multiply(f, n);
    for (size_t q = 0; ok && q < n; q++)
        decide(f, q, vectors[q], &list[q], &product[q]);
    forget_queries(f);
    return ok;
}

/* ---- k-means --------------------------------------------------------------------- */

typedef struct {
    const float *vectors; /* [n, dim] */
    size_t n, dim, n_lists;
    uint32_t *list;   /* [n] of each vector */
    float *products;  /* [n] with its centroid */
    float *centroids; /* [n_lists, dim] */
    uint32_t *sizes;  /* [n_lists] */
} training;

typedef struct {
    training *t;
    pf_vtrain_finder *finder;
} member;

static bool group_rows(void *user, size_t item, pf_err *err)
{
    const member *m = user;
    training *t = m->t;
    const float *vectors[PF_VTRAIN_AT_ONCE];
    const size_t first = item * PF_VTRAIN_AT_ONCE, left = t->n - first;
    const size_t n = left < PF_VTRAIN_AT_ONCE ? left : PF_VTRAIN_AT_ONCE;
    for (size_t i = 0; i < n; i++)
        vectors[i] = t->vectors + (first + i) * t->dim;
    return pf_vtrain_find(m->finder, vectors, n, t->list + first, t->products + first,
                          err);
}

void pf_vtrain_make_middle(float *vector, size_t dim, const float *otherwise)
{
    const float square = pf_vindex_square(vector, dim);
    const float length = sqrtf(square);
    if (length < 1e-6f) {
        memcpy(vector, otherwise, dim * sizeof *vector);
        return;
    }
    for (size_t k = 0; k < dim; k++)
        vector[k] /= length;
}

/* The vector that is farthest from its centroid, once. */
static size_t take_farthest(training *t)
{
    size_t at = 0;
    for (size_t i = 1; i < t->n; i++)
        at = t->products[i] < t->products[at] ? i : at;
    t->products[at] = INFINITY;
    return at;
}

/* The middles of the groups; a group of none gets a vector that is far from its own. */
static void move_centroids(training *t)
{
    const size_t dim = t->dim;
    memset(t->centroids, 0, t->n_lists * dim * sizeof *t->centroids);
    memset(t->sizes, 0, t->n_lists * sizeof *t->sizes);
    for (size_t i = 0; i < t->n; i++) {
        float *sum = t->centroids + t->list[i] * dim;
        for (size_t k = 0; k < dim; k++)
            sum[k] += t->vectors[i * dim + k];
        t->sizes[t->list[i]]++;
    }
    for (size_t i = 0; i < t->n_lists; i++) {
        float *centroid = t->centroids + i * dim;
        if (t->sizes[i] == 0)
            memcpy(centroid, t->vectors + take_farthest(t) * dim,
                   dim * sizeof *centroid);
        else
            pf_vtrain_make_middle(centroid, dim, t->vectors + i * dim);
    }
}

/* Each vector into the group whose centroid is nearest. */
static bool group_all(training *t, size_t n_threads, pf_err *err)
{
    member all[PF_VTRAIN_THREADS_MAX];
    void *members[PF_VTRAIN_THREADS_MAX];
    pf_vtrain_lists *lists;
    size_t n = 0;
    bool ok = pf_vtrain_lists_new(&lists, t->centroids, t->n_lists, t->dim, err);
    for (; ok && n < n_threads; n++) {
        all[n] = (member){.t = t};
        members[n] = &all[n];
        ok = pf_vtrain_finder_new(&all[n].finder, lists, err);
    }
    const pf_team team = {.work = group_rows,
                          .members = members,
                          .n_members = n,
                          .n_items =
                              (t->n + PF_VTRAIN_AT_ONCE - 1) / PF_VTRAIN_AT_ONCE};
    ok = ok && pf_team_run(&team, err);
    while (n-- > 0)
        pf_vtrain_finder_free(all[n].finder);
    pf_vtrain_lists_free(lists);
    return ok;
}

bool pf_vtrain_centroids(const float *vectors, size_t n, size_t dim, size_t n_lists,
                         size_t n_threads, float *centroids, pf_err *err)
{
    training t = {.vectors = vectors,
                  .n = n,
                  .dim = dim,
                  .n_lists = n_lists,
                  .centroids = centroids};
    for (size_t i = 0; i < n_lists; i++)
        memcpy(centroids + i * dim, vectors + i * n / n_lists * dim,
               dim * sizeof *centroids);
    t.list = pf_alloc_array(n, sizeof *t.list, err);
    t.products = pf_alloc_array(n, sizeof *t.products, err);
    t.sizes = pf_alloc_array(n_lists, sizeof *t.sizes, err);
    bool ok = t.list && t.products && t.sizes;
    for (int i = 0; ok && i < ITERATIONS; i++) {
        ok = group_all(&t, n_threads, err);
        if (ok)
            move_centroids(&t);
    }
    pf_free(t.list);
    pf_free(t.products);
    pf_free(t.sizes);
    return ok;
}
