/*
 * catalog_read.c - see catalog.h. Snapshots, and the indexes that go with them.
 *
 * A reader that has read the rows of one generation and then finds its file gone was
 * overtaken by a publish (catalog_publish.c); it takes the newer generation.
 */
#include "core/catalog/catalog.h"

#include <string.h>

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
    bool ok = kind == PF_INDEX_IMAGES
                  ? pf_store_each_image_vector(c->store, add_vector, index, err)
                  : pf_store_each_caption_vector(c->store, add_vector, index, err);
    if (!ok) {
        pf_vindex_free(index);
        return false;
    }
    *out = index;
    return true;
}

bool pf_catalog_load_index(pf_catalog *c, pf_index_kind kind, pf_vindex **out,
                           pf_err *err)
{
    *out = NULL;
    pf_store_index_file file;
    if (!pf_store_find_index_file(c->store, kind, &file, err))
        return false;
    if (file.generation == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND, "no index of %s was recorded",
                       pf_index_kind_name(kind));
    char *path = pf_path_join(c->folder, file.name, err);
    bool ok = path && pf_vindex_load(out, path, &file.checksum, file.dim,
                                     (size_t)file.count, err);
    pf_free(path);
    return ok;
}

void pf_catalog_drop_indexes(pf_catalog *c)
{
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        pf_vindex_free(c->index[kind]);
        c->index[kind] = NULL;
    }
}

/* --- snapshots -------------------------------------------------------------------- */

/* Take the present snapshot instead of the one held; was there a publish in between? */
static bool retake_snapshot(pf_catalog *c, int64_t seen, bool *moved_on, pf_err *err)
{
    pf_store_end_read(c->store);
    int64_t now;
    if (!pf_store_begin_read(c->store, err) ||
        !pf_store_get_generation(c->store, &now, err))
        return false;
    *moved_on = now != seen;
    return true;
}

/* Load what is wanted at this generation into `index`. *is_overtaken: a file was gone
 * because a newer generation has been published; the snapshot is the newer one now. */
static bool load_wanted(pf_catalog *c, int64_t generation,
                        pf_vindex *index[PF_INDEX_KINDS], bool *is_overtaken,
                        pf_notes *notes, pf_err *err)
{
    *is_overtaken = false;
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (!(c->wanted & 1u << kind))
            continue;
        pf_err reason = PF_ERR_INIT;
        if (pf_catalog_load_index(c, kind, &index[kind], &reason))
            continue;
        if (reason.code == PF_ERR_NOMEM)
            return pf_fail_as(err, &reason);
        if (!retake_snapshot(c, generation, is_overtaken, err))
            return false;
        if (*is_overtaken)
            return true;
        if (!pf_catalog_build_index(c, kind, &index[kind], err))
            return pf_fail_in(err, "%s; nor can it be made from the database",
                              reason.msg);
        pf_notes_add(notes,
                     "%s; searching the vectors in the database instead (slower to "
                     "start): run plainfilm-index to write it again",
                     reason.msg);
    }
    return true;
}

static bool take_snapshot(pf_catalog *c, pf_notes *notes, bool *is_overtaken,
                          pf_err *err)
{
    int64_t generation;
    *is_overtaken = false;
    if (!pf_store_get_generation(c->store, &generation, err))
        return false;
    if (generation == 0)
        return pf_fail(
            err, PF_ERR_NOT_FOUND,
            "catalog '%s' is empty: no run of plainfilm-index has finished yet",
            c->folder);
    if (generation == c->generation)
        return true;
    pf_vindex *index[PF_INDEX_KINDS] = {NULL};
    bool ok = load_wanted(c, generation, index, is_overtaken, notes, err);
    if (!ok || *is_overtaken) {
        for (int kind = 0; kind < PF_INDEX_KINDS; kind++)
            pf_vindex_free(index[kind]);
        return ok;
    }
    pf_catalog_drop_indexes(c);
    memcpy(c->index, index, sizeof c->index);
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (c->index[kind])
            pf_vindex_set_threads(c->index[kind], 1);
    }
    c->generation = generation;
    return true;
}

bool pf_catalog_begin_read(pf_catalog *c, pf_notes *notes, pf_err *err)
{
    if (c->has_snapshot)
        pf_catalog_end_read(c);
    if (!pf_store_begin_read(c->store, err))
        return false;
    bool is_overtaken = true, ok = true;
    for (int i = 0; ok && is_overtaken; i++) {
        ok =
            i < OVERTAKEN_TIMES
                ? take_snapshot(c, notes, &is_overtaken, err)
                : pf_fail(err, PF_ERR_BUSY,
                          "catalog '%s' changes faster than it can be read", c->folder);
    }
    if (!ok) {
        pf_store_end_read(c->store);
        return false;
    }
    c->has_snapshot = true;
    return true;
}

void pf_catalog_end_read(pf_catalog *c)
{
    if (c->has_snapshot)
        pf_store_end_read(c->store);
    c->has_snapshot = false;
}
