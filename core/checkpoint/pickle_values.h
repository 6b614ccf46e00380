/*
 * pickle_values.h - what a pickle's values are kept in; between pickle.c, which runs
 * the opcodes, and pickle_values.c only.
 *
 * Values live in one array and name each other by index; number 0 is no value, and on
 * the stack it is a mark. What a tuple, list or dict holds is a chain of cells, which
 * only ever grows at its end, so walking a chain always comes to an end. Strings stay
 * where they are in the file.
 */
#ifndef PF_CORE_CHECKPOINT_PICKLE_VALUES_H
#define PF_CORE_CHECKPOINT_PICKLE_VALUES_H

#include "core/checkpoint/pickle.h"

enum { PF_PICKLE_MAX_MARKS = 256 };

typedef struct {
    union {
        int64_t number; /* BOOL, INT; number of the GLOBAL, STORAGE; TENSOR's tuple */
        double real;
        const char *bytes;      /* STRING, BIG_INT */
        uint32_t first_last[2]; /* cells of TUPLE, LIST, DICT */
    } as;
    uint32_t size;
    uint8_t kind;
    bool is_ordered; /* an OrderedDict: may be given attributes, which are dropped */
} pf_pickle_value;

typedef struct {
    pf_pickle_ref key, value;
    uint32_t next;
} pf_pickle_cell;

/* An array that grows up to a cap. */
typedef struct {
    void *items;
    size_t count, room, cap, item_size;
    const char *what;
} pf_pickle_pool;

struct pf_pickle {
    pf_pickle_pool values, cells, stack, memo, storages;
    size_t marks[PF_PICKLE_MAX_MARKS]; /* places of the open marks on the stack */
    size_t mark_count;
    bool is_done;
    pf_pickle_ref top;
};

/* With nothing in it but value and cell 0, which mean "none". Given, pf_pickle_free()
 * it. */
PF_MUST_CHECK pf_pickle *pf_pickle_new(pf_err *err);

/* One more item, zeroed; valid until the next one. NULL when the cap is reached. */
PF_MUST_CHECK void *pf_pickle_pool_add(pf_pickle_pool *p, pf_err *err);

static inline pf_pickle_value *pf_pickle_value_at(const pf_pickle *p, pf_pickle_ref v)
{
    return (pf_pickle_value *)p->values.items + v;
}

static inline pf_pickle_cell *pf_pickle_cell_at(const pf_pickle *p, uint32_t c)
{
    return (pf_pickle_cell *)p->cells.items + c;
}

static inline pf_pickle_ref *pf_pickle_stack_of(const pf_pickle *p)
{
    return p->stack.items;
}

static inline bool pf_pickle_is_kind(const pf_pickle *p, pf_pickle_ref v,
                                     pf_pickle_kind kind)
{
    return pf_pickle_value_at(p, v)->kind == kind;
}
bool pf_pickle_equals(const char *s, size_t n, const char *literal);

/* ---- the stack ---- */

PF_MUST_CHECK bool pf_pickle_push(pf_pickle *p, pf_pickle_ref v, pf_err *err);
/* A copy of *v becomes a value and goes on the stack. */
PF_MUST_CHECK bool pf_pickle_push_new(pf_pickle *p, const pf_pickle_value *v,
                                      pf_err *err);
PF_MUST_CHECK bool pf_pickle_push_number(pf_pickle *p, pf_pickle_kind kind,
                                         int64_t number, pf_err *err);
/* The topmost value, which is no mark. */
PF_MUST_CHECK bool pf_pickle_peek(const pf_pickle *p, pf_pickle_ref *v, pf_err *err);
/* The same, for the container that an opcode goes on filling. */
PF_MUST_CHECK bool pf_pickle_peek_kind(const pf_pickle *p, pf_pickle_kind kind,
                                       pf_pickle_ref *v, pf_err *err);
PF_MUST_CHECK bool pf_pickle_pop(pf_pickle *p, pf_pickle_ref *v, pf_err *err);
/* Remove the last mark and what lies on it; it begins at *first of the stack, which
 * holds it until the next push. */
PF_MUST_CHECK bool pf_pickle_pop_to_mark(pf_pickle *p, size_t *first, size_t *n,
                                         pf_err *err);

/* ---- containers ---- */

PF_MUST_CHECK bool pf_pickle_append(pf_pickle *p, pf_pickle_ref container,
                                    pf_pickle_ref key, pf_pickle_ref v, pf_err *err);
/* The first `n` values of a tuple; false when it has fewer. */
bool pf_pickle_unpack(const pf_pickle *p, pf_pickle_ref tuple, pf_pickle_ref *v,
                      size_t n);

#endif
