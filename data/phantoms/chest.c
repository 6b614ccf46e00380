/*
 * chest.c - frontal and lateral chest radiographs. Brightness stands for attenuation;
 * the film curve at the end turns it into what a film shows.
 */
#include "data/phantoms/phantom.h"

enum { TMP, RIM, LUNG_R, LUNG_L, HEART, BODY, WORK, KEEP };

typedef struct {
    float top, base_r, base_l; /* of the lungs, picture units */
    float wall;                /* half-width of the thorax */
    float heart;               /* size, 1 is normal */
} chest;

static chest chest_of(const ph_study *s, ph_rng *p)
{
    chest k;
    k.top = ph_uniform(p, -0.82f, -0.74f);
    k.base_r = ph_uniform(p, 0.36f, 0.48f);
    k.base_l = k.base_r + ph_uniform(p, 0.02f, 0.07f);
    k.wall = ph_uniform(p, 0.68f, 0.78f);
    k.heart = ph_uniform(p, 0.88f, 1.04f);
    if (s->finding == PH_CARDIOMEGALY || s->extra == PH_CARDIOMEGALY)
        k.heart = ph_uniform(p, 1.42f, 1.62f);
    return k;
}

/* The lung of one side (c->mirror -1: the patient's right is drawn at x < 0). */
static void lung_outline(ph_canvas *c, int m, const chest *k, float base, float in)
{
    const float w = k->wall;
    ph_area(c, m,
            PH_PTS(0.13f, k->top + 0.18f, 0.20f, k->top + 0.04f + in, 0.32f,
                   k->top + in, 0.44f, k->top + 0.12f + in, w - 0.16f - in, -0.38f,
                   w - 0.07f - in, -0.05f, w - 0.04f - in, 0.30f, w - 0.05f - in,
                   base + 0.20f, w - 0.08f - in, base + 0.24f - in, w - 0.16f - in,
                   base + 0.10f, 0.42f, base - 0.02f, 0.27f, base, 0.15f, base + 0.09f,
                   0.10f, base - 0.1f, 0.10f, -0.1f, 0.12f, -0.4f));
}

static void vessels(ph_canvas *c, ph_rng *r, int lung, float base)
{
    for (int i = 0; i < 13; i++) {
        const float a = -1.25f + 2.6f * (float)i / 12 + ph_spread(r, 0.15f);
        const float len = ph_uniform(r, 0.28f, 0.55f);
        const float bend = ph_spread(r, 0.35f);
        const float x = 0.15f, y = -0.08f + 0.12f * a;
        const float cx = ph_cos(a), sy = ph_sin(a);
        ph_line(c, TMP,
                PH_PTS(x, y, x + len * 0.5f * cx, y + len * 0.5f * sy,
                       x + len * ph_cos(a + bend), y + len * 1.1f * ph_sin(a + bend)),
                0.040f, 0.006f);
        ph_soften(c, TMP, 0.006f);
        ph_cut(c, TMP, lung);
        ph_add(c, TMP, 0.095f);
        const float b = a + ph_spread(r, 1.0f);
        ph_line(c, TMP,
                PH_PTS(x + len * 0.45f * cx, y + len * 0.45f * sy,
                       x + len * 0.45f * cx + 0.26f * ph_cos(b),
                       y + len * 0.45f * sy + 0.26f * ph_sin(b)),
                0.018f, 0.004f);
        ph_soften(c, TMP, 0.004f);
        ph_cut(c, TMP, lung);
        ph_add(c, TMP, 0.06f);
    }
    ph_blob(c, TMP, r, 0.17f, -0.06f, 0.07f, 0.13f, 0.8f);
    ph_soften(c, TMP, 0.03f);
    ph_cut(c, TMP, lung);
    ph_add(c, TMP, 0.20f);
    (void)base;
}

