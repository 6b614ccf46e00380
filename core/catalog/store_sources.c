/*
 * store_sources.c - see store.h. What is remembered of each source: its path and
 * tables, what is left out of it, where it lies now.
 */
#include "core/catalog/store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/catalog/store_impl.h"

static bool put_tables(pf_store *s, int64_t id, const pf_store_source *source,
                       pf_err *err)
{
    bool ok = pf_sql_run(s->db, "DELETE FROM source_table WHERE source_id = ?",
                         PF_SQL_ARGS(pf_sql_int(id)), err);
    for (size_t i = 0; ok && i < source->n_tables; i++)
        ok = pf_sql_run(
            s->db, "INSERT INTO source_table (source_id, place, path) VALUES (?, ?, ?)",
            PF_SQL_ARGS(pf_sql_int(id), pf_sql_int((int64_t)i),
                        pf_sql_path(source->tables[i])),
            err);
    return ok;
}

bool pf_store_put_source(pf_store *s, const pf_store_source *source, int64_t *id,
                         pf_err *err)
{
    const pf_store_reading *how = &source->reading;
    *id = 0;
    return pf_store_is_writable(s, err) &&
           pf_sql_find_int(
               s->db,
               "INSERT INTO source (path, kind, columns, texts_hash, added_at,"
               " follows_links, refuses_burned_in, frames, reads_as_owner)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
               " ON CONFLICT (path) DO UPDATE SET kind = ?2,"
               " columns = ?3, texts_hash = ?4, follows_links = ?6,"
               " refuses_burned_in = ?7, frames = ?8, reads_as_owner = ?9"
               " RETURNING id",
               PF_SQL_ARGS(
                   pf_sql_path(source->path), pf_sql_text(source->kind),
                   pf_sql_text(source->columns),
                   pf_sql_bytes(source->texts_hash.b, sizeof source->texts_hash.b),
                   pf_sql_int(time(NULL)), pf_sql_int(how->follows_links),
                   pf_sql_int(how->refuses_burned_in),
                   pf_sql_text(how->frames[0] ? how->frames : "middle"),
                   pf_sql_int(how->reads_as_owner)),
               id, err) &&
           put_tables(s, *id, source, err);
}

/* Paths of tables while a source is shown. */
typedef struct {
    char **at;
    size_t n, room;
} table_list;

static bool list_tables(pf_store *s, int64_t source_id, table_list *list, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = true;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT path FROM source_table WHERE source_id = ?"
                           " ORDER BY place",
                           PF_SQL_ARGS(pf_sql_int(source_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        char *path = NULL;
        ok = pf_grow_array(&list->at, &list->room, list->n, sizeof *list->at, err) &&
             (path = pf_strdup(pf_sql_get_text(rows, 0), err));
        if (ok)
            list->at[list->n++] = path;
    }
    pf_sql_end(rows);
    return ok;
}

static void forget_tables(table_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        pf_free(list->at[i]);
    pf_free(list->at);
    *list = (table_list){0};
}

static bool show_source(pf_store *s, pf_sql_rows *rows, pf_store_source_fn *fn,
                        void *user, pf_err *err)
{
    table_list tables = {0};
    pf_store_source source = {
        .id = pf_sql_get_int(rows, 0),
        .path = pf_sql_get_text(rows, 1),
        .kind = pf_sql_get_text(rows, 2),
        .columns = pf_sql_is_null(rows, 3) ? NULL : pf_sql_get_text(rows, 3),
        .added_at = pf_sql_get_int(rows, 4),
        .reading = {.follows_links = pf_sql_get_int(rows, 6) != 0,
                    .refuses_burned_in = pf_sql_get_int(rows, 7) != 0,
                    .reads_as_owner = pf_sql_get_int(rows, 9) != 0},
    };
    snprintf(source.reading.frames, sizeof source.reading.frames, "%s",
             pf_sql_get_text(rows, 8));
    size_t n;
    const void *hash = pf_sql_get_bytes(rows, 5, &n);
    if (n == sizeof source.texts_hash.b)
        memcpy(source.texts_hash.b, hash, n);
    bool ok = list_tables(s, source.id, &tables, err);
    source.tables = (const char *const *)tables.at;
    source.n_tables = tables.n;
    ok = ok && fn(user, &source, err);
    forget_tables(&tables);
    return ok;
}

bool pf_store_each_source(pf_store *s, pf_store_source_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = true;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT id, path, kind, columns, added_at, texts_hash,"
                           " follows_links, refuses_burned_in, frames,"
                           " reads_as_owner FROM source"
                           " ORDER BY id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = show_source(s, rows, fn, user, err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_set_exclusions(pf_store *s, int64_t source_id,
                             const char *const *patterns, size_t n, pf_err *err)
{
    bool ok = pf_store_is_writable(s, err) &&
              pf_sql_run(s->db, "DELETE FROM source_exclusion WHERE source_id = ?",
                         PF_SQL_ARGS(pf_sql_int(source_id)), err);
    for (size_t i = 0; ok && i < n; i++)
        ok = pf_sql_run(
            s->db,
            "INSERT INTO source_exclusion (source_id, pattern) VALUES (?, ?)"
            " ON CONFLICT DO NOTHING",
            PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_path(patterns[i])), err);
    return ok;
}

