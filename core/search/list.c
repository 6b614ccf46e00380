/* list.c - see list.h. Images are put in order, and the rest follows from theirs. */
#include "core/search/list.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/search/cases.h"
#include "core/search/dates.h"
#include "core/search/hits.h"
#include "core/search/neighbours.h"

/* By `place` from the highest, then by id from the highest. */
typedef struct {
    int64_t id;
    uint64_t place;
} placed;

typedef struct {
    const pf_list *list;
    const pf_query *q;
    const pf_id_set *images; /* that are listed */
    pf_id_set all;           /* when all are */
    int64_t *order;          /* [n] ids of the images */
    size_t n;
} listing;

/* ---- images in order ---- */

static int highest_first(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->place != y->place)
        return x->place > y->place ? -1 : 1;
    return (x->id < y->id) - (x->id > y->id);
}

static bool take_in_order(void *user, int64_t image_id, const char *value, pf_err *err)
{
    listing *l = user;
    (void)value, (void)err;
    if (l->n < l->images->n && pf_id_set_has(l->images, image_id))
        l->order[l->n++] = image_id;
    return true;
}

/* An id under a seed, mixed: S. Vigna's splitmix64. */
static uint64_t mix(uint64_t seed, int64_t id)
{
    uint64_t z = seed + (uint64_t)id * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool place_by_date(const listing *l, placed *places, pf_err *err)
{
    int64_t *dates;
    if (!pf_dates_load(&dates, l->list->store, l->images, err))
        return false;
    for (size_t i = 0; i < l->images->n; i++)
        places[i].place = (uint64_t)dates[i];
    pf_free(dates);
    return true;
}

/* The first `most` of them in order; the others may be lost. Twice as many as are kept
 * are sorted at a time, and what comes behind the last of these is passed over. */
static void sort_first(placed *places, size_t n, size_t most)
{
    const size_t room = most < n / 4 ? 2 * most + 64 : n;
    placed last = {0};
    bool is_full = false;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_full && highest_first(&places[i], &last) > 0)
            continue;
        places[kept++] = places[i];
        if (kept < room || i + 1 == n)
            continue;
        qsort(places, kept, sizeof *places, highest_first);
        kept = most;
        last = places[most - 1];
        is_full = true;
    }
    if (kept > 0)
        qsort(places, kept, sizeof *places, highest_first);
}

static bool order_by_place(listing *l, pf_err *err)
{
    const pf_id_set *images = l->images;
    const size_t page = l->q->offset + l->q->limit;
    const bool is_page = l->q->find == PF_FIND_IMAGES && page < images->n;
    placed *places = pf_alloc_array(images->n, sizeof *places, err);
    if (!places)
        return false;
    for (size_t i = 0; i < images->n; i++)
        places[i].id = images->ids[i];
    for (size_t i = 0; l->q->sort == PF_SORT_RANDOM && i < images->n; i++)
        places[i].place = mix(l->q->seed, places[i].id);
    const bool ok = l->q->sort == PF_SORT_RANDOM || l->q->sort == PF_SORT_ADDED ||
                    place_by_date(l, places, err);
    if (ok)
        sort_first(places, images->n, is_page ? page : images->n);
    for (; ok && l->n < images->n; l->n++)
        l->order[l->n] = places[l->n].id;
    pf_free(places);
    return ok;
}

static bool put_in_order(listing *l, pf_err *err)
{
    l->images = l->list->only;
    if (!l->images) {
        if (!pf_scope_all_images(&l->all, l->list->store, err))
            return false;
        l->images = &l->all;
    }
    l->order = pf_alloc_array(l->images->n, sizeof *l->order, err);
    if (!l->order)
        return false;
    return l->q->sort == PF_SORT_PATH
               ? pf_store_each_path(l->list->store, take_in_order, l, err)
               : order_by_place(l, err);
}

/* ---- hits ---- */

/* Those that are asked for of n in order. */
static size_t page_of(const pf_query *q, size_t n)
{
    const size_t left = n > q->offset ? n - q->offset : 0;
    return left < q->limit ? left : q->limit;
}

/* There is nothing that a score could be of. */
static float *no_scores(size_t n, pf_err *err)
{
    float *scores = pf_alloc_array(n, sizeof *scores, err);
    for (size_t i = 0; scores && i < n; i++)
        scores[i] = NAN;
    return scores;
}

