/*
 * abdomen.c - axial CT with contrast at the level of the liver and both kidneys. The
 * liver lies on the picture's left, as always.
 */
#include "data/phantoms/phantom.h"

enum { TMP, RIM, BODY, LIVER, CAVITY, SPLEEN, WORK, KIDNEY };

typedef struct {
    float w, h, fat, enhance;
} belly;

static void walls(ph_canvas *c, const belly *k, ph_rng *p)
{
    ph_ellipse(c, BODY, 0, 0, k->w, k->h, 0);
    ph_soften(c, BODY, 0.006f);
    ph_paint(c, BODY, 0.16f, 1); /* subcutaneous fat */
    const float mw = k->w - k->fat, mh = k->h - k->fat * 0.9f;
    ph_ellipse(c, TMP, 0, 0, mw, mh, 0);
    ph_soften(c, TMP, 0.010f);
    ph_paint(c, TMP, 0.47f, 0.95f); /* muscle of the wall */
    for (int i = 0; i < 9; i++) {   /* ribs cut across, on both flanks */
        const float a = 0.15f + 0.30f * (float)(i % 5);
        c->mirror = i < 5 ? -1 : 1;
        ph_ellipse(c, TMP, mw * 0.955f * ph_cos(a - 0.5f),
                   mh * 0.955f * ph_sin(a - 0.5f), 0.020f, 0.055f, 57 * (a - 0.5f));
        ph_soften(c, TMP, 0.005f);
        ph_paint(c, TMP, 0.95f, 0.85f);
    }
    c->mirror = 1;
    ph_ellipse(c, CAVITY, 0, -0.035f, mw - 0.06f, mh - 0.08f, 0);
    ph_soften(c, CAVITY, 0.010f);
    ph_paint_cloudy(c, CAVITY, p, 0.19f, 0.03f, 6); /* fat inside */
}

static void back(ph_canvas *c, const belly *k)
{
    const float y = k->h - 0.36f;
    for (int side = -1; side <= 1; side += 2) {
        c->mirror = (float)side;
        ph_ellipse(c, TMP, 0.21f, y + 0.16f, 0.13f, 0.12f, 12); /* paraspinal muscle */
        ph_soften(c, TMP, 0.010f);
        ph_paint(c, TMP, 0.48f, 0.95f);
        ph_ellipse(c, TMP, 0.15f, y - 0.02f, 0.055f, 0.10f, -15); /* psoas */
        ph_soften(c, TMP, 0.010f);
        ph_paint(c, TMP, 0.48f, 0.95f);
    }
    c->mirror = 1;
    ph_area(c, TMP,
            PH_PTS(-0.06f, y + 0.10f, -0.20f, y + 0.16f, -0.05f, y + 0.18f, 0,
                   y + 0.31f, 0.05f, y + 0.18f, 0.20f, y + 0.16f, 0.06f, y + 0.10f));
    ph_soften(c, TMP, 0.006f);
    ph_paint(c, TMP, 0.85f, 0.95f);
    ph_ellipse(c, TMP, 0, y, 0.125f, 0.105f, 0);
    ph_rim(c, RIM, TMP, 0.014f);
    ph_soften(c, TMP, 0.006f);
    ph_paint(c, TMP, 0.74f, 1);
    ph_paint(c, RIM, 1, 0.7f);
    ph_ellipse(c, TMP, 0, y + 0.14f, 0.04f, 0.035f, 0); /* spinal canal */
    ph_soften(c, TMP, 0.005f);
    ph_paint(c, TMP, 0.42f, 1);
    ph_ellipse(c, TMP, 0.05f, y - 0.165f, 0.055f, 0.052f, 0); /* aorta */
    ph_soften(c, TMP, 0.005f);
    ph_paint(c, TMP, 0.52f + 0.3f * k->enhance, 1);
    ph_ellipse(c, TMP, -0.10f, y - 0.16f, 0.062f, 0.045f, 10); /* vena cava */
    ph_soften(c, TMP, 0.006f);
    ph_paint(c, TMP, 0.50f + 0.18f * k->enhance, 1);
}

