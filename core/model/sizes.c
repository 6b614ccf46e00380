/* sizes.c - see sizes.h. */
#include "core/model/sizes.h"

#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 192 };

bool pf_size_check(const char *what, int64_t v, int64_t most, pf_err *err)
{
    if (v >= 1 && v <= most)
        return true;
    return pf_fail(err, PF_ERR_LIMIT, "%s is %lld, expected 1 to %lld", what,
                   (long long)v, (long long)most);
}

/* ---- tensors ---- */

const pf_tensor *pf_size_find(const pf_weights *w, const pf_dims *d, const char *name)
{
    char full[NAME_ROOM];
    snprintf(full, sizeof full, "%s%s", d->prefix, name);
    return pf_weights_find(w, full);
}

bool pf_size_of(const pf_weights *w, const pf_dims *d, const char *name, int rank,
                int axis, int64_t most, int *out, pf_err *err)
{
    const pf_tensor *t = pf_size_find(w, d, name);
    if (!t)
        return pf_fail(err, PF_ERR_FORMAT, "tensor '%s%s' is missing", d->prefix, name);
    if (t->rank != rank)
        return pf_fail(err, PF_ERR_FORMAT, "tensor '%s%s' has rank %d, expected %d",
                       d->prefix, name, t->rank, rank);
    char what[NAME_ROOM + 32];
    snprintf(what, sizeof what, "size %d of tensor '%s%s'", axis, d->prefix, name);
    if (!pf_size_check(what, t->shape[axis], most, err))
        return false;
    *out = (int)t->shape[axis];
    return true;
}

int pf_size_count(const pf_weights *w, const pf_dims *d, const char *stem,
                  const char *tail)
{
    int n = 0;
    char name[NAME_ROOM];
    do
        snprintf(name, sizeof name, "%s%d%s", stem, n, tail);
    while (n <= PF_LAYERS_MAX && pf_size_find(w, d, name) && ++n);
    return n;
}

bool pf_size_root(const char *what, int n, int *root, pf_err *err)
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

bool pf_size_heads(pf_stack_dims *s, const char *tower, int head_width, pf_err *err)
{
    if (s->width % head_width != 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "the %s tower is %d wide, not a multiple of %d", tower, s->width,
                       head_width);
    s->heads = s->width / head_width;
    return true;
}

/* Layers and the width of the MLP, by the names of the blocks. */
static bool size_blocks(pf_stack_dims *s, const pf_dims *d, const pf_weights *w,
                        const pf_block_parts *parts, const char *tower, pf_err *err)
{
    char stem[NAME_ROOM], tail[64], up[NAME_ROOM];
    snprintf(stem, sizeof stem, "%s.", parts->stem);
    snprintf(tail, sizeof tail, ".%s.weight", parts->norm1);
    snprintf(up, sizeof up, "%s.0.%s.weight", parts->stem, parts->up);
    s->layers = pf_size_count(w, d, stem, tail);
    if (s->layers == 0)
        return pf_fail(err, PF_ERR_FORMAT, "the %s tower has no blocks", tower);
    return pf_size_check("the number of blocks", s->layers, PF_LAYERS_MAX, err) &&
           pf_size_of(w, d, up, 2, 0, PF_MLP_MAX, &s->mlp, err);
}

static bool size_embed(pf_dims *d, const pf_weights *w, const pf_projection_parts *p,
                       pf_err *err)
{
    char name[NAME_ROOM];
    snprintf(name, sizeof name, "%s%s",
             p->kind == PF_PROJECTION_TWO ? p->second : p->name,
             p->kind == PF_PROJECTION_IN_OUT ? "" : ".weight");
    if (!pf_size_of(w, d, name, 2, p->kind == PF_PROJECTION_IN_OUT, PF_WIDTH_MAX,
                    &d->embed, err))
        return false;
    snprintf(name, sizeof name, "%s.weight", p->name);
    return p->kind != PF_PROJECTION_TWO ||
           pf_size_of(w, d, name, 2, 0, PF_WIDTH_MAX, &d->middle, err);
}

bool pf_size_text(pf_dims *d, const pf_weights *w, pf_err *err)
{
    const pf_text_parts *t = &d->family->text;
    d->end_id = -1;
    if (!pf_size_of(w, d, t->tokens, 2, 0, PF_VOCAB_MAX, &d->vocab, err) ||
        !pf_size_of(w, d, t->tokens, 2, 1, PF_WIDTH_MAX, &d->text.width, err) ||
        !pf_size_of(w, d, t->positions, 2, 0, PF_CONTEXT_MAX, &d->positions, err) ||
        !size_embed(d, w, &t->projection, err))
        return false;
    d->context = d->positions;
    return size_blocks(&d->text, d, w, &t->blocks, "text", err);
}

bool pf_size_vit(pf_dims *d, const pf_weights *w, pf_err *err)
{
    const pf_image_parts *v = &d->family->image;
    const int front = v->is_boxed;
    char patches[NAME_ROOM];
    int rows = 0;
    snprintf(patches, sizeof patches, "%s.weight", v->patches);
    d->vision = PF_VISION_VIT;
    if (!pf_size_of(w, d, patches, 4, 0, PF_WIDTH_MAX, &d->vit.width, err) ||
        !pf_size_of(w, d, patches, 4, 3, PF_SIDE_MAX, &d->patch, err) ||
        !pf_size_of(w, d, v->positions, 2 + front, front, PF_SIDE_MAX * PF_SIDE_MAX,
                    &rows, err) ||
        !size_blocks(&d->vit, d, w, &v->blocks, "image", err) ||
        !pf_size_root(v->class_row
                          ? "the image tower's position table (class token apart)"
                          : "the image tower's position table",
                      rows - pf_dims_class_rows(d), &d->grid, err))
        return false;
    d->image_size = d->grid * d->patch;
    return pf_size_check("the image size (grid x patch)", d->image_size, PF_SIDE_MAX,
                         err);
}

