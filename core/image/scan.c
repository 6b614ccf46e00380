/* scan.c - see scan.h. Folders to visit are kept in a list, so that the depth of a tree
 * is no depth of calls. */
#include "core/image/scan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/left_out.h"
#include "core/image/picture.h"

enum { FILES_MAX = 100 * 1000 * 1000, SNIFF_BYTES = 512 };

/* Folders still to be visited; in a recycle bin nothing is a picture. */
typedef struct {
    char *path;
    bool is_bin;
} folder;

typedef struct {
    folder *at;
    size_t count, room;
} folder_list;

typedef struct {
    pf_scan *scan;
    folder_list todo;
    const pf_scan_options *options;
    const char *root;
    struct stat except; /* st_ino 0: none */
} walk;

/* What follows the last dot may be the number that ends a UID. */
static bool has_no_extension(const char *path)
{
    const char *e = pf_path_extension(path);
    return e[strspn(e, "0123456789")] == '\0';
}

static bool may_be_text(const char *path)
{
    static const char *const endings[] = {"csv",   "tsv",    "txt", "json",
                                          "jsonl", "ndjson", "xml", "zip"};
    const char *ending = pf_path_extension(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(ending, endings[i]) == 0)
            return true;
    }
    return false;
}

/* Archives name DICOM files as they like: of any ending that says nothing, the first
 * bytes are looked at. */
static bool looks_like_picture(const char *path, const char *within)
{
    uint8_t bytes[SNIFF_BYTES];
    int fd;
    if (!pf_file_open_within(&fd, path, within, NULL))
        return false;
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    const char *kind = n > 0 ? pf_picture_sniff(bytes, (size_t)n, NULL) : NULL;
    return kind && (has_no_extension(path) || strcmp(kind, "dicom") == 0);
}

static bool is_candidate(const char *path, const struct stat *st, const char *within)
{
    if (pf_picture_has_extension(path))
        return st->st_size >= (off_t)pf_picture_least_bytes(path);
    return !may_be_text(path) && looks_like_picture(path, within);
}

static int64_t mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static pf_scan_file file_of(char *path, const struct stat *st)
{
    return (pf_scan_file){path, st->st_size, mtime_of(st)};
}

