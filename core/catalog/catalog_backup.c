/*
 * catalog_backup.c - see catalog.h. A copy of a catalog that is in use.
 *
 * The database is copied by SQLite, in one snapshot and without gaps. Index files are
 * not copied but made from the copy's own vectors: theirs may be of another generation
 * by now, and so the copy has been read once before anybody relies on it. One with
 * lists cannot be made again, for its lists may be older than its vectors: it is
 * copied, and compared with the vectors like the others. All of it is made in
 * "PATH.partial" and gets its name when it is whole.
 */
#include "core/catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog_impl.h"

typedef struct {
    pf_catalog *from;
    const char *to;
    char *partial;  /* where it is made, */
    char *database; /* and the database in there */
    bool is_file;   /* it is the database alone */
} backup;

static bool is_database_name(const char *path)
{
    return strcmp(pf_path_extension(path), "db") == 0;
}

/* Nothing is ever overwritten. */
static bool check_target(const backup *b, pf_err *err)
{
    struct stat st;
    if (lstat(b->to, &st) != 0)
        return errno == ENOENT ||
               pf_fail_errno(err, errno, "cannot look at '%s'", b->to);
    if (!b->is_file && S_ISDIR(st.st_mode) && rmdir(b->to) == 0)
        return true; /* it was empty */
    return pf_fail(err, PF_ERR_MISUSE, "'%s' is there already: name a new %s", b->to,
                   b->is_file ? "file" : "folder");
}

/* What a backup that was killed has left. */
static bool make_room(const backup *b, pf_err *err)
{
    if (!b->is_file && !pf_make_folders(b->partial, 0700, err))
        return false;
    if (unlink(b->database) != 0 && errno != ENOENT)
        return pf_fail_errno(err, errno, "cannot remove '%s'", b->database);
    return pf_file_make(b->database, err);
}

/* ---- the copy ---- */

static bool write_index(pf_catalog *copy, pf_index_kind kind, const char *path,
                        const pf_store_index_file *row, pf_err *err)
{
    pf_store_index_file written = *row;
    return pf_catalog_write_index(copy, kind, path, &written, err) &&
           (pf_hash_equal(&row->checksum, &written.checksum) ||
            pf_fail(err, PF_ERR_FORMAT,
                    "the index of %s is not the one that was published: run "
                    "plainfilm-index --check",
                    pf_index_kind_name(kind)));
}

static bool copy_bytes(int from, int to, pf_err *err)
{
    enum { AT_ONCE = 1 << 30 };
    for (;;) {
        const ssize_t n = sendfile(to, from, NULL, AT_ONCE);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return pf_fail_errno(err, errno, "cannot copy it");
    }
}

/* A publish that was quicker has taken it away. */
static bool copy_index(const backup *b, const char *path, const char *name, pf_err *err)
{
    char *source = pf_path_join(b->from->folder, name, err);
    const int from =
        source ? open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    bool ok = from >= 0;
    if (source && !ok)
        pf_fail(err, PF_ERR_BUSY,
                "'%s' was replaced while the catalog was copied: try again", source);
    const int to =
        ok ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
           : -1;
    if (ok && to < 0)
        ok = pf_fail_errno(err, errno, "cannot write '%s'", path);
    ok = ok && ((copy_bytes(from, to, err) &&
                 (fsync(to) == 0 || pf_fail_errno(err, errno, "cannot write it"))) ||
                pf_fail_in(err, "'%s'", path));
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) != 0 && ok)
        ok = pf_fail_errno(err, errno, "cannot write '%s'", path);
    pf_free(source);
    return ok;
}

static bool make_index(const backup *b, pf_catalog *copy, pf_index_kind kind,
                       pf_err *err)
{
    pf_store_index_file row;
    char *path = NULL;
    const bool ok = pf_store_find_index_file(copy->store, kind, &row, err) &&
                    (path = pf_path_join(copy->folder, row.name, err)) &&
                    (row.n_lists > 0 ? copy_index(b, path, row.name, err)
                                     : write_index(copy, kind, path, &row, err));
    pf_free(path);
    return ok;
}

