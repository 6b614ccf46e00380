/*
 * weights_torch.c - reads what torch.save() writes, without running any of it.
 *
 * Zip (torch 1.6 and later): FOLDER/data.pkl is a pickle of the saved object in which
 * each tensor names a storage by a key; FOLDER/data/KEY are its bytes. FOLDER is any
 * name. FOLDER/byteorder, where there is one, must say "little".
 *
 * Legacy (before 1.6, or on request): five pickles one after the other - a magic
 * number, the version 1001, facts about the machine, the saved object, the list of
 * storage keys - and then for each key eight bytes with the number of elements, and the
 * elements.
 *
 * The saved object must be a state dict (a dict from names to tensors) or a dict that
 * holds one: under 'state_dict', or, when none of its own entries is a tensor, under
 * 'model_state_dict' or 'model'. Only that dict's tensors are listed; an optimizer's
 * state, two thirds of the authors' files, is never touched. In a zip its entries are
 * not even located; in a legacy file only the eight bytes before each storage are read.
 * Pickles are read from copies.
 *
 * Storages may be shared and tensors may be views of them, as torch allows; every view
 * is checked against its storage. Refused: views with negative strides, and ones that
 * show more elements than the storage has (expanded tensors: a few bytes could claim
 * any amount of memory).
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/base/utf8.h"
#include "core/checkpoint/pickle.h"
#include "core/checkpoint/weights_build.h"
#include "core/checkpoint/ziparchive.h"

enum {
    MAX_PATH_IN_ZIP = 1024,
    LEGACY_VERSION = 1001,
    FRONT_SIZE = 1 << 20, /* bytes of a legacy file that hold its pickles as a rule */
    MAX_SPREAD = 16,      /* a view may lie in so many times its elements ... */
    SMALL_VIEW = 1 << 20, /* ... or in so many of them: it is read with all between */
};

/* 0x1950a86a20f9469cfc6c, torch.serialization.MAGIC_NUMBER */
static const uint8_t legacy_magic[] = {0x6C, 0xFC, 0x9C, 0x46, 0xF9,
                                       0x20, 0x6A, 0xA8, 0x50, 0x19};

/* A torch file being read; one of the last two says where its storages are. */
typedef struct {
    const pf_source *source;
    const pf_pickle *pickle; /* of the saved object */
    const pf_zip *zip;
    const char *folder; /* with its '/', no NUL behind it */
    size_t folder_size;
    const uint64_t *storage_at; /* legacy: by number of the storage, 0: not found yet */
} torch_file;

/* ---- the state dict ---- */

static bool has_tensor(const pf_pickle *p, pf_pickle_ref dict)
{
    pf_pickle_item item = {0};
    while (pf_pickle_next(p, dict, &item)) {
        if (pf_pickle_get_kind(p, item.value) == PF_PICKLE_TENSOR)
            return true;
    }
    return false;
}

static bool find_state_dict(const pf_pickle *p, pf_pickle_ref *dict, pf_err *err)
{
    static const char *const holders[] = {"state_dict", "model_state_dict", "model"};
    pf_pickle_ref top = pf_pickle_top(p), inner;
    *dict = top;
    if (pf_pickle_get_kind(p, top) != PF_PICKLE_DICT)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "holds %s, not a state dict; save model.state_dict()",
                       pf_pickle_kind_name(pf_pickle_get_kind(p, top)));
    bool is_state_dict = has_tensor(p, top);
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        size_t n = pf_pickle_find(p, top, holders[i], &inner);
        if (n == 0 || pf_pickle_get_kind(p, inner) != PF_PICKLE_DICT)
            continue;
        if (n > 1)
            return pf_fail(err, PF_ERR_FORMAT, "'%s' is there twice", holders[i]);
        if (i == 0 || (!is_state_dict && has_tensor(p, inner))) {
            *dict = inner;
            break;
        }
    }
    if (!has_tensor(p, *dict))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "holds no state dict: none of the %zu entries is a tensor; save "
                       "model.state_dict()",
                       pf_pickle_size(p, *dict));
    return true;
}

