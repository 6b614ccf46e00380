/*
 * ultrasound.c - sector pictures: gallbladder, kidney, and a pregnancy. Everything is
 * drawn on soft tissue, then speckled and cut to the fan.
 */
#include "data/phantoms/phantom.h"

enum { TMP, RIM, FAN, ORGAN, WORK, KEEP };

static void liver_background(ph_canvas *c, ph_rng *p)
{
    ph_add_cloud(c, p, 2.5f, 0.06f);
    for (int i = 0; i < 6; i++) { /* vessels */
        const float x = ph_uniform(p, -0.6f, 0.6f), y = ph_uniform(p, -0.5f, 0.7f);
        const float a = ph_uniform(p, 0, 3.14f);
        ph_line(c, TMP,
                PH_PTS(x, y, x + 0.1f * ph_cos(a), y + 0.1f * ph_sin(a),
                       x + 0.24f * ph_cos(a + 0.3f), y + 0.24f * ph_sin(a + 0.3f)),
                0.04f, 0.015f);
        ph_soften(c, TMP, 0.01f);
        ph_paint(c, TMP, 0.12f, 0.7f);
    }
    /* skin, fascia, diaphragm */
    ph_line(c, TMP, PH_PTS(-0.8f, 0.62f, -0.3f, 0.84f, 0.3f, 0.86f, 0.8f, 0.66f), 0.05f,
            0.05f);
    ph_soften(c, TMP, 0.012f);
    ph_add(c, TMP, 0.45f);
    for (int i = 0; i < 4; i++) {
        const float y = -0.80f + 0.06f * (float)i;
        ph_line(c, TMP, PH_PTS(-0.6f, y, 0, y + 0.07f, 0.6f, y), 0.02f, 0.02f);
        ph_soften(c, TMP, 0.008f);
        ph_add(c, TMP, 0.18f);
    }
}

/* Sound passes fluid unweakened: what lies behind is brighter. */
static void behind(ph_canvas *c, float x, float y, float half, float amount)
{
    const float spread = 1 + 0.35f * half;
    const float ox = x * 0.25f;
    ph_polygon(c, WORK,
               PH_PTS(x - half, y, x + half, y, x + ox + half * spread, 1.2f,
                      x + ox - half * spread, 1.2f));
    ph_soften(c, WORK, 0.02f);
    ph_ramp(c, WORK, x, y, 1, x + ox, 1.0f, amount < 0 ? 0.7f : 0.2f);
    if (amount < 0)
        ph_paint(c, WORK, 0.04f, -amount);
    else
        ph_add(c, WORK, amount);
}

static void gallbladder(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    liver_background(c, p);
    const float x = ph_spread(p, 0.15f), y = ph_uniform(p, -0.12f, 0.08f);
    const float a = ph_uniform(p, 0.34f, 0.42f);
    behind(c, x, y + 0.12f, a * 0.8f, 0.20f);
    ph_blob(c, ORGAN, p, x, y, a, a * 0.48f, 0.35f);

    ph_soften(c, ORGAN, 0.006f);
    ph_rim(c, RIM, ORGAN, 0.022f);
    ph_paint(c, ORGAN, 0.02f, 0.97f);
    ph_paint(c, RIM, 0.75f, 0.8f);
    if (s->finding != PH_GALLSTONES)
        return;
    const int n = 1 + (int)(2.9f * s->severity);
    for (int i = 0; i < n; i++) {
        const float sx = x + (n == 1 ? ph_spread(p, 0.12f)
                                     : -0.20f + 0.4f * (float)i / (float)(n - 1));
        const float size = n == 1 ? 0.095f : 0.070f;
        const float bottom =
            y + a * 0.46f * ph_root(1 - (sx - x) * (sx - x) / (a * a)) - size * 0.8f;
        behind(c, sx, bottom, size * 0.95f, -0.92f);
        ph_blob(c, TMP, p, sx, bottom, size, size * 0.72f, 0.5f);
        ph_soften(c, TMP, 0.008f);
        ph_ramp(c, TMP, sx, bottom - size, 1, sx, bottom + size, 0.25f);
        ph_paint(c, TMP, 1.05f, 1);
    }
}

static void kidney(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    ph_add_cloud(c, p, 2.5f, 0.06f);
    const float x = ph_spread(p, 0.08f), y = ph_uniform(p, 0.02f, 0.14f);
    ph_line(c, TMP, PH_PTS(-0.8f, -0.5f, 0, -0.42f, 0.8f, -0.5f), 0.04f, 0.04f);
    ph_soften(c, TMP, 0.012f);
    ph_add(c, TMP, 0.25f);
    ph_blob(c, ORGAN, p, x, y, 0.56f, 0.29f, 0.25f);
    ph_soften(c, ORGAN, 0.01f);
    ph_rim(c, RIM, ORGAN, 0.02f);
    ph_paint_cloudy(c, ORGAN, p, 0.24f, 0.05f, 6);
    ph_add(c, RIM, 0.40f);
    for (int i = 0; i < 9; i++) { /* pyramids */
        const float t = (float)i * (6.2832f / 9) + 0.2f;
        ph_ellipse(c, TMP, x + 0.42f * ph_cos(t), y + 0.19f * ph_sin(t), 0.055f, 0.045f,
                   0);
        ph_soften(c, TMP, 0.015f);
        ph_paint(c, TMP, 0.13f, 0.8f);
    }
    ph_blob(c, TMP, p, x, y, 0.30f, 0.095f, 0.8f); /* sinus fat */
    ph_cloud(c, TMP, p, 8, 0.5f);
    ph_soften(c, TMP, 0.02f);
    ph_paint(c, TMP, 0.85f, 0.95f);
    if (s->finding != PH_CYST)
        return;
    const float a = ph_mix(0.16f, 0.24f, s->severity);
    const float pole = ph_chance(p, 0.5f) ? -1 : 1;
    const float cx = x + pole * ph_uniform(p, 0.28f, 0.44f);
    const float cy = y + ph_uniform(p, -0.20f, 0.05f);
    behind(c, cx, cy + a * 0.6f, a * 0.85f, 0.30f);
    ph_blob(c, ORGAN, p, cx, cy, a, a * 0.95f, 0.15f);
    ph_rim(c, RIM, ORGAN, 0.012f);
    ph_paint(c, ORGAN, 0.015f, 1);
    ph_add(c, RIM, 0.40f);
}

