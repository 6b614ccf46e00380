/*
 * codes.h - a growing array of code points: what the cleaning of text works on.
 *
 * Also the one table both cleaners need: what the bytes 0x80..0x9F mean in
 * Windows-1252.
 */
#ifndef PF_CORE_TOKENIZER_CODES_H
#define PF_CORE_TOKENIZER_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* All zero is empty. Holds Unicode scalar values only. */
typedef struct {
    uint32_t *at;
    size_t n, room;
} pf_codes;

PF_MUST_CHECK bool pf_codes_reserve(pf_codes *c, size_t more, pf_err *err);
PF_MUST_CHECK bool pf_codes_add(pf_codes *c, uint32_t code, pf_err *err);
PF_MUST_CHECK bool pf_codes_append(pf_codes *c, const uint32_t *codes, size_t n,
                                   pf_err *err);
/* Append `n` bytes of UTF-8; a byte that belongs to no sequence counts as U+FFFD. */
PF_MUST_CHECK bool pf_codes_append_utf8(pf_codes *c, const char *text, size_t n,
                                        pf_err *err);
/* Do the `n` code points at `s` begin with these ASCII characters? */
bool pf_codes_begin_with(const uint32_t *s, size_t n, const char *ascii);
void pf_codes_swap(pf_codes *a, pf_codes *b);
void pf_codes_free(pf_codes *c); /* back to empty */

/* What `code` (0x80..0x9F) means in Windows-1252; `code` itself where that has a hole
 * (0x81, 0x8D, 0x8F, 0x90, 0x9D) or when it is outside the range. */
uint32_t pf_windows_1252(uint32_t code);

#endif
