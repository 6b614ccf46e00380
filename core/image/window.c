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

/* Are all samples of the first level, and of the last, of one value? Those of whole
 * numbers are. */
typedef struct {
    bool first, last;
} of_one_value;

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
static void drop_borders(levels *l, of_one_value is_one)
{
    levels above = *l, below = *l;
    if (l->first == l->last)
        return;
    drop_first(&above);
    drop_last(&below);
    const levels inner = {l->counts, above.first, below.last};
    const unsigned gap_below = is_one.first ? above.first - l->first : 0;
    const unsigned gap_above = is_one.last ? l->last - below.last : 0;
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
    drop_borders(&inner, (of_one_value){true, true});
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

static uint8_t grey_of_float(double v, pf_float_window w)
{
    if (!isfinite(v) || v <= w.low)
        return 0;
    return v >= w.high ? 255 : (uint8_t)((v - w.low) / (w.high - w.low) * 255 + 0.5);
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

bool pf_grey16_to_rgb_as(const uint8_t *samples, size_t n, unsigned max,
                         pf_float_window asked, uint8_t *rgb, pf_err *err)
{
    if (!(asked.low < asked.high))
        return pf_grey16_to_rgb(samples, n, max, rgb, err);
    for (size_t i = 0; i < n; i++)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] =
            grey_of_float(sample(samples, i), asked);
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

static bool is_within(double v, pf_float_window r)
{
    return isfinite(v) && v >= r.low && v <= r.high;
}

static void count_floats(const float *values, size_t n, pf_float_window r,
                         uint32_t *counts)
{
    memset(counts, 0, PF_WINDOW_LEVELS * sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        if (is_within(values[i], r))
            counts[level_of(values[i], r)]++;
    }
}

/* The least and the greatest of those that have these levels. */
static pf_float_window ends_of(const float *values, size_t n, pf_float_window r,
                               unsigned first, unsigned last)
{
    pf_float_window found = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (!is_within(values[i], r))
            continue;
        const unsigned level = level_of(values[i], r);
        if (level < first || level > last)
            continue;
        found.low = values[i] < found.low ? values[i] : found.low;
        found.high = values[i] > found.high ? values[i] : found.high;
    }
    return found;
}

static bool has_one_value(const float *values, size_t n, pf_float_window r,
                          unsigned level)
{
    const pf_float_window ends = ends_of(values, n, r, level, level);
    return ends.low == ends.high;
}

/* *is_found: there is nothing more to be seen between these ends. */
static pf_float_window come_nearer(const float *values, size_t n, pf_float_window r,
                                   const uint32_t *counts, bool *is_found)
{
    enum { ENOUGH = 1024 }; /* levels */
    const levels all = all_of(counts);
    const of_one_value is_one = {has_one_value(values, n, r, all.first),
                                 has_one_value(values, n, r, all.last)};
    levels inner = all, most;
    drop_borders(&inner, is_one);
    most = inner;
    drop_extremes(&most);
    pf_float_window found = ends_of(values, n, r, most.first, most.last);
    *is_found = most.last - most.first >= ENOUGH || found.low == found.high ||
                (found.low == r.low && found.high == r.high);
    if (found.low < found.high)
        return found;
    found = ends_of(values, n, r, inner.first, inner.last); /* rule 3 */
    return found.low < found.high ? found : r;
}

/* Windowing sees levels, and one value far from the others leaves few levels to them,
 * or one. So it is done again between what it found, as long as that is much less; what
 * lies outside counts no more. */
static pf_float_window window_of(const float *values, size_t n, pf_float_window r,
                                 uint32_t *counts)
{
    enum { PASSES_MAX = 40 };
    bool is_found = false;
    for (int pass = 0; pass < PASSES_MAX && !is_found && r.low < r.high; pass++) {
        count_floats(values, n, r, counts);
        r = come_nearer(values, n, r, counts, &is_found);
    }
    return r;
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
