/*
 * bpe.h - CLIP's tokenizer: text -> token ids.
 *
 * Cleaning as OpenAI's clip/simple_tokenizer.py does it (ftfy without the repair of
 * mojibake, HTML entities unescaped twice, white space, lower case), then CLIP's
 * pattern splits words and byte-pair merges build tokens. A pf_bpe is immutable once
 * open, so threads may share it. Others see it behind tokenizer.h.
 */
#ifndef PF_CORE_TOKENIZER_BPE_H
#define PF_CORE_TOKENIZER_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"

typedef struct pf_bpe pf_bpe;

enum { PF_BPE_TEXT_MAX = 4 << 20 }; /* bytes of a text */

/* Open a vocabulary: a folder with merges.txt or OpenAI's bpe_simple_vocab_16e6.txt
 * (.gz or not), or one of these files. A merges.txt takes its ids from the vocab.json
 * beside it; without one ids follow from the order of the merges, as in OpenAI's code.
 * Nothing there, or a folder without a vocabulary, is PF_ERR_NOT_FOUND. */
PF_MUST_CHECK bool pf_bpe_open(pf_bpe **out, const char *path, pf_err *err);
/* The same, with the tables that an earlier call kept in the cache while the files were
 * what they are; else read, and kept. */
PF_MUST_CHECK bool pf_bpe_open_kept(pf_bpe **out, const char *path, pf_err *err);
void pf_bpe_close(pf_bpe *bpe); /* NULL is fine */

int32_t pf_bpe_vocab_size(const pf_bpe *bpe);
int32_t pf_bpe_start_token(const pf_bpe *bpe);
int32_t pf_bpe_end_token(const pf_bpe *bpe);
const char *pf_bpe_path(const pf_bpe *bpe); /* the file the merges came from */
/* Depends on merges and ids only, not on which layout they were read from. */
pf_hash pf_bpe_hash(const pf_bpe *bpe);

/* Encode `n` bytes of UTF-8 (bad bytes count as U+FFFD): start token, text, end token,
 * at most `context` ids, which `ids` must hold. A longer text keeps its first tokens
 * and ends in the end token, as the reference cuts; *is_truncated (may be NULL) tells.
 * More than PF_BPE_TEXT_MAX bytes are PF_ERR_LIMIT; `context` 0 is PF_ERR_MISUSE. */
PF_MUST_CHECK bool pf_bpe_encode(const pf_bpe *bpe, const char *text, size_t n,
                                 size_t context, int32_t *ids, size_t *n_ids,
                                 bool *is_truncated, pf_err *err);

#endif
