/*
 * unicode.h - texts that look the same compare the same.
 *
 * An e with an accent is one character (NFC, what most programs write) or two (NFD,
 * what macOS makes of file names). Alone in core/base, unicode.c includes utf8proc.h.
 */
#ifndef PF_CORE_BASE_UNICODE_H
#define PF_CORE_BASE_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* The UTF-8 text `s` in NFC: `s` itself when it is so already for certain, or is no
 * valid UTF-8. Otherwise a copy, which is in *owned too, to be freed with pf_free()
 * either way; NULL when memory ran out. */
PF_MUST_CHECK const char *pf_unicode_nfc(const char *s, char **owned, pf_err *err);

/* What all spellings of `s` have in common that differ in upper and lower case, or in
 * normal form: for comparing, not for showing. Bytes that are no UTF-8 stay, and ASCII
 * letters among them are lower case. Given, pf_free() it. */
PF_MUST_CHECK char *pf_unicode_fold(const char *s, pf_err *err);

/* Columns that a character takes on a terminal: 0 of a mark over another one, 2 of an
 * East Asian one or a pictograph, else 1. Not for control characters. */
size_t pf_unicode_columns(uint32_t code);

#endif
