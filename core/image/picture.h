/*
 * picture.h - file bytes -> upright RGB pixels, never trusting the bytes.
 *
 * Decoding needs nothing but the bytes: no path, no catalog, no global state, so that
 * it can move into a sandboxed process. A careful reader decides what is damaged: a cut
 * or corrupt file is refused with a reason, even where a decoder would hand out half a
 * picture.
 */
#ifndef PF_CORE_IMAGE_PICTURE_H
#define PF_CORE_IMAGE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/image/window.h"

typedef struct {
    int width, height;
    uint8_t *rgb;       /* [height, width, 3], owned */
    uint8_t *alpha;     /* [height, width], owned; NULL: opaque, or nobody wants it */
    bool has_table;     /* the file has a table of colours, or black and white alone */
    const char *format; /* "jpeg", "png", ...; static */
    bool is_deep;       /* it has grey of more than 8 bits: other windows show more */
    int n_frames;       /* of the file, where that is known without counting; else 0 */

    /* Of one that was decoded smaller (`enough`, below): each side of the file's
     * picture is so many eighths of itself here, rounded up. 0: it is whole, and so are
     * they. */
    int eighths;
    int whole_width, whole_height; /* of the file's, when `eighths` is not 0 */
} pf_picture;

enum { PF_PICTURE_FORMAT_ROOM = 16 }; /* bytes that hold any `format` */

typedef struct {
    size_t max_file_bytes; /* default 256 MiB */
    size_t max_pixels;     /* width x height, default 100 million */
    /* Asked once the size of a picture is known, before memory for it is taken: may it
     * have so many bytes? NULL, as by default: yes. */
    bool (*reserve)(void *context, size_t bytes);
    void *context;
    bool keeps_alpha; /* no limit: give transparency too, where a file has it (PNG,
                         TIFF, WebP) */
    pf_float_window window; /* nor this: deep grey is black up to `low` and white from
                               `high`, in the file's own units, of DICOM the modality's
                               (Hounsfield's); low >= high: as window.h has it */
    int enough; /* no limit: a picture may come smaller where that is cheaper (JPEG),
                   its short side no less than this. 0: as the file has it */
} pf_picture_limits;

void pf_picture_limits_init(pf_picture_limits *limits);

/* Has the name the extension of a picture, of the kinds that are refused too? */
bool pf_picture_has_extension(const char *name);
/* With fewer bytes a file of this name has no picture in it, not even a broken one. */
size_t pf_picture_least_bytes(const char *name);

/* What the first bytes say: "jpeg", "png", "gif", "bmp", "tga", "psd", "pnm", "tiff",
 * "webp", "dicom", "jpeg2000" (the last is refused by name), or NULL when they say
 * nothing. `name` (may be NULL) decides for TGA alone, which has no signature. */
const char *pf_picture_sniff(const uint8_t *bytes, size_t n, const char *name);

/* Decode a frame (0 is the first), apply EXIF orientation, convert to RGB. The pages
 * of a TIFF are frames, and DICOM has them; any other kind has one, or, as a GIF, only
 * its first is read.
 * PF_ERR_NOT_FOUND: another frame was asked for; PF_ERR_FORMAT: damaged;
 * PF_ERR_UNSUPPORTED: legal, but not read here; PF_ERR_LIMIT: too large. `limits` may
 * be NULL for the defaults. On failure *out is all zero. */
PF_MUST_CHECK bool pf_picture_decode(pf_picture *out, const uint8_t *bytes, size_t n,
                                     const char *name, int frame,
                                     const pf_picture_limits *limits, pf_err *err);
/* The sides that the file has, whatever size it was decoded at. */
int pf_picture_whole_width(const pf_picture *picture);
int pf_picture_whole_height(const pf_picture *picture);
void pf_picture_reset(pf_picture *picture); /* frees the pixels; all zero is fine */

#endif
