/*
 * bones.c - radiographs of limbs and spine. Limbs are drawn as the right side would be
 * seen (its outer border on the picture's left) and mirrored for the left.
 */
#include "data/phantoms/phantom.h"

enum { TMP, RIM, BONE, SOFT, WORK, OTHER };

/* Bone in mask BONE on to the picture: spongy inside, dense cortex. */
static void bone_here(ph_canvas *c, ph_rng *p, float amount)
{
    ph_soften(c, BONE, 0.005f);
    ph_rim(c, RIM, BONE, 0.020f);
    ph_copy(c, TMP, BONE);
    ph_cloud(c, TMP, p, 14, 0.22f);
    ph_add(c, TMP, amount);
    ph_add(c, RIM, amount * 0.75f);
}

static void bone_area(ph_canvas *c, ph_rng *p, const float *pts, int n, float amount)
{
    ph_area(c, BONE, pts, n);
    bone_here(c, p, amount);
}

static void flesh(ph_canvas *c, const float *pts, int n, float amount)
{
    ph_area(c, SOFT, pts, n);
    ph_soften(c, SOFT, 0.025f);
    ph_add(c, SOFT, amount);
}

static void metal(ph_canvas *c, int m)
{
    ph_soften(c, m, 0.003f);
    ph_paint(c, m, 2.2f, 0.97f);
}

static void crack(ph_canvas *c, const float *pts, int n, float width)
{
    ph_line(c, TMP, pts, n, width, width);
    ph_soften(c, TMP, 0.004f);
    ph_paint(c, TMP, 0.24f, 0.9f);
}

/* --- wrist ---------------------------------------------------------------------------
 */

static void carpals(ph_canvas *c, ph_rng *p, float dx, float dy)
{
    static const float bones[8][4] = {
        {-0.22f, -0.06f, 0.085f, 0.10f}, {-0.05f, -0.01f, 0.080f, 0.08f},
        {0.12f, -0.06f, 0.075f, 0.085f}, {0.17f, -0.03f, 0.045f, 0.05f},
        {-0.33f, -0.25f, 0.080f, 0.08f}, {-0.19f, -0.28f, 0.065f, 0.075f},
        {-0.04f, -0.22f, 0.085f, 0.13f}, {0.13f, -0.24f, 0.090f, 0.11f},
    };
    for (int i = 0; i < 8; i++) {
        ph_blob(c, BONE, p, bones[i][0] + dx, bones[i][1] + dy, bones[i][2],
                bones[i][3], 0.6f);
        bone_here(c, p, 0.30f);
    }
}

static void metacarpals(ph_canvas *c, ph_rng *p)
{
    static const float rays[5][4] = {{-0.42f, -0.34f, -0.70f, -0.66f},
                                     {-0.22f, -0.42f, -0.34f, -1.00f},
                                     {-0.05f, -0.43f, -0.06f, -1.06f},
                                     {0.10f, -0.42f, 0.18f, -1.00f},
                                     {0.21f, -0.38f, 0.38f, -0.90f}};
    for (int i = 0; i < 5; i++) {
        const float *a = rays[i];
        const float mx = (a[0] + a[2]) / 2, my = (a[1] + a[3]) / 2;
        ph_line(c, BONE, PH_PTS(a[0], a[1], mx, my, a[2], a[3]), 0.088f, 0.078f);
        ph_ellipse(c, OTHER, a[0], a[1], 0.066f, 0.055f, 0);
        ph_join(c, BONE, OTHER);
        ph_ellipse(c, OTHER, a[2], a[3], 0.064f, 0.06f, 0);
        ph_join(c, BONE, OTHER);
        bone_here(c, p, 0.28f);
    }
    ph_line(c, BONE, PH_PTS(-0.74f, -0.74f, -0.85f, -0.92f, -0.9f, -1.1f), 0.08f,
            0.06f);
    bone_here(c, p, 0.26f);
}

