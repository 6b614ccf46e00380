/*
 * weights_safetensors.c - reads the directory of a safetensors file.
 *
 * Format (huggingface.co/docs/safetensors): eight bytes with the little-endian length n
 * of the header; n bytes of JSON, padded with spaces; then the data to the end of the
 * file. The JSON is one object, name -> {"dtype", "shape", "data_offsets": [begin,
 * end)}, offsets counted from the start of the data; "__metadata__" is text for people.
 *
 * As the reference does, this reader demands that the ranges cover the data without
 * holes and overlaps and that shape x dtype is the length of the range. It is stricter
 * in two things: the header may have 4 MiB, not 100 MB (a CLIP model's has 60 KB, and
 * parsed JSON takes many times its length), and a size of zero is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/utf8.h"
#include "core/checkpoint/weights_build.h"

enum { MAX_HEADER = 4 << 20 };

static const struct {
    const char *tag;
    pf_dtype dtype;
} dtype_tags[] = {
    {"F32", PF_DTYPE_F32},   {"F16", PF_DTYPE_F16}, {"BF16", PF_DTYPE_BF16},
    {"F64", PF_DTYPE_F64},   {"I64", PF_DTYPE_I64}, {"I32", PF_DTYPE_I32},
    {"I16", PF_DTYPE_I16},   {"I8", PF_DTYPE_I8},   {"U8", PF_DTYPE_U8},
    {"BOOL", PF_DTYPE_BOOL},
};

static bool read_dtype(pf_tensor *t, const pf_json *entry, pf_err *err)
{
    const char *tag = pf_json_string(pf_json_get(entry, "dtype"), NULL);
    if (!tag)
        return pf_fail(err, PF_ERR_FORMAT, "has no dtype");
    for (size_t i = 0; i < sizeof dtype_tags / sizeof *dtype_tags; i++) {
        if (strcmp(tag, dtype_tags[i].tag) == 0) {
            t->dtype = dtype_tags[i].dtype;
            return true;
        }
    }
    return pf_fail(err, PF_ERR_UNSUPPORTED, "has dtype '%.*s', which is not read here",
                   pf_utf8_shown(tag, strlen(tag)), tag);
}

static bool is_array(const pf_json *json)
{
    return json && pf_json_get_kind(json) == PF_JSON_ARRAY;
}

static bool read_shape(pf_tensor *t, const pf_json *entry, pf_err *err)
{
    const pf_json *shape = pf_json_get(entry, "shape");
    if (!is_array(shape))
        return pf_fail(err, PF_ERR_FORMAT, "has no shape");
    size_t rank = pf_json_size(shape);
    if (rank > PF_TENSOR_MAX_RANK)
        return pf_fail(err, PF_ERR_LIMIT, "has %zu axes, the limit is %d", rank,
                       (int)PF_TENSOR_MAX_RANK);
    t->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        if (!pf_json_to_int(pf_json_at(shape, i), &t->shape[i]))
            return pf_fail(err, PF_ERR_FORMAT, "has a size that is no integer");
    }
    return true;
}

/* The data: where tensors lie, not to be read. */
static bool read_range(pf_tensor *t, const pf_json *entry, pf_span data, size_t n_bytes,
                       pf_err *err)
{
    const pf_json *range = pf_json_get(entry, "data_offsets");
    int64_t begin, end;
    if (!is_array(range) || pf_json_size(range) != 2 ||
        !pf_json_to_int(pf_json_at(range, 0), &begin) ||
        !pf_json_to_int(pf_json_at(range, 1), &end))
        return pf_fail(err, PF_ERR_FORMAT, "has no data_offsets [begin, end]");
    if (begin < 0 || end < begin)
        return pf_fail(err, PF_ERR_FORMAT,
                       "has data_offsets [%lld, %lld] that run backwards",
                       (long long)begin, (long long)end);
    if ((uint64_t)end > pf_span_left(&data))
        return pf_fail(err, PF_ERR_FORMAT,
                       "ends at byte %lld of the data, which has %zu; the file is cut "
                       "or damaged, fetch it again",
                       (long long)end, pf_span_left(&data));
    char text[128];
    if ((uint64_t)(end - begin) != n_bytes)
        return pf_fail(err, PF_ERR_FORMAT,
                       "has shape %s of %s, which is %zu bytes, but its data_offsets "
                       "span %lld",
                       pf_weights_shape_text(t->shape, t->rank, text, sizeof text),
                       pf_dtype_name(t->dtype), n_bytes, (long long)(end - begin));
    t->data = data.p + begin;
    return true;
}

