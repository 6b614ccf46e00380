/* layers.c - which linear layers a tower has, in one fixed order: that in which their
 * packed weights lie (pack.h). See tower.h. */
#include "core/model/tower.h"

#include "core/base/mem.h"

static bool add(pf_layers *l, pf_linear *layer, pf_err *err)
{
    if (!pf_grow_array(&l->at, &l->room, l->n, sizeof *l->at, err))
        return false;
    l->at[l->n++] = layer;
    return true;
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
        if (!add(l, &r->stem[i].kernel, err))
            return false;
    }
    for (size_t i = 0; i < r->n_blocks; i++) {
        pf_bottleneck *b = &r->blocks[i];
        if (!add(l, &b->reduce.kernel, err) || !add(l, &b->spatial.kernel, err) ||
            !add(l, &b->expand.kernel, err) ||
            (b->has_shortcut && !add(l, &b->shortcut.kernel, err)))
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
