/*
 * open.h - the catalog that the command line says, and a model without one.
 */
#ifndef PF_QUERY_OPEN_H
#define PF_QUERY_OPEN_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/search/search.h"

/* Open the catalog that the command line says for what is looked for (PF_FIND_...). */
PF_MUST_CHECK bool open_search(pf_search **out, unsigned find, pf_err *err);
unsigned search_indexes(const pf_query *query); /* PF_FIND_... that it looks at */

/* A model with at least these towers (PF_CLIP_...), and the catalog it is of.
 * With --model and without --catalog there is none, unless it is needed. *out must be
 * all zero. What the model's makers want told is said. */
typedef struct {
    pf_search *search; /* NULL: without a catalog */
    pf_model *own;     /* NULL, or the model, then not the catalog's */
    const pf_model *model;
} opened;
PF_MUST_CHECK bool open_model(opened *out, unsigned towers, bool needs_catalog,
                              pf_err *err);
void close_model(opened *o); /* all zero is fine */

#endif
