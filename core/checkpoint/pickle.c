/*
 * pickle.c - see pickle.h. The allow-lists and the machine that runs the opcodes; the
 * values it makes are in pickle_values.c.
 *
 * Opcodes are documented in Python's pickletools.py. Adding one? An op_...() function,
 * its line in `opcodes`, a case in tests/unit/test_pickle.c.
 */
#include "core/checkpoint/pickle.h"

#include <string.h>

#include "core/base/utf8.h"
#include "core/checkpoint/pickle_values.h"

enum {
    MAX_STRING = 1 << 20,
    MAX_INT_BYTES = 256,
    MAX_LINE = 512,     /* of a global's module or name */
    MAX_MEMO_GAP = 256, /* Python numbers the slots 0, 1, 2, ..., or from 1 */
};

/* ---- allow-list of names ---- */

typedef enum { MAKE_DICT, MAKE_TENSOR, MAKE_PARAMETER, STORAGE_TYPE } global_role;

static const struct {
    const char *module, *name;
    global_role role;
    pf_dtype dtype;
} globals[] = {
    {"collections", "OrderedDict", MAKE_DICT, 0},
    {"torch._utils", "_rebuild_tensor_v2", MAKE_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", MAKE_PARAMETER, 0},
    {"torch", "FloatStorage", STORAGE_TYPE, PF_DTYPE_F32},
    {"torch", "HalfStorage", STORAGE_TYPE, PF_DTYPE_F16},
    {"torch", "BFloat16Storage", STORAGE_TYPE, PF_DTYPE_BF16},
    {"torch", "DoubleStorage", STORAGE_TYPE, PF_DTYPE_F64},
    {"torch", "LongStorage", STORAGE_TYPE, PF_DTYPE_I64},
    {"torch", "IntStorage", STORAGE_TYPE, PF_DTYPE_I32},
    {"torch", "ShortStorage", STORAGE_TYPE, PF_DTYPE_I16},
    {"torch", "CharStorage", STORAGE_TYPE, PF_DTYPE_I8},
    {"torch", "ByteStorage", STORAGE_TYPE, PF_DTYPE_U8},
    {"torch", "BoolStorage", STORAGE_TYPE, PF_DTYPE_BOOL},
};

/* ---- opcodes: numbers, strings, containers ---- */

static bool cut_short(pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "the pickle is cut short");
}

static bool op_proto(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)p;
    uint8_t version;
    if (!pf_span_u8(s, &version))
        return cut_short(err);
    return (version >= 2 && version <= 5) ||
           pf_fail(err, PF_ERR_UNSUPPORTED, "protocol %u, 2 to 5 are read", version);
}

/* A frame is advice on how much to read at once. */
static bool op_frame(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)p;
    uint64_t n;
    if (!pf_span_u64le(s, &n))
        return cut_short(err);
    return n <= pf_span_left(s) ||
           pf_fail(err, PF_ERR_FORMAT, "a frame of %llu bytes, but only %zu follow",
                   (unsigned long long)n, pf_span_left(s));
}

static bool op_stop(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    if (!pf_pickle_pop(p, &p->top, err))
        return false;
    p->is_done = true;
    return p->stack.count == 0 ||
           pf_fail(err, PF_ERR_FORMAT, "%zu values are left over on the stack",
                   p->stack.count);
}

static bool op_mark(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    if (p->mark_count == PF_PICKLE_MAX_MARKS)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d marks are open",
                       (int)PF_PICKLE_MAX_MARKS);
    p->marks[p->mark_count++] = p->stack.count;
    return pf_pickle_push(p, 0, err);
}

static bool op_none(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return pf_pickle_push_number(p, PF_PICKLE_NONE, 0, err);
}

static bool op_true(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return pf_pickle_push_number(p, PF_PICKLE_BOOL, 1, err);
}

static bool op_false(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return pf_pickle_push_number(p, PF_PICKLE_BOOL, 0, err);
}

