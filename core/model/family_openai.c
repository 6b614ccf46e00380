/*
 * family_openai.c - CLIP in OpenAI's names (clip/model.py): OpenAI's own checkpoints,
 * PubMedCLIP's, and what open_clip trained with the same code.
 *
 * Sizes are read from the tensors, as OpenAI's build_model does, heads as width / 64
 * unless open_clip_config.json says otherwise. The same names stand for two
 * activations: OpenAI's is QuickGELU, open_clip's is exact unless its config says so.
 * Without a config it is OpenAI's, but for a file that has the name open_clip gives its
 * own.
 */
#include <stdio.h>
#include <string.h>

#include "core/model/recipe.h"
#include "core/model/sizes.h"

static const float layer_norm_eps = 1e-5f; /* torch.nn.LayerNorm, clip/model.py */

enum { HEAD_WIDTH = 64 }; /* OpenAI's build_model: heads = width / 64 */

/* ---- the tensors ---- */

static bool size_resnet(pf_dims *d, const pf_weights *w, pf_err *err)
{
    int positions = 0;
    d->vision = PF_VISION_RESNET;
    for (int s = 0; s < 4; s++) {
        char stem[32];
        snprintf(stem, sizeof stem, "visual.layer%d.", s + 1);
        d->stages[s] = pf_size_count(w, d, stem, ".conv1.weight");
        if (d->stages[s] == 0)
            return pf_fail(err, PF_ERR_FORMAT, "tensor '%s%s0.conv1.weight' is missing",
                           d->prefix, stem);
    }
    if (!pf_size_of(w, d, "visual.layer1.0.conv1.weight", 4, 0, PF_WIDTH_MAX / 32,
                    &d->stem, err) ||
        !pf_size_of(w, d, "visual.attnpool.positional_embedding", 2, 0, PF_SIDE_MAX,
                    &positions, err) ||
        !pf_size_root("the attention pool's position table (mean token apart)",
                      positions - 1, &d->grid, err))
        return false;
    if (d->stem * 32 % HEAD_WIDTH != 0)
        return pf_fail(err, PF_ERR_FORMAT, "the ResNet is %d wide, not an even number",
                       d->stem);
    d->pool_heads = d->stem * 32 / HEAD_WIDTH; /* clip/model.py: width * 32 // 64 */
    d->image_size = d->grid * 32;
    return pf_size_check("the image size (grid x 32)", d->image_size, PF_SIDE_MAX, err);
}

static bool size_image(pf_dims *d, const pf_weights *w, pf_err *err)
{
    return pf_size_find(w, d, "visual.layer1.0.conv1.weight") ? size_resnet(d, w, err)
                                                              : pf_size_vit(d, w, err);
}

/* ---- open_clip_config.json ---- */

/* Keys that change nothing about a model that is there, or are looked at below. */
static bool is_known(const char *key)
{
    static const char *const known[] = {"image_size",    "layers",         "width",
                                        "head_width",    "patch_size",     "mlp_ratio",
                                        "patch_dropout", "context_length", "vocab_size",
                                        "heads",         "pool_type"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i], key) == 0)
            return true;
    }
    return false;
}

/* What switches nothing on: null, false, and 0. */
static bool is_off(const pf_json *v)
{
    bool on = true;
    double number = 1;
    return pf_json_get_kind(v) == PF_JSON_NULL || (pf_json_to_bool(v, &on) && !on) ||
           (pf_json_to_real(v, &number) && number == 0);
}

/* Many keys of open_clip change the graph without changing a tensor. */
static bool knows_all(const pf_config *c, pf_err *err)
{
    pf_json_member m = {0};
    while (pf_json_next_member(c->object, &m)) {
        if (!is_known(m.key) && !is_off(m.value))
            return pf_fail(err, PF_ERR_UNSUPPORTED,
                           "%s: %s has '%.40s', which is not known for a CLIP in "
                           "OpenAI's names",
                           c->file, c->where, m.key);
    }
    return true;
}

static bool settle_heads(pf_stack_dims *s, const char *tower, int heads, pf_err *err)
{
    if (heads == 0)
        return pf_size_heads(s, tower, HEAD_WIDTH, err);
    s->heads = heads;
    return s->width % heads == 0 ||
           pf_fail(err, PF_ERR_FORMAT,
                   "open_clip_config.json: the %s tower is %d wide, which %d heads do "
                   "not divide",
                   tower, s->width, heads);
}

static bool read_text_config(pf_dims *d, const pf_config *c, pf_err *err)
{
    int heads = 0;
    return knows_all(c, err) && pf_config_is(c, "pool_type", "argmax", err) &&
           pf_config_agrees(c, "context_length", d->context, err) &&
           pf_config_agrees(c, "vocab_size", d->vocab, err) &&
           pf_config_agrees(c, "width", d->text.width, err) &&
           pf_config_agrees(c, "layers", d->text.layers, err) &&
           pf_config_int(c, "heads", PF_WIDTH_MAX, 0, &heads, err) &&
           settle_heads(&d->text, "text", heads, err);
}