static void wrist(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    flesh(c,
          PH_PTS(-0.38f, 1.3f, -0.40f, 0.5f, -0.44f, 0, -0.56f, -0.26f, -0.80f, -0.58f,
                 -1.06f, -1.1f, -0.8f, -1.2f, -0.60f, -0.86f, -0.52f, -1.2f, 0.55f,
                 -1.2f, 0.50f, -0.7f, 0.40f, -0.3f, 0.36f, 0.1f, 0.38f, 0.6f, 0.38f,
                 1.3f),
          0.20f);
    const bool broken = s->finding == PH_FRACTURE;
    const float tilt = broken ? ph_mix(0.07f, 0.13f, s->severity) : 0;
    const float y = 0.30f + ph_spread(p, 0.06f);
    ph_area(c, BONE, /* radius: shaft */
            PH_PTS(-0.24f, 1.3f, -0.24f, 0.7f, -0.27f, y + 0.12f, -0.31f, y + 0.01f,
                   -0.04f, y + 0.02f, -0.08f, 0.55f, -0.10f, 0.8f, -0.10f, 1.3f));
    if (broken)
        bone_here(c, p, 0.36f);
    ph_area(c, broken ? BONE : OTHER, /* and its end, which breaks off */
            PH_PTS(-0.31f - tilt, y - 0.02f - tilt * 0.2f, -0.36f - tilt, 0.12f,
                   -0.33f - tilt, 0.02f + tilt * 0.3f, -0.18f - tilt,
                   0.07f + tilt * 0.5f, 0.02f - tilt, 0.11f + tilt * 0.7f, 0.02f - tilt,
                   y - 0.05f, -0.05f - tilt, y + 0.02f));
    if (!broken) {
        ph_join(c, BONE, OTHER);
        ph_line(c, OTHER, PH_PTS(-0.17f, y + 0.16f, -0.165f, y, -0.165f, 0.18f), 0.20f,
                0.30f);
        ph_join(c, BONE, OTHER);
    }
    bone_here(c, p, 0.36f);
    if (broken) {
        crack(c,
              PH_PTS(-0.40f - tilt, y - 0.05f, -0.25f, y + 0.01f, -0.12f, y - 0.02f,
                     0.04f, y + 0.03f),
              0.034f);
        ph_line(c, TMP, PH_PTS(-0.3f, y + 0.05f, -0.15f, y + 0.055f, -0.05f, y + 0.06f),
                0.03f, 0.03f); /* impacted, denser */
        ph_soften(c, TMP, 0.008f);
        ph_add(c, TMP, 0.20f);
    }
    bone_area(c, p, /* ulna */
              PH_PTS(0.12f, 1.3f, 0.12f, 0.6f, 0.10f, 0.22f, 0.13f, 0.14f, 0.21f, 0.13f,
                     0.245f, 0.07f, 0.265f, 0.18f, 0.25f, 0.5f, 0.25f, 1.3f),
              0.33f);
    carpals(c, p, -0.3f * tilt, 0.2f * tilt);
    metacarpals(c, p);
}

/* --- hip -----------------------------------------------------------------------------
 */

static void pelvis(ph_canvas *c, ph_rng *p)
{
    bone_area(c, p, /* ilium and the roof of the socket */
              PH_PTS(-0.02f, -0.36f, -0.08f, -0.60f, -0.22f, -1.02f, 0.1f, -1.2f, 0.9f,
                     -1.2f, 0.72f, -0.7f, 0.48f, -0.34f, 0.44f, -0.08f, 0.36f, -0.12f,
                     0.30f, -0.36f, 0.14f, -0.42f),
              0.24f);
    ph_area(c, BONE, /* pubis and ischium around the obturator foramen */
            PH_PTS(0.30f, -0.16f, 0.42f, -0.10f, 0.95f, 0.0f, 0.98f, 0.18f, 0.72f,
                   0.50f, 0.46f, 0.60f, 0.32f, 0.42f, 0.30f, 0.10f));
    ph_ellipse(c, OTHER, 0.58f, 0.22f, 0.17f, 0.14f, 30);
    ph_soften(c, OTHER, 0.01f);
    ph_remove(c, BONE, OTHER);
    bone_here(c, p, 0.26f);
    ph_line(c, TMP, PH_PTS(-0.04f, -0.36f, 0.08f, -0.45f, 0.26f, -0.42f, 0.36f, -0.24f),
            0.035f, 0.03f); /* the socket's white eyebrow */
    ph_soften(c, TMP, 0.008f);
    ph_add(c, TMP, 0.30f);
}