/* A copy of damage is no backup. */
static bool check_copy(pf_catalog *copy, pf_store_digest *digest, pf_err *err)
{
    pf_notes problems = {0};
    bool ok = pf_catalog_check(copy, digest, &problems, err);
    if (ok && problems.count > 0)
        ok = pf_fail(err, PF_ERR_FORMAT,
                     "the catalog is not in order: %s; run plainfilm-index --check",
                     problems.line[0]);
    pf_notes_reset(&problems);
    return ok;
}

static bool finish_folder(const backup *b, pf_store_digest *digest, int64_t *generation,
                          pf_err *err)
{
    pf_catalog *copy;
    if (!pf_catalog_open_reader(&copy, b->partial, err))
        return false;
    *generation = copy->generation;
    bool ok = true;
    for (int kind = 0; ok && kind < PF_INDEX_KINDS; kind++)
        ok = make_index(b, copy, kind, err);
    ok = ok && check_copy(copy, digest, err);
    pf_catalog_close(copy);
    return ok;
}

static bool finish_file(const backup *b, pf_store_digest *digest, int64_t *generation,
                        pf_err *err)
{
    pf_store *copy;
    pf_notes problems = {0};
    if (!pf_store_open(&copy, b->database, PF_STORE_READ, err))
        return false;
    bool ok = pf_store_check(copy, digest, &problems, err) &&
              pf_store_get_generation(copy, generation, err);
    if (ok && problems.count > 0)
        ok = pf_fail(err, PF_ERR_FORMAT,
                     "the catalog is not in order: %s; run plainfilm-index --check",
                     problems.line[0]);
    pf_notes_reset(&problems);
    pf_store_close(copy);
    return ok;
}

/* ---- its name ---- */

static bool sync_path(const char *path, int flags, pf_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    const bool ok = (fd >= 0 && fsync(fd) == 0) ||
                    pf_fail_errno(err, errno, "cannot write '%s'", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool sync_parent(const char *path, pf_err *err)
{
    char *parent = pf_strf(err, "%.*s.", (int)(pf_path_base(path) - path), path);
    const bool ok = parent && sync_path(parent, O_DIRECTORY, err);
    pf_free(parent);
    return ok;
}

/* Index files were synced when they were made. */
static bool give_name(const backup *b, pf_err *err)
{
    if (!sync_path(b->database, 0, err) ||
        (!b->is_file && !sync_path(b->partial, O_DIRECTORY, err)))
        return false;
    if (rename(b->partial, b->to) != 0)
        return pf_fail_errno(err, errno, "cannot rename '%s' to '%s'", b->partial,
                             b->to);
    return sync_parent(b->to, err);
}

static bool make(backup *b, pf_store_digest *digest, int64_t *generation, pf_err *err)
{
    b->is_file = is_database_name(b->to);
    b->partial = pf_strf(err, "%s.partial", b->to);
    b->database = !b->partial  ? NULL
                  : b->is_file ? pf_strdup(b->partial, err)
                               : pf_path_join(b->partial, "catalog.db", err);
    return b->database && check_target(b, err) && make_room(b, err) &&
           pf_store_copy(b->from->store, b->database, err) &&
           (b->is_file ? finish_file(b, digest, generation, err)
                       : finish_folder(b, digest, generation, err)) &&
           give_name(b, err);
}

bool pf_catalog_backup(const char *folder, const char *path, pf_store_digest *digest,
                       int64_t *generation, pf_err *err)
{
    backup b = {.to = path};
    if (!pf_catalog_open_reader(&b.from, folder, err))
        return false;
    pf_catalog_end_read(b.from); /* the copy is a snapshot of its own */
    const bool ok = make(&b, digest, generation, err);
    pf_catalog_close(b.from);
    pf_free(b.partial);
    pf_free(b.database);
    return ok;
}
