/* mem.c - see mem.h. The one file that may call malloc and its family. */
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static atomic_long asked;   /* allocations since the last pf_mem_fail_at() */
static atomic_long fail_at; /* which one fails; 0 = none */

long pf_mem_fail_at(long n)
{
    atomic_store(&fail_at, n);
    return atomic_exchange(&asked, 0);
}

static bool told_to_fail(void)
{
    return atomic_fetch_add(&asked, 1) + 1 == atomic_load(&fail_at);
}

static void *out_of_memory(size_t n, size_t size, pf_err *err)
{
    if (size > 1)
        pf_fail(err, PF_ERR_NOMEM, "out of memory (%zu x %zu bytes)", n, size);
    else
        pf_fail(err, PF_ERR_NOMEM, "out of memory (%zu bytes)", n);
    return NULL;
}

void *pf_alloc_array(size_t n, size_t size, pf_err *err)
{
    if (size != 0 && n > SIZE_MAX / size)
        return out_of_memory(n, size, err);
    void *p = told_to_fail() ? NULL : calloc(n ? n : 1, size ? size : 1);
    return p ? p : out_of_memory(n, size, err);
}

void *pf_zalloc(size_t size, pf_err *err)
{
    return pf_alloc_array(size, 1, err);
}

bool pf_resize_array(void **p, size_t n, size_t size, pf_err *err)
{
    void *q = NULL;
    if (size != 0 && n <= SIZE_MAX / size && !told_to_fail())
        q = realloc(*p, n > 0 ? n * size : 1);
    if (!q) {
        out_of_memory(n, size, err);
        return false;
    }
    *p = q;
    return true;
}

bool pf_grow_array(void *array, size_t *room, size_t n, size_t size, pf_err *err)
{
    enum { FIRST_ROOM = 32 };
    void *p;
    if (n < *room)
        return true;
    const size_t more = *room > SIZE_MAX / 2 ? SIZE_MAX
                        : *room > 0          ? 2 * *room
                                             : FIRST_ROOM;
    memcpy(&p, array, sizeof p); /* a T ** is no void ** */
    if (!pf_resize_array(&p, more, size, err))
        return false;
    memcpy(array, &p, sizeof p);
    *room = more;
    return true;
}

float *pf_alloc_floats(size_t n, pf_err *err)
{
    const size_t line = 64;
    if (n > (SIZE_MAX - line) / sizeof(float))
        return out_of_memory(n, sizeof(float), err);
    size_t bytes = (n * sizeof(float) + line) / line * line;
    float *p = told_to_fail() ? NULL : aligned_alloc(line, bytes);
    if (!p)
        return out_of_memory(n, sizeof(float), err);
    memset(p, 0, bytes);
    return p;
}

char *pf_strndup(const char *s, size_t n, pf_err *err)
{
    char *copy = pf_zalloc(n + 1, err);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

char *pf_strdup(const char *s, pf_err *err)
{
    return pf_strndup(s, strlen(s), err);
}

char *pf_strf(pf_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? out_of_memory(0, 1, err) : pf_zalloc((size_t)n + 1, err);
    if (!s)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

static bool is_limited(int resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

bool pf_mem_is_limited(void)
{
    return is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA);
}

void pf_free(void *p)
{
    free(p);
}
