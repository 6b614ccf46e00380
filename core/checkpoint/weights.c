/*
 * weights.c - see weights.h. Tells containers apart and keeps the sorted list.
 *
 * Containers are recognised by their first bytes, never by the file's name. What is no
 * checkpoint but often lies where one should (a web page, a git-lfs pointer, a packed
 * file) is refused with what to do about it. The readers of the containers live in
 * weights_safetensors.c and weights_torch.c, conversion in weights_convert.c.
 *
 * Adding a dtype? Also the tables of those two files, and tests/golden/containers.
 */
#include "core/checkpoint/weights.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/utf8.h"
#include "core/checkpoint/weights_build.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensor bytes are little-endian and read in place"
#endif

enum {
    HEAD_SIZE = 1024,      /* bytes that tell what a file is */
    SMALL_TOTAL = 1 << 20, /* bytes of tensors that are always few enough */
    PIECE = 1 << 16,       /* bytes that are read at once to be converted */
};

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [PF_DTYPE_F32] = {"float32", 4},   [PF_DTYPE_F16] = {"float16", 2},
    [PF_DTYPE_BF16] = {"bfloat16", 2}, [PF_DTYPE_F64] = {"float64", 8},
    [PF_DTYPE_I64] = {"int64", 8},     [PF_DTYPE_I32] = {"int32", 4},
    [PF_DTYPE_I16] = {"int16", 2},     [PF_DTYPE_I8] = {"int8", 1},
    [PF_DTYPE_U8] = {"uint8", 1},      [PF_DTYPE_BOOL] = {"bool", 1},
};

const char *pf_dtype_name(pf_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t pf_dtype_size(pf_dtype dtype)
{
    return dtypes[dtype].size;
}

/* ---- the list ---- */

const char *pf_weights_container(const pf_weights *w)
{
    return w->container;
}

size_t pf_weights_count(const pf_weights *w)
{
    return w->count;
}

const pf_tensor *pf_weights_at(const pf_weights *w, size_t i)
{
    return &w->entries[i].tensor;
}

const pf_tensor *pf_weights_find(const pf_weights *w, const char *name)
{
    size_t low = 0, high = w->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(w->entries[mid].name, name);
        if (order == 0)
            return &w->entries[mid].tensor;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const pf_weights_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool sort_by_name(pf_weights *w, pf_err *err)
{
    if (w->count == 0)
        return pf_fail(err, PF_ERR_FORMAT, "holds no tensor");
    qsort(w->entries, w->count, sizeof *w->entries, by_name);
    for (size_t i = 1; i < w->count; i++) {
        if (strcmp(w->entries[i - 1].name, w->entries[i].name) == 0)
            return pf_fail(err, PF_ERR_FORMAT, "tensor '%s' is there twice",
                           w->entries[i].name);
    }
    return true;
}

static bool check_name(const char *name, size_t n, pf_err *err)
{
    if (n == 0)
        return pf_fail(err, PF_ERR_FORMAT, "a tensor has an empty name");
    if (!pf_utf8_is_valid(name, n))
        return pf_fail(err, PF_ERR_FORMAT, "a tensor's name is not UTF-8");
    if (memchr(name, '\0', n))
        return pf_fail(err, PF_ERR_FORMAT, "tensor name '%.*s' has a NUL inside",
                       pf_utf8_shown(name, n), name);
    if (n > PF_WEIGHTS_MAX_NAME)
        return pf_fail(err, PF_ERR_LIMIT,
                       "tensor name '%.*s...' has %zu bytes, the limit is %d",
                       pf_utf8_shown(name, n), name, n, (int)PF_WEIGHTS_MAX_NAME);
    return true;
}

bool pf_weights_add(pf_weights *w, const pf_tensor *t, const char *name, size_t n,
                    pf_err *err)
{
    if (!check_name(name, n, err))
        return false;
    if (w->count == PF_WEIGHTS_MAX_TENSORS)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d tensors",
                       (int)PF_WEIGHTS_MAX_TENSORS);
    if (!pf_grow_array(&w->entries, &w->room, w->count, sizeof *w->entries, err))
        return false;
    char *copy = pf_strndup(name, n, err);
    if (!copy)
        return false;
    pf_weights_entry *e = &w->entries[w->count++];
    *e = (pf_weights_entry){.tensor = *t, .name = copy};
    e->tensor.name = copy;
    if (pf_tensor_is_contiguous(t))
        pf_weights_set_row_major(&e->tensor); /* strides of size-1 axes are free */
    return true;
}

void pf_weights_set_row_major(pf_tensor *t)
{
    int64_t step = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        t->stride[i] = step;
        step *= t->shape[i];
    }
}

