/*
 * pictures.c - which pictures --image names: files, all under a folder, or stdin.
 */
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/scan.h"
#include "query/query.h"
#include "query/say.h"

void pictures_reset(pictures *p)
{
    for (size_t i = 0; i < p->n; i++)
        pf_free(p->path[i]);
    pf_free(p->path);
    *p = (pictures){0};
}

/* `path` is taken when it is kept, and NULL afterwards. */
static bool add(pictures *p, char **path, pf_err *err)
{
    if (p->n == p->room) {
        void *at = p->path;
        const size_t room = p->room ? 2 * p->room : 64;
        if (!pf_resize_array(&at, room, sizeof *p->path, err))
            return false;
        p->path = at;
        p->room = room;
    }
    p->path[p->n++] = *path;
    *path = NULL;
    return true;
}

static bool add_scan(pictures *p, pf_scan *scan, const char *folder, pf_err *err)
{
    if (scan->count == 0 && scan->n_gaps == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND, "there is no picture in folder '%s'",
                       folder);
    for (size_t i = 0; i < scan->count; i++) {
        if (!add(p, &scan->files[i].path, err))
            return false;
    }
    for (size_t i = 0; i < scan->n_gaps; i++)
        say_failure(scan->gaps[i].path, scan->gaps[i].reason);
    p->n_unread += scan->n_gaps;
    return true;
}

static bool add_folder(pictures *p, const char *folder, const atomic_int *stop,
                       pf_err *err)
{
    pf_scan scan = {0};
    const bool ok = pf_scan_source(&scan, folder, NULL, stop, err) &&
                    add_scan(p, &scan, folder, err);
    pf_scan_reset(&scan);
    p->has_folder = true;
    return ok;
}

static bool add_file(pictures *p, const char *text, pf_err *err)
{
    if (strcmp(text, "-") == 0) {
        if (p->has_stdin)
            return pf_fail(err, PF_ERR_MISUSE, "stdin can be read only once");
        p->has_stdin = true;
        p->stdin_at = p->n;
    }
    char *path = pf_strdup(text, err);
    const bool ok = path && add(p, &path, err);
    pf_free(path);
    return ok;
}

static bool add_item(pictures *p, const char *text, const atomic_int *stop, pf_err *err)
{
    double weight;
    if (!pf_part_read_weight(&text, &weight, err))
        return false;
    if (weight != 1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--classify looks at each picture by itself, a weight makes no "
                       "difference (1: in front takes the rest as it is)");
    return pf_path_is_folder(text) ? add_folder(p, text, stop, err)
                                   : add_file(p, text, err);
}

bool pictures_list(pictures *out, const pf_cli_item *items, size_t n,
                   const atomic_int *stop, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!add_item(out, items[i].value, stop, err))
            return false;
    }
    return true;
}
