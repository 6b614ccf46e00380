/*
 * test_pickle.c - the pickle machine by itself: what it reads, what it refuses, bombs.
 */
#include <string.h>

#include "core/base/buf.h"
#include "core/checkpoint/pickle.h"
#include "tests/unit/checkpoint_support.h"

/* A pickle from a literal, in memory of exactly its size. */
#define READ(out, literal, err) read_bytes(out, literal, sizeof literal - 1, err)

static uint8_t *held; /* the bytes of the last pickle, which it borrows */

static bool read_bytes(pf_pickle **out, const void *bytes, size_t n, pf_err *err)
{
    free(held);
    held = malloc(n ? n : 1);
    assert_non_null(held);
    memcpy(held, bytes, n);
    pf_span s = pf_span_of(held, n);
    *err = (pf_err)PF_ERR_INIT;
    return pf_pickle_read(out, &s, err);
}

static int let_go(void **state)
{
    (void)state;
    free(held);
    held = NULL;
    return 0;
}

/* ---- values ---- */

static int64_t int_of(const void *bytes, size_t n)
{
    pf_pickle *p;
    pf_err err;
    int64_t v = 0;
    assert_ok(read_bytes(&p, bytes, n, &err), &err);
    assert_true(pf_pickle_to_int(p, pf_pickle_top(p), &v));
    pf_pickle_free(p);
    return v;
}
#define INT_OF(literal) int_of(literal, sizeof literal - 1)

static void integers_of_every_width(void **state)
{
    (void)state;
    assert_true(INT_OF("K\xFF.") == 255);
    assert_true(INT_OF("M\xFF\xFF.") == 65535);
    assert_true(INT_OF("J\xFE\xFF\xFF\xFF.") == -2);
    assert_true(INT_OF("J\xFF\xFF\xFF\x7F.") == INT32_MAX);
    assert_true(INT_OF("\x8A\0.") == 0);
    assert_true(INT_OF("\x8A\1\x80.") == -128);
    assert_true(INT_OF("\x8A\2\x80\0.") == 128);
    assert_true(INT_OF("\x8A\x08\0\0\0\0\0\0\0\x80.") == INT64_MIN);
    assert_true(INT_OF("\x8B\5\0\0\0\0\0\0\0\1.") == (int64_t)1 << 32);
}

static void an_integer_of_more_than_64_bits_keeps_its_bytes(void **state)
{
    (void)state;
    pf_pickle *p;
    pf_err err;
    const char *s;
    size_t n;
    int64_t v;
    assert_ok(READ(&p, "\x80\2\x8A\x09\1\2\3\4\5\6\7\x08\x09.", &err), &err);
    assert_int_equal(pf_pickle_get_kind(p, pf_pickle_top(p)), PF_PICKLE_BIG_INT);
    assert_false(pf_pickle_to_int(p, pf_pickle_top(p), &v));
    assert_true(pf_pickle_to_bytes(p, pf_pickle_top(p), &s, &n));
    assert_int_equal(n, 9);
    assert_memory_equal(s, "\1\2\3\4\5\6\7\x08\x09", 9);
    pf_pickle_free(p);
}

static void containers_keep_order_and_identity(void **state)
{
    (void)state;
    pf_pickle *p;
    pf_err err;
    pf_pickle_ref v, shared;
    /* {'a': [1, 2], 'b': ('x', None, True), 'a': the list again} */
    assert_ok(
        READ(&p, "\x80\2}q\0(X\1\0\0\0aq\1]q\2(K\1K\2eX\1\0\0\0bU\1xN\x88\x87h\1h\2u.",
             &err),
        &err);
    pf_pickle_ref top = pf_pickle_top(p);
    assert_int_equal(pf_pickle_size(p, top), 3);
    assert_int_equal(pf_pickle_find(p, top, "a", &shared), 2);
    assert_int_equal(pf_pickle_size(p, shared), 2);
    assert_int_equal(pf_pickle_find(p, top, "b", &v), 1);
    assert_int_equal(pf_pickle_get_kind(p, v), PF_PICKLE_TUPLE);
    assert_int_equal(pf_pickle_size(p, v), 3);
    assert_int_equal(pf_pickle_find(p, top, "c", &v), 0);
    pf_pickle_item item = {0};
    int64_t sum = 0, one;
    while (pf_pickle_next(p, shared, &item)) {
        assert_true(pf_pickle_to_int(p, item.value, &one));
        sum = sum * 10 + one;
    }
    assert_int_equal(sum, 12);
    pf_pickle_free(p);
}

