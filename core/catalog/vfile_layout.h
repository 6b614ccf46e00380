/*
 * vfile_layout.h - where things lie in an index file. Internal to vfile.c, which reads
 * one, and vfile_write.c.
 *
 * The format, little-endian, is that of FAISS 1.7.3's index_write.cpp; a header is a
 * name of four letters, dim, count, and 21 bytes that are always the same.
 *
 *      0  "IxMp", header           ids on top of
 *     37  "IxRF", header           a pair:
 *     74  "IxSQ", header           codes,
 *    111  which quantizer (28)     of one byte,
 *    139  uint64 2 * dim
 *    147  float  [dim] low, [dim] width
 *         uint64 count * dim
 *         uint8  [count, dim]      codes
 *         "IxFI", header           and what they stand for
 *         uint64 count * dim
 *         float  [count, dim]      vectors
 *         float  1                 candidates per answer that FAISS would refine
 *         uint64 count
 *         int64  [count]           ids
 *         zeros, until it is a multiple of 64 from the vectors on
 *         float  [count]           error of each vector's codes
 *
 *         zeros, until it is a multiple of 64 from the vectors on
 *         float  [lists, dim]      centroids, if there are lists, and where these begin
 *         uint32 [lists + 1]
 *         int64  [count]           ids, ascending
 *         uint32 [count]           the position of each
 *
 *         zeros, to the next 8
 *         uint64 [blocks]          checksums of all that lies before
 *
 * All but low, width, codes, vectors, ids, errors and lists follows from count and dim;
 * and from the number of lists, which catalog.db has.
 */
#ifndef PF_CORE_CATALOG_VFILE_LAYOUT_H
#define PF_CORE_CATALOG_VFILE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    PF_VLAYOUT_HEADER = 37,
    PF_VLAYOUT_QUANTIZER = 28,
    /* where low and width begin */
    PF_VLAYOUT_RANGES = 3 * PF_VLAYOUT_HEADER + PF_VLAYOUT_QUANTIZER + 8,
    PF_VLAYOUT_BLOCK = 1 << 12,
    PF_VLAYOUT_ALIGN = 64,
    PF_VLAYOUT_PARTS = 4,
};

typedef struct {
    size_t dim, count, n_lists;
    uint64_t codes, flat, vectors, tail, ids, errors, checks, size;
    uint64_t centroids, starts, order; /* all where the errors end, without lists */
    uint64_t by_id; /* ids that ascend: without lists all of them do */
    size_t n_blocks;
} pf_vlayout;

pf_vlayout pf_vlayout_of(size_t dim, size_t count, size_t n_lists);

/* Where the vector of a position lies. */
uint64_t pf_vlayout_vector(const pf_vlayout *layout, size_t position);
/* Bytes of a block: the last one may be shorter. */
size_t pf_vlayout_block_size(const pf_vlayout *layout, size_t block);
/* The checksum of a block's `n` bytes. */
uint64_t pf_vlayout_check(const void *bytes, size_t n, size_t block);

/* What is the same in every file of this layout: before the ranges, between ranges and
 * codes, before the vectors, before the ids. */
typedef struct {
    uint64_t at;
    size_t size;
    uint8_t bytes[PF_VLAYOUT_RANGES];
} pf_vlayout_part;
void pf_vlayout_parts(const pf_vlayout *layout, pf_vlayout_part part[PF_VLAYOUT_PARTS]);

/* `width` bytes; where the next one goes. */
uint8_t *pf_vlayout_put(uint8_t *at, uint64_t value, int width);

/* All `n` bytes from `at` on. FORMAT: the file ends before. */
PF_MUST_CHECK bool pf_vlayout_read(int fd, void *into, size_t n, uint64_t at,
                                   pf_err *err);

#endif
