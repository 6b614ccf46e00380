/*
 * family_hf_clip.c - CLIP as Hugging Face's transformers keeps it (CLIPModel): a folder
 * with config.json, or the weights alone.
 *
 * What config.json leaves out is what transformers' CLIPConfig assumes, ViT-B/32. The
 * activation is each tower's own. A text ends at its highest id, as OpenAI has it, or,
 * since transformers 4.31 and unless the config says 2 as all the old ones do, at the
 * first of its end token.
 */
#include "core/model/recipe.h"
#include "core/model/transformers.h"

static const float layer_norm_eps = 1e-5f; /* transformers' CLIPConfig */

/* Without config.json heads are OpenAI's: width / 64 (clip/model.py, build_model). */
static bool read_tensors(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                         pf_err *err)
{
    if (!pf_size_text(d, w, err) || !pf_size_vit(d, w, err) ||
        !pf_size_heads(&d->text, "text", 64, err) ||
        !pf_size_heads(&d->vit, "image", 64, err))
        return false;
    d->text.eps = d->vit.eps = layer_norm_eps;
    d->text.activation = d->vit.activation = beside->activation;
    return beside->activation != PF_ACTIVATION_UNKNOWN ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "there is no config.json beside it, and the tensors do not tell the "
                   "activation: fetch it too, or say --activation quick-gelu (OpenAI's "
                   "models, PubMedCLIP) or gelu (most of open_clip's)");
}

/* Ids by which transformers finds the end of a text (modeling_clip.py). */
static bool read_end(pf_dims *d, const pf_config *text, pf_err *err)
{
    int end = 2;
    const bool ok = pf_config_int(text, "eos_token_id", PF_VOCAB_MAX, end, &end, err);
    /* The highest id of all is the first of its kind, either way. */
    d->end_id = end == 2 || end == d->vocab - 1 ? -1 : end;
    return ok;
}

static bool read_config(pf_dims *d, const pf_beside *beside, pf_err *err)
{
    const pf_config top = {beside->config, "config.json", "the file"};
    pf_tower_configs towers;
    d->text = (pf_stack_dims){512, 12, 8, 2048, layer_norm_eps, PF_QUICK_GELU};
    d->vit = (pf_stack_dims){768, 12, 12, 3072, layer_norm_eps, PF_QUICK_GELU};
    d->vocab = 49408;
    d->context = 77;
    d->image_size = 224;
    d->patch = 32;
    return pf_config_is(&top, "model_type", "clip", err) &&
           pf_transformers_towers(&towers, beside, err) &&
           pf_config_int(&top, "projection_dim", PF_WIDTH_MAX, 512, &d->embed, err) &&
           pf_transformers_sizes(d, &towers, err) && read_end(d, &towers.text, err) &&
           pf_transformers_activations(d, beside, err);
}

static bool read_dims(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                      pf_notes *notes, pf_err *err)
{
    (void)notes;
    return beside->config ? read_config(d, beside, err)
                          : read_tensors(d, w, beside, err);
}

static bool read_preprocess(pf_preprocess *p, const pf_dims *d, const pf_beside *beside,
                            pf_err *err)
{
    pf_preprocess_init_clip(p, d->image_size);
    return pf_recipe_read_hf(p, beside->preprocessor, err);
}

/* "pre_layrnorm" is how transformers spells it. */
const pf_family pf_family_hf_clip = {
    .name = "Hugging Face CLIP",
    .telltales = {"vision_model.pre_layrnorm.weight", "visual_projection.weight",
                  "vision_model.embeddings.class_embedding"},
    .ignored = {"text_model.embeddings.position_ids",
                "vision_model.embeddings.position_ids"},
    .text =
        {
            .tokens = "text_model.embeddings.token_embedding.weight",
            .positions = "text_model.embeddings.position_embedding.weight",
            .blocks = PF_TRANSFORMERS_BLOCKS("text_model"),
            .final_norm = "text_model.final_layer_norm",
            .projection = {PF_PROJECTION_OUT_IN, "text_projection", NULL},
            .pooling = PF_POOL_END,
            .is_causal = true,
        },
    .image =
        {
            .patches = "vision_model.embeddings.patch_embedding",
            .class_row = "vision_model.embeddings.class_embedding",
            .positions = "vision_model.embeddings.position_embedding.weight",
            .first_norm = "vision_model.pre_layrnorm",
            .blocks = PF_TRANSFORMERS_BLOCKS("vision_model"),
            .final_norm = "vision_model.post_layernorm",
            .projection = {PF_PROJECTION_OUT_IN, "visual_projection", NULL},
        },
    .tokenizer = PF_TOKENIZER_CLIP_BPE,
    .read_dims = read_dims,
    .read_preprocess = read_preprocess,
};
