/* layers.c - which layers a tower has and how each is packed, in one fixed order: that
 * in which their weights lie (pack.h). See tower.h. */
#include "core/model/tower.h"

#include "core/base/mem.h"
#include "core/model/winograd.h"

static bool add_as(pf_layers *l, pf_layer layer, pf_err *err)
{
    if (!pf_grow_array(&l->at, &l->room, l->n, sizeof *l->at, err))
        return false;
    l->at[l->n++] = layer;
    return true;
}

static bool add(pf_layers *l, pf_linear *linear, pf_err *err)
{
    return add_as(l, (pf_layer){linear, l->precision, NULL}, err);
}

/* By its points where that can be: floats are then faster than integers of 16 bits, and
 * lose less. Integers of 8 bits are faster still. */
static bool add_conv(pf_layers *l, pf_conv *c, pf_err *err)
{
    c->has_points = l->precision != PF_PRECISION_I8 && pf_winograd_fits(c);
    if (!c->has_points)
        return add(l, &c->kernel, err);
    c->points = pf_winograd_points(c);
    return add_as(l, (pf_layer){&c->points, PF_PRECISION_F32, c}, err);
}

static bool add_stack(pf_layers *l, pf_stack *stack, pf_err *err)
{
    for (int i = 0; i < stack->dims.layers; i++) {
        pf_block *b = &stack->blocks[i];
        if (!add(l, &b->query, err) || !add(l, &b->key, err) ||
            !add(l, &b->value, err) || !add(l, &b->output, err) ||
            !add(l, &b->up, err) || !add(l, &b->down, err))
            return false;
    }
    return true;
}

static bool add_projection(pf_layers *l, pf_projection *p, pf_err *err)
{
    return p->kind == PF_PROJECTION_NONE ||
           (add(l, &p->first, err) &&
            (p->kind != PF_PROJECTION_TWO || add(l, &p->second, err)));
}

static bool add_head(pf_layers *l, pf_head *h, pf_err *err)
{
    return !h->probe ||
           (add(l, &h->query, err) && add(l, &h->key, err) && add(l, &h->value, err) &&
            add(l, &h->output, err) && add(l, &h->up, err) && add(l, &h->down, err));
}

static bool add_vit(pf_layers *l, pf_vit_tower *v, pf_err *err)
{
    return add(l, &v->patches, err) && add_stack(l, &v->stack, err) &&
           add_head(l, &v->head, err) && add_projection(l, &v->projection, err);
}

static bool add_resnet(pf_layers *l, pf_resnet_tower *r, pf_err *err)
{
    for (size_t i = 0; i < 3; i++) {
        if (!add_conv(l, &r->stem[i], err))
            return false;
    }
    for (size_t i = 0; i < r->n_blocks; i++) {
        pf_bottleneck *b = &r->blocks[i];
        if (!add_conv(l, &b->reduce, err) || !add_conv(l, &b->spatial, err) ||
            !add_conv(l, &b->expand, err) ||
            (b->has_shortcut && !add_conv(l, &b->shortcut, err)))
            return false;
    }
    return add(l, &r->query, err) && add(l, &r->key, err) && add(l, &r->value, err) &&
           add(l, &r->output, err);
}

bool pf_layers_of(pf_layers *l, pf_clip *clip, unsigned tower, pf_err *err)
{
    if (tower == PF_CLIP_TEXT)
        return add_stack(l, &clip->text.stack, err) &&
               add_projection(l, &clip->text.projection, err);
    return clip->dims.vision == PF_VISION_VIT ? add_vit(l, &clip->vit, err)
                                              : add_resnet(l, &clip->resnet, err);
}
