/* settle.c - see settle.h. */
#include "indexer/settle.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/base/mem.h"

enum { CANDIDATES_MAX_BYTES = 1 << 30 };

typedef struct {
    int64_t image_id;
    pf_plan_gone *gone;
} missing;

typedef struct {
    pf_source *source;
    pf_plan_item *item;
} arrival;

typedef struct {
    pf_sources *sources;
    pf_store *store;
    missing *missing; /* of all plans, by image */
    size_t n_missing;
    arrival *arrivals; /* new files with known content, by picture */
    size_t n_arrivals;
    pf_buf candidates; /* of pf_store_image: whose file is gone; without their paths */
} settler;

static pf_source *source_with(const settler *s, int64_t id)
{
    for (size_t i = 0; i < s->sources->count; i++) {
        if (s->sources->at[i].id == id)
            return &s->sources->at[i];
    }
    return NULL;
}

static pf_plan_gone *gone_image(const settler *s, int64_t image_id)
{
    const size_t at = s->n_missing == 0
                          ? 0
                          : pf_ids_lower(&s->missing->image_id, s->n_missing,
                                         sizeof *s->missing, image_id);
    return at < s->n_missing && s->missing[at].image_id == image_id
               ? s->missing[at].gone
               : NULL;
}

static int by_image(const void *a, const void *b)
{
    return pf_ids_compare(&((const missing *)a)->image_id,
                          &((const missing *)b)->image_id);
}

static bool list_missing(settler *s, pf_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < s->sources->count; i++)
        most += s->sources->at[i].plan.n_gone;
    s->missing = pf_alloc_array(most, sizeof *s->missing, err);
    if (!s->missing)
        return false;
    for (size_t i = 0; i < s->sources->count; i++) {
        pf_plan *plan = &s->sources->at[i].plan;
        for (size_t k = 0; k < plan->n_gone; k++)
            s->missing[s->n_missing++] =
                (missing){plan->gone[k].image_id, &plan->gone[k]};
    }
    qsort(s->missing, s->n_missing, sizeof *s->missing, by_image);
    return true;
}

/* ---- files that two sources name ---- */

static bool finds(const pf_source *source, const pf_collected_image *image)
{
    return pf_collection_find(&source->found, image->path, image->frame) != NULL;
}

/* Is the source, which is not looked at tonight, one that a larger one takes over? */
typedef struct {
    int64_t id;
    const char *outer;
    bool is_inside;
} containment;

static bool look_whether_inside(void *context, const pf_store_source *row, pf_err *err)
{
    containment *c = context;
    (void)err;
    if (row->id == c->id)
        c->is_inside = pf_path_is_under(row->path, c->outer);
    return true;
}

static bool has_other_owner(const settler *s, const pf_source *source,
                            const pf_plan_item *item, bool *out, pf_err *err)
{
    const pf_source *owner = source_with(s, item->source_id);
    containment c = {.id = item->source_id, .outer = source->path};
    if (owner)
        *out = finds(owner, item->image);
    else if (!pf_store_each_source(s->store, look_whether_inside, &c, err))
        return false;
    else
        *out = !c.is_inside;
    return true;
}

/* A known file of another source; when that one has it no longer, it changes hands. */
static bool settle_known(const settler *s, const pf_source *source, pf_plan_item *item,
                         pf_err *err)
{
    if (!has_other_owner(s, source, item, &item->is_others, err))
        return false;
    pf_plan_gone *gone = item->is_others ? NULL : gone_image(s, item->image_id);
    if (gone)
        gone->is_moved = true;
    return true;
}

static bool settle_source(const settler *s, size_t at, pf_err *err)
{
    pf_source *source = &s->sources->at[at];
    bool ok = true;
    for (size_t i = 0; ok && i < source->plan.count; i++) {
        pf_plan_item *item = &source->plan.items[i];
        if (item->image_id != 0 && item->source_id != source->id)
            ok = settle_known(s, source, item, err);
        for (size_t k = 0; k < at && item->image_id == 0 && !item->is_others; k++)
            item->is_others = finds(&s->sources->at[k], item->image);
    }
    return ok;
}

/* ---- pictures that went elsewhere ---- */

static int by_picture_and_path(const void *a, const void *b)
{
    const pf_plan_item *x = ((const arrival *)a)->item, *y = ((const arrival *)b)->item;
    const int order = pf_ids_compare(&x->seen_id, &y->seen_id);
    return order ? order : strcmp(x->image->path, y->image->path);
}

static bool list_arrivals(settler *s, pf_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < s->sources->count; i++)
        most += s->sources->at[i].plan.count;
    s->arrivals = pf_alloc_array(most, sizeof *s->arrivals, err);
    if (!s->arrivals)
        return false;
    for (size_t i = 0; i < s->sources->count; i++) {
        pf_source *source = &s->sources->at[i];
        for (size_t k = 0; k < source->plan.count; k++) {
            pf_plan_item *item = &source->plan.items[k];
            if (item->kind == PF_PLAN_NEW && item->seen_id != 0 && !item->failure &&
                !item->is_others)
                s->arrivals[s->n_arrivals++] = (arrival){source, item};
        }
    }
    qsort(s->arrivals, s->n_arrivals, sizeof *s->arrivals, by_picture_and_path);
    return true;
}

/* An image whose file is not there, and which no arrival is yet. */
static bool list_candidate(void *context, const pf_store_image *image, pf_err *err)
{
    settler *s = context;
    const pf_plan_gone *gone = gone_image(s, image->id);
    return (gone ? gone->is_moved : !pf_path_is_gone(image->path)) ||
           pf_buf_add(&s->candidates, image, sizeof *image, err);
}

static void move(const settler *s, pf_plan_item *item, const pf_store_image *from)
{
    pf_plan_gone *gone = gone_image(s, from->id);
    pf_source *owner = source_with(s, from->source_id);
    item->kind = PF_PLAN_MOVED;
    item->image_id = from->id;
    item->source_id = from->source_id;
    if (gone)
        gone->is_moved = true;
    else if (owner && owner->plan.n_kept > 0)
        owner->plan.n_kept--;
}

/* Arrivals with one and the same picture: as many as there are candidates have moved.
 */
static bool settle_group(settler *s, size_t first, size_t end, pf_err *err)
{
    s->candidates.size = 0;
    if (!pf_store_each_image_of_picture(s->store, s->arrivals[first].item->seen_id,
                                        list_candidate, s, err))
        return false;
    for (size_t i = first, at = 0; i < end && at < s->candidates.size; i++) {
        pf_store_image from;
        memcpy(&from, s->candidates.data + at, sizeof from);
        move(s, s->arrivals[i].item, &from);
        at += sizeof from;
    }
    return true;
}

static bool settle_moves(settler *s, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0, end; ok && i < s->n_arrivals; i = end) {
        end = i + 1;
        while (end < s->n_arrivals &&
               s->arrivals[end].item->seen_id == s->arrivals[i].item->seen_id)
            end++;
        ok = settle_group(s, i, end, err);
    }
    return ok;
}

bool pf_settle(pf_sources *sources, pf_store *store, pf_err *err)
{
    settler s = {.sources = sources, .store = store};
    pf_buf_init(&s.candidates, CANDIDATES_MAX_BYTES);
    bool ok = list_missing(&s, err);
    for (size_t i = 0; ok && i < sources->count; i++)
        ok = settle_source(&s, i, err);
    ok = ok && (!store || (list_arrivals(&s, err) && settle_moves(&s, err)));
    pf_free(s.missing);
    pf_free(s.arrivals);
    pf_buf_free(&s.candidates);
    return ok;
}