bool pf_store_each_exclusion(pf_store *s, int64_t source_id, pf_store_exclusion_fn *fn,
                             void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT pattern FROM source_exclusion WHERE source_id = ?"
                           " ORDER BY pattern",
                           PF_SQL_ARGS(pf_sql_int(source_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_text(rows, 0), err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_adopt_source(pf_store *s, int64_t from, int64_t to, pf_err *err)
{
    static const char *const change[] = {
        "UPDATE image SET source_id = ?2 WHERE source_id = ?1",
        "UPDATE failure SET source_id = ?2 WHERE source_id = ?1",
        "UPDATE OR IGNORE teaching_case SET source_id = ?2 WHERE source_id = ?1"};
    bool ok = pf_store_is_writable(s, err);
    for (size_t i = 0; ok && i < sizeof change / sizeof *change; i++)
        ok = pf_sql_run(s->db, change[i], PF_SQL_ARGS(pf_sql_int(from), pf_sql_int(to)),
                        err);
    return ok;
}

bool pf_store_delete_source(pf_store *s, int64_t id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "DELETE FROM source WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_int(id)), err);
}

/* Paths are bytes, and counted as bytes. */
#define LIES_IN(column, folder)                                                        \
    "(" column " = " folder " OR substr(" column ", 1, length(" folder ") + 1) ="      \
    " CAST(" folder " || '/' AS BLOB))"
#define REPLACE_START(column, old, new)                                                \
    column " = CAST(" new " || substr(" column ", length(" old ") + 1) AS BLOB)"
/* As no path begins with it. */
#define NOWHERE "CAST('//' AS BLOB)"

/* In two steps, for a new path may be the old one of another file. */
bool pf_store_relocate_source(pf_store *s, int64_t id, const char *from, const char *to,
                              pf_err *err)
{
    static const char *const change[] = {
        "UPDATE source SET path = ?3 WHERE id = ?1 AND path = ?2",
        "UPDATE image SET " REPLACE_START(
            "path", "?2",
            "'//'") " WHERE source_id = ?1 AND " LIES_IN("path", "?2") " AND ?3 <> ''",
        "UPDATE image SET " REPLACE_START(
            "path", "'//'",
            "?3") " WHERE source_id = ?1 AND " LIES_IN("path", NOWHERE) " AND ?2 <> ''",
        "UPDATE failure SET " REPLACE_START(
            "path", "?2",
            "'//'") " WHERE source_id = ?1 AND " LIES_IN("path", "?2") " AND ?3 <> ''",
        "UPDATE failure SET " REPLACE_START(
            "path", "'//'",
            "?3") " WHERE source_id = ?1 AND " LIES_IN("path",
                                                       NOWHERE) " AND ?2 <> ''"};
    bool ok = pf_store_is_writable(s, err);
    for (size_t i = 0; ok && i < sizeof change / sizeof *change; i++)
        ok = pf_sql_run(s->db, change[i],
                        PF_SQL_ARGS(pf_sql_int(id), pf_sql_path(from), pf_sql_path(to)),
                        err);
    return ok;
}

bool pf_store_relocate_tables(pf_store *s, const char *from, const char *to,
                              pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "UPDATE source_table SET " REPLACE_START(
                          "path", "?1", "?2") " WHERE " LIES_IN("path", "?1"),
                      PF_SQL_ARGS(pf_sql_path(from), pf_sql_path(to)), err);
}

bool pf_store_count_source(pf_store *s, int64_t id, pf_store_counts *out, pf_err *err)
{
    *out = (pf_store_counts){0};
    return pf_sql_find_int(s->db, "SELECT count(id) FROM image WHERE source_id = ?",
                           PF_SQL_ARGS(pf_sql_int(id)), &out->images, err) &&
           pf_sql_find_int(s->db,
                           "SELECT count(id) FROM caption WHERE image_id IN"
                           " (SELECT id FROM image WHERE source_id = ?1) OR case_id IN"
                           " (SELECT id FROM teaching_case WHERE source_id = ?1)",
                           PF_SQL_ARGS(pf_sql_int(id)), &out->captions, err) &&
           pf_sql_find_int(s->db,
                           "SELECT count(id) FROM teaching_case WHERE source_id = ?",
                           PF_SQL_ARGS(pf_sql_int(id)), &out->cases, err);
}
