/* vscan.c - see vscan.h. */
#include "core/catalog/vscan.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/team.h"
#include "core/catalog/vindex_impl.h"

enum {
    WORD = 64,               /* vectors that are multiplied together, bits of a word */
    ITEM = 128 * WORD,       /* vectors that a thread takes at once */
    WORTH_THREADS = 4 << 20, /* codes to be multiplied: half a millisecond */
    QUERIES_AT_ONCE = 64,
    THREADS_MAX = PF_VSCAN_THREADS_MAX,
    FEW = 1024,    /* candidates before the first is dropped */
    ALL_SHARE = 4, /* of so large a share everything is scored exactly */
};

/* What is compared in the end is a score, a sum of floats. In whatever order, it is off
 * by half an epsilon per number at most, for vectors of length 1; twice that leaves
 * room for longer ones, and PF_VINDEX_NOISE for the bounds, which are floats as well.
 */
float pf_vscan_noise(const pf_vcodes_query *query, size_t dim)
{
    return pf_vcodes_noise(query) + (float)dim * FLT_EPSILON + PF_VINDEX_NOISE;
}

/* ---- what one thread finds for one query ----------------------------------------- */

typedef struct {
    float upper;
    uint32_t position;
} candidate;

typedef struct {
    const pf_vcodes_query *query; /* borrowed */
    float length, noise;          /* of the query; of its products, and of scores */
    float least;                  /* upper bounds below it are of no interest */
    float *lowers;                /* the k best lower bounds, the worst of them first */
    size_t k, n_lowers;
    candidate *found;
    size_t n, room, limit;
} collector;