static bool locate_in_zip(const torch_file *f, const pf_pickle_storage *st,
                          uint64_t *at, pf_err *err)
{
    char path[MAX_PATH_IN_ZIP];
    size_t n = f->folder_size + strlen("data/") + st->key_size;
    if (n > sizeof path)
        return pf_fail(err, PF_ERR_LIMIT, "storage key of %zu bytes", st->key_size);
    memcpy(path, f->folder, f->folder_size);
    memcpy(path + f->folder_size, "data/", 5);
    memcpy(path + f->folder_size + 5, st->key, st->key_size);
    const pf_zip_entry *entry = pf_zip_find(f->zip, path, n);
    if (!entry)
        return pf_fail(err, PF_ERR_FORMAT, "the archive has no entry '%.*s'",
                       pf_utf8_shown(path, n), path);
    if (!pf_zip_locate(f->zip, entry, at, err))
        return false;
    uint64_t elements = entry->size / pf_dtype_size(st->dtype);
    if (elements != (uint64_t)st->numel)
        return pf_fail(err, PF_ERR_FORMAT,
                       "zip entry '%.*s' has %llu bytes, but its storage is %lld x %s",
                       pf_utf8_shown(path, n), path, (unsigned long long)entry->size,
                       (long long)st->numel, pf_dtype_name(st->dtype));
    return true;
}

static bool read_ints(const pf_pickle *p, pf_pickle_ref tuple, int64_t *out)
{
    pf_pickle_item item = {0};
    while (pf_pickle_next(p, tuple, &item)) {
        if (!pf_pickle_to_int(p, item.value, out++))
            return false;
    }
    return true;
}

static bool read_shape(const torch_file *f, const pf_pickle_tensor *from, pf_tensor *t,
                       pf_err *err)
{
    size_t rank = pf_pickle_size(f->pickle, from->size);
    if (rank > PF_TENSOR_MAX_RANK)
        return pf_fail(err, PF_ERR_LIMIT, "has %zu axes, the limit is %d", rank,
                       (int)PF_TENSOR_MAX_RANK);
    if (pf_pickle_size(f->pickle, from->stride) != rank)
        return pf_fail(err, PF_ERR_FORMAT, "has %zu sizes, but %zu strides", rank,
                       pf_pickle_size(f->pickle, from->stride));
    t->rank = (int)rank;
    if (!read_ints(f->pickle, from->size, t->shape) ||
        !read_ints(f->pickle, from->stride, t->stride))
        return pf_fail(err, PF_ERR_FORMAT, "has a size or stride that is no integer");
    return true;
}

/* Every element must be one of the storage's. The number of the last one is offset plus
 * the sum of (size - 1) x stride; each step is compared with what is left, so nothing
 * can overflow. */
static bool check_view(const pf_tensor *t, int64_t offset, int64_t numel,
                       size_t elements, pf_err *err)
{
    char text[128], more[128];
    if (offset < 0 || offset >= numel)
        return pf_fail(err, PF_ERR_FORMAT,
                       "begins at element %lld of a storage of %lld", (long long)offset,
                       (long long)numel);
    int64_t left = numel - 1 - offset;
    for (int i = 0; i < t->rank; i++) {
        int64_t steps = t->shape[i] - 1, stride = t->stride[i];
        if (stride < 0)
            return pf_fail(err, PF_ERR_FORMAT, "has the negative stride %lld",
                           (long long)stride);
        if (steps > 0 && stride > left / steps)
            return pf_fail(err, PF_ERR_FORMAT,
                           "has shape %s and strides %s, which leave its storage of "
                           "%lld elements",
                           pf_weights_shape_text(t->shape, t->rank, text, sizeof text),
                           pf_weights_shape_text(t->stride, t->rank, more, sizeof more),
                           (long long)numel);
        left -= steps > 0 ? steps * stride : 0;
    }
    if (elements > (uint64_t)numel)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "shows %zu elements of a storage of %lld (an expanded tensor); "
                       "save its .contiguous() copy",
                       elements, (long long)numel);
    return true;
}

static bool locate_storage(const torch_file *f, size_t number, uint64_t *at,
                           pf_err *err)
{
    if (f->zip)
        return locate_in_zip(f, pf_pickle_storage_at(f->pickle, number), at, err);
    *at = f->storage_at[number];
    return true;
}

