/*
 * stop.h - the inside of pf_stop (plainfilm.h): a flag that long work looks at.
 */
#ifndef PF_CORE_BASE_STOP_H
#define PF_CORE_BASE_STOP_H

#include <stdatomic.h>

#include "core/base/err.h"

struct pf_stop {
    atomic_int is_set;
};

/* What the library's own work takes; NULL of NULL. */
static inline const atomic_int *pf_stop_flag(const pf_stop *stop)
{
    return stop ? &stop->is_set : NULL;
}

#endif
