/* plan.c - see plan.h. */
#include "indexer/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/image/picture.h"
#include "indexer/archive.h"

#define NS_PER_SECOND INT64_C(1000000000)
enum { HALF_COPIED_SECONDS = 7 * 24 * 3600 };

typedef struct {
    pf_plan *plan;
    const pf_collection *found;
    const pf_plan_options *options;
    size_t next; /* first image of the collection that was not compared yet */
} maker;

/* ---- comparing with the store ---- */

static bool add_gone(pf_plan *plan, const pf_store_image *image, pf_err *err)
{
    if (!pf_grow_array(&plan->gone, &plan->gone_room, plan->n_gone, sizeof *plan->gone,
                       err))
        return false;
    pf_plan_gone gone = {.image_id = image->id,
                         .source_id = image->source_id,
                         .picture_id = image->picture_id,
                         .path = pf_strdup(image->path, err),
                         .size = image->size,
                         .mtime_ns = image->mtime_ns};
    if (!gone.path)
        return false;
    plan->gone[plan->n_gone++] = gone;
    return true;
}

static int compare_names(const pf_collected_image *found, const pf_store_image *image)
{
    const int order = strcmp(found->path, image->path);
    return order ? order
                 : (found->frame > image->frame) - (found->frame < image->frame);
}

/* An image of the store that was not found. */
static bool miss_image(maker *m, const pf_store_image *image, pf_err *err)
{
    if (image->source_id != m->options->source_id &&
        !pf_path_is_under(image->path, m->found->source))
        return true;
    if (!pf_collection_is_in_gap(m->found, image->path))
        return add_gone(m->plan, image, err);
    m->plan->n_kept++;
    return true;
}

/* Told every image of the store by ascending path and frame. */
static bool compare_image(void *context, const pf_store_image *image, pf_err *err)
{
    maker *m = context;
    const pf_collection *found = m->found;
    int order = 1;
    while (m->next < found->n_images &&
           (order = compare_names(&found->images[m->next], image)) < 0)
        m->next++;
    if (m->next == found->n_images || order != 0)
        return miss_image(m, image, err);
    pf_plan_item *item = &m->plan->items[m->next++];
    bool is_same =
        item->stamp.size == image->size && item->stamp.mtime_ns == image->mtime_ns;
    item->image_id = image->id;
    item->source_id = image->source_id;
    item->seen_id = image->picture_id;
    if (m->options->model_id == m->options->seen_model)
        item->picture_id = image->picture_id;
    item->kind = is_same ? PF_PLAN_UNCHANGED : PF_PLAN_CHANGED;
    return true;
}

/* ---- what failed before ---- */

/* A lasting failure of the same file is not tried again, by the same program. */
static bool recall_failure(void *context, const pf_store_failure *failure, pf_err *err)
{
    const maker *m = context;
    const pf_collected_image *image =
        pf_collection_find(m->found, failure->path, failure->frame);
    if (!image)
        return true;
    pf_plan_item *item = &m->plan->items[image - m->found->images];
    item->failing_since = failure->first_at;
    if (!failure->is_lasting || !failure->is_of_this_version || m->options->retry ||
        m->options->verify_content || failure->size != item->stamp.size ||
        failure->mtime_ns != item->stamp.mtime_ns || item->kind == PF_PLAN_UNCHANGED)
        return true;
    item->is_recalled = item->is_lasting = true;
    item->failure = pf_strdup(failure->reason, err);
    return item->failure != NULL;
}

static bool recall_failures(maker *m, pf_err *err)
{
    return pf_store_each_failure(m->options->store, m->options->source_id,
                                 recall_failure, m, err);
}

/* ---- reading content ---- */