const char *pf_weights_shape_text(const int64_t *shape, int rank, char *text,
                                  size_t size)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, i ? ", %lld" : "%lld",
                               (long long)shape[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
    return text;
}

bool pf_weights_check_shape(const pf_tensor *t, size_t *elements, pf_err *err)
{
    char text[128];
    size_t widest = pf_dtype_size(t->dtype) > 4 ? pf_dtype_size(t->dtype) : 4;
    size_t limit = PTRDIFF_MAX / widest, product = 1;
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] < 1)
            return pf_fail(err, PF_ERR_FORMAT, "has shape %s, sizes must be at least 1",
                           pf_weights_shape_text(t->shape, t->rank, text, sizeof text));
        if ((uint64_t)t->shape[i] > limit / product)
            return pf_fail(err, PF_ERR_FORMAT,
                           "has shape %s, more than any memory holds",
                           pf_weights_shape_text(t->shape, t->rank, text, sizeof text));
        product *= (size_t)t->shape[i];
    }
    *elements = product;
    return true;
}

size_t pf_weights_reach(const pf_tensor *t)
{
    size_t reach = 1;
    for (int i = 0; i < t->rank; i++)
        reach += (size_t)((t->shape[i] - 1) * t->stride[i]);
    return reach;
}

/* ---- what is this file? ---- */

static bool starts_with(pf_span bytes, size_t at, const char *magic, size_t n)
{
    return pf_span_skip(&bytes, at) && pf_span_left(&bytes) >= n &&
           memcmp(bytes.p, magic, n) == 0;
}

/* A header of less than 2^40 bytes that starts an object: the length's upper bytes are
 * zero, so that no text and no other magic looks like it. */
static bool looks_like_safetensors(pf_span bytes)
{
    return starts_with(bytes, 5, "\0\0\0{", 4);
}

static bool looks_like_text(pf_span bytes)
{
    const size_t enough = 512;
    size_t n = pf_span_left(&bytes);
    if (n > enough)
        n = pf_utf8_cut((const char *)bytes.p, enough);
    if (!pf_utf8_is_valid((const char *)bytes.p, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = bytes.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7F)
            return false;
    }
    return true;
}

static const struct {
    size_t at;
    const char *magic;
    size_t n;
    const char *what;
} strangers[] = {
    {0, "version https://git-lfs", 23,
     "is a git-lfs pointer, not the file it stands for; run 'git lfs pull' or download "
     "the file itself"},
    {0, "\x1F\x8B", 2, "is compressed with gzip; unpack it first"},
    {0, "BZh", 3, "is compressed with bzip2; unpack it first"},
    {0,
     "\xFD"
     "7zXZ",
     5, "is compressed with xz; unpack it first"},
    {0, "\x28\xB5\x2F\xFD", 4, "is compressed with zstd; unpack it first"},
    {0, "\x89HDF", 4, "is HDF5 (Keras); a safetensors or torch file is needed"},
    {0, "GGUF", 4, "is GGUF; a safetensors or torch file is needed"},
    {0, "\x93NUMPY", 6, "is a numpy array; a safetensors or torch file is needed"},
    {257, "ustar", 5,
     "is a tar archive (torch before 0.2 saved such); load it with torch and save it "
     "again with torch.save"},
};

static bool has_tag(pf_span bytes, const char *tag)
{
    size_t n = strlen(tag);
    for (size_t i = 0; i < 256 && i + n <= pf_span_left(&bytes); i++) {
        size_t k = 0;
        while (k < n && (bytes.p[i + k] | 0x20) == (tag[k] | 0x20))
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static bool refuse_stranger(pf_span bytes, size_t size, pf_err *err)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        if (starts_with(bytes, strangers[i].at, strangers[i].magic, strangers[i].n))
            return pf_fail(err, PF_ERR_UNSUPPORTED, "%s", strangers[i].what);
    }
    if (looks_like_text(bytes) &&
        (has_tag(bytes, "<html") || has_tag(bytes, "<!doctype")))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "is a web page, not a checkpoint; the download went wrong, "
                       "fetch the file again");
    if (looks_like_text(bytes))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "is a text file, not a checkpoint; a safetensors or torch file "
                       "is needed");
    return pf_fail(err, PF_ERR_UNSUPPORTED,
                   "is neither safetensors nor a torch file (it starts with bytes "
                   "%02x %02x, %zu in all)",
                   bytes.p[0], pf_span_left(&bytes) > 1 ? bytes.p[1] : 0u, size);
}

