/* siphash.c - see siphash.h. */
#include "indexer/siphash.h"

typedef struct {
    uint64_t v[4];
} state;

static uint64_t turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

static void store(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(x >> 8 * i);
}

static void stir(state *s, int rounds)
{
    uint64_t *v = s->v;
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turn(v[1], 13) ^ v[0];
        v[3] = turn(v[3], 16) ^ v[2];
        v[0] = turn(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = turn(v[1], 17) ^ v[2];
        v[3] = turn(v[3], 21) ^ v[0];
        v[2] = turn(v[2], 32);
    }
}

static void add(state *s, uint64_t word)
{
    s->v[3] ^= word;
    stir(s, 2);
    s->v[0] ^= word;
}

static uint64_t finish(state *s)
{
    stir(s, 4);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

void pf_siphash(uint8_t out[PF_SIPHASH_SIZE], const uint8_t key[PF_SIPHASH_KEY],
                const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    const uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
    /* "somepseudorandomlygeneratedbytes", and what tells 128 bits from 64 */
    state s = {{k0 ^ 0x736F6D6570736575u, k1 ^ 0x646F72616E646F6Du ^ 0xEE,
                k0 ^ 0x6C7967656E657261u, k1 ^ 0x7465646279746573u}};
    size_t left = n;
    for (; left >= 8; left -= 8, p += 8)
        add(&s, load(p, 8));
    add(&s, load(p, left) | (uint64_t)n << 56);
    s.v[2] ^= 0xEE;
    store(out, finish(&s));
    s.v[1] ^= 0xDD;
    store(out + 8, finish(&s));
}
