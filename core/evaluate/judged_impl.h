/*
 * judged_impl.h - what the files judged*.c share.
 */
#ifndef PF_CORE_EVALUATE_JUDGED_IMPL_H
#define PF_CORE_EVALUATE_JUDGED_IMPL_H

#include "core/evaluate/judged.h"

/* Put a question at the end. It is taken, also on failure. */
PF_MUST_CHECK bool pf_judged_add(pf_judged_list *list, pf_judged *judged, pf_err *err);
void pf_judged_reset(pf_judged *judged); /* frees; all zero is fine */

#endif
