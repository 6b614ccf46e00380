/*
 * store.c - see store.h. Transactions, the catalog's own row, models, vectors as blobs.
 * Opening is in store_open.c, sources in store_sources.c, images in store_write.c and
 * store_read.c, words in store_words.c, checks in store_check.c, the plumbing in sql.c.
 */
#include "core/catalog/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/catalog/store_impl.h"
#include "core/catalog/vindex.h"

/* --- transactions --------------------------------------------------------------- */

bool pf_store_begin(pf_store *s, pf_err *err)
{
    if (!pf_store_mode_writes(s->mode))
        return pf_fail(err, PF_ERR_MISUSE, "'%s' is open for reading only", s->path);
    if (s->is_writing || s->is_reading)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' has a transaction already", s->path);
    if (!pf_sql_run(s->db, "BEGIN IMMEDIATE", PF_SQL_NO_ARGS, err) ||
        !pf_store_look_at_schema(s, err)) {
        pf_sql_rollback(s->db);
        return false;
    }
    s->is_writing = true;
    return true;
}

bool pf_store_is_writable(pf_store *s, pf_err *err)
{
    if (!s->is_writing)
        return pf_fail(err, PF_ERR_MISUSE, "a change to '%s' outside of a transaction",
                       s->path);
    /* SQLite rolls back by itself when the disk is full; going on would commit halves
     */
    if (!pf_sql_in_transaction(s->db))
        return pf_fail(err, PF_ERR_IO, "the transaction on '%s' was rolled back",
                       s->path);
    return true;
}

bool pf_store_commit(pf_store *s, pf_err *err)
{
    bool ok = pf_store_is_writable(s, err) && pf_sql_commit(s->db, err);
    pf_store_rollback(s);
    return ok;
}

void pf_store_rollback(pf_store *s)
{
    if (s->is_writing)
        pf_sql_rollback(s->db);
    s->is_writing = false;
}

bool pf_store_has_damage(pf_store *s)
{
    return pf_sql_has_damage(s->db);
}

bool pf_store_begin_read(pf_store *s, pf_err *err)
{
    if (s->is_writing || s->is_reading)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' has a transaction already", s->path);
    s->text_limit = 0;
    int64_t generation; /* the snapshot is taken by the first read */
    if (!pf_sql_run(s->db, "BEGIN", PF_SQL_NO_ARGS, err) ||
        !pf_store_look_at_schema(s, err) ||
        !pf_store_get_generation(s, &generation, err)) {
        pf_sql_rollback(s->db);
        return false;
    }
    s->is_reading = true;
    return true;
}

void pf_store_end_read(pf_store *s)
{
    if (s->is_reading)
        pf_sql_rollback(s->db);
    s->is_reading = false;
}

bool pf_store_checkpoint(pf_store *s, pf_err *err)
{
    return !pf_store_mode_writes(s->mode) || s->is_writing || s->is_reading ||
           pf_sql_checkpoint(s->db, err);
}

bool pf_store_copy(pf_store *s, const char *path, pf_err *err)
{
    if (s->is_writing || s->is_reading)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' has a transaction already", s->path);
    return pf_sql_copy(s->db, path, err);
}

/* --- the catalog as a whole ------------------------------------------------------ */

bool pf_store_get_generation(pf_store *s, int64_t *out, pf_err *err)
{
    return pf_sql_find_int(s->db, "SELECT generation FROM catalog", PF_SQL_NO_ARGS, out,
                           err) &&
           ((*out >= 0 && *out < INT64_MAX) || /* there is a next one */
            pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: its generation is %lld",
                    s->path, (long long)*out));
}

bool pf_store_set_generation(pf_store *s, int64_t generation, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET generation = ?",
                      PF_SQL_ARGS(pf_sql_int(generation)), err);
}

bool pf_store_is_shared(pf_store *s, bool *out, pf_err *err)
{
    int64_t is_shared = 0;
    const bool ok = pf_sql_find_int(s->db, "SELECT is_shared FROM catalog",
                                    PF_SQL_NO_ARGS, &is_shared, err);
    *out = is_shared != 0;
    return ok;
}