static bool add_file(pf_scan *scan, char **path, const struct stat *st, pf_err *err)
{
    if (scan->count >= FILES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d files", FILES_MAX);
    if (!pf_grow_array(&scan->files, &scan->room, scan->count, sizeof *scan->files,
                       err))
        return false;
    scan->files[scan->count++] = file_of(*path, st);
    *path = NULL;
    return true;
}

static bool add_thrown(pf_scan *scan, const struct stat *st, pf_err *err)
{
    if (!pf_grow_array(&scan->thrown, &scan->thrown_room, scan->n_thrown,
                       sizeof *scan->thrown, err))
        return false;
    scan->thrown[scan->n_thrown++] = (pf_scan_thrown){st->st_size, mtime_of(st)};
    return true;
}

/* The extension in lower case, or "" when it is none that one would show. */
static void name_kind(const char *path, char out[PF_SCAN_KIND_ROOM])
{
    const char *text = pf_path_extension(path);
    size_t n = 0;
    for (; n < PF_SCAN_KIND_ROOM - 1 && isalnum((unsigned char)text[n]); n++)
        out[n] = (char)tolower((unsigned char)text[n]);
    out[text[n] == '\0' && !has_no_extension(path) ? n : 0] = '\0';
}

static size_t find_kind(const pf_scan *scan, const char *name)
{
    size_t i = 0;
    while (i < scan->n_others && strcmp(scan->others[i].name, name) != 0)
        i++;
    return i;
}

/* When there are more kinds than room, the last one stands for those as well. */
static void count_other(pf_scan *scan, const char *path)
{
    char name[PF_SCAN_KIND_ROOM];
    name_kind(path, name);
    size_t i = find_kind(scan, name);
    if (i == PF_SCAN_KINDS_MAX)
        scan->others[--i].name[0] = '\0';
    else if (i == scan->n_others)
        memcpy(scan->others[scan->n_others++].name, name, sizeof name);
    scan->others[i].count++;
}

void pf_scan_count_other(pf_scan *scan, const char *path)
{
    count_other(scan, path);
}

void pf_scan_uncount_other(pf_scan *scan, const char *path)
{
    char name[PF_SCAN_KIND_ROOM];
    name_kind(path, name);
    const size_t i = find_kind(scan, name);
    if (i < scan->n_others && --scan->others[i].count == 0)
        scan->others[i] = scan->others[--scan->n_others];
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

static bool push(folder_list *list, char **path, bool is_bin, pf_err *err)
{
    if (!pf_grow_array(&list->at, &list->room, list->count, sizeof *list->at, err))
        return false;
    list->at[list->count++] = (folder){*path, is_bin};
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
    return pf_picture_has_extension(path) || has_no_extension(path);
}

static bool add_text(pf_scan *scan, char **path, const struct stat *st, pf_err *err)
{
    if (!pf_grow_array(&scan->texts, &scan->texts_room, scan->n_texts,
                       sizeof *scan->texts, err))
        return false;
    scan->texts[scan->n_texts++] = file_of(*path, st);
    *path = NULL;
    return true;
}

static bool is_excluded(const walk *w, const char *path)
{
    const char *from_root = path + strlen(w->root);
    from_root += strspn(from_root, "/");
    return pf_pattern_fits(w->options->excluded, w->options->n_excluded, from_root);
}

static bool is_exception(const walk *w, const struct stat *st)
{
    return w->except.st_ino != 0 && st->st_ino == w->except.st_ino &&
           st->st_dev == w->except.st_dev;
}

static bool look_at_file(walk *w, char **path, const struct stat *st, bool is_link,
                         pf_err *err)
{
    const char *within = w->options->within;
    if (is_link && leads_out(*path, within)) {
        w->scan->n_links_out += may_be_picture(*path);
        return true;
    }
    if (is_candidate(*path, st, within))
        return add_file(w->scan, path, st, err);
    count_other(w->scan, *path);
    return !may_be_text(*path) || add_text(w->scan, path, st, err);
}

/* `path` is taken when it is kept, and NULL afterwards. */
static bool look_at(walk *w, char **path, bool in_bin, pf_err *err)
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
        return is_exception(w, &link) || push(&w->todo, path, in_bin, err);
    if (!S_ISREG(st.st_mode))
        return true;
    return in_bin ? add_thrown(scan, &st, err)
                  : look_at_file(w, path, &st, S_ISLNK(link.st_mode), err);
}

static bool read_entry(walk *w, const folder *f, const char *name, pf_err *err)
{
    const pf_name_kind kind = pf_name_kind_of(name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        (kind == PF_NAME_SYSTEM && !f->is_bin))
        return true;
    char *path = pf_path_join(f->path, name, err);
    const bool ok = path && (is_excluded(w, path) ||
                             look_at(w, &path, f->is_bin || kind == PF_NAME_BIN, err));
    pf_free(path);
    return ok;
}

static bool read_folder(walk *w, const folder *f, DIR *dir, pf_err *err)
{
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e)
            return errno == 0 || f->is_bin ||
                   add_gap(w->scan, f->path, errno, "cannot read all of this folder",
                           err);
        if (!read_entry(w, f, e->d_name, err))
            return false;
    }
}

static bool scan_folder(walk *w, const folder *f, bool is_root, pf_err *err)
{
    DIR *dir = opendir(f->path);
    if (!dir && is_root)
        return pf_fail_errno(err, errno, "cannot read folder '%s'", f->path);
    if (!dir)
        return f->is_bin ||
               add_gap(w->scan, f->path, errno, "cannot read this folder", err);
    bool ok = read_folder(w, f, dir, err);
    closedir(dir);
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const pf_scan_file *)a)->path, ((const pf_scan_file *)b)->path);
}

