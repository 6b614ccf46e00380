/*
 * thumbnails.h - the picture of a hit, small, to be shown.
 */
#ifndef PF_CORE_SEARCH_THUMBNAILS_H
#define PF_CORE_SEARCH_THUMBNAILS_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/search/search.h"

/* Append the thumbnail of an image as a JPEG file, its longer side at most 192 pixels:
 * the one in the catalog, or where there is none, or a damaged one, made from the file.
 * NOT_FOUND when there is no such image, the decoder's codes when the file is not there
 * or cannot be read; that concerns this image alone. A cap of `jpeg` of 128 KiB
 * suffices for one. */
PF_MUST_CHECK bool pf_search_get_thumbnail(pf_reader *reader, int64_t image_id,
                                           pf_buf *jpeg, pf_err *err);

#endif
