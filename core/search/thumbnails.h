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

/* What a preview shows; the answer is `preview`, to be freed with pf_picture_reset().
 */
typedef struct {
    int side;               /* the longer one is at most so, in pixels */
    int frame;              /* of the file; below 0: the image's own */
    pf_float_window window; /* low >= high: as the file has it */
    pf_picture preview;
    int width, height; /* of the picture itself */
    int frame_shown, n_frames;
    bool is_deep;
} pf_search_preview;

/* Decode the file of an image, only while it is the one that was indexed (MISMATCH).
 * NOT_FOUND when there is no such image, or no such file any more; the decoder's codes.
 */
PF_MUST_CHECK bool pf_search_make_preview(pf_reader *reader, int64_t image_id,
                                          pf_search_preview *p, pf_err *err);
/* Append the file of an image, under the same condition. *format is the kind of picture
 * that it was found to be, static; NULL: none that is known. */
PF_MUST_CHECK bool pf_search_get_original(pf_reader *reader, int64_t image_id,
                                          pf_buf *out, const char **format,
                                          pf_err *err);

#endif
