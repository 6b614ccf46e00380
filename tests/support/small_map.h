/*
 * small_map.h - a map of characters, as SentencePiece models have them, made of a few
 * keys: one block of 256 units for each beginning of a key.
 */
#ifndef PF_TESTS_SUPPORT_SMALL_MAP_H
#define PF_TESTS_SUPPORT_SMALL_MAP_H

#include <stddef.h>
#include <stdint.h>

enum { PF_SMALL_MAP_ROOM = 96 << 10 }; /* bytes */

/* Write the map of `n` pairs, key and what it turns into; how many bytes it has. What
 * does not fit ends the test program. */
size_t pf_small_map_make(const char *const (*pairs)[2], size_t n,
                         uint8_t bytes[PF_SMALL_MAP_ROOM]);

#endif
