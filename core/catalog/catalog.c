/*
 * catalog.c - see catalog.h. The folder, opening and closing, the lock.
 */
#include "core/catalog/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog_impl.h"

enum { POLL_MS = 200 };

/* --- the folder ------------------------------------------------------------------ */

char *pf_catalog_default_folder(pf_err *err)
{
    const char *named = getenv("PLAINFILM_CATALOG");
    if (named && named[0])
        return pf_strdup(named, err);
    const char *data = getenv("XDG_DATA_HOME");
    if (data && data[0] == '/') /* the XDG rules: a relative one counts as unset */
        return pf_path_join(data, "plainfilm", err);
    const char *home = getenv("HOME");
    if (home && home[0])
        return pf_path_join(home, ".local/share/plainfilm", err);
    pf_fail(err, PF_ERR_MISUSE, "no catalog was named, and HOME is not set");
    return NULL;
}

/* What may not be looked at is not missing. */
static bool may_look(const char *path, pf_err *err)
{
    struct stat st;
    return stat(path, &st) == 0 || errno != EACCES ||
           pf_fail_errno(err, errno, "cannot access '%s'", path);
}

static bool is_catalog(const char *folder, pf_err *err)
{
    if (!may_look(folder, err))
        return false;
    if (!pf_path_exists(folder))
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "there is no catalog '%s': make one with plainfilm-index",
                       folder);
    if (!pf_path_is_folder(folder))
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is not a catalog: it is no folder",
                       folder);
    char *path = pf_path_join(folder, "catalog.db", err);
    if (!path)
        return false;
    bool ok = may_look(path, err) &&
              (pf_path_exists(path) ||
               pf_fail(err, PF_ERR_NOT_FOUND,
                       "'%s' is not a catalog: there is no catalog.db in it", folder));
    pf_free(path);
    return ok;
}

/* A folder of something else would be littered; "lock" alone is a catalog that was
 * never finished. */
static bool is_empty_folder(const char *folder, pf_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return pf_fail_errno(err, errno, "cannot read folder '%s'", folder);
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir));) {
        const char *name = e->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            strcmp(name, "lock") != 0)
            ok = pf_fail(err, PF_ERR_MISUSE,
                         "'%s' is no catalog, and not empty: name another folder",
                         folder);
    }
    closedir(dir);
    return ok;
}

static bool make_folder(const char *folder, bool must_exist, pf_err *err)
{
    if (must_exist)
        return is_catalog(folder, err);
    pf_err reason = PF_ERR_INIT;
    if (is_catalog(folder, &reason))
        return true;
    if (reason.code == PF_ERR_NOMEM || reason.code == PF_ERR_IO)
        return pf_fail_as(err, &reason);
    return pf_make_folders(folder, 0700, err) && is_empty_folder(folder, err);
}

/* --- the lock --------------------------------------------------------------------- */

/* fcntl() locks: they end with the process, forked children do not keep them, and they
 * tell who holds one. */
static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static bool is_told_to_stop(const pf_catalog_writer_options *options)
{
    return options->stop && atomic_load(options->stop);
}

