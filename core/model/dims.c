/* dims.c - see dims.h. */
#include "core/model/dims.h"

#include <stdio.h>
#include <string.h>

enum {
    WIDTH_MAX = 8192,
    LAYERS_MAX = 128,
    MLP_MAX = 65536,
    CONTEXT_MAX = 4096,
    VOCAB_MAX = 1 << 20,
    SIDE_MAX = 2048,
    HEAD_WIDTH = 64, /* OpenAI's build_model: heads = width / 64 */
};

static const float layer_norm_eps = 1e-5f; /* torch.nn.LayerNorm, clip/model.py */

static bool in_range(const char *what, int64_t v, int64_t most, pf_err *err)
{
    if (v >= 1 && v <= most)
        return true;
    return pf_fail(err, PF_ERR_LIMIT, "%s is %lld, expected 1 to %lld", what,
                   (long long)v, (long long)most);
}

/* ---- config.json (Hugging Face) ---- */

static bool get_int(const pf_json *obj, const char *where, const char *key,
                    int64_t most, int *out, pf_err *err)
{
    int64_t v = 0;
    if (!pf_json_to_int(pf_json_get(obj, key), &v))
        return pf_fail(err, PF_ERR_FORMAT, "config.json: %s has no whole number '%s'",
                       where, key);
    char what[128];
    snprintf(what, sizeof what, "config.json: '%s' in %s", key, where);
    if (!in_range(what, v, most, err))
        return false;
    *out = (int)v;
    return true;
}

/* Hugging Face leaves a value out when it is its default for CLIP. */
static bool get_int_or(const pf_json *obj, const char *where, const char *key,
                       int64_t most, int fallback, int *out, pf_err *err)
{
    *out = fallback;
    return !pf_json_get(obj, key) || get_int(obj, where, key, most, out, err);
}

static bool read_stack(const pf_json *config, const char *where,
                       const pf_stack_dims *usual, pf_stack_dims *out, pf_err *err)
{
    if (!get_int_or(config, where, "hidden_size", WIDTH_MAX, usual->width, &out->width,
                    err) ||
        !get_int_or(config, where, "num_hidden_layers", LAYERS_MAX, usual->layers,
                    &out->layers, err) ||
        !get_int_or(config, where, "num_attention_heads", WIDTH_MAX, usual->heads,
                    &out->heads, err) ||
        !get_int_or(config, where, "intermediate_size", MLP_MAX, usual->mlp, &out->mlp,
                    err))
        return false;
    if (out->width % out->heads != 0)
        return pf_fail(
            err, PF_ERR_FORMAT,
            "config.json: %s has hidden_size %d, which %d heads do not divide", where,
            out->width, out->heads);
    const char *act = pf_json_string(pf_json_get(config, "hidden_act"), NULL);
    if (act && strcmp(act, "quick_gelu") != 0)
        return pf_fail(
            err, PF_ERR_UNSUPPORTED,
            "config.json: %s has hidden_act '%.40s', only 'quick_gelu' is known", where,
            act);
    double eps = 0;
    out->eps = layer_norm_eps;
    if (pf_json_to_real(pf_json_get(config, "layer_norm_eps"), &eps)) {
        if (!(eps > 0 && eps < 0.1))
            return pf_fail(err, PF_ERR_FORMAT, "config.json: %s has layer_norm_eps %g",
                           where, eps);
        out->eps = (float)eps;
    }
    return true;
}

