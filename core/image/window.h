/*
 * window.h - samples of more than 8 bits -> RGB: which of them turn black and white.
 *
 * Grey. Radiographs rarely fill the range their samples could have, so they are
 * stretched; but by nearly all of their samples and not by the extremes, for one hot
 * pixel would make a film black. The rule:
 *
 *   1. The hundredth part of the samples at either end does not count: black is the
 *      smallest of the others and white the largest.
 *   2. A border, padding or dead pixels are many samples of one value. Before 1, the
 *      least value is left out, or the greatest, or both, when it is further from the
 *      next one than all that are left are from each other.
 *   3. Where that leaves a single value, 1 is not applied; where it still does, 2 is
 * not either. Where all samples are the same, black and white are the ends of the
 *      range.
 *
 * Colour keeps the black and white of its format, as a photograph should, but when all
 * samples except for the hundredth part fit in fewer bits, by two or more: 12 bits in
 * 16 are then the range they were made in. One range for the three, so that no hue
 * changes.
 */
#ifndef PF_CORE_IMAGE_WINDOW_H
#define PF_CORE_IMAGE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { PF_WINDOW_LEVELS = 65536 };

typedef struct {
    unsigned low, high; /* black and white; low < high unless all samples are equal */
} pf_window;

typedef struct {
    double low, high;
} pf_float_window;

/* counts[v]: how many samples have the value v. */
pf_window pf_window_find(const uint32_t counts[PF_WINDOW_LEVELS]);

/* `n` samples of two bytes, high byte first, none above `max`, the largest value the
 * file allows; `rgb` holds [n, 3] bytes. */
PF_MUST_CHECK bool pf_grey16_to_rgb(const uint8_t *samples, size_t n, unsigned max,
                                    uint8_t *rgb, pf_err *err);
/* The same, black and white as they were asked for; low >= high: they were not. */
PF_MUST_CHECK bool pf_grey16_to_rgb_as(const uint8_t *samples, size_t n, unsigned max,
                                       pf_float_window asked, uint8_t *rgb,
                                       pf_err *err);
/* The same of `n` colours, [n, 3] samples. */
PF_MUST_CHECK bool pf_rgb16_to_rgb(const uint8_t *samples, size_t n, unsigned max,
                                   uint8_t *rgb, pf_err *err);

/* ---- floats, of any range ---- */

/* By the rule for grey. What is no number, or infinite, does not count; low > high when
 * nothing does. */
PF_MUST_CHECK bool pf_float_window_find(pf_float_window *out, const float *values,
                                        size_t n, pf_err *err);
/* `n` pixels of 1 or 3 values; what is no number is black. */
void pf_floats_to_rgb(const float *values, size_t n, size_t channels,
                      pf_float_window window, uint8_t *rgb);

#endif
