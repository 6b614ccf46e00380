/*
 * encoding.h - text files as other programs leave them, as UTF-8.
 *
 * A byte order mark decides: UTF-8, UTF-16 in either order. Without one a text is
 * UTF-16 when every other byte near its beginning is zero (Latin letters), UTF-8 when
 * it is valid, else Windows-1252, which has a character for nearly every byte.
 */
#ifndef PF_CORE_BASE_ENCODING_H
#define PF_CORE_BASE_ENCODING_H

#include "core/base/buf.h"
#include "core/base/err.h"

typedef enum {
    PF_ENCODING_UTF8,
    PF_ENCODING_UTF16,
    PF_ENCODING_WINDOWS_1252,
} pf_encoding;

/* Bring the bytes of `text` to UTF-8, without a byte order mark; *was tells what they
 * were. What cannot be (bytes that a UTF-8 mark promised to be UTF-8, half a surrogate)
 * becomes U+FFFD. FORMAT for UTF-16 with an odd number of bytes. The cap of `text` may
 * be passed, up to three times its size. */
PF_MUST_CHECK bool pf_encoding_to_utf8(pf_buf *text, pf_encoding *was, pf_err *err);

#endif
