/* window.c - see window.h. */
#include "core/image/window.h"

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
