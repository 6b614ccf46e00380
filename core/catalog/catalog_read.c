/*
 * catalog_read.c - see catalog.h. Snapshots, and the indexes that go with them.
 *
 * Files are opened together with the snapshot and stay open, so that an index can be
 * loaded when a question first needs it, whatever has been published since. A reader
 * that has read the rows of one generation and then finds its file gone was overtaken
 * by a publish (catalog_publish.c); it takes the newer generation.
 */
#include "core/catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog_impl.h"

enum { OVERTAKEN_TIMES = 5 };

/* --- index files ------------------------------------------------------------------ */

static bool add_vector(void *user, int64_t id, const float *vector, int dim,
                       pf_err *err)
{
    (void)dim; /* the model's, as the index was made for */
    return pf_vindex_add(user, &id, vector, 1, err);
}

bool pf_catalog_build_index(pf_catalog *c, pf_index_kind kind, pf_vindex **out,
                            pf_err *err)
{
    *out = NULL;
    pf_store_model model = {0};
    if (!pf_store_find_model(c->store, &model, err))
        return false;
    int dim = model.dim;
    bool is_set = model.id != 0;
    pf_store_model_reset(&model);
    if (!is_set)
        return pf_fail(err, PF_ERR_MISUSE, "catalog '%s' has no model yet", c->folder);
    pf_vindex *index;
    if (!pf_vindex_new(&index, dim, err))
        return false;
    if (!pf_store_each_vector_above(c->store, kind, 0, add_vector, index, err)) {
        pf_vindex_free(index);
        return false;
    }
    *out = index;
    return true;
}

/* What a row says is believed when the catalog has as much: a file of zeros takes no
 * room on a disk, whatever its size. */
static bool check_recorded(const pf_catalog *c, pf_index_kind kind,
                           const pf_store_index_file *row, pf_err *err)
{
    int dim;
    if (!pf_store_get_dim(c->store, &dim, err))
        return false;
    return row->dim == dim ||
           pf_fail(
               err, PF_ERR_FORMAT,
               "the index of %s was recorded with vectors of %d floats, the catalog "
               "has %d",
               pf_index_kind_name(kind), row->dim, dim);
}

/* The vectors that came since the file was written. With them it has to have as many as
 * the catalog, and its last id must be the one that was recorded: rows may lie. */
static bool add_newer(const pf_catalog *c, pf_index_kind kind,
                      const pf_store_index_file *row, const char *path,
                      pf_vindex *index, pf_err *err)
{
    int64_t last;
    if (!pf_vindex_find_last(index, &last, err))
        return false;
    if (last != row->last_id)
        return pf_fail(err, PF_ERR_FORMAT,
                       "index file '%s' is damaged: its last id is %lld, expected %lld",
                       path, (long long)last, (long long)row->last_id);
    if (row->count > row->in_file &&
        !pf_store_each_vector_above(c->store, kind, row->last_id, add_vector, index,
                                    err))
        return false;
    return pf_vindex_count(index) == (size_t)row->count ||
           pf_fail(err, PF_ERR_FORMAT,
                   "index file '%s' is damaged: with it there are %zu vectors, "
                   "expected %lld",
                   path, pf_vindex_count(index), (long long)row->count);
}

pf_vfile_record pf_catalog_record_of(const pf_store_index_file *row)
{
    return (pf_vfile_record){.checksum = row->checksum,
                             .dim = row->dim,
                             .count = (size_t)row->in_file,
                             .n_lists = (size_t)row->n_lists};
}

bool pf_catalog_read_index(const pf_catalog *c, pf_index_kind kind,
                           const pf_index_file *file, pf_vindex **out, pf_err *err)
{
    *out = NULL;
    if (file->row.generation == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND, "no index of %s was recorded",
                       pf_index_kind_name(kind));
    if (!check_recorded(c, kind, &file->row, err))
        return false;
    char *path = pf_path_join(c->folder, file->row.name, err);
    bool ok = path != NULL;
    if (ok && file->fd < 0)
        ok = file->why == ENOENT
                 ? pf_fail(err, PF_ERR_NOT_FOUND, "there is no index file '%s'", path)
                 : pf_fail_errno(err, file->why, "cannot open '%s'", path);
    const pf_vfile_record record = pf_catalog_record_of(&file->row);
    ok = ok && pf_vindex_read(out, file->fd, path, &record, err);
    if (ok)
        pf_vindex_set_probe(*out, (size_t)file->row.n_probe);
    ok = ok && add_newer(c, kind, &file->row, path, *out, err);
    pf_free(path);
    if (!ok) {
        pf_vindex_free(*out);
        *out = NULL;
    }
    return ok;
}