static bool op_int4(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint32_t v;
    if (!pf_span_u32le(s, &v))
        return cut_short(err);
    return pf_pickle_push_number(p, PF_PICKLE_INT, (int32_t)v, err);
}

static bool op_int1(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint8_t v;
    return pf_span_u8(s, &v) ? pf_pickle_push_number(p, PF_PICKLE_INT, v, err)
                             : cut_short(err);
}

static bool op_int2(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint16_t v;
    return pf_span_u16le(s, &v) ? pf_pickle_push_number(p, PF_PICKLE_INT, v, err)
                                : cut_short(err);
}

/* Two's complement of n bytes, the lowest first; no bytes are zero. */
static bool push_long(pf_pickle *p, pf_span *s, uint32_t n, pf_err *err)
{
    const uint8_t *b;
    if (n > MAX_INT_BYTES)
        return pf_fail(err, PF_ERR_LIMIT, "an integer of %u bytes, the limit is %d", n,
                       (int)MAX_INT_BYTES);
    if (!pf_span_take(s, n, &b))
        return cut_short(err);
    if (n > 8)
        return pf_pickle_push_new(p,
                                  &(pf_pickle_value){.as.bytes = (const char *)b,
                                                     .size = n,
                                                     .kind = PF_PICKLE_BIG_INT},
                                  err);
    uint64_t bits = n > 0 && (b[n - 1] & 0x80) ? UINT64_MAX : 0;
    for (uint32_t i = n; i-- > 0;)
        bits = bits << 8 | b[i];
    return pf_pickle_push_number(p, PF_PICKLE_INT, (int64_t)bits, err);
}

static bool op_long1(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint8_t n;
    return pf_span_u8(s, &n) ? push_long(p, s, n, err) : cut_short(err);
}

static bool op_long4(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint32_t n;
    return pf_span_u32le(s, &n) ? push_long(p, s, n, err) : cut_short(err);
}

static bool op_float(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint32_t high, low; /* big-endian, unlike all other numbers */
    if (!pf_span_u32be(s, &high) || !pf_span_u32be(s, &low))
        return cut_short(err);
    uint64_t bits = (uint64_t)high << 32 | low;
    pf_pickle_value v = {.kind = PF_PICKLE_REAL};
    memcpy(&v.as.real, &bits, sizeof bits);
    return pf_pickle_push_new(p, &v, err);
}

static bool push_string(pf_pickle *p, pf_span *s, uint64_t n, pf_err *err)
{
    const uint8_t *b;
    if (n > MAX_STRING)
        return pf_fail(err, PF_ERR_LIMIT, "a string of %llu bytes, the limit is %d",
                       (unsigned long long)n, (int)MAX_STRING);
    if (!pf_span_take(s, (size_t)n, &b))
        return cut_short(err);
    if (!pf_utf8_is_valid((const char *)b, (size_t)n))
        return pf_fail(err, PF_ERR_FORMAT, "a string is not UTF-8");
    return pf_pickle_push_new(p,
                              &(pf_pickle_value){.as.bytes = (const char *)b,
                                                 .size = (uint32_t)n,
                                                 .kind = PF_PICKLE_STRING},
                              err);
}

static bool op_string1(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint8_t n;
    return pf_span_u8(s, &n) ? push_string(p, s, n, err) : cut_short(err);
}

static bool op_string4(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint32_t n;
    return pf_span_u32le(s, &n) ? push_string(p, s, n, err) : cut_short(err);
}

static bool op_string8(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint64_t n;
    return pf_span_u64le(s, &n) ? push_string(p, s, n, err) : cut_short(err);
}

/* Make a tuple of n values of the stack, which were taken off it. */
static bool push_tuple(pf_pickle *p, size_t first, size_t n, pf_err *err)
{
    pf_pickle_value *slot = pf_pickle_pool_add(&p->values, err);
    if (!slot)
        return false;
    slot->kind = PF_PICKLE_TUPLE;
    pf_pickle_ref tuple = (pf_pickle_ref)(p->values.count - 1);
    for (size_t i = 0; i < n; i++) {
        if (!pf_pickle_append(p, tuple, 0, pf_pickle_stack_of(p)[first + i], err))
            return false;
    }
    return pf_pickle_push(p, tuple, err);
}

