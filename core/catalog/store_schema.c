/*
 * store_schema.c - see store_impl.h. Is the schema of a file the one that the
 * migrations make?
 *
 * A schema is a program that runs in whoever opens the file: a view that never ends in
 * the place of a table, a trigger that changes captions, an index on an expression. So
 * a catalog has what plainfilm makes, to the letter, and nothing else. What that is, is
 * asked of SQLite: the migrations run in an empty database in memory, and tables that
 * FTS5 makes for itself are compared, too. That takes 6 ms; what it came to is written
 * down in schema/made.txt, and a schema that is this text needs no more.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/catalog/schema.h"
#include "core/catalog/store_impl.h"

/* Tables that ANALYZE leaves behind. */
static bool is_statistics(const char *name, const char *sql)
{
    static const struct {
        const char *name, *sql;
    } table[] = {
        {"sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"},
        {"sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) == 0)
            return strcmp(sql, table[i].sql) == 0;
    }
    return false;
}

/* The objects of a schema one after another, by name. */
typedef struct {
    pf_sql_rows *rows;
    bool has_row;
} walk;

enum { NAME, TYPE, TABLE, SQL };

static bool next(walk *w, pf_err *err)
{
    return pf_sql_next(w->rows, &w->has_row, err);
}

static bool start(walk *w, pf_sql *db, pf_err *err)
{
    return pf_sql_start(&w->rows, db,
                        "SELECT name, type, tbl_name, sql FROM sqlite_schema"
                        " ORDER BY name, type",
                        PF_SQL_NO_ARGS, err) &&
           next(w, err);
}

static const char *get(const walk *w, int column)
{
    return pf_sql_get_text(w->rows, column);
}

/* Of the two objects that come next, which name is first? One that is not there is
 * behind all. */
static int compare_names(const walk *a, const walk *b)
{
    if (!a->has_row || !b->has_row)
        return (int)b->has_row - (int)a->has_row;
    return strcmp(get(a, NAME), get(b, NAME));
}

static bool is_same(const walk *a, const walk *b)
{
    for (int column = TYPE; column <= SQL; column++) {
        if (strcmp(get(a, column), get(b, column)) != 0)
            return false;
    }
    return true;
}

static bool compare(const pf_store *s, walk *found, walk *made, pf_err *err)
{
    while (found->has_row || made->has_row) {
        const int order = compare_names(found, made);
        if (order < 0 && !is_statistics(get(found, NAME), get(found, SQL)))
            return pf_fail(err, PF_ERR_FORMAT,
                           "'%s' is no catalog to trust: it has %s '%s', which "
                           "plainfilm does not make",
                           s->path, get(found, TYPE), get(found, NAME));
        if (order > 0)
            return pf_fail(err, PF_ERR_FORMAT,
                           "'%s' is damaged: there is no %s '%s' in it", s->path,
                           get(made, TYPE), get(made, NAME));
        if (order == 0 && !is_same(found, made))
            return pf_fail(err, PF_ERR_FORMAT,
                           "'%s' is no catalog to trust: its %s '%s' is not the one "
                           "that plainfilm makes",
                           s->path, get(found, TYPE), get(found, NAME));
        if (!next(found, err) || (order == 0 && !next(made, err)))
            return false;
    }
    return true;
}

static bool compare_schemas(pf_store *s, pf_sql *model, pf_err *err)
{
    walk found = {0}, made = {0};
    const bool ok = start(&found, s->db, err) && start(&made, model, err) &&
                    compare(s, &found, &made, err);
    pf_sql_end(found.rows);
    pf_sql_end(made.rows);
    return ok;
}

bool pf_store_describe_schema(pf_store *s, pf_buf *out, pf_err *err)
{
    walk w = {0};
    bool ok = start(&w, s->db, err);
    while (ok && w.has_row)
        ok = pf_buf_addf(out, err, "%s %s of %s\n%s\n\n", get(&w, TYPE), get(&w, NAME),
                         get(&w, TABLE), get(&w, SQL)) &&
             next(&w, err);
    pf_sql_end(w.rows);
    return ok;
}

/* One that is too long is another one. */
static bool is_as_written_down(pf_store *s)
{
    pf_buf found;
    pf_buf_init(&found, strlen(pf_schema_made) + 1);
    const bool is_same = pf_store_describe_schema(s, &found, NULL) &&
                         found.size == strlen(pf_schema_made) &&
                         memcmp(found.data, pf_schema_made, found.size) == 0;
    pf_buf_free(&found);
    return is_same;
}

bool pf_store_check_schema(pf_store *s, int version, pf_err *err)
{
    pf_sql *model;
    if (version == pf_schema_version && is_as_written_down(s))
        return true;
    if (!pf_sql_open(&model, ":memory:", PF_SQL_MEMORY, err))
        return false;
    bool ok = pf_sql_run_script(model, "BEGIN", err);
    for (int v = 0; ok && v < version; v++)
        ok = pf_sql_run_script(model, pf_schema[v].sql, err);
    ok = ok && compare_schemas(s, model, err);
    pf_sql_close(model);
    return ok;
}