bool pf_catalog_make_index(pf_catalog *c, pf_index_kind kind, const pf_err *why,
                           pf_vindex **out, pf_notes *notes, pf_err *err)
{
    if (!pf_catalog_build_index(c, kind, out, err))
        return pf_fail_in(err, "%s; nor can it be made from the database", why->msg);
    pf_notes_add(notes,
                 "%s; searching the vectors in the database instead (slower to "
                 "start): run plainfilm-index to write it again",
                 why->msg);
    return true;
}

bool pf_catalog_load_index(pf_catalog *c, pf_index_kind kind, const pf_index_file *file,
                           pf_vindex **out, pf_notes *notes, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    if (pf_catalog_read_index(c, kind, file, out, &why))
        return true;
    if (why.code == PF_ERR_NOMEM)
        return pf_fail_as(err, &why);
    return pf_catalog_make_index(c, kind, &why, out, notes, err);
}

/* --- snapshots -------------------------------------------------------------------- */

void pf_catalog_end_read(pf_catalog *c)
{
    if (c->has_snapshot)
        pf_store_end_read(c->store);
    c->has_snapshot = false;
}

bool pf_catalog_has_snapshot(const pf_catalog *c)
{
    return c->has_snapshot;
}

static bool check_published(const pf_catalog *c, int64_t generation, pf_err *err)
{
    return generation > 0 || c->may_be_unpublished ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "catalog '%s' is empty: no run of plainfilm-index has finished yet",
                   c->folder);
}

bool pf_catalog_begin_read(pf_catalog *c, pf_err *err)
{
    int64_t generation;
    pf_catalog_end_read(c);
    if (!pf_store_begin_read(c->store, err))
        return false;
    if (!pf_store_get_generation(c->store, &generation, err) ||
        !check_published(c, generation, err)) {
        pf_store_end_read(c->store);
        return false;
    }
    c->generation = generation;
    c->has_snapshot = true;
    return true;
}

/* --- holding files ---------------------------------------------------------------- */

void pf_catalog_release_indexes(pf_index_file files[PF_INDEX_KINDS])
{
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (files[kind].fd >= 0)
            close(files[kind].fd);
        files[kind].fd = -1;
    }
}

static bool hold(const pf_catalog *c, pf_index_kind kind, pf_index_file *out,
                 pf_err *err)
{
    *out = (pf_index_file){.fd = -1};
    if (!pf_store_find_index_file(c->store, kind, &out->row, err))
        return false;
    if (out->row.generation == 0)
        return true;
    char *path = pf_path_join(c->folder, out->row.name, err);
    if (!path)
        return false;
    out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    out->why = errno;
    pf_free(path);
    return true;
}

/* *is_overtaken: a file is gone because there is a newer generation, whose snapshot is
 * ours now. A writer cannot be overtaken. */
static bool hold_all(pf_catalog *c, pf_index_file out[PF_INDEX_KINDS],
                     bool *is_overtaken, pf_err *err)
{
    const int64_t generation = c->generation;
    bool ok = true, is_gone = false;
    *is_overtaken = false;
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++)
        out[kind].fd = -1;
    for (int kind = 0; ok && kind < PF_INDEX_KINDS; kind++) {
        ok = hold(c, kind, &out[kind], err);
        is_gone = is_gone || (ok && out[kind].row.generation > 0 && out[kind].fd < 0);
    }
    if (ok && is_gone && c->has_snapshot) {
        ok = pf_catalog_begin_read(c, err);
        *is_overtaken = ok && c->generation != generation;
    }
    if (!ok || *is_overtaken)
        pf_catalog_release_indexes(out);
    return ok;
}

bool pf_catalog_hold_indexes(pf_catalog *c, pf_index_file out[PF_INDEX_KINDS],
                             pf_err *err)
{
    bool is_overtaken;
    for (int i = 0; i < OVERTAKEN_TIMES; i++) {
        if (!hold_all(c, out, &is_overtaken, err))
            return false;
        if (!is_overtaken)
            return true;
    }
    return pf_fail(err, PF_ERR_BUSY, "catalog '%s' changes faster than it can be read",
                   c->folder);
}
