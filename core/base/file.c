/* file.c - see file.h. */
#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/mem.h"

char *pf_path_join(const char *dir, const char *name, pf_err *err)
{
    size_t n = strlen(dir);
    if (name[0] == '/' || n == 0)
        return pf_strdup(name, err);
    return pf_strf(err, "%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

const char *pf_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *pf_path_extension(const char *path)
{
    const char *base = pf_path_base(path);
    const char *dot = strrchr(base, '.');
    return dot && dot != base ? dot + 1 : "";
}

bool pf_path_is_under(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    if (strncmp(path, folder, n) != 0)
        return false;
    return path[n] == '\0' || path[n] == '/' || (n > 0 && folder[n - 1] == '/');
}

void pf_path_tidy(char *path)
{
    char *out = path;
    for (char *c = path; *c;) {
        while (*c == '/')
            c++;
        size_t n = strcspn(c, "/");
        if (n == 2 && c[0] == '.' && c[1] == '.') {
            while (out > path && *--out != '/')
                continue;
        } else if (n > 0 && !(n == 1 && c[0] == '.')) {
            *out++ = '/';
            memmove(out, c, n);
            out += n;
        }
        c += n;
    }
    *out = '\0';
}

static bool climbs(const char *path)
{
    for (const char *c = path; *c;) {
        c += strspn(c, "/");
        const size_t n = strcspn(c, "/");
        if (n == 2 && c[0] == '.' && c[1] == '.')
            return true;
        c += n;
    }
    return false;
}

char *pf_path_absolute(const char *path, pf_err *err)
{
    char here[PATH_MAX];
    char *real = climbs(path) ? realpath(path, NULL) : NULL;
    if (!getcwd(here, sizeof here)) {
        free(real); /* of realpath() */
        pf_fail_errno(err, errno, "cannot tell where '%s' is", path);
        return NULL;
    }
    char *absolute = pf_path_join(here, real ? real : path, err);
    free(real); /* of realpath() */
    if (absolute)
        pf_path_tidy(absolute);
    if (absolute && !absolute[0])
        memcpy(absolute, "/", 2);
    return absolute;
}

size_t pf_path_archive(const char *path)
{
    static const char ending[] = ".zip";
    enum { ENDING = sizeof ending - 1 };
    char archive[PATH_MAX];
    struct stat st;
    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        const size_t n = (size_t)(at - path);
        if (n < ENDING || n >= sizeof archive ||
            strncasecmp(at - ENDING, ending, ENDING) != 0)
            continue;
        memcpy(archive, path, n);
        archive[n] = '\0';
        if (stat(archive, &st) == 0 && S_ISREG(st.st_mode))
            return n;
    }
    return 0;
}

/* stat(), of the archive for what lies in one. */
static bool look_at(const char *path, struct stat *st)
{
    if (stat(path, st) == 0)
        return true;
    const int why = errno;
    char archive[PATH_MAX];
    const size_t n = why == ENOTDIR ? pf_path_archive(path) : 0;
    memcpy(archive, path, n);
    archive[n] = '\0';
    if (n > 0 && stat(archive, st) == 0)
        return true;
    errno = why;
    return false;
}

bool pf_file_look(const char *path, pf_file_stamp *out)
{
    struct stat st;
    if (!look_at(path, &st))
        return false;
    out->size = st.st_size;
    out->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

bool pf_file_is_as(const char *path, const pf_file_stamp *stamp)
{
    pf_file_stamp now;
    return pf_file_look(path, &now) && now.size == stamp->size &&
           now.mtime_ns == stamp->mtime_ns;
}

bool pf_path_is_gone(const char *path)
{
    struct stat st;
    return lstat(path, &st) != 0 &&
           (errno == ENOENT || (errno == ENOTDIR && pf_path_archive(path) == 0));
}

/* Numbers as statfs(2) and linux/magic.h have them. */
static const char *remote_kind(const struct statfs *fs)
{
    static const struct {
        uint32_t type;
        const char *kind;
    } kinds[] = {
        {0x6969, "nfs"},      {0x517B, "smb"},      {0xFE534D42, "smb"},
        {0xFF534D42, "cifs"}, {0x65735546, "fuse"}, {0x01021997, "9p"},
        {0x5346414F, "afs"},  {0x00C36400, "ceph"}, {0x0BD00BD0, "lustre"},
        {0x564C, "ncp"},      {0x73757245, "coda"}, {0x47504653, "gpfs"},
        {0x7461636F, "ocfs"}, {0x01161970, "gfs2"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].type == (uint32_t)fs->f_type)
            return kinds[i].kind;
    }
    return NULL;
}

const char *pf_path_remote_kind(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 ? remote_kind(&fs) : NULL;
}

bool pf_file_is_steady(int fd)
{
    struct stat st;
    struct statfs fs;
    return fstat(fd, &st) == 0 && fstatfs(fd, &fs) == 0 &&
           (st.st_uid == geteuid() || st.st_uid == 0) &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && !remote_kind(&fs);
}

bool pf_path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool pf_path_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool pf_make_folders(const char *path, unsigned mode, pf_err *err)
{
    char *part = pf_strdup(path, err);
    if (!part)
        return false;
    bool ok = true;
    for (char *c = part + 1; ok && part[0]; c++) {
        bool is_end = *c == '\0';
        if (!is_end && *c != '/')
            continue;
        *c = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            ok = pf_fail_errno(err, errno, "cannot make folder '%s'", part);
        if (is_end)
            break;
        *c = '/';
    }
    pf_free(part);
    if (ok && !pf_path_is_folder(path))
        ok = pf_fail(err, PF_ERR_IO, "'%s' is not a folder", path);
    return ok;
}

bool pf_file_make(const char *path, pf_err *err)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST || pf_fail_errno(err, errno, "cannot make '%s'", path);
    const bool ok =
        fchmod(fd, 0600) == 0 || pf_fail_errno(err, errno, "cannot make '%s'", path);
    close(fd);
    return ok;
}

