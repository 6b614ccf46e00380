/*
 * schema.h - the migrations in schema/, as schema/embed.cmake puts them into the
 * program, and what they make.
 */
#ifndef PF_CORE_CATALOG_SCHEMA_H
#define PF_CORE_CATALOG_SCHEMA_H

typedef struct {
    int version; /* PRAGMA user_version afterwards: 1, 2, ... */
    const char *sql;
} pf_migration;

extern const pf_migration pf_schema[]; /* [pf_schema_version] */
extern const int pf_schema_version;

/* The rows of a schema: name, type, table, SQL. */
#define PF_SCHEMA_ROWS                                                                 \
    "SELECT name, type, tbl_name, sql FROM sqlite_schema ORDER BY name, type"
enum { PF_SCHEMA_COLUMNS = 4 };

/* Those after the last migration by the SQLite that plainfilm was built with
 * (schema/list.c); a name that is NULL ends them. There are none where it could not be
 * asked, for another machine. */
extern const char *const pf_schema_made[][PF_SCHEMA_COLUMNS];

#endif
