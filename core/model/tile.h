/*
 * tile.h - the innermost loops of the towers' products: a tile of y, some rows by
 * PF_TILE_COLUMNS columns, over a piece of the depth.
 *
 * Numbers of x and w come as words of four bytes: one float, two int16 or four bytes
 * that are multiplied with their like and summed. What comes of a sum of integers fits
 * into 32 bits (packed.h), so that it is exact and the same with every instruction set.
 * Sums of floats are in the order of the depth. Either way a row goes through the same
 * arithmetic whatever rows are in its tile.
 */
#ifndef PF_CORE_MODEL_TILE_H
#define PF_CORE_MODEL_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How products are computed. */
typedef enum {
    PF_PRECISION_F32,  /* float times float */
    PF_PRECISION_I16,  /* both rounded to integers of 16 bits, summed exactly */
    PF_PRECISION_I8,   /* of 8 bits: loses what the manual says */
    PF_PRECISION_AUTO, /* a wish only: the fastest that loses nothing (model.h) */
} pf_precision;

enum {
    PF_PRECISIONS = 3, /* without the wish */
    PF_TILE_COLUMNS = 32,
    PF_TILE_ROWS_MAX = 12,
    PF_TILE_UNROLL = 4,   /* words; a depth is a multiple of it */
    PF_TILE_AHEAD = 4096, /* bytes; the processor's own prefetching ends with a page */
};

typedef struct {
    const char *x;     /* words of the first row */
    size_t ldx;        /* bytes from row to row of x */
    const char *w;     /* [words, PF_TILE_COLUMNS] words */
    size_t words;      /* a multiple of PF_TILE_UNROLL */
    float *y;          /* y += x w */
    size_t ldy;        /* floats */
    const float *unit; /* [rows], integers only: what a 1 in a row of x stands for */
    size_t ldunit;
    const float *w_unit;  /* [PF_TILE_COLUMNS], integers only: and one of w's columns */
    const int32_t *start; /* [PF_TILE_COLUMNS], I8 only: sums begin there */
} pf_tile;

/* A tile of `rows` rows, one of the kernel's sizes. */
typedef void pf_tile_fn(const pf_tile *t, size_t rows);

typedef struct {
    const char *name; /* of the instruction set */
    size_t rows_max[PF_PRECISIONS];
    bool is_fast[PF_PRECISIONS]; /* made for this precision, not merely right */
    pf_tile_fn *multiply[PF_PRECISIONS];
} pf_tile_set;

/* The best that this machine has; with a name that one ("plain", "avx2", "avx512",
 * "avx512-vnni"), NULL when the machine lacks it or there is none. */
const pf_tile_set *pf_tile_set_find(const char *name);
/* Those that this machine has, the best first; NULL behind the last, "plain". */
const pf_tile_set *pf_tile_set_at(size_t i);

/* Does it compute what it should, here? (tile_check.c) */
bool pf_tile_set_works(const pf_tile_set *set);

#endif
