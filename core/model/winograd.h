/*
 * winograd.h - 3 x 3 convolutions with a third of the multiplications.
 *
 * Cook and Toom multiply polynomials by their values at points; Winograd made fast
 * convolutions of that (Lavin and Gray, 2015, "Fast algorithms for convolutional neural
 * networks"). Here 3 x 3 outputs at once come of 5 x 5 inputs, by their values at the
 * points 0, 1, -1, 2 and infinity in both directions:
 *
 *     y = A' ((G w G') . (B' x B)) A
 *
 * The middle, "." number by number, are 25 products over the channels where the plain
 * way has 81. G w G' is computed once, when weights are packed. What it costs is the
 * memory of 25 numbers for 9, and some five times the rounding of a plain sum: one part
 * in a million. So it is for floats.
 */
#ifndef PF_CORE_MODEL_WINOGRAD_H
#define PF_CORE_MODEL_WINOGRAD_H

#include "core/model/kernels.h"

enum { PF_WINOGRAD_POINTS = 25 };

/* Can a convolution be computed so? Then its `points` are the matrix of the middle:
 * [PF_WINOGRAD_POINTS, out rounded up to PF_TILE_COLUMNS, channels]. */
bool pf_winograd_fits(const pf_conv *c);
pf_linear pf_winograd_points(const pf_conv *c);
/* Rows `row` to `row` + n - 1 of that, which are of one point; `w` are the rows of the
 * kernel that pf_winograd_from() names. */
void pf_winograd_fill(const pf_conv *c, size_t row, size_t n, const float *w,
                      float *to);
/* The first output channel of those rows; *n becomes how many there are, perhaps 0. */
size_t pf_winograd_from(const pf_conv *c, size_t row, size_t *n);

/* Bytes of working memory for n maps. */
size_t pf_winograd_scratch(const pf_conv *c, size_t n, size_t height, size_t width);
/* As pf_kernel_conv(), without `add`; the points are packed. */
void pf_winograd_conv(const pf_conv *c, const pf_conv_maps *maps);

#endif
