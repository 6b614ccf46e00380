/*
 * decode.h - what the decoders share; private to core/image.
 *
 * Each decoder gets the whole file and fills a picture. What it leaves behind on
 * failure is freed by pf_picture_decode(), so a decoder may return from anywhere.
 *
 * Adding a format? Also the tables in picture.c, decoders.c, test_picture.c.
 */
#ifndef PF_CORE_IMAGE_DECODE_H
#define PF_CORE_IMAGE_DECODE_H

#include "core/base/span.h"
#include "core/image/facts.h"
#include "core/image/picture.h"

/* `*orientation` comes in as 1; a decoder sets what the file says, 1..8 as EXIF counts.
 * `frame` is 0 but for kinds that have frames (decoders.c). */
typedef bool pf_decoder(pf_picture *out, int *orientation, pf_span file, int frame,
                        const pf_picture_limits *limits, pf_err *err);

pf_decoder pf_decode_jpeg; /* libjpeg-turbo */
pf_decoder pf_decode_png;  /* libpng */
pf_decoder pf_decode_gif;  /* our own */
pf_decoder pf_decode_pnm;  /* our own */
pf_decoder pf_decode_webp; /* libwebp */
pf_decoder pf_decode_tiff; /* libtiff */
#ifdef PF_HAS_DICOM
pf_decoder pf_decode_dicom; /* DCMTK and OpenJPEG */
PF_MUST_CHECK bool pf_dicom_read_facts(pf_facts *out, pf_span file, pf_err *err);
#endif
pf_decoder pf_decode_bmp; /* our own inspection, then stb_image: these three */
pf_decoder pf_decode_tga;
pf_decoder pf_decode_psd;

/* Is a picture of this size allowed? To be asked before any memory is taken. */
PF_MUST_CHECK bool pf_picture_check_size(uint64_t width, uint64_t height,
                                         const pf_picture_limits *limits, pf_err *err);

/* The same, and may it take so much memory? Asked once, with all that is going to be
 * taken at the same time: RGB (3), a copy that is turned upright (3), what a decoder
 * keeps beside it. */
PF_MUST_CHECK bool pf_picture_reserve(uint64_t width, uint64_t height,
                                      unsigned bytes_per_pixel,
                                      const pf_picture_limits *limits, pf_err *err);

/* pf_picture_check_size(), then zeroed pixels. */
PF_MUST_CHECK bool pf_picture_make(pf_picture *out, uint64_t width, uint64_t height,
                                   const pf_picture_limits *limits, pf_err *err);

/* stb_image's turn, for a file that was inspected and has this size. */
PF_MUST_CHECK bool pf_stb_decode(pf_picture *out, pf_span file, uint64_t width,
                                 uint64_t height, pf_err *err);

/* The orientation that the TIFF structure inside EXIF states, 1..8. Whatever is wrong
 * with it means 1: damaged metadata is no reason to lose a picture. */
int pf_exif_orientation(const uint8_t *tiff, size_t n);

/* Turn the pixels upright; 0 and 1 change nothing. */
PF_MUST_CHECK bool pf_picture_orient(pf_picture *picture, int orientation, pf_err *err);

#endif
