/*
 * utf8.h - the little that everybody needs to know about UTF-8: validity and
 * boundaries.
 *
 * Normal forms are unicode.h's; the tokenizer and words know more properties.
 */
#ifndef PF_CORE_BASE_UTF8_H
#define PF_CORE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Does the code point drive a terminal, or turn the direction of writing, instead of
 * being a letter? Controls, C1 ones too, and the marks, embeddings, overrides and
 * isolates of bidirectional text; not U+2028 and U+2029, which end lines. */
bool pf_utf8_is_control(uint32_t code);

/* Length in bytes (1..4) of the valid sequence at `s`, which has `n` bytes, and its
 * code point; 0 when there is none. Overlong forms, surrogates and values past U+10FFFF
 * are not valid. `*code` may be NULL. */
size_t pf_utf8_decode(const char *s, size_t n, uint32_t *code);

/* Writes 1..4 bytes, returns how many. `code` must be a Unicode scalar value. */
size_t pf_utf8_encode(uint32_t code, char out[4]);

bool pf_utf8_is_valid(const char *s, size_t n);

/* A copy of `s` with U+FFFD in place of each byte that belongs to no sequence. */
PF_MUST_CHECK char *pf_utf8_repair(const char *s, pf_err *err);

/* `s` itself when it is valid. Otherwise a repaired copy, which is in *owned too, to be
 * freed with pf_free() either way; NULL when memory ran out. */
PF_MUST_CHECK const char *pf_utf8_clean(const char *s, char **owned, pf_err *err);

/* The largest m <= n at which cutting `s` splits no sequence. */
size_t pf_utf8_cut(const char *s, size_t n);

/* Narrow `*s` of `*n` bytes by what nobody sees at either end: blanks and line ends,
 * the no-break blank of spreadsheets, blanks of no width, marks of direction and of
 * byte order. */
void pf_utf8_trim(const char **s, size_t *n);

/* How much of the valid UTF-8 `s` of `n` bytes to show in a message, for "%.*s": all of
 * it, or what fits into 100 bytes. */
int pf_utf8_shown(const char *s, size_t n);

#endif
