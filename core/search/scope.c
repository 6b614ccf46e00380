/*
 * scope.c - see scope.h.
 *
 * SQLite gives the values of a filter's key, each with its image; filter.h says which
 * of them pass. One set per filter, and the sets are intersected. Values come in a row:
 * each is looked at once, and not once for every image.
 */
#include "core/search/scope.h"

#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/search/keys.h"

/* ---- sets ---- */

bool pf_id_set_has(const pf_id_set *set, int64_t id)
{
    return pf_ids_find(set->ids, set->n, id, NULL);
}

void pf_id_set_reset(pf_id_set *set)
{
    pf_free(set->ids);
    *set = (pf_id_set){0};
}

/* A set that is being filled, in any order. */
typedef struct {
    pf_id_set set;
    size_t room;
    const pf_id_set *images; /* of captions */
    const pf_filter *filter; /* NULL: everything comes in */
    char *value;             /* the last one, or NULL, */
    bool is_accepted;        /* and what the filter says of it */
} filling;

static bool add(filling *f, int64_t id, pf_err *err)
{
    pf_id_set *set = &f->set;
    if (!pf_grow_array(&set->ids, &f->room, set->n, sizeof *set->ids, err))
        return false;
    set->ids[set->n++] = id;
    return true;
}

static void sort_ids(pf_id_set *set)
{
    set->n = pf_ids_sort(set->ids, set->n);
}

/* What of `set` is in `other`, or what is not. */
static void keep(pf_id_set *set, const pf_id_set *other, bool is_wanted)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < set->n; i++) {
        while (k < other->n && other->ids[k] < set->ids[i])
            k++;
        const bool is_there = k < other->n && other->ids[k] == set->ids[i];
        if (is_there == is_wanted)
            set->ids[n++] = set->ids[i];
    }
    set->n = n;
}

/* ---- filters ---- */

static bool take_value(void *user, int64_t image_id, const char *value, pf_err *err)
{
    filling *f = user;
    if (!f->value || strcmp(f->value, value) != 0) {
        pf_free(f->value);
        if (!(f->value = pf_strdup(value, err)))
            return false;
        f->is_accepted = pf_filter_accepts(f->filter, value);
    }
    return !f->is_accepted || add(f, image_id, err);
}

/* The images some value of which the filter accepts. */
static bool accepted(pf_id_set *out, pf_store *store, const pf_filter *filter,
                     pf_err *err)
{
    filling f = {.filter = filter};
    const bool ok = pf_keys_check(store, filter->key, err) &&
                    pf_keys_each_value(store, filter->key, NULL, take_value, &f, err);
    pf_free(f.value);
    if (!ok) {
        pf_id_set_reset(&f.set);
        return false;
    }
    sort_ids(&f.set);
    *out = f.set;
    return true;
}

static bool take_image(void *user, int64_t image_id, const char *value, pf_err *err)
{
    (void)value;
    return add(user, image_id, err);
}

bool pf_scope_all_images(pf_id_set *out, pf_store *store, pf_err *err)
{
    filling f = {0};
    if (!pf_store_each_image_id(store, take_image, &f, err)) {
        pf_id_set_reset(&f.set);
        return false;
    }
    sort_ids(&f.set);
    *out = f.set;
    return true;
}

/* `is_first`: there is nothing yet that passed others. */
static bool apply(pf_id_set *set, bool is_first, pf_store *store,
                  const pf_filter *filter, pf_err *err)
{
    const bool is_denied = filter->op == PF_FILTER_NOT_EQUAL;
    pf_id_set found = {0};
    if (!accepted(&found, store, filter, err))
        return false;
    if (is_first && !is_denied) {
        *set = found;
        return true;
    }
    const bool ok = !is_first || pf_scope_all_images(set, store, err);
    if (ok)
        keep(set, &found, !is_denied);
    pf_id_set_reset(&found);
    return ok;
}

bool pf_scope_images(pf_id_set *out, pf_store *store, const pf_filter *filters,
                     size_t n, pf_err *err)
{
    if (n == 0)
        return pf_scope_all_images(out, store, err);
    pf_id_set set = {0};
    for (size_t i = 0; i < n; i++) {
        if (!apply(&set, i == 0, store, &filters[i], err)) {
            pf_id_set_reset(&set);
            return false;
        }
    }
    *out = set;
    return true;
}

static bool take_caption(void *user, int64_t caption_id, int64_t image_id, pf_err *err)
{
    filling *f = user;
    return !pf_id_set_has(f->images, image_id) || add(f, caption_id, err);
}

bool pf_scope_captions(pf_id_set *out, pf_store *store, const pf_id_set *images,
                       pf_err *err)
{
    filling f = {.images = images};
    if (!pf_store_each_caption(store, take_caption, &f, err)) {
        pf_id_set_reset(&f.set);
        return false;
    }
    sort_ids(&f.set);
    *out = f.set;
    return true;
}
