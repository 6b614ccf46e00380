/*
 * precision.h - names of precisions, as users and catalogs have them.
 */
#ifndef PF_CORE_MODEL_PRECISION_H
#define PF_CORE_MODEL_PRECISION_H

#include "core/base/err.h"
#include "core/model/tile.h"

/* "f32", "i16", "i8", "auto". */
const char *pf_precision_name(pf_precision precision);
/* NULL is PF_PRECISION_AUTO; MISUSE for a name that is none. */
PF_MUST_CHECK bool pf_precision_find(pf_precision *out, const char *name, pf_err *err);

#endif