static bool push_tuple_of(pf_pickle *p, size_t n, pf_err *err)
{
    pf_pickle_ref ignored;
    for (size_t i = 0; i < n; i++) {
        if (!pf_pickle_pop(p, &ignored, err))
            return false;
    }
    return push_tuple(p, p->stack.count, n, err);
}

static bool op_tuple0(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return push_tuple_of(p, 0, err);
}

static bool op_tuple1(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return push_tuple_of(p, 1, err);
}

static bool op_tuple2(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return push_tuple_of(p, 2, err);
}

static bool op_tuple3(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return push_tuple_of(p, 3, err);
}

static bool op_tuple(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    size_t first, n;
    return pf_pickle_pop_to_mark(p, &first, &n, err) && push_tuple(p, first, n, err);
}

static bool op_list(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return pf_pickle_push_new(p, &(pf_pickle_value){.kind = PF_PICKLE_LIST}, err);
}

static bool op_dict(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return pf_pickle_push_new(p, &(pf_pickle_value){.kind = PF_PICKLE_DICT}, err);
}

static bool op_append(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    pf_pickle_ref v, list;
    return pf_pickle_pop(p, &v, err) &&
           pf_pickle_peek_kind(p, PF_PICKLE_LIST, &list, err) &&
           pf_pickle_append(p, list, 0, v, err);
}

static bool op_appends(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    size_t first, n;
    pf_pickle_ref list;
    if (!pf_pickle_pop_to_mark(p, &first, &n, err) ||
        !pf_pickle_peek_kind(p, PF_PICKLE_LIST, &list, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!pf_pickle_append(p, list, 0, pf_pickle_stack_of(p)[first + i], err))
            return false;
    }
    return true;
}

static bool op_setitem(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    pf_pickle_ref key, v, dict;
    return pf_pickle_pop(p, &v, err) && pf_pickle_pop(p, &key, err) &&
           pf_pickle_peek_kind(p, PF_PICKLE_DICT, &dict, err) &&
           pf_pickle_append(p, dict, key, v, err);
}

static bool op_setitems(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    size_t first, n;
    pf_pickle_ref dict;
    if (!pf_pickle_pop_to_mark(p, &first, &n, err) ||
        !pf_pickle_peek_kind(p, PF_PICKLE_DICT, &dict, err))
        return false;
    if (n % 2 != 0)
        return pf_fail(err, PF_ERR_FORMAT, "a key has no value");
    for (size_t i = 0; i < n; i += 2) {
        if (!pf_pickle_append(p, dict, pf_pickle_stack_of(p)[first + i],
                              pf_pickle_stack_of(p)[first + i + 1], err))
            return false;
    }
    return true;
}

/* ---- opcodes: the memo ---- */

static bool memo_put(pf_pickle *p, size_t slot, pf_err *err)
{
    pf_pickle_ref v;
    if (!pf_pickle_peek(p, &v, err))
        return false;
    if (slot >= p->memo.count + MAX_MEMO_GAP)
        return pf_fail(err, PF_ERR_LIMIT, "memo slot %zu, but only %zu are in use",
                       slot, p->memo.count);
    while (slot >= p->memo.count) {
        if (!pf_pickle_pool_add(&p->memo, err))
            return false;
    }
    ((pf_pickle_ref *)p->memo.items)[slot] = v;
    return true;
}

static bool memo_get(pf_pickle *p, size_t slot, pf_err *err)
{
    pf_pickle_ref v = slot < p->memo.count ? ((pf_pickle_ref *)p->memo.items)[slot] : 0;
    if (v == 0)
        return pf_fail(err, PF_ERR_FORMAT, "memo slot %zu was never filled", slot);
    return pf_pickle_push(p, v, err);
}

static bool op_put1(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint8_t slot;
    return pf_span_u8(s, &slot) ? memo_put(p, slot, err) : cut_short(err);
}