bool pf_store_set_shared(pf_store *s, bool is_shared, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET is_shared = ?",
                      PF_SQL_ARGS(pf_sql_int(is_shared)), err);
}

bool pf_store_get_index_spec(pf_store *s, char **out, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    *out = NULL;
    const bool ok = pf_sql_start(&rows, s->db, "SELECT index_spec FROM catalog",
                                 PF_SQL_NO_ARGS, err) &&
                    pf_sql_next(rows, &has_row, err) &&
                    (*out = pf_strdup(has_row ? pf_sql_get_text(rows, 0) : "", err));
    pf_sql_end(rows);
    return ok;
}

bool pf_store_set_index_spec(pf_store *s, const char *spec, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET index_spec = ?",
                      PF_SQL_ARGS(pf_sql_text(spec)), err);
}

bool pf_store_count(pf_store *s, pf_store_counts *out, pf_err *err)
{
    *out = (pf_store_counts){0};
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT (SELECT count(id) FROM image),"
                           " (SELECT count(id) FROM caption),"
                           " (SELECT count(id) FROM teaching_case),"
                           " (SELECT count(id) FROM source),"
                           " (SELECT count(path) FROM failure),"
                           " (SELECT count(id) FROM picture),"
                           " (SELECT count(id) FROM caption_text),"
                           " (SELECT count(DISTINCT image_id) FROM caption_image),"
                           " (SELECT count(id) FROM image WHERE NOT EXISTS"
                           "  (SELECT 1 FROM caption WHERE image_id = image.id)"
                           "  AND NOT EXISTS (SELECT 1 FROM caption"
                           "   WHERE caption.case_id = image.case_id)),"
                           " (SELECT count(id) FROM caption WHERE caption_text_id IN"
                           "  (SELECT id FROM caption_text WHERE is_cut = 1)),"
                           " created_at, created_by FROM catalog",
                           PF_SQL_NO_ARGS, err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        int64_t *fields[] = {
            &out->images,        &out->captions,         &out->cases,
            &out->sources,       &out->failures,         &out->pictures,
            &out->caption_texts, &out->captioned_images, &out->bare_images,
            &out->cut_captions,  &out->created_at};
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            *fields[i] = pf_sql_get_int(rows, i);
        snprintf(out->created_by, sizeof out->created_by, "%s",
                 pf_sql_get_text(rows, 11));
    }
    pf_sql_end(rows);
    return ok;
}

/* --- model ----------------------------------------------------------------------- */

bool pf_store_find_model_id(pf_store *s, int64_t *id, pf_err *err)
{
    return pf_sql_find_int(s->db, "SELECT model_id FROM catalog", PF_SQL_NO_ARGS, id,
                           err);
}

bool pf_store_read_dim(int64_t said, int *dim)
{
    const bool ok = said >= 1 && said <= PF_VINDEX_DIM_MAX; /* as the schema has it */
    *dim = ok ? (int)said : 0;
    return ok;
}

static bool no_dim(const pf_store *s, int64_t model_id, int64_t said, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT,
                   "'%s' is damaged: model %lld makes vectors of %lld floats; 1 to %d "
                   "are possible",
                   s->path, (long long)model_id, (long long)said, PF_VINDEX_DIM_MAX);
}

bool pf_store_find_dim(pf_store *s, int64_t model_id, int *dim, pf_err *err)
{
    *dim = 0;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, "SELECT dim FROM model WHERE id = ?",
                           PF_SQL_ARGS(pf_sql_int(model_id)), err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        const int64_t said = pf_sql_get_int(rows, 0);
        ok = pf_store_read_dim(said, dim) || no_dim(s, model_id, said, err);
    }
    pf_sql_end(rows);
    return ok;
}

