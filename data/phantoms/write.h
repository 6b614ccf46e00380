/*
 * write.h - a grey picture as PNG or JPEG. write.c alone includes stb_image_write.h.
 */
#ifndef PF_DATA_PHANTOMS_WRITE_H
#define PF_DATA_PHANTOMS_WRITE_H

#include <stdint.h>

#include "core/base/err.h"

PF_MUST_CHECK bool ph_write_png(const char *path, const uint8_t *grey, int size,
                                pf_err *err);
PF_MUST_CHECK bool ph_write_jpeg(const char *path, const uint8_t *grey, int size,
                                 int quality, pf_err *err);

#endif
