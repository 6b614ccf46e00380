/*
 * bpe_tables.h - what merging looks things up in: the ids of bytes, the merges, and
 * which merge two tokens have.
 *
 * Part of the bpe module. The tables are one piece of memory without pointers, which
 * can lie in a cache file (core/base/cache_file.h) and be mapped as it was made:
 * building them from the files was a quarter of a question's time. Whoever maps a piece
 * has it looked at first (pf_bpe_tables_view); what is not sound is built anew.
 */
#ifndef PF_CORE_TOKENIZER_BPE_TABLES_H
#define PF_CORE_TOKENIZER_BPE_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/tokenizer/bpe_vocab.h"

/* What the memory begins with. Changed? BPE_LAYOUT in bpe.c. */
typedef struct {
    int32_t byte_id[256]; /* as in pf_bpe_vocab */
    int32_t last_id[256];
    int32_t start_id, end_id, size;
    uint32_t n_merges;
    uint32_t n_places; /* a power of two */
    pf_hash hash;      /* as pf_bpe_hash() */
} pf_bpe_ids;

/* Borrows the memory. */
typedef struct {
    const pf_bpe_ids *ids;
    const pf_bpe_merge *merges; /* [n_merges], the first is applied first */
    const uint32_t *places;     /* [n_places], rank + 1 or 0; found by hash */
} pf_bpe_tables;

/* Build them in *memory, which is the caller's, and of *n bytes. `path` is for
 * messages. A merge that stands there twice is PF_ERR_FORMAT. */
PF_MUST_CHECK bool pf_bpe_tables_make(void **memory, size_t *n,
                                      const pf_bpe_vocab *vocab, const char *path,
                                      pf_err *err);

/* Look at the `n` bytes, aligned as an int, as tables. False unless sizes, ids and
 * ranks are all within bounds; then encoding stays within them. */
bool pf_bpe_tables_view(pf_bpe_tables *out, const void *memory, size_t n);

/* The rank of the merge of two tokens, plus 1; 0 when they have none. */
uint32_t pf_bpe_tables_find(const pf_bpe_tables *tables, int32_t left, int32_t right);

#endif