static void hip_implant(ph_canvas *c)
{
    ph_ellipse(c, WORK, 0.12f, -0.17f, 0.25f, 0.25f, 0);
    ph_ellipse(c, OTHER, 0.11f, -0.15f, 0.19f, 0.19f, 0);
    ph_remove(c, WORK, OTHER);
    ph_polygon(
        c, OTHER,
        PH_PTS(-0.2f, -0.08f, 0.28f, 0.20f, 0.9f, -0.2f, 0.4f, -0.9f, -0.5f, -0.6f));
    ph_cut(c, WORK, OTHER);
    metal(c, WORK);
    ph_ellipse(c, WORK, 0.11f, -0.15f, 0.15f, 0.15f, 0);
    metal(c, WORK);
    ph_area(c, WORK,
            PH_PTS(0.08f, -0.08f, 0.02f, -0.12f, -0.16f, 0.02f, -0.27f, 0.05f, -0.29f,
                   0.22f, -0.26f, 0.6f, -0.235f, 0.92f, -0.21f, 0.6f, -0.14f, 0.3f,
                   0.0f, 0.06f));
    metal(c, WORK);
}

static void femur_proximal(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    const bool broken = s->finding == PH_FRACTURE;
    const float up = broken ? ph_mix(0.10f, 0.20f, s->severity) : 0;
    const float out = broken ? 0.06f : 0;
    if (s->finding != PH_PROSTHESIS) {
        ph_ellipse(c, BONE, 0.12f, -0.16f, 0.205f, 0.205f, 0); /* head */
        if (broken) { /* a stump of the neck stays with the head, turned down */
            ph_area(c, OTHER,
                    PH_PTS(0.06f, -0.30f, -0.06f, -0.20f, -0.08f, -0.05f, 0.02f, 0.04f,
                           0.2f, -0.02f));
        } else {
            ph_area(c, OTHER,
                    PH_PTS(0.10f, -0.33f, -0.06f, -0.20f, -0.24f, -0.10f, -0.24f, 0.2f,
                           -0.08f, 0.20f, 0.06f, 0.06f, 0.22f, -0.02f));
        }
        ph_join(c, BONE, OTHER);
        if (broken)
            bone_here(c, p, 0.36f);
    }
    const bool whole = s->finding != PH_PROSTHESIS && !broken;
    ph_area(c, whole ? OTHER : BONE, /* trochanters and shaft */
            PH_PTS(-0.10f - out, -0.12f - up, -0.26f - out, -0.18f - up, -0.40f - out,
                   -0.08f - up, -0.42f - out, 0.12f - up, -0.37f - out, 0.34f - up,
                   -0.36f, 0.8f, -0.35f, 1.3f, -0.08f, 1.3f, -0.10f, 0.8f, -0.10f,
                   0.44f, -0.02f - out, 0.34f - up, -0.03f - out, 0.26f - up,
                   -0.08f - out, 0.12f - up));
    if (whole)
        ph_join(c, BONE, OTHER);
    bone_here(c, p, 0.36f);
    ph_line(c, TMP, PH_PTS(-0.225f, 0.45f, -0.222f, 0.9f, -0.22f, 1.3f), 0.10f, 0.12f);
    ph_soften(c, TMP, 0.02f);
    ph_add(c, TMP, -0.12f); /* marrow */
    if (broken)
        crack(c,
              PH_PTS(0.02f, -0.42f, -0.09f, -0.26f, -0.10f, -0.08f, -0.02f, 0.07f,
                     0.02f, 0.16f),
              0.050f);
}