static bool op_put4(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint32_t slot;
    return pf_span_u32le(s, &slot) ? memo_put(p, slot, err) : cut_short(err);
}

static bool op_memoize(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    return memo_put(p, p->memo.count, err);
}

static bool op_get1(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint8_t slot;
    return pf_span_u8(s, &slot) ? memo_get(p, slot, err) : cut_short(err);
}

static bool op_get4(pf_pickle *p, pf_span *s, pf_err *err)
{
    uint32_t slot;
    return pf_span_u32le(s, &slot) ? memo_get(p, slot, err) : cut_short(err);
}

/* ---- opcodes: names and calls ---- */

static bool push_global(pf_pickle *p, const char *module, size_t n_module,
                        const char *name, size_t n_name, pf_err *err)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (pf_pickle_equals(module, n_module, globals[i].module) &&
            pf_pickle_equals(name, n_name, globals[i].name))
            return pf_pickle_push_number(p, PF_PICKLE_GLOBAL, (int64_t)i, err);
    }
    if (!pf_utf8_is_valid(module, n_module) || !pf_utf8_is_valid(name, n_name))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "refuses a global whose name is not UTF-8");
    return pf_fail(err, PF_ERR_UNSUPPORTED,
                   "refuses the pickle global '%.*s.%.*s', which no state dict needs "
                   "(nothing was run); save model.state_dict() alone",
                   pf_utf8_shown(module, n_module), module, pf_utf8_shown(name, n_name),
                   name);
}

static bool take_line(pf_span *s, const char **line, size_t *n)
{
    size_t most = pf_span_left(s) < MAX_LINE ? pf_span_left(s) : MAX_LINE;
    const uint8_t *newline = memchr(s->p, '\n', most);
    if (!newline)
        return false;
    *line = (const char *)s->p;
    *n = (size_t)(newline - s->p);
    s->p = newline + 1;
    return true;
}

static bool op_global(pf_pickle *p, pf_span *s, pf_err *err)
{
    const char *module, *name;
    size_t n_module, n_name;
    if (!take_line(s, &module, &n_module) || !take_line(s, &name, &n_name))
        return pf_fail(err, PF_ERR_FORMAT, "a global without a name");
    return push_global(p, module, n_module, name, n_name, err);
}

