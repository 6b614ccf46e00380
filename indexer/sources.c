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

/* Which chosen source holds this path; NULL when none does. */
static pf_source *holder_of(const pf_sources *s, const char *path)
{
    for (size_t i = 0; i < s->count; i++) {
        if (pf_path_is_under(path, s->at[i].path))
            return &s->at[i];
    }
    return NULL;
}

/* Two sources over one file would each take it for theirs. */
static void drop_those_inside(pf_sources *s, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (pf_path_is_under(s->at[i].path, path)) {
            pf_free(s->at[i].path);
            pf_free(s->at[i].captions_path);
        } else {
            s->at[kept++] = s->at[i];
        }
    }
    s->count = kept;
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
    if (holder_of(r->chosen, row->path))
        return true;
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

static bool add_real(pf_sources *s, const char *real, const char *captions, pf_err *err)
{
    if (holder_of(s, real))
        return true;
    drop_those_inside(s, real);
    char *path = pf_strdup(real, err);
    bool ok = path && add_source(s, &path, captions, 0, err);
    pf_free(path);
    if (ok)
        s->at[s->count - 1].is_given = true;
    return ok;
}

static bool add_given(pf_sources *s, const char *given, const char *captions,
                      pf_err *err)
{
    char *real = realpath(given, NULL), *real_captions = NULL;
    bool ok = real || pf_fail_errno(err, errno, "cannot read '%s'", given);
    if (ok && captions)
        ok = (real_captions = realpath(captions, NULL)) ||
             pf_fail_errno(err, errno, "cannot read captions file '%s'", captions);
    ok = ok && add_real(s, real, real_captions, err);
    free(real);
    free(real_captions);
    return ok;
}

static bool compare_all(pf_sources *s, pf_store *store, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && store && i < s->count; i++) {
        pf_source *given = &s->at[i];
        remembered r = {
            .path = given->path, .has_captions = given->captions_path, .match = given};
        ok = pf_store_each_source(store, compare, &r, err);
    }
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
        if (!add_given(s, paths[i], captions, err))
            return false;
    }
    if (!compare_all(s, store, err))
        return false;
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
    const char *path; /* of the captions now; or NULL */
    bool is_same_path;
} known_captions;

static bool find_captions(void *context, const pf_store_source *row, pf_err *err)
{
    (void)err;
    known_captions *k = context;
    if (row->id != k->id)
        return true;
    k->hash = row->captions_hash;
    k->is_same_path =
        k->path && row->captions_path && strcmp(k->path, row->captions_path) == 0;
    return true;
}

/* Names in a captions file count from its folder: moved elsewhere, the same bytes may
 * mean other pictures. */
static bool read_captions(pf_source *source, pf_store *store, pf_err *err)
{
    known_captions known = {.id = source->id, .path = source->captions_path};
    if (store && source->id && !pf_store_each_source(store, find_captions, &known, err))
        return false;
    if (!source->captions_path)
        return true;
    if (!pf_hash_file(&source->captions_hash, source->captions_path, err))
        return pf_fail_in(err, "captions file");
    source->captions_changed =
        !known.is_same_path || !pf_hash_equal(&known.hash, &source->captions_hash);
    return pf_captions_read(&source->captions, source->captions_path, source->path,
                            &source->scan, err);
}

static bool keep_captions(pf_source *source, pf_store *store, pf_err *err)
{
    known_captions known = {.id = source->id};
    bool ok = pf_store_each_source(store, find_captions, &known, err);
    source->captions_hash = known.hash;
    return ok;
}

static bool has_image(void *context, const pf_store_image *image, pf_err *err)
{
    (void)image, (void)err;
    *(bool *)context = true;
    return true;
}

/* A source that is a single file can be deleted like any other picture; its folder
 * tells. */
static bool is_deleted_file(const pf_source *source, pf_store *store, bool *out,
                            pf_err *err)
{
    int64_t id = 0;
    *out = false;
    if (pf_path_exists(source->path))
        return true;
    const char *base = pf_path_base(source->path);
    char *folder = pf_strndup(source->path, (size_t)(base - source->path), err);
    bool ok = folder && pf_store_find_image(store, source->path, 0, &id, err);
    *out = ok && id != 0 && pf_path_is_folder(folder);
    pf_free(folder);
    return ok;
}

static bool is_bare(const pf_scan *scan)
{
    return scan->count == 0 && scan->others == 0 && scan->n_gaps == 0;
}

/* *is_there: it was scanned; otherwise all of it is a gap. */
static bool scan_remembered(pf_source *source, pf_store *store, const char *except,
                            const atomic_int *stop, bool *is_there, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    bool is_deleted, had_images = false;
    *is_there = true;
    if (!is_deleted_file(source, store, &is_deleted, err))
        return false;
    if (is_deleted)
        return true;
    if (pf_scan_source(&source->scan, source->path, except, stop, &why)) {
        if (!is_bare(&source->scan))
            return true;
        if (!pf_store_each_image(store, source->id, has_image, &had_images, err))
            return false;
        if (!had_images)
            return true;
        pf_fail(&why, PF_ERR_IO,
                "the folder is empty now, is its disk mounted? Its pictures are kept; "
                "name the folder to take them out");
    } else if (why.code != PF_ERR_IO) {
        return pf_fail(err, why.code, "%s", why.msg);
    }
    *is_there = false;
    pf_scan_reset(&source->scan);
    return pf_scan_add_gap(&source->scan, source->path, why.msg, err);
}

bool pf_sources_scan(pf_sources *s, pf_store *store, const char *except,
                     const atomic_int *stop, pf_err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        pf_source *source = &s->at[i];
        bool is_there = true;
        bool ok = source->is_given
                      ? pf_scan_source(&source->scan, source->path, except, stop, err)
                      : scan_remembered(source, store, except, stop, &is_there, err);
        if (!ok || !(is_there ? read_captions(source, store, err)
                              : keep_captions(source, store, err)))
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