bool pf_file_is_safe(const char *path, pf_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return pf_fail_errno(err, errno, "cannot look at '%s'", path);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "'%s' belongs to another user, and only they may change it",
                       path);
    return (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
           pf_fail(err, PF_ERR_MISUSE, "others may write to '%s': run chmod go-w '%s'",
                   path, path);
}

static bool open_regular(int *fd, struct stat *st, const char *path, pf_err *err)
{
    /* O_NONBLOCK: opening a fifo must not wait for a writer. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return pf_fail_errno(err, errno, "cannot open '%s'", path);
    if (fstat(*fd, st) != 0)
        pf_fail_errno(err, errno, "cannot read '%s'", path);
    else if (!S_ISREG(st->st_mode))
        pf_fail(err, PF_ERR_IO, "'%s' is not a regular file", path);
    else
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

bool pf_file_open(int *fd, const char *path, pf_err *err)
{
    struct stat st;
    return open_regular(fd, &st, path, err);
}

/* Asked of what was opened: a name can change its meaning at any time. */
static bool is_within(int fd, const char *within)
{
    char link[64], real[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, real, sizeof real);
    if (n < 0 || n == sizeof real)
        return false;
    real[n] = '\0';
    return pf_path_is_under(real, within);
}

bool pf_file_open_within(int *fd, const char *path, const char *within, pf_err *err)
{
    if (!pf_file_open(fd, path, err))
        return false;
    if (!within || is_within(*fd, within))
        return true;
    close(*fd);
    *fd = -1;
    return pf_fail(err, PF_ERR_UNSUPPORTED, "'%s' leads out of '%s', where it lies",
                   path, within);
}

static bool read_all(int fd, const struct stat *st, const char *path, pf_buf *out,
                     pf_err *err)
{
    if ((uintmax_t)st->st_size > out->cap)
        return pf_fail(err, PF_ERR_LIMIT, "'%s' has %jd bytes, the limit is %zu", path,
                       (intmax_t)st->st_size, out->cap);
    size_t want =
        (size_t)st->st_size + 1; /* one more, to see the end at the first try */
    for (;;) {
        if (want > out->cap - out->size)
            want = out->cap - out->size;
        if (want == 0)
            return true;
        if (!pf_buf_reserve(out, want, err))
            return false;
        ssize_t n = read(fd, out->data + out->size, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pf_fail_errno(err, errno, "cannot read '%s'", path);
        if (n == 0)
            return true;
        out->size += (size_t)n;
        out->data[out->size] = '\0';
        want = 1 << 16; /* it is growing under us */
    }
}

bool pf_file_read_within(const char *path, const char *within, pf_buf *out, pf_err *err)
{
    int fd;
    struct stat st;
    if (!pf_file_open_within(&fd, path, within, err))
        return false;
    const bool ok =
        (fstat(fd, &st) == 0 || pf_fail_errno(err, errno, "cannot read '%s'", path)) &&
        read_all(fd, &st, path, out, err);
    close(fd);
    return ok;
}

bool pf_file_read(const char *path, pf_buf *out, pf_err *err)
{
    return pf_file_read_within(path, NULL, out, err);
}

static bool sync_path(const char *path, int flags, pf_err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return pf_fail_errno(err, errno, "cannot open '%s'", path);
    bool ok = fsync(fd) == 0 || pf_fail_errno(err, errno, "cannot flush '%s'", path);
    close(fd);
    return ok;
}

bool pf_file_publish(const char *temp, const char *path, pf_err *err)
{
    if (!sync_path(temp, O_RDONLY, err))
        return false;
    if (rename(temp, path) != 0)
        return pf_fail_errno(err, errno, "cannot rename '%s' to '%s'", temp, path);
    const char *base = pf_path_base(path);
    char *dir = base == path ? pf_strdup(".", err)
                             : pf_strndup(path, (size_t)(base - path), err);
    bool ok = dir && sync_path(dir, O_RDONLY | O_DIRECTORY, err);
    pf_free(dir);
    return ok;
}