static bool read_config(pf_dims *d, const pf_json *config, pf_err *err)
{
    /* What transformers' CLIPConfig assumes where a file is silent: ViT-B/32. */
    static const pf_stack_dims usual_text = {512, 12, 8, 2048, 0};
    static const pf_stack_dims usual_vision = {768, 12, 12, 3072, 0};
    const char *type = pf_json_string(pf_json_get(config, "model_type"), NULL);
    if (type && strcmp(type, "clip") != 0)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "config.json: model_type is '%.40s', expected 'clip'", type);
    const pf_json *text = pf_json_get(config, "text_config");
    const pf_json *vision = pf_json_get(config, "vision_config");
    if (!text || !vision)
        return pf_fail(err, PF_ERR_FORMAT, "config.json has no '%s'",
                       text ? "vision_config" : "text_config");
    d->vision = PF_VISION_VIT;
    int channels = 3;
    if (!get_int_or(config, "the top", "projection_dim", WIDTH_MAX, 512, &d->embed,
                    err) ||
        !read_stack(text, "text_config", &usual_text, &d->text, err) ||
        !read_stack(vision, "vision_config", &usual_vision, &d->vit, err) ||
        !get_int_or(text, "text_config", "vocab_size", VOCAB_MAX, 49408, &d->vocab,
                    err) ||
        !get_int_or(text, "text_config", "max_position_embeddings", CONTEXT_MAX, 77,
                    &d->context, err) ||
        !get_int_or(vision, "vision_config", "image_size", SIDE_MAX, 224,
                    &d->image_size, err) ||
        !get_int_or(vision, "vision_config", "patch_size", SIDE_MAX, 32, &d->patch,
                    err) ||
        !get_int_or(vision, "vision_config", "num_channels", 16, 3, &channels, err))
        return false;
    if (channels != 3)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "config.json: num_channels is %d, only 3 is known", channels);
    if (d->patch > d->image_size)
        return pf_fail(err, PF_ERR_FORMAT,
                       "config.json: patch_size %d is larger than image_size %d",
                       d->patch, d->image_size);
    d->grid = d->image_size / d->patch;
    return true;
}

/* ---- the tensors ---- */

static const pf_tensor *find(const pf_weights *w, const pf_dims *d, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s%s", d->prefix, name);
    return pf_weights_find(w, full);
}

/* Size `axis` of the tensor `name`, which must have that rank. */
static bool size_of(const pf_weights *w, const pf_dims *d, const char *name, int rank,
                    int axis, int64_t most, int *out, pf_err *err)
{
    const pf_tensor *t = find(w, d, name);
    if (!t)
        return pf_fail(err, PF_ERR_FORMAT, "tensor '%s%s' is missing", d->prefix, name);
    if (t->rank != rank)
        return pf_fail(err, PF_ERR_FORMAT, "tensor '%s%s' has rank %d, expected %d",
                       d->prefix, name, t->rank, rank);
    char what[200];
    snprintf(what, sizeof what, "size %d of tensor '%s%s'", axis, d->prefix, name);
    if (!in_range(what, t->shape[axis], most, err))
        return false;
    *out = (int)t->shape[axis];
    return true;
}

/* How many of "<stem>0<tail>", "<stem>1<tail>", ... there are without a gap. */
static int count_layers(const pf_weights *w, const pf_dims *d, const char *stem,
                        const char *tail)
{
    int n = 0;
    char name[128];
    do
        snprintf(name, sizeof name, "%s%d%s", stem, n, tail);
    while (n <= LAYERS_MAX && find(w, d, name) && ++n);
    return n;
}

static bool square_root(const char *what, int n, int *root, pf_err *err)
{
    int r = 0;
    while (r * r < n)
        r++;
    if (r == 0 || r * r != n)
        return pf_fail(err, PF_ERR_FORMAT, "%s has %d positions, not a square", what,
                       n);
    *root = r;
    return true;
}

static bool heads_of(pf_stack_dims *s, const char *tower, pf_err *err)
{
    if (s->width % HEAD_WIDTH != 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "the %s tower is %d wide, not a multiple of %d", tower, s->width,
                       HEAD_WIDTH);
    s->heads = s->width / HEAD_WIDTH;
    s->eps = layer_norm_eps;
    return s->layers > 0 ||
           pf_fail(err, PF_ERR_FORMAT, "the %s tower has no blocks", tower);
}

/* Names that differ between the two layouts, for reading sizes only. */
typedef struct {
    const char *token, *position, *text_blocks, *text_probe, *text_up, *projection;
    const char *patch, *vision_position, *vision_blocks, *vision_up;
    int projection_axis; /* which axis of `projection` is the embedding size */
} size_names;

static const size_names names_of[] = {
    [PF_NAMES_HF] = {"text_model.embeddings.token_embedding.weight",
                     "text_model.embeddings.position_embedding.weight",
                     "text_model.encoder.layers.", ".layer_norm1.weight",
                     "text_model.encoder.layers.0.mlp.fc1.weight",
                     "text_projection.weight",
                     "vision_model.embeddings.patch_embedding.weight",
                     "vision_model.embeddings.position_embedding.weight",
                     "vision_model.encoder.layers.",
                     "vision_model.encoder.layers.0.mlp.fc1.weight", 0},
    [PF_NAMES_OPENAI] = {"token_embedding.weight", "positional_embedding",
                         "transformer.resblocks.", ".ln_1.weight",
                         "transformer.resblocks.0.mlp.c_fc.weight", "text_projection",
                         "visual.conv1.weight", "visual.positional_embedding",
                         "visual.transformer.resblocks.",
                         "visual.transformer.resblocks.0.mlp.c_fc.weight", 1},
};