static bool read_container(pf_weights *w, pf_notes *notes, pf_err *err)
{
    uint8_t head[HEAD_SIZE];
    const size_t n = w->source.size < sizeof head ? w->source.size : sizeof head;
    if (n == 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "is empty; a download that broke off, perhaps");
    if (!pf_source_read(&w->source, 0, head, n, err))
        return false;
    const pf_span bytes = pf_span_of(head, n);
    if (looks_like_safetensors(bytes)) {
        w->container = "safetensors";
        return pf_safetensors_read(w, err);
    }
    if (starts_with(bytes, 0, "PK\3\4", 4) || starts_with(bytes, 0, "PK\5\6", 4)) {
        w->container = "torch zip";
        return pf_torch_read_zip(w, notes, err);
    }
    if (starts_with(bytes, 0, "\x80", 1)) {
        w->container = "torch legacy";
        return pf_torch_read_legacy(w, notes, err);
    }
    return refuse_stranger(bytes, w->source.size, err);
}

/* ---- open and close ---- */

/* Tied weights are two names for the same bytes; more names than that are made on
 * purpose, since all that is bound takes memory and time of its own. */
static bool check_total(const pf_weights *w, pf_err *err)
{
    const uint64_t limit = 2 * (uint64_t)w->source.size + SMALL_TOTAL;
    uint64_t total = 0;
    for (size_t i = 0; i < w->count; i++) {
        const pf_tensor *t = &w->entries[i].tensor;
        total += pf_tensor_elements(t) * pf_dtype_size(t->dtype);
        if (total > limit)
            return pf_fail(err, PF_ERR_LIMIT,
                           "its tensors show more than twice the %zu bytes it has; "
                           "they share storages, save their .clone() copies",
                           w->source.size);
    }
    return true;
}

static bool fill(pf_weights *w, pf_notes *notes, pf_err *err)
{
    return read_container(w, notes, err) && sort_by_name(w, err) &&
           check_total(w, err) && pf_source_check(&w->source, err);
}

/* A directory is a few scattered pages; without the advice each of them would drag its
 * neighbourhood in from the disk. Hints only, so failures do not matter. */
static bool read_file(pf_weights *w, const char *path, pf_notes *notes, pf_err *err)
{
    if (!pf_source_open(&w->source, path, err))
        return false;
    posix_fadvise(w->source.fd, 0, 0, POSIX_FADV_RANDOM);
    const bool ok = fill(w, notes, err) || pf_fail_in(err, "'%s'", path);
    posix_fadvise(w->source.fd, 0, 0, POSIX_FADV_NORMAL);
    return ok;
}

/* Its parts are checked one by one. */
static bool read_index(pf_weights *w, const char *path, pf_notes *notes, pf_err *err)
{
    w->container = "safetensors in parts";
    return (pf_weights_read_parts(w, path, notes, err) && sort_by_name(w, err)) ||
           pf_fail_in(err, "'%s'", path);
}

bool pf_weights_open(pf_weights **out, const char *path, pf_notes *notes, pf_err *err)
{
    *out = NULL;
    if (pf_path_is_folder(path))
        return pf_fail(err, PF_ERR_MISUSE,
                       "'%s' is a folder; name the checkpoint file in it", path);
    pf_weights *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    w->source.fd = -1;
    if (!(pf_weights_is_index(path) ? read_index(w, path, notes, err)
                                    : read_file(w, path, notes, err))) {
        pf_weights_close(w);
        return false;
    }
    *out = w;
    return true;
}

bool pf_weights_open_bytes(pf_weights **out, const void *bytes, size_t n,
                           pf_notes *notes, pf_err *err)
{
    *out = NULL;
    pf_weights *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    pf_source_open_bytes(&w->source, bytes, n);
    if (!fill(w, notes, err)) {
        pf_weights_close(w);
        return false;
    }
    *out = w;
    return true;
}

