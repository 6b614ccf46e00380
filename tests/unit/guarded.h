/*
 * guarded.h - bytes that end where an unmapped page begins: one read too far is a
 * crash, with or without a sanitizer.
 */
#ifndef PF_TESTS_UNIT_GUARDED_H
#define PF_TESTS_UNIT_GUARDED_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test_support.h"

typedef struct {
    uint8_t *base, *end;
    size_t size;
} guarded;

static inline guarded guarded_new(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (n / page + 1) * page;
    FILE *f = tmpfile(); /* MAP_ANONYMOUS is not in POSIX.1-2008 */
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), (off_t)(room + page)), 0);
    guarded g = {.size = room + page};
    g.base = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(f), 0);
    fclose(f);
    assert_true(g.base != MAP_FAILED);
    g.end = g.base + room;
    assert_int_equal(mprotect(g.end, page, PROT_NONE), 0);
    return g;
}

/* Put the bytes in front of the unmapped page; returns where they start. */
static inline uint8_t *guarded_put(const guarded *g, const void *bytes, size_t n)
{
    assert_true(n <= (size_t)(g->end - g->base));
    if (n > 0)
        memcpy(g->end - n, bytes, n);
    return g->end - n;
}

static inline void guarded_free(guarded *g)
{
    munmap(g->base, g->size);
}

#endif
