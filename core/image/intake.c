/* intake.c - see intake.h. */
#include "core/image/intake.h"

#include <stdio.h>

static void describe(pf_intake *v, const pf_picture *picture)
{
    v->width = pf_picture_whole_width(picture);
    v->height = pf_picture_whole_height(picture);
    v->is_deep = picture->is_deep;
    v->n_frames = picture->n_frames;
    snprintf(v->format, sizeof v->format, "%s", picture->format);
}

int pf_intake_enough(const pf_preprocess *p)
{
    const int side = p && p->resize > PF_THUMBNAIL_SIDE ? p->resize : PF_THUMBNAIL_SIDE;
    return (int)((7 * (int64_t)side + 3) / 4);
}

bool pf_intake_make(pf_intake *v, const uint8_t *bytes, size_t n,
                    const pf_intake_options *o, pf_err *err)
{
    pf_picture picture;
    if (v->facts)
        return pf_facts_read(v->facts, bytes, n, o->name, err);
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    if (o->limits)
        limits = *o->limits;
    /* who looks closely wants it as the file has it */
    limits.enough =
        v->preview_side > 0 ? 0 : pf_intake_enough(v->pixels ? o->preprocess : NULL);
    limits.keeps_alpha = v->pixels && o->preprocess->is_rgb_last;
    if (!pf_picture_decode(&picture, bytes, n, o->name, o->frame, &limits, err))
        return false;
    describe(v, &picture);
    const bool ok =
        (!v->pixels || pf_preprocess_pixels(o->preprocess, &picture, v->pixels, err)) &&
        (!v->thumbnail || pf_thumbnail_make(v->thumbnail, &picture, err)) &&
        (v->preview_side <= 0 ||
         pf_picture_shrink(&v->preview, &picture, v->preview_side, err));
    pf_picture_reset(&picture);
    return ok;
}
