/*
 * winograd.c - see winograd.h.
 *
 * Tiles of 3 x 3 outputs are taken some at a time, over the edges of maps: their inputs
 * become 25 matrices [tiles, channels], one for each point, which are multiplied with
 * that point's weights, and what comes of it becomes outputs. A tile's numbers go
 * through the same arithmetic wherever it lies and whatever is beside it.
 */
#include "core/model/winograd.h"

#include <string.h>

#include "core/base/clones.h"

enum {
    OUT = 3,  /* side of a tile's outputs */
    SIDE = 5, /* and of its inputs */
    POINTS = PF_WINOGRAD_POINTS,
    TILES = 96, /* taken at a time */
    LANES = 16,
    APART = 16, /* floats between rows: those of 4096 bytes would share a cache line's
                   place */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t tiles_of(size_t side)
{
    return (side + OUT - 1) / OUT;
}

/* Columns of a point. */
static size_t wide(const pf_conv *c)
{
    return (c->kernel.out + PF_TILE_COLUMNS - 1) / PF_TILE_COLUMNS * PF_TILE_COLUMNS;
}

/* ---- weights ---- */

bool pf_winograd_fits(const pf_conv *c)
{
    return c->size == 3 && c->stride == 1 && c->padding == 1 &&
           c->channels % PF_TILE_UNROLL == 0;
}

pf_linear pf_winograd_points(const pf_conv *c)
{
    return (pf_linear){.in = c->channels, .out = POINTS * wide(c)};
}

size_t pf_winograd_from(const pf_conv *c, size_t row, size_t *n)
{
    const size_t first = row % wide(c), out = c->kernel.out;
    *n = first < out ? least(*n, out - first) : 0;
    return first;
}

/* G */
static const double weight_at[SIDE][3] = {
    {1.0 / 2, 0, 0},
    {1.0 / 2, 1.0 / 2, 1.0 / 2},
    {1.0 / 6, -1.0 / 6, 1.0 / 6},
    {1.0 / 6, 1.0 / 3, 2.0 / 3},
    {0, 0, 1},
};

PF_CLONES
static void fill_row(const float *restrict w, size_t channels, size_t point,
                     float *restrict to)
{
    const double *a = weight_at[point / SIDE], *b = weight_at[point % SIDE];
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t k = 0; k < 9; k++)
            sum += a[k / 3] * b[k % 3] * w[k * channels + c];
        to[c] = (float)sum;
    }
}

void pf_winograd_fill(const pf_conv *c, size_t row, size_t n, const float *w, float *to)
{
    size_t there = n;
    pf_winograd_from(c, row, &there);
    for (size_t i = 0; i < there; i++)
        fill_row(w + i * c->kernel.in, c->channels, row / wide(c),
                 to + i * c->channels);
    memset(to + there * c->channels, 0, (n - there) * c->channels * sizeof *to);
}

/* ---- maps ---- */

typedef struct {
    const pf_conv *conv;
    const pf_conv_maps *maps;
    size_t high, wide; /* tiles of a map */
    float *inputs;     /* [POINTS, TILES, channels and what is apart] */
    float *outputs;    /* [TILES, POINTS, columns of a point] */
    float *edge;       /* [SIDE, SIDE, channels], of a tile that hangs over */
} work;

static size_t step_of(const pf_conv *c)
{
    return c->channels + APART;
}

static size_t count(size_t n, size_t height, size_t width)
{
    return least(TILES, n * tiles_of(height) * tiles_of(width));
}

size_t pf_winograd_scratch(const pf_conv *c, size_t n, size_t height, size_t width)
{
    const size_t of_tile = POINTS * (step_of(c) + wide(c));
    return (count(n, height, width) * of_tile + POINTS * c->channels + 2 * APART) *
           sizeof(float);
}

/* B' of five rows of n numbers each. */
__attribute__((always_inline)) static inline void
values_at(const float *restrict x, size_t ldx, float *restrict to, size_t ld, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float a = x[i], b = x[ldx + i], c = x[2 * ldx + i], d = x[3 * ldx + i],
                    e = x[4 * ldx + i];
        const float left = d - b;
        to[i] = 2 * (a - c) + left;
        to[ld + i] = 2 * b + c - d;
        to[2 * ld + i] = 3 * c - 2 * b - d;
        to[3 * ld + i] = left;
        to[4 * ld + i] = e - c - 2 * left;
    }
}

/* B' x B of n channels: x [SIDE, SIDE] with steps from row to row and column to column,
 * to [POINTS] with step ld. */
__attribute__((always_inline)) static inline void
enter_lanes(const float *x, size_t row, size_t column, float *to, size_t ld, size_t n)
{
    float half[SIDE][SIDE][LANES];
    for (size_t i = 0; i < SIDE; i++)
        values_at(x + i * row, column, half[i][0], LANES, n);
    for (size_t j = 0; j < SIDE; j++)
        values_at(half[0][j], SIDE * LANES, to + j * ld, SIDE * ld, n);
}

PF_CLONES
static void enter_tile(const float *x, size_t row, size_t channels, float *to,
                       size_t ld)
{
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES)
        enter_lanes(x + c, row, channels, to + c, ld, LANES);
    if (c < channels)
        enter_lanes(x + c, row, channels, to + c, ld, channels - c);
}

/* A' of five rows of n numbers each. */
__attribute__((always_inline)) static inline void
sums_of(const float *restrict m, size_t ldm, float *restrict to, size_t ld, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float b = m[ldm + i], c = m[2 * ldm + i], d = m[3 * ldm + i];
        const float both = b + c;
        to[i] = m[i] + both + d;
        to[ld + i] = b - c + 2 * d;
        to[2 * ld + i] = both + 4 * d + m[4 * ldm + i];
    }
}

