/*
 * token_set.h - a vocabulary's tokens in the order of their bytes, to be walked along.
 *
 * A walk goes through a text byte by byte and narrows down which tokens begin with what
 * it has passed: a trie, without one. A step costs two binary searches, whatever the
 * tokens are; nothing has to be hashed, so nothing can collide on purpose.
 */
#ifndef PF_CORE_TOKENIZER_TOKEN_SET_H
#define PF_CORE_TOKENIZER_TOKEN_SET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

typedef struct {
    const char *text; /* borrowed; not empty */
    uint32_t n;       /* bytes */
    int32_t id;
} pf_token;

/* All zero is empty. */
typedef struct {
    pf_token *at;
    size_t n, room;
} pf_token_set;

/* Add a token; before pf_token_set_sort(), the first step and the first find. */
PF_MUST_CHECK bool pf_token_set_add(pf_token_set *set, pf_token token, pf_err *err);
void pf_token_set_free(pf_token_set *set);

/* Put all in order. The place of a token that stands there twice, with the lower id
 * first and the other behind it; the number of tokens when there is none. */
size_t pf_token_set_sort(pf_token_set *set);

/* The tokens [low, high) begin with the `depth` bytes that were walked. */
typedef struct {
    size_t low, high;
    uint32_t depth;
} pf_token_walk;

pf_token_walk pf_token_walk_begin(const pf_token_set *set);
/* One byte further; false when no token begins so. */
bool pf_token_walk_step(const pf_token_set *set, pf_token_walk *walk, char byte);
/* The token that is just what was walked; NULL when there is none. */
const pf_token *pf_token_walk_token(const pf_token_set *set, const pf_token_walk *walk);

/* The token of exactly these bytes, or NULL. */
const pf_token *pf_token_set_find(const pf_token_set *set, const char *text, size_t n);

#endif
