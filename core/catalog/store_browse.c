/*
 * store_browse.c - see store.h. What a catalog has, for looking around: one case,
 * values and how many images have them.
 */
#include "core/catalog/store.h"

#include "core/base/mem.h"
#include "core/catalog/store_impl.h"

bool pf_store_get_case(pf_store *s, int64_t case_id, char **key, char **title,
                       pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = false;
    *key = *title = NULL;
    bool ok =
        pf_sql_start(&rows, s->db, "SELECT key, title FROM teaching_case WHERE id = ?",
                     PF_SQL_ARGS(pf_sql_int(case_id)), err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        *key = pf_strdup(pf_sql_get_text(rows, 0), err);
        *title = pf_strdup(pf_sql_get_text(rows, 1), err);
        ok = *key && *title;
    }
    pf_sql_end(rows);
    if (!ok) {
        pf_free(*key);
        pf_free(*title);
        *key = *title = NULL;
    }
    return ok;
}

bool pf_store_each_image_of_case(pf_store *s, int64_t case_id, pf_store_pair_fn *fn,
                                 void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db, "SELECT id FROM image WHERE case_id = ? ORDER BY id",
                     PF_SQL_ARGS(pf_sql_int(case_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, case_id, pf_sql_get_int(rows, 0), err);
    pf_sql_end(rows);
    return ok;
}

/* An image whose case has the value, too, counts once. What is sorted has each value of
 * a case once, not once per image. */
bool pf_store_each_value_count(pf_store *s, const char *key,
                               pf_store_value_count_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT key, value, sum(n) AS n FROM"
                     " (SELECT key, value, count(*) AS n FROM image_attribute"
                     "   WHERE ?1 IS NULL OR key = ?1 GROUP BY key, value"
                     "  UNION ALL SELECT key, value,"
                     "   (SELECT count(*) FROM image WHERE case_id = c.case_id AND"
                     "     NOT EXISTS (SELECT 1 FROM image_attribute AS own"
                     "      WHERE own.image_id = image.id AND own.key = c.key AND"
                     "       own.value = c.value)) AS n FROM case_attribute AS c"
                     "   WHERE ?1 IS NULL OR key = ?1)"
                     " WHERE n > 0 GROUP BY key, value"
                     " ORDER BY key, n DESC, value",
                     PF_SQL_ARGS(pf_sql_text(key)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_text(rows, 0), pf_sql_get_text(rows, 1),
                pf_sql_get_int(rows, 2), err);
    pf_sql_end(rows);
    return ok;
}