static void rib(ph_canvas *c, const float *pts, int n, float width, float amount)
{
    ph_line(c, TMP, pts, n, width, width * 0.9f);
    ph_rim(c, RIM, TMP, 0.010f);
    ph_soften(c, TMP, 0.004f);
    ph_add(c, TMP, amount);
    ph_add(c, RIM, amount * 0.8f);
}

static float wall_at(const chest *k, float y)
{
    const float t = ph_clamp((0.35f - y) / 1.25f, 0, 1);
    return (k->wall + 0.01f) * (1 - 0.72f * t * t * t - 0.12f * t);
}

static void cage(ph_canvas *c, const chest *k, ph_rng *p)
{
    const float shift = ph_spread(p, 0.03f), pitch = ph_uniform(p, 0.128f, 0.140f);
    for (int i = 0; i < 10; i++) {
        const float y = k->top + 0.06f + shift + pitch * (float)i;
        const float drop = 0.10f + 0.022f * (float)i, w = wall_at(k, y + drop);
        const float fade = i < 8 ? 1 : 0.6f;
        rib(c,
            PH_PTS(0.06f, y, 0.20f, y - 0.025f, 0.45f * w + 0.08f, y, 0.85f * w,
                   y + 0.55f * drop, w, y + drop + 0.03f),
            0.046f, 0.085f * fade);
        if (i < 7) {
            rib(c,
                PH_PTS(w, y + drop + 0.03f, 0.86f * w, y + drop + 0.13f, 0.62f * w,
                       y + drop + 0.23f, 0.36f * w + 0.05f, y + drop + 0.26f),
                0.052f, 0.055f);
        }
    }
    ph_line(c, TMP,
            PH_PTS(0.06f, k->top + 0.24f, 0.22f, k->top + 0.15f, 0.42f, k->top + 0.12f,
                   0.62f, k->top + 0.03f, 0.74f, k->top + 0.02f),
            0.062f, 0.050f);
    ph_rim(c, RIM, TMP, 0.014f);
    ph_soften(c, TMP, 0.006f);
    ph_add(c, TMP, 0.15f);
    ph_add(c, RIM, 0.12f);
    ph_area(c, TMP,
            PH_PTS(0.60f, k->top + 0.10f, 0.76f, k->top + 0.12f, 0.80f, k->top + 0.30f,
                   0.66f, k->top + 0.70f, 0.60f, k->top + 0.68f, 0.56f,
                   k->top + 0.35f));
    ph_rim(c, RIM, TMP, 0.016f);
    ph_add(c, TMP, 0.06f);
    ph_add(c, RIM, 0.08f);
    ph_ellipse(c, TMP, 0.86f, k->top + 0.13f, 0.10f, 0.11f, 0);
    ph_soften(c, TMP, 0.01f);
    ph_add(c, TMP, 0.22f);
}

static void spine(ph_canvas *c)
{
    ph_box(c, TMP, 0, 0, 0.095f, 1.2f, 0, 0.02f);
    ph_soften(c, TMP, 0.012f);
    ph_add(c, TMP, 0.07f);
    for (int i = 0; i < 14; i++) {
        const float y = -0.95f + 0.145f * (float)i;
        ph_box(c, TMP, 0, y, 0.085f, 0.010f, 0, 0.008f);
        ph_soften(c, TMP, 0.006f);
        ph_add(c, TMP, -0.05f);
        ph_ellipse(c, TMP, 0, y + 0.07f, 0.016f, 0.03f, 0);
        ph_add(c, TMP, 0.05f);
    }
}

