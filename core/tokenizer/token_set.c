/* token_set.c - see token_set.h. */
#include "core/tokenizer/token_set.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

bool pf_token_set_add(pf_token_set *set, pf_token token, pf_err *err)
{
    if (!pf_grow_array(&set->at, &set->room, set->n, sizeof *set->at, err))
        return false;
    set->at[set->n++] = token;
    return true;
}

void pf_token_set_free(pf_token_set *set)
{
    pf_free(set->at);
    *set = (pf_token_set){0};
}

static int compare_bytes(const pf_token *a, const pf_token *b)
{
    int order = memcmp(a->text, b->text, a->n < b->n ? a->n : b->n);
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

static int compare_tokens(const void *a, const void *b)
{
    const pf_token *one = a, *other = b;
    int order = compare_bytes(one, other);
    return order != 0 ? order : (one->id > other->id) - (one->id < other->id);
}

size_t pf_token_set_sort(pf_token_set *set)
{
    if (set->n > 1)
        qsort(set->at, set->n, sizeof *set->at, compare_tokens);
    for (size_t i = 0; i + 1 < set->n; i++) {
        if (compare_bytes(&set->at[i], &set->at[i + 1]) == 0)
            return i;
    }
    return set->n;
}

pf_token_walk pf_token_walk_begin(const pf_token_set *set)
{
    return (pf_token_walk){.high = set->n};
}

/* The first token of [low, high) whose byte at `depth` is at least `byte`. A token that
 * ends there stands before all of them. */
static size_t first_from(const pf_token_set *set, const pf_token_walk *walk, int byte)
{
    size_t low = walk->low, high = walk->high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const pf_token *t = &set->at[middle];
        int there = t->n > walk->depth ? (unsigned char)t->text[walk->depth] : -1;
        if (there < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool pf_token_walk_step(const pf_token_set *set, pf_token_walk *walk, char byte)
{
    const int wanted = (unsigned char)byte;
    walk->low = first_from(set, walk, wanted);
    walk->high = first_from(set, walk, wanted + 1);
    walk->depth++;
    return walk->low < walk->high;
}

const pf_token *pf_token_walk_token(const pf_token_set *set, const pf_token_walk *walk)
{
    return walk->low < walk->high && set->at[walk->low].n == walk->depth
               ? &set->at[walk->low]
               : NULL;
}

const pf_token *pf_token_set_find(const pf_token_set *set, const char *text, size_t n)
{
    pf_token_walk walk = pf_token_walk_begin(set);
    for (size_t i = 0; i < n; i++) {
        if (!pf_token_walk_step(set, &walk, text[i]))
            return NULL;
    }
    return n > 0 ? pf_token_walk_token(set, &walk) : NULL;
}
