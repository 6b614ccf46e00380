/*
 * product.c - see product.h.
 *
 * w is brought, piece by piece, into an order in which a tile of y reads it straight
 * on: DEPTH rows of as many columns as a tile has. All rows of x pass such a piece
 * before the next one is made, so that a larger batch makes it for more of them. A
 * tile's sums lie in registers (product_tile.inc). Where y ends before its tile does,
 * the rest is computed all the same, into memory that nobody reads: every row goes
 * through the same instructions.
 */
#include "core/model/product.h"

#include <stdatomic.h>
#include <string.h>

/* Rows of a piece of w: with 24 columns it fits the first cache, with 48 the second. */
enum { DEPTH = 256, ROWS_MAX = 8, COLUMNS_MAX = 48, TILE_VECTORS = 3 };

/* y[i] += x[i] w for the rows of a tile, with `vectors` of w's columns, 1 to
 * TILE_VECTORS. */
typedef void tile_fn(const float *const *x, const float *w, size_t depth, int vectors,
                     float *const *y);

typedef struct {
    const char *name;
    size_t rows, lanes; /* of a tile; lanes of a vector */
    tile_fn *multiply;
} kernel;

#if defined(__x86_64__) && defined(__GNUC__)
#define TILE avx512_tile
#define TILE_ROWS 8
#define TILE_LANES 16
#define TILE_TARGET __attribute__((target("avx512f")))
#include "core/model/product_tile.inc"

#define TILE avx2_tile
#define TILE_ROWS 4
#define TILE_LANES 8
#define TILE_TARGET __attribute__((target("avx2,fma")))
#include "core/model/product_tile.inc"
#endif

#define TILE plain_tile
#define TILE_ROWS 4
#define TILE_LANES 4
#define TILE_TARGET
#include "core/model/product_tile.inc"

/* ---- which instructions ---- */

static const kernel plain = {"plain", 4, 4, plain_tile};

#if defined(__x86_64__) && defined(__GNUC__)
static const kernel avx512 = {"avx512", 8, 16, avx512_tile};
static const kernel avx2 = {"avx2", 4, 8, avx2_tile};

static const kernel *find_kernel(const char *name)
{
    const bool any = name == NULL;
    if (__builtin_cpu_supports("avx512f") && (any || strcmp(name, avx512.name) == 0))
        return &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        (any || strcmp(name, avx2.name) == 0))
        return &avx2;
    return any || strcmp(name, plain.name) == 0 ? &plain : NULL;
}
#else
static const kernel *find_kernel(const char *name)
{
    return !name || strcmp(name, plain.name) == 0 ? &plain : NULL;
}
#endif

static _Atomic(const kernel *) chosen; /* by a test; NULL: the best */

bool pf_product_use(const char *name)
{
    const kernel *k = find_kernel(name);
    if (k)
        atomic_store(&chosen, name ? k : NULL);
    return k != NULL;
}

/* ---- a piece of w in the order of tiles ---- */

/* Of columns that y does not have the first is taken: what comes of it is not read. */
typedef struct {
    const pf_product *p;
    size_t k, depth;        /* its rows of w */
    size_t column, columns; /* those that y has */
    size_t tile_columns;    /* and those that a tile has */
} piece;

static const float *column_at(const piece *c, size_t j)
{
    const size_t column = c->column + (j < c->columns ? j : 0);
    return c->p->w + column * c->p->ldw + c->k;
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* Four numbers of four columns each, at from[0..3] + at, become rows of four. */
static inline void turn(const float *const from[4], size_t at, float *to, size_t ld)
{
    const four a = *(const four *)(from[0] + at), b = *(const four *)(from[1] + at),
               c = *(const four *)(from[2] + at), d = *(const four *)(from[3] + at);
    const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + ld) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(four *)(to + 2 * ld) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(four *)(to + 3 * ld) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* A cache line of each column at a time. */
static void pack_transposed(const piece *c, float *to)
{
    enum { LINE = 16 };
    const size_t ld = c->tile_columns, whole = c->depth / 4 * 4;
    for (size_t line = 0; line < whole; line += LINE) {
        const size_t end = line + LINE < whole ? line + LINE : whole;
        for (size_t j = 0; j < ld; j += 4) {
            const float *const from[4] = {column_at(c, j), column_at(c, j + 1),
                                          column_at(c, j + 2), column_at(c, j + 3)};
            for (size_t k = line; k < end; k += 4)
                turn(from, k, to + k * ld + j, ld);
        }
    }
    for (size_t k = whole; k < c->depth; k++) {
        for (size_t j = 0; j < ld; j++)
            to[k * ld + j] = column_at(c, j)[k];
    }
}

static void pack_straight(const piece *c, float *to)
{
    const float *from = c->p->w + c->k * c->p->ldw + c->column;
    for (size_t k = 0; k < c->depth; k++, from += c->p->ldw, to += c->tile_columns) {
        memcpy(to, from, c->columns * sizeof *to);
        for (size_t j = c->columns; j < c->tile_columns; j++)
            to[j] = from[0];
    }
}

/* ---- products ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void multiply_tile(const kernel *m, const piece *c, const float *packed,
                          size_t row)
{
    const pf_product *p = c->p;
    const size_t rows = least(m->rows, p->n - row), bytes = c->columns * sizeof *p->y;
    const bool is_narrow = c->columns < c->tile_columns;
    const float *x[ROWS_MAX];
    float *y[ROWS_MAX], spare[ROWS_MAX][COLUMNS_MAX];
    if (is_narrow || rows < m->rows)
        memset(spare, 0, sizeof spare);
    for (size_t i = 0; i < m->rows; i++) {
        const size_t at = row + (i < rows ? i : 0);
        float *own = p->y + at * p->ldy + c->column;
        x[i] = p->x + at * p->ldx + c->k;
        y[i] = is_narrow || i >= rows ? spare[i] : own;
        if (is_narrow)
            memcpy(spare[i], own, bytes);
    }
    m->multiply(x, packed, c->depth, (int)(c->tile_columns / m->lanes), y);
    for (size_t i = 0; is_narrow && i < rows; i++)
        memcpy(p->y + (row + i) * p->ldy + c->column, spare[i], bytes);
}

static void multiply_piece(const kernel *m, const piece *c)
{
    float packed[DEPTH * COLUMNS_MAX] __attribute__((aligned(64)));
    if (c->p->w_is_transposed)
        pack_transposed(c, packed);
    else
        pack_straight(c, packed);
    for (size_t row = 0; row < c->p->n; row += m->rows)
        multiply_tile(m, c, packed, row);
}

void pf_product_add(const pf_product *p)
{
    const kernel *tested = atomic_load(&chosen);
    const kernel *m = tested ? tested : find_kernel(NULL);
    const size_t widest = TILE_VECTORS * m->lanes;
    for (size_t k = 0; k < p->depth; k += DEPTH) {
        for (size_t column = 0; column < p->width; column += widest) {
            piece c = {.p = p,
                       .k = k,
                       .depth = least(DEPTH, p->depth - k),
                       .column = column,
                       .columns = least(widest, p->width - column)};
            c.tile_columns = (c.columns + m->lanes - 1) / m->lanes * m->lanes;
            multiply_piece(m, &c);
        }
    }
}