static bool read_entry(pf_tensor *t, const pf_json *entry, pf_span data, pf_err *err)
{
    size_t elements;
    if (pf_json_get_kind(entry) != PF_JSON_OBJECT)
        return pf_fail(err, PF_ERR_FORMAT, "its header entry is no object");
    if (!read_dtype(t, entry, err) || !read_shape(t, entry, err) ||
        !pf_weights_check_shape(t, &elements, err) ||
        !read_range(t, entry, data, elements * pf_dtype_size(t->dtype), err))
        return false;
    pf_weights_set_row_major(t);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const pf_weights_entry *x = a, *y = b;
    return (x->tensor.data > y->tensor.data) - (x->tensor.data < y->tensor.data);
}

static bool check_cover(pf_weights *w, pf_span data, pf_err *err)
{
    if (w->count > 0)
        qsort(w->entries, w->count, sizeof *w->entries, by_place);
    const uint8_t *at = data.p;
    for (size_t i = 0; i < w->count; i++) {
        const pf_tensor *t = &w->entries[i].tensor;
        if (t->data < at)
            return pf_fail(err, PF_ERR_FORMAT, "tensors '%s' and '%s' overlap",
                           w->entries[i - 1].name, t->name);
        if (t->data > at)
            return pf_fail(err, PF_ERR_FORMAT,
                           "%td bytes before tensor '%s' belong to no tensor",
                           t->data - at, t->name);
        at = t->data + pf_tensor_elements(t) * pf_dtype_size(t->dtype);
    }
    if (at != data.end)
        return pf_fail(err, PF_ERR_FORMAT,
                       "%td bytes at the end of the file belong to no tensor",
                       data.end - at);
    return true;
}

static bool read_entries(pf_weights *w, const pf_json *head, pf_span data, pf_err *err)
{
    if (pf_json_get_kind(head) != PF_JSON_OBJECT)
        return pf_fail(err, PF_ERR_FORMAT, "the header is no object");
    pf_json_member m = {0};
    while (pf_json_next_member(head, &m)) {
        if (strcmp(m.key, "__metadata__") == 0) {
            if (pf_json_get_kind(m.value) != PF_JSON_OBJECT)
                return pf_fail(err, PF_ERR_FORMAT, "'__metadata__' is no object");
            continue;
        }
        pf_tensor t = {0};
        size_t n = strlen(m.key);
        if (!read_entry(&t, m.value, data, err))
            return pf_fail_in(err, "tensor '%.*s'", pf_utf8_shown(m.key, n), m.key);
        if (!pf_weights_add(w, &t, m.key, n, err))
            return false;
    }
    return check_cover(w, data, err);
}

bool pf_safetensors_read(pf_weights *w, pf_err *err)
{
    enum { LENGTH_SIZE = 8 };
    uint8_t length[LENGTH_SIZE];
    uint64_t n = 0;
    pf_span bytes = pf_span_of(w->source.bytes, w->source.size);
    if (!pf_span_skip(&bytes, LENGTH_SIZE))
        return pf_fail(err, PF_ERR_FORMAT, "the safetensors header is cut");
    if (!pf_source_read(&w->source, 0, length, sizeof length, err))
        return false;
    pf_span first = pf_span_of(length, sizeof length);
    if (!pf_span_u64le(&first, &n) || n > MAX_HEADER)
        return pf_fail(err, PF_ERR_LIMIT,
                       "safetensors header of %llu bytes, the limit is %d",
                       (unsigned long long)n, (int)MAX_HEADER);
    if (!pf_span_skip(&bytes, (size_t)n))
        return pf_fail(err, PF_ERR_FORMAT,
                       "safetensors header of %llu bytes, but only %zu follow; the "
                       "file is cut or damaged, fetch it again",
                       (unsigned long long)n, pf_span_left(&bytes));

    pf_json *head = NULL;
    char *header = pf_alloc_array((size_t)n, 1, err);
    bool ok = header && pf_source_read(&w->source, LENGTH_SIZE, header, (size_t)n, err);
    if (ok && !pf_json_parse(&head, header, (size_t)n, err))
        ok = pf_fail_in(err, "safetensors header");
    pf_free(header);
    ok = ok && read_entries(w, head, bytes, err);
    pf_json_free(head);
    return ok;
}