static void heart_and_vessels(ph_canvas *c, const chest *k, ph_rng *p)
{
    const float h = k->heart, b = k->base_l, tilt = ph_spread(p, 0.03f);
    ph_area(c, HEART,
            PH_PTS(-0.13f, -0.62f, 0.11f, -0.62f, 0.13f, -0.46f, 0.185f, -0.36f, 0.17f,
                   -0.24f, 0.15f, -0.17f, 0.16f + 0.03f * h, -0.08f, 0.28f * h, 0.06f,
                   0.40f * h + tilt, 0.25f, 0.44f * h, b - 0.06f, 0.36f * h, b + 0.10f,
                   0.05f, b + 0.2f, -0.16f * h, b + 0.12f, -0.22f * h, b - 0.08f,
                   -0.235f * h, 0.14f, -0.18f * h, -0.02f, -0.13f, -0.12f, -0.12f,
                   -0.4f));
    ph_soften(c, HEART, 0.014f);
    ph_paint(c, HEART, 0.60f, 0.93f);
    ph_copy(c, TMP, HEART);
    ph_ramp(c, TMP, 0, -0.3f, 0, 0.05f, b, 1);
    ph_add(c, TMP, 0.10f);
    ph_ellipse(c, TMP, 0.135f, -0.37f, 0.055f, 0.065f, 0);
    ph_soften(c, TMP, 0.018f);
    ph_add(c, TMP, 0.08f);
    /* air in the trachea and the main bronchi */
    ph_line(c, TMP, PH_PTS(0, -1.05f, 0.005f, -0.7f, -0.012f, -0.36f), 0.075f, 0.07f);
    ph_soften(c, TMP, 0.012f);
    ph_add(c, TMP, -0.20f);
    ph_line(c, TMP, PH_PTS(-0.01f, -0.36f, -0.07f, -0.27f, -0.13f, -0.2f), 0.05f,
            0.03f);
    ph_soften(c, TMP, 0.012f);
    ph_add(c, TMP, -0.12f);
    ph_line(c, TMP, PH_PTS(-0.01f, -0.36f, 0.07f, -0.28f, 0.16f, -0.22f), 0.05f, 0.03f);
    ph_soften(c, TMP, 0.012f);
    ph_add(c, TMP, -0.12f);
}

static void abdomen_below(ph_canvas *c, const chest *k, ph_rng *p)
{
    ph_ellipse(c, TMP, 0.34f, k->base_l + 0.14f, 0.12f, ph_uniform(p, 0.05f, 0.08f),
               -12);
    ph_soften(c, TMP, 0.02f);
    ph_add(c, TMP, -0.28f);
    ph_ellipse(c, TMP, -0.38f, k->base_r + 0.38f, 0.42f, 0.36f, 0);
    ph_soften(c, TMP, 0.05f);
    ph_remove(c, TMP, LUNG_R);
    ph_add(c, TMP, 0.08f);
}

/* --- findings of one side, drawn for the mirrored side -------------------------------
 */

static void effusion(ph_canvas *c, const chest *k, int lung, float base, float severity,
                     ph_rng *p)
{
    const float level = ph_mix(base - 0.08f, -0.22f, severity) + ph_spread(p, 0.04f);
    const float w = k->wall;
    ph_area(c, TMP,
            PH_PTS(w + 0.1f, level - 0.24f, w - 0.09f, level - 0.20f, w - 0.17f,
                   level - 0.06f, 0.40f, level + 0.05f, 0.2f, level + 0.05f, -0.05f,
                   level + 0.02f, -0.1f, base + 0.5f, 0.4f, base + 0.6f, w + 0.1f,
                   base + 0.5f));
    ph_soften(c, TMP, 0.022f);
    ph_cut(c, TMP, lung);
    ph_paint(c, TMP, 0.69f, 0.96f);
}

