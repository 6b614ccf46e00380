/* canvas.c - see canvas.h. Text is drawn by glyphs.c. */
#include "cli/canvas.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/image/encode.h"
#include "core/image/thumbnail.h"

bool pf_canvas_new(pf_canvas *out, int width, int height, pf_color color, pf_err *err)
{
    if (width < 1 || height < 1 || width > PF_CANVAS_SIDE_MAX ||
        height > PF_CANVAS_SIDE_MAX || width > PF_CANVAS_PIXELS_MAX / height)
        return pf_fail(err, PF_ERR_LIMIT, "a picture of %d x %d pixels is too large",
                       width, height);
    out->picture.rgb = pf_alloc_array((size_t)width * (size_t)height, 3, err);
    if (!out->picture.rgb)
        return false;
    out->picture.width = width;
    out->picture.height = height;
    pf_canvas_fill(out, 0, 0, width, height, color);
    return true;
}

void pf_canvas_reset(pf_canvas *canvas)
{
    pf_picture_reset(&canvas->picture);
}

/* What of [from, from + n) lies in [0, end): false when nothing does. */
static bool clip(int *from, int *n, int end)
{
    if (*from < 0) {
        *n += *from;
        *from = 0;
    }
    if (*n > end - *from)
        *n = end - *from;
    return *n > 0;
}

void pf_canvas_fill(pf_canvas *canvas, int x, int y, int width, int height,
                    pf_color color)
{
    pf_picture *p = &canvas->picture;
    if (!clip(&x, &width, p->width) || !clip(&y, &height, p->height))
        return;
    for (int row = y; row < y + height; row++) {
        uint8_t *rgb = p->rgb + ((size_t)row * (size_t)p->width + (size_t)x) * 3;
        for (int i = 0; i < width; i++, rgb += 3) {
            rgb[0] = color.r;
            rgb[1] = color.g;
            rgb[2] = color.b;
        }
    }
}

static void put_picture(pf_canvas *canvas, int x, int y, const pf_picture *from)
{
    pf_picture *to = &canvas->picture;
    int left = x, top = y, width = from->width, height = from->height;
    if (!clip(&left, &width, to->width) || !clip(&top, &height, to->height))
        return;
    for (int row = 0; row < height; row++)
        memcpy(to->rgb + ((size_t)(top + row) * (size_t)to->width + (size_t)left) * 3,
               from->rgb + ((size_t)(top - y + row) * (size_t)from->width +
                            (size_t)(left - x)) *
                               3,
               (size_t)width * 3);
}

bool pf_canvas_put_jpeg(pf_canvas *canvas, int x, int y, int width, int height,
                        const uint8_t *jpeg, size_t n, pf_err *err)
{
    pf_picture whole = {0}, small = {0};
    const int side = width < height ? width : height;
    const bool ok = pf_thumbnail_decode(&whole, jpeg, n, err) &&
                    pf_picture_shrink(&small, &whole, side, err);
    if (ok)
        put_picture(canvas, x + (width - small.width) / 2,
                    y + (height - small.height) / 2, &small);
    pf_picture_reset(&small);
    pf_picture_reset(&whole);
    return ok;
}

bool pf_canvas_write_png(const pf_canvas *canvas, FILE *out, pf_err *err)
{
    return pf_png_write(&canvas->picture, out, err);
}
