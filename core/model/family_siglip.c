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
#include "core/model/transformers.h"

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

/* Where config.json is silent: what transformers' SiglipConfig assumes. */
static bool read_config(pf_dims *d, const pf_tower_configs *towers, pf_err *err)
{
    d->text = d->vit = (pf_stack_dims){768, 12, 12, 3072, eps, PF_GELU_TANH};
    d->vocab = 32000;
    d->context = 64;
    d->image_size = 224;
    d->patch = 16;
    if (!pf_transformers_sizes(d, towers, err) ||
        !pf_config_agrees(&towers->text, "projection_size", d->vit.width, err))
        return false;
    d->embed = d->vit.width;
    d->end_id = -1;
    return true;
}

static bool read_dims(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                      pf_notes *notes, pf_err *err)
{
    pf_tower_configs towers;
    (void)notes;
    if (!refuse_siglip2(d, w, beside, err))
        return false;
    if (!beside->config)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "there is no config.json beside it, and the tensors of a SigLIP "
                       "do not tell how many heads it has: fetch it too");
    return pf_transformers_towers(&towers, beside, err) &&
           read_config(d, &towers, err) && pf_transformers_activations(d, beside, err);
}

static bool read_preprocess(pf_preprocess *p, const pf_dims *d, const pf_beside *beside,
                            pf_err *err)
{
    pf_preprocess_init_siglip(p, d->image_size);
    return pf_recipe_read_hf(p, beside->preprocessor, err);
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
            .blocks = PF_TRANSFORMERS_BLOCKS("text_model"),
            .final_norm = "text_model.final_layer_norm",
            .projection = {PF_PROJECTION_BIASED, "text_model.head", NULL},
            .pooling = PF_POOL_LAST,
        },
    .image =
        {
            .patches = "vision_model.embeddings.patch_embedding",
            .patches_have_bias = true,
            .positions = "vision_model.embeddings.position_embedding.weight",
            .blocks = PF_TRANSFORMERS_BLOCKS("vision_model"),
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
