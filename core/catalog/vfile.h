/*
 * vfile.h - an index file: vectors under ids, and the codes that find them.
 *
 * It is FAISS's own format: ids (IndexIDMap) over codes of one byte per number
 * (IndexScalarQuantizer) that are refined by exact vectors (IndexRefine, IndexFlat);
 * FAISS reads and searches it. FAISS trusts a file's bytes, therefore it never reads
 * one here: the file must be exactly that of `count` vectors of `dim` floats. Behind
 * what FAISS reads lie the error of each vector's codes (vcodes.h), the lists that the
 * vectors are in, if they are (vlists.h), and a checksum for each block of 4 KiB; the
 * checksum of these stands in catalog.db.
 *
 * Opening reads next to nothing. A block is compared with its checksum when it is first
 * needed, so what a question does not touch costs nothing, whatever the size. What does
 * not fit, then or later, is damage: FORMAT, and the file stays damaged.
 *
 * A file that nobody but its owner, who runs this or is root, can change lies mapped:
 * its pages are the page cache's, and shared. One of somebody else, or of a disk that
 * other machines have, is read into memory of our own block by block, so that nobody
 * can cut it under us or change what was checked.
 *
 * Any number of threads may use one open file.
 */
#ifndef PF_CORE_CATALOG_VFILE_H
#define PF_CORE_CATALOG_VFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/catalog/vcodes.h"
#include "core/catalog/vlists.h"

enum { PF_VFILE_COUNT_MAX = 1000000000, PF_VFILE_DIM_MAX = 65536 };

/* True for vectors of length 1 (to 1e-3), which are all that an index takes. */
bool pf_vfile_is_unit(const float *vector, size_t dim);

/* Bytes of the file of `count` vectors of `dim` floats in `n_lists` lists, or in none.
 */
uint64_t pf_vfile_size(int dim, size_t count, size_t n_lists);

/* ---- writing ---- */

typedef struct pf_vfile_writer pf_vfile_writer;

/* A file of exactly `count` vectors of `dim` floats, made as `path` + ".tmp" (mode
 * 0600). `lists` (NULL: none) are borrowed until the file is finished. Memory: the ids,
 * with lists three times, and some blocks. */
PF_MUST_CHECK bool pf_vfile_writer_new(pf_vfile_writer **out, const char *path, int dim,
                                       size_t count, const pf_vlists *lists,
                                       pf_err *err);
/* The next vector [dim]; ids ascend, within each list. MISUSE: not of length 1, too
 * many, out of order. */
PF_MUST_CHECK bool pf_vfile_writer_add(pf_vfile_writer *w, int64_t id,
                                       const float *vector, pf_err *err);
/* After `count` vectors: the file gets its name. *checksum is what open() asks for. */
PF_MUST_CHECK bool pf_vfile_writer_finish(pf_vfile_writer *w, pf_hash *checksum,
                                          pf_err *err);
/* What has not got its name is removed. NULL is fine. */
void pf_vfile_writer_free(pf_vfile_writer *w);

/* ---- reading ---- */

typedef struct pf_vfile pf_vfile;

/* What was recorded of a file. */
typedef struct {
    pf_hash checksum;
    int dim;
    size_t count, n_lists;
} pf_vfile_record;

/* From a file that is open for reading and may be closed afterwards; `path` is for
 * messages. FORMAT: it is not the one recorded with these numbers. Small files, up to
 * 4 MiB, are checked as a whole. */
PF_MUST_CHECK bool pf_vfile_open(pf_vfile **out, int fd, const char *path,
                                 const pf_vfile_record *record, pf_err *err);
void pf_vfile_close(pf_vfile *f); /* NULL is fine */

/* For tests: the size up to which files are checked as a whole. */
void pf_vfile_check_up_to(uint64_t bytes);

/* Before each use: is the file as long as it was? */
PF_MUST_CHECK bool pf_vfile_begin(pf_vfile *f, pf_err *err);
/* Check all of it now, also that codes stand for their vectors as well as they say. */
PF_MUST_CHECK bool pf_vfile_check(pf_vfile *f, pf_err *err);
/* Compare all blocks with their checksums, and leave it at that. */
PF_MUST_CHECK bool pf_vfile_check_blocks(pf_vfile *f, pf_err *err);
/* Has something not fitted its checksum? */
bool pf_vfile_is_damaged(const pf_vfile *f);

size_t pf_vfile_count(const pf_vfile *f);
size_t pf_vfile_dim(const pf_vfile *f);
const pf_vcodes *pf_vfile_codes(const pf_vfile *f);
size_t pf_vfile_n_lists(const pf_vfile *f); /* 0: its vectors are in none */

/* Positions are 0 .. count - 1, in the order of ids, or of (list, id). What is borrowed
 * stays as long as the file is open. */
PF_MUST_CHECK bool pf_vfile_get_id(pf_vfile *f, size_t position, int64_t *id,
                                   pf_err *err);
/* The position of the `nth` of all ids, which is 0 for the lowest. */
PF_MUST_CHECK bool pf_vfile_get_nth(pf_vfile *f, size_t nth, size_t *position,
                                    pf_err *err);
/* *is_there: false when it has none of that id. */
PF_MUST_CHECK bool pf_vfile_find(pf_vfile *f, int64_t id, size_t *position,
                                 bool *is_there, pf_err *err);
/* Set the bit of each position whose id is among `ids` [n], in any order, quickest when
 * they ascend; ids it does not have are skipped. *n_set: how many were not set before.
 */
PF_MUST_CHECK bool pf_vfile_mark(pf_vfile *f, const int64_t *ids, size_t n,
                                 uint64_t *bits, size_t *n_set, pf_err *err);
PF_MUST_CHECK bool pf_vfile_get_vector(pf_vfile *f, size_t position,
                                       const float **vector, pf_err *err);
/* The `n` vectors [n, dim] from `first` on. */
PF_MUST_CHECK bool pf_vfile_get_vectors(pf_vfile *f, size_t first, size_t n,
                                        const float **vectors, pf_err *err);
/* Codes [n, dim] of `n` vectors from `first` on, and their errors [n]. */
PF_MUST_CHECK bool pf_vfile_get_codes(pf_vfile *f, size_t first, size_t n,
                                      const uint8_t **codes, const float **errors,
                                      pf_err *err);
/* Its lists, checked as vlists.h has it; of a file without any there are 0. */
PF_MUST_CHECK bool pf_vfile_get_lists(pf_vfile *f, pf_vlists *lists, pf_err *err);

#endif
