/*
 * importer.h - the seam between a source and the indexer.
 *
 * An importer knows one kind of source: it recognises one by its path and tells a
 * collection (collection.h) which images are there and what is known about them. What
 * is new, has moved or is gone, what has to be embedded and what readers see is none of
 * its business, and how it came to know is none of theirs: a source may be a folder, a
 * document or a server, a file may hold many images, texts may come from anywhere.
 *
 * What the indexer asks for: the path of an image is that of a file, which can be read
 * now and on the nights to come (whoever fetches keeps what was fetched), and no other
 * source has it; the key of a case stays the same from night to night.
 */
#ifndef PF_INDEXER_IMPORTER_H
#define PF_INDEXER_IMPORTER_H

#include <stdatomic.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "indexer/collection.h"
#include "indexer/known_facts.h"

/* A source to be read. Everything is borrowed. */
typedef struct {
    const char *path;          /* absolute, or a name that is no path */
    const char *const *tables; /* files of captions the user gave for it, absolute */
    size_t n_tables;
    bool tables_are_given; /* in this run; else they are remembered */
    const char *columns;   /* of the tables, as columns.h has it; or NULL */
    const char *except;    /* a folder not to be entered: the catalog; may be NULL */
    const char *const *excluded; /* patterns (pf_pattern_fits()) of what is left out */
    size_t n_excluded;
    const pf_store_reading *reading;
    pf_known_facts *known;  /* what its files said on an earlier night */
    bool is_new;            /* the catalog does not know it yet */
    const atomic_int *stop; /* may be NULL; once it is set: fail with INTERRUPTED */
} pf_import;

typedef struct {
    /* Stands in the catalog for the kind of the source: never to be changed. */
    const char *name;
    /* Is this a source of that kind? `path` is real, or names no file. */
    bool (*recognises)(const char *path);
    /* Add all there is. A part that cannot be read is a gap. An image that is neither
     * added nor in a gap goes from the catalog, unless too many do (losses.h). */
    bool (*read)(const pf_import *from, pf_collection *to, pf_err *err);
} pf_importer;

/* For read(), when all of the source cannot be read: a failure when it is new, or when
 * *why says more than that (memory, an interruption). Otherwise its disk may not be
 * mounted tonight: all of it becomes one gap. A source that is not there is NOT_FOUND,
 * anything else about it IO. */
PF_MUST_CHECK bool pf_import_is_away(const pf_import *from, pf_collection *to,
                                     const pf_err *why, pf_err *err);

#endif
