/*
 * dicom.h - what decode_dicom.c needs of DCMTK: reading a header, and rendering one
 * frame; private to core/image.
 *
 * DCMTK has no C interface: dicom.cpp is the thin one that this header declares, and
 * the one file that includes DCMTK. Where pixels lie in the file, and which of them are
 * the wanted frame's, is found in C (dicom_pixels.c), so that of a long recording one
 * frame is in memory.
 *
 * A pf_dicom belongs to one thread.
 */
#ifndef PF_CORE_IMAGE_DICOM_H
#define PF_CORE_IMAGE_DICOM_H

#include "core/base/span.h"
#include "core/image/picture.h"

enum { PF_DICOM_UID_ROOM = 65 };

typedef struct {
    char syntax[PF_DICOM_UID_ROOM]; /* transfer syntax UID; "" when it is not said */
    char photometric[17];
    char modality[17];
    unsigned rows, columns, samples; /* 0: not said */
    unsigned bits_allocated, bits_stored;
    bool is_signed;
    int frames;         /* at least 1 */
    double pixel_ratio; /* height of a pixel / its width; 1 when it is not said */
    size_t pixels_at;   /* in the file, behind the header of the pixel data; 0: there */
    bool is_deflated;   /* are none, or, with this, they are inside what is packed */
} pf_dicom_facts;

typedef struct pf_dicom pf_dicom;

/* What is done once in a process, at the latest by the first pf_dicom_open(): before
 * files can no longer be opened. */
void pf_dicom_start(void);

/* Read all of `file` (borrowed, as long as *out lives) up to its pixels. FORMAT: it is
 * no DICOM file, or damaged; LIMIT: that is too much. */
PF_MUST_CHECK bool pf_dicom_open(pf_dicom **out, pf_span file, pf_err *err);
void pf_dicom_close(pf_dicom *dicom); /* NULL is fine */
const pf_dicom_facts *pf_dicom_get_facts(const pf_dicom *dicom);

/* Of a deflated file the pixels too, unpacked: borrowed. */
PF_MUST_CHECK bool pf_dicom_inflate(pf_dicom *dicom, pf_span *pixels, pf_err *err);

/* The pixels of the frame that is to be rendered. Samples in the machine's order, of 8
 * bits or, when more are allocated, of 16; of 32 two of them. `n` bytes. */
PF_MUST_CHECK bool pf_dicom_put_samples(pf_dicom *dicom, const uint8_t *samples,
                                        size_t n, pf_err *err);
/* Or what a JPEG 2000 code stream was decoded to: `precision` of the allocated bits,
 * and, of three samples, RGB. */
PF_MUST_CHECK bool pf_dicom_put_decoded(pf_dicom *dicom, const uint8_t *samples,
                                        size_t n, unsigned bits_allocated,
                                        unsigned precision, pf_err *err);
/* Or a stream of the file's own syntax, one that was looked at (dicom_stream.h), which
 * is decompressed. */
PF_MUST_CHECK bool pf_dicom_put_stream(pf_dicom *dicom, pf_span stream, pf_err *err);

/* The first value of an element that is a text, without blanks around it, cut to the
 * room; "" when there is none. */
void pf_dicom_get_text(pf_dicom *dicom, unsigned group, unsigned element, char *out,
                       size_t room);

typedef struct {
    double slope, intercept; /* of the modality */
    double center, width;    /* of the first window */
} pf_dicom_values;

/* For who renders himself; false: there is no window. */
bool pf_dicom_get_values(pf_dicom *dicom, int frame, pf_dicom_values *out);

/* That frame as RGB, as large as the facts say: modality LUT, then VOI LUT, first
 * window of the file or window by percentiles (window.h), presentation, palette,
 * colours. What differs from frame to frame is that of `frame`.
 * `asked`, when it is a window (low < high), takes the place of these; in the
 * modality's units. */
PF_MUST_CHECK bool pf_dicom_render(pf_dicom *dicom, int frame, pf_float_window asked,
                                   uint8_t *rgb, pf_err *err);

#endif
