/* rearrange.c - see rearrange.h. */
#include "indexer/rearrange.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"

/* ---- which sources ---- */

typedef struct {
    int64_t id;
    const char *path;
    bool is_meant;
} known_source;

typedef struct {
    const char *given;
    char *path, *real; /* `given` from the root of the tree; NULL: it leads nowhere */
    bool with_inner;   /* those that lie in it are meant, too */
    known_source *at;
    size_t count, room, n_meant;
    pf_arena paths;
} search;

static bool is_meant(const search *s, const char *path)
{
    if (strcmp(path, s->given) == 0 || strcmp(path, s->path) == 0 ||
        (s->with_inner && pf_path_is_under(path, s->path)))
        return true;
    char *real = s->real ? realpath(path, NULL) : NULL;
    const bool is_same = real && strcmp(real, s->real) == 0;
    free(real);
    return is_same;
}

static bool add_source(void *context, const pf_store_source *row, pf_err *err)
{
    search *s = context;
    if (!pf_grow_array(&s->at, &s->room, s->count, sizeof *s->at, err))
        return false;
    known_source source = {.id = row->id, .is_meant = is_meant(s, row->path)};
    source.path = pf_arena_add(&s->paths, row->path, strlen(row->path), err);
    s->at[s->count++] = source;
    s->n_meant += source.is_meant;
    return source.path != NULL;
}

static bool find_sources(search *s, pf_store *store, pf_err *err)
{
    s->path = pf_path_absolute(s->given, err);
    s->real = realpath(s->given, NULL);
    if (!s->path || !pf_store_each_source(store, add_source, s, err))
        return false;
    return s->n_meant > 0 ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "the catalog has no source '%s'; --info lists those it has",
                   s->given);
}

static void reset_search(search *s)
{
    pf_free(s->path);
    free(s->real); /* of realpath() */
    pf_free(s->at);
    pf_arena_reset(&s->paths);
}

/* ---- both ---- */

static bool open_catalog(const pf_rearrange_options *o, pf_catalog **out, pf_err *err)
{
    const pf_catalog_writer_options options = {
        .must_exist = true, .wait_seconds = o->wait_seconds, .stop = o->stop};
    return o->dry_run ? pf_catalog_open_reader(out, o->catalog, err)
                      : pf_catalog_open_writer(out, o->catalog, &options, err);
}

static bool count(const search *s, pf_store *store, pf_rearranged *out, pf_err *err)
{
    *out = (pf_rearranged){.sources = s->n_meant};
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        pf_store_counts n;
        if (!s->at[i].is_meant)
            continue;
        ok = pf_store_count_source(store, s->at[i].id, &n, err);
        out->images += n.images;
        out->captions += n.captions;
        out->cases += n.cases;
    }
    return ok;
}

typedef bool change_fn(const search *s, pf_store *store, const char *to, pf_err *err);

/* In one transaction, and one generation. */
static bool change(pf_catalog *catalog, const search *s, change_fn *fn, const char *to,
                   pf_err *err)
{
    pf_store *store = pf_catalog_store(catalog);
    if (!pf_store_begin(store, err))
        return false;
    if (fn(s, store, to, err))
        return pf_catalog_publish(catalog, err);
    pf_store_rollback(store);
    return false;
}

/* ---- forgetting ---- */

static bool forget(const search *s, pf_store *store, const char *to, pf_err *err)
{
    (void)to;
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++)
        ok = !s->at[i].is_meant || pf_store_delete_source(store, s->at[i].id, err);
    return ok && pf_store_drop_unused(store, err);
}

bool pf_forget(const pf_rearrange_options *options, const char *source,
               pf_rearranged *out, pf_err *err)
{
    search s = {.given = source};
    pf_catalog *catalog = NULL;
    const bool ok = open_catalog(options, &catalog, err) &&
                    find_sources(&s, pf_catalog_store(catalog), err) &&
                    count(&s, pf_catalog_store(catalog), out, err) &&
                    (options->dry_run || change(catalog, &s, forget, NULL, err));
    pf_catalog_close(catalog);
    reset_search(&s);
    return ok;
}

/* ---- relocating ---- */

static bool check_place(const search *s, const char *to, pf_err *err)
{
    if (strcmp(to, "/") == 0 || strcmp(s->path, "/") == 0)
        return pf_fail(err, PF_ERR_MISUSE, "'/' is no place to relocate to, or from");
    for (size_t i = 0; i < s->count; i++) {
        const char *other = s->at[i].path;
        if (!s->at[i].is_meant &&
            (pf_path_is_under(to, other) || pf_path_is_under(other, to)))
            return pf_fail(
                err, PF_ERR_MISUSE,
                "'%s' would meet the source '%s'; --forget that one first, or "
                "leave it to the next run: pictures that moved are known "
                "again",
                to, other);
    }
    return true;
}

/* Where a source is now: what follows the old place stays. */
static char *new_place(const search *s, const known_source *source, const char *to,
                       pf_err *err)
{
    const bool is_inside = pf_path_is_under(source->path, s->path);
    return pf_strf(err, "%s%s", to, is_inside ? source->path + strlen(s->path) : "");
}

static bool relocate(const search *s, pf_store *store, const char *to, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        const known_source *source = &s->at[i];
        char *place = source->is_meant ? new_place(s, source, to, err) : NULL;
        ok = !source->is_meant ||
             (place &&
              pf_store_relocate_source(store, source->id, source->path, place, err));
        pf_free(place);
    }
    return ok && pf_store_relocate_tables(store, s->path, to, err);
}

bool pf_relocate(const pf_rearrange_options *options, const char *from, const char *to,
                 pf_rearranged *out, pf_err *err)
{
    search s = {.given = from, .with_inner = true};
    pf_catalog *catalog = NULL;
    char *place = pf_path_absolute(to, err);
    bool ok = place && open_catalog(options, &catalog, err) &&
              find_sources(&s, pf_catalog_store(catalog), err) &&
              count(&s, pf_catalog_store(catalog), out, err);
    if (ok && !pf_path_exists(to))
        ok = pf_fail(err, PF_ERR_NOT_FOUND, "there is no '%s'", to);
    ok = ok && check_place(&s, place, err) &&
         (options->dry_run || change(catalog, &s, relocate, place, err));
    pf_catalog_close(catalog);
    reset_search(&s);
    pf_free(place);
    return ok;
}
