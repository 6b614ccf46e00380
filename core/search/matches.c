/* matches.c - see matches.h. */
#include "core/search/matches.h"

#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/search/cases.h"
#include "core/search/neighbours.h"

static bool is_like(const pf_matching *of, int64_t image_id)
{
    for (size_t i = 0; i < of->n_like; i++) {
        if (of->like[i] == image_id)
            return true;
    }
    return false;
}

/* ---- images ---- */

static bool make_images(pf_matches *out, const pf_matching *of, pf_err *err)
{
    const pf_id_set *from = of->found ? of->found : of->only;
    pf_id_set all = {0};
    if (!from && !pf_scope_all_images(&all, of->store, err))
        return false;
    from = from ? from : &all;
    out->images = pf_alloc_array(from->n, sizeof *out->images, err);
    for (size_t i = 0; out->images && i < from->n; i++) {
        if (!is_like(of, from->ids[i]))
            out->images[out->n++] = from->ids[i];
    }
    pf_id_set_reset(&all);
    out->total = out->n_units = out->n;
    return out->images != NULL;
}

/* ---- captions ---- */

typedef struct {
    const pf_matching *of;
    pf_matches *out; /* an image for each caption, in any order */
    size_t room;
} caption_taker;

static bool take_caption(void *user, int64_t caption_id, int64_t image_id, pf_err *err)
{
    caption_taker *t = user;
    pf_matches *out = t->out;
    const pf_matching *of = t->of;
    if (of->found  ? !pf_id_set_has(of->found, caption_id)
        : of->only ? !pf_id_set_has(of->only, image_id)
                   : false)
        return true;
    if (!pf_grow_array(&out->images, &t->room, out->n, sizeof *out->images, err))
        return false;
    out->images[out->n++] = image_id;
    return true;
}

/* Each image once, with its captions counted. */
static bool count_captions(pf_matches *out, pf_err *err)
{
    const size_t n = out->n;
    out->weights = pf_alloc_array(n, sizeof *out->weights, err);
    int64_t *images = pf_alloc_array(n, sizeof *images, err);
    if (!out->weights || !images) {
        pf_free(images);
        return false;
    }
    if (n > 0)
        memcpy(images, out->images, n * sizeof *images);
    out->n = pf_ids_sort(out->images, n);
    for (size_t i = 0; i < n; i++) {
        size_t at;
        if (pf_ids_find(out->images, out->n, images[i], &at))
            out->weights[at]++;
    }
    pf_free(images);
    out->n_units = out->n;
    out->total = n;
    return true;
}

static bool make_captions(pf_matches *out, const pf_matching *of, pf_err *err)
{
    caption_taker t = {.of = of, .out = out};
    return pf_store_each_caption(of->store, take_caption, &t, err) &&
           count_captions(out, err);
}

/* ---- cases ---- */

static bool may_stand(const pf_matching *of, const pf_case_image *image)
{
    const pf_id_set *from = of->found ? of->found : of->only;
    return !from || pf_id_set_has(from, image->id);
}

/* is_left_out [map->n_cases]: the cases of images that were asked with. */
static void leave_out(const pf_matching *of, const pf_case_map *map, bool *is_left_out)
{
    for (size_t i = 0; i < of->n_like; i++) {
        const pf_case_image *image = pf_case_map_find(map, of->like[i]);
        if (image)
            is_left_out[image->index] = true;
    }
}

static bool take_cases(pf_matches *out, const pf_matching *of, const pf_case_map *map,
                       pf_err *err)
{
    bool *is_left_out = pf_alloc_array(map->n_cases, sizeof *is_left_out, err);
    bool *is_there = pf_alloc_array(map->n_cases, sizeof *is_there, err);
    out->images = pf_alloc_array(map->n_images, sizeof *out->images, err);
    out->units = pf_alloc_array(map->n_images, sizeof *out->units, err);
    const bool ok = is_left_out && is_there && out->images && out->units;
    if (ok)
        leave_out(of, map, is_left_out);
    for (size_t i = 0; ok && i < map->n_images; i++) {
        const pf_case_image *image = &map->images[i];
        if (is_left_out[image->index] || !may_stand(of, image))
            continue;
        out->images[out->n] = image->id;
        out->units[out->n++] = (uint32_t)image->index;
        out->total += !is_there[image->index];
        is_there[image->index] = true;
    }
    out->n_units = map->n_cases;
    pf_free(is_left_out);
    pf_free(is_there);
    return ok;
}

static bool make_cases(pf_matches *out, const pf_matching *of, pf_err *err)
{
    pf_case_map map = {0};
    const bool ok = pf_case_map_load(&map, of->store, err) &&
                    (map.n_cases <= UINT32_MAX ||
                     pf_fail(err, PF_ERR_LIMIT, "more than %u cases", UINT32_MAX)) &&
                    take_cases(out, of, &map, err);
    pf_case_map_reset(&map);
    return ok;
}

/* ---- all of it ---- */

bool pf_matches_make(pf_matches *out, const pf_matching *of, pf_err *err)
{
    const bool ok = of->find == PF_FIND_CAPTIONS ? make_captions(out, of, err)
                    : of->find == PF_FIND_CASES  ? make_cases(out, of, err)
                                                 : make_images(out, of, err);
    if (!ok)
        pf_matches_reset(out);
    return ok;
}

void pf_matches_reset(pf_matches *matches)
{
    pf_free(matches->images);
    pf_free(matches->units);
    pf_free(matches->weights);
    *matches = (pf_matches){0};
}

bool pf_matches_near(pf_id_set *out, const pf_vindex *index, const float *vector,
                     double min_score, const pf_id_set *only, pf_err *err)
{
    pf_neighbours near = {0};
    const size_t count = only ? only->n : pf_vindex_count(index);
    if (!pf_neighbours_find(&near, index, vector, count, only, err)) {
        pf_neighbours_reset(&near);
        return false;
    }
    while (near.n > 0 && (double)near.scores[near.n - 1] < min_score)
        near.n--;
    out->n = pf_ids_sort(near.ids, near.n);
    out->ids = near.ids;
    near.ids = NULL;
    pf_neighbours_reset(&near);
    return true;
}
