/*
 * hash.h - 128-bit content hashes (XXH3) of bytes and files.
 *
 * They recognise the same picture under another name and notice a damaged index file;
 * they are not meant to withstand somebody who forges collisions. The hash of bytes is
 * the same on every machine (canonical, big-endian form). Alone includes xxhash.h.
 */
#ifndef PF_CORE_BASE_HASH_H
#define PF_CORE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { PF_HASH_SIZE = 16, PF_HASH_HEX_SIZE = 2 * PF_HASH_SIZE + 1 };

typedef struct {
    uint8_t b[PF_HASH_SIZE];
} pf_hash;

pf_hash pf_hash_bytes(const void *bytes, size_t n);
/* 64 bits, others for each seed: to notice damage in what is read often. */
uint64_t pf_hash_seeded(const void *bytes, size_t n, uint64_t seed);
/* Of a regular file, read in pieces. */
PF_MUST_CHECK bool pf_hash_file(pf_hash *out, const char *path, pf_err *err);
/* Of all that the open file `fd` has; where it is read from next stays as it is. `path`
 * is for messages. */
PF_MUST_CHECK bool pf_hash_open_file(pf_hash *out, int fd, const char *path,
                                     pf_err *err);

/* Piecewise: new, add any number of times, finish (which also frees). */
typedef struct pf_hasher pf_hasher;
PF_MUST_CHECK pf_hasher *pf_hasher_new(pf_err *err);
void pf_hasher_add(pf_hasher *h, const void *bytes, size_t n);
pf_hash pf_hasher_finish(pf_hasher *h);
void pf_hasher_free(pf_hasher *h); /* NULL is fine */

bool pf_hash_equal(const pf_hash *a, const pf_hash *b);
void pf_hash_hex(const pf_hash *h, char hex[PF_HASH_HEX_SIZE]);

#endif
