/* thumbnail.c - see thumbnail.h. */
#include "core/image/thumbnail.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/image/decode.h"
#include "core/image/encode.h"
#include "core/image/resample.h"

enum { LARGEST_THUMBNAIL = 1 << 20 }; /* in pixels, where one comes from outside */

static bool make(pf_picture *out, int width, int height, const char *format,
                 pf_err *err)
{
    out->rgb = pf_alloc_array((size_t)width * (size_t)height, 3, err);
    out->width = width;
    out->height = height;
    out->format = format;
    return out->rgb != NULL;
}

/* Add blocks of `k` pixels of one row to the sums of its `width` blocks. */
static void add_row(const uint8_t *rgb, int width, int k, uint32_t *sums)
{
    for (int x = 0; x < width; x++, sums += 3) {
        uint32_t r = 0, g = 0, b = 0;
        for (int i = 0; i < k; i++, rgb += 3) {
            r += rgb[0];
            g += rgb[1];
            b += rgb[2];
        }
        sums[0] += r;
        sums[1] += g;
        sums[2] += b;
    }
}

/* Means of blocks of k x k pixels. Up to k - 1 rows and columns at the far ends are
 * left over: less than half a pixel of the thumbnail. */
static bool average_blocks(pf_picture *out, const pf_picture *p, int k, pf_err *err)
{
    const int width = p->width / k, height = p->height / k;
    const size_t row = (size_t)width * 3;
    uint32_t *sums = pf_alloc_array(row, sizeof *sums, err);
    bool ok = sums && make(out, width, height, p->format, err);
    for (int y = 0; ok && y < height; y++) {
        const uint32_t area = (uint32_t)k * (uint32_t)k;
        memset(sums, 0, row * sizeof *sums);
        for (int i = 0; i < k; i++)
            add_row(p->rgb + (size_t)(y * k + i) * (size_t)p->width * 3, width, k,
                    sums);
        for (size_t i = 0; i < row; i++)
            out->rgb[(size_t)y * row + i] = (uint8_t)((sums[i] + area / 2) / area);
    }
    pf_free(sums);
    return ok;
}

static int scaled(int length, int side, int longer)
{
    const int64_t n = ((int64_t)length * side + longer / 2) / longer;
    return n < 1 ? 1 : (int)n;
}

static bool resize(pf_picture *out, const pf_picture *p, int width, int height,
                   pf_err *err)
{
    const pf_resample_axis x = {.length = width, .size = width};
    const pf_resample_axis y = {.length = height, .size = height};
    return make(out, width, height, p->format, err) &&
           pf_resample(p, PF_RESAMPLE_BICUBIC, x, y, out->rgb, err);
}

bool pf_picture_shrink(pf_picture *out, const pf_picture *p, int side, pf_err *err)
{
    const int longer = p->width > p->height ? p->width : p->height;
    const int shorter = p->width > p->height ? p->height : p->width;
    pf_picture blocks = {0};
    bool ok;
    if (longer <= side) {
        ok = make(out, p->width, p->height, p->format, err);
        if (ok)
            memcpy(out->rgb, p->rgb, (size_t)p->width * (size_t)p->height * 3);
    } else {
        const int width = scaled(p->width, side, longer);
        const int height = scaled(p->height, side, longer);
        int k = longer / (2 * side);
        k = k > shorter ? shorter : k;
        ok = k < 2 || average_blocks(&blocks, p, k, err);
        ok = ok && resize(out, blocks.rgb ? &blocks : p, width, height, err);
    }
    pf_picture_reset(&blocks);
    if (!ok)
        pf_picture_reset(out);
    return ok;
}

bool pf_thumbnail_make(pf_thumbnail *out, const pf_picture *picture, pf_err *err)
{
    pf_picture small = {0};
    if (!pf_picture_shrink(&small, picture, PF_THUMBNAIL_SIDE, err))
        return false;
    out->width = small.width;
    out->height = small.height;
    memcpy(out->rgb, small.rgb, (size_t)small.width * (size_t)small.height * 3);
    pf_picture_reset(&small);
    return true;
}

bool pf_thumbnail_encode(const pf_thumbnail *t, pf_buf *jpeg, pf_err *err)
{
    const pf_picture picture = {
        .width = t->width, .height = t->height, .rgb = (uint8_t *)(uintptr_t)t->rgb};
    return pf_jpeg_encode(&picture, PF_THUMBNAIL_QUALITY, jpeg, err);
}

bool pf_thumbnail_decode(pf_picture *out, const uint8_t *jpeg, size_t n, pf_err *err)
{
    const pf_picture_limits limits = {.max_file_bytes = PF_THUMBNAIL_CAP,
                                      .max_pixels = LARGEST_THUMBNAIL};
    int orientation = 1;
    *out = (pf_picture){.format = "jpeg"};
    if (n <= limits.max_file_bytes
            ? pf_decode_jpeg(out, &orientation, pf_span_of(jpeg, n), 0, &limits, err)
            : pf_fail(err, PF_ERR_LIMIT, "a thumbnail of %zu bytes", n))
        return true;
    if (err && err->code == PF_ERR_FORMAT)
        pf_fail_in(err, "damaged jpeg");
    pf_picture_reset(out);
    return false;
}