static bool read_text_sizes(pf_dims *d, const pf_weights *w, const size_names *n,
                            pf_err *err)
{
    d->text.layers = count_layers(w, d, n->text_blocks, n->text_probe);
    return size_of(w, d, n->token, 2, 0, VOCAB_MAX, &d->vocab, err) &&
           size_of(w, d, n->token, 2, 1, WIDTH_MAX, &d->text.width, err) &&
           size_of(w, d, n->position, 2, 0, CONTEXT_MAX, &d->context, err) &&
           size_of(w, d, n->projection, 2, n->projection_axis, WIDTH_MAX, &d->embed,
                   err) &&
           heads_of(&d->text, "text", err) &&
           size_of(w, d, n->text_up, 2, 0, MLP_MAX, &d->text.mlp, err);
}

static bool read_vit_sizes(pf_dims *d, const pf_weights *w, const size_names *n,
                           pf_err *err)
{
    int positions = 0;
    d->vision = PF_VISION_VIT;
    d->vit.layers = count_layers(w, d, n->vision_blocks, n->text_probe);
    if (!size_of(w, d, n->patch, 4, 0, WIDTH_MAX, &d->vit.width, err) ||
        !size_of(w, d, n->patch, 4, 3, SIDE_MAX, &d->patch, err) ||
        !size_of(w, d, n->vision_position, 2, 0, SIDE_MAX * SIDE_MAX, &positions,
                 err) ||
        !heads_of(&d->vit, "image", err) ||
        !size_of(w, d, n->vision_up, 2, 0, MLP_MAX, &d->vit.mlp, err) ||
        !square_root("the image tower's position table (class token apart)",
                     positions - 1, &d->grid, err))
        return false;
    d->image_size = d->grid * d->patch;
    return in_range("the image size (grid x patch)", d->image_size, SIDE_MAX, err);
}

static bool read_resnet_sizes(pf_dims *d, const pf_weights *w, pf_err *err)
{
    int positions = 0;
    d->vision = PF_VISION_RESNET;
    for (int s = 0; s < 4; s++) {
        char stem[32];
        snprintf(stem, sizeof stem, "visual.layer%d.", s + 1);
        d->stages[s] = count_layers(w, d, stem, ".conv1.weight");
        if (d->stages[s] == 0)
            return pf_fail(err, PF_ERR_FORMAT, "tensor '%s%s0.conv1.weight' is missing",
                           d->prefix, stem);
    }
    if (!size_of(w, d, "visual.layer1.0.conv1.weight", 4, 0, WIDTH_MAX / 32, &d->stem,
                 err) ||
        !size_of(w, d, "visual.attnpool.positional_embedding", 2, 0, SIDE_MAX,
                 &positions, err) ||
        !square_root("the attention pool's position table (mean token apart)",
                     positions - 1, &d->grid, err))
        return false;
    if (d->stem * 32 % HEAD_WIDTH != 0)
        return pf_fail(err, PF_ERR_FORMAT, "the ResNet is %d wide, not an even number",
                       d->stem);
    d->pool_heads = d->stem * 32 / HEAD_WIDTH; /* clip/model.py: width * 32 // 64 */
    d->image_size = d->grid * 32;
    return in_range("the image size (grid x 32)", d->image_size, SIDE_MAX, err);
}

static bool read_tensors(pf_dims *d, const pf_weights *w, pf_err *err)
{
    const size_names *n = &names_of[d->names];
    if (!read_text_sizes(d, w, n, err))
        return false;
    if (d->names == PF_NAMES_OPENAI && find(w, d, "visual.layer1.0.conv1.weight"))
        return read_resnet_sizes(d, w, err);
    return read_vit_sizes(d, w, n, err);
}

/* ---- together ---- */

static bool recognise_names(pf_dims *d, const pf_weights *w, pf_notes *notes,
                            pf_err *err)
{
    static const char *const prefixes[] = {"", "module.", "model.", "clip."};
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        d->prefix = prefixes[p];
        for (int layout = PF_NAMES_HF; layout <= PF_NAMES_OPENAI; layout++) {
            if (!find(w, d, names_of[layout].token))
                continue;
            d->names = (pf_names)layout;
            if (p > 0)
                pf_notes_add(notes,
                             "tensor names begin with '%s', which is passed over",
                             d->prefix);
            return true;
        }
    }
    return pf_fail(
        err, PF_ERR_UNSUPPORTED,
        "no CLIP model: neither tensor '%s' (Hugging Face) nor '%s' (OpenAI) is "
        "there",
        names_of[PF_NAMES_HF].token, names_of[PF_NAMES_OPENAI].token);
}

