/*
 * store_write.c - see store.h. The embeddings cache and everything that changes images,
 * captions, cases, attributes, runs and failures.
 */
#include "core/catalog/store.h"

#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/catalog/store_impl.h"
#include "core/version.h"

/* --- embeddings ------------------------------------------------------------------ */

/* The blob of a vector of this model. Given. */
static uint8_t *pack_for(pf_store *s, int64_t model_id, const float *vector, int *dim,
                         pf_err *err)
{
    if (!pf_store_find_dim(s, model_id, dim, err))
        return NULL;
    if (*dim == 0) {
        pf_fail(err, PF_ERR_MISUSE, "'%s' has no model %lld", pf_store_path(s),
                (long long)model_id);
        return NULL;
    }
    if (!pf_store_is_unit(vector, *dim)) {
        pf_fail(err, PF_ERR_FORMAT, "the model gave a vector that has not length 1");
        return NULL;
    }
    uint8_t *blob = pf_alloc_array((size_t)*dim, 4, err);
    if (blob)
        pf_store_pack(blob, vector, *dim);
    return blob;
}

bool pf_store_find_picture(pf_store *s, int64_t model_id, const pf_hash *content,
                           int frame, int64_t *id, pf_err *err)
{
    return pf_sql_find_int(s->db,
                           "SELECT id FROM picture"
                           " WHERE model_id = ? AND content_hash = ? AND frame = ?",
                           PF_SQL_ARGS(pf_sql_int(model_id),
                                       pf_sql_bytes(content->b, sizeof content->b),
                                       pf_sql_int(frame)),
                           id, err);
}

bool pf_store_put_picture(pf_store *s, const pf_store_picture *p, int64_t *id,
                          pf_err *err)
{
    *id = 0;
    if (!pf_store_is_writable(s, err))
        return false;
    int dim;
    uint8_t *blob = pack_for(s, p->model_id, p->vector, &dim, err);
    bool ok = blob && pf_sql_find_int(
                          s->db,
                          "INSERT INTO picture (model_id, content_hash, frame, width,"
                          " height, format, vector) VALUES (?, ?, ?, ?, ?, ?, ?)"
                          " ON CONFLICT (model_id, content_hash, frame) DO NOTHING"
                          " RETURNING id",
                          PF_SQL_ARGS(pf_sql_int(p->model_id),
                                      pf_sql_bytes(p->content.b, sizeof p->content.b),
                                      pf_sql_int(p->frame), pf_sql_int(p->width),
                                      pf_sql_int(p->height), pf_sql_text(p->format),
                                      pf_sql_bytes(blob, 4 * (size_t)dim)),
                          id, err);
    pf_free(blob);
    if (ok && *id == 0)
        ok = pf_store_find_picture(s, p->model_id, &p->content, p->frame, id, err);
    return ok;
}

static bool find_clean_text(pf_store *s, int64_t model_id, const char *text,
                            int64_t *id, pf_err *err)
{
    pf_hash hash = pf_hash_bytes(text, strlen(text));
    return pf_sql_find_int(
        s->db, "SELECT id FROM caption_text WHERE model_id = ? AND text_hash = ?",
        PF_SQL_ARGS(pf_sql_int(model_id), pf_sql_bytes(hash.b, sizeof hash.b)), id,
        err);
}

bool pf_store_find_caption_text(pf_store *s, int64_t model_id, const char *text,
                                int64_t *id, pf_err *err)
{
    *id = 0;
    char *owned;
    const char *utf8 = pf_utf8_clean(text, &owned, err);
    bool ok = utf8 && find_clean_text(s, model_id, utf8, id, err);
    pf_free(owned);
    return ok;
}