static void hip(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    flesh(c,
          PH_PTS(-0.6f, 1.3f, -0.72f, 0.5f, -0.78f, -0.1f, -0.74f, -0.6f, -0.66f, -1.3f,
                 1.3f, -1.3f, 1.3f, 0.5f, 0.62f, 0.74f, 0.40f, 1.3f),
          0.36f);
    pelvis(c, p);
    femur_proximal(c, s, p);
    if (s->finding == PH_PROSTHESIS)
        hip_implant(c);
}

/* --- knee ----------------------------------------------------------------------------
 */

static void knee_implant(ph_canvas *c)
{
    ph_area(c, WORK,
            PH_PTS(-0.38f, -0.34f, -0.40f, -0.12f, -0.30f, -0.035f, -0.12f, -0.05f, 0,
                   -0.14f, 0.12f, -0.05f, 0.30f, -0.035f, 0.40f, -0.12f, 0.38f, -0.34f,
                   0.30f, -0.30f, 0.2f, -0.22f, 0, -0.24f, -0.2f, -0.22f, -0.30f,
                   -0.30f));
    metal(c, WORK);
    ph_box(c, WORK, 0, 0.105f, 0.37f, 0.030f, 0, 0.015f);
    metal(c, WORK);
    ph_area(c, WORK,
            PH_PTS(-0.14f, 0.13f, -0.06f, 0.24f, -0.05f, 0.5f, 0, 0.54f, 0.05f, 0.5f,
                   0.06f, 0.24f, 0.14f, 0.13f));
    metal(c, WORK);
}

static void knee_arthrosis(ph_canvas *c, float severity)
{
    /* medial sclerosis on both sides of the gap, and spurs at the margins */
    for (int i = 0; i < 2; i++) {
        ph_box(c, TMP, 0.21f, i ? 0.075f : -0.065f, 0.17f, 0.042f, 0, 0.03f);
        ph_soften(c, TMP, 0.014f);
        ph_add(c, TMP, 0.34f + 0.14f * severity);
    }
    static const float spurs[4][6] = {{0.36f, -0.13f, 0.42f, -0.04f, 0.49f, -0.05f},
                                      {0.36f, 0.12f, 0.42f, 0.05f, 0.50f, 0.04f},
                                      {-0.36f, -0.12f, -0.42f, -0.03f, -0.49f, -0.05f},
                                      {-0.36f, 0.13f, -0.42f, 0.07f, -0.49f, 0.06f}};
    for (int i = 0; i < 4; i++) {
        ph_line(c, TMP, spurs[i], 3, 0.12f, 0.02f);
        ph_soften(c, TMP, 0.006f);
        ph_add(c, TMP, 0.32f);
    }
}