static bool read_vision_config(pf_dims *d, const pf_config *c, pf_err *err)
{
    int head_width = HEAD_WIDTH;
    if (!knows_all(c, err) || !pf_config_is(c, "pool_type", "tok", err) ||
        !pf_config_agrees(c, "image_size", d->image_size, err) ||
        !pf_config_int(c, "head_width", PF_WIDTH_MAX, HEAD_WIDTH, &head_width, err))
        return false;
    if (d->vision == PF_VISION_RESNET)
        return pf_config_agrees(c, "width", d->stem, err);
    return pf_config_agrees(c, "patch_size", d->patch, err) &&
           pf_config_agrees(c, "width", d->vit.width, err) &&
           pf_config_agrees(c, "layers", d->vit.layers, err) &&
           pf_size_heads(&d->vit, "image", head_width, err);
}

static bool read_open_clip(pf_dims *d, const pf_beside *beside, pf_err *err)
{
    static const char file[] = "open_clip_config.json";
    const pf_json *model = pf_json_get(beside->open_clip, "model_cfg");
    const pf_config top = {model, file, "model_cfg"};
    const pf_config text = {pf_json_get(model, "text_cfg"), file, "text_cfg"};
    const pf_config vision = {pf_json_get(model, "vision_cfg"), file, "vision_cfg"};
    bool is_quick = false;
    if (!text.object || !vision.object)
        return pf_fail(err, PF_ERR_FORMAT, "%s has no model_cfg with '%s'", file,
                       text.object ? "vision_cfg" : "text_cfg");
    if (!pf_config_agrees(&top, "embed_dim", d->embed, err) ||
        !pf_config_bool(&top, "quick_gelu", false, &is_quick, err) ||
        !read_text_config(d, &text, err) || !read_vision_config(d, &vision, err))
        return false;
    d->text.activation = is_quick ? PF_QUICK_GELU : PF_GELU;
    return pf_activation_agrees(d->text.activation, file, beside->activation, err);
}

/* ---- together ---- */

/* Nothing beside it says anything. */
static bool assume(pf_dims *d, const pf_beside *beside, pf_err *err)
{
    if (beside->is_open_clip_file && beside->activation == PF_ACTIVATION_UNKNOWN)
        return pf_fail(
            err, PF_ERR_NOT_FOUND,
            "there is no open_clip_config.json beside it, and the tensors do "
            "not tell the activation: fetch it too, or say --activation "
            "gelu (most of open_clip's models) or quick-gelu (OpenAI's)");
    d->text.activation = beside->activation ? beside->activation : PF_QUICK_GELU;
    return pf_size_heads(&d->text, "text", HEAD_WIDTH, err) &&
           (d->vision == PF_VISION_RESNET ||
            pf_size_heads(&d->vit, "image", HEAD_WIDTH, err));
}

static bool read_dims(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                      pf_notes *notes, pf_err *err)
{
    /* A config.json that lies beside such a file belongs to something else. */
    if (beside->config)
        pf_notes_add(notes,
                     "config.json is passed over: the checkpoint has OpenAI's names");
    if (!pf_size_text(d, w, err) || !size_image(d, w, err) ||
        !(beside->open_clip ? read_open_clip(d, beside, err) : assume(d, beside, err)))
        return false;
    d->text.eps = layer_norm_eps;
    d->vit.eps = d->vision == PF_VISION_VIT ? layer_norm_eps : 0;
    d->vit.activation = d->text.activation;
    return true;
}

static bool read_preprocess(pf_preprocess *p, const pf_dims *d, const pf_beside *beside,
                            pf_err *err)
{
    pf_preprocess_init_clip(p, d->image_size);
    return beside->open_clip ? pf_recipe_read_open_clip(p, beside->open_clip, err)
                             : pf_recipe_read_hf(p, beside->preprocessor, err);
}

/* The last four are sizes that OpenAI's TorchScript state dicts carry along, and a mask
 * that some open_clip files do. */
const pf_family pf_family_openai = {
    .name = "OpenAI CLIP",
    .telltales = {"transformer.resblocks.0.ln_1.weight", "visual.conv1.weight",
                  "token_embedding.weight", "visual.class_embedding"},
    .ignored = {"input_resolution", "context_length", "vocab_size", "attn_mask"},
    .text =
        {
            .tokens = "token_embedding.weight",
            .positions = "positional_embedding",
            .blocks = {.stem = "transformer.resblocks",
                       .norm1 = "ln_1",
                       .norm2 = "ln_2",
                       .qkv = "attn.in_proj_",
                       .output = "attn.out_proj",
                       .up = "mlp.c_fc",
                       .down = "mlp.c_proj"},
            .final_norm = "ln_final",
            .projection = {PF_PROJECTION_IN_OUT, "text_projection", NULL},
            .pooling = PF_POOL_END,
            .is_causal = true,
        },
    .image =
        {
            .patches = "visual.conv1",
            .class_row = "visual.class_embedding",
            .positions = "visual.positional_embedding",
            .first_norm = "visual.ln_pre",
            .blocks = {.stem = "visual.transformer.resblocks",
                       .norm1 = "ln_1",
                       .norm2 = "ln_2",
                       .qkv = "attn.in_proj_",
                       .output = "attn.out_proj",
                       .up = "mlp.c_fc",
                       .down = "mlp.c_proj"},
            .final_norm = "visual.ln_post",
            .projection = {PF_PROJECTION_IN_OUT, "visual.proj", NULL},
        },
    .tokenizer = PF_TOKENIZER_CLIP_BPE,
    .read_dims = read_dims,
    .read_preprocess = read_preprocess,
};