static bool wait_for_lock(pf_catalog *c, const pf_catalog_writer_options *options,
                          pf_err *err)
{
    long left_ms = 1000L * options->wait_seconds;
    for (;;) {
        struct flock lock = whole_file(F_WRLCK);
        if (fcntl(c->lock, F_SETLK, &lock) == 0)
            return true;
        if (errno != EACCES && errno != EAGAIN && errno != EINTR)
            return pf_fail_errno(err, errno, "cannot lock catalog '%s'", c->folder);
        if (is_told_to_stop(options))
            return pf_fail(err, PF_ERR_INTERRUPTED, "stopped while waiting for '%s'",
                           c->folder);
        if (left_ms <= 0)
            break;
        struct timespec pause = {0, POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
        left_ms -= POLL_MS;
    }
    struct flock other = whole_file(F_WRLCK);
    if (fcntl(c->lock, F_GETLK, &other) == 0 && other.l_type != F_UNLCK &&
        other.l_pid > 0)
        return pf_fail(err, PF_ERR_BUSY,
                       "catalog '%s' is locked by another indexer (process %ld)",
                       c->folder, (long)other.l_pid);
    return pf_fail(err, PF_ERR_BUSY, "catalog '%s' is locked by another indexer",
                   c->folder);
}

bool pf_catalog_is_being_written(const char *folder, bool *out, pf_err *err)
{
    struct flock other = whole_file(F_WRLCK);
    char *path = pf_path_join(folder, "lock", err);
    int fd;
    *out = false;
    if (!path)
        return false;
    if (pf_file_open(&fd, path, NULL)) {
        *out = fcntl(fd, F_GETLK, &other) == 0 && other.l_type != F_UNLCK;
        close(fd);
    }
    pf_free(path);
    return true;
}

static bool take_lock(pf_catalog *c, const pf_catalog_writer_options *options,
                      pf_err *err)
{
    char *path = pf_path_join(c->folder, "lock", err);
    if (!path)
        return false;
    bool ok = pf_file_make(path, err);
    if (ok) {
        c->lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        ok = c->lock >= 0 || pf_fail_errno(err, errno, "cannot open '%s'", path);
    }
    pf_free(path);
    return ok && wait_for_lock(c, options, err);
}

/* --- opening and closing ---------------------------------------------------------- */

/* An empty pf_catalog for this folder. */
static pf_catalog *new_catalog(const char *folder, pf_err *err)
{
    pf_catalog *c = pf_zalloc(sizeof *c, err);
    if (!c)
        return NULL;
    c->lock = -1;
    c->folder = folder ? pf_strdup(folder, err) : pf_catalog_default_folder(err);
    if (c->folder)
        return c;
    pf_free(c);
    return NULL;
}

bool pf_catalog_open_store(pf_catalog *c, pf_store_mode mode, pf_err *err)
{
    char *path = pf_path_join(c->folder, "catalog.db", err);
    bool ok = path && pf_store_open(&c->store, path, mode, err);
    pf_free(path);
    return ok;
}

static bool open_reader(pf_catalog **out, const char *folder, bool may_be_unpublished,
                        pf_err *err)
{
    *out = NULL;
    pf_catalog *c = new_catalog(folder, err);
    if (!c)
        return false;
    c->may_be_unpublished = may_be_unpublished;
    if (!is_catalog(c->folder, err) || !pf_catalog_open_store(c, PF_STORE_READ, err) ||
        !pf_catalog_begin_read(c, err)) {
        pf_catalog_close(c);
        return false;
    }
    *out = c;
    return true;
}

bool pf_catalog_open_reader(pf_catalog **out, const char *folder, pf_err *err)
{
    return open_reader(out, folder, false, err);
}

bool pf_catalog_open_to_check(pf_catalog **out, const char *folder, pf_err *err)
{
    return open_reader(out, folder, true, err);
}

bool pf_catalog_is_unmade(const char *folder)
{
    char *lock = pf_path_join(folder, "lock", NULL);
    char *db = pf_path_join(folder, "catalog.db", NULL);
    const bool is_unmade = lock && db && pf_path_exists(lock) &&
                           (!pf_path_exists(db) || pf_store_is_unmade(db));
    pf_free(lock);
    pf_free(db);
    return is_unmade;
}

/* Before a lock is put beside it. Who may write to the folder can put links in the
 * place of our files, and who may write to the database can say what he likes. */
static bool check_database(const pf_catalog *c, pf_err *err)
{
    char *path = pf_path_join(c->folder, "catalog.db", err);
    bool ok = path && pf_store_check_header(path, err) &&
              pf_file_is_safe(c->folder, err) &&
              (!pf_path_exists(path) || pf_file_is_safe(path, err));
    pf_free(path);
    return ok;
}

bool pf_catalog_lock(pf_catalog **out, const char *folder,
                     const pf_catalog_writer_options *options, pf_err *err)
{
    *out = NULL;
    pf_catalog *c = new_catalog(folder, err);
    if (!c)
        return false;
    if (!make_folder(c->folder, options->must_exist, err) || !check_database(c, err) ||
        !take_lock(c, options, err)) {
        pf_catalog_close(c);
        return false;
    }
    *out = c;
    return true;
}

bool pf_catalog_open_writer(pf_catalog **out, const char *folder,
                            const pf_catalog_writer_options *options, pf_err *err)
{
    *out = NULL;
    const pf_catalog_writer_options defaults = {0};
    if (!options)
        options = &defaults;
    pf_catalog *c;
    if (!pf_catalog_lock(&c, folder, options, err))
        return false;
    if (!pf_catalog_open_store(
            c, options->must_exist ? PF_STORE_WRITE : PF_STORE_CREATE, err) ||
        !pf_store_get_generation(c->store, &c->generation, err) ||
        !pf_catalog_keep_modes(c, err)) {
        pf_catalog_close(c);
        return false;
    }
    *out = c;
    return true;
}

void pf_catalog_close(pf_catalog *c)
{
    if (!c)
        return;
    pf_catalog_end_read(c);
    if (c->store && c->lock >= 0) {
        pf_store_rollback(c->store);
        (void)!pf_store_checkpoint(c->store, NULL);
    }
    pf_store_close(c->store);
    if (c->lock >= 0)
        close(c->lock);
    pf_free(c->folder);
    pf_free(c);
}

const char *pf_catalog_folder(const pf_catalog *c)
{
    return c->folder;
}

pf_store *pf_catalog_store(pf_catalog *c)
{
    return c->store;
}

int64_t pf_catalog_generation(const pf_catalog *c)
{
    return c->generation;
}