bool pf_store_put_caption_text(pf_store *s, int64_t model_id, const char *text,
                               const float *vector, int64_t *id, pf_err *err)
{
    *id = 0;
    if (!pf_store_is_writable(s, err))
        return false;
    int dim;
    char *owned = NULL;
    const char *utf8 = NULL;
    uint8_t *blob = pack_for(s, model_id, vector, &dim, err);
    bool ok = blob && (utf8 = pf_utf8_clean(text, &owned, err));
    if (ok) {
        pf_hash hash = pf_hash_bytes(utf8, strlen(utf8));
        ok = pf_sql_find_int(
            s->db,
            "INSERT INTO caption_text (model_id, text_hash, text, vector)"
            " VALUES (?, ?, ?, ?)"
            " ON CONFLICT (model_id, text_hash) DO NOTHING RETURNING id",
            PF_SQL_ARGS(pf_sql_int(model_id), pf_sql_bytes(hash.b, sizeof hash.b),
                        pf_sql_text(utf8), pf_sql_bytes(blob, 4 * (size_t)dim)),
            id, err);
    }
    if (ok && *id == 0)
        ok = find_clean_text(s, model_id, utf8, id, err);
    pf_free(owned);
    pf_free(blob);
    return ok;
}

bool pf_store_mark_cut(pf_store *s, int64_t caption_text_id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE caption_text SET is_cut = 1 WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_int(caption_text_id)), err);
}

/* Since the last run that was done there was one that was not: what it has embedded is
 * wanted by the run that goes on with it, and that need not be the next one. */
#define UNFINISHED                                                                     \
    " FROM run WHERE state IN ('interrupted', 'failed') AND id >"                      \
    " coalesce((SELECT max(id) FROM run WHERE state = 'done'), 0)"

/* Words are taken out of their index while their texts are there. */
bool pf_store_drop_unused(pf_store *s, pf_err *err)
{
    return pf_store_is_writable(s, err) && pf_store_fill_words(s, err) &&
           pf_sql_run(s->db,
                      "DELETE FROM picture WHERE NOT EXISTS"
                      " (SELECT 1 FROM image WHERE picture_id = picture.id)",
                      PF_SQL_NO_ARGS, err) &&
           pf_sql_run(
               s->db,
               "DELETE FROM caption_text WHERE NOT EXISTS"
               " (SELECT 1 FROM caption WHERE caption_text_id = caption_text.id)",
               PF_SQL_NO_ARGS, err);
}

/* Are there embeddings that nobody uses? Counted from indexes alone, while looking for
 * them goes through all vectors. */
static bool has_unused(pf_store *s, bool *out, pf_err *err)
{
    int64_t n = 0;
    const bool ok =
        pf_sql_find_int(s->db,
                        "SELECT (SELECT count(*) FROM picture) >"
                        " (SELECT count(DISTINCT picture_id) FROM image)"
                        " OR (SELECT count(*) FROM caption_text) >"
                        " (SELECT count(DISTINCT caption_text_id) FROM caption)",
                        PF_SQL_NO_ARGS, &n, err);
    *out = n != 0;
    return ok;
}

bool pf_store_sweep(pf_store *s, pf_err *err)
{
    /* A model that is to replace the present one was recorded after it. */
    static const char *const models[] = {
        "DELETE FROM model WHERE id < (SELECT model_id FROM catalog)",
        "DELETE FROM model WHERE id IS NOT (SELECT model_id FROM catalog)"
        " AND NOT EXISTS (SELECT 1" UNFINISHED ")"};
    static const char *const embeddings[] = {
        "DELETE FROM picture WHERE NOT EXISTS"
        " (SELECT 1 FROM image WHERE picture_id = picture.id) AND id <="
        " coalesce((SELECT min(first_picture)" UNFINISHED "), 9223372036854775807)",
        "DELETE FROM caption_text WHERE NOT EXISTS"
        " (SELECT 1 FROM caption WHERE caption_text_id = caption_text.id) AND id <="
        " coalesce((SELECT min(first_text)" UNFINISHED "), 9223372036854775807)"};
    bool has = false;
    bool ok = pf_store_is_writable(s, err);
    for (size_t i = 0; ok && i < sizeof models / sizeof *models; i++)
        ok = pf_sql_run(s->db, models[i], PF_SQL_NO_ARGS, err);
    ok = ok && has_unused(s, &has, err);
    for (size_t i = 0; ok && has && i < sizeof embeddings / sizeof *embeddings; i++)
        ok = pf_sql_run(s->db, embeddings[i], PF_SQL_NO_ARGS, err);
    return ok;
}

