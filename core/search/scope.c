/*
 * scope.c - see scope.h.
 *
 * SQLite gives the values of a filter's key, each with its image; filter.h says which
 * of them pass. One set per filter, and the sets are intersected.
 */
#include "core/search/scope.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/base/spelling.h"

enum { KEYS_SHOWN_MAX = 300 }; /* bytes of key names in a message */

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
    const pf_filter *filter; /* NULL: everything comes in */
    const pf_id_set *images; /* of captions */
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

/* ---- keys ---- */

static bool is_own_key(const char *key)
{
    return strcmp(key, "path") == 0 || strcmp(key, "case") == 0;
}

/* Looking for what a key that is not there was meant to be. */
typedef struct {
    const char *wanted;
    char nearest[PF_SPELLING_MAX + 1]; /* "" when none is near */
    size_t distance;
    pf_buf shown; /* ", key" for each */
    bool is_cut;
} key_list;

static bool see_key(void *user, const char *key, pf_err *err)
{
    key_list *l = user;
    const size_t n = strlen(key), n_wanted = strlen(l->wanted);
    if (n <= PF_SPELLING_MAX && n_wanted <= PF_SPELLING_MAX) {
        const size_t d = pf_spelling_distance(l->wanted, n_wanted, key, n);
        if (d < l->distance && pf_spelling_is_near(d, n_wanted, n)) {
            memcpy(l->nearest, key, n + 1);
            l->distance = d;
        }
    }
    l->is_cut = l->is_cut || l->shown.size + n > KEYS_SHOWN_MAX;
    return l->is_cut || (pf_buf_add_str(&l->shown, ", ", err) &&
                         pf_buf_add_str(&l->shown, key, err));
}

static bool unknown_key(pf_store *store, const char *key, pf_err *err)
{
    key_list l = {.wanted = key, .distance = (size_t)-1};
    pf_buf_init(&l.shown, 2 * KEYS_SHOWN_MAX);
    if (pf_store_each_key(store, see_key, &l, err) && see_key(&l, "path", err) &&
        see_key(&l, "case", err))
        pf_fail(err, PF_ERR_NOT_FOUND,
                "no image has '%.80s' to filter by%s%s%s; there are: %s%s", key,
                l.nearest[0] ? " (did you mean '" : "", l.nearest,
                l.nearest[0] ? "'?)" : "", l.shown.data ? l.shown.data + 2 : "",
                l.is_cut ? ", ..." : "");
    pf_buf_free(&l.shown);
    return false;
}

static bool check_key(pf_store *store, const char *key, pf_err *err)
{
    bool has_key = is_own_key(key);
    return (has_key || pf_store_has_key(store, key, &has_key, err)) &&
           (has_key || unknown_key(store, key, err));
}

/* ---- filters ---- */

static bool take_value(void *user, int64_t image_id, const char *value, pf_err *err)
{
    filling *f = user;
    return (f->filter && !pf_filter_accepts(f->filter, value)) || add(f, image_id, err);
}

static bool each_value(pf_store *store, const char *key, filling *f, pf_err *err)
{
    if (strcmp(key, "path") == 0)
        return pf_store_each_path(store, take_value, f, err);
    if (strcmp(key, "case") == 0)
        return pf_store_each_case_key(store, take_value, f, err);
    return pf_store_each_value(store, key, take_value, f, err);
}

static bool apply(pf_id_set *set, pf_store *store, const pf_filter *filter, pf_err *err)
{
    filling f = {.filter = filter};
    const bool ok =
        check_key(store, filter->key, err) && each_value(store, filter->key, &f, err);
    if (ok) {
        sort_ids(&f.set);
        keep(set, &f.set, filter->op != PF_FILTER_NOT_EQUAL);
    }
    pf_id_set_reset(&f.set);
    return ok;
}

bool pf_scope_images(pf_id_set *out, pf_store *store, const pf_filter *filters,
                     size_t n, pf_err *err)
{
    filling all = {0};
    bool ok = pf_store_each_path(store, take_value, &all, err);
    sort_ids(&all.set);
    for (size_t i = 0; ok && i < n; i++)
        ok = apply(&all.set, store, &filters[i], err);
    if (ok)
        *out = all.set;
    else
        pf_id_set_reset(&all.set);
    return ok;
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
