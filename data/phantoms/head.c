/*
 * head.c - axial brain slices at the level of the lateral ventricles: CT without
 * contrast, and MR as T1, T2 and FLAIR. One anatomy, four sets of grey values.
 */
#include "data/phantoms/phantom.h"

enum { TMP, RIM, BRAIN, VENT, LESION, SKULL, WORK, WHITE };

typedef struct {
    float skin, skull, marrow, csf, grey, white, vent, deep;
} tissue;

static const tissue ct_values = {0.34f, 1.15f,  0.95f, 0.20f,
                                 0.44f, 0.385f, 0.17f, 0.45f};
static const tissue t1_values = {0.75f, 0.05f, 0.45f, 0.10f,
                                 0.40f, 0.58f, 0.09f, 0.44f};
static const tissue t2_values = {0.55f, 0.04f, 0.30f, 0.95f,
                                 0.52f, 0.34f, 0.97f, 0.42f};
static const tissue flair_values = {0.50f, 0.04f, 0.28f, 0.08f,
                                    0.50f, 0.40f, 0.06f, 0.45f};

typedef struct {
    float w, h;    /* half axes of the brain */
    float vent;    /* size of the ventricles */
    float atrophy; /* depth of the sulci */
    float shift;   /* of the midline, towards +x */
} head;

static head head_of(const ph_study *s, ph_rng *p)
{
    head k;
    k.w = ph_uniform(p, 0.60f, 0.66f);
    k.h = ph_uniform(p, 0.75f, 0.82f);
    k.vent = ph_uniform(p, 0.75f, 1.25f);
    k.atrophy = ph_uniform(p, 0.2f, 1);
    k.shift = 0;
    if (s->extra == PH_SHIFT)
        k.shift = (s->side == PH_RIGHT ? 1 : -1) * ph_uniform(p, 0.10f, 0.14f);
    return k;
}

static void skull(ph_canvas *c, const head *k, const tissue *v)
{
    ph_ellipse(c, TMP, 0, 0, k->w + 0.17f, k->h + 0.15f, 0);
    ph_soften(c, TMP, 0.010f);
    ph_paint(c, TMP, v->skin, 1);
    ph_ellipse(c, SKULL, 0, 0, k->w + 0.11f, k->h + 0.10f, 0);
    ph_paint(c, SKULL, v->skull, 1);
    ph_ellipse(c, TMP, 0, 0, k->w + 0.085f, k->h + 0.075f, 0);
    ph_ellipse(c, WORK, 0, 0, k->w + 0.05f, k->h + 0.045f, 0);
    ph_remove(c, TMP, WORK);
    ph_soften(c, TMP, 0.008f);
    ph_paint(c, TMP, v->marrow, 0.9f);
    ph_ellipse(c, SKULL, 0, 0, k->w + 0.02f, k->h + 0.02f, 0);
    ph_paint(c, SKULL, v->csf, 1);
}

/* Sulci: short dark (or bright) strokes from the surface inwards. */
static void sulci(ph_canvas *c, const head *k, const tissue *v, ph_rng *p)
{
    for (int i = 0; i < 38; i++) {
        const float a = (float)i * (6.2832f / 38) + ph_spread(p, 0.07f);
        const float cs = ph_cos(a), sn = ph_sin(a), d = ph_uniform(p, 0.10f, 0.20f);
        if (cs < 0.12f && cs > -0.12f)
            continue;
        const float x = k->w * cs, y = k->h * sn, bend = ph_spread(p, 0.05f);
        ph_line(c, TMP,
                PH_PTS(x * 1.02f, y * 1.02f, x * (1 - d * 0.5f) - bend * sn,
                       y * (1 - d * 0.5f) + bend * cs, x * (1 - d), y * (1 - d)),
                0.016f + 0.022f * k->atrophy, 0.012f);
        ph_soften(c, TMP, 0.006f);
        ph_cut(c, TMP, BRAIN);
        ph_paint(c, TMP, v->csf, 0.45f + 0.4f * k->atrophy);
    }
}

static void white_matter(ph_canvas *c, const head *k, const tissue *v, ph_rng *p)
{
    for (int side = -1; side <= 1; side += 2) {
        c->mirror = (float)side;
        ph_blob(c, WHITE, p, 0.30f, 0, k->w * 0.44f, k->h * 0.78f, 0.5f);
        ph_soften(c, WHITE, 0.020f);
        ph_cut(c, WHITE, BRAIN);
        ph_paint(c, WHITE, v->white, 0.95f);
        for (int i = 0; i < 9; i++) {
            const float a = -1.35f + 0.34f * (float)i;
            ph_line(c, TMP,
                    PH_PTS(0.3f, 0.5f * k->h * ph_sin(a),
                           k->w * 0.86f * ph_cos(a) + 0.03f, k->h * 0.86f * ph_sin(a)),
                    0.09f, 0.035f);
            ph_soften(c, TMP, 0.012f);
            ph_cut(c, TMP, BRAIN);
            ph_paint(c, TMP, v->white, 0.8f);
        }
    }
    c->mirror = 1;
}