static bool check_spread(const pf_tensor *t, size_t elements, pf_err *err)
{
    const size_t reach = pf_weights_reach(t);
    return reach <= SMALL_VIEW || reach / MAX_SPREAD <= elements ||
           pf_fail(err, PF_ERR_UNSUPPORTED,
                   "shows %zu elements out of %zu; save its .contiguous() copy",
                   elements, reach);
}

static bool read_tensor(pf_tensor *t, const torch_file *f, const pf_pickle_tensor *from,
                        pf_err *err)
{
    const pf_pickle_storage *st = pf_pickle_storage_at(f->pickle, from->storage);
    uint64_t at = 0;
    size_t elements;
    *t = (pf_tensor){.dtype = st->dtype};
    if (!locate_storage(f, from->storage, &at, err) || !read_shape(f, from, t, err) ||
        !pf_weights_check_shape(t, &elements, err) ||
        !check_view(t, from->offset, st->view_numel, elements, err) ||
        !check_spread(t, elements, err))
        return false;
    t->data = f->source->bytes + at +
              (size_t)(st->view_offset + from->offset) * pf_dtype_size(t->dtype);
    return true;
}

static bool list_tensors(pf_weights *w, const torch_file *f, pf_notes *notes,
                         pf_err *err)
{
    pf_pickle_ref dict;
    if (!find_state_dict(f->pickle, &dict, err))
        return false;
    pf_pickle_item item = {0};
    while (pf_pickle_next(f->pickle, dict, &item)) {
        const char *name;
        size_t n;
        if (pf_pickle_get_kind(f->pickle, item.key) != PF_PICKLE_STRING ||
            !pf_pickle_to_bytes(f->pickle, item.key, &name, &n))
            return pf_fail(
                err, PF_ERR_FORMAT, "the state dict has a key that is %s, not a name",
                pf_pickle_kind_name(pf_pickle_get_kind(f->pickle, item.key)));
        pf_tensor t;
        pf_pickle_tensor from;
        if (!pf_pickle_to_tensor(f->pickle, item.value, &from)) {
            pf_notes_add(
                notes, "entry '%.*s' of the state dict is passed over: %s",
                pf_utf8_shown(name, n), name,
                pf_pickle_kind_name(pf_pickle_get_kind(f->pickle, item.value)));
            continue;
        }
        if (!read_tensor(&t, f, &from, err))
            return pf_fail_in(err, "tensor '%.*s'", pf_utf8_shown(name, n), name);
        if (!pf_weights_add(w, &t, name, n, err))
            return false;
    }
    return true;
}

/* ---- zip ---- */

static bool ends_with(const pf_zip_entry *e, const char *tail)
{
    size_t n = strlen(tail);
    return e->name_size >= n && memcmp(e->name + e->name_size - n, tail, n) == 0;
}

/* The one entry FOLDER/data.pkl. */
static bool find_folder(torch_file *f, const pf_zip_entry **pickle, pf_err *err)
{
    *pickle = NULL;
    for (size_t i = 0; i < pf_zip_count(f->zip); i++) {
        const pf_zip_entry *e = pf_zip_at(f->zip, i);
        const char *slash = memchr(e->name, '/', e->name_size);
        if (!slash || !ends_with(e, "/data.pkl") ||
            slash != e->name + e->name_size - strlen("/data.pkl"))
            continue;
        if (*pickle)
            return pf_fail(err, PF_ERR_FORMAT, "the archive has two data.pkl");
        *pickle = e;
        f->folder = e->name;
        f->folder_size = (size_t)(slash - e->name) + 1;
    }
    return *pickle ||
           pf_fail(
               err, PF_ERR_UNSUPPORTED,
               "is a zip archive, but no torch checkpoint: it has no data.pkl; if a "
               "checkpoint is packed in it, unpack it");
}

/* An entry of the torch file's folder, or NULL. */
static const pf_zip_entry *find_beside(const torch_file *f, const char *name)
{
    char path[MAX_PATH_IN_ZIP];
    size_t n = strlen(name);
    if (f->folder_size + n > sizeof path)
        return NULL;
    memcpy(path, f->folder, f->folder_size);
    memcpy(path + f->folder_size, name, n);
    return pf_zip_find(f->zip, path, f->folder_size + n);
}

