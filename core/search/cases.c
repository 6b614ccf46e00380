/* cases.c - see cases.h. */
#include "core/search/cases.h"

#include <stdlib.h>

#include "core/base/mem.h"

static const size_t NO_RANK = (size_t)-1;

/* ---- the map ---- */

typedef struct {
    pf_case_map *map;
    size_t room, size_room;
} loader;

/* Room for one more element in an array of `n`. */
static bool make_room(void **array, size_t *room, size_t n, size_t size, pf_err *err)
{
    if (n < *room)
        return true;
    const size_t more = *room ? 2 * *room : 256;
    if (!pf_resize_array(array, more, size, err))
        return false;
    *room = more;
    return true;
}

/* They come case by case. */
static bool add_image(void *user, int64_t case_id, int64_t image_id, pf_err *err)
{
    loader *l = user;
    pf_case_map *map = l->map;
    void *images = map->images, *sizes = map->sizes;
    bool ok = make_room(&images, &l->room, map->n_images, sizeof *map->images, err);
    map->images = images;
    ok = ok && make_room(&sizes, &l->size_room, map->n_cases, sizeof *map->sizes, err);
    map->sizes = sizes;
    if (!ok)
        return false;
    if (map->n_images == 0 || map->images[map->n_images - 1].case_id != case_id)
        map->sizes[map->n_cases++] = 0;
    map->sizes[map->n_cases - 1]++;
    map->images[map->n_images++] =
        (pf_case_image){.id = image_id, .case_id = case_id, .index = map->n_cases - 1};
    return true;
}

static int by_image(const void *a, const void *b)
{
    const pf_case_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

bool pf_case_map_load(pf_case_map *out, pf_store *store, pf_err *err)
{
    loader l = {.map = out};
    if (!pf_store_each_case_image(store, add_image, &l, err)) {
        pf_case_map_reset(out);
        return false;
    }
    if (out->n_images > 0)
        qsort(out->images, out->n_images, sizeof *out->images, by_image);
    return true;
}

void pf_case_map_reset(pf_case_map *map)
{
    pf_free(map->images);
    pf_free(map->sizes);
    *map = (pf_case_map){0};
}

const pf_case_image *pf_case_map_find(const pf_case_map *map, int64_t image_id)
{
    const pf_case_image key = {.id = image_id};
    return map->n_images == 0 ? NULL
                              : bsearch(&key, map->images, map->n_images,
                                        sizeof *map->images, by_image);
}

/* ---- the ranking ---- */

/* Ranks as their best images come by; rank_of [map->n_cases] is NO_RANK at first. */
static void rank_cases(pf_ranked_cases *out, const pf_case_map *map, size_t *rank_of,
                       const int64_t *ids, size_t n, size_t limit)
{
    for (size_t i = 0; i < n; i++) {
        const pf_case_image *image = pf_case_map_find(map, ids[i]);
        size_t *rank = &rank_of[image->index];
        if (*rank == NO_RANK) {
            if (out->n_cases == limit)
                continue;
            *rank = out->n_cases++;
            out->cases[*rank] = (pf_ranked_case){.id = image->case_id,
                                                 .n_images = map->sizes[image->index]};
        }
        out->cases[*rank].found++;
    }
}

/* The images move behind those of the cases before theirs. */
static void place_images(pf_ranked_cases *out, const pf_case_map *map,
                         const size_t *rank_of, const int64_t *ids, const float *scores,
                         size_t n)
{
    for (size_t i = 0, first = 0; i < out->n_cases; i++) {
        out->cases[i].first = first;
        first += out->cases[i].found;
        out->cases[i].found = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t rank = rank_of[pf_case_map_find(map, ids[i])->index];
        if (rank == NO_RANK)
            continue;
        pf_ranked_case *c = &out->cases[rank];
        out->ids[c->first + c->found] = ids[i];
        out->scores[c->first + c->found++] = scores[i];
    }
}

bool pf_cases_rank(pf_ranked_cases *out, const pf_case_map *map, const int64_t *ids,
                   const float *scores, size_t n, size_t limit, pf_err *err)
{
    const size_t most = limit < map->n_cases ? limit : map->n_cases;
    size_t *rank_of = pf_alloc_array(map->n_cases, sizeof *rank_of, err);
    const bool ok = rank_of &&
                    (out->cases = pf_alloc_array(most, sizeof *out->cases, err)) &&
                    (out->ids = pf_alloc_array(n, sizeof *out->ids, err)) &&
                    (out->scores = pf_alloc_array(n, sizeof *out->scores, err));
    if (ok) {
        for (size_t i = 0; i < map->n_cases; i++)
            rank_of[i] = NO_RANK;
        rank_cases(out, map, rank_of, ids, n, most);
        place_images(out, map, rank_of, ids, scores, n);
    } else {
        pf_ranked_cases_reset(out);
    }
    pf_free(rank_of);
    return ok;
}

void pf_ranked_cases_reset(pf_ranked_cases *ranked)
{
    pf_free(ranked->cases);
    pf_free(ranked->ids);
    pf_free(ranked->scores);
    *ranked = (pf_ranked_cases){0};
}
