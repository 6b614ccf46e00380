/* import_folder.c - see import_folder.h. */
#include "indexer/import_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/scan.h"
#include "indexer/dicom_files.h"
#include "indexer/folder_texts.h"
#include "indexer/import_mirc.h"

/* Where its links lead tonight; a source whose real place is not known cannot be kept
 * to, and is not read. */
static bool stay_within(const pf_import *from, pf_collection *to, pf_err *err)
{
    if (from->reading->follows_links)
        return true;
    char *real = realpath(from->path, NULL);
    const int why = errno;
    if (real)
        to->within = pf_arena_add(&to->strings, real, strlen(real), err);
    else
        pf_fail_errno(err, why, "cannot read '%s'", from->path);
    if (!real && (why == ENOENT || why == ENOTDIR))
        err->code = PF_ERR_NOT_FOUND;
    free(real);
    return to->within != NULL;
}

/* *is_there: it was scanned; otherwise all of it is a gap. */
static bool scan_source(const pf_import *from, pf_scan *scan, pf_collection *to,
                        bool *is_there, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    *is_there = stay_within(from, to, &why);
    const pf_scan_options o = {.within = to->within,
                               .except = from->except,
                               .excluded = from->excluded,
                               .n_excluded = from->n_excluded,
                               .stop = from->stop};
    *is_there = *is_there && pf_scan_source(scan, from->path, &o, &why);
    return *is_there || pf_import_is_away(from, to, &why, err);
}

static bool take_scan(pf_scan *scan, const pf_dicom_files *dicom, pf_collection *to,
                      pf_err *err)
{
    pf_subject ignored;
    to->n_links_out = scan->n_links_out;
    to->n_burned_in = dicom->n_burned_in;
    memcpy(to->others, scan->others, sizeof to->others);
    to->n_others = scan->n_others;
    to->thrown = scan->thrown;
    to->n_thrown = scan->n_thrown;
    scan->thrown = NULL; /* it is the collection's now */
    for (size_t i = 0; i < scan->count; i++) {
        const pf_scan_file *f = &scan->files[i];
        const pf_collected_image image = {.path = f->path,
                                          .frame = pf_dicom_files_frame(dicom, i),
                                          .size = f->size,
                                          .mtime_ns = f->mtime_ns};
        if (!pf_collection_add_image(to, &image, &ignored, err))
            return false;
    }
    for (size_t i = 0; i < scan->n_gaps; i++) {
        if (!pf_collection_add_gap(to, scan->gaps[i].path, scan->gaps[i].reason, err))
            return false;
    }
    return true;
}

bool pf_import_scanned(const pf_import *from, pf_scan *scan, pf_collection *to,
                       pf_err *err)
{
    pf_mirc *mirc = NULL;
    pf_dicom_files dicom = {0};
    const bool ok =
        pf_mirc_look(&mirc, from, scan, to->within, err) &&
        pf_dicom_files_look(&dicom, from, scan, to, err) &&
        take_scan(scan, &dicom, to, err) && pf_texts_read(from, scan, to, err) &&
        pf_mirc_add(mirc, from, scan, to, err) && pf_dicom_files_add(&dicom, to, err);
    pf_mirc_free(mirc);
    pf_dicom_files_reset(&dicom);
    return ok;
}

static bool read_folder(const pf_import *from, pf_collection *to, pf_err *err)
{
    pf_scan scan = {0};
    bool is_there;
    bool ok = scan_source(from, &scan, to, &is_there, err);
    if (ok && is_there)
        ok = pf_import_scanned(from, &scan, to, err);
    pf_scan_reset(&scan);
    return ok;
}

const pf_importer pf_import_folder = {
    .name = "folder", .recognises = pf_path_exists, .read = read_folder};
