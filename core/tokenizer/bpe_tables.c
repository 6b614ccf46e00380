/*
 * bpe_tables.c - see bpe_tables.h. In memory: pf_bpe_ids, merges, places.
 */
#include "core/tokenizer/bpe_tables.h"

#include <string.h>

#include "core/base/mem.h"

enum {
    PLACES_LEAST = 1024,
    PROBES_MAX = 2048, /* as for names: more collisions are made on purpose */
};

/* Where a pair belongs, the first place that is looked at. */
static size_t first_place(int32_t left, int32_t right)
{
    const uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    /* Fibonacci hashing: the high bits of the product are well mixed. */
    return (size_t)((pair ^ pair >> 29) * 0x9E3779B97F4A7C15u >> 20);
}

/* The place of the pair, or the empty one where it belongs; n_places past PROBES_MAX.
 */
static size_t find_place(const pf_bpe_tables *t, int32_t left, int32_t right)
{
    const size_t mask = t->ids->n_places - 1;
    size_t at = first_place(left, right);
    for (size_t i = 0; i < PROBES_MAX; i++, at++) {
        const uint32_t rank_plus_1 = t->places[at & mask];
        if (rank_plus_1 == 0)
            return at & mask;
        const pf_bpe_merge *m = &t->merges[rank_plus_1 - 1];
        if (m->left == left && m->right == right)
            return at & mask;
    }
    return t->ids->n_places;
}

uint32_t pf_bpe_tables_find(const pf_bpe_tables *t, int32_t left, int32_t right)
{
    const size_t place = find_place(t, left, right);
    return place < t->ids->n_places ? t->places[place] : 0;
}

/* ---- building ---- */

static void hash_ids(pf_hasher *h, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)ids[i];
        const uint8_t bytes[4] = {(uint8_t)u, (uint8_t)(u >> 8), (uint8_t)(u >> 16),
                                  (uint8_t)(u >> 24)};
        pf_hasher_add(h, bytes, sizeof bytes);
    }
}

/* Ids of the bytes and how ids merge say all that the strings would. */
static bool hash_vocab(pf_hash *out, const pf_bpe_vocab *v, pf_err *err)
{
    pf_hasher *h = pf_hasher_new(err);
    if (!h)
        return false;
    hash_ids(h, v->byte_id, 256);
    hash_ids(h, v->last_id, 256);
    hash_ids(h, &v->start_id, 1);
    hash_ids(h, &v->end_id, 1);
    for (size_t i = 0; i < v->n_merges; i++) {
        const int32_t ids[3] = {v->merges[i].left, v->merges[i].right,
                                v->merges[i].result};
        hash_ids(h, ids, 3);
    }
    *out = pf_hasher_finish(h);
    return true;
}

static size_t places_for(size_t n_merges)
{
    size_t n = PLACES_LEAST;
    while (n < n_merges * 2)
        n *= 2;
    return n;
}

static size_t size_of(size_t n_merges, size_t n_places)
{
    return sizeof(pf_bpe_ids) + n_merges * sizeof(pf_bpe_merge) +
           n_places * sizeof(uint32_t);
}

static pf_bpe_tables tables_at(const void *memory, size_t n_merges)
{
    const char *at = memory;
    const void *merges = at + sizeof(pf_bpe_ids);
    const void *places = (const char *)merges + n_merges * sizeof(pf_bpe_merge);
    return (pf_bpe_tables){memory, merges, places};
}

static bool place_merges(const pf_bpe_tables *t, uint32_t *places,
                         const pf_bpe_vocab *v, const char *path, pf_err *err)
{
    for (size_t i = 0; i < v->n_merges; i++) {
        const pf_bpe_merge *m = &v->merges[i];
        const size_t place = find_place(t, m->left, m->right);
        if (place == t->ids->n_places)
            return pf_fail(err, PF_ERR_LIMIT, "'%s': merges collide too often", path);
        if (places[place] > 0) /* it would have two ranks */
            return pf_fail(err, PF_ERR_FORMAT,
                           "'%s': line %zu repeats the merge of line %zu", path,
                           v->first_line + i, v->first_line + places[place] - 1);
        places[place] = (uint32_t)i + 1;
    }
    return true;
}

static bool fill(char *memory, size_t n_places, const pf_bpe_vocab *v, const char *path,
                 pf_err *err)
{
    pf_bpe_ids *ids = (pf_bpe_ids *)(void *)memory;
    char *merges = memory + sizeof *ids;
    char *places = merges + v->n_merges * sizeof *v->merges;
    *ids = (pf_bpe_ids){.start_id = v->start_id,
                        .end_id = v->end_id,
                        .size = v->size,
                        .n_merges = (uint32_t)v->n_merges,
                        .n_places = (uint32_t)n_places};
    memcpy(ids->byte_id, v->byte_id, sizeof ids->byte_id);
    memcpy(ids->last_id, v->last_id, sizeof ids->last_id);
    if (v->n_merges > 0)
        memcpy(merges, v->merges, v->n_merges * sizeof *v->merges);
    const pf_bpe_tables t = tables_at(memory, v->n_merges);
    return place_merges(&t, (uint32_t *)(void *)places, v, path, err) &&
           hash_vocab(&ids->hash, v, err);
}

bool pf_bpe_tables_make(void **memory, size_t *n, const pf_bpe_vocab *v,
                        const char *path, pf_err *err)
{
    const size_t n_places = places_for(v->n_merges);
    *n = size_of(v->n_merges, n_places);
    *memory = pf_zalloc(*n, err);
    if (*memory && fill(*memory, n_places, v, path, err))
        return true;
    pf_free(*memory);
    *memory = NULL;
    return false;
}

/* ---- looking at them ---- */

/* Is each of them from 0 to below `size`? */
static bool are_below(const int32_t *ids, size_t n, int32_t size)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = (uint32_t)ids[i] > most ? (uint32_t)ids[i] : most;
    return n == 0 || most < (uint32_t)size;
}

static bool is_sound(const pf_bpe_tables *t)
{
    const pf_bpe_ids *ids = t->ids;
    uint32_t most = 0;
    for (size_t i = 0; i < ids->n_places; i++)
        most = t->places[i] > most ? t->places[i] : most;
    return most <= ids->n_merges && are_below(ids->byte_id, 256, ids->size) &&
           are_below(ids->last_id, 256, ids->size) &&
           are_below(&ids->start_id, 1, ids->size) &&
           are_below(&ids->end_id, 1, ids->size) &&
           are_below((const int32_t *)(const void *)t->merges,
                     3 * (size_t)ids->n_merges, ids->size);
}

bool pf_bpe_tables_view(pf_bpe_tables *out, const void *memory, size_t n)
{
    const pf_bpe_ids *ids = memory;
    if (n < sizeof *ids || ids->size <= 0 || ids->size > PF_BPE_ID_MAX ||
        ids->n_merges > PF_BPE_MERGES_MAX ||
        ids->n_places != places_for(ids->n_merges) ||
        n != size_of(ids->n_merges, ids->n_places))
        return false;
    *out = tables_at(memory, ids->n_merges);
    return is_sound(out);
}
