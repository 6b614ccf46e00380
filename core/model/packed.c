/* packed.c - see packed.h. */
#include "core/model/packed.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clones.h"

enum {
    I16_MAX = 32767,
    I16_LENGTH = 46200, /* of a block as a vector: its square is less than 2^31 */
    I8_MAX = 127,
    I8_ROW_ZERO = 128, /* what stands for 0 in a row, whose bytes have no sign */
};

/* Of each precision: numbers in a word, and words in a block. A block of a panel stays
 * in the first cache while all rows pass. */
static const size_t per_word[PF_PRECISIONS] = {1, 2, 4};
static const size_t block_words[PF_PRECISIONS] = {256, 128, 128};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t words_of(pf_precision precision, size_t in)
{
    return round_up((in + per_word[precision] - 1) / per_word[precision],
                    PF_TILE_UNROLL);
}

static size_t blocks_of(pf_precision precision, size_t in)
{
    const size_t words = words_of(precision, in), block = block_words[precision];
    return (words + block - 1) / block;
}

static size_t panels_of(size_t out)
{
    return (out + PF_TILE_COLUMNS - 1) / PF_TILE_COLUMNS;
}

/* ---- columns ---- */

size_t pf_packed_size(pf_precision precision, size_t in, size_t out)
{
    const size_t units = precision == PF_PRECISION_F32   ? 0
                         : precision == PF_PRECISION_I16 ? 1
                                                         : 2;
    return panels_of(out) * PF_TILE_COLUMNS * 4 *
           (words_of(precision, in) + units * blocks_of(precision, in));
}

size_t pf_packed_panels(const pf_packed *p)
{
    return panels_of(p->out);
}

void pf_packed_view(pf_packed *p, pf_precision precision, size_t in, size_t out,
                    const void *memory)
{
    const size_t columns = panels_of(out) * PF_TILE_COLUMNS;
    *p = (pf_packed){.precision = precision, .in = in, .out = out, .words = memory};
    if (precision == PF_PRECISION_F32)
        return;
    p->unit = (const float *)memory + columns * words_of(precision, in);
    if (precision == PF_PRECISION_I8)
        p->start = (const int32_t *)p->unit + columns * blocks_of(precision, in);
}

/* ---- integers ---- */

/* What a 1 stands for in n numbers, the largest of which is `largest` and which are
 * `length` long as a vector. Rounding makes them longer by half a unit's square root of
 * n at most. */
static inline float unit_for(pf_precision precision, float largest, float length,
                             size_t n)
{
    if (precision == PF_PRECISION_I8)
        return largest / I8_MAX;
    const float by_length = length / (I16_LENGTH - 0.5f * sqrtf((float)n));
    const float by_size = largest / I16_MAX;
    return by_length > by_size ? by_length : by_size;
}

/* Bits of the largest |x|; those of a NaN are larger than all others. */
static inline uint32_t largest_bits(const float *x, size_t n)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7FFFFFFFu;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

/* Adding this to |x| < 2^22 leaves round(x) in the low bits. */
static const float round_magic = 12582912.0f; /* 1.5 * 2^23 */

static inline uint32_t rounded_bits(float x)
{
    const float sum = x + round_magic;
    uint32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}

enum { LANES = 16 };

/* The length of x / largest as a vector, summed in one order on every machine. */
static inline float relative_length(const float *x, size_t n, float inverse)
{
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            lane[j] += (x[i + j] * inverse) * (x[i + j] * inverse);
    }
    for (; i < n; i++)
        lane[i % LANES] += (x[i] * inverse) * (x[i] * inverse);
    for (size_t j = 0; j < LANES; j++)
        sum += lane[j];
    return sqrtf(sum);
}

/* The unit of n numbers. A block of nothing, or next to nothing, is all zero
 * and has the unit 0; one with a NaN or an infinity has NaN, and so has whatever is
 * multiplied with it. */
static inline float row_unit(pf_precision precision, const float *x, size_t n)
{
    const uint32_t bits = largest_bits(x, n);
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    if (!(largest <= 3e38f))
        return NAN;
    if (largest < 1e-30f)
        return 0;
    const float length =
        precision == PF_PRECISION_I8 ? 0 : largest * relative_length(x, n, 1 / largest);
    return unit_for(precision, largest, length, n);
}

static inline float inverse_of(float unit)
{
    return unit > 0 ? 1 / unit : 0; /* of NaN as well */
}

