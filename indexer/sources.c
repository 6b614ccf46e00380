/* sources.c - see sources.h. */
#include "indexer/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"

static void reset_source(pf_source *source)
{
    pf_plan_reset(&source->plan);
    pf_collection_reset(&source->found);
    pf_free(source->path);
    pf_free(source->captions_path);
}

/* A new one at the end of the list, without an id; NULL when memory ran out. */
static pf_source *add_source(pf_sources *s, const char *path, const char *captions,
                             const pf_importer *importer, pf_err *err)
{
    if (!pf_grow_array(&s->at, &s->room, s->count, sizeof *s->at, err))
        return NULL;
    pf_source *source = &s->at[s->count];
    *source = (pf_source){.importer = importer};
    source->path = pf_strdup(path, err);
    if (captions)
        source->captions_path = pf_strdup(captions, err);
    if (!source->path || (captions && !source->captions_path)) {
        reset_source(source);
        return NULL;
    }
    s->count++;
    return source;
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
        if (pf_path_is_under(s->at[i].path, path))
            reset_source(&s->at[i]);
        else
            s->at[kept++] = s->at[i];
    }
    s->count = kept;
}

/* ---- what the store remembers ---- */

static bool recall(void *context, const pf_store_source *row, pf_err *err)
{
    pf_sources *chosen = context;
    if (holder_of(chosen, row->path))
        return true;
    const pf_importer *importer = pf_importer_named(row->kind);
    if (!importer)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "the source '%s' is of the kind '%s', which this program does "
                       "not read",
                       row->path, row->kind);
    pf_source *source =
        add_source(chosen, row->path, row->captions_path, importer, err);
    if (!source)
        return false;
    source->id = row->id;
    source->known_hash = row->captions_hash;
    source->follows_links = row->follows_links;
    return true;
}

/* Names in a captions file count from its folder: moved elsewhere, the same bytes may
 * mean other pictures, so that they count as new. */
static bool take_over(pf_source *given, const pf_store_source *row, pf_err *err)
{
    given->id = row->id;
    if (!given->captions_path && row->captions_path &&
        !(given->captions_path = pf_strdup(row->captions_path, err)))
        return false;
    if (!given->captions_path ||
        (row->captions_path && strcmp(given->captions_path, row->captions_path) == 0))
        given->known_hash = row->captions_hash;
    return true;
}

typedef struct {
    pf_source *given;
    bool has_captions; /* that the user gave with it */
} comparison;

/* A path that is remembered takes its id and captions from there; one inside a source
 * is refused, for it would be indexed by both, each night anew. */
static bool compare(void *context, const pf_store_source *row, pf_err *err)
{
    const comparison *c = context;
    if (strcmp(row->path, c->given->path) == 0)
        return take_over(c->given, row, err);
    if (pf_path_is_under(c->given->path, row->path))
        return pf_fail(
            err, PF_ERR_MISUSE,
            "'%s' lies inside the source '%s'; give that one, or no path for all "
            "sources",
            c->given->path, row->path);
    if (pf_path_is_under(row->path, c->given->path) && row->captions_path &&
        !c->has_captions)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "'%s' holds the source '%s', which has captions of its own; give "
            "--captions for all of it",
            c->given->path, row->path);
    return true;
}

static bool compare_all(pf_sources *s, pf_store *store, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && store && i < s->count; i++) {
        comparison c = {&s->at[i], s->at[i].captions_path != NULL};
        ok = pf_store_each_source(store, compare, &c, err);
    }
    return ok;
}

/* ---- what the user gave ---- */

static bool add_recognised(pf_sources *s, const char *path, const char *captions,
                           const pf_importer *importer, pf_err *err)
{
    if (holder_of(s, path))
        return true;
    drop_those_inside(s, path);
    pf_source *source = add_source(s, path, captions, importer, err);
    if (source)
        source->is_given = true;
    return source != NULL;
}

/* What names no file keeps its name: an importer may know it all the same. */
static bool add_given(pf_sources *s, const char *given, const char *captions,
                      pf_err *err)
{
    char *real = realpath(given, NULL), *real_captions = NULL;
    const int why = errno;
    const char *path = real ? real : given;
    const pf_importer *importer = pf_importer_for(path);
    bool ok = importer || pf_fail_errno(err, why, "cannot read '%s'", given);
    if (ok && captions)
        ok = (real_captions = realpath(captions, NULL)) ||
             pf_fail_errno(err, errno, "cannot read captions file '%s'", captions);
    ok = ok && add_recognised(s, path, real_captions, importer, err);
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
        if (!add_given(s, paths[i], captions, err))
            return false;
    }
    if (!compare_all(s, store, err))
        return false;
    if (store && (n_paths == 0 || all) && !pf_store_each_source(store, recall, s, err))
        return false;
    if (s->count == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "the catalog remembers no source yet; name a "
                       "folder of pictures");
    return true;
}

/* ---- reading ---- */

static bool describe(const pf_source *source, pf_store *store, pf_import *out,
                     pf_err *err)
{
    int64_t id = 0;
    out->path = source->path;
    out->captions = source->captions_path;
    out->is_given = source->is_given;
    out->follows_links = source->follows_links;
    if (!store || source->id == 0)
        return true;
    if (!pf_store_has_images(store, source->id, &out->had_images, err) ||
        !pf_store_find_image(store, source->path, 0, &id, err))
        return false;
    out->was_an_image = id != 0;
    return true;
}

static bool read_source(pf_source *source, pf_import *from, pf_store *store,
                        pf_err *err)
{
    pf_collection *found = &source->found;
    pf_collection_init(found, source->path);
    if (!describe(source, store, from, err) ||
        !source->importer->read(from, found, err))
        return false;
    pf_collection_finish(found);
    /* Of what could not be read at all, the texts are those that are known. */
    if (pf_collection_is_in_gap(found, source->path))
        found->texts_hash = source->known_hash;
    source->texts_changed = !pf_hash_equal(&found->texts_hash, &source->known_hash);
    return true;
}

bool pf_sources_read(pf_sources *s, pf_store *store, const char *except,
                     const atomic_int *stop, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        pf_import from = {.except = except, .stop = stop};
        ok = read_source(&s->at[i], &from, store, err);
    }
    return ok;
}

void pf_sources_reset(pf_sources *s)
{
    for (size_t i = 0; i < s->count; i++)
        reset_source(&s->at[i]);
    pf_free(s->at);
    *s = (pf_sources){0};
}