static void liver(ph_canvas *c, const belly *k, ph_rng *p)
{
    const float w = k->w - k->fat - 0.07f, h = k->h - k->fat - 0.05f;
    ph_area(c, LIVER,
            PH_PTS(-w, -0.02f, -w * 0.93f, -0.30f, -w * 0.62f, -h * 0.82f, -0.22f,
                   -h * 0.90f, 0.14f, -h * 0.82f, 0.20f, -h * 0.62f, 0.02f, -0.30f,
                   -0.20f, -0.12f, -0.28f, 0.08f, -0.46f, 0.14f, -0.62f, 0.34f,
                   -w * 0.9f, 0.26f));
    ph_cut(c, LIVER, CAVITY);
    ph_soften(c, LIVER, 0.006f);
    ph_paint_cloudy(c, LIVER, p, 0.57f + 0.05f * k->enhance, 0.02f, 8);
    for (int i = 0; i < 5; i++) { /* hepatic and portal veins */
        const float a = 2.4f + 0.42f * (float)i + ph_spread(p, 0.2f);
        const float x = -0.30f, y = -0.15f;
        ph_line(c, TMP,
                PH_PTS(x, y, x + 0.16f * ph_cos(a), y + 0.16f * ph_sin(a),
                       x + 0.34f * ph_cos(a + 0.2f), y + 0.34f * ph_sin(a + 0.2f)),
                0.036f, 0.010f);
        ph_soften(c, TMP, 0.006f);
        ph_cut(c, TMP, LIVER);
        ph_add(c, TMP, 0.05f + 0.05f * k->enhance);
    }
    ph_ellipse(c, TMP, -0.30f, -0.34f + ph_spread(p, 0.04f), 0.055f, 0.085f, 20);
    ph_soften(c, TMP, 0.006f);
    ph_paint(c, TMP, 0.36f, ph_chance(p, 0.5f) ? 0.95f : 0); /* gallbladder */
}

static void bowel_and_spleen(ph_canvas *c, const belly *k, ph_rng *p)
{
    const float w = k->w - k->fat - 0.08f;
    ph_area(c, SPLEEN,
            PH_PTS(w * 0.99f, 0.05f, w * 0.94f, -0.22f, w * 0.80f, -0.33f, w * 0.76f,
                   -0.10f, w * 0.72f, 0.12f, w * 0.80f, 0.26f, w * 0.93f, 0.22f));
    ph_soften(c, SPLEEN, 0.006f);
    ph_paint_cloudy(c, SPLEEN, p, 0.58f + 0.08f * k->enhance, 0.02f, 8);
    /* stomach: wall, contents, an air bubble in front */
    ph_area(c, WORK,
            PH_PTS(0.14f, -0.30f, 0.24f, -0.50f, 0.44f, -0.47f, 0.55f, -0.32f, 0.50f,
                   -0.16f, 0.30f, -0.12f));
    ph_soften(c, WORK, 0.006f);
    ph_cut(c, WORK, CAVITY);
    ph_paint(c, WORK, 0.50f, 1);
    ph_area(c, WORK,
            PH_PTS(0.18f, -0.30f, 0.26f, -0.45f, 0.42f, -0.43f, 0.51f, -0.31f, 0.47f,
                   -0.20f, 0.31f, -0.16f));
    ph_soften(c, WORK, 0.006f);
    ph_paint_cloudy(c, WORK, p, 0.40f, 0.06f, 9);
    ph_box(c, TMP, 0.36f, -0.50f, 0.3f, ph_uniform(p, 0.09f, 0.14f), 0, 0.01f);
    ph_cut(c, TMP, WORK);
    ph_paint(c, TMP, 0.0f, ph_chance(p, 0.75f) ? 1 : 0);
    ph_line(c, TMP, PH_PTS(-0.16f, 0.02f, 0.05f, -0.08f, 0.25f, -0.06f, 0.42f, -0.04f),
            0.10f, 0.06f); /* pancreas */
    ph_cloud(c, TMP, p, 12, 0.4f);
    ph_soften(c, TMP, 0.008f);
    ph_paint(c, TMP, 0.50f, 1);
    for (int i = 0; i < 7; i++) { /* loops of bowel */
        const float x = ph_uniform(p, -0.12f, 0.56f), y = ph_uniform(p, 0.02f, 0.16f);
        const float a = ph_uniform(p, 0.05f, 0.075f);
        ph_blob(c, TMP, p, x, y, a, a * 0.85f, 0.4f);
        ph_soften(c, TMP, 0.006f);
        ph_paint(c, TMP, 0.48f, 1);
        ph_ellipse(c, TMP, x, y, a * 0.6f, a * 0.45f, 0);
        ph_soften(c, TMP, 0.006f);
        ph_paint(c, TMP, ph_chance(p, 0.3f) ? 0.03f : 0.38f, 0.9f);
    }
}

static void stone(ph_canvas *c, float x, float y, float severity, ph_rng *p)
{
    const float a = ph_mix(0.032f, 0.050f, severity);
    x += ph_uniform(p, -0.06f, 0.02f);
    y += ph_uniform(p, -0.05f, 0.05f);
    ph_blob(c, TMP, p, x, y, a * 1.2f, a, 0.7f);
    ph_soften(c, TMP, 0.004f);
    ph_paint(c, TMP, 1.25f, 1);
}

