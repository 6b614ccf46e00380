/*
 * store_thumbnails.c - see store.h. The small pictures to look at.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/catalog/store_impl.h"

/* Of a JPEG file the store knows how it begins and ends: SOI, EOI. */
static bool is_jpeg(const uint8_t *bytes, size_t n)
{
    return n >= 4 && n <= PF_STORE_THUMBNAIL_MAX && bytes[0] == 0xFF &&
           bytes[1] == 0xD8 && bytes[n - 2] == 0xFF && bytes[n - 1] == 0xD9;
}

static bool put_hash(pf_store *s, int64_t picture_id, const void *jpeg, size_t n,
                     pf_err *err)
{
    const pf_hash hash = pf_hash_bytes(jpeg, n);
    return pf_sql_run(
        s->db, "UPDATE picture SET thumbnail_hash = ?2 WHERE id = ?1",
        PF_SQL_ARGS(pf_sql_int(picture_id), pf_sql_bytes(hash.b, sizeof hash.b)), err);
}

bool pf_store_put_thumbnail(pf_store *s, int64_t picture_id, const uint8_t *jpeg,
                            size_t n, pf_err *err)
{
    if (!pf_store_is_writable(s, err))
        return false;
    if (!is_jpeg(jpeg, n))
        return pf_fail(err, PF_ERR_FORMAT, "%zu bytes that are no thumbnail", n);
    return pf_sql_run(s->db,
                      "INSERT INTO thumbnail (picture_id, jpeg) VALUES (?1, ?2)"
                      " ON CONFLICT (picture_id) DO UPDATE SET jpeg = ?2",
                      PF_SQL_ARGS(pf_sql_int(picture_id), pf_sql_bytes(jpeg, n)),
                      err) &&
           put_hash(s, picture_id, jpeg, n, err);
}

bool pf_store_fill_thumbnail_hashes(pf_store *s, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT picture_id, jpeg FROM thumbnail"
                           " JOIN picture ON picture.id = picture_id"
                           " WHERE thumbnail_hash IS NULL",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        size_t n;
        const void *bytes = pf_sql_get_bytes(rows, 1, &n);
        ok = put_hash(s, pf_sql_get_int(rows, 0), bytes, n, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_get_thumbnail(pf_store *s, int64_t image_id, pf_buf *jpeg, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT jpeg FROM image"
                           " JOIN thumbnail ON thumbnail.picture_id = image.picture_id"
                           " WHERE image.id = ?",
                           PF_SQL_ARGS(pf_sql_int(image_id)), err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        size_t n;
        const uint8_t *bytes = pf_sql_get_bytes(rows, 0, &n);
        if (bytes && is_jpeg(bytes, n)) /* else as if there was none */
            ok = pf_buf_add(jpeg, bytes, n, err);
    }
    pf_sql_end(rows);
    return ok;
}

/* Columns 1 and 2: the hash that was noted, the bytes that there are. */
static bool is_as_noted(pf_sql_rows *rows)
{
    size_t n_noted, n;
    const void *noted = pf_sql_get_bytes(rows, 1, &n_noted);
    const uint8_t *bytes = pf_sql_get_bytes(rows, 2, &n);
    if (!noted || !bytes)
        return !noted && !bytes;
    const pf_hash hash = pf_hash_bytes(bytes, n);
    return n_noted == sizeof hash.b && memcmp(noted, hash.b, n_noted) == 0 &&
           is_jpeg(bytes, n);
}

bool pf_store_check_thumbnails(pf_store *s, pf_notes *problems, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT id, thumbnail_hash, jpeg FROM picture"
                           " LEFT JOIN thumbnail ON picture_id = id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        if (!is_as_noted(rows))
            pf_notes_add(problems,
                         "the thumbnail of picture %lld is not the one that was made",
                         (long long)pf_sql_get_int(rows, 0));
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_drop_damaged_thumbnails(pf_store *s, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    if (!pf_store_is_writable(s, err))
        return false;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT picture_id, thumbnail_hash, jpeg FROM thumbnail"
                           " LEFT JOIN picture ON picture.id = picture_id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        if (!is_as_noted(rows))
            ok = pf_sql_run(s->db, "DELETE FROM thumbnail WHERE picture_id = ?",
                            PF_SQL_ARGS(pf_sql_int(pf_sql_get_int(rows, 0))), err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_lost_thumbnail(pf_store *s, pf_store_lost_thumbnail_fn *fn,
                                  void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT picture.id, min(path), image.frame, content_hash"
                           " FROM picture JOIN image ON image.picture_id = picture.id"
                           " WHERE thumbnail_hash IS NOT NULL AND picture.id NOT IN"
                           " (SELECT picture_id FROM thumbnail) GROUP BY picture.id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        pf_store_lost_thumbnail lost = {.picture_id = pf_sql_get_int(rows, 0),
                                        .path = pf_sql_get_text(rows, 1),
                                        .frame = (int)pf_sql_get_int(rows, 2)};
        size_t n;
        const void *hash = pf_sql_get_bytes(rows, 3, &n);
        if (hash && n == sizeof lost.content.b)
            memcpy(lost.content.b, hash, n);
        ok = fn(user, &lost, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_forget_lost_thumbnails(pf_store *s, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "UPDATE picture SET thumbnail_hash = NULL WHERE thumbnail_hash IS"
                      " NOT NULL AND id NOT IN (SELECT picture_id FROM thumbnail)",
                      PF_SQL_NO_ARGS, err);
}
