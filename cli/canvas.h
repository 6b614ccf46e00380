/*
 * canvas.h - drawing a picture out of pictures and text, and files of it.
 *
 * For programs that show pictures (a contact sheet). What is drawn past an edge is not
 * there. Text is one line of UTF-8 in DejaVu Sans: Latin, Greek, Cyrillic and more,
 * left to right, a box for what the font does not have; letters of scripts that join or
 * run the other way come one by one in the order of the text.
 */
#ifndef PF_CLI_CANVAS_H
#define PF_CLI_CANVAS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"
#include "core/image/picture.h"

enum {
    PF_CANVAS_SIDE_MAX = 20000,      /* pixels */
    PF_CANVAS_PIXELS_MAX = 50000000, /* three bytes each */
};

typedef struct {
    pf_picture picture; /* to be read; drawn by the functions below */
} pf_canvas;

typedef struct {
    uint8_t r, g, b;
} pf_color;

/* All of it `color`. LIMIT beyond the two above. *out must be all zero. */
PF_MUST_CHECK bool pf_canvas_new(pf_canvas *out, int width, int height, pf_color color,
                                 pf_err *err);
void pf_canvas_reset(pf_canvas *canvas); /* frees; all zero is fine */

void pf_canvas_fill(pf_canvas *canvas, int x, int y, int width, int height,
                    pf_color color);

/* A JPEG file (a thumbnail), in the middle of the box, shrunk to fit, never enlarged.
 */
PF_MUST_CHECK bool pf_canvas_put_jpeg(pf_canvas *canvas, int x, int y, int width,
                                      int height, const uint8_t *jpeg, size_t n,
                                      pf_err *err);

PF_MUST_CHECK bool pf_canvas_write_png(const pf_canvas *canvas, FILE *out, pf_err *err);

/* ---- text: glyphs.c ---- */

/* The bytes of the first characters of `text` that fit into `width` pixels at a size of
 * `pixels` (the height of a line); all n, or the start of a character. What is no UTF-8
 * counts as U+FFFD, what is invisible as nothing. */
size_t pf_text_fitting(const char *text, size_t n, int pixels, int width);
/* How wide the text is, in pixels, rounded up. */
int pf_text_width(const char *text, size_t n, int pixels);

/* The line's top left corner is at x, y. NOMEM. */
PF_MUST_CHECK bool pf_canvas_put_text(pf_canvas *canvas, int x, int y, int pixels,
                                      pf_color color, const char *text, size_t n,
                                      pf_err *err);

#endif
