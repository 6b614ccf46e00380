/*
 * catalog_repair.c - see catalog.h. What is derived is made again; what is not is kept,
 * if it is still what was published.
 *
 * All rows that cannot be made again are copied into a new database, where their
 * digests are compared with those that were published. Only when all of them are right,
 * the new database takes the place of the damaged one, in one commit: a repair never
 * makes a catalog worse than it was, and can be tried on any.
 */
#include "core/catalog/catalog.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog_impl.h"

/* The file and SQLite's beside it. */
static void remove_database(const char *path)
{
    static const char *const suffix[] = {"", "-wal", "-shm", "-journal", "-mark"};
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
        char *name = pf_strf(NULL, "%s%s", path, suffix[i]);
        if (name)
            unlink(name);
        pf_free(name);
    }
}

static bool salvage(pf_store *damaged, pf_store *made, pf_notes *lost, pf_err *err)
{
    if (!pf_store_begin(made, err))
        return false;
    if (pf_store_salvage(damaged, made, lost, err) &&
        pf_store_drop_damaged_thumbnails(made, err))
        return pf_store_commit(made, err) && pf_store_checkpoint(made, err);
    pf_store_rollback(made);
    return false;
}

/* Nothing is replaced when something was lost. */
static bool repair(const char *path, const char *made_path, pf_notes *lost, pf_err *err)
{
    pf_store *damaged = NULL, *made = NULL;
    remove_database(made_path);
    bool ok = pf_store_open(&damaged, path, PF_STORE_DAMAGED, err) &&
              pf_store_open(&made, made_path, PF_STORE_CREATE, err) &&
              salvage(damaged, made, lost, err);
    pf_store_close(damaged);
    if (ok && lost->count == 0)
        ok = pf_store_replace(path, made, err);
    pf_store_close(made);
    remove_database(made_path);
    return ok;
}

bool pf_catalog_open_repaired(pf_catalog **out, const char *folder,
                              const pf_catalog_writer_options *options, pf_notes *lost,
                              pf_err *err)
{
    pf_catalog *c;
    *out = NULL;
    if (!pf_catalog_lock(&c, folder, options, err))
        return false;
    char *path = pf_path_join(c->folder, "catalog.db", err);
    char *made = path ? pf_strf(err, "%s.repair", path) : NULL;
    bool ok = made && repair(path, made, lost, err);
    if (ok && lost->count == 0) {
        ok = pf_catalog_open_store(c, PF_STORE_WRITE, err) &&
             pf_store_get_generation(c->store, &c->generation, err);
        if (ok)
            *out = c;
    }
    if (!*out)
        pf_catalog_close(c);
    pf_free(path);
    pf_free(made);
    return ok;
}
