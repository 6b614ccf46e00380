/*
 * charsmap.h - the map of characters that a SentencePiece model brings with it.
 *
 * Bytes: the length of the trie, 4 bytes; the trie, a double array of 32-bit units as
 * the library darts-clone lays it out, least significant byte first; what the keys turn
 * into, each with a NUL behind it. All of the trie that can be reached is looked at
 * once, so that whoever walks it later, this module or libsentencepiece, stays inside.
 */
#ifndef PF_CORE_TOKENIZER_CHARSMAP_H
#define PF_CORE_TOKENIZER_CHARSMAP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/span.h"

/* All zero maps nothing. */
typedef struct {
    const uint8_t *units; /* [n_units], borrowed */
    size_t n_units;
    const char *texts; /* [texts_size], the last is NUL; borrowed */
    size_t texts_size;
} pf_charsmap;

/* `bytes` are borrowed as long as *map is used; none are the map that maps nothing.
 * FORMAT when it is damaged. */
PF_MUST_CHECK bool pf_charsmap_open(pf_charsmap *map, pf_span bytes, pf_err *err);

/* What the longest key turns into that `s` begins with, and that key's bytes in
 * *length; NULL when there is none. */
const char *pf_charsmap_find(const pf_charsmap *map, const char *s, size_t n,
                             size_t *length);

#endif
