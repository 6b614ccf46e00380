/* sources.c - see sources.h. */
#include "indexer/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"

static bool add_source(pf_sources *s, char **path, const char *captions, int64_t id,
                       pf_err *err)
{
    if (s->count == s->room) {
        void *p = s->at;
        size_t room = s->room ? 2 * s->room : 8;
        if (!pf_resize_array(&p, room, sizeof *s->at, err))
            return false;
        s->at = p;
        s->room = room;
    }
    char *copy = captions ? pf_strdup(captions, err) : NULL;
    if (captions && !copy)
        return false;
    s->at[s->count++] = (pf_source){.path = *path, .captions_path = copy, .id = id};
    *path = NULL;
    return true;
}

/* ---- what the store remembers ---- */

typedef struct {
    pf_sources *chosen; /* gets every remembered source, or NULL */
    const char *path;   /* the new path to compare with */
    bool has_captions;  /* that come with the new path */
    pf_source *match;   /* gets id and captions when the path is remembered */
} remembered;

static bool recall(void *context, const pf_store_source *row, pf_err *err)
{
    remembered *r = context;
    for (size_t i = 0; i < r->chosen->count; i++) {
        if (strcmp(r->chosen->at[i].path, row->path) == 0)
            return true;
    }
    char *path = pf_strdup(row->path, err);
    bool ok = path && add_source(r->chosen, &path, row->captions_path, row->id, err);
    pf_free(path);
    return ok;
}

/* A path that is remembered takes its id and captions from there; one inside a source
 * is refused, for it would be indexed by both, each night anew. */
static bool compare(void *context, const pf_store_source *row, pf_err *err)
{
    remembered *r = context;
    if (strcmp(row->path, r->path) == 0) {
        r->match->id = row->id;
        if (!r->has_captions && row->captions_path)
            return (r->match->captions_path = pf_strdup(row->captions_path, err)) !=
                   NULL;
        return true;
    }
    if (pf_path_is_under(r->path, row->path))
        return pf_fail(
            err, PF_ERR_MISUSE,
            "'%s' lies inside the source '%s'; give that one, or no path for all "
            "sources",
            r->path, row->path);
    if (pf_path_is_under(row->path, r->path) && row->captions_path && !r->has_captions)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "'%s' holds the source '%s', which has captions of its own; give "
            "--captions for all of it",
            r->path, row->path);
    return true;
}

static bool add_given(pf_sources *s, pf_store *store, const char *given,
                      const char *captions, pf_err *err)
{
    char *real = realpath(given, NULL);
    if (!real)
        return pf_fail_errno(err, errno, "cannot read '%s'", given);
    char *real_captions = captions ? realpath(captions, NULL) : NULL;
    if (captions && !real_captions) {
        free(real);
        return pf_fail_errno(err, errno, "cannot read captions file '%s'", captions);
    }
    char *path = pf_strdup(real, err);
    bool ok = path && add_source(s, &path, real_captions, 0, err);
    if (ok && store) {
        pf_source *added = &s->at[s->count - 1];
        remembered r = {.path = added->path, .has_captions = captions, .match = added};
        ok = pf_store_each_source(store, compare, &r, err);
    }
    pf_free(path);
    free(real);
    free(real_captions);
    return ok;
}

bool pf_sources_choose(pf_sources *s, pf_store *store, const char *const *paths,
                       size_t n_paths, const char *captions, bool all, pf_err *err)
{
    *s = (pf_sources){0};
    if (captions && n_paths != 1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--captions goes with exactly one path, there are %zu", n_paths);
    for (size_t i = 0; i < n_paths; i++) {
        if (!add_given(s, store, paths[i], captions, err))
            return false;
    }
    remembered r = {.chosen = s};
    if (store && (n_paths == 0 || all) && !pf_store_each_source(store, recall, &r, err))
        return false;
    if (s->count == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "the catalog remembers no source yet; name a "
                       "folder of pictures");
    return true;
}

/* ---- scanning ---- */

typedef struct {
    int64_t id;
    pf_hash hash;
} known_hash;

static bool find_hash(void *context, const pf_store_source *row, pf_err *err)
{
    (void)err;
    known_hash *k = context;
    if (row->id == k->id)
        k->hash = row->captions_hash;
    return true;
}

static bool hash_captions(pf_source *source, pf_store *store, pf_err *err)
{
    known_hash known = {.id = source->id};
    if (source->captions_path &&
        !pf_hash_file(&source->captions_hash, source->captions_path, err))
        return pf_fail_in(err, "captions file");
    if (store && source->id && !pf_store_each_source(store, find_hash, &known, err))
        return false;
    source->captions_changed = !pf_hash_equal(&known.hash, &source->captions_hash);
    return true;
}

bool pf_sources_scan(pf_sources *s, pf_store *store, const char *except, pf_err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        pf_source *source = &s->at[i];
        if (!pf_scan_source(&source->scan, source->path, except, err) ||
            !hash_captions(source, store, err))
            return false;
        if (source->captions_path &&
            !pf_captions_read(&source->captions, source->captions_path, source->path,
                              &source->scan, err))
            return false;
    }
    return true;
}

void pf_sources_reset(pf_sources *s)
{
    for (size_t i = 0; i < s->count; i++) {
        pf_source *source = &s->at[i];
        pf_plan_reset(&source->plan);
        pf_captions_reset(&source->captions);
        pf_scan_reset(&source->scan);
        pf_free(source->path);
        pf_free(source->captions_path);
    }
    pf_free(s->at);
    *s = (pf_sources){0};
}
