/*
 * span.h - a cursor over bytes somebody else owns.
 *
 * Every parser of outside bytes reads through it: a read past the end returns false and
 * moves nothing. The bytes must outlive the span.
 */
#ifndef PF_CORE_BASE_SPAN_H
#define PF_CORE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *p, *end;
} pf_span;

static inline pf_span pf_span_of(const void *bytes, size_t n)
{
    const uint8_t *p = (const uint8_t *)bytes; /* dicom.cpp reads this, too */
    return (pf_span){p, n ? p + n : p};
}

static inline size_t pf_span_left(const pf_span *s)
{
    return (size_t)(s->end - s->p);
}

static inline bool pf_span_take(pf_span *s, size_t n, const uint8_t **out)
{
    if (n > pf_span_left(s))
        return false;
    *out = s->p;
    s->p += n;
    return true;
}

static inline bool pf_span_skip(pf_span *s, size_t n)
{
    const uint8_t *ignored;
    return pf_span_take(s, n, &ignored);
}

static inline bool pf_span_u8(pf_span *s, uint8_t *out)
{
    const uint8_t *b;
    if (!pf_span_take(s, 1, &b))
        return false;
    *out = b[0];
    return true;
}

static inline bool pf_span_u16le(pf_span *s, uint16_t *out)
{
    const uint8_t *b;
    if (!pf_span_take(s, 2, &b))
        return false;
    *out = (uint16_t)(b[0] | b[1] << 8);
    return true;
}

static inline bool pf_span_u16be(pf_span *s, uint16_t *out)
{
    const uint8_t *b;
    if (!pf_span_take(s, 2, &b))
        return false;
    *out = (uint16_t)(b[0] << 8 | b[1]);
    return true;
}

static inline bool pf_span_u32le(pf_span *s, uint32_t *out)
{
    const uint8_t *b;
    if (!pf_span_take(s, 4, &b))
        return false;
    *out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
    return true;
}

/* Of four bytes that are there. */
static inline uint32_t pf_u32be(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline bool pf_span_u32be(pf_span *s, uint32_t *out)
{
    const uint8_t *b;
    if (!pf_span_take(s, 4, &b))
        return false;
    *out = pf_u32be(b);
    return true;
}

static inline bool pf_span_u64le(pf_span *s, uint64_t *out)
{
    uint32_t low, high;
    pf_span before = *s;
    if (!pf_span_u32le(s, &low) || !pf_span_u32le(s, &high)) {
        *s = before;
        return false;
    }
    *out = (uint64_t)high << 32 | low;
    return true;
}

#endif
