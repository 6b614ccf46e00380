/* importer.c - see importer.h. */
#include "indexer/importer.h"

bool pf_import_is_away(const pf_import *from, pf_collection *to, const pf_err *why,
                       pf_err *err)
{
    pf_err reason = *why;
    if (from->is_new || (why->code != PF_ERR_IO && why->code != PF_ERR_NOT_FOUND))
        return pf_fail_as(err, why);
    if (why->code == PF_ERR_NOT_FOUND)
        pf_fail(&reason, PF_ERR_NOT_FOUND,
                "it is not there, and what is known of it is kept. When it is gone for "
                "good: --forget; when it lies elsewhere now: --relocate");
    return pf_collection_add_gap(to, from->path, reason.msg, err);
}