/* --- images ---------------------------------------------------------------------- */

bool pf_store_put_image(pf_store *s, const pf_store_image *i, int64_t *id, pf_err *err)
{
    *id = 0;
    return pf_store_is_writable(s, err) &&
           pf_sql_find_int(
               s->db,
               "INSERT INTO image (source_id, path, frame, picture_id, case_id, size,"
               " mtime_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
               " ON CONFLICT (path, frame) DO UPDATE SET source_id = ?1,"
               " picture_id = ?4, case_id = ?5, size = ?6, mtime_ns = ?7 RETURNING id",
               PF_SQL_ARGS(pf_sql_int(i->source_id), pf_sql_path(i->path),
                           pf_sql_int(i->frame), pf_sql_int(i->picture_id),
                           pf_sql_id(i->case_id), pf_sql_int(i->size),
                           pf_sql_int(i->mtime_ns)),
               id, err);
}

bool pf_store_move_image(pf_store *s, int64_t id, int64_t source_id, const char *path,
                         int64_t size, int64_t mtime_ns, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "UPDATE image SET source_id = ?2, path = ?3, size = ?4,"
                      " mtime_ns = ?5 WHERE id = ?1",
                      PF_SQL_ARGS(pf_sql_int(id), pf_sql_int(source_id),
                                  pf_sql_path(path), pf_sql_int(size),
                                  pf_sql_int(mtime_ns)),
                      err);
}

bool pf_store_delete_image(pf_store *s, int64_t id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "DELETE FROM image WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_int(id)), err);
}

bool pf_store_set_image_case(pf_store *s, int64_t image_id, int64_t case_id,
                             pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE image SET case_id = ? WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_id(case_id), pf_sql_int(image_id)), err);
}

/* Ids of the captions `list` gives for an image or case whose text is not among
 * `sorted` [n], into *stale. */
