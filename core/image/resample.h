/*
 * resample.h - Pillow's resize, on a window of the result.
 *
 * The same bytes as Pillow 9.4's Image.resize for 8-bit pixels, so that embeddings
 * agree with the reference code: separable; the filter is widened by the factor when
 * shrinking; weights are rounded to 22 binary digits; rows are resampled first and
 * rounded to 8 bits before columns. Only what the window needs is computed.
 */
#ifndef PF_CORE_IMAGE_RESAMPLE_H
#define PF_CORE_IMAGE_RESAMPLE_H

#include "core/image/preprocess.h"

typedef struct {
    int64_t length; /* of the whole result, in pixels */
    int64_t start;  /* the first pixel of the window */
    int size;       /* the window's pixels */
} pf_resample_axis;

/* `rgb` receives [y.size, x.size, 3] bytes. A window reaches no further than the
 * result. */
PF_MUST_CHECK bool pf_resample(const pf_picture *picture, pf_resample_filter filter,
                               pf_resample_axis x, pf_resample_axis y, uint8_t *rgb,
                               pf_err *err);
/* The same by nearest neighbour: no weights, and nothing that could fail. */
void pf_resample_nearest(const pf_picture *picture, pf_resample_axis x,
                         pf_resample_axis y, uint8_t *rgb);

#endif
