/*
 * folder_texts.h - what lies beside the pictures of a folder and says something of
 * them: tables of captions (import_captions.h), ROCO's files (import_roco.h), sidecars
 * (import_sidecars.h). This is what they share.
 */
#ifndef PF_INDEXER_FOLDER_TEXTS_H
#define PF_INDEXER_FOLDER_TEXTS_H

#include "core/base/buf.h"
#include "core/base/encoding.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/image/scan.h"
#include "indexer/importer.h"
#include "indexer/names.h"

typedef struct {
    const pf_import *from;
    const pf_scan *scan;
    pf_collection *to;
    pf_names names;
    pf_hasher *hasher; /* of all that was read */
    bool is_any;       /* something was */
} pf_texts;

/* Read all of them for the files of `scan`, which are the images of `to`, in this
 * order, and say in to->texts_hash what they were. */
PF_MUST_CHECK bool pf_texts_read(const pf_import *from, const pf_scan *scan,
                                 pf_collection *to, pf_err *err);

/* ---- for those that read one kind of them ---- */

/* The whole file as UTF-8 in `out`, whose cap is the limit. `is_found`: it lies in the
 * source, and must not lead out of it. */
PF_MUST_CHECK bool pf_texts_read_file(pf_texts *t, const char *path, bool is_found,
                                      pf_buf *out, pf_encoding *was, pf_err *err);
/* A table that could not be read is a gap, and the pictures it could speak of stay as
 * they are known: all of the source when it was given, when it `is_found` those in its
 * folder and below. Memory that ran out is a failure. */
PF_MUST_CHECK bool pf_texts_miss(pf_texts *t, const char *path, bool is_found,
                                 const pf_err *why, pf_err *err);
/* The image of the collection that a file of the scan is. */
pf_subject pf_texts_subject(const pf_texts *t, const pf_scan_file *file);

#endif
