/*
 * dicom_files.h - what a folder's DICOM files say of themselves.
 *
 * Their headers are read by the decoder's process, like their pixels, for a header is
 * as hostile as a picture; what comes back is a handful of facts (core/image/facts.h),
 * and these alone become attributes. A study is a case, by a keyed hash of its UID. A
 * file without a picture (a report, a plan, a DICOMDIR) is no picture of the folder. Of
 * several frames those are taken that frames.h says; the first of these stands for the
 * file.
 */
#ifndef PF_INDEXER_DICOM_FILES_H
#define PF_INDEXER_DICOM_FILES_H

#include "core/image/sandbox.h" /* and with it the facts */
#include "core/image/scan.h"
#include "indexer/frames.h"
#include "indexer/importer.h"

typedef struct {
    size_t file; /* in the scan */
    pf_facts facts;
} pf_dicom_file;

typedef struct {
    pf_dicom_file *at;
    size_t count, room;
    size_t n_burned_in; /* taken out of the scan: they may show a patient's name */
    pf_frames frames;   /* that are wanted */
} pf_dicom_files;

/* Look at those of the scan that may be DICOM, and take those without a picture, and
 * those the source refuses, out of it. What they said is put into the collection, to be
 * known on the nights to come, and read where to->within says. */
PF_MUST_CHECK bool pf_dicom_files_look(pf_dicom_files *files, const pf_import *from,
                                       pf_scan *scan, pf_collection *to, pf_err *err);
/* Which frame stands for a file of the scan. */
int pf_dicom_files_frame(const pf_dicom_files *files, size_t file);
/* Attributes, cases for images that have none, and then the other frames that are
 * wanted, once image i of the collection is file i of the scan, with its texts. */
PF_MUST_CHECK bool pf_dicom_files_add(const pf_dicom_files *files, pf_collection *to,
                                      pf_err *err);
void pf_dicom_files_reset(pf_dicom_files *files);

#endif
