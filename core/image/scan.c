/* scan.c - see scan.h. Folders to visit are kept in a list, so that the depth of a tree
 * is no depth of calls. */
#include "core/image/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/picture.h"

enum { FILES_MAX = 100 * 1000 * 1000, SNIFF_BYTES = 512 };

/* Folders still to be visited. */
typedef struct {
    char **at;
    size_t count, room;
} folder_list;

typedef struct {
    pf_scan *scan;
    folder_list todo;
    const char *within, *except; /* may be NULL */
} walk;

static bool looks_like_picture(const char *path, const char *within)
{
    uint8_t bytes[SNIFF_BYTES];
    int fd;
    if (!pf_file_open_within(&fd, path, within, NULL))
        return false;
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    return n > 0 && pf_picture_sniff(bytes, (size_t)n, NULL) != NULL;
}

static bool is_candidate(const char *path, const char *within)
{
    return pf_picture_has_extension(path) ||
           (pf_path_extension(path)[0] == '\0' && looks_like_picture(path, within));
}

static bool add_file(pf_scan *scan, char **path, const struct stat *st, pf_err *err)
{
    if (scan->count >= FILES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d files", FILES_MAX);
    if (!pf_grow_array(&scan->files, &scan->room, scan->count, sizeof *scan->files,
                       err))
        return false;
    int64_t mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    scan->files[scan->count++] = (pf_scan_file){*path, st->st_size, mtime};
    *path = NULL;
    return true;
}

bool pf_scan_add_gap(pf_scan *scan, const char *path, const char *reason, pf_err *err)
{
    if (!pf_grow_array(&scan->gaps, &scan->gaps_room, scan->n_gaps, sizeof *scan->gaps,
                       err))
        return false;
    pf_scan_gap gap = {pf_strdup(path, err), pf_strdup(reason, err)};
    if (!gap.path || !gap.reason) {
        pf_free(gap.path);
        pf_free(gap.reason);
        return false;
    }
    scan->gaps[scan->n_gaps++] = gap;
    return true;
}

/* What cannot be read is a gap, not the end of the run. */
static bool add_gap(pf_scan *scan, const char *path, int why, const char *what,
                    pf_err *err)
{
    pf_err reason = PF_ERR_INIT;
    pf_fail_errno(&reason, why, "%s", what);
    return pf_scan_add_gap(scan, path, reason.msg, err);
}

static bool push(folder_list *list, char **path, pf_err *err)
{
    if (!pf_grow_array(&list->at, &list->room, list->count, sizeof *list->at, err))
        return false;
    list->at[list->count++] = *path;
    *path = NULL;
    return true;
}

/* As far as can be told now; who reads it asks again. */
static bool leads_out(const char *link, const char *within)
{
    char *real = within ? realpath(link, NULL) : NULL;
    const bool leads_out = real && !pf_path_is_under(real, within);
    free(real);
    return leads_out;
}

static bool may_be_picture(const char *path)
{
    return pf_picture_has_extension(path) || pf_path_extension(path)[0] == '\0';
}

/* `path` is taken when it is kept, and NULL afterwards. */
static bool look_at(walk *w, char **path, pf_err *err)
{
    pf_scan *scan = w->scan;
    struct stat st, link;
    if (lstat(*path, &link) != 0 || stat(*path, &st) != 0) {
        /* Gone since the folder was read, or a link to nowhere or to itself. Anything
         * else (a permission, the disk) does not mean that it is gone. */
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
               add_gap(scan, *path, errno, "cannot look at it", err);
    }
    if (S_ISDIR(link.st_mode))
        return (w->except && strcmp(*path, w->except) == 0) ||
               push(&w->todo, path, err);
    if (!S_ISREG(st.st_mode))
        return true;
    if (S_ISLNK(link.st_mode) && leads_out(*path, w->within)) {
        scan->n_links_out += may_be_picture(*path);
        return true;
    }
    if (is_candidate(*path, w->within))
        return add_file(scan, path, &st, err);
    scan->others++;
    return true;
}

static bool read_folder(walk *w, const char *folder, DIR *dir, pf_err *err)
{
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e)
            return errno == 0 || add_gap(w->scan, folder, errno,
                                         "cannot read all of this folder", err);
        if (e->d_name[0] == '.')
            continue;
        char *path = pf_path_join(folder, e->d_name, err);
        bool ok = path && look_at(w, &path, err);
        pf_free(path);
        if (!ok)
            return false;
    }
}

static bool scan_folder(walk *w, const char *folder, bool is_root, pf_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir && is_root)
        return pf_fail_errno(err, errno, "cannot read folder '%s'", folder);
    if (!dir)
        return add_gap(w->scan, folder, errno, "cannot read this folder", err);
    bool ok = read_folder(w, folder, dir, err);
    closedir(dir);
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const pf_scan_file *)a)->path, ((const pf_scan_file *)b)->path);
}

bool pf_scan_source(pf_scan *scan, const char *root, const char *within,
                    const char *except, const atomic_int *stop, pf_err *err)
{
    struct stat st;
    if (stat(root, &st) != 0)
        return pf_fail_errno(err, errno, "cannot read '%s'", root);
    char *path = pf_strdup(root, err);
    if (!path)
        return false;
    walk w = {.scan = scan, .within = within, .except = except};
    folder_list *todo = &w.todo;
    bool ok =
        S_ISDIR(st.st_mode) ? push(todo, &path, err) : add_file(scan, &path, &st, err);
    for (bool is_root = true; ok && todo->count > 0; is_root = false) {
        char *folder = todo->at[--todo->count];
        ok = stop && atomic_load(stop) ? pf_fail(err, PF_ERR_INTERRUPTED, "interrupted")
                                       : scan_folder(&w, folder, is_root, err);
        pf_free(folder);
    }
    pf_free(path);
    while (todo->count > 0)
        pf_free(todo->at[--todo->count]);
    pf_free(todo->at);
    if (ok && scan->count > 0)
        qsort(scan->files, scan->count, sizeof *scan->files, by_path);
    return ok;
}

void pf_scan_reset(pf_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        pf_free(scan->files[i].path);
    for (size_t i = 0; i < scan->n_gaps; i++) {
        pf_free(scan->gaps[i].path);
        pf_free(scan->gaps[i].reason);
    }
    pf_free(scan->files);
    pf_free(scan->gaps);
    *scan = (pf_scan){0};
}

const pf_scan_file *pf_scan_find(const pf_scan *scan, const char *path)
{
    if (scan->count == 0)
        return NULL;
    pf_scan_file key = {(char *)(uintptr_t)path, 0, 0};
    return bsearch(&key, scan->files, scan->count, sizeof *scan->files, by_path);
}

bool pf_scan_is_in_gap(const pf_scan *scan, const char *path)
{
    for (size_t i = 0; i < scan->n_gaps; i++) {
        if (pf_path_is_under(path, scan->gaps[i].path))
            return true;
    }
    return false;
}
