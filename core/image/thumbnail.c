/* thumbnail.c - see thumbnail.h. */
#include "core/image/thumbnail.h"

#include <string.h>

#include "core/base/clones.h"
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

/* Add a row of `n` numbers to the sums of its column. */
PF_CLONES static void add_row(const uint8_t *row, size_t n, uint32_t *sums)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += row[i];
}

/* What a sum is divided by, as a product: (sum * by) >> SHIFT is exact below. */
enum { SHIFT = 52 };

/* Sums of k rows -> means of their blocks, of k columns each. A sum is below 256 k^2,
 * and k below 2,000: `by`, too large by less than one, makes a mean too large by less
 * than 256 k^2 / 2^52, and that by less than the 1 / k^2 that it may lack to the next.
 */
static void average_row(const uint32_t *sums, int width, int k, uint8_t *rgb)
{
    const uint64_t area = (uint64_t)k * (uint64_t)k;
    const uint64_t by = (((uint64_t)1 << SHIFT) + area - 1) / area;
    for (int x = 0; x < width; x++, rgb += 3) {
        uint64_t r = area / 2, g = r, b = r;
        for (int i = 0; i < k; i++, sums += 3) {
            r += sums[0];
            g += sums[1];
            b += sums[2];
        }
        rgb[0] = (uint8_t)(r * by >> SHIFT);
        rgb[1] = (uint8_t)(g * by >> SHIFT);
        rgb[2] = (uint8_t)(b * by >> SHIFT);
    }
}

/* Means of blocks of k x k pixels. Up to k - 1 rows and columns at the far ends are
 * left over: less than half a pixel of the thumbnail. */
static bool average_blocks(pf_picture *out, const pf_picture *p, int k, pf_err *err)
{
    const int width = p->width / k, height = p->height / k;
    const size_t used = (size_t)width * (size_t)k * 3, row = (size_t)p->width * 3;
    uint32_t *sums = pf_alloc_array(used, sizeof *sums, err);
    bool ok = sums && make(out, width, height, p->format, err);
    for (int y = 0; ok && y < height; y++) {
        memset(sums, 0, used * sizeof *sums);
        for (int i = 0; i < k; i++)
            add_row(p->rgb + (size_t)(y * k + i) * row, used, sums);
        average_row(sums, width, k, out->rgb + (size_t)y * (size_t)width * 3);
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
        const int w = pf_picture_whole_width(p), h = pf_picture_whole_height(p);
        const int width = scaled(w, side, w > h ? w : h);
        const int height = scaled(h, side, w > h ? w : h);
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