static bool find_stale_captions(pf_store *s, const char *list, int64_t of_id,
                                const int64_t *sorted, size_t n, pf_buf *stale,
                                pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, list, PF_SQL_ARGS(pf_sql_int(of_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        int64_t id = pf_sql_get_int(rows, 0), text = pf_sql_get_int(rows, 1);
        if (!pf_ids_find(sorted, n, text, NULL))
            ok = pf_buf_add(stale, &id, sizeof id, err);
    }
    pf_sql_end(rows);
    return ok;
}

/* The captions of an image or case become these: `list` and `add` say whose. */
static bool set_captions(pf_store *s, const char *list, const char *add, int64_t of_id,
                         const int64_t *texts, size_t n, pf_err *err)
{
    if (!pf_store_is_writable(s, err))
        return false;
    pf_buf stale;
    pf_buf_init(&stale, 16 << 20);
    int64_t *sorted = pf_alloc_array(n, sizeof *sorted, err);
    bool ok = sorted != NULL;
    if (ok) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = texts[i];
        const size_t n_sorted = pf_ids_sort(sorted, n);
        ok = find_stale_captions(s, list, of_id, sorted, n_sorted, &stale, err);
    }
    for (size_t at = 0; ok && at < stale.size; at += sizeof(int64_t)) {
        int64_t id;
        memcpy(&id, stale.data + at, sizeof id);
        ok = pf_sql_run(s->db, "DELETE FROM caption WHERE id = ?",
                        PF_SQL_ARGS(pf_sql_int(id)), err);
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = pf_sql_run(s->db, add,
                        PF_SQL_ARGS(pf_sql_int(of_id), pf_sql_int(texts[i])), err);
    pf_free(sorted);
    pf_buf_free(&stale);
    return ok;
}

bool pf_store_set_captions(pf_store *s, int64_t image_id, const int64_t *texts,
                           size_t n, pf_err *err)
{
    return set_captions(s, "SELECT id, caption_text_id FROM caption WHERE image_id = ?",
                        "INSERT INTO caption (image_id, caption_text_id) VALUES (?, ?)"
                        " ON CONFLICT (image_id, caption_text_id)"
                        " WHERE image_id IS NOT NULL DO NOTHING",
                        image_id, texts, n, err);
}

/* The attributes of an image or case become these: `clear` and `add` say whose. */
static bool set_attributes(pf_store *s, const char *clear, const char *add, int64_t id,
                           const pf_store_attribute *attributes, size_t n, pf_err *err)
{
    if (!pf_store_is_writable(s, err) ||
        !pf_sql_run(s->db, clear, PF_SQL_ARGS(pf_sql_int(id)), err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        char *owned_key, *owned_value = NULL;
        const char *key = pf_utf8_clean(attributes[i].key, &owned_key, err);
        const char *value =
            key ? pf_utf8_clean(attributes[i].value, &owned_value, err) : NULL;
        ok = value && pf_sql_run(s->db, add,
                                 PF_SQL_ARGS(pf_sql_int(id), pf_sql_text(key),
                                             pf_sql_text(value)),
                                 err);
        pf_free(owned_key);
        pf_free(owned_value);
    }
    return ok;
}

bool pf_store_set_image_attributes(pf_store *s, int64_t image_id,
                                   const pf_store_attribute *attributes, size_t n,
                                   pf_err *err)
{
    return set_attributes(s, "DELETE FROM image_attribute WHERE image_id = ?",
                          "INSERT INTO image_attribute (image_id, key, value)"
                          " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                          image_id, attributes, n, err);
}

/* --- cases ----------------------------------------------------------------------- */

bool pf_store_put_case(pf_store *s, int64_t source_id, const char *key,
                       const char *title, int64_t *id, pf_err *err)
{
    *id = 0;
    if (!pf_store_is_writable(s, err))
        return false;
    char *owned_key, *owned_title = NULL;
    const char *clean_key = pf_utf8_clean(key, &owned_key, err);
    const char *clean_title =
        clean_key ? pf_utf8_clean(title, &owned_title, err) : NULL;
    bool ok = clean_title &&
              pf_sql_find_int(s->db,
                              "INSERT INTO teaching_case (source_id, key, title)"
                              " VALUES (?1, ?2, ?3) ON CONFLICT (source_id, key)"
                              " DO UPDATE SET title = ?3 RETURNING id",
                              PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_text(clean_key),
                                          pf_sql_text(clean_title)),
                              id, err);
    pf_free(owned_key);
    pf_free(owned_title);
    return ok;
}

bool pf_store_set_case_captions(pf_store *s, int64_t case_id, const int64_t *texts,
                                size_t n, pf_err *err)
{
    return set_captions(s, "SELECT id, caption_text_id FROM caption WHERE case_id = ?",
                        "INSERT INTO caption (case_id, caption_text_id) VALUES (?, ?)"
                        " ON CONFLICT (case_id, caption_text_id)"
                        " WHERE case_id IS NOT NULL DO NOTHING",
                        case_id, texts, n, err);
}

bool pf_store_set_case_attributes(pf_store *s, int64_t case_id,
                                  const pf_store_attribute *attributes, size_t n,
                                  pf_err *err)
{
    return set_attributes(s, "DELETE FROM case_attribute WHERE case_id = ?",
                          "INSERT INTO case_attribute (case_id, key, value)"
                          " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                          case_id, attributes, n, err);
}

/* Images whose case is another source's, and the case of that key in their own. */
#define STRANGERS                                                                      \
    " FROM image JOIN teaching_case c ON c.id = case_id"                               \
    " LEFT JOIN teaching_case own"                                                     \
    " ON own.source_id = image.source_id AND own.key = c.key"                          \
    " WHERE image.source_id <> c.source_id"
/* It was made just now, and is still to be filled. */
#define OWN_IS_EMPTY " AND NOT EXISTS (SELECT 1 FROM image WHERE case_id = own.id)"

bool pf_store_settle_cases(pf_store *s, pf_err *err)
{
    static const char *const settle[] = {
        "UPDATE OR IGNORE teaching_case SET source_id ="
        " (SELECT min(source_id) FROM image WHERE case_id = teaching_case.id)"
        " WHERE EXISTS (SELECT 1 FROM image WHERE case_id = teaching_case.id)"
        " AND NOT EXISTS (SELECT 1 FROM image WHERE case_id = teaching_case.id"
        "  AND source_id = teaching_case.source_id)",
        "INSERT OR IGNORE INTO teaching_case (source_id, key, title)"
        " SELECT image.source_id, c.key, c.title" STRANGERS,
        "INSERT OR IGNORE INTO caption (case_id, caption_text_id)"
        " SELECT own.id, t.caption_text_id FROM caption t JOIN"
        " (SELECT DISTINCT c.id AS old, own.id" STRANGERS OWN_IS_EMPTY
        ") own ON t.case_id = own.old ORDER BY own.id, t.id",
        "INSERT OR IGNORE INTO case_attribute (case_id, key, value)"
        " SELECT own.id, t.key, t.value FROM case_attribute t JOIN"
        " (SELECT DISTINCT c.id AS old, own.id" STRANGERS OWN_IS_EMPTY
        ") own ON t.case_id = own.old",
        "UPDATE image SET case_id = (SELECT own.id FROM teaching_case c"
        "  JOIN teaching_case own ON own.key = c.key"
        "  WHERE c.id = image.case_id AND own.source_id = image.source_id)"
        " WHERE source_id <> (SELECT source_id FROM teaching_case"
        "  WHERE id = image.case_id)"};
    bool ok = pf_store_is_writable(s, err);
    for (size_t i = 0; ok && i < sizeof settle / sizeof *settle; i++)
        ok = pf_sql_run(s->db, settle[i], PF_SQL_NO_ARGS, err);
    return ok;
}

bool pf_store_delete_empty_cases(pf_store *s, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "DELETE FROM teaching_case WHERE NOT EXISTS"
                      " (SELECT 1 FROM image WHERE case_id = teaching_case.id)",
                      PF_SQL_NO_ARGS, err);
}

/* --- the diary ------------------------------------------------------------------- */

bool pf_store_start_run(pf_store *s, int64_t *id, pf_err *err)
{
    *id = 0;
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "UPDATE run SET state = 'interrupted' WHERE state = 'running'",
                      PF_SQL_NO_ARGS, err) &&
           pf_sql_find_int(s->db,
                           "INSERT INTO run (started_at, state, first_picture,"
                           " first_text) SELECT ?, 'running',"
                           " coalesce((SELECT max(id) FROM picture), 0),"
                           " coalesce((SELECT max(id) FROM caption_text), 0)"
                           " RETURNING id",
                           PF_SQL_ARGS(pf_sql_int(time(NULL))), id, err);
}

bool pf_store_finish_run(pf_store *s, const pf_store_run *r, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "UPDATE run SET finished_at = ?, state = ?, added = ?,"
                      " updated = ?, moved = ?, removed = ?, unchanged = ?, failed = ?"
                      " WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_int(time(NULL)), pf_sql_text(r->state),
                                  pf_sql_int(r->added), pf_sql_int(r->updated),
                                  pf_sql_int(r->moved), pf_sql_int(r->removed),
                                  pf_sql_int(r->unchanged), pf_sql_int(r->failed),
                                  pf_sql_int(r->id)),
                      err);
}

