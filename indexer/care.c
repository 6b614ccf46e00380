/* care.c - see care.h. */
#include "indexer/care.h"

#include <unistd.h>

#include "core/base/mem.h"
#include "core/image/sandbox.h"
#include "indexer/archive.h"
#include "indexer/report.h"

/* Of a catalog that is too damaged to be looked at, that is what there is to say. */
static bool find_problems(const pf_care *care, pf_catalog **catalog,
                          pf_store_digest *digest, pf_notes *problems, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    if (pf_catalog_open_to_check(catalog, care->catalog, &why) &&
        pf_catalog_check(*catalog, digest, problems, &why))
        return true;
    if (why.code != PF_ERR_FORMAT)
        return pf_fail_as(err, &why);
    pf_notes_add(problems, "%s", why.msg);
    return true;
}

static bool look(const pf_care *care, bool reports, bool *is_in_order, pf_err *err)
{
    pf_notes problems = {0};
    pf_catalog *catalog = NULL;
    pf_store_digest digest = {0};
    const bool is_unmade = pf_catalog_is_unmade(care->catalog);
    const bool ok = is_unmade || find_problems(care, &catalog, &digest, &problems, err);
    *is_in_order = ok && problems.count == 0;
    if (ok && (*is_in_order ? !care->is_quiet : reports))
        pf_report_check(care->catalog, catalog ? pf_catalog_generation(catalog) : 0,
                        &digest, &problems, care->json, care->out);
    pf_catalog_close(catalog);
    pf_notes_reset(&problems);
    return ok;
}

bool pf_care_check(const pf_care *care, bool *is_in_order, pf_err *err)
{
    return look(care, true, is_in_order, err);
}

/* ---- repairing ---- */

typedef struct {
    pf_store *store;
    pf_sandbox *sandbox;
    pf_thumbnail *thumbnail;
    pf_buf jpeg;
} maker;

static bool read_file(maker *m, const char *path, pf_hash *found)
{
    int fd;
    if (!pf_archive_open_file(&fd, path, NULL, NULL))
        return false;
    const bool ok = pf_sandbox_read_open(m->sandbox, fd, path, found, NULL);
    close(fd);
    return ok;
}

/* A file that is not what was indexed any more gives none. */
static bool shrink(maker *m, const pf_store_lost_thumbnail *lost)
{
    pf_hash found;
    pf_intake intake = {.thumbnail = m->thumbnail};
    const pf_intake_options options = {.name = lost->path, .frame = lost->frame};
    m->jpeg.size = 0;
    return read_file(m, lost->path, &found) && pf_hash_equal(&found, &lost->content) &&
           pf_sandbox_decode(m->sandbox, &intake, &options, NULL) &&
           pf_thumbnail_encode(m->thumbnail, &m->jpeg, NULL) &&
           m->jpeg.size <= PF_THUMBNAIL_CAP;
}

static bool make_again(void *user, const pf_store_lost_thumbnail *lost, pf_err *err)
{
    maker *m = user;
    return !shrink(m, lost) ||
           pf_store_put_thumbnail(m->store, lost->picture_id, (uint8_t *)m->jpeg.data,
                                  m->jpeg.size, err);
}

static bool make_thumbnails(pf_store *store, pf_err *err)
{
    maker m = {.store = store};
    pf_buf_init(&m.jpeg, 8 * PF_THUMBNAIL_CAP);
    const bool ok = (m.thumbnail = pf_zalloc(sizeof *m.thumbnail, err)) &&
                    pf_sandbox_new(&m.sandbox, err) &&
                    pf_sandbox_start(m.sandbox, err) &&
                    pf_store_each_lost_thumbnail(store, make_again, &m, err) &&
                    pf_store_forget_lost_thumbnails(store, err);
    pf_sandbox_free(m.sandbox);
    pf_free(m.thumbnail);
    pf_buf_free(&m.jpeg);
    return ok;
}

static bool publish(pf_catalog *catalog, pf_err *err)
{
    pf_store *store = pf_catalog_store(catalog);
    if (!pf_store_begin(store, err))
        return false;
    if (!make_thumbnails(store, err)) {
        pf_store_rollback(store);
        return false;
    }
    return pf_catalog_publish(catalog, err) && pf_store_checkpoint(store, err);
}

bool pf_care_repair(const pf_care *care, const pf_catalog_writer_options *options,
                    bool *is_in_order, pf_err *err)
{
    pf_notes lost = {0};
    pf_catalog *catalog = NULL;
    if (!look(care, false, is_in_order, err))
        return false;
    if (*is_in_order)
        return true;
    bool ok = pf_catalog_open_repaired(&catalog, care->catalog, options, &lost, err);
    if (ok && catalog)
        ok = publish(catalog, err);
    else if (ok)
        pf_report_lost(care->catalog, &lost, care->json, care->out);
    const bool is_repaired = ok && catalog;
    pf_catalog_close(catalog);
    pf_notes_reset(&lost);
    return ok && (!is_repaired || look(care, true, is_in_order, err));
}

/* ---- a backup ---- */

bool pf_care_backup(const pf_care *care, const char *path, pf_err *err)
{
    pf_store_digest digest;
    int64_t generation;
    if (!pf_catalog_backup(care->catalog, path, &digest, &generation, err))
        return false;
    if (!care->is_quiet)
        pf_report_backup(path, generation, &digest, care->json, care->out);
    return true;
}
