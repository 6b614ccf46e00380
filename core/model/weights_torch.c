#include "core/model/weights_build.h"
bool pf_torch_read_zip(pf_weights *w, pf_span bytes, pf_notes *notes, pf_err *err)
{
    (void)w, (void)bytes, (void)notes;
    return pf_fail(err, PF_ERR_UNSUPPORTED, "torch zip: not yet");
}
bool pf_torch_read_legacy(pf_weights *w, pf_span bytes, pf_notes *notes, pf_err *err)
{
    (void)w, (void)bytes, (void)notes;
    return pf_fail(err, PF_ERR_UNSUPPORTED, "torch legacy: not yet");
}