static bool op_stack_global(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    pf_pickle_ref name, module;
    if (!pf_pickle_pop(p, &name, err) || !pf_pickle_pop(p, &module, err))
        return false;
    if (!pf_pickle_is_kind(p, name, PF_PICKLE_STRING) ||
        !pf_pickle_is_kind(p, module, PF_PICKLE_STRING))
        return pf_fail(err, PF_ERR_FORMAT, "a global's name is no string");
    const pf_pickle_value *m = pf_pickle_value_at(p, module),
                          *n = pf_pickle_value_at(p, name);
    return push_global(p, m->as.bytes, m->size, n->as.bytes, n->size, err);
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
static bool make_tensor(pf_pickle *p, pf_pickle_ref args, pf_err *err)
{
    pf_pickle_ref a[4];
    size_t n = pf_pickle_value_at(p, args)->size;
    if ((n != 6 && n != 7) || !pf_pickle_unpack(p, args, a, 4) ||
        !pf_pickle_is_kind(p, a[0], PF_PICKLE_STORAGE) ||
        !pf_pickle_is_kind(p, a[1], PF_PICKLE_INT) ||
        !pf_pickle_is_kind(p, a[2], PF_PICKLE_TUPLE) ||
        !pf_pickle_is_kind(p, a[3], PF_PICKLE_TUPLE))
        return pf_fail(
            err, PF_ERR_FORMAT,
            "_rebuild_tensor_v2 does not get (storage, offset, size, stride, "
            "requires_grad, hooks)");
    return pf_pickle_push_number(p, PF_PICKLE_TENSOR, args, err);
}

/* (tensor, requires_grad, hooks): a Parameter is its tensor. */
static bool make_parameter(pf_pickle *p, pf_pickle_ref args, pf_err *err)
{
    pf_pickle_ref tensor;
    if (pf_pickle_value_at(p, args)->size != 3 ||
        !pf_pickle_unpack(p, args, &tensor, 1) ||
        !pf_pickle_is_kind(p, tensor, PF_PICKLE_TENSOR))
        return pf_fail(
            err, PF_ERR_FORMAT,
            "_rebuild_parameter does not get (tensor, requires_grad, hooks)");
    return pf_pickle_push(p, tensor, err);
}

static bool op_reduce(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    pf_pickle_ref args, callee;
    if (!pf_pickle_pop(p, &args, err) || !pf_pickle_pop(p, &callee, err))
        return false;
    if (!pf_pickle_is_kind(p, callee, PF_PICKLE_GLOBAL) ||
        !pf_pickle_is_kind(p, args, PF_PICKLE_TUPLE))
        return pf_fail(err, PF_ERR_FORMAT, "calls %s with %s",
                       pf_pickle_kind_name(pf_pickle_value_at(p, callee)->kind),
                       pf_pickle_kind_name(pf_pickle_value_at(p, args)->kind));
    size_t which = (size_t)pf_pickle_value_at(p, callee)->as.number;
    switch (globals[which].role) {
    case MAKE_DICT:
        if (pf_pickle_value_at(p, args)->size != 0)
            return pf_fail(err, PF_ERR_UNSUPPORTED,
                           "an OrderedDict with arguments (Python 2 wrote such); load "
                           "the file with torch and save it again");
        return pf_pickle_push_new(
            p, &(pf_pickle_value){.kind = PF_PICKLE_DICT, .is_ordered = true}, err);
    case MAKE_TENSOR:
        return make_tensor(p, args, err);
    case MAKE_PARAMETER:
        return make_parameter(p, args, err);
    case STORAGE_TYPE:
        break;
    }
    return pf_fail(err, PF_ERR_UNSUPPORTED, "refuses to call '%s.%s'",
                   globals[which].module, globals[which].name);
}

/* Attributes of an OrderedDict, which is `_metadata` in a state dict: dropped. */
static bool op_build(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    pf_pickle_ref state, target;
    if (!pf_pickle_pop(p, &state, err) || !pf_pickle_peek(p, &target, err))
        return false;
    return pf_pickle_value_at(p, target)->is_ordered ||
           pf_fail(err, PF_ERR_UNSUPPORTED, "refuses to set attributes of %s",
                   pf_pickle_kind_name(pf_pickle_value_at(p, target)->kind));
}

/* ---- persistent ids ---- */

/* (key, offset, size) of a part of the storage, or None; old files have such. */
static bool read_view(const pf_pickle *p, pf_pickle_ref v, pf_pickle_storage *st)
{
    pf_pickle_ref part[3];
    st->view_numel = st->numel;
    if (pf_pickle_is_kind(p, v, PF_PICKLE_NONE))
        return true;
    return pf_pickle_is_kind(p, v, PF_PICKLE_TUPLE) &&
           pf_pickle_unpack(p, v, part, 3) &&
           pf_pickle_to_int(p, part[1], &st->view_offset) &&
           pf_pickle_to_int(p, part[2], &st->view_numel) && st->view_offset >= 0 &&
           st->view_numel >= 0 && st->view_offset <= st->numel &&
           st->view_numel <= st->numel - st->view_offset;
}

static bool refuse_id(const pf_pickle *p, pf_pickle_ref id, pf_err *err)
{
    pf_pickle_ref tag;
    const char *s;
    size_t n;
    if (!pf_pickle_is_kind(p, id, PF_PICKLE_TUPLE) ||
        !pf_pickle_unpack(p, id, &tag, 1) ||
        !pf_pickle_is_kind(p, tag, PF_PICKLE_STRING) ||
        !pf_pickle_to_bytes(p, tag, &s, &n))
        return pf_fail(err, PF_ERR_UNSUPPORTED, "refuses a persistent id that is %s",
                       pf_pickle_kind_name(pf_pickle_value_at(p, id)->kind));
    if (pf_pickle_equals(s, n, "module"))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "refuses the persistent id 'module': a whole model was saved, "
                       "save its state_dict() instead");
    return pf_fail(err, PF_ERR_UNSUPPORTED, "refuses the persistent id '%.*s'",
                   pf_utf8_shown(s, n), s);
}

