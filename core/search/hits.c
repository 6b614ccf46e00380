/* hits.c - see hits.h. */
#include "core/search/hits.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/search/facets.h"
#include "core/search/missing.h"

enum { ATTRIBUTE = 32 }; /* bytes that it takes beside its texts, at least */

/* What a hit has is const for all but its owner. */
static void release(const void *p)
{
    pf_free((void *)p);
}

static void reset_hit(pf_hit *h)
{
    release(h->path);
    release(h->caption);
    release(h->case_key);
    release(h->case_title);
    for (size_t i = 0; i < h->n_attributes; i++) {
        release(h->attributes[i].key);
        release(h->attributes[i].value);
    }
    release(h->attributes);
    for (size_t i = 0; i < h->n_captions; i++)
        release(h->captions[i].text);
    release(h->captions);
    for (size_t i = 0; i < h->n_images; i++)
        release(h->images[i].path);
    release(h->images);
    for (size_t i = 0; i < h->n_matches; i++)
        release(h->matches[i].asked);
    release(h->matches);
    release(h->duplicates);
}

void pf_hits_reset(pf_hits *hits)
{
    for (size_t i = 0; i < hits->n_hits; i++)
        reset_hit(&hits->hits[i]);
    pf_free(hits->hits);
    pf_missing_free(hits->missing, hits->n_missing);
    for (size_t i = 0; i < hits->n_facets; i++)
        pf_counts_reset(&hits->facets[i]);
    pf_free(hits->facets);
    pf_id_set_reset(&hits->found);
    pf_unmet_reset(&hits->unmet);
    *hits = (pf_hits){0};
}

void pf_hits_drop_first(pf_hits *hits, size_t n)
{
    if (n == 0 || hits->n_hits == 0)
        return;
    n = n < hits->n_hits ? n : hits->n_hits;
    for (size_t i = 0; i < n; i++)
        reset_hit(&hits->hits[i]);
    hits->n_hits -= n;
    memmove(hits->hits, hits->hits + n, hits->n_hits * sizeof *hits->hits);
}

static char *take(char **p)
{
    char *s = *p;
    *p = NULL;
    return s;
}

static int by_key_then_value(const void *a, const void *b)
{
    const pf_attribute *x = a, *y = b;
    const int order = strcmp(x->key, y->key);
    return order != 0 ? order : strcmp(x->value, y->value);
}

/* The image's and its case's, sorted; what both say counts once. */
static bool take_attributes(pf_hit *h, pf_store_details *d, pf_err *err)
{
    if (d->n_attributes == 0)
        return true;
    pf_attribute *list = pf_alloc_array(d->n_attributes, sizeof *list, err);
    if (!list)
        return false;
    for (size_t i = 0; i < d->n_attributes; i++)
        list[i] = (pf_attribute){sizeof *list, take(&d->attributes[i].key),
                                 take(&d->attributes[i].value)};
    qsort(list, d->n_attributes, sizeof *list, by_key_then_value);
    size_t kept = 0;
    for (size_t i = 0; i < d->n_attributes; i++) {
        if (kept > 0 && by_key_then_value(&list[kept - 1], &list[i]) == 0) {
            release(list[i].key);
            release(list[i].value);
        } else {
            list[kept++] = list[i];
        }
    }
    h->attributes = list;
    h->n_attributes = kept;
    return true;
}

static bool take_captions(pf_hit *h, pf_store_details *d, pf_err *err)
{
    if (d->n_captions == 0)
        return true;
    pf_caption *list = pf_alloc_array(d->n_captions, sizeof *list, err);
    if (!list)
        return false;
    for (size_t i = 0; i < d->n_captions; i++)
        list[i] =
            (pf_caption){sizeof *list, d->captions[i].id, take(&d->captions[i].text)};
    h->captions = list;
    h->n_captions = d->n_captions;
    return h->caption || (h->caption = pf_strdup(list[0].text, err)) != NULL;
}

bool pf_hits_show_caption(pf_hit *h, int64_t caption_id, pf_err *err)
{
    for (size_t i = 0; i < h->n_captions; i++) {
        if (h->captions[i].id != caption_id)
            continue;
        char *text = pf_strdup(h->captions[i].text, err);
        if (!text)
            return false;
        release(h->caption);
        h->caption = text;
        break;
    }
    return true;
}

static bool lost(const char *what, int64_t id, pf_err *err)
{
    return pf_fail(
        err, PF_ERR_FORMAT,
        "the catalog is damaged: its index has %s %lld, its database has not", what,
        (long long)id);
}

