/*
 * rows.h - rows of catalogs for a model and pictures that are not there: what tests of
 * the store, and of what reads it, start from. Catalogs for a model that is there are
 * made by seeded.h.
 */
#ifndef PF_TESTS_SUPPORT_ROWS_H
#define PF_TESTS_SUPPORT_ROWS_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"

/* Put a model that makes vectors of `dim` numbers, and use it. */
PF_MUST_CHECK bool pf_rows_put_model(pf_store *store, int dim, int64_t *id,
                                     pf_err *err);

/* Put the picture whose bytes are those of the string `content`. */
PF_MUST_CHECK bool pf_rows_put_picture(pf_store *store, int64_t model,
                                       const char *content, const float *vector,
                                       int64_t *id, pf_err *err);

/* Make rows for number i, of this model and of the source "/p". */
typedef bool pf_rows_fn(pf_store *store, int64_t model, int64_t source, int i,
                        pf_err *err);

/* As the one indexer of the catalog at `folder`, put the model, make rows for numbers
 * from .. to - 1, and publish. */
PF_MUST_CHECK bool pf_rows_publish(const char *folder, int dim, int from, int to,
                                   pf_rows_fn *put, pf_err *err);

/* Change the catalog at `folder` behind the store's back. What fails ends the test
 * program. */
void pf_rows_run_script(const char *folder, const char *script);

#endif
