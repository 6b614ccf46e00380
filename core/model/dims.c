/* dims.c - see dims.h. */
#include "core/model/dims.h"

#include <stdio.h>
#include <string.h>

#include "core/model/family.h"

int pf_dims_class_rows(const pf_dims *d)
{
    return d->family->image.class_row != NULL;
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

/* ---- names for people ---- */

static const struct {
    const char *name;
    int width, layers;
} vits[] = {
    {"ViT-B", 768, 12},
    {"ViT-L", 1024, 24},
    {"ViT-H", 1280, 32},
    {"ViT-So400m", 1152, 27},
};

static const struct {
    const char *name;
    int stem, stages[4];
} resnets[] = {
    {"RN50", 64, {3, 4, 6, 3}},
    {"RN50x4", 80, {4, 6, 10, 6}},
};

static void describe_vit(const pf_dims *d, char *text, size_t size)
{
    const pf_stack_dims *v = &d->vit;
    for (size_t i = 0; i < sizeof vits / sizeof *vits; i++) {
        if (vits[i].width == v->width && vits[i].layers == v->layers) {
            snprintf(text, size, "%s/%d", vits[i].name, d->patch);
            return;
        }
    }
    snprintf(text, size, "ViT, %d blocks of width %d, patches of %d", v->layers,
             v->width, d->patch);
}

void pf_dims_describe(const pf_dims *d, char *text, size_t size)
{
    if (d->vision == PF_VISION_VIT) {
        describe_vit(d, text, size);
        return;
    }
    for (size_t i = 0; i < sizeof resnets / sizeof *resnets; i++) {
        if (resnets[i].stem == d->stem &&
            memcmp(resnets[i].stages, d->stages, sizeof d->stages) == 0) {
            snprintf(text, size, "%s", resnets[i].name);
            return;
        }
    }
    snprintf(text, size, "ResNet, %d-%d-%d-%d blocks of width %d", d->stages[0],
             d->stages[1], d->stages[2], d->stages[3], d->stem);
}

void pf_dims_describe_text(const pf_dims *d, char *text, size_t size)
{
    snprintf(text, size, "%d blocks of width %d", d->text.layers, d->text.width);
}

void pf_dims_describe_model(const pf_dims *d, char *text, size_t size)
{
    const char *name = d->family->published;
    const int n = name ? snprintf(text, size, "%s, ", name) : 0;
    if (n >= 0 && (size_t)n < size)
        pf_dims_describe(d, text + n, size - (size_t)n);
}

/* ---- counting ---- */

static size_t linear_parameters(size_t in, size_t out, bool has_bias)
{
    return in * out + (has_bias ? out : 0);
}

static size_t stack_parameters(const pf_stack_dims *s)
{
    size_t w = (size_t)s->width, m = (size_t)s->mlp;
    return (size_t)s->layers * (4 * (w * w + w) + 2 * w * m + w + m + 4 * w);
}

static size_t projection_parameters(const pf_projection_parts *p, size_t in,
                                    size_t middle, size_t out)
{
    if (p->kind == PF_PROJECTION_NONE)
        return 0;
    if (p->kind == PF_PROJECTION_TWO)
        return in * middle + middle * out;
    return linear_parameters(in, out, p->kind == PF_PROJECTION_BIASED);
}

static size_t text_parameters(const pf_dims *d)
{
    const pf_text_parts *p = &d->family->text;
    const size_t w = (size_t)d->text.width;
    const size_t rows = (size_t)(d->vocab + d->positions) + (p->kinds ? 2 : 0);
    const size_t norms = (p->first_norm ? 1u : 0u) + (p->final_norm ? 1u : 0u);
    return rows * w + norms * 2 * w + stack_parameters(&d->text) +
           projection_parameters(&p->projection, w, (size_t)d->middle,
                                 (size_t)d->embed);
}

/* The probe, its attention, a norm and an MLP. */
static size_t head_parameters(const pf_stack_dims *v)
{
    const size_t w = (size_t)v->width, m = (size_t)v->mlp;
    return w + 4 * linear_parameters(w, w, true) + 2 * w +
           linear_parameters(w, m, true) + linear_parameters(m, w, true);
}

static size_t vit_parameters(const pf_dims *d)
{
    const pf_image_parts *p = &d->family->image;
    const size_t w = (size_t)d->vit.width, patch = (size_t)d->patch;
    const size_t front = (size_t)pf_dims_class_rows(d);
    const size_t rows = (size_t)(d->grid * d->grid) + 2 * front;
    const size_t norms = (p->first_norm ? 1u : 0u) + (p->final_norm ? 1u : 0u);
    return linear_parameters(3 * patch * patch, w, p->patches_have_bias) + rows * w +
           norms * 2 * w + stack_parameters(&d->vit) +
           (p->head ? head_parameters(&d->vit) : 0) +
           projection_parameters(&p->projection, w, 0, (size_t)d->embed);
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
    const size_t scalars = d->family->logit_bias ? 2 : 1;
    return scalars + text_parameters(d) +
           (d->vision == PF_VISION_RESNET ? resnet_parameters(d) : vit_parameters(d));
}

/* ---- working memory ---- */

/* Of one row: the stream, what is normed of it, query, key and value, the MLP. */
static size_t row_bytes(const pf_stack_dims *s)
{
    return (5 * (size_t)s->width + (size_t)s->mlp) * sizeof(float);
}

size_t pf_dims_text_bytes(const pf_dims *d)
{
    return (size_t)d->context * row_bytes(&d->text);
}

size_t pf_dims_picture_bytes(const pf_dims *d)
{
    const size_t cells = (size_t)(d->grid * d->grid), patch = (size_t)d->patch;
    if (d->vision == PF_VISION_RESNET)
        return (cells + 1) * 3 * 32 * (size_t)d->stem * sizeof(float);
    return (cells + (size_t)pf_dims_class_rows(d)) * row_bytes(&d->vit) +
           cells * 3 * patch * patch * sizeof(float);
}
