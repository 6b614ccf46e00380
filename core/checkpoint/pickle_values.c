/* pickle_values.c - see pickle_values.h, and the readers' half of pickle.h. */
#include "core/checkpoint/pickle_values.h"

#include <string.h>

#include "core/base/mem.h"

enum {
    MAX_VALUES = 1 << 20, /* a 1.85 GB checkpoint with its optimizer has about 30,000 */
    MAX_CELLS = 1 << 21,
    MAX_STACK = 1 << 16, /* Python sends items of a container in thousands */
    MAX_STORAGES = 1 << 18,
};

/* ---- pools and the stack ---- */

void *pf_pickle_pool_add(pf_pickle_pool *p, pf_err *err)
{
    if (p->count == p->cap) {
        pf_fail(err, PF_ERR_LIMIT, "more than %zu %s", p->cap, p->what);
        return NULL;
    }
    if (!pf_grow_array(&p->items, &p->room, p->count, p->item_size, err))
        return NULL;
    void *item = (char *)p->items + p->count++ * p->item_size;
    memset(item, 0, p->item_size);
    return item;
}

bool pf_pickle_push(pf_pickle *p, pf_pickle_ref v, pf_err *err)
{
    pf_pickle_ref *slot = pf_pickle_pool_add(&p->stack, err);
    if (slot)
        *slot = v;
    return slot != NULL;
}

bool pf_pickle_push_new(pf_pickle *p, const pf_pickle_value *v, pf_err *err)
{
    pf_pickle_value *slot = pf_pickle_pool_add(&p->values, err);
    if (!slot)
        return false;
    *slot = *v;
    return pf_pickle_push(p, (pf_pickle_ref)(p->values.count - 1), err);
}

bool pf_pickle_push_number(pf_pickle *p, pf_pickle_kind kind, int64_t number,
                           pf_err *err)
{
    return pf_pickle_push_new(
        p, &(pf_pickle_value){.as.number = number, .kind = (uint8_t)kind}, err);
}

bool pf_pickle_peek(const pf_pickle *p, pf_pickle_ref *v, pf_err *err)
{
    size_t n = p->stack.count;
    *v = 0;
    if (n == 0 || pf_pickle_stack_of(p)[n - 1] == 0)
        return pf_fail(err, PF_ERR_FORMAT, "there is no value on the stack");
    *v = pf_pickle_stack_of(p)[n - 1];
    return true;
}

bool pf_pickle_pop(pf_pickle *p, pf_pickle_ref *v, pf_err *err)
{
    if (!pf_pickle_peek(p, v, err))
        return false;
    p->stack.count--;
    return true;
}

bool pf_pickle_pop_to_mark(pf_pickle *p, size_t *first, size_t *n, pf_err *err)
{
    *first = *n = 0;
    if (p->mark_count == 0)
        return pf_fail(err, PF_ERR_FORMAT, "there is no mark on the stack");
    size_t mark = p->marks[--p->mark_count];
    *first = mark + 1;
    *n = p->stack.count - *first;
    p->stack.count = mark;
    return true;
}

bool pf_pickle_append(pf_pickle *p, pf_pickle_ref container, pf_pickle_ref key,
                      pf_pickle_ref v, pf_err *err)
{
    pf_pickle_cell *c = pf_pickle_pool_add(&p->cells, err);
    if (!c)
        return false;
    *c = (pf_pickle_cell){.key = key, .value = v};
    uint32_t index = (uint32_t)(p->cells.count - 1);
    pf_pickle_value *into = pf_pickle_value_at(p, container);
    if (into->size == 0)
        into->as.first_last[0] = index;
    else
        pf_pickle_cell_at(p, into->as.first_last[1])->next = index;
    into->as.first_last[1] = index;
    into->size++;
    return true;
}

bool pf_pickle_peek_kind(const pf_pickle *p, pf_pickle_kind kind, pf_pickle_ref *v,
                         pf_err *err)
{
    if (!pf_pickle_peek(p, v, err))
        return false;
    pf_pickle_kind found = pf_pickle_value_at(p, *v)->kind;
    return found == kind ||
           pf_fail(err, PF_ERR_FORMAT, "needs %s on the stack, found %s",
                   pf_pickle_kind_name(kind), pf_pickle_kind_name(found));
}

bool pf_pickle_unpack(const pf_pickle *p, pf_pickle_ref tuple, pf_pickle_ref *v,
                      size_t n)
{
    pf_pickle_item item = {0};
    for (size_t i = 0; i < n; i++) {
        if (!pf_pickle_next(p, tuple, &item))
            return false;
        v[i] = item.value;
    }
    return true;
}

bool pf_pickle_equals(const char *s, size_t n, const char *literal)
{
    return n == strlen(literal) && memcmp(s, literal, n) == 0;
}

/* ---- from beginning to end ---- */

pf_pickle *pf_pickle_new(pf_err *err)
{
    pf_pickle *p = pf_zalloc(sizeof *p, err);
    if (!p)
        return NULL;
    p->values = (pf_pickle_pool){
        .cap = MAX_VALUES, .item_size = sizeof(pf_pickle_value), .what = "values"};
    p->cells = (pf_pickle_pool){
        .cap = MAX_CELLS, .item_size = sizeof(pf_pickle_cell), .what = "items"};
    p->stack = (pf_pickle_pool){
        .cap = MAX_STACK, .item_size = sizeof(pf_pickle_ref), .what = "stacked values"};
    p->memo = (pf_pickle_pool){
        .cap = MAX_VALUES, .item_size = sizeof(pf_pickle_ref), .what = "memo slots"};
    p->storages = (pf_pickle_pool){.cap = MAX_STORAGES,
                                   .item_size = sizeof(pf_pickle_storage),
                                   .what = "storages"};
    if (!pf_pickle_pool_add(&p->values, err) || !pf_pickle_pool_add(&p->cells, err)) {
        pf_pickle_free(p);
        return NULL;
    }
    return p;
}

