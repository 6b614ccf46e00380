/*
 * draw.c - one picture of a study: position of the patient, the body region's own
 * drawing, then what film and detector add: grain, exposure, marker, collimation.
 */
#include "data/phantoms/phantom.h"

enum { TMP };

static void radiograph_finish(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *r)
{
    ph_add_grain(c, r, ph_uniform(r, 0.015f, 0.045f), 0.4f);
    const float black = ph_uniform(r, 0, 0.06f);
    const float white = ph_uniform(r, 0.72f, 0.86f);
    ph_window(c, black, white, ph_uniform(r, 0.85f, 1.3f));
    const bool limb = s->anatomy >= PH_WRIST && s->anatomy <= PH_ANKLE;
    const float y = ph_uniform(r, -0.88f, -0.80f), x = ph_uniform(r, 0.80f, 0.88f);
    if (limb) /* beside the limb, the side that was filmed */
        ph_letter(c, TMP, s->side == PH_LEFT ? 'L' : 'R', s->side == PH_LEFT ? -x : x,
                  0.62f + y * 0.2f, 0.17f);
    else if (view == PH_PA || view == PH_AP) {
        if (ph_chance(r, 0.5f))
            ph_letter(c, TMP, 'L', x, y, 0.15f);
        else
            ph_letter(c, TMP, 'R', -x, y, 0.15f);
    } else
        ph_letter(c, TMP, ph_chance(r, 0.8f) ? 'L' : 'R', -x, y, 0.15f);
}

void ph_draw(ph_canvas *c, const ph_study *s, ph_view view, uint64_t picture)
{
    ph_rng person = ph_rng_of(s->person, 1), r = ph_rng_of(picture, 2);
    ph_canvas_begin(c, 0);
    switch (s->anatomy) {
    case PH_CHEST:
        ph_canvas_begin(c, 0.02f);
        ph_place_roughly(c, &r, 0.94f, 1.06f, 4, 0.05f, 0.05f);
        if (view == PH_LATERAL)
            ph_draw_chest_lateral(c, s, &person, &r);
        else
            ph_draw_chest_frontal(c, s, &person, &r);
        radiograph_finish(c, s, view, &r);
        break;
    case PH_HEAD:
    case PH_BRAIN:
        ph_place_roughly(c, &r, 0.92f, 1.04f, 7, 0.04f, 0.04f);
        if (s->anatomy == PH_HEAD)
            ph_draw_head_ct(c, s, &person, &r);
        else
            ph_draw_brain_mr(c, s, view, &person, &r);
        break;
    case PH_ABDOMEN:
        ph_place_roughly(c, &r, 1.0f, 1.09f, 3, 0.03f, 0.04f);
        ph_draw_abdomen(c, s, &person, &r);
        break;
    case PH_WRIST:
    case PH_HIP:
    case PH_KNEE:
    case PH_ANKLE:
        ph_canvas_begin(c, 0.02f);
        ph_place_roughly(c, &r, 0.92f, 1.10f, 8, 0.08f, 0.08f);
        ph_draw_limb(c, s, view, &person, &r);
        radiograph_finish(c, s, view, &r);
        break;
    case PH_LUMBAR:
    case PH_CERVICAL:
        ph_canvas_begin(c, 0.02f);
        ph_place_roughly(c, &r, 0.94f, 1.08f, 6, 0.06f, 0.06f);
        ph_draw_spine(c, s, view, &person, &r);
        radiograph_finish(c, s, view, &r);
        break;
    case PH_GALLBLADDER:
    case PH_KIDNEY:
    case PH_PREGNANCY:
        ph_draw_ultrasound(c, s, &person, &r);
        break;
    case PH_BREAST:
        ph_place_roughly(c, &r, 0.95f, 1.05f, 3, 0, 0.04f);
        ph_draw_mammogram(c, s, view, &person, &r);
        break;
    }
}