static void pneumothorax(ph_canvas *c, const chest *k, int lung, float base,
                         float severity)
{
    const float gap = ph_mix(0.13f, 0.34f, severity);
    const float w = k->wall - gap;
    ph_area(c, WORK,
            PH_PTS(0.10f, k->top + 0.25f + gap, 0.2f, k->top + 0.10f + 1.1f * gap,
                   0.33f, k->top + 0.16f + 1.1f * gap, w - 0.16f, -0.28f, w - 0.07f,
                   0.0f, w - 0.05f, 0.25f, w - 0.08f, base + 0.05f, 0.3f, base + 0.2f,
                   0.0f, base + 0.2f, 0.0f, -0.2f));
    ph_copy(c, TMP, lung);
    ph_remove(c, TMP, WORK);
    ph_soften(c, TMP, 0.005f);
    ph_paint(c, TMP, 0.04f, 0.82f);
    ph_copy(c, TMP, lung);
    ph_cut(c, TMP, WORK);
    ph_add(c, TMP, 0.04f + 0.08f * severity);
    ph_rim(c, RIM, TMP, 0.010f);
    ph_copy(c, TMP, lung);
    ph_soften(c, TMP, 0.03f);
    ph_cut(c, RIM, lung);
    ph_add(c, RIM, 0.22f);
}

/* Where each lobe lies on a frontal film, for a lung drawn at x > 0. */
static void lobe_area(ph_canvas *c, int m, const chest *k, ph_side side, ph_lobe lobe,
                      float base)
{
    const float w = k->wall;
    if (lobe == PH_UPPER && side == PH_RIGHT)
        ph_area(c, m,
                PH_PTS(0.08f, -0.6f, 0.2f, -0.8f, 0.5f, -0.75f, w, -0.35f, w, -0.14f,
                       0.4f, -0.10f, 0.1f, -0.12f));
    else if (lobe == PH_UPPER)
        ph_area(c, m,
                PH_PTS(0.08f, -0.55f, 0.2f, -0.75f, 0.48f, -0.68f, w - 0.1f, -0.35f,
                       w - 0.13f, -0.05f, 0.36f, 0.06f, 0.1f, 0.0f));
    else if (lobe == PH_MIDDLE)
        ph_area(c, m,
                PH_PTS(0.02f, -0.02f, 0.35f, -0.05f, 0.52f, 0.0f, 0.46f, 0.16f, 0.34f,
                       0.30f, 0.2f, 0.40f, 0.0f, 0.40f));
    else
        ph_area(c, m,
                PH_PTS(0.30f, base - 0.34f, 0.5f, base - 0.38f, w, base - 0.25f, w,
                       base + 0.15f, 0.5f, base + 0.06f, 0.28f, base + 0.02f, 0.22f,
                       base - 0.15f));
}

static void consolidation(ph_canvas *c, const chest *k, const ph_study *s, ph_rng *p,
                          int lung, float base)
{
    lobe_area(c, WORK, k, s->side, s->lobe, base);
    ph_soften(c, WORK, 0.045f - 0.02f * s->severity);
    ph_cut(c, WORK, lung);
    ph_cloud(c, WORK, p, 5, 0.55f - 0.30f * s->severity);
    ph_paint(c, WORK, 0.56f, 0.90f);
    /* air bronchograms */
    const float y = s->lobe == PH_UPPER    ? -0.35f
                    : s->lobe == PH_MIDDLE ? 0.12f
                                           : base - 0.15f;
    for (int i = 0; i < 4; i++) {
        const float x = 0.18f + 0.06f * (float)i, dy = ph_spread(p, 0.14f);
        ph_line(c, TMP,
                PH_PTS(x, y + dy * 0.3f, x + 0.1f, y + dy, x + 0.2f, y + dy * 1.8f),
                0.022f, 0.008f);
        ph_soften(c, TMP, 0.006f);
        ph_cut(c, TMP, WORK);
        ph_add(c, TMP, -0.16f);
    }
}

static void nodule(ph_canvas *c, ph_rng *p, float base, float severity)
{
    const float size = ph_mix(0.070f, 0.115f, severity);
    const float x = ph_uniform(p, 0.30f, 0.54f);
    /* not over the heart */
    const float y = ph_uniform(p, -0.45f, x < 0.46f ? -0.02f : base - 0.16f);
    ph_blob(c, TMP, p, x, y, size, size * ph_uniform(p, 0.88f, 1.1f), 0.3f);
    ph_soften(c, TMP, 0.011f);
    ph_paint(c, TMP, 0.60f, 0.85f);
}

