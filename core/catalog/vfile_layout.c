/* vfile_layout.c - see vfile_layout.h. */
#include "core/catalog/vfile_layout.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/hash.h"

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

/* Aligned as the vectors are, wherever they are. */
static uint64_t align(const pf_vlayout *l, uint64_t at)
{
    return l->vectors + round_up(at - l->vectors, PF_VLAYOUT_ALIGN);
}

/* Where the lists end, behind the errors. */
static uint64_t lay_out_lists(pf_vlayout *l)
{
    const uint64_t errors_end = l->errors + 4 * (uint64_t)l->count;
    l->centroids = l->starts = l->order = errors_end;
    l->by_id = l->ids;
    if (l->n_lists == 0)
        return errors_end;
    l->centroids = align(l, errors_end);
    l->starts = l->centroids + 4 * (uint64_t)l->n_lists * l->dim;
    l->by_id = l->starts + 4 * ((uint64_t)l->n_lists + 1);
    l->order = l->by_id + 8 * (uint64_t)l->count;
    return l->order + 4 * (uint64_t)l->count;
}

pf_vlayout pf_vlayout_of(size_t dim, size_t count, size_t n_lists)
{
    pf_vlayout l = {.dim = dim, .count = count, .n_lists = n_lists};
    l.codes = PF_VLAYOUT_RANGES + 8 * (uint64_t)dim + 8;
    l.flat = l.codes + (uint64_t)count * dim;
    l.vectors = l.flat + PF_VLAYOUT_HEADER + 8;
    l.tail = l.vectors + 4 * (uint64_t)count * dim;
    l.ids = l.tail + 4 + 8;
    l.errors = align(&l, l.ids + 8 * (uint64_t)count);
    l.checks = round_up(lay_out_lists(&l), 8);
    l.n_blocks = (size_t)((l.checks + PF_VLAYOUT_BLOCK - 1) / PF_VLAYOUT_BLOCK);
    l.size = l.checks + 8 * (uint64_t)l.n_blocks;
    return l;
}

size_t pf_vlayout_block_size(const pf_vlayout *l, size_t block)
{
    const uint64_t left = l->checks - (uint64_t)block * PF_VLAYOUT_BLOCK;
    return left < PF_VLAYOUT_BLOCK ? (size_t)left : PF_VLAYOUT_BLOCK;
}

uint8_t *pf_vlayout_put(uint8_t *at, uint64_t value, int width)
{
    for (int b = 0; b < width; b++)
        *at++ = (uint8_t)(value >> 8 * b);
    return at;
}

static uint8_t *put_header(uint8_t *at, const char *kind, const pf_vlayout *l)
{
    memcpy(at, kind, 4);
    at = pf_vlayout_put(at + 4, l->dim, 4);
    at = pf_vlayout_put(at, l->count, 8);
    at = pf_vlayout_put(at, 1 << 20, 8); /* two numbers without a meaning */
    at = pf_vlayout_put(at, 1 << 20, 8);
    at = pf_vlayout_put(at, 1, 1);   /* is_trained */
    return pf_vlayout_put(at, 0, 4); /* compared by inner product */
}

void pf_vlayout_parts(const pf_vlayout *l, pf_vlayout_part part[PF_VLAYOUT_PARTS])
{
    const uint64_t cells = (uint64_t)l->count * l->dim;
    uint8_t *at = put_header(part[0].bytes, "IxMp", l);
    at = put_header(at, "IxRF", l);
    at = put_header(at, "IxSQ", l);
    at = pf_vlayout_put(at, 0, 4); /* QT_8bit */
    at = pf_vlayout_put(at, 0, 8); /* ranges from the smallest to the largest */
    at = pf_vlayout_put(at, l->dim, 8);
    at = pf_vlayout_put(at, l->dim, 8); /* bytes of a code */
    pf_vlayout_put(at, 2 * (uint64_t)l->dim, 8);
    part[0].at = 0;
    part[0].size = PF_VLAYOUT_RANGES;
    pf_vlayout_put(part[1].bytes, cells, 8);
    part[1].at = l->codes - 8;
    part[1].size = 8;
    pf_vlayout_put(put_header(part[2].bytes, "IxFI", l), cells, 8);
    part[2].at = l->flat;
    part[2].size = PF_VLAYOUT_HEADER + 8;
    pf_vlayout_put(part[3].bytes, 0x3f800000, 4); /* 1.0f */
    pf_vlayout_put(part[3].bytes + 4, l->count, 8);
    part[3].at = l->tail;
    part[3].size = 12;
}

bool pf_vlayout_read(int fd, void *into, size_t n, uint64_t at, pf_err *err)
{
    for (uint8_t *to = into; n > 0;) {
        const ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pf_fail_errno(err, errno, "cannot read it");
        if (got == 0)
            return pf_fail(err, PF_ERR_FORMAT, "it ends too early");
        at += (uint64_t)got;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

uint64_t pf_vlayout_vector(const pf_vlayout *l, size_t position)
{
    return l->vectors + 4 * (uint64_t)position * l->dim;
}

uint64_t pf_vlayout_check(const void *bytes, size_t n, size_t block)
{
    return pf_hash_seeded(bytes, n, block);
}