/* A clock that was set back makes no failure older than its first try. */
bool pf_store_put_failure(pf_store *s, const pf_store_failure *f, pf_err *err)
{
    if (!pf_store_is_writable(s, err))
        return false;
    char *owned;
    const char *reason = pf_utf8_clean(f->reason, &owned, err);
    bool ok =
        reason &&
        pf_sql_run(
            s->db,
            "INSERT INTO failure (source_id, path, reason, size, mtime_ns, frame,"
            " is_lasting, first_at, last_at, tried_by)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)"
            " ON CONFLICT (path, frame) DO UPDATE SET source_id = ?1,"
            " reason = ?3, size = ?4, mtime_ns = ?5, is_lasting = ?7,"
            " first_at = CASE WHEN first_at BETWEEN 1 AND ?8 THEN first_at ELSE ?8 END,"
            " last_at = ?8, tries = tries + 1, tried_by = ?9",
            PF_SQL_ARGS(pf_sql_int(f->source_id), pf_sql_path(f->path),
                        pf_sql_text(reason), pf_sql_int(f->size),
                        pf_sql_int(f->mtime_ns), pf_sql_int(f->frame),
                        pf_sql_int(f->is_lasting), pf_sql_int(time(NULL)),
                        pf_sql_text(PF_VERSION)),
            err);
    pf_free(owned);
    return ok;
}