static void one_side(ph_canvas *c, const chest *k, const ph_study *s, ph_rng *p,
                     ph_side side)
{
    const int lung = side == PH_RIGHT ? LUNG_R : LUNG_L;
    const float base = side == PH_RIGHT ? k->base_r : k->base_l;
    c->mirror = side == PH_RIGHT ? -1 : 1;
    switch (s->finding) {
    case PH_EFFUSION:
        effusion(c, k, lung, base, s->severity * (s->side == PH_BILATERAL ? 0.7f : 1),
                 p);
        break;
    case PH_PNEUMOTHORAX:
        pneumothorax(c, k, lung, base, s->severity);
        break;
    case PH_CONSOLIDATION:
        consolidation(c, k, s, p, lung, base);
        break;
    case PH_NODULE:
        nodule(c, p, base, s->severity);
        break;
    default:
        break;
    }
    c->mirror = 1;
}

static void metal_line(ph_canvas *c, const float *pts, int n, float width)
{
    ph_line(c, TMP, pts, n, width, width);
    ph_paint(c, TMP, 1.5f, 0.95f);
}

static void pacemaker(ph_canvas *c, const chest *k, ph_rng *p)
{
    const float x = ph_uniform(p, 0.42f, 0.52f),
                y = k->top + ph_uniform(p, 0.26f, 0.36f);
    c->mirror = ph_chance(p, 0.15f) ? -1 : 1;
    ph_box(c, TMP, x, y, 0.125f, 0.105f, ph_spread(p, 25), 0.06f);
    ph_paint(c, TMP, 1.5f, 0.9f);
    ph_box(c, TMP, x - 0.02f, y - 0.07f, 0.07f, 0.035f, 0, 0.02f);
    ph_paint(c, TMP, 1.1f, 0.7f);
    const float m = c->mirror;
    c->mirror = 1;
    metal_line(c,
               PH_PTS(m * (x - 0.1f), y - 0.06f, m * 0.25f, k->top + 0.20f, -0.04f,
                      -0.42f, -0.13f, -0.15f, -0.11f, 0.1f, 0.06f, k->base_l - 0.06f,
                      0.26f * k->heart, k->base_l - 0.05f),
               0.016f);
    metal_line(c,
               PH_PTS(m * (x - 0.1f), y - 0.03f, m * 0.24f, k->top + 0.24f, -0.06f,
                      -0.40f, -0.15f, -0.12f, -0.14f, 0.06f, -0.07f, 0.0f),
               0.014f);
}

static void tracheal_tube(ph_canvas *c, ph_rng *p)
{
    const float tip = ph_uniform(p, -0.56f, -0.48f), x = ph_spread(p, 0.012f);
    ph_line(c, TMP, PH_PTS(x + 0.02f, -1.1f, x, -0.8f, x, tip), 0.075f, 0.07f);
    ph_rim(c, RIM, TMP, 0.014f);
    ph_add(c, TMP, 0.12f);
    ph_add(c, RIM, 0.15f);
    metal_line(c, PH_PTS(x + 0.04f, -1.1f, x + 0.022f, -0.8f, x + 0.022f, tip), 0.018f);
    metal_line(c, PH_PTS(x - 0.022f, -1.1f, x - 0.022f, -0.8f, x - 0.022f, tip),
               0.018f);
}

static void gastric_tube(ph_canvas *c, const chest *k, ph_rng *p)
{
    const float dx = ph_spread(p, 0.02f), b = k->base_l;
    metal_line(c,
               PH_PTS(0.03f, -1.1f, 0.02f + dx, -0.6f, 0.03f, -0.1f, 0.06f + dx, 0.3f,
                      0.14f, b + 0.10f, 0.30f, b + 0.24f, 0.42f, b + 0.20f),
               0.022f);
}

