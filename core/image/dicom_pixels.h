/*
 * dicom_pixels.h - where in a DICOM file the pixels of one frame lie; private to
 * core/image.
 *
 * The pixel data are the last thing of interest in a file: either samples, frame after
 * frame without gaps, or, packed, a sequence of items: a table of offsets and then
 * fragments, one or more to a frame. Found here and not by DCMTK, because it would copy
 * all of them to memory to give one.
 */
#ifndef PF_CORE_IMAGE_DICOM_PIXELS_H
#define PF_CORE_IMAGE_DICOM_PIXELS_H

#include "core/image/dicom.h"

typedef enum { PF_DICOM_INTEGERS, PF_DICOM_FLOATS, PF_DICOM_DOUBLES } pf_dicom_kind;

typedef struct {
    pf_dicom_kind kind;
    bool is_packed;
    bool is_big_endian, is_in_words; /* of samples */
    pf_span bytes;                   /* those, or the items; in the file */
} pf_dicom_pixels;

/* FORMAT: there are none where DCMTK stopped. */
PF_MUST_CHECK bool pf_dicom_find_pixels(pf_dicom_pixels *out, pf_span file,
                                        const pf_dicom_facts *facts, pf_err *err);

/* Bytes of a frame as it lies there. */
size_t pf_dicom_frame_size(const pf_dicom_facts *facts);

/* The samples of a frame, in the machine's order, as pf_dicom_put_samples() takes them.
 * `to` holds pf_dicom_frame_size() bytes. FORMAT: the file ends before. */
PF_MUST_CHECK bool pf_dicom_copy_frame(const pf_dicom_pixels *pixels,
                                       const pf_dicom_facts *facts, int frame,
                                       uint8_t *to, pf_err *err);

/* The fragments of a frame: *out is the caller's, what its elements show is in the
 * file. FORMAT: the file ends before, or it cannot be told which they are. */
PF_MUST_CHECK bool pf_dicom_find_fragments(const pf_dicom_pixels *pixels,
                                           const pf_dicom_facts *facts, int frame,
                                           pf_span **out, size_t *n, pf_err *err);

#endif
