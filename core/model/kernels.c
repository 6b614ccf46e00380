/*
 * kernels.c - layers made of products (packed.h) and of loops that the compiler can
 * vectorise. See kernels.h.
 *
 * Loops that matter are compiled for several machines (clones.h). No -ffast-math
 * anywhere: order of operations is what is written.
 */
#include "core/model/kernels.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/clones.h"
#include "core/model/winograd.h"

PF_CLONES
void pf_kernel_add(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* Sums run in eight lanes, so that they vectorise and stay the same on every machine.
 */
enum { LANES = 8 };

static inline float sum_lanes(const float *lane)
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static inline float row_sum(const float *x, size_t n)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            lane[j] += x[i + j];
    }
    for (; i < n; i++)
        lane[i % LANES] += x[i];
    return sum_lanes(lane);
}

static inline float row_square_sum(const float *x, size_t n, float mean)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
    }
    for (; i < n; i++)
        lane[i % LANES] += (x[i] - mean) * (x[i] - mean);
    return sum_lanes(lane);
}

PF_CLONES
void pf_kernel_layer_norm(const pf_norm *norm, float eps, const float *x, size_t n,
                          size_t width, float *y)
{
    const float *gain = norm->gain, *bias = norm->bias;
    for (size_t i = 0; i < n; i++, x += width, y += width) {
        float mean = row_sum(x, width) / (float)width;
        float variance = row_square_sum(x, width, mean) / (float)width;
        float scale = 1.0f / sqrtf(variance + eps);
        for (size_t j = 0; j < width; j++)
            y[j] = (x[j] - mean) * scale * gain[j] + bias[j];
    }
}

/* ---- linear layers ---- */

/* What rows of a panel are before the product is added to them. */
PF_CLONES
static void begin_rows(const pf_product *p, size_t row, size_t n, size_t at,
                       size_t columns)
{
    const float *bias = p->layer->bias;
    for (size_t i = row; i < row + n; i++) {
        float *y = p->y + i * p->ldy + at;
        for (size_t j = 0; j < columns; j++)
            y[j] = (p->add ? y[j] : 0) + (bias ? bias[at + j] : 0);
    }
}

/* max(y, 0) */
PF_CLONES
static void clip_rows(float *y, size_t ldy, size_t n, size_t columns)
{
    for (size_t i = 0; i < n; i++, y += ldy) {
        for (size_t j = 0; j < columns; j++)
            y[j] = y[j] > 0.0f ? y[j] : 0.0f;
    }
}

void pf_kernel_linear(const pf_product *p, size_t first, size_t end)
{
    const pf_packed *packed = &p->layer->packed;
    const size_t each = pf_packed_rows_at_once(packed, p->rows.n);
    for (size_t panel = first; panel < end; panel++) {
        const size_t at = panel * PF_TILE_COLUMNS, left = p->layer->out - at;
        const size_t columns = left < PF_TILE_COLUMNS ? left : PF_TILE_COLUMNS;
        for (size_t row = 0; row < p->rows.n; row += each) {
            const size_t rest = p->rows.n - row, n = rest < each ? rest : each;
            begin_rows(p, row, n, at, columns);
            pf_packed_multiply(packed, &p->rows, row, n, panel, p->y, p->ldy);
            if (p->relu)
                clip_rows(p->y + row * p->ldy + at, p->ldy, n, columns);
            for (size_t i = row; p->then && i < row + n; i++)
                pf_kernel_activate(p->then, p->y + i * p->ldy + at, columns);
        }
    }
}

/* Looks at the exponent bits, so that it vectorises. */
PF_CLONES
bool pf_kernel_is_finite(const float *x, size_t n)
{
    const uint32_t exponent = 0x7F800000u;
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return bad == 0;
}

bool pf_kernel_normalize(float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * x[i];
    if (!isfinite(squares) || squares <= 0)
        return false;
    double scale = 1 / sqrt(squares);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] * scale);
    return true;
}

/* ---- convolutions ---- */

