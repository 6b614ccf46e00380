/*
 * catalog_impl.h - what the files catalog*.c share.
 */
#ifndef PF_CORE_CATALOG_CATALOG_IMPL_H
#define PF_CORE_CATALOG_CATALOG_IMPL_H

#include "core/catalog/background.h"
#include "core/catalog/catalog.h"

struct pf_catalog {
    char *folder;
    pf_store *store;
    int lock;           /* descriptor; -1 for a reader */
    int64_t generation; /* of the snapshot, or last published */
    bool has_snapshot;
    bool may_be_unpublished; /* it was opened to be checked */
};

/* catalog.c: the lock of the one indexer, without a look into the database; and that,
 * afterwards. */
PF_MUST_CHECK bool pf_catalog_lock(pf_catalog **out, const char *folder,
                                   const pf_catalog_writer_options *options,
                                   pf_err *err);
PF_MUST_CHECK bool pf_catalog_open_store(pf_catalog *catalog, pf_store_mode mode,
                                         pf_err *err);

/* catalog_read.c: the index over what the store says, in the store's present
 * transaction; and the one that lies in the file, if that is whole. */
PF_MUST_CHECK bool pf_catalog_build_index(pf_catalog *catalog, pf_index_kind kind,
                                          pf_vindex **out, pf_err *err);
PF_MUST_CHECK bool pf_catalog_read_index(const pf_catalog *catalog, pf_index_kind kind,
                                         const pf_index_file *file, pf_vindex **out,
                                         pf_err *err);
/* What a row says of its file. */
pf_vfile_record pf_catalog_record_of(const pf_store_index_file *row);

/* catalog_publish.c: write the vectors up to file->last_id, straight from the tables:
 * file->in_file of file->dim floats. checksum and last_id are those of what was
 * written.
 */
PF_MUST_CHECK bool pf_catalog_write_index(pf_catalog *catalog, pf_index_kind kind,
                                          const char *path, pf_store_index_file *file,
                                          pf_err *err);
/* Is it "images.<digits>.faiss" or "captions.<digits>.faiss",
 * perhaps with ".tmp"? */
bool pf_catalog_is_index_name(const char *name);

/* catalog_lists.c: as it is remembered; FORMAT when that makes no sense. */
PF_MUST_CHECK bool pf_catalog_get_index_spec(const pf_catalog *catalog,
                                             pf_index_spec *out, pf_err *err);
/* Is a file of the kind that is wanted for `count` vectors? */
bool pf_catalog_is_as_wanted(const pf_index_spec *spec, const pf_store_index_file *file,
                             int64_t count);
/* Bytes of the file with lists that is made beside the one without; 0: none is. */
uint64_t pf_catalog_lists_size(const pf_index_spec *spec, int dim, int64_t count);
/* Put the vectors of `file`, which was written without lists, into lists if there are
 * to be some, and describe that in *file. `before` is the row of the file that readers
 * have, `own` and `other` are of what is in the file, and of the other kind. */
PF_MUST_CHECK bool
pf_catalog_make_lists(const pf_catalog *catalog, const pf_index_spec *spec,
                      const pf_store_index_file *before, pf_store_index_file *file,
                      const pf_background_sample *own,
                      const pf_background_sample *other, pf_err *err);

/* catalog_share.c: a group that the catalog is shared with may read its files. */
PF_MUST_CHECK bool pf_catalog_keep_modes(const pf_catalog *catalog, pf_err *err);

#endif