static void a_list_may_hold_itself(void **state)
{
    (void)state;
    pf_pickle *p;
    pf_err err;
    assert_ok(READ(&p, "\x80\2]q\0h\0a.", &err), &err);
    pf_pickle_item item = {0};
    assert_true(pf_pickle_next(p, pf_pickle_top(p), &item));
    assert_int_equal(item.value, pf_pickle_top(p));
    assert_false(pf_pickle_next(p, pf_pickle_top(p), &item));
    pf_pickle_free(p);
}

#define STORAGE "(X\7\0\0\0storagectorch\nFloatStorage\nX\3\0\0\0keyX\3\0\0\0cpuK\7tQ"
#define TENSOR "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE "K\2K\5\x85K\1\x85\x89N"

static void a_tensor_is_its_arguments(void **state)
{
    (void)state;
    pf_pickle *p;
    pf_err err;
    pf_pickle_tensor t;
    assert_ok(READ(&p, "\x80\2" TENSOR "tR.", &err), &err);
    assert_true(pf_pickle_to_tensor(p, pf_pickle_top(p), &t));
    assert_int_equal(t.offset, 2);
    assert_int_equal(pf_pickle_size(p, t.size), 1);
    assert_int_equal(pf_pickle_storages(p), 1);
    const pf_pickle_storage *st = pf_pickle_storage_at(p, t.storage);
    assert_int_equal(st->key_size, 3);
    assert_memory_equal(st->key, "key", 3);
    assert_int_equal(st->dtype, PF_DTYPE_F32);
    assert_int_equal(st->numel, 7);
    assert_int_equal(st->view_numel, 7);
    pf_pickle_free(p);
    /* torch 2.1 adds metadata, a Parameter wraps */
    assert_ok(READ(&p, "\x80\2" TENSOR "}tR.", &err), &err);
    pf_pickle_free(p);
    assert_ok(READ(&p,
                   "\x80\2"
                   "ctorch._utils\n_rebuild_parameter\n" TENSOR "tR\x88N\x87R.",
                   &err),
              &err);
    assert_true(pf_pickle_to_tensor(p, pf_pickle_top(p), &t));
    pf_pickle_free(p);
}

static void a_view_of_a_storage_stays_inside(void **state)
{
    (void)state;
    pf_pickle *p;
    pf_err err;
#define VIEWED(view)                                                                   \
    "(X\7\0\0\0storagectorch\nHalfStorage\nX\1\0\0\0kX\3\0\0\0cpuK\7" view "tQ."
    assert_ok(READ(&p, VIEWED("X\1\0\0\0vK\2K\5\x87"), &err), &err);
    assert_int_equal(pf_pickle_storage_at(p, 0)->view_offset, 2);
    assert_int_equal(pf_pickle_storage_at(p, 0)->view_numel, 5);
    pf_pickle_free(p);
    assert_ok(READ(&p, VIEWED("N"), &err), &err);
    assert_int_equal(pf_pickle_storage_at(p, 0)->view_numel, 7);
    pf_pickle_free(p);
    assert_refused(READ(&p, VIEWED("X\1\0\0\0vK\2K\6\x87"), &err), &err, "view leaves");
    assert_refused(READ(&p, VIEWED("X\1\0\0\0vK\x08K\0\x87"), &err), &err,
                   "view leaves");
    assert_refused(READ(&p, VIEWED("X\1\0\0\0vJ\xFF\xFF\xFF\xFFK\1\x87"), &err), &err,
                   "view leaves");
    assert_refused(READ(&p, VIEWED("K\1"), &err), &err, "view leaves");
#undef VIEWED
}

/* ---- refusals ---- */

typedef struct {
    const char *bytes;
    size_t n;
    const char *words;
} refusal;

#define REFUSE(literal, words)                                                         \
    {                                                                                  \
        literal, sizeof literal - 1, words                                             \
    }

