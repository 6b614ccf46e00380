/*
 * named.h - which image of a catalog a text names. Internal to search.
 *
 *   17              the number of an image
 *   /films/a.png    its path, or one from the current folder
 *   a.png           the end of its path, from behind a '/', if that of one file alone
 */
#ifndef PF_CORE_SEARCH_NAMED_H
#define PF_CORE_SEARCH_NAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"

enum { PF_NAMED_SHOWN = 5 }; /* paths of a message that names them */

/* *id is 0 when there is none; of a file with several images it is the first. Ends of
 * paths are looked at only `by_end`: who must not see paths could guess at them. MISUSE
 * when several files end so, with their paths; upper and lower case and normal forms
 * make no difference where nothing ends with the very bytes. */
PF_MUST_CHECK bool pf_named_find(pf_store *store, const char *text, bool by_end,
                                 int64_t *id, pf_err *err);

#endif
