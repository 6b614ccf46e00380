/*
 * dicom_stream.h - is what DCMTK is going to decompress what the file announces?
 *
 * Its codecs believe that it is: a header without a size, or with another one, has led
 * them into loops and past the ends of what they have. Private to core/image.
 */
#ifndef PF_CORE_IMAGE_DICOM_STREAM_H
#define PF_CORE_IMAGE_DICOM_STREAM_H

#include "core/image/dicom.h"

/* A JPEG or JPEG-LS stream: whole segments up to the one that says its size, which is
 * that of the picture. FORMAT. */
PF_MUST_CHECK bool pf_dicom_check_jpeg(pf_span stream, const pf_dicom_facts *facts,
                                       pf_err *err);

/* An RLE one: segments that lie in it, as many as the samples have bytes, each of which
 * unpacks to the bytes of a plane. FORMAT. */
PF_MUST_CHECK bool pf_dicom_check_rle(pf_span stream, const pf_dicom_facts *facts,
                                      pf_err *err);

#endif