static void device(ph_canvas *c, const chest *k, ph_finding f, ph_rng *p)
{
    if (f == PH_PACEMAKER)
        pacemaker(c, k, p);
    else if (f == PH_TRACHEAL_TUBE)
        tracheal_tube(c, p);
    else if (f == PH_GASTRIC_TUBE)
        gastric_tube(c, k, p);
}

static void body_frontal(ph_canvas *c, const chest *k, ph_rng *p)
{
    const float w = k->wall + ph_uniform(p, 0.06f, 0.16f);
    ph_area(c, BODY,
            PH_PTS(-0.17f, -1.3f, 0.17f, -1.3f, 0.20f, -0.95f, 0.5f, -0.86f, 0.9f,
                   -0.78f, 1.25f, -0.5f, 1.1f, -0.3f, w + 0.05f, -0.22f, w, 0.2f,
                   w + 0.04f, 1.3f, -w - 0.04f, 1.3f, -w, 0.2f, -w - 0.05f, -0.22f,
                   -1.1f, -0.3f, -1.25f, -0.5f, -0.9f, -0.78f, -0.5f, -0.86f, -0.2f,
                   -0.95f));
    ph_soften(c, BODY, 0.02f);
    ph_paint(c, BODY, 0.62f, 1);
    ph_copy(c, TMP, BODY);
    ph_ramp(c, TMP, 0, 0.3f, 0, 0, 0.9f, 1);
    ph_add(c, TMP, 0.12f);
}

void ph_draw_chest_frontal(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r)
{
    const chest k = chest_of(s, person);
    ph_warp(c, person, 0.02f);
    body_frontal(c, &k, person);
    for (int side = -1; side <= 1; side += 2) {
        c->mirror = (float)side;
        const int lung = side < 0 ? LUNG_R : LUNG_L;
        lung_outline(c, lung, &k, side < 0 ? k.base_r : k.base_l, 0);
        ph_soften(c, lung, 0.010f);
        ph_paint(c, lung, ph_uniform(person, 0.10f, 0.16f), 0.97f);
        ph_copy(c, TMP, lung);
        ph_ramp(c, TMP, 0.55f, -0.4f, 0, 0.3f, 0.4f, 1);
        ph_add(c, TMP, 0.05f);
        vessels(c, person, lung, k.base_r);
    }
    c->mirror = 1;
    abdomen_below(c, &k, person);
    heart_and_vessels(c, &k, person);
    if (s->side == PH_BILATERAL || s->side == PH_RIGHT)
        one_side(c, &k, s, person, PH_RIGHT);
    if (s->side == PH_BILATERAL || s->side == PH_LEFT)
        one_side(c, &k, s, person, PH_LEFT);
    spine(c);
    ph_rng bones = *person; /* both sides alike */
    for (int side = -1; side <= 1; side += 2) {
        ph_rng same = bones;
        c->mirror = (float)side;
        cage(c, &k, &same);
    }
    c->mirror = 1;
    device(c, &k, s->finding, person);
    device(c, &k, s->extra, person);
    ph_blur_all(c, 0.006f);
    ph_add_cloud(c, r, 3, 0.02f);
    ph_film_curve(c, ph_uniform(r, 1.15f, 1.6f));
}

/* --- lateral: the patient looks to the picture's left -------------------------------
 */

static void lateral_lungs(ph_canvas *c, const chest *k)
{
    const float b = k->base_r + 0.05f;
    ph_area(c, LUNG_R,
            PH_PTS(-0.05f, k->top, 0.12f, k->top - 0.02f, 0.34f, k->top + 0.16f, 0.48f,
                   -0.25f, 0.54f, 0.1f, 0.52f, b + 0.12f, 0.46f, b + 0.28f, 0.38f,
                   b + 0.18f, 0.2f, b + 0.02f, -0.1f, b - 0.08f, -0.36f, b - 0.04f,
                   -0.50f, b + 0.08f, -0.56f, b - 0.1f, -0.52f, -0.1f, -0.38f, -0.42f,
                   -0.2f, -0.66f));
    ph_soften(c, LUNG_R, 0.012f);
    ph_paint(c, LUNG_R, 0.17f, 0.95f);
}

