/*
 * unigram.h - the most likely way to cut a text into pieces: SentencePiece's unigrams.
 *
 * Our own reading of them, for pieces from a tokenizer.json, for programs built without
 * libsentencepiece, and for what is too long for it. It gives what that library gives,
 * to the last bit of a score.
 */
#ifndef PF_CORE_TOKENIZER_UNIGRAM_H
#define PF_CORE_TOKENIZER_UNIGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/tokenizer/pieces.h"

/* Ids of the `n` bytes of UTF-8 at `text`, without marks: *n_ids of them, of which the
 * first `room` are put into `ids`. A run of what no piece covers is one id. LIMIT: the
 * text becomes too long when its characters are mapped. */
PF_MUST_CHECK bool pf_unigram_encode(const pf_pieces *pieces, const char *text,
                                     size_t n, int32_t *ids, size_t room, size_t *n_ids,
                                     pf_err *err);

#endif
