/*
 * store_schema.c - see store_impl.h. Is the schema of a file the one that the
 * migrations make?
 *
 * A schema is a program that runs in whoever opens the file: a view that never ends in
 * the place of a table, a trigger that changes captions, an index on an expression. So
 * a catalog has what plainfilm makes, to the letter, and nothing else. What that is, is
 * not written down a second time: the migrations run in an empty database in memory,
 * and tables that FTS5 makes for itself are compared, too. That takes 6 ms, most of it
 * for tables that are renamed; so what the last format came to when plainfilm was built
 * is looked at first.
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

static const char *get(const walk *w, int column)
{
    return pf_sql_get_text(w->rows, column);
}

static bool next(walk *w, pf_err *err)
{
    return pf_sql_next(w->rows, &w->has_row, err);
}

static bool start(walk *w, pf_sql *db, pf_err *err)
{
    return pf_sql_start(&w->rows, db, PF_SCHEMA_ROWS, PF_SQL_NO_ARGS, err) &&
           next(w, err);
}

/* ---- what was made at build time ---- */

static bool is_row(const walk *w, const char *const made[PF_SCHEMA_COLUMNS])
{
    for (int column = NAME; column <= SQL; column++) {
        if (strcmp(get(w, column), made[column]) != 0)
            return false;
    }
    return true;
}

/* *out: there is no need to look further. */
static bool is_as_built(pf_store *s, bool *out, pf_err *err)
{
    walk found = {0};
    size_t i = 0;
    bool ok = start(&found, s->db, err);
    *out = true;
    while (ok && found.has_row && *out) {
        if (pf_schema_made[i][NAME] && is_row(&found, pf_schema_made[i]))
            i++;
        else
            *out = is_statistics(get(&found, NAME), get(&found, SQL));
        ok = next(&found, err);
    }
    pf_sql_end(found.rows);
    *out = ok && *out && i > 0 && !pf_schema_made[i][NAME];
    return ok;
}

/* ---- what the migrations make ---- */

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

bool pf_store_check_schema(pf_store *s, int version, pf_err *err)
{
    pf_sql *model;
    bool is_known = false;
    if (version == pf_schema_version && !is_as_built(s, &is_known, err))
        return false;
    if (is_known)
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
