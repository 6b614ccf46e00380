/*
 * family_biomedclip.c - BiomedCLIP's layout: open_clip's model of a timm ViT and a BERT
 * (open_clip's hf_model.py and timm_model.py; timm's vision_transformer.py).
 *
 * The config names neither widths nor heads: widths and depths are read from the
 * tensors, heads are width / 64 in both towers. Image tower: pre-norm, nothing in front
 * of the blocks, eps 1e-6. Text tower: post-norm, eps 1e-12, no mask but for [PAD]
 * (id 0), read at [CLS]; two linear layers make the vector. GELU is exact throughout.
 */
#include "core/model/recipe.h"
#include "core/model/sizes.h"

enum { HEAD_WIDTH = 64, CONTEXT = 256 /* BiomedCLIP's, where no config says it */ };

static const float vit_eps = 1e-6f;   /* timm: norm_layer = LayerNorm, eps=1e-6 */
static const float bert_eps = 1e-12f; /* transformers' BertConfig */

static const char file[] = "open_clip_config.json";

static bool read_text_config(pf_dims *d, const pf_json *model, pf_err *err)
{
    const pf_config c = {pf_json_get(model, "text_cfg"), file, "text_cfg"};
    if (!c.object)
        return pf_fail(err, PF_ERR_FORMAT, "%s has no model_cfg with 'text_cfg'", file);
    if (!pf_json_get(c.object, "hf_model_name"))
        return pf_fail(err, PF_ERR_FORMAT,
                       "%s is of another kind of model: text_cfg has no "
                       "'hf_model_name', the tensors are of a BERT",
                       file);
    return pf_config_is(&c, "hf_proj_type", "mlp", err) &&
           pf_config_is(&c, "hf_pooler_type", "cls_last_hidden_state_pooler", err) &&
           /* 77: open_clip's default */
           pf_config_int(&c, "context_length", PF_CONTEXT_MAX, 77, &d->context, err);
}

static bool read_vision_config(const pf_dims *d, const pf_json *model, pf_err *err)
{
    const pf_config c = {pf_json_get(model, "vision_cfg"), file, "vision_cfg"};
    if (!c.object)
        return pf_fail(err, PF_ERR_FORMAT, "%s has no model_cfg with 'vision_cfg'",
                       file);
    return pf_config_is(&c, "timm_pool", "token", err) &&
           pf_config_is(&c, "timm_proj", "linear", err) &&
           pf_config_agrees(&c, "image_size", d->image_size, err);
}

static bool read_config(pf_dims *d, const pf_beside *beside, pf_notes *notes,
                        pf_err *err)
{
    const pf_json *model = pf_json_get(beside->open_clip, "model_cfg");
    const pf_config top = {model, file, "model_cfg"};
    if (!beside->open_clip) {
        d->context = CONTEXT < d->positions ? CONTEXT : d->positions;
        pf_notes_add(notes,
                     "there is no %s beside the checkpoint: it is read as "
                     "BiomedCLIP, with texts of %d tokens",
                     file, d->context);
        return true;
    }
    return pf_config_agrees(&top, "embed_dim", d->embed, err) &&
           read_text_config(d, model, err) && read_vision_config(d, model, err);
}

static bool read_dims(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                      pf_notes *notes, pf_err *err)
{
    if (!pf_size_text(d, w, err) || !pf_size_vit(d, w, err) ||
        !pf_size_heads(&d->text, "text", HEAD_WIDTH, err) ||
        !pf_size_heads(&d->vit, "image", HEAD_WIDTH, err) ||
        !read_config(d, beside, notes, err))
        return false;
    if (d->context > d->positions)
        return pf_fail(err, PF_ERR_MISMATCH,
                       "%s: 'context_length' in text_cfg is %d, the position table has "
                       "%d rows",
                       file, d->context, d->positions);
    d->text.eps = bert_eps;
    d->vit.eps = vit_eps;
    d->text.activation = d->vit.activation = PF_GELU;
    return pf_activation_agrees(PF_GELU, "BiomedCLIP", beside->activation, err);
}

static bool read_preprocess(pf_preprocess *p, const pf_dims *d, const pf_beside *beside,
                            pf_err *err)
{
    pf_preprocess_init_clip(p, d->image_size);
    return pf_recipe_read_open_clip(p, beside->open_clip, err);
}

const pf_family pf_family_biomedclip = {
    .name = "BiomedCLIP",
    .telltales = {"text.transformer.embeddings.word_embeddings.weight",
                  "visual.trunk.blocks.0.attn.qkv.weight",
                  "visual.trunk.patch_embed.proj.weight", "text.proj.0.weight"},
    .ignored = {"text.transformer.embeddings.position_ids",
                "text.transformer.pooler.dense.weight",
                "text.transformer.pooler.dense.bias"},
    .text =
        {
            .tokens = "text.transformer.embeddings.word_embeddings.weight",
            .kinds = "text.transformer.embeddings.token_type_embeddings.weight",
            .positions = "text.transformer.embeddings.position_embeddings.weight",
            .first_norm = "text.transformer.embeddings.LayerNorm",
            .blocks = {.stem = "text.transformer.encoder.layer",
                       .norm1 = "attention.output.LayerNorm",
                       .norm2 = "output.LayerNorm",
                       .query = "attention.self.query",
                       .key = "attention.self.key",
                       .value = "attention.self.value",
                       .output = "attention.output.dense",
                       .up = "intermediate.dense",
                       .down = "output.dense",
                       .norms_follow = true},
            .projection = {PF_PROJECTION_TWO, "text.proj.0", "text.proj.2"},
            .pooling = PF_POOL_FIRST,
            .hides_padding = true,
        },
    .image =
        {
            .patches = "visual.trunk.patch_embed.proj",
            .patches_have_bias = true,
            .class_row = "visual.trunk.cls_token",
            .positions = "visual.trunk.pos_embed",
            .is_boxed = true,
            .blocks = {.stem = "visual.trunk.blocks",
                       .norm1 = "norm1",
                       .norm2 = "norm2",
                       .qkv = "attn.qkv.",
                       .output = "attn.proj",
                       .up = "mlp.fc1",
                       .down = "mlp.fc2"},
            .final_norm = "visual.trunk.norm",
            .projection = {PF_PROJECTION_OUT_IN, "visual.head.proj", NULL},
        },
    .published = "BiomedCLIP",
    .licence = "MIT (BiomedCLIP, as Microsoft publishes it)",
    .tokenizer = PF_TOKENIZER_WORDPIECE,
    .read_dims = read_dims,
    .read_preprocess = read_preprocess,
};