static bool read_model(pf_store *s, pf_store_model *out, pf_sql_rows *rows, pf_err *err)
{
    const int64_t id = pf_sql_get_int(rows, 0), dim = pf_sql_get_int(rows, 5);
    if (!pf_store_read_dim(dim, &out->dim))
        return no_dim(s, id, dim, err);
    out->logit_scale = pf_sql_get_real(rows, 6);
    out->round = (int)pf_sql_get_int(rows, 9);
    if (!isfinite(out->logit_scale))
        return pf_fail(err, PF_ERR_FORMAT,
                       "'%s' is damaged: the logit_scale of model %lld is no number",
                       s->path, (long long)id);
    char **fields[] = {&out->fingerprint, &out->path, &out->preprocess,
                       &out->description, &out->stamp};
    const int columns[] = {1, 2, 3, 4, 7};
    for (int i = 0; i < 5; i++) {
        if (!(*fields[i] = pf_strdup(pf_sql_get_text(rows, columns[i]), err)))
            return false;
    }
    if (!pf_sql_is_null(rows, 8) &&
        !(out->tokenizer = pf_strdup(pf_sql_get_text(rows, 8), err)))
        return false;
    out->id = id;
    return true;
}

bool pf_store_find_model(pf_store *s, pf_store_model *out, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT model.id, fingerprint, path, preprocess, description,"
                     " dim, logit_scale, stamp, tokenizer, round"
                     " FROM model JOIN catalog ON catalog.model_id = model.id",
                     PF_SQL_NO_ARGS, err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row)
        ok = read_model(s, out, rows, err);
    pf_sql_end(rows);
    if (!ok)
        pf_store_model_reset(out);
    return ok;
}

void pf_store_model_reset(pf_store_model *m)
{
    pf_free(m->fingerprint);
    pf_free(m->path);
    pf_free(m->preprocess);
    pf_free(m->description);
    pf_free(m->stamp);
    pf_free(m->tokenizer);
    *m = (pf_store_model){0};
}

bool pf_store_put_model(pf_store *s, const pf_store_model *m, int64_t *id, pf_err *err)
{
    *id = 0;
    int64_t same_dim;
    if (!pf_store_is_writable(s, err) ||
        !pf_sql_find_int(
            s->db,
            "INSERT INTO model (fingerprint, path, preprocess, dim, logit_scale,"
            " description, stamp, tokenizer, round)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            " ON CONFLICT (fingerprint, round) DO UPDATE SET path = ?2,"
            " description = ?6, stamp = ?7, tokenizer = ?8 RETURNING id",
            PF_SQL_ARGS(pf_sql_text(m->fingerprint), pf_sql_text(m->path),
                        pf_sql_text(m->preprocess), pf_sql_int(m->dim),
                        pf_sql_real(m->logit_scale), pf_sql_text(m->description),
                        pf_sql_text(m->stamp), pf_sql_path(m->tokenizer),
                        pf_sql_int(m->round > 0 ? m->round : 1)),
            id, err) ||
        !pf_sql_find_int(s->db, "SELECT dim = ? FROM model WHERE id = ?",
                         PF_SQL_ARGS(pf_sql_int(m->dim), pf_sql_int(*id)), &same_dim,
                         err))
        return false;
    return same_dim || pf_fail(err, PF_ERR_MISMATCH,
                               "model '%s' was recorded with another dimension than %d",
                               m->fingerprint, m->dim);
}

bool pf_store_use_model(pf_store *s, int64_t model_id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET model_id = ?",
                      PF_SQL_ARGS(pf_sql_id(model_id)), err);
}

/* --- vectors --------------------------------------------------------------------- */

bool pf_store_is_unit(const float *vector, int dim)
{
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)vector[i] * vector[i];
    return fabs(sum - 1) <= 2e-3; /* false for NaN, too */
}

void pf_store_pack(uint8_t *blob, const float *vector, int dim)
{
    for (int i = 0; i < dim; i++) {
        uint32_t bits;
        memcpy(&bits, &vector[i], sizeof bits);
        for (int b = 0; b < 4; b++)
            blob[4 * i + b] = (uint8_t)(bits >> 8 * b);
    }
}

void pf_store_unpack(float *vector, const uint8_t *blob, int dim)
{
    for (int i = 0; i < dim; i++) {
        const uint8_t *b = blob + 4 * i;
        uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                        (uint32_t)b[3] << 24;
        memcpy(&vector[i], &bits, sizeof bits);
    }
}
