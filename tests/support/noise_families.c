/*
 * noise_families.c - BiomedCLIP and SigLIP of noise: their tensors by name, their
 * configs, and a small tokenizer of their kind that has as many tokens as the model.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tests/support/noise_list.h"

static void add(pf_noise_list *l, int rank, int64_t a, int64_t b, int64_t c, int64_t d,
                const char *name)
{
    const int64_t shape[4] = {a, b, c, d};
    pf_noise_list_add(l, name, name, rank, shape);
}

static void add_linear(pf_noise_list *l, const char *stem, const char *name,
                       int64_t out, int64_t in)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s.weight", stem, name);
    add(l, 2, out, in, 0, 0, full);
    snprintf(full, sizeof full, "%s%s.bias", stem, name);
    add(l, 1, out, 0, 0, 0, full);
}

static void add_norm(pf_noise_list *l, const char *stem, const char *name,
                     int64_t width)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s.weight", stem, name);
    add(l, 1, width, 0, 0, 0, full);
    snprintf(full, sizeof full, "%s%s.bias", stem, name);
    add(l, 1, width, 0, 0, 0, full);
}

/* ---- CLIP, as open_clip keeps it ---- */

void pf_noise_write_open_clip(const pf_noise_variant *v, FILE *f)
{
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_object(&w, NULL);
    pf_json_begin_object(&w, "model_cfg");
    pf_json_write_int(&w, "embed_dim", v->embed);
    if (!v->is_exact)
        pf_json_write_bool(&w, "quick_gelu", true);
    pf_json_begin_object(&w, "vision_cfg");
    pf_json_write_int(&w, "image_size", v->image_size);
    pf_json_write_int(&w, "layers", v->stages[0]);
    pf_json_write_int(&w, "width", v->vision_width);
    pf_json_write_int(&w, "patch_size", v->patch);
    if (v->head_width)
        pf_json_write_int(&w, "head_width", v->head_width);
    pf_json_end_object(&w);
    pf_json_begin_object(&w, "text_cfg");
    pf_json_write_int(&w, "context_length", v->context);
    pf_json_write_int(&w, "vocab_size", v->vocab);
    pf_json_write_int(&w, "width", v->text_width);
    pf_json_write_int(&w, "heads", v->text_heads);
    pf_json_write_int(&w, "layers", v->text_layers);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
}

/* ---- BiomedCLIP ---- */

static void add_timm_vit(pf_noise_list *l)
{
    const pf_noise_variant *v = l->v;
    const int64_t d = v->vision_width, grid = v->image_size / v->patch;
    add(l, 3, 1, 1, d, 0, "visual.trunk.cls_token");
    add(l, 3, 1, grid * grid + 1, d, 0, "visual.trunk.pos_embed");
    add(l, 4, d, 3, v->patch, v->patch, "visual.trunk.patch_embed.proj.weight");
    add(l, 1, d, 0, 0, 0, "visual.trunk.patch_embed.proj.bias");
    for (int i = 0; i < v->stages[0]; i++) {
        char stem[64];
        snprintf(stem, sizeof stem, "visual.trunk.blocks.%d.", i);
        add_norm(l, stem, "norm1", d);
        add_linear(l, stem, "attn.qkv", 3 * d, d);
        add_linear(l, stem, "attn.proj", d, d);
        add_norm(l, stem, "norm2", d);
        add_linear(l, stem, "mlp.fc1", v->vision_mlp, d);
        add_linear(l, stem, "mlp.fc2", d, v->vision_mlp);
    }
    add_norm(l, "visual.trunk.", "norm", d);
    add(l, 2, v->embed, d, 0, 0, "visual.head.proj.weight");
}

static void add_bert(pf_noise_list *l)
{
    const pf_noise_variant *v = l->v;
    const int64_t t = v->text_width, middle = (t + v->embed) / 2;
    add(l, 2, v->vocab, t, 0, 0, "text.transformer.embeddings.word_embeddings.weight");
    add(l, 2, v->positions, t, 0, 0,
        "text.transformer.embeddings.position_embeddings.weight");
    add(l, 2, 2, t, 0, 0, "text.transformer.embeddings.token_type_embeddings.weight");
    add_norm(l, "text.transformer.embeddings.", "LayerNorm", t);
    for (int i = 0; i < v->text_layers; i++) {
        char stem[64];
        snprintf(stem, sizeof stem, "text.transformer.encoder.layer.%d.", i);
        add_linear(l, stem, "attention.self.query", t, t);
        add_linear(l, stem, "attention.self.key", t, t);
        add_linear(l, stem, "attention.self.value", t, t);
        add_linear(l, stem, "attention.output.dense", t, t);
        add_norm(l, stem, "attention.output.LayerNorm", t);
        add_linear(l, stem, "intermediate.dense", v->text_mlp, t);
        add_linear(l, stem, "output.dense", t, v->text_mlp);
        add_norm(l, stem, "output.LayerNorm", t);
    }
    add(l, 2, middle, t, 0, 0, "text.proj.0.weight");
    add(l, 2, v->embed, middle, 0, 0, "text.proj.2.weight");
}