static void knee(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    const float close = s->finding == PH_OSTEOARTHRITIS ? 0.055f : 0;
    flesh(c,
          PH_PTS(-0.50f, -1.3f, -0.48f, -0.6f, -0.54f, -0.1f, -0.48f, 0.3f, -0.50f,
                 0.7f, -0.42f, 1.3f, 0.38f, 1.3f, 0.46f, 0.6f, 0.46f, 0.2f, 0.54f,
                 -0.1f, 0.50f, -0.6f, 0.54f, -1.3f),
          0.26f);
    bone_area(c, p, /* femur */
              PH_PTS(-0.16f, -1.3f, -0.16f, -0.75f, -0.24f, -0.48f, -0.38f, -0.30f,
                     -0.41f, -0.15f, -0.34f, -0.05f, -0.18f, -0.04f, -0.06f, -0.10f, 0,
                     -0.17f, 0.06f, -0.10f, 0.18f, -0.04f + close * 0.5f, 0.34f,
                     -0.04f + close, 0.42f, -0.15f, 0.40f, -0.32f, 0.24f, -0.50f, 0.16f,
                     -0.75f, 0.16f, -1.3f),
              0.36f);
    ph_ellipse(c, BONE, -0.02f, -0.36f, 0.17f, 0.17f, 0); /* patella */
    bone_here(c, p, 0.10f);
    bone_area(c, p, /* tibia */
              PH_PTS(-0.39f, 0.08f, -0.24f, 0.055f, -0.06f, 0.05f, -0.03f, -0.01f,
                     0.03f, -0.01f, 0.06f, 0.05f, 0.24f, 0.055f - close * 0.5f, 0.39f,
                     0.08f - close * 0.4f, 0.38f, 0.22f, 0.24f, 0.42f, 0.16f, 0.7f,
                     0.15f, 1.3f, -0.13f, 1.3f, -0.15f, 0.7f, -0.24f, 0.42f, -0.38f,
                     0.24f),
              0.36f);
    bone_area(c, p, /* fibula: outer side */
              PH_PTS(-0.42f, 0.24f, -0.34f, 0.20f, -0.29f, 0.28f, -0.31f, 0.42f, -0.29f,
                     0.8f, -0.27f, 1.3f, -0.37f, 1.3f, -0.38f, 0.8f, -0.40f, 0.45f,
                     -0.46f, 0.34f),
              0.26f);
    ph_line(c, TMP, PH_PTS(0, 0.62f, 0.01f, 0.9f, 0.01f, 1.3f), 0.10f, 0.12f);
    ph_soften(c, TMP, 0.02f);
    ph_add(c, TMP, -0.10f);
    ph_line(c, TMP, PH_PTS(0, -1.3f, 0, -1.0f, 0, -0.78f), 0.13f, 0.10f);
    ph_soften(c, TMP, 0.02f);
    ph_add(c, TMP, -0.10f);
    if (s->finding == PH_OSTEOARTHRITIS)
        knee_arthrosis(c, s->severity);
    else if (s->finding == PH_PROSTHESIS)
        knee_implant(c);
}

/* --- ankle ---------------------------------------------------------------------------
 */

static void ankle(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    const bool broken = s->finding == PH_FRACTURE;
    const float off = broken ? ph_mix(0.07f, 0.13f, s->severity) : 0;
    flesh(c,
          PH_PTS(-0.42f, -1.3f, -0.44f, -0.4f, -0.52f, 0.2f, -0.50f, 0.6f, -0.60f, 1.3f,
                 0.60f, 1.3f, 0.48f, 0.6f, 0.46f, 0.2f, 0.38f, -0.4f, 0.40f, -1.3f),
          0.24f);
    bone_area(c, p, /* tibia with the inner malleolus */
              PH_PTS(-0.14f, -1.3f, -0.14f, -0.6f, -0.19f, -0.25f, -0.24f, 0.0f, -0.22f,
                     0.08f, 0.0f, 0.07f, 0.18f, 0.08f, 0.21f, 0.14f, 0.25f, 0.28f,
                     0.34f, 0.27f, 0.36f, 0.08f, 0.30f, -0.2f, 0.20f, -0.6f, 0.18f,
                     -1.3f),
              0.38f);
    ph_line(c, TMP, PH_PTS(0.02f, -1.3f, 0.03f, -0.8f, 0.03f, -0.4f), 0.14f, 0.12f);
    ph_soften(c, TMP, 0.02f);
    ph_add(c, TMP, -0.12f);
    const float y = -0.02f + ph_spread(p, 0.06f);
    ph_area(c, BONE, /* fibula shaft */
            PH_PTS(-0.34f, -1.3f, -0.34f, -0.6f, -0.36f, -0.25f, -0.40f, y + 0.06f,
                   -0.26f, y - 0.10f, -0.25f, -0.3f, -0.24f, -0.6f, -0.24f, -1.3f));
    if (broken)
        bone_here(c, p, 0.32f);
    ph_area(c, broken ? BONE : OTHER, /* outer malleolus */
            PH_PTS(-0.41f - off, y + 0.08f + off * 0.3f, -0.45f - off, 0.20f,
                   -0.40f - off * 1.2f, 0.40f, -0.33f - off * 1.2f, 0.41f, -0.26f - off,
                   0.26f, -0.24f - off, 0.08f, -0.25f - off, y - 0.09f + off * 0.3f));
    if (!broken) {
        ph_join(c, BONE, OTHER);
        ph_line(c, OTHER, PH_PTS(-0.31f, -0.3f, -0.33f, 0, -0.34f, 0.25f), 0.09f,
                0.12f);
        ph_join(c, BONE, OTHER);
    }
    bone_here(c, p, 0.32f);
    if (broken)
        crack(c,
              PH_PTS(-0.47f - off, y + 0.16f, -0.38f, y + 0.06f, -0.30f, y - 0.04f,
                     -0.18f, y - 0.15f),
              0.040f);
    bone_area(c, p, /* talus */
              PH_PTS(-0.21f, 0.14f, 0.0f, 0.13f, 0.16f, 0.14f, 0.20f, 0.30f, 0.22f,
                     0.44f, 0.0f, 0.48f, -0.24f, 0.44f, -0.23f, 0.28f),
              0.34f);
    bone_area(c, p, /* calcaneus and the foot, foreshortened */
              PH_PTS(-0.28f, 0.48f, 0.0f, 0.52f, 0.22f, 0.48f, 0.28f, 0.7f, 0.22f,
                     0.95f, -0.12f, 1.0f, -0.30f, 0.85f),
              0.28f);
}