static bool walk_through(walk *w, pf_err *err)
{
    const atomic_int *stop = w->options->stop;
    folder_list *todo = &w->todo;
    bool ok = true;
    for (bool is_root = true; ok && todo->count > 0; is_root = false) {
        const folder f = todo->at[--todo->count];
        ok = stop && atomic_load(stop) ? pf_fail(err, PF_ERR_INTERRUPTED, "interrupted")
                                       : scan_folder(w, &f, is_root, err);
        pf_free(f.path);
    }
    while (todo->count > 0)
        pf_free(todo->at[--todo->count].path);
    pf_free(todo->at);
    return ok;
}

static void drop_repeated(pf_scan *scan)
{
    size_t unique = 0;
    for (size_t i = 0; i < scan->count; i++) {
        if (unique > 0 &&
            strcmp(scan->files[unique - 1].path, scan->files[i].path) == 0)
            pf_free(scan->files[i].path);
        else
            scan->files[unique++] = scan->files[i];
    }
    scan->count = unique;
}

void pf_scan_sort(pf_scan *scan)
{
    if (scan->count > 0)
        qsort(scan->files, scan->count, sizeof *scan->files, by_path);
    if (scan->n_texts > 0)
        qsort(scan->texts, scan->n_texts, sizeof *scan->texts, by_path);
    drop_repeated(scan);
}

static bool add_stamped(pf_scan *scan, const char *path, const pf_file_stamp *stamp,
                        bool (*add)(pf_scan *, char **, const struct stat *, pf_err *),
                        pf_err *err)
{
    const struct stat st = {.st_size = (off_t)stamp->size,
                            .st_mtim = {.tv_sec = stamp->mtime_ns / 1000000000,
                                        .tv_nsec = stamp->mtime_ns % 1000000000}};
    char *copy = pf_strdup(path, err);
    const bool ok = copy && add(scan, &copy, &st, err);
    pf_free(copy);
    return ok;
}

bool pf_scan_add_file(pf_scan *scan, const char *path, const pf_file_stamp *stamp,
                      pf_err *err)
{
    return add_stamped(scan, path, stamp, add_file, err);
}

bool pf_scan_add_text(pf_scan *scan, const char *path, const pf_file_stamp *stamp,
                      pf_err *err)
{
    return add_stamped(scan, path, stamp, add_text, err);
}

bool pf_scan_source(pf_scan *scan, const char *root, const pf_scan_options *options,
                    pf_err *err)
{
    struct stat st;
    if (stat(root, &st) != 0) {
        const int why = errno;
        pf_fail_errno(err, why, "cannot read '%s'", root);
        if (err && (why == ENOENT || why == ENOTDIR))
            err->code = PF_ERR_NOT_FOUND;
        return false;
    }
    char *path = pf_strdup(root, err);
    if (!path)
        return false;
    walk w = {.scan = scan, .options = options, .root = root};
    if (options->except && stat(options->except, &w.except) != 0)
        w.except.st_ino = 0;
    bool ok = S_ISDIR(st.st_mode) ? push(&w.todo, &path, false, err)
                                  : add_file(scan, &path, &st, err);
    ok = walk_through(&w, err) && ok;
    pf_free(path);
    if (ok)
        pf_scan_sort(scan);
    return ok;
}

void pf_scan_drop_gaps(pf_scan *scan, size_t n)
{
    while (scan->n_gaps > n) {
        const pf_scan_gap *last = &scan->gaps[--scan->n_gaps];
        pf_free(last->path);
        pf_free(last->reason);
    }
}

void pf_scan_reset(pf_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        pf_free(scan->files[i].path);
    for (size_t i = 0; i < scan->n_texts; i++)
        pf_free(scan->texts[i].path);
    pf_scan_drop_gaps(scan, 0);
    pf_free(scan->files);
    pf_free(scan->texts);
    pf_free(scan->gaps);
    pf_free(scan->thrown);
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
