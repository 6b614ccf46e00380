/* precision.c - see precision.h. */
#include "core/model/precision.h"

#include <string.h>

static const char *const names[] = {[PF_PRECISION_F32] = "f32",
                                    [PF_PRECISION_I16] = "i16",
                                    [PF_PRECISION_I8] = "i8",
                                    [PF_PRECISION_AUTO] = "auto"};

const char *pf_precision_name(pf_precision precision)
{
    return names[precision];
}

bool pf_precision_find(pf_precision *out, const char *name, pf_err *err)
{
    *out = PF_PRECISION_AUTO;
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        *out = (pf_precision)i;
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return !name ||
           pf_fail(
               err, PF_ERR_MISUSE,
               "precision '%s' is not known, only 'auto', 'f32', 'i16' and 'i8' are",
               name);
}
