/*
 * transformers.h - what the models that Hugging Face's transformers keeps have in
 * common: a config.json with a part for each tower, and the names of a block's tensors.
 * Internal to core/model.
 */
#ifndef PF_CORE_MODEL_TRANSFORMERS_H
#define PF_CORE_MODEL_TRANSFORMERS_H

#include "core/model/family.h"
#include "core/model/sizes.h"

/* A pf_block_names. */
#define PF_TRANSFORMERS_BLOCKS(tower)                                                  \
    {                                                                                  \
        .stem = tower ".encoder.layers", .norm1 = "layer_norm1",                       \
        .norm2 = "layer_norm2", .query = "self_attn.q_proj",                           \
        .key = "self_attn.k_proj", .value = "self_attn.v_proj",                        \
        .output = "self_attn.out_proj", .up = "mlp.fc1", .down = "mlp.fc2",            \
    }

/* The parts of config.json, which has to have both; borrowed from `beside`. */
typedef struct {
    pf_config text, vision;
} pf_tower_configs;

PF_MUST_CHECK bool pf_transformers_towers(pf_tower_configs *out,
                                          const pf_beside *beside, pf_err *err);

/* Both towers' sizes, vocabulary, context, picture and patches. *d comes in with what
 * the absence of a key means. */
PF_MUST_CHECK bool pf_transformers_sizes(pf_dims *d, const pf_tower_configs *towers,
                                         pf_err *err);
/* The activation of each tower, and the one that was asked for. */
PF_MUST_CHECK bool pf_transformers_activations(const pf_dims *d,
                                               const pf_beside *beside, pf_err *err);

#endif
