/* catalog_share.c - see catalog.h. Who but the owner may read the files of a catalog.
 */
#include "core/catalog/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/catalog/catalog_impl.h"

enum { GROUP_READS = 0040, GROUP_ENTERS = 0050, OF_GROUP = 0070 };

/* Of an open file or folder, which its owner alone may write to; a folder that gives
 * its group to new files goes on doing so. */
static bool set_mode(int fd, const char *name, bool is_shared, pf_err *err)
{
    struct stat st;
    bool ok = fstat(fd, &st) == 0;
    if (ok) {
        const mode_t group = !is_shared            ? 0
                             : S_ISDIR(st.st_mode) ? GROUP_ENTERS
                                                   : GROUP_READS;
        const mode_t mode =
            (st.st_mode & (mode_t) ~(OF_GROUP | S_IRWXO) & 07777) | group;
        ok = mode == (st.st_mode & 07777) || fchmod(fd, mode) == 0;
    }
    return ok || pf_fail_errno(err, errno, "cannot change who may read '%s'", name);
}

static bool set_file_mode(int folder, const char *name, bool is_shared, pf_err *err)
{
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ||
               pf_fail_errno(err, errno, "cannot change who may read '%s'", name);
    const bool ok = set_mode(fd, name, is_shared, err);
    close(fd);
    return ok;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {"catalog.db", "catalog.db-wal",
                                        "catalog.db-shm", "catalog.db-mark", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return pf_catalog_is_index_name(name);
}

static bool set_modes(const pf_catalog *c, bool is_shared, pf_err *err)
{
    DIR *dir = opendir(c->folder);
    if (!dir)
        return pf_fail_errno(err, errno, "cannot read folder '%s'", c->folder);
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir));) {
        if (is_ours(e->d_name))
            ok = set_file_mode(dirfd(dir), e->d_name, is_shared, err);
    }
    ok = ok && set_mode(dirfd(dir), c->folder, is_shared, err);
    closedir(dir);
    return ok;
}

bool pf_catalog_share(pf_catalog *c, bool with_group, pf_err *err)
{
    if (!pf_store_begin(c->store, err))
        return false;
    if (!pf_store_set_shared(c->store, with_group, err)) {
        pf_store_rollback(c->store);
        return false;
    }
    return pf_store_commit(c->store, err) && set_modes(c, with_group, err);
}

bool pf_catalog_keep_modes(const pf_catalog *c, pf_err *err)
{
    bool is_shared;
    return pf_store_is_shared(c->store, &is_shared, err) &&
           (!is_shared || set_modes(c, true, err));
}
