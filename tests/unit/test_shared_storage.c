/*
 * test_shared_storage.c - a small file must not claim much memory: tensors that share a
 * storage. The torch files are written here, opcode by opcode (pickletools.py).
 */
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/checkpoint/weights.h"
#include "tests/unit/test_support.h"

enum { NUMEL = 1 << 21, ROOM = 1 << 26 };

static pf_err err;

static void add(pf_buf *b, const void *bytes, size_t n)
{
    assert_ok(pf_buf_add(b, bytes, n, &err), &err);
}

#define ADD(b, literal) add(b, literal, sizeof(literal) - 1)

static void add_int(pf_buf *b, int32_t v)
{
    ADD(b, "J");
    add(b, &v, sizeof v);
}

static void add_string(pf_buf *b, const char *s)
{
    const uint32_t n = (uint32_t)strlen(s);
    ADD(b, "X");
    add(b, &n, sizeof n);
    add(b, s, n);
}

/* name: _rebuild_tensor_v2(storage, 0, (n,), (stride,), False, OrderedDict()) */
static void add_tensor(pf_buf *b, const char *name, int32_t n, int32_t stride)
{
    add_string(b, name);
    ADD(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_string(b, "storage");
    ADD(b, "ctorch\nFloatStorage\n");
    add_string(b, "0");
    add_string(b, "cpu");
    add_int(b, NUMEL);
    ADD(b, "NtQK\0(");
    add_int(b, n);
    ADD(b, "t(");
    add_int(b, stride);
    ADD(b, "t\x89"
           "ccollections\nOrderedDict\n)RtR");
}

static void begin_file(pf_buf *b)
{
    pf_buf_init(b, ROOM);
    ADD(b, "\x80\2\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.\x80\2M\xE9\3."
           "\x80\2}");
    add_string(b, "little_endian");
    ADD(b, "\x88s.\x80\2}(");
}

static void end_file(pf_buf *b)
{
    static const uint64_t count = NUMEL;
    static const float zeros[NUMEL];
    ADD(b, "u.\x80\2]");
    add_string(b, "0");
    ADD(b, "a.");
    add(b, &count, sizeof count);
    add(b, zeros, sizeof zeros);
}

static void a_storage_may_be_shared_by_two(void **state)
{
    (void)state;
    pf_buf b;
    pf_weights *w;
    begin_file(&b);
    add_tensor(&b, "text", NUMEL, 1);
    add_tensor(&b, "tied", NUMEL, 1);
    add_tensor(&b, "a.bias", 512, 1);
    end_file(&b);
    assert_ok(pf_weights_open_bytes(&w, b.data, b.size, NULL, &err), &err);
    assert_int_equal(pf_weights_count(w), 3);
    pf_weights_close(w);
    pf_buf_free(&b);
}

static void a_storage_is_not_shared_by_many(void **state)
{
    (void)state;
    pf_buf b;
    pf_weights *w;
    char name[2] = "a";
    begin_file(&b);
    for (; name[0] < 'e'; name[0]++)
        add_tensor(&b, name, NUMEL, 1);
    end_file(&b);
    assert_refused(pf_weights_open_bytes(&w, b.data, b.size, NULL, &err), &err,
                   "show more than twice the");
    assert_int_equal(err.code, PF_ERR_LIMIT);
    pf_buf_free(&b);
}

static void a_view_is_not_spread_over_a_storage(void **state)
{
    (void)state;
    pf_buf b;
    pf_weights *w;
    begin_file(&b);
    add_tensor(&b, "thin", 1000, 2000);
    end_file(&b);
    assert_refused(pf_weights_open_bytes(&w, b.data, b.size, NULL, &err), &err,
                   "shows 1000 elements out of 1998001");
    pf_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storage_may_be_shared_by_two),
        cmocka_unit_test(a_storage_is_not_shared_by_many),
        cmocka_unit_test(a_view_is_not_spread_over_a_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
