/*
 * tile_check.c - do the tiles of an instruction set compute what they should, on this
 * processor, as built by this compiler? Products of awkward shapes against plain loops;
 * a fifth of a millisecond. See tile.h.
 */
#include "core/model/tile.h"

#include <math.h>
#include <string.h>

enum { WORDS = 3 * PF_TILE_UNROLL, STEP = WORDS + 5, ROWS = PF_TILE_ROWS_MAX };

typedef struct {
    uint32_t x[ROWS * STEP]; /* rows with something between them */
    uint32_t w[WORDS * PF_TILE_COLUMNS] __attribute__((aligned(64)));
    int32_t start[PF_TILE_COLUMNS] __attribute__((aligned(64)));
    float unit[2 * ROWS], w_unit[PF_TILE_COLUMNS], y[ROWS * PF_TILE_COLUMNS];
} sample;

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 7 ^ *state << 9;
}

static float small(uint32_t *state)
{
    return (float)(next(state) >> 8) / (1 << 23) - 1.0f;
}

/* A word of floats, or of integers: of 16 bits, 12 of them used, so that no sum leaves
 * 32; or of 8 bits. */
static uint32_t a_word(pf_precision precision, uint32_t *state)
{
    uint32_t word;
    const float x = small(state);
    if (precision == PF_PRECISION_I8)
        return next(state);
    if (precision == PF_PRECISION_I16)
        return (next(state) & 0x0FFF0FFF) - 0x08000800;
    memcpy(&word, &x, sizeof word);
    return word;
}

static void fill(sample *s, pf_precision precision)
{
    uint32_t state = 4711 + (uint32_t)precision;
    for (size_t i = 0; i < sizeof s->x / sizeof *s->x; i++)
        s->x[i] = a_word(precision, &state);
    for (size_t i = 0; i < sizeof s->w / sizeof *s->w; i++)
        s->w[i] = a_word(precision, &state);
    for (size_t i = 0; i < PF_TILE_COLUMNS; i++) {
        s->start[i] = (int32_t)(next(&state) & 0xFFFF) - 0x8000;
        s->w_unit[i] = small(&state);
    }
    for (size_t i = 0; i < 2 * ROWS; i++)
        s->unit[i] = small(&state);
    for (size_t i = 0; i < sizeof s->y / sizeof *s->y; i++)
        s->y[i] = small(&state);
}

static double multiply_words(pf_precision precision, uint32_t x, uint32_t w)
{
    float a, b;
    if (precision == PF_PRECISION_I16)
        return (double)(int16_t)x * (int16_t)w +
               (double)(int16_t)(x >> 16) * (int16_t)(w >> 16);
    if (precision == PF_PRECISION_I8) {
        double sum = 0;
        for (int i = 0; i < 32; i += 8)
            sum += (double)(uint8_t)(x >> i) * (int8_t)(w >> i);
        return sum;
    }
    memcpy(&a, &x, sizeof a);
    memcpy(&b, &w, sizeof b);
    return (double)a * b;
}

static double expected(const sample *s, pf_precision precision, size_t row,
                       size_t column)
{
    const bool is_integer = precision != PF_PRECISION_F32;
    double sum = precision == PF_PRECISION_I8 ? s->start[column] : 0;
    for (size_t k = 0; k < WORDS; k++)
        sum += multiply_words(precision, s->x[row * STEP + k],
                              s->w[k * PF_TILE_COLUMNS + column]);
    return s->y[row * PF_TILE_COLUMNS + column] +
           (is_integer ? sum * s->unit[2 * row] * s->w_unit[column] : sum);
}

static bool is_right(const sample *s, const float *y, pf_precision precision,
                     size_t rows)
{
    for (size_t i = 0; i < rows * PF_TILE_COLUMNS; i++) {
        const double e =
            expected(s, precision, i / PF_TILE_COLUMNS, i % PF_TILE_COLUMNS);
        if (!(fabs(y[i] - e) <= 1e-5 * (fabs(e) + 1)))
            return false;
    }
    return true;
}

static bool works_with(const sample *s, pf_tile_fn *multiply, pf_precision precision,
                       size_t rows)
{
    const bool is_integer = precision != PF_PRECISION_F32;
    float y[ROWS * PF_TILE_COLUMNS];
    memcpy(y, s->y, sizeof y);
    const pf_tile t = {.x = (const char *)s->x,
                       .ldx = STEP * sizeof *s->x,
                       .w = (const char *)s->w,
                       .words = WORDS,
                       .y = y,
                       .ldy = PF_TILE_COLUMNS,
                       .unit = is_integer ? s->unit : NULL,
                       .ldunit = 2,
                       .w_unit = is_integer ? s->w_unit : NULL,
                       .start = precision == PF_PRECISION_I8 ? s->start : NULL};
    multiply(&t, rows);
    return is_right(s, y, precision, rows);
}

bool pf_tile_set_works(const pf_tile_set *set)
{
    sample s;
    for (int p = 0; p < PF_PRECISIONS; p++) {
        fill(&s, (pf_precision)p);
        for (size_t rows = 1; rows <= set->rows_max[p]; rows += rows > 1 ? 2 : 1) {
            if (!works_with(&s, set->multiply[p], (pf_precision)p, rows))
                return false;
        }
    }
    return true;
}
