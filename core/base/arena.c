/* arena.c - see arena.h. */
#include "core/base/arena.h"

#include <string.h>

#include "core/base/mem.h"

enum { BLOCK_BYTES = 64 << 10 };

struct pf_arena_block {
    pf_arena_block *before;
    size_t used, room;
    char bytes[];
};

static bool add_block(pf_arena *a, size_t n, pf_err *err)
{
    const size_t room = n > BLOCK_BYTES ? n : BLOCK_BYTES;
    pf_arena_block *block = pf_zalloc(sizeof *block + room, err);
    if (!block)
        return false;
    block->before = a->last;
    block->room = room;
    a->last = block;
    return true;
}

const char *pf_arena_add(pf_arena *a, const char *s, size_t n, pf_err *err)
{
    if ((!a->last || a->last->room - a->last->used <= n) && !add_block(a, n + 1, err))
        return NULL;
    char *copy = a->last->bytes + a->last->used;
    memcpy(copy, s, n);
    copy[n] = '\0';
    a->last->used += n + 1;
    return copy;
}

void pf_arena_reset(pf_arena *a)
{
    while (a->last) {
        pf_arena_block *before = a->last->before;
        pf_free(a->last);
        a->last = before;
    }
}