PF_CLONES
static void write_i16(const float *x, size_t n, float unit, int16_t *to)
{
    const float inverse = inverse_of(unit);
    for (size_t i = 0; i < n; i++)
        to[i] = (int16_t)rounded_bits(x[i] * inverse);
}

PF_CLONES
static void write_i8(const float *x, size_t n, float unit, uint8_t *to)
{
    const float inverse = inverse_of(unit);
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)rounded_bits(x[i] * inverse);
}

/* Bytes of a row have no sign. */
PF_CLONES
static void lift(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(bytes[i] + I8_ROW_ZERO);
}

static void write_integers(pf_precision precision, const float *x, size_t n, float unit,
                           char *to)
{
    if (isnan(unit)) /* 0 times infinity is no number either */
        memset(to, 0, n * 4 / per_word[precision]);
    else if (precision == PF_PRECISION_I16)
        write_i16(x, n, unit, (int16_t *)(void *)to);
    else
        write_i8(x, n, unit, (uint8_t *)to);
}

PF_CLONES
static void find_units(pf_precision precision, const float *x, size_t in, size_t block,
                       float *unit)
{
    for (size_t at = 0; at < in; at += block)
        *unit++ = row_unit(precision, x + at, in - at < block ? in - at : block);
}

/* ---- columns ---- */

/* Block `b` of a column: its integers go to every PF_TILE_COLUMNS-th word of `to`. */
static void pack_block(const pf_packed *p, const float *w, size_t n, float unit,
                       char *to, int32_t *start)
{
    enum { WORDS_MAX = 128 };
    uint32_t words[WORDS_MAX] = {0};
    write_integers(p->precision, w, n, unit, (char *)words);
    const size_t of_word = per_word[p->precision], used = (n + of_word - 1) / of_word;
    for (size_t i = 0; i < used; i++)
        memcpy(to + i * 4 * PF_TILE_COLUMNS, words + i, 4);
    if (p->precision != PF_PRECISION_I8)
        return;
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((const int8_t *)words)[i];
    *start = -I8_ROW_ZERO * sum;
}

static void pack_integers(const pf_packed *p, const float *w, char *to, float *unit,
                          int32_t *start)
{
    const size_t words = block_words[p->precision];
    const size_t block = words * per_word[p->precision];
    for (size_t at = 0; at < p->in; at += block) {
        const size_t n = least(block, p->in - at);
        find_units(p->precision, w + at, n, n, unit);
        pack_block(p, w + at, n, *unit, to, start);
        to += words * 4 * PF_TILE_COLUMNS;
        unit += PF_TILE_COLUMNS;
        start += start ? PF_TILE_COLUMNS : 0;
    }
}

void pf_packed_fill(const pf_packed *p, size_t panel, const float *w, void *memory)
{
    const size_t columns = least(PF_TILE_COLUMNS, p->out - panel * PF_TILE_COLUMNS);
    const size_t size = 4 * PF_TILE_COLUMNS * words_of(p->precision, p->in);
    const size_t first = panel * blocks_of(p->precision, p->in) * PF_TILE_COLUMNS;
    char *to = (char *)memory + panel * size;
    float *unit = memory;
    unit += p->unit ? (size_t)(p->unit - (const float *)memory) + first : 0;
    int32_t *start = memory;
    start += p->start ? (size_t)(p->start - (const int32_t *)memory) + first : 0;
    memset(to, 0, size);
    for (size_t j = 0; j < columns; j++, w += p->in, to += 4) {
        if (p->precision != PF_PRECISION_F32)
            pack_integers(p, w, to, unit + j, p->start ? start + j : NULL);
        for (size_t i = 0; p->precision == PF_PRECISION_F32 && i < p->in; i++)
            memcpy(to + i * 4 * PF_TILE_COLUMNS, w + i, 4);
    }
}

/* ---- rows ---- */

size_t pf_rows_size(pf_precision precision, size_t in, size_t n)
{
    return n * 4 * (words_of(precision, in) + blocks_of(precision, in)) + 128;
}

static void row_to_integers(pf_precision precision, const float *x, size_t in, char *to,
                            float *unit)
{
    const size_t of_word = per_word[precision],
                 block = block_words[precision] * of_word;
    find_units(precision, x, in, block, unit);
    for (size_t at = 0; at < in; at += block)
        write_integers(precision, x + at, least(block, in - at), *unit++,
                       to + at * 4 / of_word);
    if (precision == PF_PRECISION_I8)
        lift((uint8_t *)to, in);
}

