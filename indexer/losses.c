/* losses.c - see losses.h. */
#include "indexer/losses.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "indexer/archive.h"

enum { ALWAYS_FINE = 1, ONE_IN = 5 };

/* ---- what was thrown away ---- */

static int compare_thrown(const void *a, const void *b)
{
    const pf_scan_thrown *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return (x->mtime_ns > y->mtime_ns) - (x->mtime_ns < y->mtime_ns);
}

static int by_size_and_time(const void *a, const void *b)
{
    const pf_plan_gone *const *x = a, *const *y = b;
    const pf_scan_thrown s = {(*x)->size, (*x)->mtime_ns},
                         t = {(*y)->size, (*y)->mtime_ns};
    return compare_thrown(&s, &t);
}

/* Each file in a bin stands for one image: a bin keeps size and time, not names. */
static size_t count_thrown(pf_collection *found, const pf_plan_gone **gone, size_t n)
{
    if (n == 0 || found->n_thrown == 0)
        return 0;
    qsort(found->thrown, found->n_thrown, sizeof *found->thrown, compare_thrown);
    qsort(gone, n, sizeof *gone, by_size_and_time);
    size_t count = 0;
    for (size_t i = 0, k = 0; i < n && k < found->n_thrown;) {
        const pf_scan_thrown was = {gone[i]->size, gone[i]->mtime_ns};
        const int order = compare_thrown(&was, &found->thrown[k]);
        count += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}

/* ---- one source ---- */

/* Where the next file begins among what is gone, which stands by path: a file counts
 * once, however many of its frames are images. One of which a frame has moved has moved
 * itself. */
static size_t next_gone(const pf_plan *plan, size_t i, bool *has_moved)
{
    const char *path = plan->gone[i].path;
    *has_moved = false;
    for (; i < plan->n_gone && strcmp(plan->gone[i].path, path) == 0; i++)
        *has_moved |= plan->gone[i].is_moved;
    return i;
}

static bool count_gone(pf_source *source, size_t *lost, pf_err *err)
{
    const pf_plan *plan = &source->plan;
    const pf_plan_gone **gone = pf_alloc_array(plan->n_gone, sizeof *gone, err);
    if (!gone)
        return false;
    size_t n = 0;
    for (size_t i = 0, next; i < plan->n_gone; i = next) {
        bool has_moved;
        next = next_gone(plan, i, &has_moved);
        if (!has_moved && pf_path_is_gone(plan->gone[i].path))
            gone[n++] = &plan->gone[i];
    }
    *lost = n - count_thrown(&source->found, gone, n);
    pf_free(gone);
    return true;
}

static bool is_same_file(const pf_plan *plan, size_t i, size_t k)
{
    return strcmp(plan->items[i].image->path, plan->items[k].image->path) == 0;
}

/* Files of images that go because what is under their name is no picture any more; or
 * those that were of the source, or lay in it, before tonight. Items stand by path. */
static size_t count_files(const pf_plan *plan, bool (*is_one)(const pf_plan_item *item))
{
    size_t n = 0, last = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (!is_one(&plan->items[i]) || (n > 0 && is_same_file(plan, i, last)))
            continue;
        last = i;
        n++;
    }
    return n;
}

static bool is_broken(const pf_plan_item *item)
{
    return item->failure && item->image_id != 0 && !item->keeps_old && !item->is_others;
}

static bool was_there(const pf_plan_item *item)
{
    return item->image_id != 0 && item->kind != PF_PLAN_MOVED && !item->is_others;
}

static size_t count_known(const pf_plan *plan)
{
    size_t n = plan->n_kept + count_files(plan, was_there);
    for (size_t i = 0; i < plan->n_gone;) {
        bool has_moved;
        i = next_gone(plan, i, &has_moved);
        n += !has_moved;
    }
    return n;
}

static bool is_too_much(size_t lost, size_t known)
{
    return lost > 0 && (lost == known || (lost > ALWAYS_FINE && lost > known / ONE_IN));
}

/* Somebody made a document private, or excluded a folder: that must not wait until a
 * disk is mounted again. */
static void find_unwanted(pf_plan *plan)
{
    for (size_t i = 0; i < plan->n_gone; i++)
        plan->gone[i].is_unwanted = pf_archive_has_file(plan->gone[i].path);
}

static bool keep_lost(pf_plan *plan, size_t lost, size_t known, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    find_unwanted(plan);
    pf_fail(
        &why, PF_ERR_IO,
        "%zu of %zu pictures are gone: all are kept, their disk may not be mounted. "
        "When it is meant: --allow-removals",
        lost, known);
    for (size_t i = 0; i < plan->count; i++)
        plan->items[i].keeps_old |= plan->items[i].failure && plan->items[i].image_id;
    plan->doubt = pf_strdup(why.msg, err);
    return plan->doubt != NULL;
}

static bool judge(pf_source *source, pf_err *err)
{
    size_t lost = 0;
    if (source->allows_removals || source->plan.doubt)
        return true;
    if (!count_gone(source, &lost, err))
        return false;
    lost += count_files(&source->plan, is_broken);
    const size_t known = count_known(&source->plan);
    return !is_too_much(lost, known) || keep_lost(&source->plan, lost, known, err);
}

bool pf_losses_judge(pf_sources *sources, pf_err *err)
{
    for (size_t i = 0; i < sources->count; i++) {
        if (!judge(&sources->at[i], err))
            return false;
    }
    return true;
}