static bool has_code(const torch_file *f)
{
    for (size_t i = 0; i < pf_zip_count(f->zip); i++) {
        const pf_zip_entry *e = pf_zip_at(f->zip, i);
        if (e->name_size > f->folder_size + 5 &&
            memcmp(e->name, f->folder, f->folder_size) == 0 &&
            memcmp(e->name + f->folder_size, "code/", 5) == 0)
            return true;
    }
    return false;
}

static bool check_kind(const torch_file *f, pf_err *err)
{
    if (find_beside(f, "constants.pkl") || has_code(f))
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "is a TorchScript archive; load it with torch.jit.load and save "
                       "its state_dict() with torch.save");
    const pf_zip_entry *order = find_beside(f, "byteorder");
    char name[16];
    uint64_t at;
    if (!order)
        return true;
    size_t n = order->size < sizeof name ? (size_t)order->size : sizeof name;
    if (!pf_zip_locate(f->zip, order, &at, err) ||
        !pf_source_read(f->source, at, name, n, err))
        return false;
    if (order->size == 6 && memcmp(name, "little", 6) == 0)
        return true;
    return pf_fail(err, PF_ERR_UNSUPPORTED,
                   "was saved in byte order '%.*s', only 'little' is read; save it "
                   "again on a little-endian machine",
                   order->size <= n && pf_utf8_is_valid(name, n) ? (int)n : 0, name);
}

static bool read_archive(pf_weights *w, torch_file *f, pf_notes *notes, pf_err *err)
{
    const pf_zip_entry *entry;
    uint64_t at;
    if (!find_folder(f, &entry, err) || !check_kind(f, err) ||
        !pf_zip_locate(f->zip, entry, &at, err))
        return false;
    if (entry->size > PF_WEIGHTS_MAX_PICKLE)
        return pf_fail(err, PF_ERR_LIMIT, "data.pkl has %llu bytes, the limit is %d",
                       (unsigned long long)entry->size, (int)PF_WEIGHTS_MAX_PICKLE);
    const size_t n = (size_t)entry->size;
    uint8_t *copy = pf_alloc_array(n, 1, err);
    pf_span bytes = pf_span_of(copy, n);
    pf_pickle *pickle = NULL;
    bool ok = copy && pf_source_read(f->source, at, copy, n, err) &&
              pf_pickle_read(&pickle, &bytes, err);
    f->pickle = pickle;
    if (ok)
        ok = pf_span_left(&bytes) == 0
                 ? list_tensors(w, f, notes, err)
                 : pf_fail(err, PF_ERR_FORMAT, "data.pkl has %zu bytes behind its end",
                           pf_span_left(&bytes));
    pf_pickle_free(pickle);
    pf_free(copy);
    return ok;
}

bool pf_torch_read_zip(pf_weights *w, pf_notes *notes, pf_err *err)
{
    pf_zip *zip;
    if (!pf_zip_open(&zip, &w->source, err))
        return false;
    torch_file f = {.source = &w->source, .zip = zip};
    bool ok = read_archive(w, &f, notes, err);
    pf_zip_close(zip);
    return ok;
}

/* ---- legacy ---- */

static bool check_magic(pf_span *bytes, pf_err *err)
{
    pf_pickle *p;
    const char *s;
    size_t n;
    if (!pf_pickle_read(&p, bytes, err))
        return false;
    bool ok = pf_pickle_to_bytes(p, pf_pickle_top(p), &s, &n) &&
              n == sizeof legacy_magic && memcmp(s, legacy_magic, n) == 0;
    pf_pickle_free(p);
    return ok || pf_fail(err, PF_ERR_UNSUPPORTED,
                         "is a plain pickle, not a torch file; save the state dict "
                         "with torch.save");
}

static bool check_version(pf_span *bytes, pf_err *err)
{
    pf_pickle *p;
    int64_t version = -1;
    if (!pf_pickle_read(&p, bytes, err))
        return false;
    bool ok =
        pf_pickle_to_int(p, pf_pickle_top(p), &version) && version == LEGACY_VERSION;
    pf_pickle_free(p);
    return ok || pf_fail(err, PF_ERR_UNSUPPORTED, "torch file version %lld, %d is read",
                         (long long)version, (int)LEGACY_VERSION);
}

