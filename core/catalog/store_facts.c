/*
 * store_facts.c - see store.h. What the files of a source said of themselves when they
 * were last read.
 */
#include "core/catalog/store.h"

#include "core/catalog/store_impl.h"
#include "core/version.h"

bool pf_store_each_facts(pf_store *s, int64_t source_id, pf_store_facts_fn *fn,
                         void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT path, size, mtime_ns, facts FROM file_facts"
                     " WHERE source_id = ? AND version = ? ORDER BY path",
                     PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_text(PF_VERSION)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const pf_store_facts row = {.path = pf_sql_get_text(rows, 0),
                                    .size = pf_sql_get_int(rows, 1),
                                    .mtime_ns = pf_sql_get_int(rows, 2),
                                    .facts = pf_sql_get_text(rows, 3)};
        ok = fn(user, &row, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_put_facts(pf_store *s, int64_t source_id, const pf_store_facts *row,
                        pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "INSERT INTO file_facts (source_id, path, size, mtime_ns,"
                      " version, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                      " ON CONFLICT (source_id, path) DO UPDATE SET size = ?3,"
                      " mtime_ns = ?4, version = ?5, facts = ?6",
                      PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_path(row->path),
                                  pf_sql_int(row->size), pf_sql_int(row->mtime_ns),
                                  pf_sql_text(PF_VERSION), pf_sql_text(row->facts)),
                      err);
}

bool pf_store_delete_facts(pf_store *s, int64_t source_id, const char *path,
                           pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "DELETE FROM file_facts WHERE source_id = ? AND path = ?",
                      PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_path(path)), err);
}
