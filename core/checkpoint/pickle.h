/*
 * pickle.h - reads the pickles of a torch checkpoint, and runs nothing.
 *
 * A pickle is a program for a stack machine that may call any function by its name.
 * This machine knows a fixed list of opcodes and a fixed list of names: what a state
 * dict and an optimizer's state are made of. Anything else is refused by its name.
 * What comes out is a graph of plain values; "calling" torch._utils._rebuild_tensor_v2
 * only writes down its arguments.
 *
 * Bounded: 1,048,576 values and memo slots, 65,536 values waiting on the stack, 256
 * open marks, strings of 1 MiB. Nothing recurses, and values may well contain
 * themselves.
 */
#ifndef PF_CORE_CHECKPOINT_PICKLE_H
#define PF_CORE_CHECKPOINT_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/span.h"
#include "core/checkpoint/weights.h"

typedef enum {
    PF_PICKLE_NONE,
    PF_PICKLE_BOOL,
    PF_PICKLE_INT,
    PF_PICKLE_BIG_INT, /* an integer of more than 64 bits */
    PF_PICKLE_REAL,
    PF_PICKLE_STRING,
    PF_PICKLE_TUPLE,
    PF_PICKLE_LIST,
    PF_PICKLE_DICT, /* an OrderedDict, too */
    PF_PICKLE_GLOBAL,
    PF_PICKLE_STORAGE,
    PF_PICKLE_TENSOR,
} pf_pickle_kind;

typedef struct pf_pickle pf_pickle;
typedef uint32_t pf_pickle_ref; /* names a value of one pf_pickle */

/* A run of numbers that stands outside the pickle, under `key`. */
typedef struct {
    const char *key; /* borrowed from the pickle's bytes, no NUL behind it */
    size_t key_size;
    pf_dtype dtype;
    int64_t numel;                   /* of the whole run; times the dtype fits int64 */
    int64_t view_offset, view_numel; /* the part meant here, in elements */
} pf_pickle_storage;

typedef struct {
    size_t storage;             /* number of its storage */
    int64_t offset;             /* of the first element */
    pf_pickle_ref size, stride; /* tuples */
} pf_pickle_tensor;

/* Run one pickle and move `bytes` behind it. The bytes must outlive *out. On failure
 * *out is NULL. */
PF_MUST_CHECK bool pf_pickle_read(pf_pickle **out, pf_span *bytes, pf_err *err);
void pf_pickle_free(pf_pickle *p); /* NULL is fine */

pf_pickle_ref pf_pickle_top(const pf_pickle *p);
pf_pickle_kind pf_pickle_get_kind(const pf_pickle *p, pf_pickle_ref v);
const char *pf_pickle_kind_name(pf_pickle_kind kind); /* "a tensor", ... */

/* False, leaving *out alone, when the value is of another kind. */
bool pf_pickle_to_bool(const pf_pickle *p, pf_pickle_ref v, bool *out);
bool pf_pickle_to_int(const pf_pickle *p, pf_pickle_ref v, int64_t *out);
/* UTF-8 of *n bytes, NULs inside counted, none behind; a big integer's bytes too. */
bool pf_pickle_to_bytes(const pf_pickle *p, pf_pickle_ref v, const char **s, size_t *n);
bool pf_pickle_to_tensor(const pf_pickle *p, pf_pickle_ref v, pf_pickle_tensor *out);

/* Values in a tuple, list or dict; 0 for anything else. */
size_t pf_pickle_size(const pf_pickle *p, pf_pickle_ref v);

/* Walk them in order: start with {0}, stop when it returns false. */
typedef struct {
    uint32_t at;              /* the iterator's own */
    pf_pickle_ref key, value; /* key only in a dict */
} pf_pickle_item;
bool pf_pickle_next(const pf_pickle *p, pf_pickle_ref v, pf_pickle_item *item);

/* How many entries of a dict have the string `key`; *value is the last one's. */
size_t pf_pickle_find(const pf_pickle *p, pf_pickle_ref dict, const char *key,
                      pf_pickle_ref *value);

/* One per mention, so a storage that several tensors share is here several times. */
size_t pf_pickle_storages(const pf_pickle *p);
const pf_pickle_storage *pf_pickle_storage_at(const pf_pickle *p, size_t i);

#endif