static void lateral_spine(ph_canvas *c, const chest *k)
{
    for (int i = 0; i < 12; i++) {
        const float t = (float)i / 11, y = k->top - 0.1f + 1.75f * t;
        const float x = 0.36f + 0.13f * ph_sin(2.6f * t + 0.35f);
        const float h = 0.052f + 0.014f * t, w = 0.075f + 0.02f * t;
        ph_box(c, TMP, x, y, w, h, -8 + 14 * t, 0.018f);
        ph_rim(c, RIM, TMP, 0.012f);
        ph_soften(c, TMP, 0.005f);
        ph_add(c, TMP, 0.14f - 0.04f * t);
        ph_add(c, RIM, 0.16f);
        ph_line(c, TMP, PH_PTS(x + w, y, x + 0.17f, y + 0.05f, x + 0.26f, y + 0.14f),
                0.06f, 0.03f);
        ph_soften(c, TMP, 0.012f);
        ph_add(c, TMP, 0.12f);
    }
}

static void lateral_heart(ph_canvas *c, const chest *k)
{
    const float h = k->heart, b = k->base_r + 0.02f;
    ph_area(c, HEART,
            PH_PTS(-0.42f, b + 0.08f, -0.36f - 0.06f * (h - 1), 0.02f - 0.2f * (h - 1),
                   -0.16f, -0.16f * h, 0.02f, -0.10f * h, -0.02f + 0.22f * h * h * 0.6f,
                   0.10f, -0.04f + 0.24f * h * h * 0.6f, b - 0.1f, 0.06f, b + 0.12f,
                   -0.2f, b + 0.16f));
    ph_soften(c, HEART, 0.02f);
    ph_paint(c, HEART, 0.66f, 0.85f);
    ph_line(c, TMP,
            PH_PTS(-0.14f, -0.12f, -0.10f, -0.40f, 0.08f, -0.52f, 0.22f, -0.36f, 0.28f,
                   0.0f, 0.3f, 0.5f),
            0.16f, 0.10f);
    ph_soften(c, TMP, 0.03f);
    ph_cut(c, TMP, LUNG_R);
    ph_add(c, TMP, 0.14f);
    ph_line(c, TMP, PH_PTS(-0.04f, -1.05f, 0.0f, -0.7f, 0.06f, -0.3f), 0.07f, 0.06f);
    ph_soften(c, TMP, 0.014f);
    ph_add(c, TMP, -0.09f);
    ph_ellipse(c, TMP, 0.05f, -0.18f, 0.10f, 0.12f, 0);
    ph_soften(c, TMP, 0.04f);
    ph_add(c, TMP, 0.12f);
}