/* Lateral ventricles, third ventricle, basal ganglia; the midline may be pushed. */
static void deep_structures(ph_canvas *c, const head *k, const tissue *v)
{
    const float g = k->vent;
    for (int side = -1; side <= 1; side += 2) {
        c->mirror = (float)side;
        const float sx = k->shift * (float)side; /* the push in mirrored units */
        /* the side that pushes squeezes its own ventricle */
        const float q = g * (sx > 0 ? 0.6f : 1);
        ph_ellipse(c, TMP, 0.16f + sx, 0.03f, 0.075f, 0.13f, -18);
        ph_soften(c, TMP, 0.015f);
        ph_paint(c, TMP, v->deep, 0.85f);
        ph_ellipse(c, TMP, 0.27f + sx * 0.6f, -0.04f, 0.055f, 0.15f, 16);
        ph_soften(c, TMP, 0.015f);
        ph_paint(c, TMP, v->deep, 0.85f);
        ph_area(c, VENT,
                PH_PTS(0.02f + sx, -0.13f, 0.05f + sx, -0.24f, 0.13f * q + sx + 0.02f,
                       -0.34f, 0.16f * q + sx + 0.02f, -0.31f, 0.11f + sx, -0.19f,
                       0.05f + sx, -0.05f));
        ph_soften(c, VENT, 0.009f);
        ph_paint(c, VENT, v->vent, 0.96f);
        ph_area(c, VENT,
                PH_PTS(0.11f + sx, 0.16f, 0.17f * q + sx + 0.03f, 0.22f,
                       0.22f * q + sx + 0.03f, 0.38f, 0.19f * q + sx, 0.46f, 0.13f + sx,
                       0.36f, 0.08f + sx, 0.22f));
        ph_soften(c, VENT, 0.009f);
        ph_paint(c, VENT, v->vent, 0.96f);
        c->mirror = 1;
    }
    ph_ellipse(c, VENT, k->shift, 0.02f, 0.014f + 0.008f * g, 0.09f, 0);
    ph_soften(c, VENT, 0.006f);
    ph_paint(c, VENT, v->vent, 0.95f);
}

static void midline(ph_canvas *c, const head *k, const tissue *v, float falx)
{
    const float s = k->shift;
    ph_line(c, TMP, PH_PTS(0, -k->h, s * 0.4f, -0.6f * k->h, s, -0.40f), 0.022f,
            0.018f);
    ph_soften(c, TMP, 0.005f);
    ph_paint(c, TMP, v->csf, 0.9f);
    ph_line(c, TMP, PH_PTS(0, k->h, s * 0.4f, 0.75f * k->h, s, 0.48f), 0.022f, 0.018f);
    ph_soften(c, TMP, 0.005f);
    ph_paint(c, TMP, v->csf, 0.9f);
    ph_line(c, TMP, PH_PTS(0, -k->h - 0.02f, s * 0.4f, -0.6f * k->h, s, -0.36f), 0.010f,
            0.008f);
    ph_paint(c, TMP, falx, 0.8f);
    ph_line(c, TMP, PH_PTS(0, k->h + 0.02f, s * 0.4f, 0.75f * k->h, s, 0.46f), 0.010f,
            0.008f);
    ph_paint(c, TMP, falx, 0.8f);
}

static void brain(ph_canvas *c, const head *k, const tissue *v, ph_rng *p, float falx)
{
    ph_ellipse(c, BRAIN, 0, 0, k->w, k->h, 0);
    ph_soften(c, BRAIN, 0.008f);
    ph_paint_cloudy(c, BRAIN, p, v->grey, 0.02f, 5);
    white_matter(c, k, v, p);
    sulci(c, k, v, p);
    midline(c, k, v, falx);
    deep_structures(c, k, v);
    /* Sylvian fissures */
    for (int side = -1; side <= 1; side += 2) {
        c->mirror = (float)side;
        ph_line(c, TMP,
                PH_PTS(k->w, -0.14f, k->w - 0.12f, -0.10f, k->w - 0.20f, 0.02f,
                       k->w - 0.22f, 0.14f),
                0.035f + 0.02f * k->atrophy, 0.015f);
        ph_soften(c, TMP, 0.008f);
        ph_cut(c, TMP, BRAIN);
        ph_paint(c, TMP, v->csf, 0.85f);
    }
    c->mirror = 1;
}

