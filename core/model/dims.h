/*
 * dims.h - the sizes of a CLIP model: read from config.json, or from the tensors.
 *
 * Every number is range-checked here, so that products of them cannot overflow later.
 */
#ifndef PF_CORE_MODEL_DIMS_H
#define PF_CORE_MODEL_DIMS_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/notes.h"
#include "core/checkpoint/weights.h"

typedef enum {
    PF_NAMES_HF, /* Hugging Face: text_model.encoder.layers.0.self_attn.q_proj ... */
    PF_NAMES_OPENAI, /* OpenAI: transformer.resblocks.0.attn.in_proj_weight ... */
} pf_names;

typedef enum {
    PF_VISION_VIT,
    PF_VISION_RESNET,
} pf_vision;

/* One stack of transformer blocks. */
typedef struct {
    int width, layers, heads, mlp;
    float eps; /* of the layer norms */
} pf_stack_dims;

typedef struct {
    pf_names names;
    const char *prefix; /* in front of every tensor name: "" or "module." */
    int embed;          /* length of the vectors */
    int image_size;     /* side of the square input the checkpoint was made for */

    pf_vision vision;
    pf_stack_dims vit; /* when vision is a ViT */
    int patch;         /* side of a patch, ViT only */
    int grid;          /* side of the grid of patches or of the ResNet's last map */
    int stages[4];     /* blocks per stage, ResNet only */
    int stem;          /* channels after the stem ("width"), ResNet only */
    int pool_heads;    /* of the attention pool, ResNet only */

    pf_stack_dims text;
    int context, vocab;
} pf_dims;

/* `config` is the parsed config.json, or NULL to read everything from the tensors, as
 * OpenAI's build_model does. A config that contradicts itself is refused; one that
 * contradicts the tensors is refused later, when they are bound. */
PF_MUST_CHECK bool pf_dims_read(pf_dims *out, const pf_weights *weights,
                                const pf_json *config, pf_notes *notes, pf_err *err);

/* "ViT-B/32", "RN50", "RN50x4", or a description such as "ViT 128x3 /16". Writes at
 * most `size` bytes. */
void pf_dims_describe(const pf_dims *d, char *text, size_t size);

/* Parameters of the whole model, counted from the sizes. */
size_t pf_dims_parameters(const pf_dims *d);

/* Side of the grid that an input of side `size` ends in. */
int pf_dims_grid_for(const pf_dims *d, int size);

#endif
