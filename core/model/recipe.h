/*
 * recipe.h - how the pictures of a model are to be prepared, by the files beside it:
 * Hugging Face's preprocessor_config.json, open_clip's open_clip_config.json.
 *
 * What they say about sizes, cropping, filter, mean and deviation is taken over; a file
 * that means other steps than those known is refused, not followed halfway.
 */
#ifndef PF_CORE_MODEL_RECIPE_H
#define PF_CORE_MODEL_RECIPE_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/image/preprocess.h"

/* Change in *p, which comes in as the family's own, what preprocessor_config.json says
 * otherwise. NULL: it says nothing. UNSUPPORTED when it says what cannot be done. */
PF_MUST_CHECK bool pf_recipe_read_hf(pf_preprocess *p, const pf_json *config,
                                     pf_err *err);
/* The same for open_clip's config, whose steps are others than CLIP's (preprocess.h).
 */
PF_MUST_CHECK bool pf_recipe_read_open_clip(pf_preprocess *p, const pf_json *config,
                                            pf_err *err);

#endif
