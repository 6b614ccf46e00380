/*
 * nearest.c - see nearest.h.
 *
 * What may be found at all is decided before the search and given to the index: a
 * ranking that is thinned out afterwards would come back short. Cases are exact in the
 * same way: every image that has a case is scored, for no number of neighbours promises
 * a number of cases.
 */
#include "core/search/nearest.h"

#include "core/base/mem.h"
#include "core/search/cases.h"
#include "core/search/hits.h"

/* Neighbours: best first. */
typedef struct {
    int64_t *ids;
    float *scores;
    size_t n;
} found;

static void free_found(found *f)
{
    pf_free(f->ids);
    pf_free(f->scores);
}

/* The k nearest, or those of `only` (NULL: of all). */
static bool look(const pf_nearest *a, size_t k, const int64_t *only, size_t n_only,
                 found *out, pf_err *err)
{
    const size_t count = only ? n_only : pf_vindex_count(a->index);
    if (k > count)
        k = count;
    if (k == 0)
        return true;
    out->ids = pf_alloc_array(k, sizeof *out->ids, err);
    out->scores = pf_alloc_array(k, sizeof *out->scores, err);
    return out->ids && out->scores &&
           pf_vindex_search(a->index, a->vector, 1, k, only, n_only, out->ids,
                            out->scores, &out->n, err);
}

/* Remember the best, then down to the lowest score asked for. */
static void cut(const pf_query *q, found *f, pf_answer *out)
{
    if (f->n > 0)
        out->best = f->scores[0];
    while (f->n > 0 && (double)f->scores[f->n - 1] < q->min_score)
        f->n--;
}

/* ---- images and captions ---- */

static bool is_like(const pf_nearest *a, int64_t id)
{
    for (size_t i = 0; i < a->n_like; i++) {
        if (a->like[i] == id)
            return true;
    }
    return false;
}

/* Those asked with "like" go, those past the limit too. */
static void keep(const pf_nearest *a, const pf_query *q, found *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n && kept < q->limit; i++) {
        if (q->find == PF_FIND_IMAGES && is_like(a, f->ids[i]))
            continue;
        f->ids[kept] = f->ids[i];
        f->scores[kept++] = f->scores[i];
    }
    f->n = kept;
}

static bool find_plain(const pf_nearest *a, const pf_query *q, const pf_id_set *only,
                       pf_answer *out, pf_err *err)
{
    found f = {0};
    const size_t count = pf_vindex_count(a->index);
    const size_t k = q->limit < count ? q->limit + a->n_like : count;
    bool ok =
        only ? look(a, k, only->ids, only->n, &f, err) : look(a, k, NULL, 0, &f, err);
    if (ok) {
        keep(a, q, &f);
        cut(q, &f, out);
        ok = pf_hits_fill(out, a->store, q->find, f.ids, f.scores, f.n, err);
    }
    free_found(&f);
    return ok;
}

static bool find_captions(const pf_nearest *a, const pf_query *q, pf_answer *out,
                          pf_err *err)
{
    if (!a->images)
        return find_plain(a, q, NULL, out, err);
    pf_id_set captions = {0};
    const bool ok = pf_scope_captions(&captions, a->store, a->images, err) &&
                    (captions.n == 0 || find_plain(a, q, &captions, out, err));
    pf_id_set_reset(&captions);
    return ok;
}

/* ---- cases ---- */

static bool is_like_case(const pf_nearest *a, const pf_case_map *map, int64_t case_id)
{
    for (size_t i = 0; i < a->n_like; i++) {
        const pf_case_image *image = pf_case_map_find(map, a->like[i]);
        if (image && image->case_id == case_id)
            return true;
    }
    return false;
}

/* Images of cases that may be found, of none that was asked with. Given; NULL on
 * failure. */
static int64_t *images_of_cases(const pf_nearest *a, const pf_case_map *map, size_t *n,
                                pf_err *err)
{
    int64_t *ids = pf_alloc_array(map->n_images, sizeof *ids, err);
    *n = 0;
    for (size_t i = 0; ids && i < map->n_images; i++) {
        const pf_case_image *image = &map->images[i];
        if ((!a->images || pf_id_set_has(a->images, image->id)) &&
            !is_like_case(a, map, image->case_id))
            ids[(*n)++] = image->id;
    }
    return ids;
}

static bool rank_cases(const pf_nearest *a, const pf_query *q, const pf_case_map *map,
                       pf_ranked_cases *ranked, pf_answer *out, pf_err *err)
{
    found f = {0};
    size_t n = 0;
    int64_t *only = images_of_cases(a, map, &n, err);
    bool ok = only && look(a, n, only, n, &f, err);
    if (ok) {
        cut(q, &f, out);
        ok = pf_cases_rank(ranked, map, f.ids, f.scores, f.n, q->limit, err);
    }
    free_found(&f);
    pf_free(only);
    return ok;
}

static bool find_cases(const pf_nearest *a, const pf_query *q, pf_answer *out,
                       pf_err *err)
{
    pf_case_map map = {0};
    pf_ranked_cases ranked = {0};
    if (!pf_case_map_load(&map, a->store, err))
        return false;
    const bool ok =
        (map.n_cases > 0 ||
         pf_fail(err, PF_ERR_NOT_FOUND,
                 "catalog '%s' has no cases, only images and captions can be found "
                 "in it",
                 a->folder)) &&
        rank_cases(a, q, &map, &ranked, out, err) &&
        pf_hits_fill_cases(out, a->store, &ranked, err);
    pf_ranked_cases_reset(&ranked);
    pf_case_map_reset(&map);
    return ok;
}

bool pf_nearest_run(const pf_nearest *a, const pf_query *q, pf_answer *out, pf_err *err)
{
    switch (q->find) {
    case PF_FIND_CAPTIONS:
        return find_captions(a, q, out, err);
    case PF_FIND_CASES:
        return find_cases(a, q, out, err);
    case PF_FIND_IMAGES:
        break;
    }
    return find_plain(a, q, a->images, out, err);
}
