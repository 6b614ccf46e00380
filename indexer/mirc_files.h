/*
 * mirc_files.h - which MIRC documents a source has, in folders and in archives, and
 * which files are theirs.
 *
 * What a document shows are the pictures of its case, each in its best version; icons,
 * annotations and what only the owner sees are no pictures of the collection. A picture
 * lies in the document's folder, or below it; whatever else a document names is not
 * there.
 *
 * A file MIRCdocument.xml has its folder to itself, as on the server: what it does not
 * show is left out, as is all of a document that is not for everybody. In an archive
 * there is nothing but what documents show. Of a document that cannot be read, the
 * pictures stay as they are known.
 */
#ifndef PF_INDEXER_MIRC_FILES_H
#define PF_INDEXER_MIRC_FILES_H

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/image/scan.h"
#include "indexer/importer.h"
#include "indexer/mirc_document.h"

typedef struct {
    const char *path;
    const char *folder; /* it lies in, with '/' at its end */
    bool is_broken;
    pf_mirc_document content;
    const char **found; /* [content.n_images] paths of its pictures; NULL: not there */
    bool *is_excused;   /* [content.n_images] it may be where nothing could be read */
} pf_mirc_file;

typedef struct {
    const char *folder; /* its path, with '/' at its end */
    bool is_broken;     /* a document in it is */
} pf_mirc_archive;

/* Sorted, each with '/' at its end; borrowed. */
typedef struct {
    const char **at;
    size_t n;
} pf_mirc_folders;

typedef struct {
    pf_mirc_file *documents;
    size_t n_documents, documents_room;
    pf_mirc_archive *archives; /* that have documents; in the end by path */
    size_t n_archives, archives_room;
    pf_mirc_folders owned;  /* of documents that have them to themselves */
    pf_mirc_folders broken; /* of documents that cannot be read */
    size_t n_private;       /* documents that were left out */
    size_t n_unnamed;       /* pictures in archives that no document names */
    pf_hasher *hasher;
    pf_arena strings;
} pf_mirc;

/* Read the documents of the scan, and take out of it the pictures that are not to be
 * shown; those in archives come in. `within`: see pf_file_open_within(). *out is to be
 * freed, on failure it is NULL. */
PF_MUST_CHECK bool pf_mirc_look(pf_mirc **out, const pf_import *from, pf_scan *scan,
                                const char *within, pf_err *err);
void pf_mirc_free(pf_mirc *mirc); /* NULL is fine */

/* Does the file lie in the folder of a document that cannot be read? */
bool pf_mirc_is_broken_at(const pf_mirc *mirc, const char *path);

#endif
