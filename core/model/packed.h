/*
 * packed.h - a layer's weights in the order in which tiles read them (tile.h), and rows
 * of numbers that are multiplied with them.
 *
 * Columns lie in panels of PF_TILE_COLUMNS, a panel's words one after another, so that
 * a product reads its weights straight on. The layout depends on the precision alone,
 * not on the instruction set, and is what a cache file holds (cache_file.h).
 *
 * Integers: the depth is cut into blocks, and each block of a row and of a column has
 * its own unit, what a 1 stands for. It is as small as 16 (or 8) bits allow, and the
 * length of the block's integers as a vector, which stays below the square root of
 * 2^31: then, as Cauchy and Schwarz have it, the product of any row with any column
 * fits into 32 bits. On the way there a sum may leave them and come back, which
 * arithmetic modulo 2^32 does not mind. A block with one number far beyond the others
 * gets all 16 bits, one with many of a size gets 13.
 */
#ifndef PF_CORE_MODEL_PACKED_H
#define PF_CORE_MODEL_PACKED_H

#include "core/model/tile.h"

/* A matrix w [out, in]; where it lies is somebody else's. */
typedef struct {
    pf_precision precision;
    size_t in, out;
    const char *words;    /* [panels, words of a row, PF_TILE_COLUMNS] */
    const float *unit;    /* [panels, blocks, PF_TILE_COLUMNS]; integers only */
    const int32_t *start; /* the same shape; I8 only */
} pf_packed;

/* Bytes that a matrix takes, a multiple of 128; its memory is to be aligned to 64. */
size_t pf_packed_size(pf_precision precision, size_t in, size_t out);
/* Look at the memory of a matrix, filled or going to be. */
void pf_packed_view(pf_packed *p, pf_precision precision, size_t in, size_t out,
                    const void *memory);
size_t pf_packed_panels(const pf_packed *p);
/* Fill a panel's part of `memory`, which *p looks at, from the rows w [columns of the
 * panel, in]. Panels know nothing of each other. */
void pf_packed_fill(const pf_packed *p, size_t panel, const float *w, void *memory);

/* Rows as tiles read them. */
typedef struct {
    const char *words;
    const float *unit; /* [n, blocks]; integers only */
    size_t n, ld;      /* bytes from row to row */
    size_t ldunit;
} pf_rows;

/* Bytes of memory, aligned to 64, that n rows of `in` numbers take. */
size_t pf_rows_size(pf_precision precision, size_t in, size_t n);
/* x [n, in] with row stride ldx. Floats may stay where they are, so x has to live as
 * long as *rows. Each row is treated alone. */
void pf_rows_make(pf_rows *rows, pf_precision precision, const float *x, size_t ldx,
                  size_t n, size_t in, void *memory);

/* Numbers that share one unit, for rows that are gathered from them. Floats stay where
 * they are; integers go to `memory`, 4 n bytes at most. No row has more than
 * `n_longest` of them, nor is longer, as a vector, than `longest`. */
typedef struct {
    const char *numbers;
    size_t size; /* bytes of one */
    int zero;    /* the byte that nothing consists of */
    float unit;  /* of integers */
} pf_numbers;
void pf_numbers_make(pf_numbers *out, pf_precision precision, const float *x, size_t n,
                     float longest, size_t n_longest, void *memory);
/* Rows of such numbers that were gathered in `memory`: those of row i begin at i * ld,
 * and end with `in`; what is behind them is filled up here. `units`: room for one float
 * per block of a row (pf_rows_size() has it). */
void pf_rows_of_numbers(pf_rows *rows, pf_precision precision, const pf_numbers *from,
                        size_t n, size_t in, char *memory, float *units);
/* Bytes from row to row. */
size_t pf_rows_step(pf_precision precision, size_t in);

/* Rows that are best multiplied together, of n: as many as a tile has, or fewer, so
 * that all tiles are nearly full. */
size_t pf_packed_rows_at_once(const pf_packed *p, size_t n);
/* y[row .. row + n - 1, ldy] += rows w^T for the columns of a panel; n is at most what
 * pf_packed_rows_at_once() says. */
void pf_packed_multiply(const pf_packed *p, const pf_rows *rows, size_t row, size_t n,
                        size_t panel, float *y, size_t ldy);

/* The instruction set that products use: the best that this machine has and that
 * computes rightly here (pf_tile_set_works()), unless a test or the environment has
 * chosen another (PF_INSTRUCTIONS). */
const pf_tile_set *pf_packed_instructions(void);
/* The name of one that would have been used and computes wrongly; NULL when there is
 * none. To be asked after it was chosen. */
const char *pf_packed_refused(void);
/* For tests: that of this name from now on, NULL for the best. False, and nothing
 * changed, when this machine lacks it. */
bool pf_packed_use(const char *name);
/* For tests: choose again, first this set, which may be a made-up one; NULL: as at the
 * start. */
void pf_packed_prefer(const pf_tile_set *set);

#endif