bool pf_store_delete_failure(pf_store *s, const char *path, int frame, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "DELETE FROM failure WHERE path = ? AND frame = ?",
                      PF_SQL_ARGS(pf_sql_path(path), pf_sql_int(frame)), err);
}

bool pf_store_forget_stale(pf_store *s, int64_t source_id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "DELETE FROM stale_row WHERE source_id = ?",
                      PF_SQL_ARGS(pf_sql_int(source_id)), err) &&
           pf_sql_run(s->db, "DELETE FROM rowless_picture WHERE source_id = ?",
                      PF_SQL_ARGS(pf_sql_int(source_id)), err);
}

bool pf_store_put_stale_row(pf_store *s, int64_t source_id,
                            const pf_store_stale_row *row, pf_err *err)
{
    if (!pf_store_is_writable(s, err))
        return false;
    char *owned;
    const char *name = pf_utf8_clean(row->name, &owned, err);
    const bool ok =
        name && pf_sql_run(s->db,
                           "INSERT OR REPLACE INTO stale_row (source_id, table_path,"
                           " line, name, is_ambiguous) VALUES (?, ?, ?, ?, ?)",
                           PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_path(row->table),
                                       pf_sql_int(row->line), pf_sql_text(name),
                                       pf_sql_int(row->is_ambiguous)),
                           err);
    pf_free(owned);
    return ok;
}

bool pf_store_put_rowless(pf_store *s, int64_t source_id, const char *path, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "INSERT OR IGNORE INTO rowless_picture (source_id, path)"
                      " VALUES (?, ?)",
                      PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_path(path)), err);
}

/* --- index files ----------------------------------------------------------------- */

bool pf_store_set_index_file(pf_store *s, pf_index_kind kind,
                             const pf_store_index_file *f, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(
               s->db,
               "INSERT INTO index_file (kind, generation, name, checksum, count,"
               " dim, in_file, last_id, is_stale, n_lists, n_probe, recall, trained)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
               " ON CONFLICT (kind) DO UPDATE SET generation = ?2, name = ?3,"
               " checksum = ?4, count = ?5, dim = ?6, in_file = ?7, last_id = ?8,"
               " is_stale = ?9, n_lists = ?10, n_probe = ?11, recall = ?12,"
               " trained = ?13",
               PF_SQL_ARGS(pf_sql_text(pf_index_kind_name(kind)),
                           pf_sql_int(f->generation), pf_sql_text(f->name),
                           pf_sql_bytes(f->checksum.b, sizeof f->checksum.b),
                           pf_sql_int(f->count), pf_sql_int(f->dim),
                           pf_sql_int(f->in_file), pf_sql_int(f->last_id),
                           pf_sql_int(f->is_stale), pf_sql_int(f->n_lists),
                           pf_sql_int(f->n_probe), pf_sql_real(f->recall),
                           pf_sql_int(f->trained)),
               err);
}
