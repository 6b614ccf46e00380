/*
 * mem.h - the only door to the heap.
 *
 * Every allocation is checked for overflow, zeroed, and reports its failure through a
 * pf_err. Tests make the n-th allocation fail with pf_mem_fail_at().
 */
#ifndef PF_CORE_BASE_MEM_H
#define PF_CORE_BASE_MEM_H

#include <stddef.h>

#include "core/base/err.h"

/* `size` zeroed bytes, or NULL with PF_ERR_NOMEM. Size 0 gives a valid pointer. */
PF_MUST_CHECK void *pf_zalloc(size_t size, pf_err *err);

/* `n` zeroed elements of `size` bytes. */
PF_MUST_CHECK void *pf_alloc_array(size_t n, size_t size, pf_err *err);

/* Grow or shrink `*p` to `n` elements of `size` bytes; new bytes are not zeroed. On
 * failure *p is as it was. */
PF_MUST_CHECK bool pf_resize_array(void **p, size_t n, size_t size, pf_err *err);

/* See to it that an array has room for one element behind the `n` that are there:
 * `array` is the address of the pointer to it, *room how many elements it has room for,
 * which is doubled when need be. New bytes are not zeroed. On failure all is as it was.
 */
PF_MUST_CHECK bool pf_grow_array(void *array, size_t *room, size_t n, size_t size,
                                 pf_err *err);

/* `n` floats on a 64-byte boundary, for the kernels; free with pf_free(). */
PF_MUST_CHECK float *pf_alloc_floats(size_t n, pf_err *err);

/* A copy of the string, or of its first `n` bytes. */
PF_MUST_CHECK char *pf_strdup(const char *s, pf_err *err);
PF_MUST_CHECK char *pf_strndup(const char *s, size_t n, pf_err *err);

/* A formatted string of any length. */
PF_MUST_CHECK char *pf_strf(pf_err *err, const char *fmt, ...) PF_PRINTF(2, 3);

/* Memory goes back through pf_free() (plainfilm.h); NULL is fine. */

/* Is the memory of this process limited (setrlimit: AS or DATA)? Then libraries that
 * take it in bulk, and do not bear to be refused, are to be kept from it. */
bool pf_mem_is_limited(void);

/* For tests: make the n-th allocation from now (1 is the next) fail, and only that one;
 * 0 switches it off. Returns how many allocations were asked for since the last call.
 */
long pf_mem_fail_at(long n);

#endif
