/*
 * open.h - the catalog that the command line says, or a model without one.
 */
#ifndef PF_QUERY_OPEN_H
#define PF_QUERY_OPEN_H

#include "query/query.h"

typedef struct {
    pf_engine *engine;
    pf_reader *reader;
} opened;

/* *out must be all zero. What there is to tell of catalog and model is told by say.h.
 */
PF_MUST_CHECK bool open_asked(opened *out, const pf_cli_args *args, pf_err *err);
void close_asked(opened *o); /* all zero is fine */

#endif
