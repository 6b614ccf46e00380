/* stop.c - see plainfilm.h. */
#include "core/base/stop.h"

#include "core/base/mem.h"

bool pf_stop_new(pf_stop **out, pf_err *err)
{
    *out = pf_zalloc(sizeof **out, err);
    if (*out)
        atomic_init(&(*out)->is_set, 0);
    return *out != NULL;
}

void pf_stop_free(pf_stop *stop)
{
    pf_free(stop);
}

void pf_stop_set(pf_stop *stop)
{
    atomic_store(&stop->is_set, 1);
}