static void lateral_finding(ph_canvas *c, const chest *k, const ph_study *s, ph_rng *p)
{
    const float b = k->base_r;
    if (s->finding == PH_EFFUSION) {
        const float up = ph_mix(0.06f, 0.42f, s->severity);
        ph_area(c, TMP,
                PH_PTS(0.7f, b - up - 0.18f, 0.52f, b - up - 0.12f, 0.38f,
                       b - up + 0.06f, 0.1f, b - up * 0.5f + 0.10f, -0.2f, b + 0.02f,
                       -0.3f, b + 0.3f, 0.4f, b + 0.5f, 0.7f, b + 0.4f));
        ph_soften(c, TMP, 0.02f);
        ph_cut(c, TMP, LUNG_R);
        ph_paint(c, TMP, 0.72f, 0.95f);
    } else if (s->finding == PH_CONSOLIDATION) {
        if (s->lobe == PH_UPPER)
            ph_area(c, WORK,
                    PH_PTS(-0.4f, -0.1f, -0.4f, -0.45f, -0.1f, -0.75f, 0.15f, -0.6f,
                           0.1f, -0.25f, -0.1f, -0.1f));
        else if (s->lobe == PH_MIDDLE)
            ph_area(c, WORK,
                    PH_PTS(0.1f, -0.08f, -0.3f, -0.04f, -0.55f, 0.05f, -0.5f, 0.3f,
                           -0.3f, 0.4f, -0.1f, 0.18f));
        else
            ph_area(c, WORK,
                    PH_PTS(0.12f, b - 0.05f, 0.2f, -0.1f, 0.45f, -0.2f, 0.55f, 0.1f,
                           0.5f, b + 0.2f, 0.3f, b + 0.1f));
        ph_soften(c, WORK, 0.03f);
        ph_cut(c, WORK, LUNG_R);
        ph_cloud(c, WORK, p, 5, 0.35f);
        ph_paint(c, WORK, 0.62f, 0.9f);
    } else if (s->finding == PH_PACEMAKER) {
        ph_box(c, TMP, -0.56f, -0.52f, 0.035f, 0.11f, 20, 0.03f);
        ph_paint(c, TMP, 1.5f, 0.95f);
        metal_line(c,
                   PH_PTS(-0.5f, -0.56f, -0.2f, -0.66f, 0.0f, -0.35f, 0.02f, 0.05f,
                          -0.1f, 0.25f, -0.34f, b - 0.02f),
                   0.019f);
    }
}

void ph_draw_chest_lateral(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r)
{
    const chest k = chest_of(s, person);
    ph_warp(c, person, 0.02f);
    ph_area(c, BODY,
            PH_PTS(-0.2f, -1.3f, 0.3f, -1.3f, 0.42f, -0.9f, 0.66f, -0.6f, 0.76f, 0.0f,
                   0.70f, 0.6f, 0.72f, 1.3f, -0.66f, 1.3f, -0.68f, 0.5f, -0.70f, 0.1f,
                   -0.60f, -0.4f, -0.42f, -0.76f, -0.22f, -0.95f));
    ph_soften(c, BODY, 0.02f);
    ph_paint(c, BODY, 0.64f, 1);
    lateral_lungs(c, &k);
    lateral_heart(c, &k);
    ph_ellipse(c, TMP, -0.25f, k.base_r + 0.22f, 0.10f, 0.06f, 0);
    ph_soften(c, TMP, 0.02f);
    ph_add(c, TMP, -0.2f);
    lateral_finding(c, &k, s, person);
    lateral_spine(c, &k);
    for (int i = 0; i < 8; i++) {
        const float y = -0.6f + 0.15f * (float)i, d = ph_spread(person, 0.02f);
        rib(c,
            PH_PTS(0.44f, y - 0.04f + d, 0.2f, y + 0.06f, -0.15f, y + 0.26f, -0.46f,
                   y + 0.40f),
            0.040f, 0.045f);
    }
    ph_line(c, TMP, PH_PTS(-0.42f, -0.55f, -0.53f, -0.2f, -0.57f, 0.15f), 0.05f, 0.04f);
    ph_soften(c, TMP, 0.008f);
    ph_add(c, TMP, 0.16f);
    /* raised arms cross the top */
    ph_line(c, TMP, PH_PTS(-0.5f, -1.1f, -0.1f, -0.85f, 0.2f, -0.8f), 0.35f, 0.25f);
    ph_soften(c, TMP, 0.04f);
    ph_add(c, TMP, 0.10f);
    ph_blur_all(c, 0.006f);
    ph_add_cloud(c, r, 3, 0.02f);
    ph_film_curve(c, ph_uniform(r, 1.15f, 1.6f));
}
