/*
 * facets.c - see facets.h.
 *
 * Values come in a row, each with its images. So it is enough to know, of each thing
 * that is counted, which value saw it last; and only the best values are kept, however
 * many there are.
 */
#include "core/search/facets.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/search/keys.h"

typedef struct {
    const pf_matches *matches;
    size_t most;
    size_t next;     /* place of the image that may come: those of a value come by id */
    uint32_t *seen;  /* [n_units] by which value last; 0: by none */
    uint32_t number; /* of the value, from 1 */
    char *value;     /* the present one, or NULL, */
    size_t count;    /* and what has it */
    pf_count *kept;  /* [n] the best, and some that may be */
    size_t n, room;
    size_t n_values; /* that something has */
} counter;

/* ---- the best values ---- */

static void drop(pf_count *count)
{
    pf_free((char *)count->value); /* const for all but us */
}

static int best_first(const void *a, const void *b)
{
    const pf_count *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->value, y->value);
}

static void keep_best(counter *c)
{
    if (c->n > 0)
        qsort(c->kept, c->n, sizeof *c->kept, best_first);
    while (c->n > c->most)
        drop(&c->kept[--c->n]);
}

/* Twice as many as are told are kept until they are sorted. */
static bool end_value(counter *c, pf_err *err)
{
    if (c->count == 0)
        return true;
    if (!pf_grow_array(&c->kept, &c->room, c->n, sizeof *c->kept, err))
        return false;
    c->kept[c->n++] = (pf_count){c->value, c->count};
    c->value = NULL;
    c->count = 0;
    c->n_values++;
    if (c->n >= 2 * c->most && c->n - c->most >= 64)
        keep_best(c);
    return true;
}

/* ---- counting ---- */

static void count_image(counter *c, size_t at)
{
    const pf_matches *m = c->matches;
    uint32_t *seen = &c->seen[m->units ? m->units[at] : at];
    if (*seen == c->number)
        return;
    *seen = c->number;
    c->count += m->weights ? m->weights[at] : 1;
}

static bool take(void *user, int64_t image_id, const char *value, pf_err *err)
{
    counter *c = user;
    size_t at;
    if (!c->value || strcmp(c->value, value) != 0) {
        if (!end_value(c, err))
            return false;
        pf_free(c->value);
        if (!(c->value = pf_strdup(value, err)))
            return false;
        if (++c->number == 0)
            return pf_fail(err, PF_ERR_LIMIT, "more than %u values", UINT32_MAX);
    }
    if (pf_ids_find_next(c->matches->images, c->matches->n, image_id, &c->next, &at))
        count_image(c, at);
    return true;
}

static bool count_all(counter *c, pf_store *store, const char *key, pf_err *err)
{
    if (c->matches->n == 0)
        return true;
    const pf_id_set images = {c->matches->images, c->matches->n};
    c->seen = pf_alloc_array(c->matches->n_units, sizeof *c->seen, err);
    const bool ok = c->seen &&
                    (key ? pf_keys_each_value(store, key, &images, take, c, err)
                         : pf_keys_each(store, &images, take, c, err)) &&
                    end_value(c, err);
    pf_free(c->seen);
    pf_free(c->value);
    if (ok)
        keep_best(c);
    return ok;
}

static bool check_key(pf_store *store, const char *key, pf_err *err)
{
    if (strcmp(key, "path") == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "the values of 'path' are not counted: every image has its own");
    return pf_keys_check(store, key, err);
}

bool pf_counts_make(pf_counts *out, pf_store *store, const char *key,
                    const pf_matches *matches, size_t most, pf_err *err)
{
    counter c = {.matches = matches, .most = most};
    if (key && !check_key(store, key, err))
        return false;
    char *own = key ? pf_strdup(key, err) : NULL;
    if ((key && !own) || !count_all(&c, store, key, err)) {
        pf_counts_reset(&(pf_counts){.key = own, .counts = c.kept, .n_counts = c.n});
        return false;
    }
    *out = (pf_counts){.struct_size = sizeof *out,
                       .key = own,
                       .counts = c.kept,
                       .n_counts = c.n,
                       .n_more = c.n_values - c.n};
    return true;
}

void pf_counts_reset(pf_counts *counts)
{
    pf_count *list = (pf_count *)counts->counts; /* const for all but us */
    for (size_t i = 0; i < counts->n_counts; i++)
        drop(&list[i]);
    pf_free(list);
    pf_free((char *)counts->key);
    *counts = (pf_counts){0};
}

/* ---- a filter that nothing meets ---- */

static bool tell_values(pf_unmet *out, pf_store *store, const pf_filter *filter,
                        pf_err *err)
{
    const pf_matching all = {.store = store, .find = PF_FIND_IMAGES};
    pf_matches matches = {0};
    char *text = pf_strdup(filter->text, err);
    if (!text)
        return false;
    out->struct_size = sizeof *out;
    out->filter = text;
    if (filter->op == PF_FILTER_LIKE_PATH) {
        out->values.struct_size = sizeof out->values;
        return (out->values.key = pf_strdup(filter->key, err)) != NULL;
    }
    const bool ok = pf_matches_make(&matches, &all, err) &&
                    pf_counts_make(&out->values, store, filter->key, &matches,
                                   PF_UNMET_VALUES_MAX, err);
    pf_matches_reset(&matches);
    return ok;
}

bool pf_unmet_find(pf_unmet *out, pf_store *store, const pf_filter *filters, size_t n,
                   pf_err *err)
{
    bool ok = true, is_unmet = false;
    for (size_t i = 0; ok && !is_unmet && i < n; i++) {
        pf_id_set met = {0};
        ok = pf_scope_images(&met, store, &filters[i], 1, err);
        is_unmet = ok && met.n == 0;
        if (is_unmet)
            ok = tell_values(out, store, &filters[i], err);
        pf_id_set_reset(&met);
    }
    if (!ok)
        pf_unmet_reset(out);
    return ok;
}

void pf_unmet_reset(pf_unmet *unmet)
{
    pf_free((char *)unmet->filter); /* const for all but us */
    pf_counts_reset(&unmet->values);
    *unmet = (pf_unmet){0};
}