void pf_pickle_free(pf_pickle *p)
{
    if (!p)
        return;
    pf_free(p->values.items);
    pf_free(p->cells.items);
    pf_free(p->stack.items);
    pf_free(p->memo.items);
    pf_free(p->storages.items);
    pf_free(p);
}

/* ---- reading the graph ---- */

pf_pickle_ref pf_pickle_top(const pf_pickle *p)
{
    return p->top;
}

pf_pickle_kind pf_pickle_get_kind(const pf_pickle *p, pf_pickle_ref v)
{
    return pf_pickle_value_at(p, v)->kind;
}

const char *pf_pickle_kind_name(pf_pickle_kind kind)
{
    static const char *const names[] = {
        [PF_PICKLE_NONE] = "None",         [PF_PICKLE_BOOL] = "a bool",
        [PF_PICKLE_INT] = "an integer",    [PF_PICKLE_BIG_INT] = "a long integer",
        [PF_PICKLE_REAL] = "a float",      [PF_PICKLE_STRING] = "a string",
        [PF_PICKLE_TUPLE] = "a tuple",     [PF_PICKLE_LIST] = "a list",
        [PF_PICKLE_DICT] = "a dict",       [PF_PICKLE_GLOBAL] = "a global",
        [PF_PICKLE_STORAGE] = "a storage", [PF_PICKLE_TENSOR] = "a tensor",
    };
    return names[kind];
}

bool pf_pickle_to_bool(const pf_pickle *p, pf_pickle_ref v, bool *out)
{
    if (!pf_pickle_is_kind(p, v, PF_PICKLE_BOOL))
        return false;
    *out = pf_pickle_value_at(p, v)->as.number != 0;
    return true;
}

bool pf_pickle_to_int(const pf_pickle *p, pf_pickle_ref v, int64_t *out)
{
    if (!pf_pickle_is_kind(p, v, PF_PICKLE_INT))
        return false;
    *out = pf_pickle_value_at(p, v)->as.number;
    return true;
}

bool pf_pickle_to_bytes(const pf_pickle *p, pf_pickle_ref v, const char **s, size_t *n)
{
    if (!pf_pickle_is_kind(p, v, PF_PICKLE_STRING) &&
        !pf_pickle_is_kind(p, v, PF_PICKLE_BIG_INT))
        return false;
    *s = pf_pickle_value_at(p, v)->as.bytes;
    *n = pf_pickle_value_at(p, v)->size;
    return true;
}

bool pf_pickle_to_tensor(const pf_pickle *p, pf_pickle_ref v, pf_pickle_tensor *out)
{
    pf_pickle_ref a[4];
    if (!pf_pickle_is_kind(p, v, PF_PICKLE_TENSOR) ||
        !pf_pickle_unpack(p, (pf_pickle_ref)pf_pickle_value_at(p, v)->as.number, a, 4))
        return false;
    *out = (pf_pickle_tensor){.storage = (size_t)pf_pickle_value_at(p, a[0])->as.number,
                              .offset = pf_pickle_value_at(p, a[1])->as.number,
                              .size = a[2],
                              .stride = a[3]};
    return true;
}

static bool is_container(const pf_pickle *p, pf_pickle_ref v)
{
    return pf_pickle_is_kind(p, v, PF_PICKLE_TUPLE) ||
           pf_pickle_is_kind(p, v, PF_PICKLE_LIST) ||
           pf_pickle_is_kind(p, v, PF_PICKLE_DICT);
}

size_t pf_pickle_size(const pf_pickle *p, pf_pickle_ref v)
{
    return is_container(p, v) ? pf_pickle_value_at(p, v)->size : 0;
}

bool pf_pickle_next(const pf_pickle *p, pf_pickle_ref v, pf_pickle_item *item)
{
    if (pf_pickle_size(p, v) == 0)
        return false;
    item->at = item->at ? pf_pickle_cell_at(p, item->at)->next
                        : pf_pickle_value_at(p, v)->as.first_last[0];
    if (item->at == 0)
        return false;
    item->key = pf_pickle_cell_at(p, item->at)->key;
    item->value = pf_pickle_cell_at(p, item->at)->value;
    return true;
}

size_t pf_pickle_find(const pf_pickle *p, pf_pickle_ref dict, const char *key,
                      pf_pickle_ref *found)
{
    size_t count = 0;
    pf_pickle_item item = {0};
    if (!pf_pickle_is_kind(p, dict, PF_PICKLE_DICT))
        return 0;
    while (pf_pickle_next(p, dict, &item)) {
        const pf_pickle_value *k = pf_pickle_value_at(p, item.key);
        if (k->kind == PF_PICKLE_STRING &&
            pf_pickle_equals(k->as.bytes, k->size, key)) {
            *found = item.value;
            count++;
        }
    }
    return count;
}

size_t pf_pickle_storages(const pf_pickle *p)
{
    return p->storages.count;
}

const pf_pickle_storage *pf_pickle_storage_at(const pf_pickle *p, size_t i)
{
    return (const pf_pickle_storage *)p->storages.items + i;
}
