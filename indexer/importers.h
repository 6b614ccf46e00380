/*
 * importers.h - which importers there are.
 */
#ifndef PF_INDEXER_IMPORTERS_H
#define PF_INDEXER_IMPORTERS_H

#include "indexer/importer.h"

/* The first one that recognises the path; NULL when none does. */
const pf_importer *pf_importer_for(const char *path);
/* The one with this name; NULL when there is none. */
const pf_importer *pf_importer_named(const char *name);

#endif
