/*
 * keys.h - the keys of images: what filters compare and facets count. Internal to
 * search and evaluate.
 *
 * These are the attributes of images and of their cases, and some that every catalog
 * has:
 *
 *   case         the key of the image's case
 *   path         its path
 *   source       the path, or name, of what it was indexed from
 *   year         of its date (dates.h)
 *   has_caption  yes or no: of itself, or of its case
 *
 * The last three give way to an attribute of that name.
 */
#ifndef PF_CORE_SEARCH_KEYS_H
#define PF_CORE_SEARCH_KEYS_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/scope.h"

/* Is there such a key? NOT_FOUND when not, and the message names those there are. */
PF_MUST_CHECK bool pf_keys_check(pf_store *store, const char *key, pf_err *err);

/* Each value of a key that is there, with its image: in order of values, all images of
 * a value in a row, an image perhaps twice. Who wants to know of some images only says
 * which, and others may come all the same; NULL: of all. */
PF_MUST_CHECK bool pf_keys_each_value(pf_store *store, const char *key,
                                      const pf_id_set *images, pf_store_value_fn *fn,
                                      void *user, pf_err *err);

/* Each key but "path", with its images, in the same way; in no order of keys. */
PF_MUST_CHECK bool pf_keys_each(pf_store *store, const pf_id_set *images,
                                pf_store_value_fn *fn, void *user, pf_err *err);

#endif