static bool is_not_too_large(int fd, const char *path, pf_err *err)
{
    struct stat st;
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    if (fstat(fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read '%s'", path);
    return (uint64_t)st.st_size <= limits.max_file_bytes ||
           pf_fail(err, PF_ERR_LIMIT, "'%s' has %lld bytes, the limit is %zu", path,
                   (long long)st.st_size, limits.max_file_bytes);
}

static bool hash_file(const pf_plan_item *item, const char *within, pf_hash *out,
                      pf_err *err)
{
    int fd;
    const char *path = item->image->path;
    if (!pf_archive_open_file(&fd, path, within, err))
        return false;
    const bool ok =
        is_not_too_large(fd, path, err) && pf_hash_open_file(out, fd, path, err);
    close(fd);
    return ok && (pf_file_is_as(path, &item->stamp) ||
                  pf_fail(err, PF_ERR_BUSY, "it changed while it was read"));
}

static bool was_failing_for(const pf_plan_item *item, int64_t seconds)
{
    return item->failing_since > 0 &&
           pf_clock_now_ns() / NS_PER_SECOND - item->failing_since >= seconds;
}

bool pf_plan_fail(pf_plan_item *item, const pf_err *why, pf_err *err)
{
    const bool may_pass = why->code == PF_ERR_IO || why->code == PF_ERR_BUSY;
    const bool may_be_half =
        why->code == PF_ERR_FORMAT && !was_failing_for(item, HALF_COPIED_SECONDS);
    item->keeps_old = item->image_id != 0 && (may_pass || may_be_half);
    item->is_lasting = !may_pass && !may_be_half;
    item->is_busy = why->code == PF_ERR_BUSY;
    pf_free(item->failure);
    item->failure = pf_strdup(why->msg, err);
    return item->failure != NULL;
}

static bool find_picture(const pf_plan_options *o, int64_t model_id,
                         const pf_plan_item *item, int64_t *id, pf_err *err)
{
    return !o->store || model_id == 0 ||
           pf_store_find_picture(o->store, model_id, &item->content, item->image->frame,
                                 id, err);
}

/* Frames of one file stand one behind the other: it is read for the first of them. */
static bool is_hashed_before(const maker *m, const pf_plan_item *item)
{
    return item > m->plan->items && item[-1].is_hashed &&
           strcmp(item[-1].image->path, item->image->path) == 0;
}

static bool look_inside(maker *m, pf_plan_item *item, pf_err *err)
{
    const pf_plan_options *o = m->options;
    const int64_t known = item->seen_id;
    pf_err why = PF_ERR_INIT;
    if (is_hashed_before(m, item))
        item->content = item[-1].content;
    else if (!hash_file(item, m->found->within, &item->content, &why))
        return why.code == PF_ERR_NOMEM ? pf_fail_as(err, &why)
                                        : pf_plan_fail(item, &why, err);
    item->is_hashed = true;
    item->picture_id = item->seen_id = 0;
    if (!find_picture(o, o->seen_model, item, &item->seen_id, err) ||
        !find_picture(o, o->model_id, item, &item->picture_id, err))
        return false;
    if (item->kind == PF_PLAN_CHANGED && known != 0 && item->seen_id == known)
        item->kind = PF_PLAN_TOUCHED;
    else if (item->kind == PF_PLAN_UNCHANGED && item->seen_id != known)
        item->kind = PF_PLAN_CHANGED;
    return true;
}

static bool has_to_be_read(const maker *m, const pf_plan_item *item)
{
    return (m->options->verify_content || item->kind != PF_PLAN_UNCHANGED) &&
           !item->failure;
}

/* It changed a moment ago. One from the future (another machine's clock) says nothing.
 */
static bool is_fresh(const maker *m, const pf_plan_item *item)
{
    const int64_t age = pf_clock_now_ns() - item->stamp.mtime_ns;
    const int64_t limit = m->options->settle_seconds * NS_PER_SECOND;
    return age < limit && age > -limit;
}

static bool is_stopped(const maker *m, pf_err *err)
{
    return m->options->stop && atomic_load(m->options->stop) &&
           !pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

/* Until it has been quiet for long enough; then it has to be as it was. */
static bool wait_for(const maker *m, pf_plan_item *item, pf_err *err)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};
    const int64_t limit = m->options->settle_seconds * NS_PER_SECOND;
    for (int64_t left = limit; left > 0 && is_fresh(m, item); left -= pause.tv_nsec) {
        if (is_stopped(m, err))
            return false;
        nanosleep(&pause, NULL);
    }
    pf_err why = PF_ERR_INIT;
    if (pf_file_is_as(item->image->path, &item->stamp))
        return true;
    pf_fail(&why, PF_ERR_BUSY, "somebody is writing to it");
    return pf_plan_fail(item, &why, err);
}

/* Those that changed a moment ago come last. */
static bool look_inside_all(maker *m, pf_err *err)
{
    size_t n_fresh = 0, done = 0;
    for (int turn = 0; turn < 2 && (turn == 0 || n_fresh > 0); turn++) {
        for (size_t i = 0; i < m->plan->count; i++) {
            pf_plan_item *item = &m->plan->items[i];
            const bool is_wanted = has_to_be_read(m, item) && !item->is_hashed;
            if (is_stopped(m, err))
                return false;
            if (turn == 0 && is_wanted && is_fresh(m, item)) {
                n_fresh++;
                continue;
            }
            if (turn == 1 && is_wanted && !wait_for(m, item, err))
                return false;
            if (is_wanted && !item->failure && !look_inside(m, item, err))
                return false;
            done += turn == 0 || is_wanted;
            if (m->options->progress)
                m->options->progress(m->options->context, done, m->plan->count);
        }
    }
    return true;
}

/* ---- twins and moves ---- */

typedef struct {
    pf_hash content;
    int frame;
    size_t item;
} hashed;

static int compare_pictures(const hashed *x, const hashed *y)
{
    const int order = memcmp(x->content.b, y->content.b, sizeof x->content.b);
    return order ? order : (x->frame > y->frame) - (x->frame < y->frame);
}

static int by_picture_and_item(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    const int order = compare_pictures(x, y);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* One frame of two files with one content is embedded once. */
static bool find_twins(pf_plan *plan, pf_err *err)
{
    hashed *list = pf_alloc_array(plan->count, sizeof *list, err);
    if (!list)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const pf_plan_item *item = &plan->items[i];
        if (item->is_hashed && item->picture_id == 0 && !item->failure)
            list[n++] = (hashed){item->content, item->image->frame, i};
    }
    qsort(list, n, sizeof *list, by_picture_and_item);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (compare_pictures(&list[i], &list[first]) == 0)
            plan->items[list[i].item].twin = (int64_t)list[first].item;
        else
            first = i;
    }
    pf_free(list);
    return true;
}