void ph_draw_limb(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                  ph_rng *r)
{
    (void)view;
    c->mirror = s->side == PH_LEFT ? -1 : 1;
    ph_warp(c, person, 0.018f);
    if (s->anatomy == PH_WRIST)
        wrist(c, s, person);
    else if (s->anatomy == PH_HIP)
        hip(c, s, person);
    else if (s->anatomy == PH_KNEE)
        knee(c, s, person);
    else
        ankle(c, s, person);
    c->mirror = 1;
    ph_blur_all(c, 0.005f);
    ph_add_cloud(c, r, 3, 0.02f);
    ph_film_curve(c, ph_uniform(r, 1.25f, 1.7f));
}

/* --- spine ---------------------------------------------------------------------------
 */

static void body_outline(ph_canvas *c, float x, float y, float w, float front,
                         float back, float degrees, ph_rng *p, float amount)
{
    /* front is the height of the anterior border, on the left */
    const float cs = ph_cos(degrees * 0.01745f), sn = ph_sin(degrees * 0.01745f);
    const float corner[8][2] = {
        {-w, -front}, {-w * 0.9f, 0}, {-w, front}, {0, (front + back) * 0.46f},
        {w, back},    {w * 0.9f, 0},  {w, -back},  {0, -(front + back) * 0.46f}};
    float pts[16];
    for (int i = 0; i < 8; i++) {
        const float sink = i < 3 ? back - front : 0; /* the lower border stays */
        pts[2 * i] = x + cs * corner[i][0] - sn * (corner[i][1] + sink);
        pts[2 * i + 1] = y + sn * corner[i][0] + cs * (corner[i][1] + sink);
    }
    ph_area(c, BONE, pts, 8);
    bone_here(c, p, amount);
}

