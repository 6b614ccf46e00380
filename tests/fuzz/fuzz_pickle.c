/* fuzz_pickle.c - any bytes as a pickle, its graph walked; then as a legacy torch file.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/checkpoint/pickle.h"
#include "tests/fuzz/fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_at(const pf_pickle *p, pf_pickle_ref v)
{
    bool b;
    int64_t i;
    const char *s;
    size_t n;
    pf_pickle_tensor t;
    pf_pickle_to_bool(p, v, &b);
    pf_pickle_to_int(p, v, &i);
    if (pf_pickle_to_bytes(p, v, &s, &n))
        fuzz_touch(s, n);
    if (pf_pickle_to_tensor(p, v, &t)) {
        const pf_pickle_storage *st = pf_pickle_storage_at(p, t.storage);
        fuzz_touch(st->key, st->key_size);
        if (pf_pickle_get_kind(p, t.size) != PF_PICKLE_TUPLE ||
            pf_pickle_get_kind(p, t.stride) != PF_PICKLE_TUPLE)
            abort();
    }
}

static void walk(const pf_pickle *p)
{
    pf_pickle_ref top = pf_pickle_top(p), found;
    pf_pickle_item item = {0};
    look_at(p, top);
    size_t seen = 0;
    while (pf_pickle_next(p, top, &item)) {
        look_at(p, item.value);
        if (pf_pickle_get_kind(p, top) == PF_PICKLE_DICT)
            look_at(p, item.key);
        seen++;
    }
    if (seen != pf_pickle_size(p, top))
        abort();
    pf_pickle_find(p, top, "state_dict", &found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    pf_span bytes = pf_span_of(data, n);
    pf_err err = PF_ERR_INIT;
    pf_pickle *p;
    while (pf_span_left(&bytes) > 0 && pf_pickle_read(&p, &bytes, &err)) {
        walk(p);
        pf_pickle_free(p);
    }
    fuzz_read_tensors(data, n);
    return 0;
}
