/*
 * kept.c - see kept.h. All slots are looked through: some thousand hashes are read in
 * a few microseconds, where an answer takes milliseconds. Hashes can be forged, so a
 * question is compared as a whole.
 */
#include "server/kept.h"

#include <pthread.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

enum { SLOTS = 2048, SHARE = 64 };

typedef struct {
    uint64_t used; /* when, by the clock below; 0: there is nothing */
    uint64_t edition;
    const char *route;
    pf_hash hash; /* of the question's text */
    char *text;   /* [n] of the question, [size] of its answer */
    size_t n, size;
} slot;

struct kept {
    pthread_mutex_t lock;
    uint64_t clock; /* one step for each use */
    size_t bytes_max, bytes, n_used;
    slot slots[SLOTS];
};

bool kept_new(kept **out, size_t bytes_max, pf_err *err)
{
    kept *k = pf_zalloc(sizeof *k, err);
    *out = k;
    if (!k)
        return false;
    pthread_mutex_init(&k->lock, NULL);
    k->bytes_max = bytes_max;
    return true;
}

void kept_free(kept *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        pf_free(k->slots[i].text);
    pthread_mutex_destroy(&k->lock);
    pf_free(k);
}

static slot *find_slot(kept *k, const kept_question *q, const pf_hash *hash)
{
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &k->slots[i];
        if (s->used > 0 && s->edition == q->edition && pf_hash_equal(&s->hash, hash) &&
            strcmp(s->route, q->route) == 0 && s->n == q->n &&
            memcmp(s->text, q->text, q->n) == 0)
            return s;
    }
    return NULL;
}

char *kept_find(kept *k, const kept_question *q, size_t *size)
{
    const pf_hash hash = pf_hash_bytes(q->text, q->n);
    char *answer = NULL;
    pthread_mutex_lock(&k->lock);
    slot *s = find_slot(k, q, &hash);
    if (s && (answer = pf_alloc_array(s->size, 1, NULL))) {
        memcpy(answer, s->text + s->n, s->size);
        *size = s->size;
        s->used = ++k->clock;
    }
    pthread_mutex_unlock(&k->lock);
    return answer;
}

static void drop_oldest(kept *k)
{
    slot *oldest = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &k->slots[i];
        if (s->used > 0 && (!oldest || s->used < oldest->used))
            oldest = s;
    }
    k->bytes -= oldest->n + oldest->size;
    k->n_used--;
    pf_free(oldest->text);
    *oldest = (slot){0};
}

static slot *empty_slot(kept *k, size_t bytes)
{
    slot *s = k->slots;
    while (k->n_used == SLOTS || k->bytes + bytes > k->bytes_max)
        drop_oldest(k);
    while (s->used > 0)
        s++;
    return s;
}

/* `text` is given. */
static void put(kept *k, const slot *given)
{
    slot *s = empty_slot(k, given->n + given->size);
    *s = *given;
    s->used = ++k->clock;
    k->bytes += s->n + s->size;
    k->n_used++;
}

void kept_add(kept *k, const kept_question *q, const char *answer, size_t size)
{
    const size_t most = k->bytes_max / SHARE, n = q->n;
    slot s = {.edition = q->edition, .route = q->route, .n = n, .size = size};
    if (n > most || size > most - n || !(s.text = pf_alloc_array(n + size, 1, NULL)))
        return;
    s.hash = pf_hash_bytes(q->text, n);
    memcpy(s.text, q->text, n);
    memcpy(s.text + n, answer, size);
    pthread_mutex_lock(&k->lock);
    const bool is_there = find_slot(k, q, &s.hash) != NULL;
    if (!is_there)
        put(k, &s);
    pthread_mutex_unlock(&k->lock);
    if (is_there) /* another thread was asked the same */
        pf_free(s.text);
}