static void lumbar_lateral(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    flesh(c,
          PH_PTS(-0.9f, -1.3f, -0.92f, 0, -0.9f, 1.3f, 0.75f, 1.3f, 0.72f, 0.6f, 0.60f,
                 0, 0.66f, -0.6f, 0.7f, -1.3f),
          0.42f);
    const int hurt = 1 + ph_pick(p, 3);
    for (int i = -1; i < 6; i++) {
        const float t = (float)i / 5;
        const float y = -0.72f + 0.275f * (float)i;
        const float x = -0.02f - 0.13f * ph_sin(3.0f * t + 0.25f);
        const float lean = 16 * (t - 0.45f) * (i > 3 ? 1.5f : 1);
        if (i == 5) { /* sacrum */
            bone_area(c, p,
                      PH_PTS(-0.14f, 0.62f, 0.10f, 0.56f, 0.34f, 0.85f, 0.42f, 1.2f,
                             0.2f, 1.3f, 0.02f, 0.95f),
                      0.30f);
            break;
        }
        const bool broken = s->finding == PH_FRACTURE && i == hurt;
        const float front = broken ? ph_mix(0.058f, 0.034f, s->severity) : 0.106f;
        body_outline(c, x, y, 0.165f, front, broken ? 0.092f : 0.106f, lean, p,
                     broken ? 0.52f : 0.36f);
        ph_line(
            c, BONE,
            PH_PTS(x + 0.14f, y - 0.02f, x + 0.28f, y + 0.02f, x + 0.36f, y + 0.14f),
            0.10f, 0.06f);
        bone_here(c, p, 0.18f);
        ph_line(
            c, BONE,
            PH_PTS(x + 0.32f, y + 0.10f, x + 0.46f, y + 0.14f, x + 0.54f, y + 0.18f),
            0.13f, 0.13f);
        bone_here(c, p, 0.14f);
    }
}

static void lumbar_frontal(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    flesh(c,
          PH_PTS(-0.95f, -1.3f, -0.85f, 0, -0.98f, 1.3f, 0.98f, 1.3f, 0.85f, 0, 0.95f,
                 -1.3f),
          0.40f);
    for (int side = -1; side <= 1; side += 2) { /* psoas and iliac wings */
        c->mirror = (float)side;
        ph_polygon(c, TMP,
                   PH_PTS(0.16f, -0.7f, 0.30f, 0, 0.52f, 0.8f, 0.2f, 0.9f, 0.1f, 0.2f));
        ph_soften(c, TMP, 0.02f);
        ph_add(c, TMP, 0.06f);
        bone_area(c, p,
                  PH_PTS(0.26f, 0.86f, 0.46f, 0.52f, 0.75f, 0.40f, 1.0f, 0.6f, 1.0f,
                         1.3f, 0.3f, 1.3f),
                  0.20f);
        ph_line(c, BONE, PH_PTS(0.15f, -0.86f, 0.5f, -0.78f, 0.8f, -0.56f), 0.06f,
                0.05f);
        bone_here(c, p, 0.12f);
    }
    c->mirror = 1;
    const int hurt = 1 + ph_pick(p, 3);
    for (int i = -1; i < 5; i++) {
        const float y = -0.66f + 0.29f * (float)i, w = 0.18f + 0.008f * (float)i;
        const bool broken = s->finding == PH_FRACTURE && i == hurt;
        const float h = broken ? ph_mix(0.065f, 0.045f, s->severity) : 0.112f;
        body_outline(c, 0, y + (0.112f - h), w, h, h, 0, p, broken ? 0.50f : 0.33f);
        for (int side = -1; side <= 1; side += 2) {
            c->mirror = (float)side;
            ph_ellipse(c, BONE, 0.11f, y - 0.03f, 0.035f, 0.05f, 0); /* pedicle */
            bone_here(c, p, 0.22f);
            ph_line(c, BONE,
                    PH_PTS(0.16f, y - 0.02f, 0.28f, y - 0.04f, 0.36f, y - 0.05f), 0.06f,
                    0.04f); /* transverse process */
            bone_here(c, p, 0.16f);
        }
        c->mirror = 1;
        ph_ellipse(c, BONE, 0, y + 0.08f, 0.028f, 0.075f, 0); /* spinous process */
        bone_here(c, p, 0.22f);
    }
    bone_area(c, p,
              PH_PTS(-0.26f, 0.78f, 0, 0.72f, 0.26f, 0.78f, 0.22f, 1.1f, 0.1f, 1.3f,
                     -0.1f, 1.3f, -0.22f, 1.1f),
              0.26f);
}