static const refusal refusals[] = {
    /* names */
    REFUSE("cos\nsystem\n.", "'os.system'"),
    REFUSE("c__builtin__\neval\n.", "'__builtin__.eval'"),
    REFUSE("\x8C\2os\x8C\6system\x93.", "'os.system'"),
    REFUSE("\x8C\x0B"
           "collections\x8C\7"
           "Counter\x93.",
           "'collections.Counter'"),
    REFUSE("K\1K\2\x93.", "a global's name is no string"),
    REFUSE("c\xFF\n\xFF\n.", "whose name is not UTF-8"),
    REFUSE("ccollections\nOrderedDict", "a global without a name"),
    REFUSE("c\n\n.", "refuses the pickle global '.'"),
    /* opcodes that other pickles have */
    REFUSE("(ios\nsystem\n.", "refuses the opcode 'INST'"),
    REFUSE("(o.", "refuses the opcode 'OBJ'"),
    REFUSE(")\x81.", "refuses the opcode 'NEWOBJ'"),
    REFUSE("}\x92.", "refuses the opcode 'NEWOBJ_EX'"),
    REFUSE("\x82\1.", "refuses the opcode 'EXT1'"),
    REFUSE("P1\n.", "refuses the opcode 'PERSID'"),
    REFUSE("I1\n.", "refuses the opcode 'INT'"),
    REFUSE("}0.", "refuses the opcode 'POP'"),
    REFUSE("}2.", "refuses the opcode 'DUP'"),
    REFUSE("C\1x.", "refuses the opcode 'SHORT_BINBYTES'"),
    REFUSE("\x97.", "refuses the opcode 'NEXT_BUFFER'"),
    REFUSE("\xFE.", "0xfe is no opcode"),
    REFUSE("\x80\1}.", "protocol 1"),
    REFUSE("\x80\6}.", "protocol 6"),
    /* calls */
    REFUSE("ctorch\nFloatStorage\n)R.", "refuses to call 'torch.FloatStorage'"),
    REFUSE("K\1)R.", "calls an integer with a tuple"),
    REFUSE("ccollections\nOrderedDict\n]R.", "calls a global with a list"),
    REFUSE("ccollections\nOrderedDict\n]\x85R.", "an OrderedDict with arguments"),
    REFUSE("ctorch._utils\n_rebuild_tensor_v2\n)R.", "does not get (storage"),
    REFUSE("ctorch._utils\n_rebuild_tensor_v2\n(K\1K\1K\1K\1K\1K\1tR.", "does not get"),
    REFUSE("ctorch._utils\n_rebuild_parameter\nNNN\x87R.", "does not get (tensor"),
    REFUSE("]}b.", "refuses to set attributes of a list"),
    REFUSE("}}b.", "refuses to set attributes of a dict"),
    /* persistent ids */
    REFUSE("K\1Q.", "refuses a persistent id that is an integer"),
    REFUSE(")Q.", "refuses a persistent id that is a tuple"),
    REFUSE("K\1\x85Q.", "refuses a persistent id that is a tuple"),
    REFUSE("X\6\0\0\0module\x85Q.", "a whole model was saved"),
    REFUSE("X\7\0\0\0storage\x85Q.", "a storage is not ('storage', type"),
    REFUSE("(X\7\0\0\0storageNNNNtQ.", "a storage is not ('storage', type"),
    REFUSE("(X\7\0\0\0storagectorch\nLongStorage\nX\1\0\0\0kN\x8A\x08\0\0\0\0\0\0\0\x10"
           "tQ.",
           "a storage of 1152921504606846976 elements"),
    REFUSE("(X\7\0\0\0storagectorch\nLongStorage\nX\1\0\0\0kNJ\xFF\xFF\xFF\xFFtQ.",
           "a storage of -1 elements"),
    /* the stack and the memo */
    REFUSE(".", "no value on the stack"),
    REFUSE("K\1K\2.", "1 values are left over"),
    REFUSE("(.", "no value on the stack"),
    REFUSE("(}.", "1 values are left over"),
    REFUSE("t.", "no mark on the stack"),
    REFUSE("\x86.", "no value on the stack"),
    REFUSE("(\x85.", "no value on the stack"),
    REFUSE("K\1a.", "no value on the stack"),
    REFUSE("K\1K\2a.", "needs a list on the stack, found an integer"),
    REFUSE("](K\1u.", "needs a dict on the stack, found a list"),
    REFUSE("}(K\1u.", "a key has no value"),
    REFUSE("h\0.", "memo slot 0 was never filled"),
    REFUSE("}q\5h\4.", "memo slot 4 was never filled"),
    REFUSE("q\0.", "no value on the stack"),
    REFUSE("(q\0.", "no value on the stack"),
    REFUSE("}r\xFF\xFF\xFF\xFF.", "memo slot 4294967295, but only 0 are in use"),
    /* lengths */
    REFUSE("", "cut short"),
    REFUSE("}", "cut short"),
    REFUSE("X\5\0\0\0abc.", "cut short"),
    REFUSE("X\xFF\xFF\xFF\xFF.", "a string of 4294967295 bytes"),
    REFUSE("\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF.", "a string of 18446744073709551615"),
    REFUSE("X\1\0\0\0\xFF.", "a string is not UTF-8"),
    REFUSE("\x8B\xFF\xFF\xFF\xFF.", "an integer of 4294967295 bytes"),
    REFUSE("\x8B\1\1\0\0.", "an integer of 257 bytes, the limit is 256"),
    REFUSE("\x95\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF}.", "a frame of 18446744073709551615"),
    REFUSE("\x95\3\0\0\0\0\0\0\0}.", "a frame of 3 bytes, but only 2 follow"),
    REFUSE("J\1\0\0", "cut short"),
    REFUSE("G\0\0\0\0\0\0\0", "cut short"),
};

