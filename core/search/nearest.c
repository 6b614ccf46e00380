/*
 * nearest.c - see nearest.h.
 *
 * What may be found at all is decided before the search and given to the index: a
 * ranking that is thinned out afterwards would come back short. Cases are exact in the
 * same way: every image that has a case is scored, for no number of neighbours promises
 * a number of cases. Nor does one promise a number of hits without near duplicates:
 * there the ranking grows until they are together, then what is near them is added.
 */
#include "core/search/nearest.h"

#include "core/base/mem.h"
#include "core/search/cases.h"
#include "core/search/collapse.h"
#include "core/search/hits.h"
#include "core/search/neighbours.h"

/* Remember the best, then down to the lowest score asked for. */
static void cut(const pf_query *q, pf_neighbours *f, pf_hits *out)
{
    if (f->n > 0)
        out->best = f->scores[0];
    while (f->n > 0 && (double)f->scores[f->n - 1] < q->min_score)
        f->n--;
}

/* ---- rankings ---- */

static bool is_like(const pf_nearest *a, int64_t id)
{
    for (size_t i = 0; i < a->n_like; i++) {
        if (a->like[i] == id)
            return true;
    }
    return false;
}

/* Those asked with "like" go, those past the limit too. */
static void keep(const pf_nearest *a, const pf_query *q, size_t limit, pf_neighbours *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n && kept < limit; i++) {
        if (q->find == PF_FIND_IMAGES && is_like(a, f->ids[i]))
            continue;
        f->ids[kept] = f->ids[i];
        f->scores[kept++] = f->scores[i];
    }
    f->n = kept;
}

