/*
 * siphash.h - SipHash-2-4 with 128 bits: a short secret turns a text into a number that
 * nobody without the secret can turn back, or make.
 *
 * J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012; the 128
 * bits are those of the authors' own code.
 */
#ifndef PF_INDEXER_SIPHASH_H
#define PF_INDEXER_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { PF_SIPHASH_KEY = 16, PF_SIPHASH_SIZE = 16 };

void pf_siphash(uint8_t out[PF_SIPHASH_SIZE], const uint8_t key[PF_SIPHASH_KEY],
                const void *bytes, size_t n);

#endif