static bool check_machine(pf_span *bytes, pf_err *err)
{
    pf_pickle *p;
    pf_pickle_ref v;
    bool is_little = false;
    if (!pf_pickle_read(&p, bytes, err))
        return false;
    bool ok = pf_pickle_find(p, pf_pickle_top(p), "little_endian", &v) == 1 &&
              pf_pickle_to_bool(p, v, &is_little);
    pf_pickle_free(p);
    if (!ok)
        return pf_fail(err, PF_ERR_FORMAT, "does not say in which byte order it is");
    return is_little ||
           pf_fail(err, PF_ERR_UNSUPPORTED,
                   "was saved in byte order 'big', only 'little' is read; save it "
                   "again on a little-endian machine");
}

/* The storages sorted by key, so that they can be found by it. */
typedef struct {
    const pf_pickle_storage *storage;
    size_t number; /* in the pickle */
} by_key_entry;

static int compare_keys(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

static int by_key(const void *a, const void *b)
{
    const pf_pickle_storage *x = ((const by_key_entry *)a)->storage;
    const pf_pickle_storage *y = ((const by_key_entry *)b)->storage;
    return compare_keys(x->key, x->key_size, y->key, y->key_size);
}

/* The first of the mentions of `key`, or `n`. */
static size_t first_of_key(const by_key_entry *sorted, size_t n, const char *key,
                           size_t key_size)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const pf_pickle_storage *st = sorted[mid].storage;
        if (compare_keys(st->key, st->key_size, key, key_size) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == n || compare_keys(sorted[low].storage->key,
                                 sorted[low].storage->key_size, key, key_size) != 0)
        return n;
    return low;
}

/* The storage `key` begins at `*at`: note where its elements are for each mention, and
 * move *at behind them. */
static bool take_storage(const by_key_entry *sorted, size_t n, const char *key,
                         size_t key_size, const pf_source *source, uint64_t *at,
                         uint64_t *out, pf_err *err)
{
    int shown = pf_utf8_shown(key, key_size);
    size_t i = first_of_key(sorted, n, key, key_size);
    if (i == n)
        return pf_fail(err, PF_ERR_FORMAT, "storage '%.*s' belongs to no tensor", shown,
                       key);
    const pf_pickle_storage *st = sorted[i].storage;
    if (out[sorted[i].number])
        return pf_fail(err, PF_ERR_FORMAT, "storage '%.*s' is there twice", shown, key);
    uint64_t count = 0;
    uint8_t head[8];
    if (source->size - *at < sizeof head)
        return pf_fail(err, PF_ERR_FORMAT,
                       "the file ends before storage '%.*s'; it is cut, fetch it again",
                       shown, key);
    if (!pf_source_read(source, *at, head, sizeof head, err))
        return false;
    pf_span number = pf_span_of(head, sizeof head);
    if (!pf_span_u64le(&number, &count) || count != (uint64_t)st->numel)
        return pf_fail(err, PF_ERR_FORMAT,
                       "storage '%.*s' has %llu elements, its tensors expect %lld",
                       shown, key, (unsigned long long)count, (long long)st->numel);
    *at += sizeof head;
    size_t size = (size_t)st->numel * pf_dtype_size(st->dtype);
    if (size > source->size - *at)
        return pf_fail(err, PF_ERR_FORMAT,
                       "the file ends inside storage '%.*s'; it is cut, fetch it again",
                       shown, key);
    for (; i < n && compare_keys(sorted[i].storage->key, sorted[i].storage->key_size,
                                 key, key_size) == 0;
         i++) {
        if (sorted[i].storage->dtype != st->dtype ||
            sorted[i].storage->numel != st->numel)
            return pf_fail(err, PF_ERR_FORMAT,
                           "storage '%.*s' is named with different types or lengths",
                           shown, key);
        out[sorted[i].number] = *at;
    }
    *at += size;
    return true;
}

