/* importer.c - see importer.h. */
#include "indexer/importer.h"

bool pf_import_is_away(const pf_import *from, pf_collection *to, const pf_err *why,
                       pf_err *err)
{
    if (from->is_given || why->code != PF_ERR_IO)
        return pf_fail_as(err, why);
    return pf_collection_add_gap(to, from->path, why->msg, err);
}
