/*
 * importers.c - see importers.h. A new importer is one line in this table, above the
 * one that takes any folder.
 */
#include "indexer/importers.h"

#include <string.h>

#include "indexer/import_folder.h"
#include "indexer/import_mirc.h"

static const pf_importer *const importers[] = {
    &pf_import_mirc,
    &pf_import_folder,
};

enum { COUNT = sizeof importers / sizeof *importers };

const pf_importer *pf_importer_for(const char *path)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (importers[i]->recognises(path))
            return importers[i];
    }
    return NULL;
}

const pf_importer *pf_importer_named(const char *name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(importers[i]->name, name) == 0)
            return importers[i];
    }
    return NULL;
}
