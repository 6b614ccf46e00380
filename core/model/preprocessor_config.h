/*
 * preprocessor_config.h - Hugging Face's preprocessor_config.json: how the pictures of
 * a model are to be prepared.
 *
 * What it says about sizes, filter, mean and deviation is taken over; a file that means
 * other steps than CLIP's is refused, not followed halfway.
 */
#ifndef PF_CORE_MODEL_PREPROCESSOR_CONFIG_H
#define PF_CORE_MODEL_PREPROCESSOR_CONFIG_H

#include "core/base/err.h"
#include "core/image/preprocess.h"

/* Change in *p, which comes in as CLIP's own, what the file at `path` says otherwise.
 * There need not be one. UNSUPPORTED when it says what cannot be done. */
PF_MUST_CHECK bool pf_preprocessor_config_read(pf_preprocess *p, const char *path,
                                               pf_err *err);

#endif
