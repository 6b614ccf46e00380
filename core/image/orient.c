/*
 * orient.c - turn and mirror pixels as EXIF's orientation asks.
 *
 * The eight values are all ways to lay a rectangle on a grid. Walking the upright
 * picture in reading order, the source is walked from some corner, one step per pixel
 * and one step per row; that start and the two steps are all that differs.
 */
#include "core/base/mem.h"
#include "core/image/decode.h"

bool pf_picture_orient(pf_picture *picture, int orientation, pf_err *err)
{
    if (orientation < 2 || orientation > 8)
        return true;
    ptrdiff_t w = picture->width, h = picture->height;
    const struct {
        bool is_turned; /* rows become columns */
        ptrdiff_t start, per_pixel, per_row;
    } walk[9] = {
        [2] = {false, w - 1, -1, w},       /* mirrored */
        [3] = {false, w * h - 1, -1, -w},  /* upside down */
        [4] = {false, (h - 1) * w, 1, -w}, /* upside down, mirrored */
        [5] = {true, 0, w, 1},             /* transposed */
        [6] = {true, (h - 1) * w, -w, 1},  /* to be turned right */
        [7] = {true, w * h - 1, -w, -1},   /* transposed the other way */
        [8] = {true, w - 1, w, -1},        /* to be turned left */
    };
    uint8_t *upright = pf_alloc_array((size_t)(w * h), 3, err);
    uint8_t *alpha = NULL;
    if (!upright ||
        (picture->alpha && !(alpha = pf_alloc_array((size_t)(w * h), 1, err)))) {
        pf_free(upright);
        return false;
    }
    const bool is_turned = walk[orientation].is_turned;
    ptrdiff_t columns = is_turned ? h : w, rows = is_turned ? w : h;
    const int whole_width = picture->whole_width;
    uint8_t *to = upright;
    for (ptrdiff_t y = 0; y < rows; y++) {
        ptrdiff_t from = walk[orientation].start + y * walk[orientation].per_row;
        for (ptrdiff_t x = 0; x < columns; x++, to += 3) {
            const uint8_t *rgb = picture->rgb + 3 * from;
            to[0] = rgb[0];
            to[1] = rgb[1];
            to[2] = rgb[2];
            if (alpha)
                alpha[y * columns + x] = picture->alpha[from];
            from += walk[orientation].per_pixel;
        }
    }
    pf_free(picture->rgb);
    pf_free(picture->alpha);
    picture->rgb = upright;
    picture->alpha = alpha;
    picture->width = (int)columns;
    picture->height = (int)rows;
    if (is_turned) {
        picture->whole_width = picture->whole_height;
        picture->whole_height = whole_width;
    }
    return true;
}