/* Of the first k neighbours those that may be hits. */
static bool rank(const pf_nearest *a, const pf_query *q, size_t k, size_t limit,
                 const pf_id_set *only, pf_neighbours *f, pf_hits *out, pf_err *err)
{
    if (!pf_neighbours_find(f, a->index, a->vector, k, only, err))
        return false;
    keep(a, q, limit, f);
    cut(q, f, out);
    return true;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- without near duplicates ---- */

/* Fold more and more neighbours until `limit` are kept, or all are looked at. */
static bool collapse_first(const pf_nearest *a, const pf_query *q,
                           const pf_id_set *only, pf_neighbours *f,
                           pf_collapsed *folded, bool *is_all, pf_hits *out,
                           pf_err *err)
{
    const size_t count = only ? only->n : pf_vindex_count(a->index);
    for (size_t k = smaller(q->limit, count) + a->n_like + 16;; k *= 4) {
        if (!rank(a, q, k, k, only, f, out, err) ||
            !pf_collapse(folded, a->index, f->ids, f->n, q->collapse, q->limit, err))
            return false;
        *is_all = k >= count;
        if (*is_all || folded->n_kept == q->limit)
            return true;
        pf_neighbours_reset(f);
        pf_collapsed_reset(folded);
    }
}

/* What is near the kept ones and may be a hit: those, and all that folds into them. */
static bool rank_candidates(const pf_nearest *a, const pf_query *q,
                            const pf_id_set *only, const pf_neighbours *f,
                            const pf_collapsed *folded, pf_neighbours *all,
                            pf_hits *out, pf_err *err)
{
    pf_id_set near = {0};
    int64_t *kept = pf_alloc_array(folded->n_kept, sizeof *kept, err);
    for (size_t i = 0; kept && i < folded->n_kept; i++)
        kept[i] = f->ids[folded->kept[i]];
    bool ok = kept && pf_collapse_candidates(a->index, kept, folded->n_kept,
                                             q->collapse, &near.ids, &near.n, err);
    if (ok && only) {
        size_t n = 0;
        for (size_t i = 0; i < near.n; i++) {
            if (pf_id_set_has(only, near.ids[i]))
                near.ids[n++] = near.ids[i];
        }
        near.n = n;
    }
    ok = ok && rank(a, q, near.n, near.n, &near, all, out, err);
    pf_id_set_reset(&near);
    pf_free(kept);
    return ok;
}

/* The kept ones stay the same among their candidates: whatever is near one of them
 * folds into it, or into one before it. */
static bool collapse_rest(const pf_nearest *a, const pf_query *q, const pf_id_set *only,
                          pf_neighbours *f, pf_collapsed *folded, pf_hits *out,
                          pf_err *err)
{
    pf_neighbours all = {0};
    if (!rank_candidates(a, q, only, f, folded, &all, out, err)) {
        pf_neighbours_reset(&all);
        return false;
    }
    pf_neighbours_reset(f);
    *f = all;
    pf_collapsed_reset(folded);
    return pf_collapse(folded, a->index, f->ids, f->n, q->collapse, q->limit, err);
}

/* Hits are the kept ones only, so their ids and scores are moved together. */
static bool fill_collapsed(const pf_nearest *a, const pf_query *q,
                           const pf_neighbours *f, const pf_collapsed *folded,
                           pf_hits *out, pf_err *err)
{
    const size_t before = out->n_hits, n = folded->n_kept;
    pf_neighbours kept = {0};
    bool ok = pf_neighbours_alloc(&kept, n, err);
    for (size_t i = 0; ok && i < n; i++) {
        kept.ids[i] = f->ids[folded->kept[i]];
        kept.scores[i] = f->scores[folded->kept[i]];
    }
    ok = ok && (n == 0 ||
                (pf_hits_fill(out, a->store, q->find, kept.ids, kept.scores, n, err) &&
                 pf_collapse_tell(folded, f->ids, out->hits + before, err)));
    pf_neighbours_reset(&kept);
    return ok;
}

static bool find_collapsed(const pf_nearest *a, const pf_query *q,
                           const pf_id_set *only, pf_hits *out, pf_err *err)
{
    pf_neighbours f = {0};
    pf_collapsed folded = {0};
    bool is_all = false;
    const bool ok = collapse_first(a, q, only, &f, &folded, &is_all, out, err) &&
                    (is_all || collapse_rest(a, q, only, &f, &folded, out, err)) &&
                    fill_collapsed(a, q, &f, &folded, out, err);
    pf_collapsed_reset(&folded);
    pf_neighbours_reset(&f);
    return ok;
}

/* ---- images and captions ---- */

static bool find_plain(const pf_nearest *a, const pf_query *q, const pf_id_set *only,
                       pf_hits *out, pf_err *err)
{
    pf_neighbours f = {0};
    const size_t count = pf_vindex_count(a->index);
    const size_t k = q->limit < count ? q->limit + a->n_like : count;
    if (q->collapses)
        return find_collapsed(a, q, only, out, err);
    const bool ok = rank(a, q, k, q->limit, only, &f, out, err) &&
                    pf_hits_fill(out, a->store, q->find, f.ids, f.scores, f.n, err);
    pf_neighbours_reset(&f);
    return ok;
}

static bool find_captions(const pf_nearest *a, const pf_query *q, pf_hits *out,
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

/* Images of cases that may be found, of none that was asked with. */
static bool images_of_cases(const pf_nearest *a, const pf_case_map *map, pf_id_set *out,
                            pf_err *err)
{
    out->ids = pf_alloc_array(map->n_images, sizeof *out->ids, err);
    for (size_t i = 0; out->ids && i < map->n_images; i++) {
        const pf_case_image *image = &map->images[i];
        if ((!a->images || pf_id_set_has(a->images, image->id)) &&
            !is_like_case(a, map, image->case_id))
            out->ids[out->n++] = image->id;
    }
    return out->ids != NULL;
}

static bool rank_cases(const pf_nearest *a, const pf_query *q, const pf_case_map *map,
                       pf_ranked_cases *ranked, pf_hits *out, pf_err *err)
{
    pf_neighbours f = {0};
    pf_id_set only = {0};
    bool ok = images_of_cases(a, map, &only, err) &&
              pf_neighbours_find(&f, a->index, a->vector, only.n, &only, err);
    if (ok) {
        cut(q, &f, out);
        ok = pf_cases_rank(ranked, map, f.ids, f.scores, f.n, q->limit, err);
    }
    pf_neighbours_reset(&f);
    pf_id_set_reset(&only);
    return ok;
}

static bool find_cases(const pf_nearest *a, const pf_query *q, pf_hits *out,
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

bool pf_nearest_run(const pf_nearest *a, const pf_query *q, pf_hits *out, pf_err *err)
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
