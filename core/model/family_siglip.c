/*
 * family_siglip.c - SigLIP and MedSigLIP as Hugging Face's transformers keeps them
 * (SiglipModel): a folder with config.json.
 *
 * Pre-norm blocks, eps 1e-6, GELU by tanh. Image tower: no class token; a probe reads
 * all patches, and what it reads is the vector. Text tower: no mask at all; texts are
 * padded to the whole context, the padding takes part, and the last place is read.
 * Labels are judged each by itself: sigmoid(exp(logit_scale) cosine + logit_bias).
 */
#include <string.h>

#include "core/model/recipe.h"
#include "core/model/sizes.h"

static const float eps = 1e-6f; /* transformers' SiglipConfig */

enum { SIGLIP2_VOCAB = 256000 }; /* of Gemma's tokenizer */

static bool refuse_siglip2(const pf_dims *d, const pf_weights *w,
                           const pf_beside *beside, pf_err *err)
{
    const pf_config top = {beside->config, "config.json", "the file"};
    const pf_tensor *tokens = pf_size_find(w, d, d->family->text.tokens);
    const pf_tensor *patches =
        pf_size_find(w, d, "vision_model.embeddings.patch_embedding.weight");
    const char *type = pf_json_string(pf_json_get(beside->config, "model_type"), NULL);
    int64_t vocab = 0;
    pf_json_to_int(
        pf_json_get(pf_json_get(beside->config, "text_config"), "vocab_size"), &vocab);
    if (vocab >= SIGLIP2_VOCAB || (type && strcmp(type, "siglip2") == 0) ||
        (patches && patches->rank == 2) ||
        (tokens && tokens->shape[0] >= SIGLIP2_VOCAB))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "this is SigLIP 2 (a vocabulary of 256,000, or patches of any "
                       "number), which is not read; SigLIP and MedSigLIP are");
    return pf_config_is(&top, "model_type", "siglip", err);
}

static bool read_config(pf_dims *d, const pf_config *text, const pf_config *vision,
                        pf_err *err)
{
    int channels = 3;
    /* What transformers' SiglipConfig assumes where a file is silent. */
    d->text = d->vit = (pf_stack_dims){768, 12, 12, 3072, eps, PF_GELU_TANH};
    if (!pf_config_stack(text, &d->text, err) ||
        !pf_config_stack(vision, &d->vit, err) ||
        !pf_config_int(text, "vocab_size", PF_VOCAB_MAX, 32000, &d->vocab, err) ||
        !pf_config_int(text, "max_position_embeddings", PF_CONTEXT_MAX, 64, &d->context,
                       err) ||
        !pf_config_int(vision, "image_size", PF_SIDE_MAX, 224, &d->image_size, err) ||
        !pf_config_int(vision, "patch_size", PF_SIDE_MAX, 16, &d->patch, err) ||
        !pf_config_int(vision, "num_channels", 16, 3, &channels, err) ||
        !pf_config_agrees(text, "projection_size", d->vit.width, err))
        return false;
    if (channels != 3)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "config.json: num_channels is %d, only 3 is known", channels);
    if (d->patch > d->image_size)
        return pf_fail(err, PF_ERR_FORMAT,
                       "config.json: patch_size %d is larger than image_size %d",
                       d->patch, d->image_size);
    d->vision = PF_VISION_VIT;
    d->embed = d->vit.width;
    d->positions = d->context;
    d->end_id = -1;
    d->grid = d->image_size / d->patch;
    return true;
}

static bool read_dims(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                      pf_notes *notes, pf_err *err)
{
    const pf_config text = {pf_json_get(beside->config, "text_config"), "config.json",
                            "text_config"};
    const pf_config vision = {pf_json_get(beside->config, "vision_config"),
                              "config.json", "vision_config"};
    (void)notes;
    if (!refuse_siglip2(d, w, beside, err))
        return false;
    if (!beside->config)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "there is no config.json beside it, and the tensors of a SigLIP "
                       "do not tell how many heads it has: fetch it too");
    if (!text.object || !vision.object)
        return pf_fail(err, PF_ERR_FORMAT, "config.json has no '%s'",
                       text.object ? "vision_config" : "text_config");
    return read_config(d, &text, &vision, err) &&
           pf_activation_agrees(d->text.activation, "text_config of config.json",
                                beside->activation, err) &&
           pf_activation_agrees(d->vit.activation, "vision_config of config.json",
                                beside->activation, err);
}

static bool read_preprocess(pf_preprocess *p, const pf_dims *d, const pf_beside *beside,
                            pf_err *err)
{
    pf_preprocess_init_siglip(p, d->image_size);
    return pf_recipe_read_hf(p, beside->preprocessor, err);
}

#define BLOCKS(tower)                                                                  \
    {                                                                                  \
        .stem = tower ".encoder.layers", .norm1 = "layer_norm1",                       \
        .norm2 = "layer_norm2", .query = "self_attn.q_proj",                           \
        .key = "self_attn.k_proj", .value = "self_attn.v_proj",                        \
        .output = "self_attn.out_proj", .up = "mlp.fc1", .down = "mlp.fc2",            \
    }

const pf_family pf_family_siglip = {
    .name = "SigLIP",
    .telltales = {"vision_model.head.probe", "logit_bias", "text_model.head.weight",
                  "vision_model.head.attention.in_proj_weight"},
    .ignored = {"text_model.embeddings.position_ids",
                "vision_model.embeddings.position_ids"},
    .text =
        {
            .tokens = "text_model.embeddings.token_embedding.weight",
            .positions = "text_model.embeddings.position_embedding.weight",
            .blocks = BLOCKS("text_model"),
            .final_norm = "text_model.final_layer_norm",
            .projection = {PF_PROJECTION_BIASED, "text_model.head", NULL},
            .pooling = PF_POOL_LAST,
        },
    .image =
        {
            .patches = "vision_model.embeddings.patch_embedding",
            .patches_have_bias = true,
            .positions = "vision_model.embeddings.position_embedding.weight",
            .blocks = BLOCKS("vision_model"),
            .final_norm = "vision_model.post_layernorm",
            .head = "vision_model.head",
            .projection = {PF_PROJECTION_NONE, NULL, NULL},
        },
    .published = "SigLIP",
    .licence = "Apache-2.0 (SigLIP), or Google's Health AI Developer Foundations terms "
               "(MedSigLIP)",
    .logit_bias = "logit_bias",
    .tokenizer = PF_TOKENIZER_SENTENCEPIECE,
    .read_dims = read_dims,
    .read_preprocess = read_preprocess,
};