/* ('storage', type, key, location, numel[, view]) */
static bool op_persistent_id(pf_pickle *p, pf_span *s, pf_err *err)
{
    (void)s;
    pf_pickle_ref id, part[6];
    const char *tag;
    size_t n_tag;
    if (!pf_pickle_pop(p, &id, err))
        return false;
    size_t n =
        pf_pickle_is_kind(p, id, PF_PICKLE_TUPLE) ? pf_pickle_value_at(p, id)->size : 0;
    if (n == 0 || !pf_pickle_unpack(p, id, part, 1) ||
        !pf_pickle_is_kind(p, part[0], PF_PICKLE_STRING) ||
        !pf_pickle_to_bytes(p, part[0], &tag, &n_tag) ||
        !pf_pickle_equals(tag, n_tag, "storage"))
        return refuse_id(p, id, err);

    pf_pickle_storage st = {0};
    if ((n != 5 && n != 6) || !pf_pickle_unpack(p, id, part, n) ||
        !pf_pickle_is_kind(p, part[1], PF_PICKLE_GLOBAL) ||
        !pf_pickle_is_kind(p, part[2], PF_PICKLE_STRING) ||
        !pf_pickle_to_bytes(p, part[2], &st.key, &st.key_size) ||
        !pf_pickle_to_int(p, part[4], &st.numel))
        return pf_fail(err, PF_ERR_FORMAT,
                       "a storage is not ('storage', type, key, location, numel)");
    size_t type = (size_t)pf_pickle_value_at(p, part[1])->as.number;
    if (globals[type].role != STORAGE_TYPE)
        return pf_fail(err, PF_ERR_FORMAT, "'%s.%s' is no storage type",
                       globals[type].module, globals[type].name);
    st.dtype = globals[type].dtype;
    st.view_numel = st.numel;
    if (st.numel < 0 || st.numel > INT64_MAX / (int64_t)pf_dtype_size(st.dtype))
        return pf_fail(err, PF_ERR_FORMAT, "a storage of %lld elements",
                       (long long)st.numel);
    if (n == 6 && !read_view(p, part[5], &st))
        return pf_fail(err, PF_ERR_FORMAT, "a storage's view leaves the storage");
    pf_pickle_storage *slot = pf_pickle_pool_add(&p->storages, err);
    if (!slot)
        return false;
    *slot = st;
    return pf_pickle_push_number(p, PF_PICKLE_STORAGE, (int64_t)(p->storages.count - 1),
                                 err);
}

/* ---- the machine ---- */

