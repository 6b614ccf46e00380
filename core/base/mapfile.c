/* mapfile.c - see mapfile.h. */
#define _DEFAULT_SOURCE /* madvise(), MAP_ANONYMOUS */
#include "core/base/mapfile.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"

bool pf_mapfile_of(pf_mapfile *map, int fd, const char *path, pf_err *err)
{
    struct stat st;
    *map = (pf_mapfile){0};
    if (fstat(fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return pf_fail(err, PF_ERR_IO, "'%s' is not a regular file", path);
    if (st.st_size == 0)
        return true;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return pf_fail_errno(err, errno, "cannot map '%s' (%lld bytes)", path,
                             (long long)st.st_size);
    map->data = p;
    map->size = (size_t)st.st_size;
    return true;
}

bool pf_mapfile_open(pf_mapfile *map, const char *path, pf_err *err)
{
    int fd;
    *map = (pf_mapfile){0};
    if (!pf_file_open(&fd, path, err))
        return false;
    const bool ok = pf_mapfile_of(map, fd, path, err);
    close(fd);
    return ok;
}

bool pf_mapfile_room(pf_mapfile *map, size_t size, pf_err *err)
{
    *map = (pf_mapfile){0};
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return pf_fail(err, PF_ERR_NOMEM, "out of memory (%zu bytes)", size);
    *map = (pf_mapfile){.data = p, .size = size};
    return true;
}

/* Read, a page that was never written to is the kernel's one page of zeros; a huge one
 * saves 511 of 512 page faults. */
bool pf_mapfile_zeros(pf_mapfile *map, size_t size, pf_err *err)
{
    *map = (pf_mapfile){0};
    if (size == 0)
        return true;
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return pf_fail(err, PF_ERR_NOMEM, "out of memory (%zu bytes)", size);
    madvise(p, size, MADV_HUGEPAGE);
    *map = (pf_mapfile){.data = p, .size = size};
    return true;
}

void pf_mapfile_close(pf_mapfile *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (pf_mapfile){0};
}
