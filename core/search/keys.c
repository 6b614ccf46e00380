/* keys.c - see keys.h. */
#include "core/search/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/base/spelling.h"
#include "core/search/dates.h"
#include "core/search/scope.h"

enum { KEYS_SHOWN_MAX = 300 }; /* bytes of key names in a message */

typedef bool each_fn(pf_store *store, pf_store_value_fn *fn, void *user, pf_err *err);
typedef bool each_of_fn(pf_store *store, const pf_id_set *images, pf_store_value_fn *fn,
                        void *user, pf_err *err);

/* ---- keys that every catalog has ---- */

typedef struct {
    int64_t id, year;
} dated;

static int by_year(const void *a, const void *b)
{
    const dated *x = a, *y = b;
    if (x->year != y->year)
        return x->year > y->year ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Of the images that have one, by year. */
static bool load_years(dated **out, size_t *n, pf_store *store, const pf_id_set *images,
                       pf_err *err)
{
    const int64_t smallest = 10000000000; /* month, day and time */
    int64_t *dates = NULL;
    *n = 0;
    bool ok = pf_dates_load(&dates, store, images, err) &&
              (*out = pf_alloc_array(images->n, sizeof **out, err)) != NULL;
    for (size_t i = 0; ok && i < images->n; i++) {
        if (dates[i] != 0)
            (*out)[(*n)++] = (dated){images->ids[i], dates[i] / smallest};
    }
    if (*n > 0)
        qsort(*out, *n, sizeof **out, by_year);
    pf_free(dates);
    return ok;
}

static bool each_year(pf_store *store, const pf_id_set *images, pf_store_value_fn *fn,
                      void *user, pf_err *err)
{
    dated *list = NULL;
    size_t n;
    bool ok = load_years(&list, &n, store, images, err);
    for (size_t i = 0; ok && i < n; i++) {
        char year[8];
        snprintf(year, sizeof year, "%04d", (int)list[i].year);
        ok = fn(user, list[i].id, year, err);
    }
    pf_free(list);
    return ok;
}

typedef struct {
    const pf_id_set *images;
    bool *has; /* [images->n] */
    size_t next;
} captioned;

static bool mark_captioned(void *user, int64_t image_id, const char *value, pf_err *err)
{
    captioned *c = user;
    size_t at;
    (void)value, (void)err;
    if (pf_ids_find_next(c->images->ids, c->images->n, image_id, &c->next, &at))
        c->has[at] = true;
    return true;
}

static bool each_captioned(pf_store *store, const pf_id_set *images,
                           pf_store_value_fn *fn, void *user, pf_err *err)
{
    captioned c = {.images = images};
    c.has = pf_alloc_array(images->n, sizeof *c.has, err);
    bool ok = c.has && pf_store_each_captioned(store, mark_captioned, &c, err);
    for (int is_yes = 0; is_yes < 2; is_yes++) {
        for (size_t i = 0; ok && i < images->n; i++)
            ok = c.has[i] != is_yes ||
                 fn(user, images->ids[i], is_yes ? "yes" : "no", err);
    }
    pf_free(c.has);
    return ok;
}

static const struct {
    const char *name;
    each_fn *each;       /* values that the store has, */
    each_of_fn *each_of; /* or that are found out, of these images */
    bool gives_way;      /* to an attribute of this name */
} own_keys[] = {
    {"path", pf_store_each_path, NULL, false},
    {"case", pf_store_each_case_key, NULL, false},
    {"source", pf_store_each_source_path, NULL, true},
    {"year", NULL, each_year, true},
    {"has_caption", NULL, each_captioned, true},
};
enum { N_OWN = sizeof own_keys / sizeof *own_keys };

static bool each_own_value(size_t own, pf_store *store, const pf_id_set *images,
                           pf_store_value_fn *fn, void *user, pf_err *err)
{
    pf_id_set all = {0};
    if (own_keys[own].each)
        return own_keys[own].each(store, fn, user, err);
    const bool ok = (images || pf_scope_all_images(&all, store, err)) &&
                    own_keys[own].each_of(store, images ? images : &all, fn, user, err);
    pf_id_set_reset(&all);
    return ok;
}

/* Which of them a key is; N_OWN: an attribute, or nothing. */
static bool find_own(pf_store *store, const char *key, size_t *at, pf_err *err)
{
    bool has_attribute = false;
    for (*at = 0; *at < N_OWN && strcmp(own_keys[*at].name, key) != 0;)
        ++*at;
    if (*at == N_OWN || !own_keys[*at].gives_way)
        return true;
    if (!pf_store_has_key(store, key, &has_attribute, err))
        return false;
    if (has_attribute)
        *at = N_OWN;
    return true;
}

/* ---- a key that is not there ---- */

/* Looking for what it was meant to be. */
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

static bool see_own_keys(pf_store *store, key_list *l, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < N_OWN; i++) {
        size_t at = N_OWN;
        ok = find_own(store, own_keys[i].name, &at, err) &&
             (at == N_OWN || see_key(l, own_keys[i].name, err));
    }
    return ok;
}

