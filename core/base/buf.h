/*
 * buf.h - bytes that grow, up to a hard cap chosen at init.
 *
 * Passing the cap is an error (PF_ERR_LIMIT), never an allocation. The contents always
 * end in a NUL that is not counted, so a text buffer can be used as a string.
 */
#ifndef PF_CORE_BASE_BUF_H
#define PF_CORE_BASE_BUF_H

#include <stddef.h>

#include "core/base/err.h"

typedef struct {
    char *data; /* NULL until the first byte */
    size_t size, room, cap;
} pf_buf;

void pf_buf_init(pf_buf *b, size_t cap);
void pf_buf_free(pf_buf *b); /* back to empty; the cap stays */

PF_MUST_CHECK bool pf_buf_add(pf_buf *b, const void *bytes, size_t n, pf_err *err);
PF_MUST_CHECK bool pf_buf_add_str(pf_buf *b, const char *s, pf_err *err);
PF_MUST_CHECK bool pf_buf_addf(pf_buf *b, pf_err *err, const char *fmt, ...)
    PF_PRINTF(3, 4);

/* Room for `n` more bytes at data + size; the caller then adds to size itself. */
PF_MUST_CHECK bool pf_buf_reserve(pf_buf *b, size_t n, pf_err *err);

/* Hand the contents over (never NULL on success); the buffer is empty afterwards. */
PF_MUST_CHECK char *pf_buf_take(pf_buf *b, pf_err *err);

#endif
