/*
 * schema.h - the migrations in schema/, as schema/embed.cmake puts them into the
 * program.
 */
#ifndef PF_CORE_CATALOG_SCHEMA_H
#define PF_CORE_CATALOG_SCHEMA_H

typedef struct {
    int version; /* PRAGMA user_version afterwards: 1, 2, ... */
    const char *sql;
} pf_migration;

extern const pf_migration pf_schema[]; /* [pf_schema_version] */
extern const int pf_schema_version;

/* What all of them make, as pf_store_describe_schema() says it: schema/made.txt. */
extern const char *const pf_schema_made;

#endif
