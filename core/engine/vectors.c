/*
 * vectors.c - see vectors.h. A key has one place, a row of eight slots, and in it any
 * of them: finding is a look at eight keys, and what is replaced is the oldest of
 * eight.
 */
#include "core/engine/vectors.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"

enum { ROW = 8 };

typedef struct {
    pf_hash key;
    uint64_t used; /* when, by the clock below; 0: never */
    float *vector; /* [dim] */
    size_t dim;
    bool flag;
} slot;

struct pf_vectors {
    pthread_mutex_t lock;
    uint64_t clock; /* one step for each use */
    size_t n_rows;
    slot *slots; /* [n_rows, ROW] */
};

bool pf_vectors_new(pf_vectors **out, size_t most, pf_err *err)
{
    *out = NULL;
    pf_vectors *v = pf_zalloc(sizeof *v, err);
    if (!v)
        return false;
    pthread_mutex_init(&v->lock, NULL);
    v->n_rows = (most + ROW - 1) / ROW;
    v->slots = pf_alloc_array(v->n_rows, ROW * sizeof *v->slots, err);
    if (!v->slots) {
        pf_vectors_free(v);
        return false;
    }
    *out = v;
    return true;
}

void pf_vectors_free(pf_vectors *v)
{
    if (!v)
        return;
    for (size_t i = 0; v->slots && i < v->n_rows * ROW; i++)
        pf_free(v->slots[i].vector);
    pf_free(v->slots);
    pthread_mutex_destroy(&v->lock);
    pf_free(v);
}

static slot *row_of(const pf_vectors *v, const pf_hash *key)
{
    uint64_t n;
    memcpy(&n, key->b, sizeof n);
    return v->slots + n % v->n_rows * ROW;
}

bool pf_vectors_find(pf_vectors *v, const pf_hash *key, float *vector, size_t dim,
                     bool *flag)
{
    bool found = false;
    pthread_mutex_lock(&v->lock);
    slot *row = row_of(v, key);
    for (size_t i = 0; i < ROW && !found; i++) {
        found = row[i].used > 0 && row[i].dim == dim && pf_hash_equal(&row[i].key, key);
        if (found) {
            memcpy(vector, row[i].vector, dim * sizeof *vector);
            *flag = row[i].flag;
            row[i].used = ++v->clock;
        }
    }
    pthread_mutex_unlock(&v->lock);
    return found;
}

/* The slot that has the key, else the oldest. */
static slot *slot_for(const pf_vectors *v, const pf_hash *key)
{
    slot *row = row_of(v, key), *best = row;
    for (size_t i = 0; i < ROW; i++) {
        if (row[i].used > 0 && pf_hash_equal(&row[i].key, key))
            return &row[i];
        if (row[i].used < best->used)
            best = &row[i];
    }
    return best;
}

void pf_vectors_keep(pf_vectors *v, const pf_hash *key, const float *vector, size_t dim,
                     bool flag)
{
    float *own = pf_alloc_floats(dim, NULL);
    if (!own)
        return;
    memcpy(own, vector, dim * sizeof *own);
    pthread_mutex_lock(&v->lock);
    slot *s = slot_for(v, key);
    pf_free(s->vector);
    *s = (slot){
        .key = *key, .used = ++v->clock, .vector = own, .dim = dim, .flag = flag};
    pthread_mutex_unlock(&v->lock);
}