void pf_weights_close(pf_weights *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++)
        pf_free(w->entries[i].name);
    pf_free(w->entries);
    for (size_t i = 0; i < w->n_parts; i++) {
        pf_weights_close(w->parts[i]);
        pf_free(w->part_paths[i]);
    }
    pf_free(w->parts);
    pf_free(w->part_paths);
    pf_source_close(&w->source);
    pf_free(w);
}

/* ---- one tensor ---- */

size_t pf_tensor_elements(const pf_tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->shape[i];
    return n;
}

bool pf_tensor_is_contiguous(const pf_tensor *t)
{
    int64_t step = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->shape[i] != 1 && t->stride[i] != step)
            return false;
        step *= t->shape[i];
    }
    return true;
}

bool pf_tensor_is_plain_f32(const pf_tensor *t)
{
    return t->dtype == PF_DTYPE_F32 && (uintptr_t)t->data % sizeof(float) == 0 &&
           pf_tensor_is_contiguous(t);
}

/* ---- reading from the file ---- */

bool pf_weights_check(const pf_weights *w, pf_err *err)
{
    for (size_t i = 0; i < w->n_parts; i++) {
        if (!pf_source_check(&w->parts[i]->source, err))
            return pf_fail_in(err, "'%s'", w->part_paths[i]);
    }
    return pf_source_check(&w->source, err);
}

/* The file that a tensor lies in. */
static const pf_source *source_of(const pf_weights *w, const pf_tensor *t)
{
    for (size_t i = 0; i < w->n_parts; i++) {
        const pf_source *s = &w->parts[i]->source;
        if ((uintptr_t)t->data - (uintptr_t)s->bytes < s->size)
            return s;
    }
    return &w->source;
}

static bool read_from(const pf_weights *w, const pf_tensor *t, uint64_t at, void *out,
                      size_t n, pf_err *err)
{
    const pf_source *s = source_of(w, t);
    return pf_source_read(s, (uint64_t)(t->data - s->bytes) + at, out, n, err);
}

bool pf_weights_read_plain(const pf_weights *w, const pf_tensor *t, size_t first,
                           size_t n, float *dst, pf_err *err)
{
    return read_from(w, t, first * sizeof *dst, dst, n * sizeof *dst, err);
}

/* In pieces that stay in the cache between reading and converting. */
static bool read_run(const pf_weights *w, const pf_tensor *t, float *dst, pf_err *err)
{
    uint8_t piece[PIECE];
    const size_t size = pf_dtype_size(t->dtype), left = pf_tensor_elements(t);
    pf_tensor part = {.dtype = t->dtype, .rank = 1, .stride = {1}, .data = piece};
    for (size_t at = 0, n; at < left; at += n) {
        n = left - at < PIECE / size ? left - at : PIECE / size;
        part.shape[0] = (int64_t)n;
        if (!read_from(w, t, at * size, piece, n * size, err))
            return false;
        pf_tensor_read_f32(&part, dst + at);
    }
    return true;
}

/* A view: all from its first to its last element is read, so that turning a matrix
 * reads it once. */
static bool read_view(const pf_weights *w, const pf_tensor *t, float *dst, pf_err *err)
{
    const size_t n = pf_weights_reach(t) * pf_dtype_size(t->dtype);
    uint8_t *copy = pf_alloc_array(n, 1, err);
    pf_tensor part = *t;
    part.data = copy;
    const bool ok = copy && read_from(w, t, 0, copy, n, err);
    if (ok)
        pf_tensor_read_f32(&part, dst);
    pf_free(copy);
    return ok;
}

bool pf_weights_read_f32(const pf_weights *w, const pf_tensor *t, float *dst,
                         pf_err *err)
{
    if (source_of(w, t)->fd < 0)
        pf_tensor_read_f32(t, dst);
    else if (!pf_tensor_is_contiguous(t))
        return read_view(w, t, dst, err);
    else if (t->dtype == PF_DTYPE_F32)
        return pf_weights_read_plain(w, t, 0, pf_tensor_elements(t), dst, err);
    else
        return read_run(w, t, dst, err);
    return true;
}