/* --- CT findings, drawn at x > 0
 * ------------------------------------------------------ */

static void subdural(ph_canvas *c, const head *k, float severity, ph_rng *p)
{
    const float thick = ph_mix(0.10f, 0.19f, severity), dy = ph_spread(p, 0.10f);
    ph_ellipse(c, LESION, 0, 0, k->w + 0.015f, k->h + 0.015f, 0);
    ph_ellipse(c, WORK, -thick * 1.15f, 0.02f + dy * 0.3f, k->w, k->h * 1.01f, 0);
    ph_remove(c, LESION, WORK);
    ph_box(c, WORK, 0.5f + 0.04f, dy, 0.5f, k->h * 0.86f, 0, 0.1f);
    ph_soften(c, WORK, 0.03f);
    ph_cut(c, LESION, WORK);
    ph_soften(c, LESION, 0.008f);
    ph_paint_cloudy(c, LESION, p, 0.74f, 0.05f, 5);
}

static void epidural(ph_canvas *c, const head *k, float severity, ph_rng *p)
{
    const float a = ph_uniform(p, -0.55f, 0.45f);
    const float x = k->w * ph_cos(a), y = k->h * ph_sin(a);
    const float big = ph_mix(0.24f, 0.36f, severity);
    ph_ellipse(c, LESION, x * 1.02f, y * 1.02f, big * 0.58f, big, a * 57.3f);
    ph_ellipse(c, WORK, 0, 0, k->w + 0.02f, k->h + 0.02f, 0);
    ph_cut(c, LESION, WORK);
    ph_soften(c, LESION, 0.007f);
    ph_paint_cloudy(c, LESION, p, 0.80f, 0.04f, 5);
}

static void haemorrhage(ph_canvas *c, float severity, ph_rng *p)
{
    const float x = ph_uniform(p, 0.24f, 0.34f), y = ph_uniform(p, -0.18f, 0.22f);
    const float size = ph_mix(0.10f, 0.17f, severity);
    ph_blob(c, LESION, p, x, y, size * 1.5f, size * 1.6f, 0.5f);
    ph_soften(c, LESION, 0.04f);
    ph_paint(c, LESION, 0.28f, 0.85f);
    ph_blob(c, LESION, p, x, y, size, size * ph_uniform(p, 1.0f, 1.35f), 0.9f);
    ph_soften(c, LESION, 0.010f);
    ph_paint_cloudy(c, LESION, p, 0.82f, 0.05f, 6);
}

void ph_draw_head_ct(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r)
{
    const head k = head_of(s, person);
    ph_warp(c, person, 0.012f);
    skull(c, &k, &ct_values);
    brain(c, &k, &ct_values, person, 0.60f);
    ph_ellipse(c, TMP, 0, 0.16f, 0.02f, 0.02f, 0); /* calcified pineal */
    ph_soften(c, TMP, 0.005f);
    ph_paint(c, TMP, 0.9f, ph_chance(person, 0.5f) ? 0.9f : 0);
    c->mirror = s->side == PH_RIGHT ? -1 : 1;
    if (s->finding == PH_SUBDURAL)
        subdural(c, &k, s->severity, person);
    else if (s->finding == PH_EPIDURAL)
        epidural(c, &k, s->severity, person);
    else if (s->finding == PH_HAEMORRHAGE)
        haemorrhage(c, s->severity, person);
    c->mirror = 1;
    ph_blur_all(c, 0.005f);
    ph_add_grain(c, r, ph_uniform(r, 0.03f, 0.06f), 0);
    ph_blur_all(c, 0.004f);
    const float black = ph_uniform(r, 0.08f, 0.14f);
    ph_window(c, black, black + ph_uniform(r, 0.64f, 0.78f), 1);
}

/* --- MR findings
 * ---------------------------------------------------------------------- */

