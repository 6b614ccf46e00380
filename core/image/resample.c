/*
 * resample.c - see resample.h.
 *
 * An output pixel is a weighted sum of a run of input pixels ("taps"). The arithmetic
 * is Pillow's to the bit: weights in double, normalised, then fixed point; sums of
 * 32 bits that begin with a half. 8 bits of pixel, 22 of weight and 2 spare make 32.
 */
#include "core/image/resample.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/resample_rows.h"

static void taps_reset(pf_taps *t)
{
    pf_free(t->first);
    pf_free(t->count);
    pf_free(t->weights);
    memset(t, 0, sizeof *t);
}

/* Weight at distance x, in pixels of the coarser of the two grids. */
static double weight_at(pf_resample_filter filter, double x)
{
    const double a = -0.5; /* Keys' cubic, as Pillow has it; OpenCV uses -0.75 */
    x = fabs(x);
    if (filter == PF_RESAMPLE_BILINEAR)
        return x < 1.0 ? 1.0 - x : 0.0;
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static int32_t to_fixed(double weight)
{
    double w = weight * (1 << PF_TAP_BITS);
    return (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
}

/* Taps of the output pixel whose centre lies at `centre` of the input. */
static void set_taps(pf_taps *t, int i, pf_resample_filter filter, double centre,
                     double scale, double support, int in, double *weights)
{
    double low = centre - support + 0.5, high = centre + support + 0.5;
    int first = low < 0 ? 0 : (int)low;
    int end = high > in ? in : (int)high;
    double sum = 0;
    for (int k = 0; k < end - first; k++) {
        weights[k] = weight_at(filter, (k + first - centre + 0.5) * (1.0 / scale));
        sum += weights[k];
    }
    for (int k = 0; k < end - first; k++) {
        double w = sum != 0.0 ? weights[k] / sum : weights[k];
        t->weights[(size_t)i * t->room + (size_t)k] = to_fixed(w);
    }
    t->first[i] = first;
    t->count[i] = end - first;
}

static size_t whole_groups(size_t n)
{
    return (n + PF_TAP_GROUP - 1) / PF_TAP_GROUP * PF_TAP_GROUP;
}

/* `in` pixels, of which `span` belong to the picture. */
static bool taps_init(pf_taps *t, pf_resample_filter filter, int in, double span,
                      pf_resample_axis axis, pf_err *err)
{
    memset(t, 0, sizeof *t);
    double step = span / (double)axis.length;
    double scale = step < 1.0 ? 1.0 : step;
    double support = (filter == PF_RESAMPLE_BILINEAR ? 1.0 : 2.0) * scale;
    t->room = whole_groups((size_t)ceil(support) * 2 + 1);
    t->size = axis.size;
    size_t size = (size_t)axis.size;
    double *weights = pf_alloc_array(t->room, sizeof *weights, err);
    if (!weights || !(t->first = pf_alloc_array(size, sizeof *t->first, err)) ||
        !(t->count = pf_alloc_array(size, sizeof *t->count, err)) ||
        t->room > SIZE_MAX / sizeof *t->weights / size ||
        !(t->weights = pf_alloc_array(size * t->room, sizeof *t->weights, err))) {
        pf_free(weights);
        taps_reset(t);
        return false;
    }
    for (int i = 0; i < axis.size; i++) {
        double centre = ((double)(axis.start + i) + 0.5) * step;
        set_taps(t, i, filter, centre, scale, support, in, weights);
    }
    pf_free(weights);
    return true;
}

/* Of a picture that was decoded smaller the last pixel may hold a part only. */
static double span_of(const pf_picture *p, int side, int whole_side)
{
    return p->eighths ? whole_side * p->eighths / 8.0 : side;
}

static bool make_taps(pf_taps *across, pf_taps *down, const pf_picture *p,
                      pf_resample_filter filter, pf_resample_axis x, pf_resample_axis y,
                      pf_err *err)
{
    return taps_init(across, filter, p->width, span_of(p, p->width, p->whole_width), x,
                     err) &&
           taps_init(down, filter, p->height, span_of(p, p->height, p->whole_height), y,
                     err);
}

bool pf_resample(const pf_picture *picture, pf_resample_filter filter,
                 pf_resample_axis x, pf_resample_axis y, uint8_t *rgb, pf_err *err)
{
    bool ok = false;
    pf_taps across = {0}, down = {0};
    uint8_t *rows = NULL;
    if (!make_taps(&across, &down, picture, filter, x, y, err))
        goto done;

    /* The input rows that the window touches; a window is one run of them. */
    const int first = down.first[0];
    const int end = down.first[y.size - 1] + down.count[y.size - 1];
    const size_t width = (size_t)x.size * 3, stride = (size_t)picture->width * 3;
    rows = pf_alloc_array((size_t)(end - first), width, err);
    if (!rows)
        goto done;
    pf_resample_across(&across, picture->rgb + (size_t)first * stride, stride,
                       (size_t)(end - first), rows);
    for (int i = 0; i < y.size; i++)
        pf_resample_down(down.weights + (size_t)i * down.room, down.count[i],
                         rows + (size_t)(down.first[i] - first) * width, width,
                         rgb + (size_t)i * width);
    ok = true;
done:
    pf_free(rows);
    taps_reset(&down);
    taps_reset(&across);
    return ok;
}

/* The input pixel under the middle of output pixel i. Pillow adds steps up, and so do
 * we, since a product would round otherwise. */
static double skip_to(double step, int64_t i)
{
    double at = step * 0.5;
    while (i-- > 0)
        at += step;
    return at;
}

static int within(double at, int side)
{
    return at < side - 1 ? (int)at : side - 1;
}

void pf_resample_nearest(const pf_picture *picture, pf_resample_axis x,
                         pf_resample_axis y, uint8_t *rgb)
{
    const double across = (double)picture->width / (double)x.length;
    const double down = (double)picture->height / (double)y.length;
    const double left = skip_to(across, x.start);
    double row = skip_to(down, y.start);
    for (int i = 0; i < y.size; i++, row += down) {
        const uint8_t *from = picture->rgb + (size_t)within(row, picture->height) *
                                                 (size_t)picture->width * 3;
        double column = left;
        for (int j = 0; j < x.size; j++, column += across, rgb += 3)
            memcpy(rgb, from + (size_t)within(column, picture->width) * 3, 3);
    }
}
