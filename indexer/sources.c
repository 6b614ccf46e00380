/* sources.c - see sources.h. */
#include "indexer/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "indexer/columns.h"

static void reset_source(pf_source *source)
{
    pf_plan_reset(&source->plan);
    pf_collection_reset(&source->found);
    pf_free(source->path);
    pf_free(source->real);
    for (size_t i = 0; i < source->n_tables; i++)
        pf_free(source->tables[i]);
    pf_free(source->tables);
    pf_free(source->columns);
    for (size_t i = 0; i < source->n_excluded; i++)
        pf_free(source->excluded[i]);
    pf_free(source->excluded);
}

static bool has_table(const pf_source *source, const char *path)
{
    for (size_t i = 0; i < source->n_tables; i++) {
        if (strcmp(source->tables[i], path) == 0)
            return true;
    }
    return false;
}

/* The source has none yet. */
static bool set_tables(pf_source *source, const char *const *paths, size_t n,
                       pf_err *err)
{
    source->tables = pf_alloc_array(n, sizeof *source->tables, err);
    for (size_t i = 0; source->tables && i < n; i++) {
        if (has_table(source, paths[i]))
            continue;
        char *path = pf_strdup(paths[i], err);
        if (!path)
            return false;
        source->tables[source->n_tables++] = path;
    }
    return source->tables != NULL;
}

/* Owned, like all that a pf_source holds. NULL is fine. */
static bool copy(char **out, const char *text, pf_err *err)
{
    *out = text ? pf_strdup(text, err) : NULL;
    return *out || !text;
}

/* A new one at the end of the list, without an id; NULL when memory ran out. */
static pf_source *add_source(pf_sources *s, const char *path,
                             const pf_importer *importer, pf_err *err)
{
    if (!pf_grow_array(&s->at, &s->room, s->count, sizeof *s->at, err))
        return NULL;
    pf_source *source = &s->at[s->count];
    *source = (pf_source){.importer = importer};
    char *real = realpath(path, NULL);
    const bool ok = copy(&source->path, path, err) && copy(&source->real, real, err);
    free(real);
    if (!ok) {
        reset_source(source);
        return NULL;
    }
    s->count++;
    return source;
}

/* By name, or by where links lead. */
static bool lies_in(const char *path, const char *real, const char *folder,
                    const char *real_folder)
{
    return pf_path_is_under(path, folder) ||
           (real && real_folder && pf_path_is_under(real, real_folder));
}

/* Which chosen source holds this path; NULL when none does. */
static pf_source *holder_of(const pf_sources *s, const char *path, const char *real)
{
    for (size_t i = 0; i < s->count; i++) {
        if (lies_in(path, real, s->at[i].path, s->at[i].real))
            return &s->at[i];
    }
    return NULL;
}

/* Two sources over one file would each take it for theirs. */
static void drop_those_inside(pf_sources *s, const char *path, const char *real)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (lies_in(s->at[i].path, s->at[i].real, path, real))
            reset_source(&s->at[i]);
        else
            s->at[kept++] = s->at[i];
    }
    s->count = kept;
}

/* ---- what the store remembers ---- */

static const pf_importer *importer_of(const pf_store_source *row, pf_err *err)
{
    const pf_importer *importer = pf_importer_named(row->kind);
    if (!importer)
        pf_fail(err, PF_ERR_UNSUPPORTED,
                "the source '%s' is of the kind '%s', which this program does not read",
                row->path, row->kind);
    return importer;
}

/* Sources may meet by links that lead elsewhere than when they were named: by then both
 * have their own images, and each is left to itself. */
static bool recall(void *context, const pf_store_source *row, pf_err *err)
{
    pf_sources *chosen = context;
    if (holder_of(chosen, row->path, NULL))
        return true;
    const pf_importer *importer = importer_of(row, err);
    pf_source *source = importer ? add_source(chosen, row->path, importer, err) : NULL;
    if (!source)
        return false;
    source->id = row->id;
    source->known_hash = row->texts_hash;
    source->reading = source->was_read = row->reading;
    return set_tables(source, row->tables, row->n_tables, err) &&
           copy(&source->columns, row->columns, err);
}

static bool has_same_tables(const pf_source *source, const pf_store_source *row)
{
    bool is_same = source->n_tables == row->n_tables;
    for (size_t i = 0; is_same && i < row->n_tables; i++)
        is_same = has_table(source, row->tables[i]);
    return is_same;
}

/* None given: the store's count. */
static bool has_same_columns(const pf_source *source, const pf_store_source *row)
{
    return !source->columns ||
           (row->columns && strcmp(source->columns, row->columns) == 0);
}

/* What was not given anew is as it was; columns go with their tables. */
static bool take_over(pf_source *given, const pf_store_source *row, pf_err *err)
{
    given->id = row->id;
    given->reading = given->was_read = row->reading;
    given->reading.follows_links = false; /* until it is asked for again */
    given->reading.reads_as_owner = false;
    given->known_hash = row->texts_hash;
    if (given->n_tables == 0 && !set_tables(given, row->tables, row->n_tables, err))
        return false;
    const bool is_same = has_same_tables(given, row);
    given->has_new_table = !is_same || !has_same_columns(given, row);
    return given->columns || !is_same || copy(&given->columns, row->columns, err);
}

