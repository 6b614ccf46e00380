/* err.c - see err.h. */
#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut in the middle of a UTF-8 sequence is moved back to its start. */
static void tidy(char *msg, size_t capacity)
{
    size_t n = strlen(msg);
    if (n + 1 == capacity) {
        while (n > 0 && ((unsigned char)msg[n - 1] & 0xC0) == 0x80)
            n--;
        if (n > 0 && (unsigned char)msg[n - 1] >= 0xC0)
            n--;
        msg[n] = '\0';
    }
    for (char *c = msg; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
}

bool pf_fail(pf_err *err, pf_code code, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    err->code = code;
    tidy(err->msg, sizeof err->msg);
    return false;
}

bool pf_fail_errno(pf_err *err, int errnum, const char *fmt, ...)
{
    if (!err)
        return false;
    char what[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    char reason[128];
    if (strerror_r(errnum, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", errnum);
    return pf_fail(err, PF_ERR_IO, "%.380s: %s", what, reason);
}

bool pf_fail_as(pf_err *err, const pf_err *why)
{
    if (err)
        *err = *why;
    return false;
}

bool pf_fail_in(pf_err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char where[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(where, sizeof where, fmt, ap);
    va_end(ap);
    char what[sizeof err->msg];
    memcpy(what, err->msg, sizeof what);
    return pf_fail(err, err->code, "%.250s: %.258s", where, what);
}
