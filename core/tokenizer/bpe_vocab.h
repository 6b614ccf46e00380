/*
 * bpe_vocab.h - reading a vocabulary: files -> token ids and merges by number.
 *
 * Part of the bpe module. Knows both layouts (Hugging Face's merges.txt + vocab.json,
 * OpenAI's bpe_simple_vocab_16e6.txt); behind it nobody sees token strings again.
 * Alone includes zlib.h in this module.
 */
#ifndef PF_CORE_TOKENIZER_BPE_VOCAB_H
#define PF_CORE_TOKENIZER_BPE_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    PF_BPE_FILE_MAX = 32 << 20,  /* bytes of a vocabulary file, unpacked */
    PF_BPE_MERGES_MAX = 1 << 20, /* merges */
    PF_BPE_ID_MAX = 1 << 24,     /* ids are below */
};

/* Token `left` followed by token `right` becomes `result`. */
typedef struct {
    int32_t left, right, result;
} pf_bpe_merge;

typedef struct {
    pf_bpe_merge *merges; /* in order of rank: the first is applied first */
    size_t n_merges;
    size_t first_line;    /* of the file; merge i stands in line first_line + i */
    int32_t byte_id[256]; /* a byte inside a word */
    int32_t last_id[256]; /* a byte that ends a word ("</w>") */
    int32_t start_id, end_id;
    int32_t size; /* largest id + 1 */
} pf_bpe_vocab;

/* The files that make a vocabulary. */
typedef struct {
    char *merges;
    char *ids; /* the vocab.json beside a merges.txt, or NULL */
} pf_bpe_files;

/* `path` as in pf_bpe_open(). On failure *files is all zero. */
PF_MUST_CHECK bool pf_bpe_files_find(pf_bpe_files *files, const char *path,
                                     pf_err *err);
void pf_bpe_files_free(pf_bpe_files *files); /* all zero is fine */

/* On failure *vocab is all zero. */
PF_MUST_CHECK bool pf_bpe_vocab_read(pf_bpe_vocab *vocab, const pf_bpe_files *files,
                                     pf_err *err);
void pf_bpe_vocab_free(pf_bpe_vocab *vocab); /* all zero is fine */

#endif
