/*
 * base64.h - bytes that come and go as text: RFC 4648, section 4.
 */
#ifndef PF_CORE_BASE_BASE64_H
#define PF_CORE_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"

/* The bytes [*n_out] of `n` characters, given, pf_free() them. Blanks and line ends are
 * passed over; the padding may be missing. FORMAT for anything else. */
PF_MUST_CHECK bool pf_base64_decode(const char *text, size_t n, uint8_t **out,
                                    size_t *n_out, pf_err *err);

/* Write `n` bytes, with padding. Errors are those of the FILE. */
void pf_base64_write(FILE *out, const uint8_t *bytes, size_t n);

#endif