/* What a row is filled up with counts nothing, for w is 0 there; but a NaN would. */
static void fill_up(pf_precision precision, char *row, size_t in)
{
    const size_t used = in * 4 / per_word[precision];
    memset(row + used, 0, words_of(precision, in) * 4 - used);
}

void pf_rows_make(pf_rows *rows, pf_precision precision, const float *x, size_t ldx,
                  size_t n, size_t in, void *memory)
{
    if (precision == PF_PRECISION_F32 && in % PF_TILE_UNROLL == 0) {
        *rows = (pf_rows){.words = (const char *)x, .n = n, .ld = ldx * sizeof *x};
        return;
    }
    const size_t step = pf_rows_step(precision, in), blocks = blocks_of(precision, in);
    char *to = memory;
    float *unit = (float *)(void *)(to + round_up(n * step, 64));
    *rows = (pf_rows){.words = to,
                      .unit = precision == PF_PRECISION_F32 ? NULL : unit,
                      .n = n,
                      .ld = step,
                      .ldunit = blocks};
    for (size_t i = 0; i < n; i++, x += ldx, to += step, unit += blocks) {
        fill_up(precision, to, in);
        if (precision == PF_PRECISION_F32)
            memcpy(to, x, in * sizeof *x);
        else
            row_to_integers(precision, x, in, to, unit);
    }
}

size_t pf_rows_step(pf_precision precision, size_t in)
{
    return words_of(precision, in) * 4;
}

void pf_numbers_make(pf_numbers *out, pf_precision precision, const float *x, size_t n,
                     float longest, size_t n_longest, void *memory)
{
    *out = (pf_numbers){.numbers = memory, .size = 4 / per_word[precision]};
    if (precision == PF_PRECISION_F32) {
        out->numbers = (const char *)x;
        return;
    }
    find_units(PF_PRECISION_I8, x, n, n, &out->unit);
    if (out->unit > 0)
        out->unit = unit_for(
            precision, out->unit * I8_MAX,
            fminf(longest, out->unit * I8_MAX * sqrtf((float)n_longest)), n_longest);
    write_integers(precision, x, n, out->unit, memory);
    if (precision == PF_PRECISION_I8) {
        out->zero = I8_ROW_ZERO;
        lift(memory, n);
    }
}

void pf_rows_of_numbers(pf_rows *rows, pf_precision precision, const pf_numbers *from,
                        size_t n, size_t in, char *memory, float *units)
{
    const size_t step = pf_rows_step(precision, in), blocks = blocks_of(precision, in);
    *rows = (pf_rows){.words = memory, .n = n, .ld = step};
    for (size_t i = 0; i < n; i++)
        fill_up(precision, memory + i * step, in);
    if (precision == PF_PRECISION_F32)
        return;
    rows->unit = units; /* the same for all rows: ldunit is 0 */
    for (size_t i = 0; i < blocks; i++)
        units[i] = from->unit;
}

/* ---- which instructions ---- */

static _Atomic(const pf_tile_set *) chosen;
static _Atomic(const pf_tile_set *) preferred; /* by a test */
static _Atomic(const char *) refused;          /* the first that computes wrongly */

/* A set that computes wrongly is not used. The plain one is what is left. */
static const pf_tile_set *choose(void)
{
    const char *named = getenv("PF_INSTRUCTIONS");
    const pf_tile_set *first = atomic_load(&preferred), *set;
    if (!first && named && *named)
        first = pf_tile_set_find(named);
    if (first && pf_tile_set_works(first))
        return first;
    if (first)
        atomic_store(&refused, first->name);
    for (size_t i = 0; (set = pf_tile_set_at(i)); i++) {
        if (pf_tile_set_works(set) || !pf_tile_set_at(i + 1))
            return set;
        if (!atomic_load(&refused))
            atomic_store(&refused, set->name);
    }
    return pf_tile_set_find("plain");
}

const pf_tile_set *pf_packed_instructions(void)
{
    const pf_tile_set *set = atomic_load(&chosen);
    if (!set) {
        set = choose();
        atomic_store(&chosen, set);
    }
    return set;
}

const char *pf_packed_refused(void)
{
    return atomic_load(&refused);
}