/* bias + A' m A of n channels: m [POINTS] with step ld, to [OUT, OUT, LANES] */
__attribute__((always_inline)) static inline void leave_lanes(const float *m, size_t ld,
                                                              const float *bias,
                                                              bool relu, float *to,
                                                              size_t n)
{
    float half[OUT][SIDE][LANES];
    for (size_t j = 0; j < SIDE; j++)
        sums_of(m + j * ld, SIDE * ld, half[0][j], SIDE * LANES, n);
    for (size_t i = 0; i < OUT; i++)
        sums_of(half[i][0], LANES, to + i * OUT * LANES, LANES, n);
    for (size_t k = 0; k < OUT * OUT; k++) {
        for (size_t i = 0; i < n; i++) {
            const float sum = to[k * LANES + i] + bias[i];
            to[k * LANES + i] = relu && !(sum > 0) ? 0 : sum;
        }
    }
}

/* The first `high` rows and `wide` columns of a tile's outputs. */
PF_CLONES
static void leave_tile(const float *m, size_t ld, const pf_conv *conv, bool relu,
                       float *y, size_t row, size_t high, size_t across)
{
    const size_t out = conv->kernel.out;
    for (size_t c = 0; c < out; c += LANES) {
        float sums[OUT * OUT * LANES];
        const size_t n = out - c < LANES ? out - c : LANES;
        if (n == LANES)
            leave_lanes(m + c, ld, conv->kernel.bias + c, relu, sums, LANES);
        else
            leave_lanes(m + c, ld, conv->kernel.bias + c, relu, sums, n);
        for (size_t i = 0; i < high; i++) {
            for (size_t j = 0; j < across; j++)
                memcpy(y + i * row + j * out + c, sums + (i * OUT + j) * LANES,
                       n * sizeof *y);
        }
    }
}

/* ---- tiles ---- */

/* Where a tile is: its map, and the first of its outputs. */
typedef struct {
    size_t map, row, column;
} place;

static place place_of(const work *w, size_t tile)
{
    const size_t of_map = w->high * w->wide, in_map = tile % of_map;
    return (place){tile / of_map, in_map / w->wide * OUT, in_map % w->wide * OUT};
}

/* A tile that hangs over an edge, with nothing there. */
static void copy_edge(const work *w, const float *map, place p)
{
    const size_t channels = w->conv->channels;
    for (size_t k = 0; k < POINTS; k++) {
        /* The row and column before the first wrap to huge numbers. */
        const size_t row = p.row + k / SIDE - 1, column = p.column + k % SIDE - 1;
        float *to = w->edge + k * channels;
        if (row < w->maps->height && column < w->maps->width)
            memcpy(to, map + (row * w->maps->width + column) * channels,
                   channels * sizeof *to);
        else
            memset(to, 0, channels * sizeof *to);
    }
}

static void enter(const work *w, size_t first, size_t n)
{
    const size_t channels = w->conv->channels, row = w->maps->width * channels;
    for (size_t i = 0; i < n; i++) {
        const place p = place_of(w, first + i);
        const float *map = w->maps->x + p.map * w->maps->height * row;
        float *to = w->inputs + i * step_of(w->conv);
        const size_t ld = n * step_of(w->conv);
        const bool is_inside = p.row > 0 && p.column > 0 &&
                               p.row + SIDE - 1 <= w->maps->height &&
                               p.column + SIDE - 1 <= w->maps->width;
        if (is_inside) {
            enter_tile(map + (p.row - 1) * row + (p.column - 1) * channels, row,
                       channels, to, ld);
        } else {
            copy_edge(w, map, p);
            enter_tile(w->edge, SIDE * channels, channels, to, ld);
        }
    }
}

static void multiply(const work *w, size_t n)
{
    const pf_linear *points = &w->conv->points;
    const size_t step = step_of(w->conv), panels = wide(w->conv) / PF_TILE_COLUMNS;
    pf_product p = {.layer = points, .y = w->outputs, .ldy = points->out};
    for (size_t i = 0; i < POINTS; i++) {
        pf_rows_make(&p.rows, PF_PRECISION_F32, w->inputs + i * n * step, step, n,
                     points->in, NULL); /* they stay where they are */
        pf_kernel_linear(&p, i * panels, (i + 1) * panels);
    }
}

static void leave(const work *w, size_t first, size_t n)
{
    const size_t out = w->conv->kernel.out, row = w->maps->width * out;
    for (size_t i = 0; i < n; i++) {
        const place p = place_of(w, first + i);
        leave_tile(
            w->outputs + i * w->conv->points.out, wide(w->conv), w->conv, w->maps->relu,
            w->maps->y + (p.map * w->maps->height + p.row) * row + p.column * out, row,
            least(OUT, w->maps->height - p.row), least(OUT, w->maps->width - p.column));
    }
}

void pf_winograd_conv(const pf_conv *c, const pf_conv_maps *maps)
{
    const size_t at_once = count(maps->n, maps->height, maps->width);
    work w = {.conv = c,
              .maps = maps,
              .high = tiles_of(maps->height),
              .wide = tiles_of(maps->width),
              .outputs = maps->scratch};
    const size_t tiles = maps->n * w.high * w.wide;
    w.inputs = w.outputs + at_once * c->points.out;
    w.edge = w.inputs + at_once * POINTS * step_of(c);
    for (size_t at = 0; at < tiles; at += at_once) {
        const size_t some = least(at_once, tiles - at);
        enter(&w, at, some);
        multiply(&w, some);
        leave(&w, at, some);
    }
}