typedef struct {
    pf_source *given;
    bool has_tables; /* that the user gave with it */
} comparison;

static bool refuse_inside(const pf_source *given, const pf_store_source *row,
                          pf_err *err)
{
    return pf_fail(
        err, PF_ERR_MISUSE,
        "'%s' lies inside the source '%s'; give that one, or no path for all "
        "sources",
        given->path, row->path);
}

/* A larger source takes over what it will find under the same paths, not what has
 * become known through a link. */
static bool check_outside(const comparison *c, const pf_store_source *row, pf_err *err)
{
    if (!pf_path_is_under(row->path, c->given->path))
        return pf_fail(err, PF_ERR_MISUSE,
                       "'%s' holds the source '%s', which leads there by a link; "
                       "--forget that one first",
                       c->given->path, row->path);
    return row->n_tables == 0 || c->has_tables ||
           pf_fail(err, PF_ERR_MISUSE,
                   "'%s' holds the source '%s', which has captions of its own; give "
                   "--captions for all of it",
                   c->given->path, row->path);
}

/* A path that is remembered takes its id and captions from there; one inside a source
 * is refused, for it would be indexed by both, each night anew. */
static bool compare(void *context, const pf_store_source *row, pf_err *err)
{
    const comparison *c = context;
    const pf_source *given = c->given;
    if (strcmp(row->path, given->path) == 0)
        return take_over(c->given, row, err);
    char *real = realpath(row->path, NULL);
    const bool ok = lies_in(given->path, given->real, row->path, real)
                        ? refuse_inside(given, row, err)
                        : !lies_in(row->path, real, given->path, given->real) ||
                              check_outside(c, row, err);
    free(real);
    return ok;
}

static bool compare_all(pf_sources *s, pf_store *store, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && store && i < s->count; i++) {
        comparison c = {&s->at[i], s->at[i].n_tables > 0};
        ok = pf_store_each_source(store, compare, &c, err);
    }
    return ok;
}

/* ---- what the user gave ---- */

/* The remembered source that is meant by a name: the same path, or another name of the
 * same folder. */
typedef struct {
    const char *given, *path; /* as the user wrote it; from the root of the tree */
    const char *real;         /* where links lead; NULL: nowhere, */
    int why;                  /* for this reason (errno) */
    bool is_same_path;
    char *known; /* owned; NULL: there is none */
    const pf_importer *importer;
} recognition;

static bool recognise(void *context, const pf_store_source *row, pf_err *err)
{
    recognition *r = context;
    const bool is_same_path = strcmp(row->path, r->real ? r->path : r->given) == 0 ||
                              strcmp(row->path, r->path) == 0;
    char *real = r->real ? realpath(row->path, NULL) : NULL;
    const bool is_same = is_same_path || (real && strcmp(real, r->real) == 0);
    free(real);
    if (!is_same || r->is_same_path)
        return true;
    pf_free(r->known);
    r->is_same_path = is_same_path;
    return (r->importer = importer_of(row, err)) && copy(&r->known, row->path, err);
}

/* What names no file keeps its name: an importer may know it all the same. */
static bool recognise_given(recognition *r, pf_store *store, pf_err *err)
{
    if (store && !pf_store_each_source(store, recognise, r, err))
        return false;
    if (r->known)
        return true;
    const char *path = r->real ? r->path : r->given;
    r->importer = pf_importer_for(path);
    if (!r->importer)
        return pf_fail_errno(err, r->why, "cannot read '%s'", r->given);
    return copy(&r->known, path, err);
}

/* Names in a table count from its folder. One that lies in the source is named by the
 * source's own path, as the pictures are. */
static char *captions_path(const char *given, const char *source, const char *real,
                           pf_err *err)
{
    char *real_captions = realpath(given, NULL);
    const int why = errno;
    char *path = NULL;
    if (!real_captions)
        pf_fail_errno(err, why, "cannot read captions file '%s'", given);
    else if (real && pf_path_is_under(real_captions, real))
        path = pf_strf(err, "%s%s", source, real_captions + strlen(real));
    else
        path = pf_path_absolute(given, err);
    free(real_captions);
    return path;
}

static char **find_tables(const pf_sources_given *given, const recognition *r,
                          pf_err *err)
{
    char **paths = pf_alloc_array(given->n_tables, sizeof *paths, err);
    for (size_t i = 0; paths && i < given->n_tables; i++) {
        paths[i] = captions_path(given->tables[i], r->known, r->real, err);
        if (paths[i])
            continue;
        while (i-- > 0)
            pf_free(paths[i]);
        pf_free(paths);
        return NULL;
    }
    return paths;
}