static bool take_storages(const pf_pickle *keys, const by_key_entry *sorted, size_t n,
                          const pf_source *source, uint64_t *at, uint64_t *out,
                          pf_err *err)
{
    pf_pickle_item item = {0};
    if (pf_pickle_get_kind(keys, pf_pickle_top(keys)) != PF_PICKLE_LIST)
        return pf_fail(
            err, PF_ERR_FORMAT, "the list of storages is %s",
            pf_pickle_kind_name(pf_pickle_get_kind(keys, pf_pickle_top(keys))));
    while (pf_pickle_next(keys, pf_pickle_top(keys), &item)) {
        const char *key;
        size_t key_size;
        if (pf_pickle_get_kind(keys, item.value) != PF_PICKLE_STRING ||
            !pf_pickle_to_bytes(keys, item.value, &key, &key_size))
            return pf_fail(err, PF_ERR_FORMAT, "a storage's key is no string");
        if (!take_storage(sorted, n, key, key_size, source, at, out, err))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!out[sorted[i].number])
            return pf_fail(
                err, PF_ERR_FORMAT, "storage '%.*s' is missing",
                pf_utf8_shown(sorted[i].storage->key, sorted[i].storage->key_size),
                sorted[i].storage->key);
    }
    return true;
}

/* What stands before the storages. */
typedef struct {
    uint8_t *copy; /* the pickles' bytes */
    pf_pickle *object, *keys;
    uint64_t end;
} front;

static void free_front(front *f)
{
    pf_pickle_free(f->object);
    pf_pickle_free(f->keys);
    pf_free(f->copy);
    *f = (front){0};
}

/* From the first `n` bytes of the file. */
static bool read_front(front *f, const pf_source *source, size_t n, pf_err *err)
{
    *f = (front){.copy = pf_alloc_array(n, 1, err)};
    if (!f->copy || !pf_source_read(source, 0, f->copy, n, err))
        return false;
    pf_span bytes = pf_span_of(f->copy, n);
    if (!check_magic(&bytes, err) || !check_version(&bytes, err) ||
        !check_machine(&bytes, err) || !pf_pickle_read(&f->object, &bytes, err) ||
        !pf_pickle_read(&f->keys, &bytes, err))
        return false;
    f->end = n - pf_span_left(&bytes);
    return true;
}

/* How long the pickles are stands nowhere: where the usual is not enough, more. */
static bool find_front(front *f, const pf_source *source, pf_err *err)
{
    const size_t most =
        source->size < PF_WEIGHTS_MAX_PICKLE ? source->size : PF_WEIGHTS_MAX_PICKLE;
    pf_err ignored = PF_ERR_INIT;
    if (most > FRONT_SIZE && read_front(f, source, FRONT_SIZE, &ignored))
        return true;
    if (most > FRONT_SIZE)
        free_front(f);
    return read_front(f, source, most, err);
}

/* Find the storages of the object, by their numbers, into `out`. */
static bool locate_storages(const front *f, const pf_source *source, uint64_t *at,
                            uint64_t *out, pf_err *err)
{
    size_t n = pf_pickle_storages(f->object);
    by_key_entry *sorted = pf_alloc_array(n, sizeof *sorted, err);
    if (!sorted)
        return false;
    for (size_t i = 0; i < n; i++)
        sorted[i] = (by_key_entry){pf_pickle_storage_at(f->object, i), i};
    if (n > 0)
        qsort(sorted, n, sizeof *sorted, by_key);
    *at = f->end;
    bool ok = take_storages(f->keys, sorted, n, source, at, out, err);
    pf_free(sorted);
    return ok;
}

bool pf_torch_read_legacy(pf_weights *w, pf_notes *notes, pf_err *err)
{
    front parts = {0};
    uint64_t *storage_at = NULL, at = 0;
    bool ok = find_front(&parts, &w->source, err);
    if (ok) {
        size_t n = pf_pickle_storages(parts.object);
        storage_at = pf_alloc_array(n, sizeof *storage_at, err);
        torch_file f = {
            .source = &w->source, .pickle = parts.object, .storage_at = storage_at};
        ok = storage_at && locate_storages(&parts, &w->source, &at, storage_at, err) &&
             list_tensors(w, &f, notes, err);
    }
    if (ok && at < w->source.size)
        pf_notes_add(notes, "%zu bytes behind the last storage are passed over",
                     w->source.size - (size_t)at);
    pf_free(storage_at);
    free_front(&parts);
    return ok;
}
