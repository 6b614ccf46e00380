/* dump_main.c - pf-catalog-dump FOLDER: every row of catalog.db as text, but for the
 * diary of runs. Two dumps are equal when nothing that matters has changed. */
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/sql.h"

enum { QUERY_MAX_BYTES = 1 << 16 };

/* SELECT quote(a) || '|' || quote(b) ... FROM table */
static bool write_query(pf_sql *db, const char *table, pf_buf *query, pf_err *err)
{
    pf_sql_rows *rows = NULL;
    bool has_row = false;
    bool ok = pf_buf_add_str(query, "SELECT ''", err) &&
              pf_sql_start(&rows, db, "SELECT name FROM pragma_table_info(?)",
                           PF_SQL_ARGS(pf_sql_text(table)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = pf_buf_addf(query, err, " || '|' || quote(\"%s\")",
                         pf_sql_get_text(rows, 0));
    pf_sql_end(rows);
    return ok && pf_buf_addf(query, err, " AS line FROM \"%s\" ORDER BY line", table);
}

/* A statement is known by the address of its text, which has to last as long. */
static bool dump_table(pf_sql *db, const char *table, pf_arena *texts, pf_err *err)
{
    pf_buf query;
    pf_sql_rows *rows = NULL;
    bool has_row = false;
    const char *text = NULL;
    pf_buf_init(&query, QUERY_MAX_BYTES);
    bool ok = write_query(db, table, &query, err) &&
              (text = pf_arena_add(texts, query.data, query.size, err)) &&
              pf_sql_start(&rows, db, text, PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        printf("%s%s\n", table, pf_sql_get_text(rows, 0));
    pf_sql_end(rows);
    pf_buf_free(&query);
    return ok;
}

static bool dump(pf_sql *db, pf_arena *texts, pf_err *err)
{
    pf_sql_rows *rows = NULL;
    bool has_row = false;
    bool ok = pf_sql_start(&rows, db,
                           "SELECT name FROM sqlite_schema WHERE type = 'table'"
                           " AND name NOT IN ('run', 'sqlite_sequence') ORDER BY name",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = dump_table(db, pf_sql_get_text(rows, 0), texts, err);
    pf_sql_end(rows);
    return ok;
}

int main(int argc, char **argv)
{
    pf_err err = PF_ERR_INIT;
    pf_sql *db = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: pf-catalog-dump FOLDER\n");
        return 2;
    }
    char *path = pf_path_join(argv[1], "catalog.db", &err);
    pf_arena texts = {0};
    bool ok =
        path && pf_sql_open(&db, path, PF_SQL_READ, &err) && dump(db, &texts, &err);
    if (!ok)
        fprintf(stderr, "pf-catalog-dump: %s\n", err.msg);
    pf_sql_close(db);
    pf_arena_reset(&texts);
    pf_free(path);
    return ok ? 0 : 1;
}