/* A kidney drawn at x > 0: bean, cortex, sinus fat; and its finding. */
static void kidney(ph_canvas *c, const belly *k, const ph_study *s, bool has_finding,
                   ph_rng *p)
{
    const float x = 0.40f + ph_spread(p, 0.02f), y = k->h - 0.42f + ph_spread(p, 0.03f);
    const bool wide = has_finding && s->finding == PH_HYDRONEPHROSIS;
    ph_area(c, KIDNEY,
            PH_PTS(x - 0.10f, y - 0.04f, x - 0.08f, y - 0.13f, x + 0.03f, y - 0.17f,
                   x + 0.13f, y - 0.08f, x + 0.14f, y + 0.06f, x + 0.06f, y + 0.16f,
                   x - 0.05f, y + 0.14f, x - 0.10f, y + 0.06f, x - 0.05f, y + 0.01f));
    ph_soften(c, KIDNEY, 0.005f);
    ph_rim(c, RIM, KIDNEY, 0.03f);
    ph_paint_cloudy(c, KIDNEY, p, 0.58f + 0.14f * k->enhance, 0.02f, 8);
    ph_paint(c, RIM, 0.62f + 0.24f * k->enhance, 0.8f);
    if (!wide) {
        ph_blob(c, TMP, p, x - 0.03f, y + 0.005f, 0.06f, 0.055f, 0.9f);
        ph_soften(c, TMP, 0.010f);
        ph_paint(c, TMP, 0.22f, 0.9f);
    } else {
        const float g = ph_mix(0.85f, 1.15f, s->severity);
        ph_blob(c, TMP, p, x - 0.05f, y, 0.115f * g, 0.085f * g, 0.6f);
        ph_soften(c, TMP, 0.006f);
        ph_paint(c, TMP, 0.32f, 1);
        for (int i = -1; i <= 1; i++) { /* blunted calyces */
            ph_ellipse(c, TMP, x + 0.035f * g, y + 0.075f * g * (float)i, 0.045f * g,
                       0.030f * g, 30.0f * (float)i);
            ph_soften(c, TMP, 0.005f);
            ph_paint(c, TMP, 0.32f, 1);
        }
        ph_line(c, TMP,
                PH_PTS(x - 0.10f, y, x - 0.17f, y + 0.02f, x - 0.19f, y + 0.06f), 0.10f,
                0.04f);
        ph_soften(c, TMP, 0.006f);
        ph_paint(c, TMP, 0.32f, 1);
    }
    if (has_finding && s->finding == PH_STONE)
        stone(c, x, y, s->severity, p);
}

static void liver_lesion(ph_canvas *c, float severity, ph_rng *p)
{
    const float a = ph_mix(0.085f, 0.15f, severity);
    const float x = ph_uniform(p, -0.62f, -0.42f), y = ph_uniform(p, -0.30f, 0.02f);
    ph_blob(c, TMP, p, x, y, a, a * ph_uniform(p, 0.85f, 1.1f), 0.7f);
    ph_soften(c, TMP, 0.008f);
    ph_rim(c, RIM, TMP, 0.02f);
    ph_paint_cloudy(c, TMP, p, 0.36f, 0.04f, 9);
    ph_paint(c, RIM, 0.66f, 0.5f);
}

static void free_air(ph_canvas *c, const belly *k, float severity)
{
    /* gas rises to the front of the supine patient */
    const float w = k->w - k->fat - 0.06f, h = k->h - k->fat * 0.9f - 0.10f;
    const float depth = ph_mix(0.16f, 0.27f, severity);
    ph_ellipse(c, TMP, 0, -0.035f, w * 0.86f, h, 0);
    ph_box(c, WORK, 0, -0.035f - h, 1, depth, 0, 0.02f);
    ph_soften(c, WORK, 0.006f);
    ph_cut(c, TMP, WORK);
    ph_soften(c, TMP, 0.004f);
    ph_paint(c, TMP, 0.0f, 1);
}

void ph_draw_abdomen(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r)
{
    belly k;
    k.w = ph_uniform(person, 0.84f, 0.92f);
    k.h = ph_uniform(person, 0.62f, 0.72f);
    k.fat = ph_uniform(person, 0.04f, 0.11f);
    k.enhance = ph_uniform(person, 0.1f, 1);
    ph_warp(c, person, 0.012f);
    walls(c, &k, person);
    back(c, &k);
    bowel_and_spleen(c, &k, person);
    for (int side = -1; side <= 1; side += 2) {
        c->mirror = (float)side;
        kidney(c, &k, s, s->side == (side < 0 ? PH_RIGHT : PH_LEFT), person);
    }
    c->mirror = 1;
    liver(c, &k, person);
    if (s->finding == PH_LIVER_LESION)
        liver_lesion(c, s->severity, person);
    if (s->finding == PH_FREE_AIR)
        free_air(c, &k, s->severity);
    if (ph_chance(r, 0.7f)) { /* the table */
        ph_line(c, TMP, PH_PTS(-0.9f, k.h + 0.06f, 0, k.h + 0.13f, 0.9f, k.h + 0.06f),
                0.014f, 0.014f);
        ph_paint(c, TMP, 0.4f, 0.8f);
    }
    ph_blur_all(c, 0.005f);
    ph_add_grain(c, r, ph_uniform(r, 0.04f, 0.08f), 0);
    ph_blur_all(c, 0.004f);
    const float black = ph_uniform(r, 0.03f, 0.08f);
    ph_window(c, black, ph_uniform(r, 0.88f, 0.98f), 1);
}