/* `lowers` is a heap: each is at most its two children. */
static void sink(float *heap, size_t n)
{
    const float value = heap[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        child += child + 1 < n && heap[child + 1] < heap[child];
        if (heap[child] >= value)
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static void rise(float *heap, size_t at)
{
    const float value = heap[at];
    for (; at > 0 && heap[(at - 1) / 2] > value; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = value;
}

static void add_lower(collector *c, float lower)
{
    if (c->k == 0)
        return;
    if (c->n_lowers < c->k) {
        c->lowers[c->n_lowers++] = lower;
        rise(c->lowers, c->n_lowers - 1);
    } else if (lower > c->lowers[0]) {
        c->lowers[0] = lower;
        sink(c->lowers, c->k);
    }
    if (c->n_lowers == c->k && c->lowers[0] > c->least)
        c->least = c->lowers[0];
}

static void drop_hopeless(collector *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->found[i].upper >= c->least)
            c->found[kept++] = c->found[i];
    }
    c->n = kept;
    if (c->n > c->limit / 2)
        c->limit *= 2;
}

static bool take(collector *c, float product, float error, size_t position, pf_err *err)
{
    const float upper = product + error;
    if (upper < c->least)
        return true;
    if (c->n == c->limit)
        drop_hopeless(c);
    if (!pf_grow_array(&c->found, &c->room, c->n, sizeof *c->found, err))
        return false;
    c->found[c->n++] = (candidate){upper, (uint32_t)position};
    add_lower(c, product - error);
    return true;
}

/* ---- a thread -------------------------------------------------------------------- */

typedef struct {
    const pf_vscan *scan;
    collector *collectors; /* [n_queries] */
} member;

static uint64_t allowed_of(const pf_vscan *s, size_t first, size_t n)
{
    const uint64_t all = n == WORD ? UINT64_MAX : ((uint64_t)1 << n) - 1;
    return s->allowed ? s->allowed[first / WORD] & all : all;
}

/* Where few are allowed each is multiplied by itself, else all are. */
static void multiply(const collector *c, const uint8_t *codes, size_t dim, size_t n,
                     uint64_t allowed, float products[WORD])
{
    enum { FEW_OF_WORD = WORD / 2 };
    if (__builtin_popcountll(allowed) > FEW_OF_WORD) {
        pf_vcodes_products(c->query, codes, n, products);
        return;
    }
    for (uint64_t left = allowed; left != 0; left &= left - 1) {
        const size_t i = (size_t)__builtin_ctzll(left);
        pf_vcodes_products(c->query, codes + i * dim, 1, products + i);
    }
}

static bool collect(collector *c, const float *errors, uint64_t allowed,
                    const float products[WORD], size_t first, pf_err *err)
{
    for (uint64_t left = allowed; left != 0; left &= left - 1) {
        const size_t i = (size_t)__builtin_ctzll(left);
        const float error = errors[i] * c->length + c->noise;
        if (products[i] + error >= c->least &&
            !take(c, products[i], error, first + i, err))
            return false;
    }
    return true;
}

static bool scan_word(member *m, size_t first, size_t n, pf_err *err)
{
    const pf_vscan *s = m->scan;
    const uint64_t allowed = allowed_of(s, first, n);
    const uint8_t *codes;
    const float *errors;
    float products[WORD];
    if (allowed == 0)
        return true;
    if (!pf_vfile_get_codes(s->file, first, n, &codes, &errors, err))
        return false;
    for (size_t q = 0; q < s->n_queries; q++) {
        collector *c = &m->collectors[q];
        multiply(c, codes, pf_vfile_dim(s->file), n, allowed, products);
        if (!collect(c, errors, allowed, products, first, err))
            return false;
    }
    return true;
}

static pf_vlists_range range_of(const pf_vscan *s, size_t item)
{
    if (s->ranges)
        return s->ranges[item];
    const size_t count = pf_vfile_count(s->file), first = item * ITEM;
    return (pf_vlists_range){first, count - first < ITEM ? count : first + ITEM};
}

static bool scan_item(void *user, size_t item, pf_err *err)
{
    member *m = user;
    const pf_vlists_range r = range_of(m->scan, item);
    for (size_t first = r.first; first < r.end; first += WORD) {
        const size_t left = r.end - first;
        if (!scan_word(m, first, left < WORD ? left : WORD, err))
            return false;
    }
    return true;
}

/* ---- all threads ----------------------------------------------------------------- */

static void free_members(member *members, size_t n, size_t n_queries)
{
    for (size_t i = 0; members && i < n; i++) {
        for (size_t q = 0; members[i].collectors && q < n_queries; q++) {
            pf_free(members[i].collectors[q].lowers);
            pf_free(members[i].collectors[q].found);
        }
        pf_free(members[i].collectors);
    }
    pf_free(members);
}

static bool init_member(member *m, const pf_vscan *s, pf_vcodes_query *const *queries,
                        size_t k, float least, pf_err *err)
{
    m->scan = s;
    m->collectors = pf_alloc_array(s->n_queries, sizeof *m->collectors, err);
    for (size_t q = 0; m->collectors && q < s->n_queries; q++) {
        collector *c = &m->collectors[q];
        *c = (collector){.query = queries[q],
                         .length = pf_vcodes_length(queries[q]),
                         .noise = pf_vscan_noise(queries[q], pf_vfile_dim(s->file)),
                         .least = least,
                         .lowers = pf_alloc_array(k, sizeof *c->lowers, err),
                         .k = k,
                         .limit = k < SIZE_MAX / 8 ? 4 * k + FEW : k};
        if (!c->lowers)
            return false;
    }
    return m->collectors != NULL;
}

static size_t count_threads(const pf_vscan *s, size_t n_items)
{
    const size_t work = s->n_allowed * pf_vfile_dim(s->file) * s->n_queries;
    const size_t n = work < WORTH_THREADS ? 1 : (size_t)s->threads;
    return n < n_items ? n : n_items;
}

static bool run(member *members, size_t n, size_t n_items, pf_err *err)
{
    void *list[THREADS_MAX];
    const pf_team team = {
        .work = scan_item, .members = list, .n_members = n, .n_items = n_items};
    for (size_t i = 0; i < n; i++)
        list[i] = &members[i];
    if (n > 1)
        return pf_team_run(&team, err);
    for (size_t i = 0; i < n_items; i++) {
        if (!scan_item(&members[0], i, err))
            return false;
    }
    return true;
}

static pf_vcodes_query **prepare(const pf_vscan *s, pf_err *err)
{
    pf_vcodes_query **queries = pf_alloc_array(s->n_queries, sizeof *queries, err);
    const size_t dim = pf_vfile_dim(s->file);
    for (size_t q = 0; queries && q < s->n_queries; q++) {
        queries[q] =
            pf_vcodes_prepare(pf_vfile_codes(s->file), s->queries + q * dim, err);
        if (!queries[q]) {
            while (q-- > 0)
                pf_free(queries[q]);
            pf_free(queries);
            return NULL;
        }
    }
    return queries;
}

/* ---- exact scores ---------------------------------------------------------------- */

static int compare_hits(const void *a, const void *b)
{
    const pf_vscan_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static bool score(const pf_vscan *s, size_t q, size_t position, pf_vscan_hit *out,
                  pf_err *err)
{
    const size_t dim = pf_vfile_dim(s->file);
    const float *vector;
    if (!pf_vfile_get_vector(s->file, position, &vector, err) ||
        !pf_vfile_get_id(s->file, position, &out->id, err))
        return false;
    out->score = pf_vindex_product(s->queries + q * dim, vector, dim);
    return true;
}

static void cut(pf_vscan_hit *found, size_t n, size_t k, pf_vscan_hit *hits,
                size_t *count)
{
    qsort(found, n, sizeof *found, compare_hits);
    *count = n < k ? n : k;
    memcpy(hits, found, *count * sizeof *hits);
}

/* Everything that is allowed, where it would be nearly all of it anyway. */
static bool score_all(const pf_vscan *s, size_t k, pf_vscan_hit *hits, size_t *counts,
                      pf_err *err)
{
    const size_t count = pf_vfile_count(s->file);
    pf_vscan_hit *found = pf_alloc_array(s->n_allowed, sizeof *found, err);
    bool ok = found != NULL;
    for (size_t q = 0; ok && q < s->n_queries; q++) {
        size_t n = 0;
        for (size_t first = 0; ok && first < count; first += WORD) {
            const size_t left = count - first;
            uint64_t bits = allowed_of(s, first, left < WORD ? left : WORD);
            for (; ok && bits != 0; bits &= bits - 1, n++)
                ok = score(s, q, first + (size_t)__builtin_ctzll(bits), &found[n], err);
        }
        if (ok)
            cut(found, n, k, hits + q * k, &counts[q]);
    }
    pf_free(found);
    return ok;
}

/* ---- the nearest ----------------------------------------------------------------- */

static int descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The k-th best lower bound of all threads together. */
static bool settle_least(const member *members, size_t n, size_t q, size_t k,
                         float *least, pf_err *err)
{
    size_t all = 0;
    *least = -INFINITY;
    float *lowers = pf_alloc_array(n * k, sizeof *lowers, err);
    for (size_t i = 0; lowers && i < n; i++) {
        const collector *c = &members[i].collectors[q];
        memcpy(lowers + all, c->lowers, c->n_lowers * sizeof *lowers);
        all += c->n_lowers;
    }
    if (lowers && all >= k) {
        qsort(lowers, all, sizeof *lowers, descending);
        *least = lowers[k - 1];
    }
    pf_free(lowers);
    return lowers != NULL;
}

/* Those of a query that may be among the nearest, with their exact scores. */
static bool score_candidates(const pf_vscan *s, const member *members, size_t n,
                             size_t q, float least, pf_vscan_hit **out, size_t *n_out,
                             pf_err *err)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += members[i].collectors[q].n;
    *n_out = 0;
    *out = pf_alloc_array(all, sizeof **out, err);
    for (size_t i = 0; *out && i < n; i++) {
        const collector *c = &members[i].collectors[q];
        for (size_t j = 0; j < c->n; j++) {
            if (c->found[j].upper < least)
                continue;
            if (!score(s, q, c->found[j].position, *out + *n_out, err))
                return false;
            ++*n_out;
        }
    }
    return *out != NULL;
}

static bool take_nearest(const pf_vscan *s, const member *members, size_t n, size_t q,
                         size_t k, pf_vscan_hit *hits, size_t *count, pf_err *err)
{
    float least;
    pf_vscan_hit *found = NULL;
    size_t n_found = 0;
    const bool ok = settle_least(members, n, q, k, &least, err) &&
                    score_candidates(s, members, n, q, least, &found, &n_found, err);
    if (ok)
        cut(found, n_found, k, hits, count);
    pf_free(found);
    return ok;
}

/* Scan for some queries; what is done with what was found is up to `finish`. */
typedef bool finish_fn(const pf_vscan *s, const member *members, size_t n, void *user,
                       pf_err *err);

static bool scan(const pf_vscan *s, size_t k, float least, finish_fn *finish,
                 void *user, pf_err *err)
{
    const size_t n_items =
        s->ranges ? s->n_ranges : (pf_vfile_count(s->file) + ITEM - 1) / ITEM;
    const size_t n = count_threads(s, n_items);
    pf_vcodes_query **queries = prepare(s, err);
    member *members = queries ? pf_alloc_array(n, sizeof *members, err) : NULL;
    bool ok = members != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = init_member(&members[i], s, queries, k, least, err);
    ok = ok && run(members, n, n_items, err) && finish(s, members, n, user, err);
    free_members(members, members ? n : 0, s->n_queries);
    for (size_t q = 0; queries && q < s->n_queries; q++)
        pf_free(queries[q]);
    pf_free(queries);
    return ok;
}

typedef struct {
    size_t k;
    pf_vscan_hit *hits;
    size_t *counts;
} nearest;

static bool finish_nearest(const pf_vscan *s, const member *members, size_t n,
                           void *user, pf_err *err)
{
    const nearest *to = user;
    for (size_t q = 0; q < s->n_queries; q++) {
        if (!take_nearest(s, members, n, q, to->k, to->hits + q * to->k, to->counts + q,
                          err))
            return false;
    }
    return true;
}

static pf_vscan some_queries(const pf_vscan *s, size_t first, size_t at_once)
{
    pf_vscan some = *s;
    some.queries += first * pf_vfile_dim(s->file);
    some.n_queries = s->n_queries - first < at_once ? s->n_queries - first : at_once;
    return some;
}

bool pf_vscan_nearest(const pf_vscan *s, size_t k, pf_vscan_hit *hits, size_t *counts,
                      pf_err *err)
{
    if (k == 0 || s->n_allowed == 0) {
        memset(counts, 0, s->n_queries * sizeof *counts);
        return true;
    }
    if (!pf_vfile_begin(s->file, err))
        return false;
    if (!s->ranges && k >= s->n_allowed / ALL_SHARE)
        return score_all(s, k, hits, counts, err);
    for (size_t first = 0; first < s->n_queries; first += QUERIES_AT_ONCE) {
        const pf_vscan some = some_queries(s, first, QUERIES_AT_ONCE);
        nearest to = {k, hits + first * k, counts + first};
        if (!scan(&some, k, -INFINITY, finish_nearest, &to, err))
            return false;
    }
    return true;
}

/* ---- ranges ---------------------------------------------------------------------- */

typedef struct {
    float min_score;
    size_t first; /* query */
    pf_vscan_fn *fn;
    void *user;
} near;

static bool finish_near(const pf_vscan *s, const member *members, size_t n, void *user,
                        pf_err *err)
{
    const near *to = user;
    for (size_t q = 0; q < s->n_queries; q++) {
        pf_vscan_hit *found = NULL;
        size_t n_found = 0;
        const bool ok =
            score_candidates(s, members, n, q, -INFINITY, &found, &n_found, err);
        for (size_t i = 0; ok && i < n_found; i++) {
            if (found[i].score >= to->min_score - PF_VINDEX_NOISE)
                to->fn(to->user, to->first + q, found[i].id);
        }
        pf_free(found);
        if (!ok)
            return false;
    }
    return true;
}

bool pf_vscan_near(const pf_vscan *s, float min_score, pf_vscan_fn *fn, void *user,
                   pf_err *err)
{
    enum { CELLS = 1 << 22 }; /* pairs that may be found at once */
    const size_t count = pf_vfile_count(s->file);
    const size_t rows = CELLS / (count + 1) + 1;
    if (s->n_allowed == 0)
        return true;
    if (!pf_vfile_begin(s->file, err))
        return false;
    for (size_t first = 0; first < s->n_queries; first += rows) {
        const pf_vscan some = some_queries(s, first, rows);
        near to = {min_score, first, fn, user};
        if (!scan(&some, 0, min_score, finish_near, &to, err))
            return false;
    }
    return true;
}