static const struct {
    const char *name;
    bool (*run)(pf_pickle *p, pf_span *s, pf_err *err); /* NULL: refused */
} opcodes[256] = {
    ['('] = {"MARK", op_mark},
    ['.'] = {"STOP", op_stop},
    ['0'] = {"POP", NULL},
    ['1'] = {"POP_MARK", NULL},
    ['2'] = {"DUP", NULL},
    ['F'] = {"FLOAT", NULL},
    ['I'] = {"INT", NULL},
    ['J'] = {"BININT", op_int4},
    ['K'] = {"BININT1", op_int1},
    ['L'] = {"LONG", NULL},
    ['M'] = {"BININT2", op_int2},
    ['N'] = {"NONE", op_none},
    ['P'] = {"PERSID", NULL},
    ['Q'] = {"BINPERSID", op_persistent_id},
    ['R'] = {"REDUCE", op_reduce},
    ['S'] = {"STRING", NULL},
    ['T'] = {"BINSTRING", op_string4},
    ['U'] = {"SHORT_BINSTRING", op_string1},
    ['V'] = {"UNICODE", NULL},
    ['X'] = {"BINUNICODE", op_string4},
    ['a'] = {"APPEND", op_append},
    ['b'] = {"BUILD", op_build},
    ['c'] = {"GLOBAL", op_global},
    ['d'] = {"DICT", NULL},
    ['}'] = {"EMPTY_DICT", op_dict},
    ['e'] = {"APPENDS", op_appends},
    ['g'] = {"GET", NULL},
    ['h'] = {"BINGET", op_get1},
    ['i'] = {"INST", NULL},
    ['j'] = {"LONG_BINGET", op_get4},
    ['l'] = {"LIST", NULL},
    [']'] = {"EMPTY_LIST", op_list},
    ['o'] = {"OBJ", NULL},
    ['p'] = {"PUT", NULL},
    ['q'] = {"BINPUT", op_put1},
    ['r'] = {"LONG_BINPUT", op_put4},
    ['s'] = {"SETITEM", op_setitem},
    ['t'] = {"TUPLE", op_tuple},
    [')'] = {"EMPTY_TUPLE", op_tuple0},
    ['u'] = {"SETITEMS", op_setitems},
    ['G'] = {"BINFLOAT", op_float},
    [0x80] = {"PROTO", op_proto},
    [0x81] = {"NEWOBJ", NULL},
    [0x82] = {"EXT1", NULL},
    [0x83] = {"EXT2", NULL},
    [0x84] = {"EXT4", NULL},
    [0x85] = {"TUPLE1", op_tuple1},
    [0x86] = {"TUPLE2", op_tuple2},
    [0x87] = {"TUPLE3", op_tuple3},
    [0x88] = {"NEWTRUE", op_true},
    [0x89] = {"NEWFALSE", op_false},
    [0x8A] = {"LONG1", op_long1},
    [0x8B] = {"LONG4", op_long4},
    ['B'] = {"BINBYTES", NULL},
    ['C'] = {"SHORT_BINBYTES", NULL},
    [0x8C] = {"SHORT_BINUNICODE", op_string1},
    [0x8D] = {"BINUNICODE8", op_string8},
    [0x8E] = {"BINBYTES8", NULL},
    [0x8F] = {"EMPTY_SET", NULL},
    [0x90] = {"ADDITEMS", NULL},
    [0x91] = {"FROZENSET", NULL},
    [0x92] = {"NEWOBJ_EX", NULL},
    [0x93] = {"STACK_GLOBAL", op_stack_global},
    [0x94] = {"MEMOIZE", op_memoize},
    [0x95] = {"FRAME", op_frame},
    [0x96] = {"BYTEARRAY8", NULL},
    [0x97] = {"NEXT_BUFFER", NULL},
    [0x98] = {"READONLY_BUFFER", NULL},
};

static bool run(pf_pickle *p, pf_span *s, pf_err *err)
{
    const uint8_t *start = s->p;
    while (!p->is_done) {
        size_t at = (size_t)(s->p - start);
        uint8_t op;
        if (!pf_span_u8(s, &op))
            return cut_short(err);
        if (!opcodes[op].name)
            return pf_fail(err, PF_ERR_FORMAT, "pickle byte %zu: 0x%02x is no opcode",
                           at, op);
        if (!opcodes[op].run)
            return pf_fail(err, PF_ERR_UNSUPPORTED,
                           "pickle byte %zu: refuses the opcode '%s', which no state "
                           "dict needs",
                           at, opcodes[op].name);
        if (!opcodes[op].run(p, s, err))
            return pf_fail_in(err, "pickle byte %zu, %s", at, opcodes[op].name);
    }
    return true;
}

bool pf_pickle_read(pf_pickle **out, pf_span *bytes, pf_err *err)
{
    *out = NULL;
    pf_pickle *p = pf_pickle_new(err);
    if (!p)
        return false;
    if (!run(p, bytes, err)) {
        pf_pickle_free(p);
        return false;
    }
    *out = p;
    return true;
}
