/*
 * tokenizer_type.h - what a tokenizer has to know to stand behind tokenizer.h; private
 * to core/tokenizer.
 *
 * Adding one: a file with such a table, its kind in tokenizer.h, a line in the table of
 * tokenizer.c, a test of golden ids and a fuzz target.
 */
#ifndef PF_CORE_TOKENIZER_TOKENIZER_TYPE_H
#define PF_CORE_TOKENIZER_TOKENIZER_TYPE_H

#include "core/tokenizer/tokenizer.h"

/* `self` is what open() gave. The text has at most PF_TOKENIZER_TEXT_MAX bytes and the
 * context at least PF_TOKENIZER_CONTEXT_MIN tokens when encode() is called. */
typedef struct {
    const char *files_wanted; /* as pf_tokenizer_files_wanted() */
    bool (*open)(void **self, const char *path, pf_err *err);
    /* as pf_tokenizer_open_kept(); NULL when there is nothing worth keeping */
    bool (*open_kept)(void **self, const char *path, pf_err *err);
    void (*close)(void *self); /* not with NULL */
    bool (*encode)(const void *self, const char *text, size_t n, size_t context,
                   int32_t *ids, size_t *n_ids, bool *is_truncated, pf_err *err);
    int32_t (*vocabulary_size)(const void *self);
    const char *(*file)(const void *self, size_t i);
    pf_hash (*hash)(const void *self);
} pf_tokenizer_type;

extern const pf_tokenizer_type pf_bpe_type;       /* bpe.c */
extern const pf_tokenizer_type pf_wordpiece_type; /* wordpiece.c */
extern const pf_tokenizer_type pf_siglip_type;    /* siglip.c */

#endif