/* ---- JSON ---- */

static bool is_absent(const pf_json *v)
{
    return !v || pf_json_get_kind(v) == PF_JSON_NULL;
}

bool pf_config_int(const pf_config *c, const char *key, int64_t most, int fallback,
                   int *out, pf_err *err)
{
    int64_t v = 0;
    const pf_json *value = pf_json_get(c->object, key);
    *out = fallback;
    if (is_absent(value))
        return true;
    if (!pf_json_to_int(value, &v))
        return pf_fail(err, PF_ERR_FORMAT, "%s: %s has no whole number '%s'", c->file,
                       c->where, key);
    char what[NAME_ROOM];
    snprintf(what, sizeof what, "%s: '%s' in %s", c->file, key, c->where);
    if (!pf_size_check(what, v, most, err))
        return false;
    *out = (int)v;
    return true;
}

bool pf_config_bool(const pf_config *c, const char *key, bool fallback, bool *out,
                    pf_err *err)
{
    const pf_json *value = pf_json_get(c->object, key);
    *out = fallback;
    return is_absent(value) || pf_json_to_bool(value, out) ||
           pf_fail(err, PF_ERR_FORMAT, "%s: '%s' in %s is neither true nor false",
                   c->file, key, c->where);
}

bool pf_config_agrees(const pf_config *c, const char *key, int found, pf_err *err)
{
    int said = 0;
    return pf_config_int(c, key, INT32_MAX, found, &said, err) &&
           (said == found ||
            pf_fail(err, PF_ERR_MISMATCH, "%s: '%s' in %s is %d, the tensors have %d",
                    c->file, key, c->where, said, found));
}

bool pf_config_is(const pf_config *c, const char *key, const char *only, pf_err *err)
{
    const pf_json *value = pf_json_get(c->object, key);
    const char *word = pf_json_string(value, NULL);
    bool is_on = true;
    if (is_absent(value) || (pf_json_to_bool(value, &is_on) && !is_on) ||
        (word && (!*word || strcmp(word, only) == 0)))
        return true;
    return pf_fail(err, PF_ERR_UNSUPPORTED, "%s: %s has %s '%.40s', only '%s' is known",
                   c->file, c->where, key, word ? word : "something else", only);
}

static const struct {
    const char *in_config, *name;
    pf_activation activation;
} activations[] = {
    {"quick_gelu", "quick-gelu", PF_QUICK_GELU},
    {"gelu", "gelu", PF_GELU},
    {"gelu_pytorch_tanh", "gelu-tanh", PF_GELU_TANH},
    {"gelu_new", "gelu-tanh", PF_GELU_TANH},
};

enum { ACTIVATIONS = sizeof activations / sizeof *activations };

bool pf_config_activation(const pf_config *c, const char *key, pf_activation fallback,
                          pf_activation *out, pf_err *err)
{
    const pf_json *value = pf_json_get(c->object, key);
    const char *word = pf_json_string(value, NULL);
    *out = fallback;
    if (is_absent(value))
        return true;
    for (size_t i = 0; word && i < ACTIVATIONS; i++) {
        if (strcmp(word, activations[i].in_config) == 0) {
            *out = activations[i].activation;
            return true;
        }
    }
    return pf_fail(err, PF_ERR_UNSUPPORTED,
                   "%s: %s has %s '%.40s', only 'quick_gelu', 'gelu', 'gelu_new' and "
                   "'gelu_pytorch_tanh' are known",
                   c->file, c->where, key, word ? word : "that is no name");
}

const char *pf_activation_name(pf_activation activation)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) {
        if (activations[i].activation == activation)
            return activations[i].name;
    }
    return "unknown";
}

pf_activation pf_activation_find(const char *name)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) {
        if (strcmp(activations[i].name, name) == 0)
            return activations[i].activation;
    }
    return PF_ACTIVATION_UNKNOWN;
}

bool pf_activation_agrees(pf_activation said, const char *where, pf_activation asked,
                          pf_err *err)
{
    return asked == PF_ACTIVATION_UNKNOWN || asked == said ||
           pf_fail(err, PF_ERR_MISUSE, "activation '%s' was asked for, but %s has '%s'",
                   pf_activation_name(asked), where, pf_activation_name(said));
}

bool pf_config_stack(const pf_config *c, pf_stack_dims *out, pf_err *err)
{
    if (!pf_config_int(c, "hidden_size", PF_WIDTH_MAX, out->width, &out->width, err) ||
        !pf_config_int(c, "num_hidden_layers", PF_LAYERS_MAX, out->layers, &out->layers,
                       err) ||
        !pf_config_int(c, "num_attention_heads", PF_WIDTH_MAX, out->heads, &out->heads,
                       err) ||
        !pf_config_int(c, "intermediate_size", PF_MLP_MAX, out->mlp, &out->mlp, err))
        return false;
    if (out->width % out->heads != 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "%s: %s has hidden_size %d, which %d heads do not divide",
                       c->file, c->where, out->width, out->heads);
    double eps = 0;
    if (pf_json_to_real(pf_json_get(c->object, "layer_norm_eps"), &eps)) {
        if (!(eps > 0 && eps < 0.1))
            return pf_fail(err, PF_ERR_FORMAT, "%s: %s has layer_norm_eps %g", c->file,
                           c->where, eps);
        out->eps = (float)eps;
    }
    return pf_config_activation(c, "hidden_act", out->activation, &out->activation,
                                err);
}