static void each_is_refused_by_name(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        pf_pickle *p;
        pf_err err;
        bool ok = read_bytes(&p, r->bytes, r->n, &err);
        if (ok || p || !strstr(err.msg, r->words)) {
            print_error("case %zu: '%s', expected '%s'\n", i, ok ? "accepted" : err.msg,
                        r->words);
            failed++;
        }
        pf_pickle_free(p);
    }
    assert_int_equal(failed, 0);
}

static void messages_say_where(void **state)
{
    (void)state;
    pf_pickle *p;
    pf_err err;
    assert_false(READ(&p, "\x80\2}cos\nsystem\n.", &err));
    assert_string_equal(err.msg,
                        "pickle byte 3, GLOBAL: refuses the pickle global 'os.system', "
                        "which no state dict needs (nothing was run); save "
                        "model.state_dict() alone");
    assert_int_equal(err.code, PF_ERR_UNSUPPORTED);
}

/* ---- bombs ---- */

/* `head`, then n times `unit`, then `tail`. */
static bool read_repeated(const char *head, const char *unit, size_t unit_size,
                          size_t n, const char *tail, pf_err *err)
{
    pf_buf b;
    pf_err failed = PF_ERR_INIT;
    pf_pickle *p;
    pf_buf_init(&b, 64 << 20);
    bool ok = pf_buf_add_str(&b, head, &failed);
    for (size_t i = 0; ok && i < n; i++)
        ok = pf_buf_add(&b, unit, unit_size, &failed);
    assert_ok(ok && pf_buf_add_str(&b, tail, &failed), &failed);
    ok = read_bytes(&p, b.data, b.size, err);
    pf_pickle_free(p);
    pf_buf_free(&b);
    return ok;
}

static void nesting_without_end_is_stopped(void **state)
{
    (void)state;
    pf_err err;
    assert_refused(read_repeated("", "(", 1, 1000000, ".", &err), &err,
                   "more than 256 marks are open");
    assert_refused(read_repeated("", "]", 1, 1000000, ".", &err), &err,
                   "more than 65536 stacked values");
    /* deep, but one inside the other from the inside out: legal, and nothing recurses
     */
    assert_ok(read_repeated(")", "\x85", 1, 500000, ".", &err), &err);
    assert_refused(read_repeated(")", "\x85", 1, 2000000, ".", &err), &err,
                   "more than 1048576 values");
}

static void items_without_end_are_stopped(void **state)
{
    (void)state;
    pf_err err;
    assert_ok(read_repeated("]", "K\1a", 3, 100000, ".", &err), &err);
    assert_refused(read_repeated("]", "K\1a", 3, 2000000, ".", &err), &err,
                   "more than 1048576 values");
    /* the same value again and again needs no new value, but a place in the list */
    assert_refused(read_repeated("]\x94", "h\0a", 3, 3000000, ".", &err), &err,
                   "more than 2097152 items");
    assert_refused(read_repeated("]", "\x94", 1, 2000000, ".", &err), &err,
                   "more than 1048576 memo slots");
}

static void the_memo_grows_in_small_steps(void **state)
{
    (void)state;
    pf_err err;
    pf_pickle *p;
    assert_ok(READ(&p, "\x80\2]q\1h\1a.", &err), &err); /* Python 2 counts from 1 */
    pf_pickle_free(p);
    assert_refused(READ(&p, "]r\0\1\0\0.", &err), &err, "memo slot 256, but only 0");
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    static const char whole[] = "\x80\4\x95\x10\0\0\0\0\0\0\0}\x94(" TENSOR "tR" TENSOR
                                "tRG\x3F\xF0\0\0\0\0\0\0\x8A\2\1\2u.";
    pf_pickle *p;
    pf_err err;
    assert_ok(READ(&p, whole, &err), &err);
    pf_pickle_free(p);
    for (size_t n = 0; n < sizeof whole - 1; n++)
        assert_false(read_bytes(&p, whole, n, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_width),
        cmocka_unit_test(an_integer_of_more_than_64_bits_keeps_its_bytes),
        cmocka_unit_test(containers_keep_order_and_identity),
        cmocka_unit_test(a_list_may_hold_itself),
        cmocka_unit_test(a_tensor_is_its_arguments),
        cmocka_unit_test(a_view_of_a_storage_stays_inside),
        cmocka_unit_test(each_is_refused_by_name),
        cmocka_unit_test(messages_say_where),
        cmocka_unit_test(nesting_without_end_is_stopped),
        cmocka_unit_test(items_without_end_are_stopped),
        cmocka_unit_test(the_memo_grows_in_small_steps),
        cmocka_unit_test(every_cut_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, let_go);
}
