/*
 * catalog_impl.h - what the files catalog*.c share.
 */
#ifndef PF_CORE_CATALOG_CATALOG_IMPL_H
#define PF_CORE_CATALOG_CATALOG_IMPL_H

#include "core/catalog/catalog.h"

struct pf_catalog {
    char *folder;
    pf_store *store;
    int lock; /* descriptor; -1 for a reader */
    unsigned wanted;
    pf_vindex *index[PF_INDEX_KINDS]; /* NULL when not wanted */
    int64_t generation;               /* of index[], or last published */
    bool has_snapshot;
};

/* catalog_read.c: the index over what the store says, in the store's present
 * transaction; the one that lies in the folder, if it is whole; and letting go of those
 * that are held. */
PF_MUST_CHECK bool pf_catalog_build_index(pf_catalog *catalog, pf_index_kind kind,
                                          pf_vindex **out, pf_err *err);
PF_MUST_CHECK bool pf_catalog_load_index(pf_catalog *catalog, pf_index_kind kind,
                                         pf_vindex **out, pf_err *err);
void pf_catalog_drop_indexes(pf_catalog *catalog);

#endif
