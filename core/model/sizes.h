/*
 * sizes.h - what families read their sizes with: from tensors, and from the JSON that
 * lies beside a checkpoint. Inside the model only.
 */
#ifndef PF_CORE_MODEL_SIZES_H
#define PF_CORE_MODEL_SIZES_H

#include "core/model/family.h"

enum {
    PF_WIDTH_MAX = 8192,
    PF_LAYERS_MAX = 128,
    PF_MLP_MAX = 65536,
    PF_CONTEXT_MAX = 4096,
    PF_VOCAB_MAX = 1 << 20,
    PF_SIDE_MAX = 2048,
};

/* FORMAT or LIMIT, naming `what`, when v is not 1 .. most. */
PF_MUST_CHECK bool pf_size_check(const char *what, int64_t v, int64_t most,
                                 pf_err *err);

/* ---- tensors ---- */

/* NULL when there is none of that name behind the prefix. */
const pf_tensor *pf_size_find(const pf_weights *w, const pf_dims *d, const char *name);
/* Size `axis` of the tensor `name`, which must have that rank. */
PF_MUST_CHECK bool pf_size_of(const pf_weights *w, const pf_dims *d, const char *name,
                              int rank, int axis, int64_t most, int *out, pf_err *err);
/* The side of a square of `n` cells. */
PF_MUST_CHECK bool pf_size_root(const char *what, int n, int *root, pf_err *err);
/* How many of "<stem>0<tail>", "<stem>1<tail>", ... there are without a gap. */
int pf_size_count(const pf_weights *w, const pf_dims *d, const char *stem,
                  const char *tail);

/* All of a text tower, and of a ViT, that tensors tell: not heads, eps and activation.
 */
PF_MUST_CHECK bool pf_size_text(pf_dims *d, const pf_weights *w, pf_err *err);
PF_MUST_CHECK bool pf_size_vit(pf_dims *d, const pf_weights *w, pf_err *err);
/* Heads of `head_width`, which have to fill the width of the tower ("text", "image").
 */
PF_MUST_CHECK bool pf_size_heads(pf_stack_dims *s, const char *tower, int head_width,
                                 pf_err *err);

/* ---- JSON ---- */

/* An object of a file, as messages name it. */
typedef struct {
    const pf_json *object; /* may be NULL: it says nothing */
    const char *file, *where;
} pf_config;

/* The whole number `key`, 1 .. most; `fallback` where it is absent or null. */
PF_MUST_CHECK bool pf_config_int(const pf_config *c, const char *key, int64_t most,
                                 int fallback, int *out, pf_err *err);
/* A true or false; anything else is refused. */
PF_MUST_CHECK bool pf_config_bool(const pf_config *c, const char *key, bool fallback,
                                  bool *out, pf_err *err);
/* If `key` is there, it has to be what the tensors say. */
PF_MUST_CHECK bool pf_config_agrees(const pf_config *c, const char *key, int found,
                                    pf_err *err);
/* If `key` is there and not null, false or empty, it has to be the word `only`. */
PF_MUST_CHECK bool pf_config_is(const pf_config *c, const char *key, const char *only,
                                pf_err *err);
/* An activation by one of Hugging Face's names. */
PF_MUST_CHECK bool pf_config_activation(const pf_config *c, const char *key,
                                        pf_activation fallback, pf_activation *out,
                                        pf_err *err);
/* Hugging Face's config of a tower; *out comes in as what the absence of a key means.
 */
PF_MUST_CHECK bool pf_config_stack(const pf_config *c, pf_stack_dims *out, pf_err *err);
/* What files say, and what was asked for: the same, or refused. */
PF_MUST_CHECK bool pf_activation_agrees(pf_activation said, const char *where,
                                        pf_activation asked, pf_err *err);
/* "quick-gelu", "gelu", "gelu-tanh". */
const char *pf_activation_name(pf_activation activation);
/* UNKNOWN for any other name. */
pf_activation pf_activation_find(const char *name);

#endif
