/*
 * decode_j2k.h - a JPEG 2000 code stream -> samples, by OpenJPEG; private to
 * core/image.
 */
#ifndef PF_CORE_IMAGE_DECODE_J2K_H
#define PF_CORE_IMAGE_DECODE_J2K_H

#include "core/base/err.h"
#include "core/base/span.h"

typedef struct {
    uint32_t width, height, components;
    unsigned precision; /* bits of a sample, 1 to 16, the same for all */
} pf_j2k_size;

/* The samples of a code stream, raw or in a JP2 file, that must have the width, height
 * and components of *size; of three, colours are RGB where the stream says how. Pixel
 * by pixel, each the low `precision` bits, in the machine's order, of a byte, or of two
 * when there are more than 8. *out is the caller's. OpenJPEG takes memory of its own:
 * about 8 bytes a sample. FORMAT, UNSUPPORTED, NOMEM. */
PF_MUST_CHECK bool pf_j2k_decode(uint8_t **out, size_t *n, pf_span stream,
                                 pf_j2k_size *size, pf_err *err);

#endif