static void tumour(ph_canvas *c, ph_view view, float severity, ph_rng *p)
{
    const float x = ph_uniform(p, 0.26f, 0.36f), y = ph_uniform(p, -0.38f, 0.34f);
    const float size = ph_mix(0.13f, 0.20f, severity);
    ph_rng shape = *p;
    const float oedema = view == PH_T1 ? 0.34f : view == PH_T2 ? 0.80f : 0.86f;
    ph_blob(c, LESION, &shape, x, y, size * 1.55f, size * 1.7f, 1);
    ph_soften(c, LESION, 0.03f);
    ph_cut(c, LESION, BRAIN);
    ph_paint(c, LESION, oedema, 0.85f);
    ph_blob(c, LESION, &shape, x, y, size, size * 1.05f, 0.6f);
    ph_soften(c, LESION, 0.006f);
    ph_rim(c, RIM, LESION, 0.035f);
    const float core = view == PH_T1 ? 0.16f : view == PH_T2 ? 0.95f : 0.34f;
    ph_paint_cloudy(c, LESION, &shape, core, 0.05f, 8);
    const float wall = view == PH_T1 ? 0.95f : view == PH_T2 ? 0.36f : 0.66f;
    ph_paint(c, RIM, wall, 0.95f);
}

static void infarct(ph_canvas *c, const head *k, ph_view view, float severity,
                    ph_rng *p)
{
    const float low = ph_mix(0.10f, -0.30f, severity) - 0.06f;
    const float high = low + ph_mix(0.50f, 0.80f, severity);
    ph_area(c, LESION,
            PH_PTS(0.26f, (low + high) / 2, 0.42f, low + 0.06f, k->w + 0.1f, low - 0.1f,
                   k->w + 0.15f, (low + high) / 2, k->w + 0.1f, high + 0.1f, 0.42f,
                   high - 0.06f));
    ph_soften(c, LESION, 0.014f);
    ph_cut(c, LESION, BRAIN);
    ph_paint_cloudy(c, LESION, p,
                    view == PH_T1   ? 0.24f
                    : view == PH_T2 ? 0.74f
                                    : 0.80f,
                    0.08f, 6);
}

static void white_matter_lesions(ph_canvas *c, ph_view view, float severity, ph_rng *p)
{
    const float value = view == PH_T1 ? 0.22f : view == PH_T2 ? 0.82f : 0.95f;
    const int n = 9 + (int)(8 * severity);
    for (int i = 0; i < n; i++) {
        c->mirror = i % 2 ? 1 : -1;
        const float y = ph_uniform(p, -0.46f, 0.52f);
        const float x = ph_uniform(p, 0.17f, 0.42f);
        const float a = ph_uniform(p, 0.030f, 0.058f);
        ph_blob(c, LESION, p, x, y, a * 1.15f, a, 0.6f);
        ph_soften(c, LESION, 0.008f);
        ph_paint(c, LESION, value, 0.95f);
    }
    if (view == PH_FLAIR)
        for (int i = 0; i < 4; i++) { /* caps of the ventricles */
            c->mirror = i % 2 ? 1 : -1;
            ph_ellipse(c, LESION, 0.19f, i < 2 ? -0.36f : 0.48f, 0.06f, 0.035f, 20);
            ph_soften(c, LESION, 0.012f);
            ph_paint(c, LESION, value, 0.9f);
        }
    c->mirror = 1;
}

void ph_draw_brain_mr(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                      ph_rng *r)
{
    const head k = head_of(s, person);
    const tissue *v = view == PH_T1   ? &t1_values
                      : view == PH_T2 ? &t2_values
                                      : &flair_values;
    ph_warp(c, person, 0.012f);
    skull(c, &k, v);
    brain(c, &k, v, person, view == PH_T1 ? 0.5f : 0.3f);
    c->mirror = s->side == PH_RIGHT ? -1 : 1;
    if (s->finding == PH_TUMOUR)
        tumour(c, view, s->severity, person);
    else if (s->finding == PH_INFARCT)
        infarct(c, &k, view, s->severity, person);
    c->mirror = 1;
    if (s->finding == PH_WHITE_MATTER)
        white_matter_lesions(c, view, s->severity, person);
    /* coil sensitivity: one side of the picture is a little brighter */
    const float coil_x = ph_spread(r, 0.6f), coil_y = ph_spread(r, 0.6f);
    ph_ellipse(c, TMP, coil_x, coil_y, 0.7f, 0.7f, 0);
    ph_soften(c, TMP, 0.25f);
    ph_cut(c, TMP, SKULL);
    ph_add(c, TMP, 0.05f);
    ph_blur_all(c, 0.007f);
    ph_add_grain(c, r, ph_uniform(r, 0.02f, 0.045f), 0.5f);
    ph_blur_all(c, 0.003f);
    const float bright = ph_uniform(r, 0.88f, 1.0f);
    ph_window(c, 0.02f, bright, ph_uniform(r, 0.9f, 1.15f));
}
