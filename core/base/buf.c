/* buf.c - see buf.h. */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

void pf_buf_init(pf_buf *b, size_t cap)
{
    *b = (pf_buf){.cap = cap};
}

void pf_buf_free(pf_buf *b)
{
    pf_free(b->data);
    pf_buf_init(b, b->cap);
}

bool pf_buf_reserve(pf_buf *b, size_t n, pf_err *err)
{
    if (n > b->cap || b->size > b->cap - n)
        return pf_fail(err, PF_ERR_LIMIT, "more than %zu bytes", b->cap);
    size_t want = b->size + n + 1;
    if (want <= b->room)
        return true;
    size_t room = b->room < 64 ? 64 : b->room;
    while (room < want)
        room = room > SIZE_MAX / 2 ? want : room * 2;
    void *p = b->data;
    if (!pf_resize_array(&p, room, 1, err))
        return false;
    b->data = p;
    b->room = room;
    b->data[b->size] = '\0';
    return true;
}

bool pf_buf_add(pf_buf *b, const void *bytes, size_t n, pf_err *err)
{
    if (!pf_buf_reserve(b, n, err))
        return false;
    if (n)
        memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = '\0';
    return true;
}

bool pf_buf_add_str(pf_buf *b, const char *s, pf_err *err)
{
    return pf_buf_add(b, s, strlen(s), err);
}

bool pf_buf_addf(pf_buf *b, pf_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return pf_fail(err, PF_ERR_FORMAT, "text cannot be formatted");
    if (!pf_buf_reserve(b, (size_t)n, err))
        return false;
    va_start(ap, fmt);
    vsnprintf(b->data + b->size, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->size += (size_t)n;
    return true;
}

char *pf_buf_take(pf_buf *b, pf_err *err)
{
    if (!pf_buf_reserve(b, 0, err))
        return NULL;
    char *p = b->data;
    pf_buf_init(b, b->cap);
    return p;
}
