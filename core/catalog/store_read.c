/*
 * store_read.c - see store.h. Images, captions, cases, vectors and the diary, read.
 */
#include "core/catalog/store.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/catalog/store_impl.h"
#include "core/catalog/vlists.h"
#include "core/version.h"

enum {
    MAX_DETAILS = 1 << 20, /* captions or attributes of one image, in bytes of rows, */
    MAX_TEXTS = 16 << 20,  /* and of their texts */
    FREE_TEXTS = 8 << 20,  /* what an answer may have, however small the file is */
};

/* --- images ---------------------------------------------------------------------- */

#define IMAGES                                                                         \
    "SELECT id, source_id, picture_id, case_id, path, frame, size, mtime_ns FROM "     \
    "image"

static bool each_image(pf_store *s, const char *images, int64_t of_id,
                       pf_store_image_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, images, PF_SQL_ARGS(pf_sql_int(of_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        pf_store_image image = {
            .id = pf_sql_get_int(rows, 0),
            .source_id = pf_sql_get_int(rows, 1),
            .picture_id = pf_sql_get_int(rows, 2),
            .case_id = pf_sql_get_int(rows, 3),
            .path = pf_sql_get_text(rows, 4),
            .frame = (int)pf_sql_get_int(rows, 5),
            .size = pf_sql_get_int(rows, 6),
            .mtime_ns = pf_sql_get_int(rows, 7),
        };
        ok = fn(user, &image, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_image(pf_store *s, int64_t source_id, pf_store_image_fn *fn,
                         void *user, pf_err *err)
{
    return each_image(s, IMAGES " WHERE ?1 = 0 OR source_id = ?1 ORDER BY path, frame",
                      source_id, fn, user, err);
}

bool pf_store_each_image_of_picture(pf_store *s, int64_t picture_id,
                                    pf_store_image_fn *fn, void *user, pf_err *err)
{
    return each_image(s, IMAGES " WHERE picture_id = ? ORDER BY id", picture_id, fn,
                      user, err);
}

bool pf_store_has_images(pf_store *s, int64_t source_id, bool *out, pf_err *err)
{
    int64_t n = 0;
    const bool ok = pf_sql_find_int(
        s->db, "SELECT EXISTS (SELECT 1 FROM image WHERE source_id = ?)",
        PF_SQL_ARGS(pf_sql_int(source_id)), &n, err);
    *out = n != 0;
    return ok;
}

bool pf_store_find_image(pf_store *s, const char *path, int frame, int64_t *id,
                         pf_err *err)
{
    return pf_sql_find_int(s->db, "SELECT id FROM image WHERE path = ? AND frame = ?",
                           PF_SQL_ARGS(pf_sql_path(path), pf_sql_int(frame)), id, err);
}

/* --- everything about one image --------------------------------------------------- */

static bool copy_text(char **out, pf_sql_rows *rows, int column, pf_err *err)
{
    return (*out = pf_strdup(pf_sql_get_text(rows, column), err)) != NULL;
}

static bool read_image(pf_store *s, int64_t id, pf_store_details *out, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(
        &rows, s->db,
        "SELECT image.id, image.path, image.frame, width, height, format,"
        " image.source_id, picture_id, case_id, teaching_case.key, title"
        " FROM image JOIN picture ON picture.id = picture_id"
        " LEFT JOIN teaching_case ON teaching_case.id = case_id WHERE image.id = ?",
        PF_SQL_ARGS(pf_sql_int(id)), err);
    ok = ok && pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        out->id = pf_sql_get_int(rows, 0);
        out->frame = (int)pf_sql_get_int(rows, 2);
        out->width = (int)pf_sql_get_int(rows, 3);
        out->height = (int)pf_sql_get_int(rows, 4);
        out->source_id = pf_sql_get_int(rows, 6);
        out->picture_id = pf_sql_get_int(rows, 7);
        out->case_id = pf_sql_get_int(rows, 8);
        ok = copy_text(&out->path, rows, 1, err) &&
             copy_text(&out->format, rows, 5, err) &&
             (out->case_id == 0 || (copy_text(&out->case_key, rows, 9, err) &&
                                    copy_text(&out->case_title, rows, 10, err)));
    }
    pf_sql_end(rows);
    return ok;
}

size_t pf_store_text_limit(pf_store *s)
{
    if (s->text_limit == 0)
        s->text_limit = FREE_TEXTS + (size_t)pf_sql_size(s->db);
    return s->text_limit;
}

/* Adds what a caption or an attribute has of text. */
static bool count_text(size_t *n, const char *text, const pf_store_details *of,
                       pf_err *err)
{
    *n += strlen(text);
    return *n <= MAX_TEXTS ||
           pf_fail(err, PF_ERR_LIMIT,
                   "the captions or attributes of image %lld have more than %d MiB",
                   (long long)of->id, MAX_TEXTS >> 20);
}

static bool read_captions(pf_store *s, pf_store_details *out, pf_err *err)
{
    pf_buf found; /* of pf_store_caption */
    pf_buf_init(&found, MAX_DETAILS);
    pf_sql_rows *rows;
    bool has_row;
    size_t n_text = 0;
    bool ok =
        pf_sql_start(&rows, s->db, /* sorted before they have their texts */
                     "SELECT id, (SELECT text FROM caption_text"
                     "            WHERE caption_text.id = caption_text_id) FROM"
                     " (SELECT id, caption_text_id, 0 AS rank FROM caption"
                     "   WHERE image_id = ?1 UNION ALL"
                     "  SELECT id, caption_text_id, 1 FROM caption"
                     "   WHERE case_id = ?2 ORDER BY rank, id LIMIT 1000000)",
                     PF_SQL_ARGS(pf_sql_int(out->id), pf_sql_int(out->case_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        pf_store_caption c = {.id = pf_sql_get_int(rows, 0)};
        if (pf_sql_is_null(rows, 1))
            continue;
        ok = count_text(&n_text, pf_sql_get_text(rows, 1), out, err) &&
             copy_text(&c.text, rows, 1, err);
        if (ok && !(ok = pf_buf_add(&found, &c, sizeof c, err)))
            pf_free(c.text);
    }
    pf_sql_end(rows);
    out->n_captions = found.size / sizeof *out->captions;
    out->captions = (pf_store_caption *)(void *)found.data; /* the heap aligns it */
    return ok;
}

static bool read_attributes(pf_store *s, pf_store_details *out, pf_err *err)
{
    pf_buf found; /* of the elements of out->attributes */
    pf_buf_init(&found, MAX_DETAILS);
    pf_sql_rows *rows;
    bool has_row;
    size_t n_text = 0;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT key, value, 0 AS rank FROM image_attribute"
                     " WHERE image_id = ?1 UNION ALL"
                     " SELECT key, value, 1 FROM case_attribute WHERE case_id = ?2"
                     " ORDER BY rank, key, value",
                     PF_SQL_ARGS(pf_sql_int(out->id), pf_sql_int(out->case_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        pf_store_owned_attribute a = {0};
        ok = count_text(&n_text, pf_sql_get_text(rows, 0), out, err) &&
             count_text(&n_text, pf_sql_get_text(rows, 1), out, err) &&
             copy_text(&a.key, rows, 0, err) && copy_text(&a.value, rows, 1, err) &&
             pf_buf_add(&found, &a, sizeof a, err);
        if (!ok) {
            pf_free(a.key);
            pf_free(a.value);
        }
    }
    pf_sql_end(rows);
    out->n_attributes = found.size / sizeof *out->attributes;
    out->attributes = (pf_store_owned_attribute *)(void *)found.data;
    return ok;
}

bool pf_store_get_details(pf_store *s, int64_t image_id, pf_store_details *out,
                          pf_err *err)
{
    bool ok = read_image(s, image_id, out, err);
    if (ok && out->id != 0)
        ok = read_captions(s, out, err) && read_attributes(s, out, err);
    if (!ok)
        pf_store_details_reset(out);
    return ok;
}

void pf_store_details_reset(pf_store_details *d)
{
    for (size_t i = 0; i < d->n_captions; i++)
        pf_free(d->captions[i].text);
    for (size_t i = 0; i < d->n_attributes; i++) {
        pf_free(d->attributes[i].key);
        pf_free(d->attributes[i].value);
    }
    pf_free(d->captions);
    pf_free(d->attributes);
    pf_free(d->path);
    pf_free(d->format);
    pf_free(d->case_key);
    pf_free(d->case_title);
    *d = (pf_store_details){0};
}

static void read_hash(pf_hash *out, pf_sql_rows *rows, int column)
{
    size_t n;
    const void *bytes = pf_sql_get_bytes(rows, column, &n);
    *out = (pf_hash){0};
    if (n == sizeof out->b)
        memcpy(out->b, bytes, n);
}

bool pf_store_each_text_of_image(pf_store *s, int64_t image_id, pf_store_text_fn *fn,
                                 void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(
        &rows, s->db,
        "SELECT 0 AS kind, '' AS key, text AS value FROM caption"
        " JOIN caption_text ON caption_text.id = caption_text_id WHERE image_id = ?1"
        " UNION ALL SELECT 1, key, value FROM image_attribute WHERE image_id = ?1"
        " UNION ALL SELECT 2, key, title FROM teaching_case"
        " WHERE id = (SELECT case_id FROM image WHERE id = ?1)"
        " UNION ALL SELECT 3, '', text FROM caption"
        " JOIN caption_text ON caption_text.id = caption_text_id"
        " WHERE case_id = (SELECT case_id FROM image WHERE id = ?1)"
        " UNION ALL SELECT 4, key, value FROM case_attribute"
        " WHERE case_id = (SELECT case_id FROM image WHERE id = ?1)"
        " ORDER BY kind, key, value",
        PF_SQL_ARGS(pf_sql_int(image_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, (pf_text_kind)pf_sql_get_int(rows, 0), pf_sql_get_text(rows, 1),
                pf_sql_get_text(rows, 2), err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_get_image_path(pf_store *s, int64_t image_id, char **path, int *frame,
                             pf_hash *content, pf_err *err)
{
    *path = NULL;
    *frame = 0;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT image.path, image.frame, content_hash FROM image"
                           " JOIN picture ON picture.id = picture_id"
                           " WHERE image.id = ?",
                           PF_SQL_ARGS(pf_sql_int(image_id)), err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        *frame = (int)pf_sql_get_int(rows, 1);
        if (content)
            read_hash(content, rows, 2);
        ok = copy_text(path, rows, 0, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_get_caption(pf_store *s, int64_t caption_id, char **text,
                          int64_t *image_id, pf_err *err)
{
    *text = NULL;
    *image_id = 0;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT image_id, text FROM caption_image"
                           " JOIN caption_text ON caption_text.id = caption_text_id"
                           " WHERE caption_id = ?",
                           PF_SQL_ARGS(pf_sql_int(caption_id)), err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        *image_id = pf_sql_get_int(rows, 0);
        ok = copy_text(text, rows, 1, err);
    }
    pf_sql_end(rows);
    return ok;
}

/* --- vectors --------------------------------------------------------------------- */

/* The blob in this column as a vector of `dim` floats. */
static bool read_vector(pf_store *s, pf_sql_rows *rows, int column, int64_t id, int dim,
                        float *vector, pf_err *err)
{
    size_t n;
    const void *blob = pf_sql_get_bytes(rows, column, &n);
    if (!blob || n != 4 * (size_t)dim)
        return pf_fail(
            err, PF_ERR_FORMAT,
            "'%s' is damaged: the vector of %lld has %zu bytes, expected %zu", s->path,
            (long long)id, n, 4 * (size_t)dim);
    pf_store_unpack(vector, blob, dim);
    if (!pf_store_is_unit(vector, dim))
        return pf_fail(err, PF_ERR_FORMAT,
                       "'%s' is damaged: the vector of %lld has not length 1", s->path,
                       (long long)id);
    return true;
}

bool pf_store_get_image_vector(pf_store *s, int64_t image_id, int dim, float *vector,
                               bool *found, pf_err *err)
{
    *found = false;
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT vector FROM image"
                     " JOIN picture ON picture.id = picture_id WHERE image.id = ?",
                     PF_SQL_ARGS(pf_sql_int(image_id)), err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row)
        ok = *found = read_vector(s, rows, 0, image_id, dim, vector, err);
    pf_sql_end(rows);
    return ok;
}

/* Ids ascend, for rows come in their order; in a damaged file they may not. */
static bool follows(const pf_store *s, int64_t last, int64_t id, pf_err *err)
{
    return id > last ||
           pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: id %lld follows id %lld",
                   s->path, (long long)id, (long long)last);
}

static bool each_vector_above(pf_store *s, const char *sql, int64_t above,
                              pf_store_vector_fn *fn, void *user, pf_err *err)
{
    int64_t model_id;
    int dim;
    if (!pf_store_find_model_id(s, &model_id, err) ||
        !pf_store_find_dim(s, model_id, &dim, err))
        return false;
    float *vector = pf_alloc_floats(dim > 0 ? (size_t)dim : 1, err);
    if (!vector)
        return false;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, sql, PF_SQL_ARGS(pf_sql_int(above)), err);
    int64_t last = above > 0 ? above : 0;
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const int64_t id = pf_sql_get_int(rows, 0);
        ok = follows(s, last, id, err) &&
             read_vector(s, rows, 1, id, dim, vector, err) &&
             fn(user, id, vector, dim, err);
        last = id;
    }
    pf_sql_end(rows);
    pf_free(vector);
    return ok;
}

bool pf_store_count_vectors(pf_store *s, pf_index_kind kind, int64_t *n, pf_err *err)
{
    static const char *const sql[PF_INDEX_KINDS] = {"SELECT count(id) FROM image",
                                                    "SELECT count(id) FROM caption"};
    return pf_sql_find_int(s->db, sql[kind], PF_SQL_NO_ARGS, n, err);
}

bool pf_store_each_vector_above(pf_store *s, pf_index_kind kind, int64_t id,
                                pf_store_vector_fn *fn, void *user, pf_err *err)
{
    static const char *const sql[PF_INDEX_KINDS] = {
        "SELECT image.id, vector FROM image"
        " JOIN picture ON picture.id = picture_id WHERE image.id > ? ORDER BY image.id",
        "SELECT caption.id, vector FROM caption"
        " JOIN caption_text ON caption_text.id = caption_text_id"
        " WHERE caption.id > ? ORDER BY caption.id"};
    /* what is below 0, in a damaged file, is of all and not above any */
    return each_vector_above(s, sql[kind], id > 0 ? id : INT64_MIN, fn, user, err);
}

bool pf_store_each_image_vector(pf_store *s, pf_store_vector_fn *fn, void *user,
                                pf_err *err)
{
    return pf_store_each_vector_above(s, PF_INDEX_IMAGES, 0, fn, user, err);
}

bool pf_store_each_caption_vector(pf_store *s, pf_store_vector_fn *fn, void *user,
                                  pf_err *err)
{
    return pf_store_each_vector_above(s, PF_INDEX_CAPTIONS, 0, fn, user, err);
}

/* --- pairs ----------------------------------------------------------------------- */

static bool each_pair(pf_store *s, const char *sql, pf_store_pair_fn *fn, void *user,
                      pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, sql, PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_int(rows, 0), pf_sql_get_int(rows, 1), err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_case_image(pf_store *s, pf_store_pair_fn *fn, void *user,
                              pf_err *err)
{
    return each_pair(s,
                     "SELECT case_id, id FROM image WHERE case_id IS NOT NULL"
                     " ORDER BY case_id, id",
                     fn, user, err);
}

bool pf_store_each_caption(pf_store *s, pf_store_pair_fn *fn, void *user, pf_err *err)
{
    return each_pair(
        s, "SELECT caption_id, image_id FROM caption_image ORDER BY caption_id", fn,
        user, err);
}

/* --- the diary and index files -----------------------------------------------------
 */

#define RUNS                                                                           \
    "SELECT id, started_at, finished_at, added, updated, moved, removed, unchanged,"   \
    " failed, state FROM run"

static pf_store_run read_run(pf_sql_rows *rows)
{
    pf_store_run run = {0};
    int64_t *fields[] = {&run.id,      &run.started_at, &run.finished_at,
                         &run.added,   &run.updated,    &run.moved,
                         &run.removed, &run.unchanged,  &run.failed};
    for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
        *fields[i] = pf_sql_get_int(rows, i);
    snprintf(run.state, sizeof run.state, "%s", pf_sql_get_text(rows, 9));
    return run;
}

static bool find_run(pf_store *s, bool is_done, pf_store_run *out, pf_err *err)
{
    *out = (pf_store_run){0};
    pf_sql_rows *rows;
    bool has_row;
    const bool ok =
        pf_sql_start(&rows, s->db,
                     RUNS " WHERE NOT ?1 OR state = 'done' ORDER BY id DESC LIMIT 1",
                     PF_SQL_ARGS(pf_sql_int(is_done)), err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row)
        *out = read_run(rows);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_find_last_run(pf_store *s, pf_store_run *out, pf_err *err)
{
    return find_run(s, false, out, err);
}

bool pf_store_find_good_run(pf_store *s, pf_store_run *out, pf_err *err)
{
    return find_run(s, true, out, err);
}

bool pf_store_each_run(pf_store *s, int limit, pf_store_run_fn *fn, void *user,
                       pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, RUNS " ORDER BY id DESC LIMIT ?",
                           PF_SQL_ARGS(pf_sql_int(limit)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const pf_store_run run = read_run(rows);
        ok = fn(user, &run, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_failure(pf_store *s, int64_t source_id, pf_store_failure_fn *fn,
                           void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT source_id, path, reason, size, mtime_ns, frame,"
                           " is_lasting, first_at, last_at, tries, tried_by"
                           " FROM failure WHERE ?1 = 0 OR source_id = ?1"
                           " ORDER BY path, frame",
                           PF_SQL_ARGS(pf_sql_int(source_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        pf_store_failure failure = {
            .source_id = pf_sql_get_int(rows, 0),
            .path = pf_sql_get_text(rows, 1),
            .reason = pf_sql_get_text(rows, 2),
            .size = pf_sql_get_int(rows, 3),
            .mtime_ns = pf_sql_get_int(rows, 4),
            .frame = (int)pf_sql_get_int(rows, 5),
            .is_lasting = pf_sql_get_int(rows, 6) != 0,
            .first_at = pf_sql_get_int(rows, 7),
            .last_at = pf_sql_get_int(rows, 8),
            .tries = pf_sql_get_int(rows, 9),
            .is_of_this_version = strcmp(pf_sql_get_text(rows, 10), PF_VERSION) == 0,
        };
        ok = fn(user, &failure, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_reason(pf_store *s, pf_store_reason_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT reason, count(*) AS n FROM failure GROUP BY reason"
                           " ORDER BY n DESC, reason",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_text(rows, 0), pf_sql_get_int(rows, 1), err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_stale_row(pf_store *s, pf_store_stale_fn *fn, void *user,
                             pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT table_path, name, line, is_ambiguous FROM stale_row"
                           " ORDER BY source_id, table_path, line",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const pf_store_stale_row row = {.table = pf_sql_get_text(rows, 0),
                                        .name = pf_sql_get_text(rows, 1),
                                        .line = pf_sql_get_int(rows, 2),
                                        .is_ambiguous = pf_sql_get_int(rows, 3) != 0};
        ok = fn(user, &row, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_rowless(pf_store *s, pf_store_path_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT path FROM rowless_picture ORDER BY source_id, path",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_text(rows, 0), err);
    pf_sql_end(rows);
    return ok;
}

/* The name leads to a file of the folder and nowhere else. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') &&
           strlen(name) < sizeof((pf_store_index_file *)0)->name;
}

/* What it says of its lists. */
static bool lists_have_sense(const pf_store_index_file *f)
{
    return f->n_lists >= 0 && f->n_lists <= PF_VLISTS_MAX &&
           f->n_probe >= (f->n_lists > 0) && f->n_probe <= f->n_lists &&
           f->recall >= 0 && f->recall <= 1 && f->trained >= 0;
}

const char *pf_index_kind_name(pf_index_kind kind)
{
    return kind == PF_INDEX_IMAGES ? "images" : "captions";
}

bool pf_store_get_dim(pf_store *s, int *dim, pf_err *err)
{
    int64_t model_id;
    return pf_store_find_model_id(s, &model_id, err) &&
           pf_store_find_dim(s, model_id, dim, err);
}

bool pf_store_find_index_file(pf_store *s, pf_index_kind kind, pf_store_index_file *out,
                              pf_err *err)
{
    *out = (pf_store_index_file){0};
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(
            &rows, s->db,
            "SELECT generation, name, checksum, count, dim, in_file, last_id, is_stale,"
            " n_lists, n_probe, recall, trained FROM index_file WHERE kind = ?",
            PF_SQL_ARGS(pf_sql_text(pf_index_kind_name(kind))), err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        size_t n;
        const char *name = pf_sql_get_text(rows, 1);
        const void *checksum = pf_sql_get_bytes(rows, 2, &n);
        out->count = pf_sql_get_int(rows, 3);
        out->in_file = pf_sql_get_int(rows, 5);
        out->last_id = pf_sql_get_int(rows, 6);
        out->is_stale = pf_sql_get_int(rows, 7) != 0;
        out->n_lists = pf_sql_get_int(rows, 8);
        out->n_probe = pf_sql_get_int(rows, 9);
        out->recall = pf_sql_get_real(rows, 10);
        out->trained = pf_sql_get_int(rows, 11);
        if (is_plain_name(name) && checksum && n == sizeof out->checksum.b &&
            out->in_file >= 0 && out->count >= out->in_file && out->last_id >= 0 &&
            lists_have_sense(out) &&
            pf_store_read_dim(pf_sql_get_int(rows, 4), &out->dim)) {
            out->generation = pf_sql_get_int(rows, 0);
            snprintf(out->name, sizeof out->name, "%s", name);
            memcpy(out->checksum.b, checksum, n);
        } else {
            *out = (pf_store_index_file){0};
            ok =
                pf_fail(err, PF_ERR_FORMAT,
                        "'%s' is damaged: a row of index_file makes no sense", s->path);
        }
    }
    pf_sql_end(rows);
    return ok;
}
