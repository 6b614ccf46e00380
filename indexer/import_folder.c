/* import_folder.c - see import_folder.h. */
#include "indexer/import_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/scan.h"
#include "indexer/import_captions.h"

/* A source that is a single file can be deleted like any other picture; its folder
 * tells. */
static bool is_deleted_file(const pf_import *from, bool *out, pf_err *err)
{
    *out = false;
    if (from->is_given || !from->was_an_image || pf_path_exists(from->path))
        return true;
    const char *base = pf_path_base(from->path);
    char *folder = pf_strndup(from->path, (size_t)(base - from->path), err);
    *out = folder && pf_path_is_folder(folder);
    pf_free(folder);
    return folder != NULL;
}

static bool is_bare(const pf_scan *scan)
{
    return scan->count == 0 && scan->others == 0 && scan->n_gaps == 0;
}

/* A source whose real place is not known cannot be kept to, and is not read. */
static bool stay_within(const pf_import *from, pf_collection *to, pf_err *err)
{
    if (from->follows_links)
        return true;
    char *real = realpath(from->path, NULL);
    if (!real)
        return pf_fail_errno(err, errno, "cannot read '%s'", from->path);
    to->within = pf_arena_add(&to->strings, real, strlen(real), err);
    free(real);
    return to->within != NULL;
}

/* *is_there: it was scanned; otherwise all of it is a gap. A folder that is empty all
 * of a sudden, and was not named by the user, is not there either. */
static bool scan_source(const pf_import *from, pf_scan *scan, pf_collection *to,
                        bool *is_there, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    bool is_deleted;
    *is_there = true;
    if (!is_deleted_file(from, &is_deleted, err) || is_deleted)
        return is_deleted;
    if (stay_within(from, to, &why) &&
        pf_scan_source(scan, from->path, to->within, from->except, from->stop, &why)) {
        if (from->is_given || !from->had_images || !is_bare(scan))
            return true;
        pf_fail(&why, PF_ERR_IO,
                "the folder is empty now, is its disk mounted? Its pictures are kept; "
                "name the folder to take them out");
    }
    *is_there = false;
    return pf_import_is_away(from, to, &why, err);
}

static bool take_scan(const pf_scan *scan, pf_collection *to, pf_err *err)
{
    pf_subject ignored;
    to->n_links_out = scan->n_links_out;
    for (size_t i = 0; i < scan->count; i++) {
        const pf_scan_file *f = &scan->files[i];
        const pf_collected_image image = {
            .path = f->path, .size = f->size, .mtime_ns = f->mtime_ns};
        if (!pf_collection_add_image(to, &image, &ignored, err))
            return false;
    }
    for (size_t i = 0; i < scan->n_gaps; i++) {
        if (!pf_collection_add_gap(to, scan->gaps[i].path, scan->gaps[i].reason, err))
            return false;
    }
    return true;
}

static bool read_folder(const pf_import *from, pf_collection *to, pf_err *err)
{
    pf_scan scan = {0};
    bool is_there;
    bool ok = scan_source(from, &scan, to, &is_there, err);
    if (ok && is_there)
        ok = take_scan(&scan, to, err) &&
             (!from->captions || pf_captions_read(from, &scan, to, err));
    pf_scan_reset(&scan);
    return ok;
}

const pf_importer pf_import_folder = {
    .name = "folder", .recognises = pf_path_exists, .read = read_folder};
