/*
 * canvas.h - drawing for phantoms: smooth shapes on a square of floats, from a seed.
 *
 * Picture units: x and y run from -1 to 1, x to the right, y down, whatever the size in
 * pixels. A shape is first rasterised into one of a few masks (exact area coverage, so
 * edges are smooth at any size), may then be softened, cut or textured, and is finally
 * added to or painted over the picture. A brightness of 0 is black and 1 is white.
 *
 * The same seed gives the same picture on every machine: the generator is our own, no
 * function of libm but sqrtf (exact by IEEE 754) is used, and the build switches fused
 * multiply-adds off. For the same reason at most one number is drawn per expression: C
 * does not say in which order the arguments of a call are worked out. Names start with
 * ph_ here: this folder is a program of its own.
 */
#ifndef PF_DATA_PHANTOMS_CANVAS_H
#define PF_DATA_PHANTOMS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* --- random numbers and elementary functions ------------------------------------ */

typedef struct {
    uint64_t state;
} ph_rng;

ph_rng ph_rng_of(uint64_t seed, uint64_t stream); /* independent streams of one seed */
uint32_t ph_rng_u32(ph_rng *r);
uint64_t ph_rng_u64(ph_rng *r);
float ph_uniform(ph_rng *r, float low, float high);
float ph_spread(ph_rng *r, float amount); /* -amount..amount, middle more often */
int ph_pick(ph_rng *r, int n);            /* 0..n-1 */
bool ph_chance(ph_rng *r, float p);

float ph_sin(float x);
float ph_cos(float x);
float ph_exp(float x);
float ph_root(float x); /* 0 for what is negative */
float ph_clamp(float x, float low, float high);
float ph_mix(float a, float b, float t);

/* --- the canvas ------------------------------------------------------------------ */

enum { PH_MASKS = 8, PH_SIZE_MIN = 32, PH_SIZE_MAX = 1024 };

typedef struct {
    float *a;           /* [size, size] coverage 0..1; zero outside the box */
    int x0, y0, x1, y1; /* half-open box of pixels that may be non-zero */
} ph_mask;

typedef struct {
    int size;
    float *px;   /* [size, size] brightness */
    float *temp; /* [size + 2, size + 2] working memory */
    ph_mask mask[PH_MASKS];
    /* Where a point lands: mirrored, warped, turned, scaled, moved, in that order. */
    float mirror; /* 1, or -1 to draw the other side */
    float scale, turn_cos, turn_sin, move_x, move_y;
    float warp[8]; /* amplitude, frequency and phases of a slow displacement */
} ph_canvas;

PF_MUST_CHECK ph_canvas *ph_canvas_new(int size, pf_err *err);
void ph_canvas_free(ph_canvas *c); /* NULL is fine */

/* Everything back to the start, the whole picture at `value`. */
void ph_canvas_begin(ph_canvas *c, float value);
void ph_place(ph_canvas *c, float scale, float degrees, float move_x, float move_y);
/* The same by chance: a scale between the two, the others up to the given amounts. */
void ph_place_roughly(ph_canvas *c, ph_rng *r, float scale_low, float scale_high,
                      float degrees, float x, float y);
/* Bend the anatomy a little, differently for each person. */
void ph_warp(ph_canvas *c, ph_rng *r, float amount);

/* --- shapes: each replaces what mask `m` held --------------------------------------
 */

/* Points as x, y, x, y, ...; PH_PTS(...) gives array and count to the calls below. */
#define PH_PTS(...)                                                                    \
    (const float[]){__VA_ARGS__},                                                      \
        (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float) / 2)

void ph_area(ph_canvas *c, int m, const float *pts, int n);    /* smooth closed curve */
void ph_polygon(ph_canvas *c, int m, const float *pts, int n); /* straight edges */
void ph_ellipse(ph_canvas *c, int m, float x, float y, float rx, float ry,
                float degrees);
/* An ellipse with a wobbly border; rough 0..1. */
void ph_blob(ph_canvas *c, int m, ph_rng *r, float x, float y, float rx, float ry,
             float rough);
/* A smooth line through the points, its full width going from `w0` to `w1`. */
void ph_line(ph_canvas *c, int m, const float *pts, int n, float w0, float w1);
void ph_box(ph_canvas *c, int m, float x, float y, float rx, float ry, float degrees,
            float round);

/* --- masks --------------------------------------------------------------------------
 */

void ph_soften(ph_canvas *c, int m, float sigma); /* Gaussian-like, sigma in units */
void ph_copy(ph_canvas *c, int to, int from);
void ph_cut(ph_canvas *c, int m, int by);    /* m = m * by */
void ph_remove(ph_canvas *c, int m, int by); /* m = m * (1 - by) */
void ph_join(ph_canvas *c, int m, int with); /* m = max(m, with) */
/* to = the inner rim of `from`, about `width` wide. */
void ph_rim(ph_canvas *c, int to, int from, float width);
/* Multiply with cloudy noise: `cells` clouds per unit, 1 - depth .. 1. */
void ph_cloud(ph_canvas *c, int m, ph_rng *r, float cells, float depth);
/* Multiply with a ramp that is `low` before (x0,y0) and `high` behind (x1,y1). */
void ph_ramp(ph_canvas *c, int m, float x0, float y0, float low, float x1, float y1,
             float high);

/* --- on to the picture -------------------------------------------------------------
 */

void ph_add(ph_canvas *c, int m, float amount);
void ph_paint(ph_canvas *c, int m, float value, float alpha);
/* Painted with cloudy variation of +-amount around the value. */
void ph_paint_cloudy(ph_canvas *c, int m, ph_rng *r, float value, float amount,
                     float cells);

/* --- finishing the whole picture ----------------------------------------------------
 */

void ph_blur_all(ph_canvas *c, float sigma);
void ph_add_cloud(ph_canvas *c, ph_rng *r, float cells, float amount);
/* Pixel noise; `grow` > 0 makes it stronger where the picture is brighter. */
void ph_add_grain(ph_canvas *c, ph_rng *r, float amount, float grow);
/* Multiplicative, slightly correlated noise, as in ultrasound. */
void ph_speckle(ph_canvas *c, ph_rng *r, float amount);
/* value = clamp((value - black) / (white - black)) ^ about gamma (0.5..2). */
void ph_window(ph_canvas *c, float black, float white, float gamma);
void ph_film_curve(ph_canvas *c, float strength); /* 1 - exp(-strength * x), to 0..1 */

/* "L" or "R" as a lead letter, its middle at x, y in the untransformed picture. */
void ph_letter(ph_canvas *c, int m, char letter, float x, float y, float height);

/* To 8-bit grey; `out` holds size * size bytes. */
void ph_to_bytes(const ph_canvas *c, uint8_t *out);

/* Pillow's bicubic (a = -0.5, antialiased) from a square `src` of `n` to `m` pixels a
 * side; `temp` holds n * m bytes. */
void ph_resize_bytes(const uint8_t *src, int n, uint8_t *dst, int m, uint8_t *temp);

#endif