static bool fill_image(pf_hit *h, pf_store *store, pf_err *err)
{
    pf_store_details d = {0};
    bool ok = pf_store_get_details(store, h->image_id, &d, err) &&
              (d.id != 0 || lost("image", h->image_id, err)) &&
              take_attributes(h, &d, err) && take_captions(h, &d, err);
    if (ok) {
        h->path = take(&d.path);
        h->frame = d.frame;
        h->case_key = take(&d.case_key);
        h->case_title = take(&d.case_title);
    }
    pf_store_details_reset(&d);
    return ok;
}

static bool fill_hit(pf_hit *h, pf_store *store, pf_find find, pf_err *err)
{
    h->image_id = h->id;
    if (find == PF_FIND_CAPTIONS) {
        char *text;
        if (!pf_store_get_caption(store, h->id, &text, &h->image_id, err))
            return false;
        h->caption = text;
        if (h->image_id == 0)
            return lost("caption", h->id, err);
    }
    return fill_image(h, store, err);
}

static size_t length(const char *s)
{
    return s ? strlen(s) : 0;
}

static size_t count_text(const pf_hit *h)
{
    size_t n = length(h->path) + length(h->caption) + length(h->case_key) +
               length(h->case_title);
    for (size_t i = 0; i < h->n_attributes; i++)
        n += ATTRIBUTE + length(h->attributes[i].key) + length(h->attributes[i].value);
    for (size_t i = 0; i < h->n_images; i++)
        n += length(h->images[i].path);
    return n;
}

static bool check_text(pf_hits *out, const pf_hit *h, size_t limit, pf_err *err)
{
    out->n_text += count_text(h);
    return out->n_text <= limit ||
           pf_fail(err, PF_ERR_LIMIT,
                   "more text than %zu bytes, as many as the catalog has: ask for "
                   "fewer hits",
                   limit);
}

/* `n` hits more, all zero. NULL on failure. */
static pf_hit *add_hits(pf_hits *out, size_t n, pf_err *err)
{
    void *hits = out->hits;
    if (!pf_resize_array(&hits, out->n_hits + n, sizeof *out->hits, err))
        return NULL;
    out->hits = hits;
    pf_hit *first = out->hits + out->n_hits;
    for (size_t i = 0; i < n; i++)
        first[i] = (pf_hit){.struct_size = sizeof *first};
    out->n_hits += n;
    return first;
}

bool pf_hits_fill(pf_hits *out, pf_store *store, pf_find find, const int64_t *ids,
                  const float *scores, size_t n, pf_err *err)
{
    if (n == 0)
        return true;
    const size_t limit = pf_store_text_limit(store);
    pf_hit *h = add_hits(out, n, err);
    for (size_t i = 0; h && i < n; i++, h++) {
        h->id = ids[i];
        h->score = scores[i];
        if (!fill_hit(h, store, find, err) || !check_text(out, h, limit, err))
            return false;
    }
    return h != NULL;
}

/* ---- cases ---- */

static bool fill_case(pf_hit *h, pf_store *store, const int64_t *ids,
                      const float *scores, size_t n, pf_err *err)
{
    pf_hit_image *images = pf_alloc_array(n, sizeof *images, err);
    if (!images)
        return false;
    h->images = images;
    for (size_t i = 0; i < n; i++) {
        char *path;
        int frame;
        if (!pf_store_get_image_path(store, ids[i], &path, &frame, NULL, err))
            return false;
        if (!path)
            return lost("image", ids[i], err);
        images[h->n_images++] =
            (pf_hit_image){sizeof *images, ids[i], scores[i], path, frame};
    }
    h->image_id = ids[0];
    h->score = scores[0];
    return fill_image(h, store, err);
}

bool pf_hits_fill_cases(pf_hits *out, pf_store *store, const pf_ranked_cases *ranked,
                        pf_err *err)
{
    if (ranked->n_cases == 0)
        return true;
    const size_t limit = pf_store_text_limit(store);
    pf_hit *h = add_hits(out, ranked->n_cases, err);
    for (size_t i = 0; h && i < ranked->n_cases; i++, h++) {
        const pf_ranked_case *c = &ranked->cases[i];
        h->id = c->id;
        h->n_case_images = c->n_images;
        if (!fill_case(h, store, ranked->ids + c->first, ranked->scores + c->first,
                       c->found, err) ||
            !check_text(out, h, limit, err))
            return false;
    }
    return h != NULL;
}
