/*
 * spiece.h - what the tokenizer needs of libsentencepiece: a model, and ids of a text.
 *
 * The library has no C interface: spiece.cpp is the thin one that this header declares,
 * and the one file that includes it. It is given models that pieces_model.c wrote,
 * never a file's own bytes: it trusts what it reads. Opened, it is immutable.
 */
#ifndef PF_CORE_TOKENIZER_SPIECE_H
#define PF_CORE_TOKENIZER_SPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

typedef struct pf_spiece pf_spiece;

/* `model` of `n` bytes, which are copied. */
PF_MUST_CHECK bool pf_spiece_open(pf_spiece **out, const char *model, size_t n,
                                  pf_err *err);
void pf_spiece_close(pf_spiece *spiece); /* NULL is fine */

/* As pf_unigram_encode(). Time grows with the square of `n`: a run of unknown
 * characters is put together by copying. */
PF_MUST_CHECK bool pf_spiece_encode(const pf_spiece *spiece, const char *text, size_t n,
                                    int32_t *ids, size_t room, size_t *n_ids,
                                    pf_err *err);

#endif