static void write_open_clip_config(const pf_noise_variant *v, FILE *f)
{
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_object(&w, NULL);
    pf_json_begin_object(&w, "model_cfg");
    pf_json_write_int(&w, "embed_dim", v->embed);
    pf_json_begin_object(&w, "vision_cfg");
    pf_json_write_string(&w, "timm_model_name", "vit_base_patch16_224");
    pf_json_write_string(&w, "timm_pool", "");
    pf_json_write_string(&w, "timm_proj", "linear");
    pf_json_write_int(&w, "image_size", v->image_size);
    pf_json_end_object(&w);
    pf_json_begin_object(&w, "text_cfg");
    pf_json_write_string(&w, "hf_model_name", "a BERT");
    pf_json_write_string(&w, "hf_proj_type", "mlp");
    pf_json_write_string(&w, "hf_pooler_type", "cls_last_hidden_state_pooler");
    pf_json_write_int(&w, "context_length", v->context);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
}

/* The five marks, single characters, and names to fill the rest. */
static void write_vocabulary(const pf_noise_variant *v, FILE *f)
{
    int n = 5;
    fputs("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", f);
    for (char c = '!'; c <= '~'; c++) {
        if (c < 'A' || c > 'Z')
            n += fprintf(f, "%c\n", c) > 0;
    }
    for (char c = 'a'; c <= 'z'; c++)
        n += fprintf(f, "##%c\n", c) > 0;
    while (n < v->vocab)
        fprintf(f, "[unused%d]\n", n++);
}

/* ---- SigLIP ---- */

static void add_siglip_tower(pf_noise_list *l, const char *tower, int layers, int64_t d,
                             int64_t mlp)
{
    for (int i = 0; i < layers; i++) {
        char stem[64];
        snprintf(stem, sizeof stem, "%s.encoder.layers.%d.", tower, i);
        add_norm(l, stem, "layer_norm1", d);
        add_norm(l, stem, "layer_norm2", d);
        add_linear(l, stem, "mlp.fc1", mlp, d);
        add_linear(l, stem, "mlp.fc2", d, mlp);
        add_linear(l, stem, "self_attn.k_proj", d, d);
        add_linear(l, stem, "self_attn.out_proj", d, d);
        add_linear(l, stem, "self_attn.q_proj", d, d);
        add_linear(l, stem, "self_attn.v_proj", d, d);
    }
}

static void add_siglip(pf_noise_list *l)
{
    static const char head[] = "vision_model.head.";
    const pf_noise_variant *v = l->v;
    const int64_t d = v->vision_width, t = v->text_width;
    const int64_t grid = v->image_size / v->patch;
    add(l, 1, 1, 0, 0, 0, "logit_bias");
    add(l, 2, v->context, t, 0, 0, "text_model.embeddings.position_embedding.weight");
    add(l, 2, v->vocab, t, 0, 0, "text_model.embeddings.token_embedding.weight");
    add_siglip_tower(l, "text_model", v->text_layers, t, v->text_mlp);
    add_norm(l, "text_model.", "final_layer_norm", t);
    add_linear(l, "text_model.", "head", v->embed, t);
    add(l, 4, d, 3, v->patch, v->patch,
        "vision_model.embeddings.patch_embedding.weight");
    add(l, 1, d, 0, 0, 0, "vision_model.embeddings.patch_embedding.bias");
    add(l, 2, grid * grid, d, 0, 0,
        "vision_model.embeddings.position_embedding.weight");
    add_siglip_tower(l, "vision_model", v->stages[0], d, v->vision_mlp);
    add_norm(l, "vision_model.", "post_layernorm", d);
    add(l, 3, 1, 1, d, 0, "vision_model.head.probe");
    add(l, 2, 3 * d, d, 0, 0, "vision_model.head.attention.in_proj_weight");
    add(l, 1, 3 * d, 0, 0, 0, "vision_model.head.attention.in_proj_bias");
    add_linear(l, head, "attention.out_proj", d, d);
    add_norm(l, head, "layernorm", d);
    add_linear(l, head, "mlp.fc1", v->vision_mlp, d);
    add_linear(l, head, "mlp.fc2", d, v->vision_mlp);
}