static bool take_given(pf_source *source, const pf_sources_given *given,
                       const recognition *r, pf_err *err)
{
    source->is_given = true;
    source->tables_are_given = given->n_tables > 0 || given->columns;
    if (given->n_tables == 0)
        return copy(&source->columns, given->columns, err);
    char **paths = find_tables(given, r, err);
    const bool ok =
        paths && set_tables(source, (const char *const *)paths, given->n_tables, err) &&
        copy(&source->columns, given->columns, err);
    for (size_t i = 0; paths && i < given->n_tables; i++)
        pf_free(paths[i]);
    pf_free(paths);
    return ok;
}

static bool add_recognised(pf_sources *s, const recognition *r,
                           const pf_sources_given *given, pf_err *err)
{
    if (holder_of(s, r->known, r->real))
        return true;
    drop_those_inside(s, r->known, r->real);
    pf_source *source = add_source(s, r->known, r->importer, err);
    return source && take_given(source, given, r, err);
}

static bool add_given(pf_sources *s, pf_store *store, const char *name,
                      const pf_sources_given *given, pf_err *err)
{
    char *path = pf_path_absolute(name, err);
    if (!path)
        return false;
    char *real = realpath(name, NULL);
    recognition r = {.given = name, .path = path, .real = real, .why = errno};
    const bool ok =
        recognise_given(&r, store, err) && add_recognised(s, &r, given, err);
    free(real);
    pf_free(path);
    pf_free(r.known);
    return ok;
}

static bool check_given(const pf_sources_given *given, pf_err *err)
{
    const bool is_about_tables = given->n_tables > 0 || given->columns;
    if (is_about_tables && given->n_paths != 1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--captions and --columns go with exactly one path, there are "
                       "%zu",
                       given->n_paths);
    return !given->columns || pf_columns_check(given->columns, err);
}

bool pf_sources_choose(pf_sources *s, pf_store *store, const pf_sources_given *given,
                       bool all, pf_err *err)
{
    *s = (pf_sources){0};
    if (!check_given(given, err))
        return false;
    for (size_t i = 0; i < given->n_paths; i++) {
        if (!add_given(s, store, given->paths[i], given, err))
            return false;
    }
    if (!compare_all(s, store, err))
        return false;
    if (store && (given->n_paths == 0 || all) &&
        !pf_store_each_source(store, recall, s, err))
        return false;
    if (s->count == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "the catalog remembers no source yet; name a "
                       "folder of pictures");
    return true;
}

/* ---- what is left out ---- */

static bool add_exclusion(void *context, const char *pattern, pf_err *err)
{
    pf_source *source = context;
    if (!pf_grow_array(&source->excluded, &source->excluded_room, source->n_excluded,
                       sizeof *source->excluded, err) ||
        !copy(&source->excluded[source->n_excluded], pattern, err))
        return false;
    source->n_excluded++;
    return true;
}

bool pf_sources_exclude(pf_sources *s, pf_store *store, const char *const *patterns,
                        size_t n, bool of_all, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        pf_source *source = &s->at[i];
        const bool is_meant = n > 0 && (of_all || source->is_given);
        for (size_t k = 0; ok && is_meant && k < n; k++)
            ok = add_exclusion(source, patterns[k], err);
        if (ok && !is_meant && store && source->id)
            ok = pf_store_each_exclusion(store, source->id, add_exclusion, source, err);
    }
    return ok;
}

/* ---- reading ---- */

static bool import(const pf_source *source, pf_import *from, pf_collection *to,
                   pf_store *store, bool reads_all, pf_err *err)
{
    pf_known_facts known = {0};
    const bool has_known = source->id && !reads_all;
    if (has_known)
        from->known = &known;
    const bool ok =
        (!has_known || pf_known_facts_load(&known, store, source->id, err)) &&
        source->importer->read(from, to, err);
    pf_known_facts_reset(&known);
    return ok;
}

static bool read_source(pf_source *source, pf_import *from, pf_store *store,
                        bool reads_all, pf_err *err)
{
    pf_collection *found = &source->found;
    bool had_images = false;
    from->path = source->path;
    from->tables = (const char *const *)source->tables;
    from->n_tables = source->n_tables;
    from->tables_are_given = source->tables_are_given;
    from->columns = source->columns;
    from->reading = &source->reading;
    from->excluded = (const char *const *)source->excluded;
    from->n_excluded = source->n_excluded;
    from->is_new = source->id == 0;
    pf_collection_init(found, source->path);
    if (source->id && !pf_store_has_images(store, source->id, &had_images, err))
        return false;
    source->is_spent = source->id && source->is_given && !had_images &&
                       source->path[0] == '/' && pf_path_is_gone(source->path);
    if (!source->is_spent && !import(source, from, found, store, reads_all, err))
        return false;
    pf_collection_finish(found);
    /* Of what could not be read, the texts are those that are known. */
    if (found->keeps_texts || pf_collection_is_in_gap(found, source->path))
        found->texts_hash = source->known_hash;
    source->texts_changed = !pf_hash_equal(&found->texts_hash, &source->known_hash);
    return true;
}

bool pf_sources_read(pf_sources *s, pf_store *store, const char *except, bool reads_all,
                     const atomic_int *stop, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        pf_import from = {.except = except, .stop = stop};
        ok = read_source(&s->at[i], &from, store, reads_all, err);
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
