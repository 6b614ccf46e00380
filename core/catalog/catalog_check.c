/*
 * catalog_check.c - see catalog.h. Do the FAISS files hold what the database says?
 */
#include "core/catalog/catalog.h"

#include <string.h>

#include "core/catalog/catalog_impl.h"

/* The index is walked along with the rows: both ascend by id. */
typedef struct {
    const pf_vindex *index;
    pf_vindex_step step;
    bool has_step; /* `step` is the first that no row was compared with */
    int64_t lost, foreign, other;
} comparison;

static bool next_step(comparison *x, pf_err *err)
{
    return pf_vindex_next(x->index, &x->step, &x->has_step, err);
}

static bool compare_vector(void *user, int64_t id, const float *vector, int dim,
                           pf_err *err)
{
    comparison *x = user;
    for (; x->has_step && x->step.id < id; x->foreign++) {
        if (!next_step(x, err))
            return false;
    }
    if (!x->has_step || x->step.id != id) {
        x->lost++;
        return true;
    }
    x->other += dim != pf_vindex_dim(x->index) ||
                memcmp(x->step.vector, vector, (size_t)dim * sizeof *vector) != 0;
    return next_step(x, err);
}

static bool compare_all(pf_catalog *c, pf_index_kind kind, comparison *x, pf_err *err)
{
    if (!next_step(x, err) ||
        !pf_store_each_vector_above(c->store, kind, 0, compare_vector, x, err))
        return false;
    for (; x->has_step; x->foreign++) {
        if (!next_step(x, err))
            return false;
    }
    return true;
}

static bool check_index(pf_catalog *c, pf_index_kind kind, const pf_index_file *file,
                        pf_notes *problems, pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    pf_vindex *index;
    if (!pf_catalog_read_index(c, kind, file, &index, &local) ||
        !pf_vindex_check(index, &local)) {
        pf_vindex_free(index);
        if (local.code == PF_ERR_NOMEM)
            return pf_fail_as(err, &local);
        pf_notes_add(problems, "%s", local.msg);
        return true;
    }
    comparison x = {.index = index};
    const bool ok = compare_all(c, kind, &x, &local);
    pf_vindex_free(index);
    if (!ok && local.code != PF_ERR_FORMAT)
        return pf_fail_as(err, &local);
    if (!ok)
        pf_notes_add(problems, "%s", local.msg);
    else if (x.lost || x.foreign || x.other)
        pf_notes_add(problems,
                     "the index of %s lacks %lld, has %lld too many, and %lld with "
                     "another vector",
                     pf_index_kind_name(kind), (long long)x.lost, (long long)x.foreign,
                     (long long)x.other);
    return true;
}

/* The files first: when a publish has overtaken us the snapshot is another one then. */
static bool check(pf_catalog *c, pf_store_digest *digest, pf_notes *problems,
                  pf_err *err)
{
    pf_index_file files[PF_INDEX_KINDS];
    int64_t generation;
    if (!pf_catalog_hold_indexes(c, files, err))
        return false;
    bool ok = pf_store_check(c->store, digest, problems, err) &&
              pf_store_get_generation(c->store, &generation, err);
    for (int kind = 0; ok && generation > 0 && kind < PF_INDEX_KINDS; kind++)
        ok = check_index(c, kind, &files[kind], problems, err);
    pf_catalog_release_indexes(files);
    return ok;
}

bool pf_catalog_check(pf_catalog *c, pf_store_digest *digest, pf_notes *problems,
                      pf_err *err)
{
    const bool is_own = !c->has_snapshot;
    if (is_own && !pf_store_begin_read(c->store, err))
        return false;
    const bool ok = check(c, digest, problems, err);
    if (is_own)
        pf_store_end_read(c->store);
    return ok;
}
