/*
 * store_values.c - see store.h. What images can be filtered by.
 */
#include "core/catalog/store.h"

#include "core/catalog/store_impl.h"

static bool each_value(pf_store *s, const char *sql, const pf_sql_arg *args, size_t n,
                       pf_store_value_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, sql, args, n, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_int(rows, 0), pf_sql_get_text(rows, 1), err);
    pf_sql_end(rows);
    return ok;
}

static bool exists(pf_store *s, const char *sql, const char *key, bool *out,
                   pf_err *err)
{
    int64_t n = 0;
    const bool ok = pf_sql_find_int(s->db, sql, PF_SQL_ARGS(pf_sql_text(key)), &n, err);
    *out = ok && n != 0;
    return ok;
}

/* Most keys are of images alone, and those are read in half the time. */
bool pf_store_each_value(pf_store *s, const char *key, pf_store_value_fn *fn,
                         void *user, pf_err *err)
{
    bool cases_have_it;
    if (!exists(s, "SELECT EXISTS (SELECT 1 FROM case_attribute WHERE key = ?1)", key,
                &cases_have_it, err))
        return false;
    if (!cases_have_it)
        return each_value(s,
                          "SELECT image_id, value FROM image_attribute WHERE key = ?1"
                          " ORDER BY value",
                          PF_SQL_ARGS(pf_sql_text(key)), fn, user, err);
    return each_value(s,
                      "SELECT image_id, value FROM image_attribute WHERE key = ?1"
                      " UNION ALL SELECT image.id, value FROM case_attribute"
                      " JOIN image ON image.case_id = case_attribute.case_id"
                      " WHERE key = ?1 ORDER BY 2",
                      PF_SQL_ARGS(pf_sql_text(key)), fn, user, err);
}

bool pf_store_each_key_of_image(pf_store *s, pf_store_value_fn *fn, void *user,
                                pf_err *err)
{
    return each_value(s,
                      "SELECT image_id, key FROM image_attribute"
                      " UNION ALL SELECT image.id, case_attribute.key"
                      " FROM case_attribute"
                      " JOIN image ON image.case_id = case_attribute.case_id"
                      " ORDER BY 2",
                      PF_SQL_NO_ARGS, fn, user, err);
}

bool pf_store_each_case_key(pf_store *s, pf_store_value_fn *fn, void *user, pf_err *err)
{
    return each_value(s,
                      "SELECT image.id, key FROM image"
                      " JOIN teaching_case ON teaching_case.id = case_id ORDER BY key",
                      PF_SQL_NO_ARGS, fn, user, err);
}

bool pf_store_each_source_path(pf_store *s, pf_store_value_fn *fn, void *user,
                               pf_err *err)
{
    return each_value(s,
                      "SELECT image.id, source.path FROM source"
                      " JOIN image ON source_id = source.id ORDER BY source.path",
                      PF_SQL_NO_ARGS, fn, user, err);
}

/* From captions to their images: to look at each image for its captions takes eight
 * times as long. */
bool pf_store_each_captioned(pf_store *s, pf_store_value_fn *fn, void *user,
                             pf_err *err)
{
    return each_value(s,
                      "SELECT image_id, NULL FROM caption WHERE image_id IS NOT NULL"
                      " ORDER BY image_id",
                      PF_SQL_NO_ARGS, fn, user, err) &&
           each_value(s,
                      "SELECT id, NULL FROM image WHERE case_id IN"
                      " (SELECT case_id FROM caption WHERE case_id IS NOT NULL)",
                      PF_SQL_NO_ARGS, fn, user, err);
}

bool pf_store_each_path(pf_store *s, pf_store_value_fn *fn, void *user, pf_err *err)
{
    return each_value(s, "SELECT id, path FROM image ORDER BY path, frame",
                      PF_SQL_NO_ARGS, fn, user, err);
}

bool pf_store_each_image_id(pf_store *s, pf_store_value_fn *fn, void *user, pf_err *err)
{
    return each_value(s, "SELECT id, NULL FROM image ORDER BY source_id, id",
                      PF_SQL_NO_ARGS, fn, user, err);
}

bool pf_store_has_key(pf_store *s, const char *key, bool *out, pf_err *err)
{
    return exists(s,
                  "SELECT EXISTS (SELECT 1 FROM image_attribute WHERE key = ?1)"
                  " OR EXISTS (SELECT 1 FROM case_attribute WHERE key = ?1)",
                  key, out, err);
}

bool pf_store_each_key(pf_store *s, pf_store_key_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT key FROM image_attribute UNION"
                           " SELECT key FROM case_attribute ORDER BY key",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_text(rows, 0), err);
    pf_sql_end(rows);
    return ok;
}
