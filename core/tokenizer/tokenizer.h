/*
 * tokenizer.h - text -> token ids, whichever tokenizer a model was trained with.
 *
 * Three of them behind one interface; which one belongs to a model is for the model to
 * say. A pf_tokenizer is immutable once open, so any number of threads may encode with
 * it at once. Ids come with the marks that the model wants around a text.
 *
 *                     marks                  what is cut       padding
 *   CLIP_BPE          <|startoftext|> ...    the end of the    none
 *                     <|endoftext|>          text, never the
 *   WORDPIECE         [CLS] ... [SEP]        last mark         none
 *   SENTENCEPIECE     ... </s>                                 </s> up to the context
 *
 * SigLIP's padding is part of its sum, so it is given; that of the others changes
 * nothing and is left out.
 */
#ifndef PF_CORE_TOKENIZER_TOKENIZER_H
#define PF_CORE_TOKENIZER_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"

typedef enum {
    PF_TOKENIZER_CLIP_BPE,      /* CLIP, as OpenAI's simple_tokenizer.py */
    PF_TOKENIZER_WORDPIECE,     /* BERT, as open_clip calls it for BiomedCLIP */
    PF_TOKENIZER_SENTENCEPIECE, /* T5's unigrams, as SigLIP calls them */
} pf_tokenizer_kind;

typedef struct pf_tokenizer pf_tokenizer;

enum {
    PF_TOKENIZER_TEXT_MAX = 4 << 20, /* bytes of a text */
    PF_TOKENIZER_CONTEXT_MIN = 2,    /* tokens */
};

/* Open the vocabulary of `kind` at `path`: a folder that has it, or its file.
 * CLIP_BPE: merges.txt with the vocab.json beside it, or bpe_simple_vocab_16e6.txt,
 * gzipped or not. WORDPIECE: vocab.txt. SENTENCEPIECE: spiece.model, or tokenizer.json.
 * `context` is the most tokens that a text becomes, marks included; MISUSE when it is
 * under PF_TOKENIZER_CONTEXT_MIN. Nothing there is NOT_FOUND. On success *out is the
 * caller's; on failure it is NULL. */
PF_MUST_CHECK bool pf_tokenizer_open(pf_tokenizer **out, pf_tokenizer_kind kind,
                                     const char *path, size_t context, pf_err *err);
/* The same from tables that are kept from one start to the next (cache_file.h), by
 * size, times and inode of the files, where reading these takes longer: CLIP_BPE. */
PF_MUST_CHECK bool pf_tokenizer_open_kept(pf_tokenizer **out, pf_tokenizer_kind kind,
                                          const char *path, size_t context,
                                          pf_err *err);
void pf_tokenizer_close(pf_tokenizer *tokenizer); /* NULL is fine */

/* Encode `n` bytes of UTF-8 (bad bytes count as U+FFFD). `ids` holds as many as the
 * context has tokens; *n_ids tells how many there are. A text that is longer keeps its
 * first tokens and its marks, as the original cuts it; *is_truncated (may be NULL)
 * tells. More than PF_TOKENIZER_TEXT_MAX bytes are LIMIT, and so are SENTENCEPIECE's
 * when its map of characters makes 16 MiB of them. */
PF_MUST_CHECK bool pf_tokenizer_encode(const pf_tokenizer *tokenizer, const char *text,
                                       size_t n, int32_t *ids, size_t *n_ids,
                                       bool *is_truncated, pf_err *err);

/* Every id is below: what the model's table of embeddings must have rows for. */
int32_t pf_tokenizer_vocabulary_size(const pf_tokenizer *tokenizer);
pf_tokenizer_kind pf_tokenizer_get_kind(const pf_tokenizer *tokenizer);
size_t pf_tokenizer_context(const pf_tokenizer *tokenizer);

/* The file that the vocabulary came from; borrowed. */
const char *pf_tokenizer_path(const pf_tokenizer *tokenizer);
/* The files whose change would change the ids, the first being the one above; some may
 * not be there. Borrowed; NULL past the last. */
const char *pf_tokenizer_file(const pf_tokenizer *tokenizer, size_t i);

/* Of what decides about ids, not of the layout it was read from; without the context.
 */
pf_hash pf_tokenizer_hash(const pf_tokenizer *tokenizer);

/* The files of that kind as an error message names them: "merges.txt and vocab.json,
 * or ...". */
const char *pf_tokenizer_files_wanted(pf_tokenizer_kind kind);

#endif