bool pf_dims_read(pf_dims *out, const pf_weights *weights, const pf_json *config,
                  pf_notes *notes, pf_err *err)
{
    *out = (pf_dims){0};
    if (!recognise_names(out, weights, notes, err))
        return false;
    /* OpenAI's names come with their own rules for the sizes; a config.json that lies
     * beside such a file belongs to something else. */
    if (config && out->names == PF_NAMES_HF)
        return read_config(out, config, err);
    if (config)
        pf_notes_add(notes,
                     "config.json is passed over: the checkpoint has OpenAI's names");
    return read_tensors(out, weights, err);
}

int pf_dims_grid_for(const pf_dims *d, int size)
{
    if (d->vision == PF_VISION_VIT)
        return size / d->patch;
    int side = (size + 1) / 2; /* the stem's first convolution, padded */
    for (int halvings = 0; halvings < 4; halvings++)
        side /= 2;
    return side;
}

static bool is_resnet(const pf_dims *d, int stem, const int stages[4])
{
    return d->vision == PF_VISION_RESNET && d->stem == stem &&
           memcmp(d->stages, stages, sizeof d->stages) == 0;
}

void pf_dims_describe(const pf_dims *d, char *text, size_t size)
{
    static const int rn50[4] = {3, 4, 6, 3}, rn50x4[4] = {4, 6, 10, 6};
    const pf_stack_dims *v = &d->vit;
    if (d->vision == PF_VISION_VIT && v->width == 768 && v->layers == 12)
        snprintf(text, size, "ViT-B/%d", d->patch);
    else if (d->vision == PF_VISION_VIT)
        snprintf(text, size, "ViT, %d blocks of width %d, patches of %d", v->layers,
                 v->width, d->patch);
    else if (is_resnet(d, 64, rn50))
        snprintf(text, size, "RN50");
    else if (is_resnet(d, 80, rn50x4))
        snprintf(text, size, "RN50x4");
    else
        snprintf(text, size, "ResNet, %d-%d-%d-%d blocks of width %d", d->stages[0],
                 d->stages[1], d->stages[2], d->stages[3], d->stem);
}

static size_t stack_parameters(const pf_stack_dims *s)
{
    size_t w = (size_t)s->width, m = (size_t)s->mlp;
    return (size_t)s->layers * (4 * (w * w + w) + 2 * w * m + w + m + 4 * w);
}

/* Convolution without bias and a batch norm with its two trained vectors. */
static size_t conv_parameters(size_t in, size_t out, size_t size)
{
    return size * size * in * out + 2 * out;
}

static size_t resnet_parameters(const pf_dims *d)
{
    size_t w = (size_t)d->stem, e = (size_t)d->embed, wide = 32 * w;
    size_t n = conv_parameters(3, w / 2, 3) + conv_parameters(w / 2, w / 2, 3) +
               conv_parameters(w / 2, w, 3);
    size_t in = w, mid = w;
    for (int s = 0; s < 4; s++, mid *= 2) {
        for (int b = 0; b < d->stages[s]; b++, in = 4 * mid)
            n += conv_parameters(in, mid, 1) + conv_parameters(mid, mid, 3) +
                 conv_parameters(mid, 4 * mid, 1) +
                 (b == 0 ? conv_parameters(in, 4 * mid, 1) : 0);
    }
    n += (size_t)(d->grid * d->grid + 1) * wide + 3 * (wide * wide + wide) + wide * e +
         e;
    return n;
}

size_t pf_dims_parameters(const pf_dims *d)
{
    size_t e = (size_t)d->embed, t = (size_t)d->text.width, v = (size_t)d->vit.width;
    size_t n = 1 + (size_t)(d->vocab + d->context) * t + stack_parameters(&d->text) +
               2 * t + t * e;
    if (d->vision == PF_VISION_RESNET)
        return n + resnet_parameters(d);
    size_t patch = (size_t)d->patch;
    return n + 3 * patch * patch * v + (size_t)(d->grid * d->grid + 2) * v +
           stack_parameters(&d->vit) + 4 * v + v * e;
}
