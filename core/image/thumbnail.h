/*
 * thumbnail.h - a small copy of a picture, to look at.
 */
#ifndef PF_CORE_IMAGE_THUMBNAIL_H
#define PF_CORE_IMAGE_THUMBNAIL_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/image/picture.h"

enum {
    PF_THUMBNAIL_SIDE = 192,     /* the longer side, in pixels */
    PF_THUMBNAIL_QUALITY = 80,   /* as libjpeg counts */
    PF_THUMBNAIL_CAP = 128 << 10 /* bytes; 192 x 192 of noise are about 40,000 */
};

/* Fill *out (all zero before) with the picture, its longer side `side` pixels at most;
 * a smaller one is copied. Ratios beyond 1:side get a short side of one pixel. Cheap
 * for large pictures: means of whole blocks of pixels first, down to no less than twice
 * the size, then bicubic. Free with pf_picture_reset(). */
PF_MUST_CHECK bool pf_picture_shrink(pf_picture *out, const pf_picture *picture,
                                     int side, pf_err *err);

/* Some 110 KB: better not on the stack. */
typedef struct {
    int width, height;
    uint8_t rgb[PF_THUMBNAIL_SIDE * PF_THUMBNAIL_SIDE * 3]; /* [height, width, 3] */
} pf_thumbnail;

/* The picture, shrunk to PF_THUMBNAIL_SIDE. */
PF_MUST_CHECK bool pf_thumbnail_make(pf_thumbnail *out, const pf_picture *picture,
                                     pf_err *err);
/* Append it to `jpeg` as a JPEG file. */
PF_MUST_CHECK bool pf_thumbnail_encode(const pf_thumbnail *thumbnail, pf_buf *jpeg,
                                       pf_err *err);
/* And back: fill *out with the pixels of such a file, which may come from anybody. Free
 * with pf_picture_reset(); on failure it is all zero. FORMAT: damaged, or of another
 * kind; LIMIT: larger than a thumbnail. */
PF_MUST_CHECK bool pf_thumbnail_decode(pf_picture *out, const uint8_t *jpeg, size_t n,
                                       pf_err *err);

#endif
