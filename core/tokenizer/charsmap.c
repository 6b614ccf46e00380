/*
 * charsmap.c - see charsmap.h.
 *
 * A unit is a node: bits 0..7 are the byte that leads to it, bit 8 says that a key ends
 * there, bit 9 that the offset counts in steps of 256, bits 10..30 are the offset. Bit
 * 31 marks the unit of a value, which no byte leads to. The children of node i lie at
 * (i ^ offset) ^ byte, the value of its key at i ^ offset.
 *
 * Equal ends of keys share their nodes, so it is no tree. One that was tampered with
 * can lead outside, or in circles: the check goes to each node once, and remembers how
 * many keys at most lie on a way from there.
 */
#include "core/tokenizer/charsmap.h"

#include <string.h>

#include "core/base/mem.h"

enum {
    UNITS_MAX = 1 << 22,
    DEPTH_MAX = 256, /* bytes of a key, or nearly */
    NESTED_MAX = 32, /* keys that begin a key: libsentencepiece's kMaxTrieResultsSize */
    TEXT_MAX = 64,   /* bytes that a key turns into; Unicode's longest has 33 */
};

static uint32_t unit_at(const pf_charsmap *map, size_t i)
{
    const uint8_t *b = map->units + 4 * i;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

static size_t children_of(uint32_t unit, size_t i)
{
    return i ^ (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

static bool is_led_to(uint32_t unit, unsigned byte)
{
    return (unit & (1u << 31 | 0xFF)) == byte;
}

static bool has_value(uint32_t unit)
{
    return (unit & 1u << 8) != 0;
}

static size_t value_of(uint32_t unit)
{
    return unit & ~(1u << 31);
}

/* ---- the check ---- */

enum { UNSEEN = 0, ON_THE_WAY = 255 }; /* else the number of keys, and 1 */

typedef struct {
    size_t node;
    unsigned next; /* the byte to try next, 256 when all were */
    unsigned keys; /* at most, on a way from a child */
} level;

typedef struct {
    const pf_charsmap *map;
    uint8_t *seen; /* [n_units] */
    level levels[DEPTH_MAX];
    size_t depth;
} checker;

static bool damaged(pf_err *err, const char *how)
{
    return pf_fail(err, PF_ERR_FORMAT, "the map of characters is damaged: %s", how);
}

static bool check_value(const pf_charsmap *map, size_t at, pf_err *err)
{
    size_t value = value_of(unit_at(map, at));
    if (value >= map->texts_size)
        return damaged(err, "a key turns into what lies outside");
    size_t left = map->texts_size - value;
    if (!memchr(map->texts + value, '\0', left < TEXT_MAX + 1 ? left : TEXT_MAX + 1))
        return damaged(err, "a key turns into too many bytes");
    return true;
}

static bool enter(checker *c, size_t node, pf_err *err)
{
    const uint32_t unit = unit_at(c->map, node);
    const size_t children = children_of(unit, node);
    if (c->depth == DEPTH_MAX)
        return damaged(err, "a key is too long");
    if ((children | 0xFF) >= c->map->n_units)
        return damaged(err, "its trie leads outside");
    if (has_value(unit) && !check_value(c->map, children, err))
        return false;
    c->seen[node] = ON_THE_WAY;
    c->levels[c->depth++] = (level){.node = node};
    return true;
}

/* All children of the last level were seen. */
static bool leave(checker *c, pf_err *err)
{
    const level *last = &c->levels[--c->depth];
    unsigned keys = last->keys + (has_value(unit_at(c->map, last->node)) ? 1 : 0);
    if (keys > NESTED_MAX)
        return damaged(err, "too many keys begin with one another");
    c->seen[last->node] = (uint8_t)(keys + 1);
    if (c->depth > 0 && c->levels[c->depth - 1].keys < keys)
        c->levels[c->depth - 1].keys = keys;
    return true;
}

/* The next byte of the last level. */
static bool try_child(checker *c, pf_err *err)
{
    level *last = &c->levels[c->depth - 1];
    const unsigned byte = last->next++;
    const size_t child = children_of(unit_at(c->map, last->node), last->node) ^ byte;
    if (!is_led_to(unit_at(c->map, child), byte))
        return true;
    if (c->seen[child] == ON_THE_WAY)
        return damaged(err, "its trie leads in circles");
    if (c->seen[child] == UNSEEN)
        return enter(c, child, err);
    const unsigned keys = c->seen[child] - 1u;
    last->keys = last->keys < keys ? keys : last->keys;
    return true;
}

static bool check_trie(checker *c, pf_err *err)
{
    bool ok = enter(c, 0, err);
    while (ok && c->depth > 0)
        ok = c->levels[c->depth - 1].next == 256 ? leave(c, err) : try_child(c, err);
    return ok;
}

static bool read_parts(pf_charsmap *map, pf_span bytes, pf_err *err)
{
    uint32_t size;
    if (!pf_span_u32le(&bytes, &size) || !pf_span_take(&bytes, size, &map->units))
        return damaged(err, "it is cut");
    map->n_units = size / 4;
    if (size % 4 != 0 || map->n_units == 0 || map->n_units > UNITS_MAX)
        return damaged(err, "its trie has a wrong size");
    map->texts_size = pf_span_left(&bytes);
    if (map->texts_size == 0 || bytes.end[-1] != '\0')
        return damaged(err, "no NUL ends it");
    map->texts = (const char *)bytes.p;
    return true;
}

bool pf_charsmap_open(pf_charsmap *map, pf_span bytes, pf_err *err)
{
    *map = (pf_charsmap){0};
    if (pf_span_left(&bytes) == 0)
        return true;
    if (!read_parts(map, bytes, err))
        return false;
    checker *c = pf_zalloc(sizeof *c, err);
    uint8_t *seen = pf_zalloc(map->n_units, err);
    bool ok = c && seen;
    if (ok) {
        c->map = map;
        c->seen = seen;
        ok = check_trie(c, err);
    }
    pf_free(c);
    pf_free(seen);
    return ok;
}

const char *pf_charsmap_find(const pf_charsmap *map, const char *s, size_t n,
                             size_t *length)
{
    const char *found = NULL;
    if (map->n_units == 0)
        return NULL;
    size_t children = children_of(unit_at(map, 0), 0);
    for (size_t i = 0; i < n; i++) {
        unsigned byte = (unsigned char)s[i];
        size_t node = children ^ byte;
        uint32_t unit = unit_at(map, node);
        if (!is_led_to(unit, byte))
            break;
        children = children_of(unit, node);
        if (has_value(unit)) {
            found = map->texts + value_of(unit_at(map, children));
            *length = i + 1;
        }
    }
    return found;
}
