/* window.c - see window.h. */
#include "core/image/window.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

enum { LEFT_OUT = 100 }; /* one in so many, at either end */

typedef struct {
    const uint32_t *counts;
    unsigned first, last; /* levels that have samples */
} levels;

static void drop_first(levels *l)
{
    do
        l->first++;
    while (l->counts[l->first] == 0);
}

static void drop_last(levels *l)
{
    do
        l->last--;
    while (l->counts[l->last] == 0);
}

/* Rule 2. */
static void drop_borders(levels *l)
{
    levels above = *l, below = *l;
    if (l->first == l->last)
        return;
    drop_first(&above);
    drop_last(&below);
    const levels inner = {l->counts, above.first, below.last};
    const unsigned gap_below = above.first - l->first, gap_above = l->last - below.last;
    if (inner.first < inner.last && gap_below > inner.last - inner.first &&
        gap_above > inner.last - inner.first)
        *l = inner;
    else if (gap_below > l->last - above.first)
        *l = above;
    else if (gap_above > below.last - l->first)
        *l = below;
}

static uint64_t count(const levels *l)
{
    uint64_t n = 0;
    for (unsigned v = l->first; v <= l->last; v++)
        n += l->counts[v];
    return n;
}

/* Rule 1. */
static void drop_extremes(levels *l)
{
    const uint64_t few = count(l) / LEFT_OUT;
    for (uint64_t n = l->counts[l->first]; n <= few; n += l->counts[l->first])
        drop_first(l);
    for (uint64_t n = l->counts[l->last]; n <= few; n += l->counts[l->last])
        drop_last(l);
}

static levels all_of(const uint32_t *counts)
{
    levels l = {counts, 0, PF_WINDOW_LEVELS - 1};
    while (l.first < l.last && counts[l.first] == 0)
        l.first++;
    while (l.last > l.first && counts[l.last] == 0)
        l.last--;
    return l;
}

pf_window pf_window_find(const uint32_t counts[PF_WINDOW_LEVELS])
{
    const levels all = all_of(counts);
    levels inner = all;
    drop_borders(&inner);
    levels most = inner;
    drop_extremes(&most);
    if (most.first == most.last)
        most = inner.first < inner.last ? inner : all;
    return (pf_window){most.first, most.last};
}

static unsigned sample(const uint8_t *samples, size_t i)
{
    return (unsigned)(samples[2 * i] << 8 | samples[2 * i + 1]);
}

static uint32_t *count_levels(const uint8_t *samples, size_t n, pf_err *err)
{
    uint32_t *counts = pf_alloc_array(PF_WINDOW_LEVELS, sizeof *counts, err);
    for (size_t i = 0; counts && i < n; i++)
        counts[sample(samples, i)]++;
    return counts;
}

/* To the nearest of 256 greys. */
static uint8_t grey_of(unsigned v, pf_window w)
{
    const unsigned range = w.high - w.low;
    v = v < w.low ? w.low : v > w.high ? w.high : v;
    return (uint8_t)(((v - w.low) * 255 + range / 2) / range);
}

bool pf_grey16_to_rgb(const uint8_t *samples, size_t n, unsigned max, uint8_t *rgb,
                      pf_err *err)
{
    uint32_t *counts = count_levels(samples, n, err);
    if (!counts)
        return false;
    pf_window w = pf_window_find(counts);
    pf_free(counts);
    if (w.low == w.high)
        w = (pf_window){0, max};
    for (size_t i = 0; i < n; i++)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey_of(sample(samples, i), w);
    return true;
}

bool pf_rgb16_to_rgb(const uint8_t *samples, size_t n, unsigned max, uint8_t *rgb,
                     pf_err *err)
{
    uint32_t *counts = count_levels(samples, 3 * n, err);
    if (!counts)
        return false;
    levels l = all_of(counts);
    drop_extremes(&l);
    pf_free(counts);
    unsigned white = 255;
    while (white < l.last)
        white = 2 * white + 1;
    if (white > max / 4)
        white = max;
    for (size_t i = 0; i < 3 * n; i++)
        rgb[i] = grey_of(sample(samples, i), (pf_window){0, white});
    return true;
}

/* ---- floats ---- */

static pf_float_window range_of(const float *values, size_t n)
{
    pf_float_window r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        r.low = values[i] < r.low ? values[i] : r.low;
        r.high = values[i] > r.high ? values[i] : r.high;
    }
    return r;
}

/* Which of the levels between the ends of the range. */
static unsigned level_of(double v, pf_float_window r)
{
    const double place = (v - r.low) / (r.high - r.low) * (PF_WINDOW_LEVELS - 1);
    return place <= 0                      ? 0
           : place >= PF_WINDOW_LEVELS - 1 ? PF_WINDOW_LEVELS - 1
                                           : (unsigned)(place + 0.5);
}

/* The least and the greatest of those that have the levels of the window. */
static pf_float_window ends_of(const float *values, size_t n, pf_float_window r,
                               pf_window w)
{
    pf_float_window found = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        const unsigned level = level_of(values[i], r);
        if (level >= w.low && values[i] < found.low)
            found.low = values[i];
        if (level <= w.high && values[i] > found.high)
            found.high = values[i];
    }
    return found;
}

/* Windowing sees levels, and one value far from the others leaves few levels to them.
 * So it is done again between what it found, as long as that is much less. */
static pf_float_window window_of(const float *values, size_t n, pf_float_window r,
                                 uint32_t *counts)
{
    enum { ENOUGH = 1024, PASSES_MAX = 40 }; /* levels; 64 times nearer in each pass */
    for (int pass = 0; pass < PASSES_MAX && r.low < r.high; pass++) {
        memset(counts, 0, PF_WINDOW_LEVELS * sizeof *counts);
        for (size_t i = 0; i < n; i++) {
            if (isfinite(values[i]))
                counts[level_of(values[i], r)]++;
        }
        const pf_window w = pf_window_find(counts);
        const pf_float_window found = ends_of(values, n, r, w);
        if (w.high - w.low >= ENOUGH || (found.low <= r.low && found.high >= r.high))
            return found;
        r = found;
    }
    return r;
}

static uint8_t grey_of_float(double v, pf_float_window w)
{
    if (!isfinite(v) || v <= w.low)
        return 0;
    return v >= w.high ? 255 : (uint8_t)((v - w.low) / (w.high - w.low) * 255 + 0.5);
}

bool pf_float_window_find(pf_float_window *out, const float *values, size_t n,
                          pf_err *err)
{
    uint32_t *counts = pf_alloc_array(PF_WINDOW_LEVELS, sizeof *counts, err);
    if (!counts)
        return false;
    *out = window_of(values, n, range_of(values, n), counts);
    pf_free(counts);
    return true;
}

void pf_floats_to_rgb(const float *values, size_t n, size_t channels,
                      pf_float_window window, uint8_t *rgb)
{
    for (size_t i = 0; i < n * channels; i++) {
        const uint8_t grey = grey_of_float(values[i], window);
        if (channels == 3)
            rgb[i] = grey;
        else
            rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey;
    }
}
