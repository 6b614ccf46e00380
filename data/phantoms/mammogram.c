/*
 * mammogram.c - craniocaudal and mediolateral oblique views. The chest wall of a right
 * breast is on the picture's right, that of a left breast on its left.
 */
#include "data/phantoms/phantom.h"

enum { TMP, RIM, BREAST, GLAND, MUSCLE, WORK };

static void tissue(ph_canvas *c, ph_view view, ph_rng *p)
{
    const float big = ph_uniform(p, 0.9f, 1.12f), drop = view == PH_MLO ? 0.18f : 0;
    if (view == PH_CC)
        ph_area(c, BREAST,
                PH_PTS(-1.3f, -0.80f * big, -1.0f, -0.78f * big, -0.55f, -0.66f * big,
                       -0.10f, -0.36f * big, 0.10f * big, 0, -0.10f, 0.38f * big,
                       -0.55f, 0.68f * big, -1.0f, 0.80f * big, -1.3f, 0.82f * big));
    else
        ph_area(c, BREAST,
                PH_PTS(-1.3f, -1.4f, -0.35f, -1.3f, -0.42f, -0.80f, -0.34f, -0.45f,
                       -0.06f, -0.10f, 0.08f * big, 0.24f, -0.06f, 0.52f, -0.45f, 0.74f,
                       -0.85f, 0.84f, -1.0f, 1.05f, -1.3f, 1.1f));
    ph_soften(c, BREAST, 0.02f);
    ph_paint_cloudy(c, BREAST, p, 0.30f, 0.07f, 4);
    ph_rim(c, RIM, BREAST, 0.02f);
    ph_add(c, RIM, 0.06f);
    ph_area(c, GLAND,
            PH_PTS(-0.85f, -0.38f + drop, -0.55f, -0.46f + drop, -0.20f, -0.22f + drop,
                   -0.04f * big, 0.02f + drop, -0.22f, 0.28f + drop, -0.58f,
                   0.48f + drop, -0.85f, 0.36f + drop, -0.95f, 0.0f + drop));
    ph_soften(c, GLAND, 0.05f);
    ph_cut(c, GLAND, BREAST);
    ph_cloud(c, GLAND, p, 4, 0.85f);
    ph_add(c, GLAND, ph_uniform(p, 0.14f, 0.26f));
    for (int i = 0; i < 16; i++) { /* ducts and ligaments run to the nipple */
        const float a = -1.0f + 0.125f * (float)i, y = 0.85f * a * 0.6f + drop;
        const float len = ph_uniform(p, 0.35f, 0.8f);
        const float bend = ph_spread(p, 0.05f), end = ph_spread(p, 0.08f);
        ph_line(c, TMP,
                PH_PTS(0.02f * big, drop * 1.1f, -0.30f * len,
                       y * 0.4f + drop * 0.6f + bend, -len, y + end),
                0.012f, 0.022f);
        ph_soften(c, TMP, 0.006f);
        ph_cut(c, TMP, BREAST);
        ph_add(c, TMP, 0.06f);
    }
    ph_ellipse(c, TMP, 0.085f * big, drop * 1.25f, 0.04f, 0.035f, 0); /* nipple */
    ph_soften(c, TMP, 0.008f);
    ph_paint(c, TMP, 0.55f, 0.9f);
    if (view == PH_MLO) {
        ph_polygon(c, MUSCLE,
                   PH_PTS(-1.3f, -1.3f, -0.42f, -1.3f, -0.58f, -0.7f, -1.02f, 0.30f,
                          -1.3f, 0.6f));
        ph_soften(c, MUSCLE, 0.015f);
        ph_cut(c, MUSCLE, BREAST);
        ph_paint_cloudy(c, MUSCLE, p, 0.66f, 0.04f, 4);
    }
}

static void mass(ph_canvas *c, float x, float y, float severity, ph_rng *p)
{
    const float a = ph_mix(0.09f, 0.15f, severity);
    for (int i = 0; i < 18; i++) { /* spicules */
        const float t = (float)i * (6.2832f / 18) + ph_spread(p, 0.15f);
        const float l = a * ph_uniform(p, 1.4f, 2.3f);
        ph_line(c, TMP, PH_PTS(x, y, x + l * ph_cos(t), y + l * ph_sin(t)), 0.03f,
                0.004f);
        ph_soften(c, TMP, 0.004f);
        ph_add(c, TMP, 0.12f);
    }
    ph_blob(c, TMP, p, x, y, a, a * 0.92f, 0.8f);
    ph_soften(c, TMP, 0.012f);
    ph_paint(c, TMP, 0.86f, 0.9f);
}

static void calcifications(ph_canvas *c, float x, float y, float severity, ph_rng *p)
{
    const int n = 14 + (int)(14 * severity);
    for (int i = 0; i < n; i++) {
        const float dx = ph_spread(p, 0.22f), dy = ph_spread(p, 0.22f);
        const float a = ph_uniform(p, 0.010f, 0.020f);
        ph_blob(c, TMP, p, x + dx, y + dy, a * 1.2f, a, 0.8f);
        ph_paint(c, TMP, 1.2f, 1);
    }
}

void ph_draw_mammogram(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                       ph_rng *r)
{
    c->mirror = s->side == PH_RIGHT ? -1 : 1;
    ph_warp(c, person, 0.012f);
    tissue(c, view, person);
    const float x = ph_uniform(person, -0.66f, -0.34f);
    const float y = ph_uniform(person, -0.22f, 0.26f) + (view == PH_MLO ? 0.12f : 0);
    if (s->finding == PH_MASS)
        mass(c, x, y, s->severity, person);
    else if (s->finding == PH_CALCIFICATIONS)
        calcifications(c, x, y, s->severity, person);
    ph_blur_all(c, 0.003f);
    ph_add_grain(c, r, ph_uniform(r, 0.01f, 0.03f), 1);
    const float bright = ph_uniform(r, 0.92f, 1.0f);
    ph_window(c, 0.0f, bright, ph_uniform(r, 0.9f, 1.2f));
    const float lx = s->side == PH_RIGHT ? -0.78f : 0.78f;
    ph_letter(c, TMP, s->side == PH_RIGHT ? 'R' : 'L', lx, -0.82f, 0.16f);
}