static void cervical_lateral(ph_canvas *c, const ph_study *s, ph_rng *p)
{
    flesh(c,
          PH_PTS(-0.75f, -1.3f, -0.72f, -0.62f, -0.42f, -0.45f, -0.38f, 0.2f, -0.5f,
                 0.8f, -0.9f, 1.3f, 0.9f, 1.3f, 0.62f, 0.7f, 0.52f, 0.0f, 0.62f, -0.6f,
                 0.9f, -1.3f),
          0.32f);
    ph_line(c, TMP, PH_PTS(-0.28f, -0.7f, -0.24f, -0.2f, -0.27f, 0.3f, -0.30f, 1.2f),
            0.10f, 0.13f); /* airway */
    ph_soften(c, TMP, 0.015f);
    ph_add(c, TMP, -0.22f);
    bone_area(c, p, /* base of the skull */
              PH_PTS(-0.3f, -1.3f, -0.1f, -0.94f, 0.1f, -0.86f, 0.45f, -0.84f, 0.75f,
                     -1.0f, 0.9f, -1.3f),
              0.42f);
    bone_area(c, p, /* mandible */
              PH_PTS(-0.24f, -1.1f, -0.14f, -1.0f, -0.20f, -0.72f, -0.30f, -0.60f,
                     -0.7f, -0.52f, -0.95f, -0.55f, -0.95f, -0.75f, -0.45f, -0.82f,
                     -0.30f, -0.95f),
              0.36f);
    const bool hurt = s->finding == PH_FRACTURE;
    const int level = 3 + ph_pick(p, 2);
    const float slip = hurt ? ph_mix(0.07f, 0.12f, s->severity) : 0;
    ph_ellipse(c, BONE, -0.03f, -0.74f, 0.05f, 0.07f, 0); /* atlas, front arch */
    bone_here(c, p, 0.3f);
    for (int i = 0; i < 7; i++) {
        const float t = (float)i / 6;
        const float x =
            0.02f - 0.08f * ph_sin(3.1f * t) + 0.10f * t - (i < level ? slip : 0);
        const float y = -0.62f + 0.22f * (float)i;
        const bool broken = hurt && i == level;
        if (i == 0) { /* axis with its dens */
            ph_area(c, BONE,
                    PH_PTS(x - 0.10f, y + 0.09f, x - 0.09f, y - 0.04f, x - 0.03f,
                           y - 0.20f, x + 0.04f, y - 0.20f, x + 0.08f, y - 0.04f,
                           x + 0.11f, y + 0.09f));
            bone_here(c, p, 0.34f);
        } else
            body_outline(c, x, y, 0.115f, broken ? 0.040f : 0.076f,
                         broken ? 0.07f : 0.076f, 6, p, broken ? 0.5f : 0.34f);
        ph_line(c, BONE,
                PH_PTS(x + 0.10f, y, x + 0.2f, y + 0.04f, x + 0.28f, y + 0.04f), 0.10f,
                0.09f); /* facets */
        bone_here(c, p, 0.20f);
        const float len = i == 6 || i == 0 ? 0.22f : 0.12f;
        ph_line(c, BONE,
                PH_PTS(x + 0.28f, y + 0.04f, x + 0.32f + len * 0.5f, y + 0.08f,
                       x + 0.34f + len, y + 0.12f),
                0.07f, 0.06f);
        bone_here(c, p, 0.24f);
    }
}

void ph_draw_spine(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                   ph_rng *r)
{
    ph_warp(c, person, 0.016f);
    if (s->anatomy == PH_CERVICAL)
        cervical_lateral(c, s, person);
    else if (view == PH_LATERAL)
        lumbar_lateral(c, s, person);
    else
        lumbar_frontal(c, s, person);
    ph_blur_all(c, 0.006f);
    ph_add_cloud(c, r, 3, 0.02f);
    ph_film_curve(c, ph_uniform(r, 1.1f, 1.5f));
}