void pf_packed_prefer(const pf_tile_set *set)
{
    atomic_store(&preferred, set);
    atomic_store(&refused, NULL);
    atomic_store(&chosen, NULL);
}

bool pf_packed_use(const char *name)
{
    const pf_tile_set *set = pf_tile_set_find(name);
    if (set)
        atomic_store(&chosen, set);
    return set != NULL;
}

/* ---- products ---- */

/* Sizes that there are tiles of; rows that are none of them take the next larger one.
 */
static size_t tile_size(size_t rows)
{
    return rows <= 2 ? rows : round_up(rows, 2);
}

/* A tile whose rows or columns are not all y's goes to spare memory. Rows that x does
 * not have are its first one again. */
typedef struct {
    char x[PF_TILE_ROWS_MAX * 4 * 256];
    float unit[PF_TILE_ROWS_MAX];
    float y[PF_TILE_ROWS_MAX * PF_TILE_COLUMNS];
} spare_tile;

static void fill_spare(spare_tile *spare, pf_tile *t, size_t rows, size_t size,
                       size_t columns)
{
    const size_t bytes = 4 * t->words;
    const bool copies_rows = size > rows;
    for (size_t i = 0; copies_rows && i < size; i++) {
        memcpy(spare->x + i * bytes, t->x + (i < rows ? i : 0) * t->ldx, bytes);
        spare->unit[i] = t->unit ? t->unit[(i < rows ? i : 0) * t->ldunit] : 0;
    }
    memset(spare->y, 0, sizeof spare->y);
    for (size_t i = 0; i < rows; i++)
        memcpy(spare->y + i * PF_TILE_COLUMNS, t->y + i * t->ldy,
               columns * sizeof *t->y);
    t->y = spare->y;
    t->ldy = PF_TILE_COLUMNS;
    if (copies_rows) {
        t->x = spare->x;
        t->ldx = bytes;
        t->unit = t->unit ? spare->unit : NULL;
        t->ldunit = 1;
    }
}

static void multiply_tile(pf_tile_fn *multiply, const pf_tile *tile, size_t rows,
                          size_t columns)
{
    const size_t size = tile_size(rows);
    if (size == rows && columns == PF_TILE_COLUMNS) {
        multiply(tile, size);
        return;
    }
    spare_tile spare;
    pf_tile t = *tile;
    fill_spare(&spare, &t, rows, size, columns);
    multiply(&t, size);
    for (size_t i = 0; i < rows; i++)
        memcpy(tile->y + i * tile->ldy, t.y + i * t.ldy, columns * sizeof *t.y);
}

size_t pf_packed_rows_at_once(const pf_packed *p, size_t n)
{
    const size_t most = pf_packed_instructions()->rows_max[p->precision];
    const size_t tiles = (n + most - 1) / most;
    return n ? tile_size((n + tiles - 1) / tiles) : 1;
}

/* A panel's part of a few rows: all blocks, one after another, while y is near. */
void pf_packed_multiply(const pf_packed *p, const pf_rows *rows, size_t row, size_t n,
                        size_t panel, float *y, size_t ldy)
{
    const pf_tile_set *set = pf_packed_instructions();
    const size_t all = words_of(p->precision, p->in), block = block_words[p->precision];
    const size_t columns = least(PF_TILE_COLUMNS, p->out - panel * PF_TILE_COLUMNS);
    size_t units = panel * blocks_of(p->precision, p->in) * PF_TILE_COLUMNS;
    pf_tile t = {.x = rows->words + row * rows->ld,
                 .ldx = rows->ld,
                 .w = p->words + panel * all * 4 * PF_TILE_COLUMNS,
                 .y = y + row * ldy + panel * PF_TILE_COLUMNS,
                 .ldy = ldy,
                 .unit = rows->unit ? rows->unit + row * rows->ldunit : NULL,
                 .ldunit = rows->ldunit};
    for (size_t first = 0; first < all; first += block, units += PF_TILE_COLUMNS) {
        t.words = least(block, all - first);
        t.w_unit = p->unit ? p->unit + units : NULL;
        t.start = p->start ? p->start + units : NULL;
        multiply_tile(set->multiply[p->precision], &t, n, columns);
        t.x += t.words * 4;
        t.w += t.words * 4 * PF_TILE_COLUMNS;
        t.unit += t.unit ? 1 : 0;
    }
}
