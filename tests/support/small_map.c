/*
 * small_map.c - see small_map.h. The layout is charsmap.c's: node 0 is the root, block
 * b has the children of one node at 256 b + byte, and the value of its key at 256 b.
 */
#include "tests/support/small_map.h"

#include <string.h>

#include "tests/support/tree.h"

enum { BLOCKS_MAX = 64, TEXTS_MAX = 1024 };

static const uint32_t NOBODY = 1u << 31; /* a unit to which no byte leads */

typedef struct {
    uint32_t units[256 * BLOCKS_MAX];
    size_t n_blocks; /* block 0 has the root alone */
    char texts[TEXTS_MAX];
    size_t n_texts;
} map;

/* Where the children of `node` are; made when there were none. */
static size_t children_of(map *m, size_t node)
{
    size_t offset = m->units[node] >> 10;
    if (offset == 0) {
        pf_tree_must(m->n_blocks < BLOCKS_MAX, "a small map has too many keys");
        offset = node ^ 256 * m->n_blocks++;
        m->units[node] |= (uint32_t)offset << 10;
    }
    return node ^ offset;
}

static void add(map *m, const char *key, const char *text)
{
    size_t node = 0;
    for (; *key; key++) {
        const unsigned byte = (unsigned char)*key;
        node = children_of(m, node) + byte;
        if (m->units[node] == NOBODY)
            m->units[node] = byte;
    }
    const size_t value = children_of(m, node), n = strlen(text) + 1;
    pf_tree_must(n <= TEXTS_MAX - m->n_texts, "a small map has too long texts");
    m->units[node] |= 1u << 8;
    m->units[value] = 1u << 31 | (uint32_t)m->n_texts;
    memcpy(m->texts + m->n_texts, text, n);
    m->n_texts += n;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

size_t pf_small_map_make(const char *const (*pairs)[2], size_t n,
                         uint8_t bytes[PF_SMALL_MAP_ROOM])
{
    static map m; /* large for a stack; tests have one thread */
    m.n_blocks = 1;
    m.n_texts = 0;
    for (size_t i = 0; i < 256 * BLOCKS_MAX; i++)
        m.units[i] = i > 0 ? NOBODY : 0;
    for (size_t i = 0; i < n; i++)
        add(&m, pairs[i][0], pairs[i][1]);
    const size_t n_units = 256 * m.n_blocks;
    put_u32(bytes, (uint32_t)(4 * n_units));
    for (size_t i = 0; i < n_units; i++)
        put_u32(bytes + 4 + 4 * i, m.units[i]);
    memcpy(bytes + 4 + 4 * n_units, m.texts, m.n_texts);
    return 4 + 4 * n_units + m.n_texts;
}