static bool unknown_key(pf_store *store, const char *key, pf_err *err)
{
    key_list l = {.wanted = key, .distance = (size_t)-1};
    pf_buf_init(&l.shown, 2 * KEYS_SHOWN_MAX);
    if (pf_store_each_key(store, see_key, &l, err) && see_own_keys(store, &l, err))
        pf_fail(err, PF_ERR_NOT_FOUND, "no image has '%.80s'%s%s%s; there are: %s%s",
                key, l.nearest[0] ? " (did you mean '" : "", l.nearest,
                l.nearest[0] ? "'?)" : "", l.shown.data ? l.shown.data + 2 : "",
                l.is_cut ? ", ..." : "");
    pf_buf_free(&l.shown);
    return false;
}

bool pf_keys_check(pf_store *store, const char *key, pf_err *err)
{
    size_t own;
    bool is_there = false;
    if (!find_own(store, key, &own, err))
        return false;
    if (own < N_OWN)
        return true;
    return pf_store_has_key(store, key, &is_there, err) &&
           (is_there || unknown_key(store, key, err));
}

/* ---- values ---- */

bool pf_keys_each_value(pf_store *store, const char *key, const pf_id_set *images,
                        pf_store_value_fn *fn, void *user, pf_err *err)
{
    size_t own;
    return find_own(store, key, &own, err) &&
           (own < N_OWN ? each_own_value(own, store, images, fn, user, err)
                        : pf_store_each_value(store, key, fn, user, err));
}

/* Gives the key in the place of its value; of attributes without those that are
 * hidden behind a key of every catalog. */
typedef struct {
    const char *key;
    pf_store_value_fn *fn;
    void *user;
} naming;

static bool name_key(void *user, int64_t image_id, const char *value, pf_err *err)
{
    const naming *n = user;
    (void)value;
    return n->fn(n->user, image_id, n->key, err);
}

static bool pass_attribute(void *user, int64_t image_id, const char *key, pf_err *err)
{
    const naming *n = user;
    return strcmp(key, "path") == 0 || strcmp(key, "case") == 0 ||
           n->fn(n->user, image_id, key, err);
}

bool pf_keys_each(pf_store *store, const pf_id_set *images, pf_store_value_fn *fn,
                  void *user, pf_err *err)
{
    naming attributes = {NULL, fn, user};
    bool ok = pf_store_each_key_of_image(store, pass_attribute, &attributes, err);
    for (size_t i = 0; ok && i < N_OWN; i++) {
        naming n = {own_keys[i].name, fn, user};
        size_t at = N_OWN;
        ok = strcmp(n.key, "path") == 0 ||
             (find_own(store, n.key, &at, err) &&
              (at == N_OWN || each_own_value(at, store, images, name_key, &n, err)));
    }
    return ok;
}
