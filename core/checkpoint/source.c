/* source.c - see source.h. */
#include "core/checkpoint/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"

bool pf_source_open(pf_source *s, const char *path, pf_err *err)
{
    *s = (pf_source){.fd = -1};
    if (!pf_file_open(&s->fd, path, err))
        return false;
    if (fstat(s->fd, &s->state) != 0) {
        pf_fail_errno(err, errno, "cannot read '%s'", path);
    } else if (pf_mapfile_of(&s->map, s->fd, path, err)) {
        s->bytes = s->map.data;
        s->size = s->map.size;
        return true;
    }
    pf_source_close(s);
    return false;
}

void pf_source_open_bytes(pf_source *s, const void *bytes, size_t n)
{
    *s = (pf_source){.bytes = bytes, .size = n, .fd = -1};
}

void pf_source_close(pf_source *s)
{
    pf_mapfile_close(&s->map);
    if (s->fd >= 0)
        close(s->fd);
    *s = (pf_source){.fd = -1};
}

static bool is_cut(const pf_source *s, uint64_t at, pf_err *err)
{
    return pf_fail(err, PF_ERR_IO,
                   "the file ends at byte %llu, it had %zu when it was opened; it is "
                   "being changed",
                   (unsigned long long)at, s->size);
}

bool pf_source_read(const pf_source *s, uint64_t at, void *out, size_t n, pf_err *err)
{
    uint8_t *to = out;
    if (at > s->size || n > s->size - at)
        return pf_fail(err, PF_ERR_FORMAT,
                       "%zu bytes are expected at byte %llu, but there are %zu in all",
                       n, (unsigned long long)at, s->size);
    if (s->fd < 0) {
        if (n > 0)
            memcpy(to, s->bytes + at, n);
        return true;
    }
    while (n > 0) {
        const ssize_t got = pread(s->fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pf_fail_errno(err, errno, "cannot read it");
        if (got == 0)
            return is_cut(s, at, err);
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

bool pf_source_check(const pf_source *s, pf_err *err)
{
    struct stat now;
    if (s->fd < 0)
        return true;
    if (fstat(s->fd, &now) != 0)
        return pf_fail_errno(err, errno, "cannot look at it");
    if (now.st_size < s->state.st_size)
        return is_cut(s, (uint64_t)now.st_size, err);
    if (now.st_size == s->state.st_size &&
        now.st_mtim.tv_sec == s->state.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == s->state.st_mtim.tv_nsec)
        return true;
    return pf_fail(err, PF_ERR_MISMATCH,
                   "the file was changed since it was opened; open it again");
}
