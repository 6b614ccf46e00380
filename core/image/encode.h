/*
 * encode.h - pixels -> files.
 */
#ifndef PF_CORE_IMAGE_ENCODE_H
#define PF_CORE_IMAGE_ENCODE_H

#include <stdio.h>

#include "core/base/buf.h"
#include "core/image/picture.h"

/* Append the picture to `out` as a JPEG file, `quality` 1..100 as libjpeg counts. A
 * picture without colour gets one component. LIMIT when it passes the cap of `out`,
 * which on failure has what it had. encode_jpeg.c. */
PF_MUST_CHECK bool pf_jpeg_encode(const pf_picture *picture, int quality, pf_buf *out,
                                  pf_err *err);

/* Write the picture to `out` as a PNG file of RGB with 8 bits. encode_png.c. */
PF_MUST_CHECK bool pf_png_write(const pf_picture *picture, FILE *out, pf_err *err);

#endif