static void write_tower(pf_json_writer *w, int width, int layers, int heads, int mlp)
{
    pf_json_write_int(w, "hidden_size", width);
    pf_json_write_int(w, "num_hidden_layers", layers);
    pf_json_write_int(w, "num_attention_heads", heads);
    pf_json_write_int(w, "intermediate_size", mlp);
}

static void write_siglip_config(const pf_noise_variant *v, FILE *f)
{
    const int head_width = v->head_width ? v->head_width : 64;
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, "model_type", "siglip");
    pf_json_begin_object(&w, "text_config");
    write_tower(&w, v->text_width, v->text_layers, v->text_heads, v->text_mlp);
    pf_json_write_int(&w, "vocab_size", v->vocab);
    if (v->context != 64) /* which is what silence means */
        pf_json_write_int(&w, "max_position_embeddings", v->context);
    pf_json_end_object(&w);
    pf_json_begin_object(&w, "vision_config");
    write_tower(&w, v->vision_width, v->stages[0], v->vision_width / head_width,
                v->vision_mlp);
    pf_json_write_int(&w, "image_size", v->image_size);
    pf_json_write_int(&w, "patch_size", v->patch);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
}

static void write_siglip_preprocessor(const pf_noise_variant *v, FILE *f)
{
    fprintf(f,
            "{\"do_resize\": true, \"resample\": 3, \"size\": {\"height\": %d, "
            "\"width\": %d},\n \"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.5, "
            "0.5, 0.5]}\n",
            v->image_size, v->image_size);
}

static void write_piece(pf_json_writer *w, const char *text, double score)
{
    pf_json_begin_array(w, NULL);
    pf_json_write_string(w, NULL, text);
    pf_json_write_real(w, NULL, score, 9);
    pf_json_end_array(w);
}

/* Characters, alone and behind a blank, and names to fill the rest; </s> is 1. */
static void write_pieces(const pf_noise_variant *v, FILE *f)
{
    char text[32];
    int n = 3;
    pf_json_writer w;
    fputs(
        "{\"added_tokens\": [{\"id\": 1, \"content\": \"</s>\", \"special\": true}],\n"
        " \"model\": {\"type\": \"Unigram\", \"unk_id\": 2, \"vocab\": ",
        f);
    pf_json_writer_init(&w, f);
    pf_json_begin_array(&w, NULL);
    write_piece(&w, "<pad>", 0);
    write_piece(&w, "</s>", 0);
    write_piece(&w, "<unk>", 0);
    write_piece(&w, "\xE2\x96\x81", -4);
    for (n = 4; n < 4 + 2 * 36; n++) {
        const int c = (n - 4) / 2;
        snprintf(text, sizeof text, "%s%c", n % 2 ? "\xE2\x96\x81" : "",
                 c < 26 ? 'a' + c : '0' + c - 26);
        write_piece(&w, text, -2 - (double)c / 10);
    }
    for (; n < v->vocab; n++) {
        snprintf(text, sizeof text, "\xC2\xA4%d", n);
        write_piece(&w, text, -20);
    }
    pf_json_end_array(&w);
    fputs("}}\n", f);
}

/* ---- folders ---- */

static bool write_weights(pf_noise_list *l, const char *folder, const char *name,
                          pf_err *err)
{
    char *path = pf_path_join(folder, name, err);
    const bool ok = path && pf_noise_list_write(l, path, false, err);
    pf_free(path);
    return ok;
}

static bool write_biomedclip(pf_noise_list *l, const char *folder, pf_err *err)
{
    add_timm_vit(l);
    add_bert(l);
    return pf_noise_write_file(l->v, folder, "open_clip_config.json",
                               write_open_clip_config, err) &&
           pf_noise_write_file(l->v, folder, "vocab.txt", write_vocabulary, err) &&
           write_weights(l, folder, "open_clip_model.safetensors", err);
}

static bool write_siglip(pf_noise_list *l, const char *folder, pf_err *err)
{
    add_siglip(l);
    return pf_noise_write_file(l->v, folder, "config.json", write_siglip_config, err) &&
           pf_noise_write_file(l->v, folder, "preprocessor_config.json",
                               write_siglip_preprocessor, err) &&
           pf_noise_write_file(l->v, folder, "tokenizer.json", write_pieces, err) &&
           write_weights(l, folder, "model.safetensors", err);
}

bool pf_noise_family_write(const pf_noise_variant *v, const char *folder, pf_err *err)
{
    pf_noise_list l = {.v = v};
    if (!pf_make_folders(folder, 0777, err))
        return false;
    add(&l, v->family == PF_NOISE_SIGLIP ? 1 : 0, 1, 0, 0, 0, "logit_scale");
    const bool ok = (v->family == PF_NOISE_SIGLIP ? write_siglip : write_biomedclip)(
                        &l, folder, err) &&
                    !l.failed;
    pf_free(l.at);
    return ok;
}