static void pregnancy(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    ph_add_cloud(c, p, 2.5f, 0.06f);
    (void)s;
    c->mirror = ph_chance(p, 0.5f) ? -1 : 1;
    const float y = ph_uniform(p, 0.08f, 0.18f), g = ph_uniform(p, 0.88f, 1.08f);
    behind(c, 0, y + 0.3f, 0.5f, 0.15f);
    ph_blob(c, ORGAN, p, 0, y, 0.66f * g, 0.46f * g, 0.3f); /* amniotic sac */
    ph_soften(c, ORGAN, 0.01f);
    ph_rim(c, RIM, ORGAN, 0.03f);
    ph_paint(c, ORGAN, 0.025f, 0.97f);
    ph_add(c, RIM, 0.35f);
    const float bx = 0.12f, by = y + 0.14f;
    ph_blob(c, TMP, p, bx + 0.02f, by, 0.27f * g, 0.15f * g, 0.3f); /* trunk */
    ph_soften(c, TMP, 0.012f);
    ph_paint_cloudy(c, TMP, p, 0.50f, 0.12f, 8);
    for (int i = 0; i < 8; i++) { /* vertebrae */
        const float t = (float)i / 7;
        ph_ellipse(c, TMP, bx - 0.20f * g + 0.44f * t * g,
                   by + (0.08f - 0.05f * ph_sin(3 * t)) * g, 0.018f, 0.014f, 0);
        ph_soften(c, TMP, 0.005f);
        ph_paint(c, TMP, 1, 0.9f);
    }
    ph_ellipse(c, TMP, bx - 0.36f * g, by - 0.12f * g, 0.165f * g, 0.145f * g,
               20); /* head */
    ph_rim(c, RIM, TMP, 0.022f);
    ph_soften(c, TMP, 0.006f);
    ph_paint_cloudy(c, TMP, p, 0.34f, 0.08f, 8);
    ph_paint(c, RIM, 1.1f, 0.95f);
    ph_ellipse(c, TMP, bx - 0.50f * g, by - 0.04f * g, 0.04f, 0.03f, 0); /* face */
    ph_soften(c, TMP, 0.01f);
    ph_paint(c, TMP, 0.6f, 0.9f);
    ph_line(
        c, TMP,
        PH_PTS(bx - 0.08f, by - 0.10f, bx - 0.16f, by - 0.24f, bx - 0.26f, by - 0.30f),
        0.06f, 0.035f);
    ph_soften(c, TMP, 0.008f);
    ph_paint(c, TMP, 0.62f, 0.9f);
    ph_line(c, TMP,
            PH_PTS(bx + 0.20f, by, bx + 0.33f, by - 0.16f, bx + 0.22f, by - 0.26f,
                   bx + 0.20f, by - 0.20f),
            0.09f, 0.04f);
    ph_soften(c, TMP, 0.008f);
    ph_paint(c, TMP, 0.62f, 0.9f);
    c->mirror = 1;
}

void ph_draw_ultrasound(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r)
{
    ph_canvas_begin(c, 0.34f);
    ph_place_roughly(c, r, 0.96f, 1.04f, 0, 0.04f, 0.04f);
    ph_warp(c, person, 0.012f);
    if (s->anatomy == PH_GALLBLADDER)
        gallbladder(c, s, person);
    else if (s->anatomy == PH_KIDNEY)
        kidney(c, s, person);
    else
        pregnancy(c, s, person);
    /* speckle multiplies: it is the interference of the echoes themselves */
    ph_polygon(c, WORK, PH_PTS(-2, -2, 2, -2, 2, 2, -2, 2));
    ph_speckle(c, r, ph_uniform(r, 0.42f, 0.66f));
    /* deeper is darker */
    ph_polygon(c, TMP, PH_PTS(-2, -2, 2, -2, 2, 2, -2, 2));
    ph_ramp(c, TMP, 0, 0.2f, 0, 0, 1.1f, 1);
    ph_paint(c, TMP, 0, 0.5f);
    /* the fan: a disc sector below a curved probe */
    const float wide = ph_uniform(r, 0.66f, 0.80f);
    float pts[64];
    int n = 0;
    for (int i = 0; i <= 12; i++) {
        const float a = wide * (2 * (float)i / 12 - 1);
        pts[n++] = 2.05f * ph_sin(a) * 0.62f * 1.0f;
        pts[n++] = -1.16f + 2.05f * ph_cos(a) * 1.0f;
    }
    for (int i = 12; i >= 0; i--) {
        const float a = wide * (2 * (float)i / 12 - 1);
        pts[n++] = 0.40f * ph_sin(a) * 0.8f;
        pts[n++] = -1.16f + 0.32f * ph_cos(a);
    }
    ph_polygon(c, FAN, pts, n / 2);
    ph_polygon(c, TMP, PH_PTS(-2, -2, 2, -2, 2, 2, -2, 2));
    ph_remove(c, TMP, FAN);
    ph_paint(c, TMP, 0, 1);
    const float bright = ph_uniform(r, 0.80f, 0.95f);
    ph_window(c, 0.0f, bright, ph_uniform(r, 0.9f, 1.15f));
}
