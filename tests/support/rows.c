/* rows.c - see rows.h. */
#include "tests/support/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/catalog/catalog.h"
#include "core/catalog/sql.h"
#include "tests/support/tree.h"

bool pf_rows_put_model(pf_store *store, int dim, int64_t *id, pf_err *err)
{
    const pf_store_model m = {.fingerprint = (char[]){"abc"},
                              .path = (char[]){"/m"},
                              .preprocess = (char[]){"clip"},
                              .description = (char[]){""},
                              .stamp = (char[]){""},
                              .dim = dim};
    return pf_store_put_model(store, &m, id, err) &&
           pf_store_use_model(store, *id, err);
}

bool pf_rows_put_picture(pf_store *store, int64_t model, const char *content,
                         const float *vector, int64_t *id, pf_err *err)
{
    const pf_store_picture p = {.model_id = model,
                                .content = pf_hash_bytes(content, strlen(content)),
                                .width = 1,
                                .height = 1,
                                .format = "png",
                                .vector = vector};
    return pf_store_put_picture(store, &p, id, err);
}

bool pf_rows_publish(const char *folder, int dim, int from, int to, pf_rows_fn *put,
                     pf_err *err)
{
    pf_catalog *c;
    if (!pf_catalog_open_writer(&c, folder, NULL, err))
        return false;
    pf_store *s = pf_catalog_store(c);
    const pf_store_source p = {.path = "/p", .kind = "folder"};
    int64_t model, source;
    bool ok = pf_store_begin(s, err) && pf_rows_put_model(s, dim, &model, err) &&
              pf_store_put_source(s, &p, &source, err);
    for (int i = from; ok && i < to; i++)
        ok = put(s, model, source, i, err);
    ok = ok && pf_catalog_publish(c, err);
    pf_catalog_close(c);
    return ok;
}

void pf_rows_run_script(const char *folder, const char *script)
{
    pf_sql *db;
    pf_err err = PF_ERR_INIT;
    if (!pf_sql_open(&db, pf_tree_path(folder, "catalog.db"), PF_SQL_WRITE, &err) ||
        !pf_sql_run_script(db, script, &err)) {
        fprintf(stderr, "test: %s\n", err.msg);
        exit(1);
    }
    pf_sql_close(db);
}