static bool is_pointwise(const pf_conv *c)
{
    return c->size == 1 && c->stride == 1 && c->padding == 0;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t pf_conv_scratch(const pf_conv *c, size_t n, size_t height, size_t width)
{
    const size_t in = c->kernel.in, numbers = height * width * c->channels;
    const size_t fields = aligned(pf_rows_size(PF_PRECISION_F32, in, PF_CONV_BLOCK));
    const size_t by_points =
        pf_winograd_fits(c) ? pf_winograd_scratch(c, n, height, width) : 0;
    const size_t by_fields =
        is_pointwise(c) ? fields
                        : fields + aligned(4 * numbers) + aligned(4 * height * width);
    return by_points > by_fields ? by_points : by_fields;
}

size_t pf_conv_side(const pf_conv *c, size_t side)
{
    return (side + 2 * c->padding - c->size) / c->stride + 1;
}

/* The receptive field of output position (row, column): [size, size, channels], with
 * nothing where it hangs over the edge. */
static void gather_field(const pf_conv *c, const pf_numbers *x, size_t height,
                         size_t width, size_t row, size_t column, char *field)
{
    const size_t of_position = c->channels * x->size, run = c->size * of_position;
    /* Positions are unsigned; one left of or above the picture wraps to a huge number
     * and fails the same comparison as one beyond the other edge. */
    size_t x0 = column * c->stride - c->padding;
    for (size_t i = 0; i < c->size; i++, field += run) {
        size_t yy = row * c->stride + i - c->padding;
        if (yy >= height) {
            memset(field, x->zero, run);
        } else if (x0 < width && x0 + c->size <= width) {
            memcpy(field, x->numbers + (yy * width + x0) * of_position, run);
        } else {
            for (size_t j = 0; j < c->size; j++) {
                char *to = field + j * of_position;
                if (x0 + j < width)
                    memcpy(to, x->numbers + (yy * width + x0 + j) * of_position,
                           of_position);
                else
                    memset(to, x->zero, of_position);
            }
        }
    }
}

/* Rows of the product for output positions `at` to `at` + n - 1. */
static void gather(const pf_conv *c, const pf_numbers *from, size_t height,
                   size_t width, size_t at, size_t n, char *to, pf_rows *rows)
{
    const pf_precision precision = c->kernel.packed.precision;
    const size_t step = pf_rows_step(precision, c->kernel.in);
    const size_t out_width = pf_conv_side(c, width);
    float *units = (float *)(void *)(to + aligned(PF_CONV_BLOCK * step));
    for (size_t i = 0; i < n; i++)
        gather_field(c, from, height, width, (at + i) / out_width, (at + i) % out_width,
                     to + i * step);
    pf_rows_of_numbers(rows, precision, from, n, c->kernel.in, to, units);
}

/* Squares of the numbers at one position. */
PF_CLONES
static void sum_squares(const float *x, size_t positions, size_t channels, float *sums)
{
    for (size_t i = 0; i < positions; i++, x += channels)
        sums[i] = row_square_sum(x, channels, 0);
}

/* The length of the longest field, as a vector: of those that hang over no edge, for
 * the others have nothing there; or of the whole map where it is smaller than that. */
static float longest_field(const pf_conv *c, const float *x, size_t height,
                           size_t width, float *squares)
{
    float most = 0;
    sum_squares(x, height * width, c->channels, squares);
    const size_t high = c->size < height ? c->size : height;
    const size_t wide = c->size < width ? c->size : width;
    for (size_t row = 0; row + high <= height; row++) {
        for (size_t column = 0; column + wide <= width; column++) {
            float sum = 0;
            for (size_t k = 0; k < high * wide; k++)
                sum += squares[(row + k / wide) * width + column + k % wide];
            most = sum > most ? sum : most;
        }
    }
    return sqrtf(most) * 1.0001f; /* for what was rounded away */
}

/* A map as fields are gathered from it. */
static void take_map(const pf_conv *c, const float *x, size_t height, size_t width,
                     char *memory, pf_numbers *out)
{
    const pf_precision precision = c->kernel.packed.precision;
    const size_t n = height * width * c->channels;
    float longest = 0;
    if (precision != PF_PRECISION_F32)
        longest = longest_field(c, x, height, width,
                                (float *)(void *)(memory + aligned(4 * n)));
    pf_numbers_make(out, precision, x, n, longest, c->kernel.in, memory);
}

/* What `rows` become, which are those of output positions from `at` on. */
static void multiply_rows(const pf_conv *c, const pf_conv_maps *maps,
                          const pf_rows *rows, size_t at)
{
    const pf_product p = {.layer = &c->kernel,
                          .rows = *rows,
                          .y = maps->y + at * c->kernel.out,
                          .ldy = c->kernel.out,
                          .add = maps->add,
                          .relu = maps->relu};
    pf_kernel_linear(&p, 0, pf_packed_panels(&c->kernel.packed));
}

static size_t block_at(size_t at, size_t positions)
{
    return positions - at < PF_CONV_BLOCK ? positions - at : PF_CONV_BLOCK;
}

static void convolve_positions(const pf_conv *c, const pf_conv_maps *maps)
{
    const size_t in = c->kernel.in, positions = maps->n * maps->height * maps->width;
    pf_rows rows;
    for (size_t at = 0; at < positions; at += PF_CONV_BLOCK) {
        pf_rows_make(&rows, c->kernel.packed.precision, maps->x + at * in, in,
                     block_at(at, positions), in, maps->scratch);
        multiply_rows(c, maps, &rows, at);
    }
}

/* The map `which`. */
static void convolve_fields(const pf_conv *c, const pf_conv_maps *maps, size_t which)
{
    const size_t height = maps->height, width = maps->width;
    const size_t positions = pf_conv_side(c, height) * pf_conv_side(c, width);
    char *fields = maps->scratch;
    char *numbers =
        fields + aligned(pf_rows_size(PF_PRECISION_F32, c->kernel.in, PF_CONV_BLOCK));
    pf_numbers from;
    pf_rows rows;
    take_map(c, maps->x + which * height * width * c->channels, height, width, numbers,
             &from);
    for (size_t at = 0; at < positions; at += PF_CONV_BLOCK) {
        gather(c, &from, height, width, at, block_at(at, positions), fields, &rows);
        multiply_rows(c, maps, &rows, which * positions + at);
    }
}

void pf_kernel_conv(const pf_conv *c, const pf_conv_maps *maps)
{
    assert(!maps->add || is_pointwise(c));
    if (c->has_points)
        pf_winograd_conv(c, maps);
    else if (is_pointwise(c))
        convolve_positions(c, maps);
    else
        for (size_t i = 0; i < maps->n; i++)
            convolve_fields(c, maps, i);
}

PF_CLONES
void pf_kernel_average_pool(const float *restrict x, size_t height, size_t width,
                            size_t channels, size_t size, float *restrict y)
{
    const float scale = 1.0f / (float)(size * size);
    for (size_t row = 0; row < height / size; row++) {
        for (size_t column = 0; column < width / size; column++, y += channels) {
            memset(y, 0, channels * sizeof *y);
            for (size_t k = 0; k < size * size; k++) {
                const float *from =
                    x + ((row * size + k / size) * width + column * size + k % size) *
                            channels;
                for (size_t j = 0; j < channels; j++)
                    y[j] += from[j];
            }
            for (size_t j = 0; j < channels; j++)
                y[j] *= scale;
        }
    }
}