static int by_picture(const void *a, const void *b)
{
    const pf_plan_gone *x = a, *y = b;
    if (x->picture_id != y->picture_id)
        return x->picture_id < y->picture_id ? -1 : 1;
    return (x->image_id > y->image_id) - (x->image_id < y->image_id);
}

/* A new file with the content of one that is gone is that one under another name; so it
 * is with each of its frames. */
static void find_moves(pf_plan *plan)
{
    if (plan->n_gone == 0)
        return;
    qsort(plan->gone, plan->n_gone, sizeof *plan->gone, by_picture);
    for (size_t i = 0; i < plan->count; i++) {
        pf_plan_item *item = &plan->items[i];
        if (item->kind != PF_PLAN_NEW || item->seen_id == 0)
            continue;
        size_t g = pf_ids_lower(&plan->gone->picture_id, plan->n_gone,
                                sizeof *plan->gone, item->seen_id);
        while (g < plan->n_gone && plan->gone[g].picture_id == item->seen_id &&
               plan->gone[g].is_moved)
            g++;
        if (g < plan->n_gone && plan->gone[g].picture_id == item->seen_id) {
            plan->gone[g].is_moved = true;
            item->kind = PF_PLAN_MOVED;
            item->image_id = plan->gone[g].image_id;
            item->source_id = plan->gone[g].source_id;
        }
    }
}

bool pf_plan_make(pf_plan *plan, const pf_collection *found,
                  const pf_plan_options *options, pf_err *err)
{
    *plan = (pf_plan){0};
    plan->items = pf_alloc_array(found->n_images, sizeof *plan->items, err);
    if (!plan->items)
        return false;
    plan->count = found->n_images;
    for (size_t i = 0; i < plan->count; i++)
        plan->items[i] =
            (pf_plan_item){.image = &found->images[i],
                           .stamp = {found->images[i].size, found->images[i].mtime_ns},
                           .kind = PF_PLAN_NEW,
                           .twin = PF_PLAN_NO_TWIN};
    maker m = {.plan = plan, .found = found, .options = options};
    if (options->store &&
        (!pf_store_each_image(options->store, 0, compare_image, &m, err) ||
         !recall_failures(&m, err)))
        return false;
    if (!look_inside_all(&m, err) || !find_twins(plan, err))
        return false;
    find_moves(plan);
    return true;
}

/* As if it were seen for the first time; false when it is not there any more. */
static bool start_over(pf_plan_item *item)
{
    if (!pf_file_look(item->image->path, &item->stamp))
        return false;
    pf_free(item->failure);
    item->failure = NULL;
    item->keeps_old = item->is_hashed = false;
    if (item->image_id != 0 && item->kind != PF_PLAN_MOVED)
        item->kind = PF_PLAN_CHANGED;
    return true;
}

/* All are looked at before the first is waited for. */
bool pf_plan_retry(pf_plan *plan, const pf_collection *found,
                   const pf_plan_options *options, size_t *n, pf_err *err)
{
    maker m = {.plan = plan, .found = found, .options = options};
    *n = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i].is_busy)
            plan->items[i].is_busy = start_over(&plan->items[i]);
    }
    for (size_t i = 0; i < plan->count; i++) {
        pf_plan_item *item = &plan->items[i];
        if (!item->is_busy)
            continue;
        item->is_busy = false;
        if (!wait_for(&m, item, err) || (!item->failure && !look_inside(&m, item, err)))
            return false;
        *n += !item->failure;
    }
    return true;
}

size_t pf_plan_count_gone(const pf_plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->n_gone; i++)
        n += !plan->gone[i].is_moved;
    return n;
}

bool pf_plan_removes(const pf_plan *plan, const pf_plan_gone *gone)
{
    return !gone->is_moved && (!plan->doubt || gone->is_unwanted);
}

void pf_plan_reset(pf_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        pf_free(plan->items[i].failure);
    for (size_t i = 0; i < plan->n_gone; i++)
        pf_free(plan->gone[i].path);
    pf_free(plan->items);
    pf_free(plan->gone);
    pf_free(plan->doubt);
    *plan = (pf_plan){0};
}