static bool fill_page(const listing *l, const int64_t *order, size_t n, pf_hits *out,
                      pf_err *err)
{
    const size_t n_page = page_of(l->q, n);
    float *scores = no_scores(n_page, err);
    const bool ok = scores && (n_page == 0 ||
                               pf_hits_fill(out, l->list->store, l->q->find,
                                            order + l->q->offset, scores, n_page, err));
    pf_free(scores);
    return ok;
}

/* ---- captions ---- */

typedef struct {
    const pf_id_set *images;
    uint64_t *back; /* [images] place of each, from the highest */
    placed *captions;
    size_t n, room;
} captions;

static bool take_caption(void *user, int64_t caption_id, int64_t image_id, pf_err *err)
{
    captions *c = user;
    size_t at;
    if (!pf_ids_find(c->images->ids, c->images->n, image_id, &at))
        return true;
    if (!pf_grow_array(&c->captions, &c->room, c->n, sizeof *c->captions, err))
        return false;
    /* Of one image the lowest id comes first. */
    c->captions[c->n++] = (placed){-caption_id, c->back[at]};
    return true;
}

static bool order_captions(const listing *l, captions *c, pf_err *err)
{
    c->back = pf_alloc_array(l->n, sizeof *c->back, err);
    for (size_t i = 0; c->back && i < l->n; i++) {
        size_t at;
        if (pf_ids_find(l->images->ids, l->images->n, l->order[i], &at))
            c->back[at] = l->n - i;
    }
    if (!c->back || !pf_store_each_caption(l->list->store, take_caption, c, err))
        return false;
    if (c->n > 0)
        qsort(c->captions, c->n, sizeof *c->captions, highest_first);
    return true;
}

static bool list_captions(const listing *l, pf_hits *out, pf_err *err)
{
    captions c = {.images = l->images};
    int64_t *ids = NULL;
    const bool ok = order_captions(l, &c, err) &&
                    (ids = pf_alloc_array(c.n, sizeof *ids, err)) != NULL;
    for (size_t i = 0; ok && i < c.n; i++)
        ids[i] = -c.captions[i].id;
    const bool is_filled = ok && fill_page(l, ids, c.n, out, err);
    pf_free(c.back);
    pf_free(c.captions);
    pf_free(ids);
    return is_filled;
}

/* ---- cases ---- */

/* Only images that have a case are ranked. */
static bool rank_cases(const listing *l, const pf_case_map *map, pf_ranked_cases *out,
                       pf_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (pf_case_map_find(map, l->order[i]))
            l->order[n++] = l->order[i];
    }
    float *scores = no_scores(n, err);
    const bool ok = scores && pf_cases_rank(out, map, l->order, scores, n,
                                            l->q->offset + l->q->limit, err);
    pf_free(scores);
    return ok;
}

static bool list_cases(const listing *l, pf_hits *out, pf_err *err)
{
    pf_case_map map = {0};
    pf_ranked_cases ranked = {0};
    bool ok = pf_case_map_load(&map, l->list->store, err) &&
              (map.n_cases > 0 ||
               pf_fail(err, PF_ERR_NOT_FOUND,
                       "catalog '%s' has no cases, only images and captions can be "
                       "found in it",
                       l->list->folder)) &&
              rank_cases(l, &map, &ranked, err);
    if (ok) {
        pf_ranked_cases page = ranked;
        page.n_cases = page_of(l->q, ranked.n_cases);
        page.cases += page.n_cases > 0 ? l->q->offset : 0;
        ok = pf_hits_fill_cases(out, l->list->store, &page, err);
    }
    pf_ranked_cases_reset(&ranked);
    pf_case_map_reset(&map);
    return ok;
}

/* ---- all of it ---- */

bool pf_list_run(const pf_list *list, const pf_query *q, pf_hits *out, pf_err *err)
{
    listing l = {.list = list, .q = q};
    const size_t before = out->n_hits;
    const bool ok =
        put_in_order(&l, err) &&
        (q->find == PF_FIND_CAPTIONS ? list_captions(&l, out, err)
         : q->find == PF_FIND_CASES  ? list_cases(&l, out, err)
                                     : fill_page(&l, l.order, l.n, out, err));
    for (size_t i = before; i < out->n_hits; i++)
        out->hits[i].percentile = (double)NAN;
    pf_id_set_reset(&l.all);
    pf_free(l.order);
    return ok;
}
