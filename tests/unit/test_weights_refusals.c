/*
 * test_weights_refusals.c - what is no checkpoint, or a broken one, is refused by name.
 *
 * Each case is a good micro file and one patch, and says words of the message. Two
 * loops follow: every file cut at every length, and every byte changed in turn.
 */
#include <sys/stat.h>

#include "tests/unit/checkpoint_support.h"

typedef struct {
    const char *name, *file; /* NULL: the patch makes everything */
    void (*patch)(blob *b);
    const char *words;
} refusal;

/* ---- safetensors: JSON patches keep the header's length right ---- */

#define ST_SWAP(b, from, to)                                                           \
    do {                                                                               \
        blob_swap(b, from, to);                                                        \
        blob_set(b, 0, blob_get(b, 0, 8) + sizeof to - sizeof from, 8);                \
    } while (0)

#define PATCH_ST(fn, from, to)                                                         \
    static void fn(blob *b)                                                            \
    {                                                                                  \
        ST_SWAP(b, from, to);                                                          \
    }

PATCH_ST(st_wrong_shape, "\"shape\":[6,4]", "\"shape\":[6,5]")
PATCH_ST(st_negative_size, "\"shape\":[6,4]", "\"shape\":[6,-4]")
PATCH_ST(st_zero_size, "\"shape\":[6,4]", "\"shape\":[6,0]")
PATCH_ST(st_float_size, "\"shape\":[6,4]", "\"shape\":[6,4.0]")
PATCH_ST(st_no_shape, "\"shape\":[6,4]", "\"shapf\":[6,4]")
PATCH_ST(st_huge_product, "\"shape\":[6,4]", "\"shape\":[4294967296,4294967297]")
PATCH_ST(st_beyond_int64, "\"shape\":[6,4]", "\"shape\":[99999999999999999999]")
PATCH_ST(st_rank_9, "\"shape\":[6,4]", "\"shape\":[6,4,1,1,1,1,1,1,1]")
PATCH_ST(st_unknown_dtype, "\"dtype\":\"I64\"", "\"dtype\":\"F8_E4M3\"")
PATCH_ST(st_no_dtype, "\"dtype\":\"I64\"", "\"dtipe\":\"I64\"")
PATCH_ST(st_offsets_backward, "[192,288]", "[288,192]")
PATCH_ST(st_offsets_negative, "[192,288]", "[-1,95]")
PATCH_ST(st_offsets_no_pair, "[192,288]", "[192]")
PATCH_ST(st_range_beyond_file, "[192,288]", "[1000192,1000288]")
PATCH_ST(st_overlap, "[192,288]", "[188,284]")
PATCH_ST(st_duplicate_name, "\"visual.proj\"", "\"logit_scale\"")
PATCH_ST(st_empty_name, "\"visual.proj\"", "\"\"")
PATCH_ST(st_name_with_nul, "\"visual.proj\"", "\"visual\\u0000proj\"")
PATCH_ST(st_name_not_utf8, "\"visual.proj\"", "\"visual.\xFFproj\"")
PATCH_ST(st_metadata_no_object, "{\"format\":\"pt\"}", "[1]")
PATCH_ST(st_broken_json, "\"visual.proj\":", "\"visual.proj\";")
PATCH_ST(st_entry_no_object, "{\"format\":\"pt\"}", "{},\"x\":3")

static void st_name_too_long(blob *b)
{
    char name[600];
    memset(name, 'n', sizeof name);
    blob_splice(b, blob_find(b, "visual.proj", 11), 11, name, sizeof name);
    blob_set(b, 0, blob_get(b, 0, 8) + sizeof name - 11, 8);
}

static void st_header_past_end(blob *b)
{
    blob_set(b, 0, b->n, 8);
}

static void st_header_over_limit(blob *b)
{
    blob_set(b, 0, (4u << 20) + 1, 8);
}

static void st_bytes_behind(blob *b)
{
    b->p[b->n++] = 0;
}

static void st_hole(blob *b)
{
    blob_swap(b, "[0,192]", "[4,196]");
    blob_splice(b, b->n, 0, "abcd", 4);
    blob_swap(b, "[192,288]", "[196,292]");
    blob_swap(b, "[288,308]", "[292,312]");
    blob_swap(b, "[308,312]", "[312,316]");
    blob_swap(b, "[312,320]", "[316,324]");
    blob_swap(b, "[320,332]", "[324,336]");
}

static void write_safetensors(blob *b, const char *head)
{
    b->n = 8 + strlen(head);
    blob_set(b, 0, strlen(head), 8);
    memcpy(b->p + 8, head, strlen(head));
}

static void st_no_tensors(blob *b)
{
    write_safetensors(b, "{}");
}

static void st_nested_bomb(blob *b)
{
    char head[20000] = "{\"a\":";
    memset(head + 5, '[', sizeof head - 6);
    head[sizeof head - 1] = '\0';
    write_safetensors(b, head);
}

/* ---- zip ---- */

/* The central (or local) header of the `which`-th entry whose name ends in `tail`. */
static size_t header_of(const blob *b, const char *magic, size_t name_at,
                        size_t size_at, const char *tail)
{
    size_t n = strlen(tail);
    for (size_t at = 0; (at = blob_search(b, at, magic, 4)) != SIZE_MAX; at++) {
        size_t name_size = (size_t)blob_get(b, at + size_at, 2);
        if (name_size >= n && at + name_at + name_size <= b->n &&
            memcmp(b->p + at + name_at + name_size - n, tail, n) == 0)
            return at;
    }
    fail_msg("no entry ends in '%s'", tail);
    return 0;
}

static size_t central_of(const blob *b, const char *tail)
{
    return header_of(b, "PK\1\2", 46, 28, tail);
}

static size_t local_of(const blob *b, const char *tail)
{
    return header_of(b, "PK\3\4", 30, 26, tail);
}

static size_t end_of(const blob *b)
{
    return blob_find(b, "PK\5\6", 4);
}

static void zip_end_cut(blob *b)
{
    b->n -= 1;
}

static void zip_compressed(blob *b)
{
    blob_set(b, central_of(b, "data/0") + 10, 8, 2);
}

static void zip_compressed_locally(blob *b)
{
    blob_set(b, local_of(b, "data/0") + 8, 8, 2);
}

static void zip_encrypted(blob *b)
{
    b->p[central_of(b, "data/0") + 8] |= 1;
}

static void zip_duplicate_entry(blob *b)
{
    size_t at = central_of(b, "data/1");
    b->p[at + 46 + blob_get(b, at + 28, 2) - 1] = '0';
}

static void zip_other_local_name(blob *b)
{
    size_t at = local_of(b, "data/1");
    b->p[at + 30 + blob_get(b, at + 26, 2) - 1] = '7';
}

static void zip_other_local_size(blob *b)
{
    size_t at = local_of(b, "data/1");
    blob_set(b, at + 22, 97, 4);
}

static void zip_stored_with_two_sizes(blob *b)
{
    blob_set(b, central_of(b, "data/0") + 20, 5, 4);
}

static void zip_entry_too_long(blob *b)
{
    size_t at = central_of(b, "data/0");
    blob_set(b, at + 20, 0x7FFFFFFF, 4);
    blob_set(b, at + 24, 0x7FFFFFFF, 4);
}

static void zip_header_out_of_file(blob *b)
{
    blob_set(b, central_of(b, "data/0") + 42, 0x7FFFFFFF, 4);
}

static void zip_zip64_field_missing(blob *b)
{
    blob_set(b, central_of(b, "data/0") + 42, 0xFFFFFFFF, 4);
}

static void zip_missing_data(blob *b)
{
    for (int i = 0; i < 2; i++) {
        size_t at = i ? central_of(b, "data/0") : local_of(b, "data/0");
        size_t name = at + (i ? 46 : 30), n = blob_get(b, at + (i ? 28 : 26), 2);
        b->p[name + n - 1] = '9';
    }
}

static void zip_data_too_short(blob *b)
{
    size_t at = central_of(b, "data/0");
    blob_set(b, at + 20, 188, 4);
    blob_set(b, at + 24, 188, 4);
}

static void zip_name_with_nul(blob *b)
{
    b->p[central_of(b, "data/0") + 46] = 0;
}

static void zip_name_not_utf8(blob *b)
{
    b->p[central_of(b, "data/0") + 46] = 0xFF;
}

static void zip_too_many_declared(blob *b)
{
    size_t at = end_of(b);
    blob_set(b, at + 8, blob_get(b, at + 8, 2) + 1, 2);
    blob_set(b, at + 10, blob_get(b, at + 10, 2) + 1, 2);
}

static void zip_too_few_declared(blob *b)
{
    blob_set(b, end_of(b) + 10, blob_get(b, end_of(b) + 10, 2) - 1, 2);
}

static void zip_directory_moved(blob *b)
{
    blob_set(b, end_of(b) + 16, blob_get(b, end_of(b) + 16, 4) - 1, 4);
}

static void zip_several_disks(blob *b)
{
    blob_set(b, end_of(b) + 4, 1, 2);
}

static void zip64_record_moved(blob *b)
{
    size_t at = blob_find(b, "PK\6\7", 4);
    blob_set(b, at + 8, blob_get(b, at + 8, 8) + 1, 8);
}

static void zip64_contradicts(blob *b)
{
    size_t at = blob_find(b, "PK\6\6", 4);
    blob_set(b, at + 24, 3, 8);
    blob_set(b, at + 32, 3, 8);
}

static void zip64_billions_of_entries(blob *b)
{
    size_t at = blob_find(b, "PK\6\6", 4);
    blob_set(b, at + 24, 1ull << 40, 8);
    blob_set(b, at + 32, 1ull << 40, 8);
    blob_set(b, end_of(b) + 8, 0xFFFF, 2);
    blob_set(b, end_of(b) + 10, 0xFFFF, 2);
}

/* Rename an entry in both headers to a name of the same length. */
static void rename_entry(blob *b, const char *tail, const char *to)
{
    size_t n = strlen(to);
    for (int i = 0; i < 2; i++) {
        size_t at = i ? central_of(b, tail) : local_of(b, tail);
        size_t name = at + (i ? 46 : 30), size = blob_get(b, at + (i ? 28 : 26), 2);
        memcpy(b->p + name + size - n, to, n);
    }
}

static void zip_torchscript(blob *b)
{
    rename_entry(b, "/version", "/code/.x");
}

static void zip_no_pickle(blob *b)
{
    rename_entry(b, "/data.pkl", "/datb.pkl");
}

static void zip_two_pickles(blob *b)
{
    rename_entry(b, "/byteorder", "y/data.pkl"); /* in a folder of another name */
}

static void zip_big_endian(blob *b)
{
    memcpy(b->p + blob_find(b, "little", 6), "big...", 6);
    for (int i = 0; i < 2; i++) {
        size_t at = i ? central_of(b, "byteorder") : local_of(b, "byteorder");
        blob_set(b, at + (i ? 20 : 18), 3, 4);
        blob_set(b, at + (i ? 24 : 22), 3, 4);
    }
}

static void zip_bytes_behind_pickle(blob *b)
{
    blob_swap(b, "\x80\x02", "}.");
}

/* ---- legacy: pickles have no lengths around them, so patches may be of any size ----
 */

#define PATCH(fn, from, to)                                                            \
    static void fn(blob *b)                                                            \
    {                                                                                  \
        blob_swap(b, from, to);                                                        \
    }

PATCH(global_os_system, "collections\nOrderedDict", "os\nsystem")
PATCH(global_posix_system, "collections\nOrderedDict", "posix\nsystem")
PATCH(global_eval, "collections\nOrderedDict", "builtins\neval")
PATCH(global_getattr, "collections\nOrderedDict", "builtins\ngetattr")
PATCH(global_dotted, "collections\nOrderedDict", "collections\nOrderedDict.fromkeys")
PATCH(global_torch_load, "torch._utils\n_rebuild_tensor_v2",
      "torch.serialization\nload")
PATCH(global_lookalike, "torch._utils\n_rebuild_tensor_v2",
      "torch._utils\n_rebuild_tensor_v2 ")
PATCH(global_endless, "collections\nOrderedDict\n", "collections")
PATCH(storage_unknown, "torch\nFloatStorage", "torch\nComplexFloatStorage")
PATCH(storage_no_type, "torch\nFloatStorage", "torch._utils\n_rebuild_parameter")
PATCH(id_unknown, "X\7\0\0\0storage", "X\7\0\0\0secrets")
PATCH(id_module, "X\7\0\0\0storage", "X\6\0\0\0module")
PATCH(wrong_version, "M\xE9\3", "M\xEA\3")
PATCH(wrong_magic, "\x6C\xFC\x9C", "\x6D\xFC\x9C")
PATCH(big_endian, "little_endianq\2\x88", "little_endianq\2\x89")
PATCH(no_byte_order, "little_endian", "little_endiam")
/* transformer.ln.weight: offset 0, size (5,), stride (1,) */
PATCH(offset_beyond, "QK\0K\5\x85", "QK\5K\5\x85")
PATCH(offset_negative, "QK\0K\5\x85", "QJ\xFF\xFF\xFF\xFFK\5\x85")
PATCH(size_negative, "QK\0K\5\x85", "QK\0J\xFB\xFF\xFF\xFF\x85")
PATCH(size_zero, "QK\0K\5\x85", "QK\0K\0\x85")
PATCH(size_beyond, "QK\0K\5\x85", "QK\0K\6\x85")
PATCH(size_overflow, "QK\0K\5\x85", "QK\0\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x85")
PATCH(size_no_int, "QK\0K\5\x85", "QK\0N\x85")
PATCH(rank_mismatch, "QK\0K\5\x85", "QK\0K\5K\1\x86")
PATCH(rank_9, "QK\0K\5\x85", "QK\0(K\5K\1K\1K\1K\1K\1K\1K\1K\1t")
/* visual.proj: size (6, 4), stride (4, 1) */
PATCH(stride_leaves, "K\4K\1\x86", "K\5K\1\x86")
PATCH(stride_negative, "K\4K\1\x86", "K\4J\xFF\xFF\xFF\xFF\x86")
PATCH(stride_huge, "K\4K\1\x86", "K\4\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x86")
PATCH(nul_in_name, "visual.proj", "visual\0proj")
PATCH(bad_utf8_name, "visual.proj", "visual\xFFproj")
PATCH(legacy_duplicate_name, "X\x0B\0\0\0visual.proj", "X\x0B\0\0\0logit_scale")
PATCH(key_no_string, "X\x0B\0\0\0visual.proj", "K\1")

static void expanded_bomb(blob *b)
{
    /* five billion elements over one: stride 0 */
    blob_swap(b, "QK\0K\5\x85", "QK\0\x8A\5\0\0\0\0\1\x85");
    size_t at = blob_find(b, "\0\0\0\0\1\x85", 6);
    size_t stride = blob_search(b, at, "K\1\x85", 3);
    assert_true(stride != SIZE_MAX);
    b->p[stride + 1] = 0;
}

/* Where the storages begin: behind the last STOP of a list of keys. */
static size_t storages_of(const blob *b)
{
    size_t at = 0, last = SIZE_MAX;
    while ((at = blob_search(b, at, "e.", 2)) != SIZE_MAX)
        last = at++;
    assert_true(last != SIZE_MAX);
    return last + 2;
}

static void storage_count_differs(blob *b)
{
    size_t at = storages_of(b);
    blob_set(b, at, blob_get(b, at, 8) + 1, 8);
}

static void storage_cut(blob *b)
{
    b->n -= 1;
}

static void storage_list_ends_early(blob *b)
{
    b->n = storages_of(b) + 4;
}

/* The list of keys names one that no tensor has. */
static void storage_unheard_of(blob *b)
{
    size_t at = 0, last = SIZE_MAX;
    while ((at = blob_search(b, at, "\x80\2]q\0(X", 7)) != SIZE_MAX)
        last = at++;
    assert_true(last != SIZE_MAX);
    b->p[last + 11] = 'z'; /* the first letter of the first key */
}

static void write_bytes(blob *b, const void *bytes, size_t n)
{
    memcpy(b->p, bytes, n);
    b->n = n;
}

#define WRITE(fn, bytes)                                                               \
    static void fn(blob *b)                                                            \
    {                                                                                  \
        write_bytes(b, bytes, sizeof bytes - 1);                                       \
    }

/* ---- not checkpoints at all ---- */

WRITE(nothing, "")
WRITE(one_byte, "\1")
WRITE(web_page, "<!DOCTYPE html>\n<html><body>404 not found</body></html>\n")
WRITE(web_page_late, "\n\n  <HTML><head><title>Sign in</title></head></HTML>")
WRITE(lfs_pointer,
      "version https://git-lfs.github.com/spec/v1\noid sha256:4daa\nsize 6\n")
WRITE(plain_text, "import torch\nprint('hello')\n")
WRITE(gzip, "\x1F\x8B\x08\0\0\0\0\0")
WRITE(hdf5, "\x89HDF\r\n\x1A\n")
WRITE(gguf, "GGUF\3\0\0\0")
WRITE(noise, "\xDE\xAD\xBE\xEF\xDE\xAD\xBE\xEF")
WRITE(bare_pickle, "\x80\x02}.")
WRITE(bare_pickle_of_code, "\x80\x02"
                           "cposix\nsystem\n(X\2\0\0\0lst.")
WRITE(empty_zip, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")

static void old_tar(blob *b)
{
    memset(b->p, 0, 512);
    b->p[0] = 's';
    memcpy(b->p + 257, "ustar", 5);
    b->n = 512;
}

static const refusal refusals[] = {
    /* safetensors */
    {"shape is not the range", "model.safetensors", st_wrong_shape,
     "tensor 'visual.proj': has shape [6, 5] of float32, which is 120 bytes, but its "
     "data_offsets span 96"},
    {"negative size", "model.safetensors", st_negative_size, "has shape [6, -4]"},
    {"zero size", "model.safetensors", st_zero_size, "sizes must be at least 1"},
    {"float size", "model.safetensors", st_float_size, "a size that is no integer"},
    {"no shape", "model.safetensors", st_no_shape, "'visual.proj': has no shape"},
    {"product overflows", "model.safetensors", st_huge_product, "more than any memory"},
    {"size over 64 bits", "model.safetensors", st_beyond_int64, "safetensors header"},
    {"nine axes", "model.safetensors", st_rank_9, "has 9 axes, the limit is 8"},
    {"unknown dtype", "model.safetensors", st_unknown_dtype, "dtype 'F8_E4M3'"},
    {"no dtype", "model.safetensors", st_no_dtype, "has no dtype"},
    {"backward offsets", "model.safetensors", st_offsets_backward, "run backwards"},
    {"negative offset", "model.safetensors", st_offsets_negative, "run backwards"},
    {"one offset", "model.safetensors", st_offsets_no_pair, "has no data_offsets"},
    {"range past the end", "model.safetensors", st_range_beyond_file,
     "ends at byte 1000288 of the data, which has 332"},
    {"overlap", "model.safetensors", st_overlap,
     "'visual.conv1.weight' and 'visual.proj' overlap"},
    {"hole", "model.safetensors", st_hole,
     "4 bytes before tensor 'visual.conv1.weight' belong to no tensor"},
    {"bytes behind", "model.safetensors", st_bytes_behind,
     "1 bytes at the end of the file belong to no tensor"},
    {"duplicate name", "model.safetensors", st_duplicate_name, "duplicate object key"},
    {"empty name", "model.safetensors", st_empty_name, "empty name"},
    {"NUL in name", "model.safetensors", st_name_with_nul, "safetensors header"},
    {"name not UTF-8", "model.safetensors", st_name_not_utf8, "safetensors header"},
    {"name too long", "model.safetensors", st_name_too_long,
     "has 600 bytes, the limit is 512"},
    {"metadata no object", "model.safetensors", st_metadata_no_object,
     "'__metadata__' is no object"},
    {"broken JSON", "model.safetensors", st_broken_json, "not valid JSON at line 1"},
    {"entry no object", "model.safetensors", st_entry_no_object,
     "tensor 'x': its header entry is no object"},
    {"header past the end", "model.safetensors", st_header_past_end, "fetch it again"},
    {"header over the limit", "model.safetensors", st_header_over_limit,
     "header of 4194305 bytes, the limit is 4194304"},
    {"no tensors", NULL, st_no_tensors, "holds no tensor"},
    {"nested JSON bomb", NULL, st_nested_bomb, "maximum parsing depth"},
    /* zip */
    {"zip cut", "plain.pt", zip_end_cut, "end record is missing"},
    {"compressed", "plain.pt", zip_compressed, "is compressed (method 8)"},
    {"compressed in its header", "plain.pt", zip_compressed_locally,
     "contradict each other"},
    {"encrypted", "plain.pt", zip_encrypted, "data/0' is encrypted"},
    {"duplicate entry", "plain.pt", zip_duplicate_entry, "data/0' is there twice"},
    {"other local name", "torch2.pt", zip_other_local_name, "another name"},
    {"other local size", "torch2.pt", zip_other_local_size, "contradict each other"},
    {"stored with two sizes", "plain.pt", zip_stored_with_two_sizes, "the sizes 5 and"},
    {"entry too long", "plain.pt", zip_entry_too_long, "only"},
    {"header out of the file", "plain.pt", zip_header_out_of_file,
     "not where the directory says"},
    {"ZIP64 field missing", "plain.pt", zip_zip64_field_missing, "bad extra field"},
    {"missing data entry", "torch2.pt", zip_missing_data,
     "tensor 'visual.conv1.weight': the archive has no entry "
     "'PubMedCLIP_ViT32/data/0'"},
    {"data entry too short", "plain.pt", zip_data_too_short,
     "has 188 bytes, but its storage is 48 x float32"},
    {"NUL in entry name", "plain.pt", zip_name_with_nul, "NUL inside"},
    {"entry name not UTF-8", "plain.pt", zip_name_not_utf8, "not UTF-8"},
    {"too many entries declared", "torch2.pt", zip_too_many_declared, "broken off"},
    {"too few entries declared", "torch2.pt", zip_too_few_declared, "longer than"},
    {"directory moved", "torch2.pt", zip_directory_moved, "does not end where"},
    {"several disks", "torch2.pt", zip_several_disks, "split over several files"},
    {"ZIP64 record moved", "plain.pt", zip64_record_moved, "ZIP64 end record"},
    {"ZIP64 contradicts", "plain.pt", zip64_contradicts, "contradict each other"},
    {"billions of entries", "plain.pt", zip64_billions_of_entries,
     "1099511627776 entries, the limit is 262144"},
    {"TorchScript", "plain.pt", zip_torchscript,
     "is a TorchScript archive; load it with torch.jit.load and save its state_dict()"},
    {"no data.pkl", "plain.pt", zip_no_pickle, "it has no data.pkl"},
    {"two data.pkl", "torch2.pt", zip_two_pickles, "two data.pkl"},
    {"big-endian zip", "torch2.pt", zip_big_endian, "saved in byte order 'big'"},
    {"bytes behind the pickle", "plain.pt", zip_bytes_behind_pickle, "behind its end"},
    {"empty zip", NULL, empty_zip, "it has no data.pkl"},
    /* pickles */
    {"os.system", "plain-legacy.pt", global_os_system,
     "refuses the pickle global 'os.system'"},
    {"posix.system", "plain-legacy.pt", global_posix_system, "'posix.system'"},
    {"builtins.eval", "plain-legacy.pt", global_eval, "'builtins.eval'"},
    {"builtins.getattr", "plain-legacy.pt", global_getattr, "'builtins.getattr'"},
    {"a method of an allowed class", "plain-legacy.pt", global_dotted,
     "'collections.OrderedDict.fromkeys'"},
    {"torch.load", "plain-legacy.pt", global_torch_load, "'torch.serialization.load'"},
    {"a name that looks right", "plain-legacy.pt", global_lookalike,
     "'torch._utils._rebuild_tensor_v2 '"},
    {"global without a name", "plain-legacy.pt", global_endless, "refuses the pickle"},
    {"unknown storage type", "plain-legacy.pt", storage_unknown,
     "'torch.ComplexFloatStorage'"},
    {"no storage type", "plain-legacy.pt", storage_no_type,
     "'torch._utils._rebuild_parameter' is no storage type"},
    {"unknown persistent id", "plain-legacy.pt", id_unknown,
     "refuses the persistent id 'secrets'"},
    {"whole model saved", "plain-legacy.pt", id_module,
     "save its state_dict() instead"},
    {"torch file version", "plain-legacy.pt", wrong_version, "version 1002"},
    {"wrong magic", "plain-legacy.pt", wrong_magic, "is a plain pickle"},
    {"big-endian legacy", "plain-legacy.pt", big_endian, "byte order 'big'"},
    {"no byte order", "plain-legacy.pt", no_byte_order, "in which byte order"},
    {"offset beyond", "plain-legacy.pt", offset_beyond,
     "tensor 'transformer.ln.weight': begins at element 5 of a storage of 5"},
    {"offset negative", "plain-legacy.pt", offset_negative, "begins at element -1"},
    {"size negative", "plain-legacy.pt", size_negative, "has shape [-5]"},
    {"size zero", "plain-legacy.pt", size_zero, "has shape [0]"},
    {"size beyond", "plain-legacy.pt", size_beyond,
     "has shape [6] and strides [1], which leave its storage of 5 elements"},
    {"size overflows", "plain-legacy.pt", size_overflow, "more than any memory"},
    {"size no integer", "plain-legacy.pt", size_no_int, "that is no integer"},
    {"more sizes than strides", "plain-legacy.pt", rank_mismatch,
     "has 2 sizes, but 1 strides"},
    {"nine axes in torch", "plain-legacy.pt", rank_9, "has 9 axes, the limit is 8"},
    {"stride leaves the storage", "plain-legacy.pt", stride_leaves,
     "has shape [6, 4] and strides [5, 1], which leave its storage of 24 elements"},
    {"stride negative", "plain-legacy.pt", stride_negative, "negative stride -1"},
    {"stride huge", "plain-legacy.pt", stride_huge, "which leave its storage"},
    {"expanded bomb", "plain-legacy.pt", expanded_bomb, "an expanded tensor"},
    {"NUL in tensor name", "plain-legacy.pt", nul_in_name, "has a NUL inside"},
    {"tensor name not UTF-8", "plain-legacy.pt", bad_utf8_name, "not UTF-8"},
    {"tensor twice", "plain-legacy.pt", legacy_duplicate_name,
     "tensor 'logit_scale' is there twice"},
    {"key is no name", "plain-legacy.pt", key_no_string, "a key that is an integer"},
    {"storage count", "plain-legacy.pt", storage_count_differs, "its tensors expect"},
    {"storage cut", "plain-legacy.pt", storage_cut, "the file ends inside storage"},
    {"storage missing", "plain-legacy.pt", storage_list_ends_early,
     "the file ends before storage"},
    {"storage of nobody", "plain-legacy.pt", storage_unheard_of,
     "belongs to no tensor"},
    {"bare pickle", NULL, bare_pickle, "is a plain pickle, not a torch file"},
    {"bare pickle of code", NULL, bare_pickle_of_code, "'posix.system'"},
    /* no checkpoints */
    {"empty", NULL, nothing, "is empty"},
    {"one byte", NULL, one_byte, "neither safetensors nor a torch file"},
    {"web page", NULL, web_page, "is a web page, not a checkpoint"},
    {"web page, late tag", NULL, web_page_late, "is a web page, not a checkpoint"},
    {"git-lfs pointer", NULL, lfs_pointer, "run 'git lfs pull'"},
    {"text", NULL, plain_text, "is a text file"},
    {"gzip", NULL, gzip, "unpack it first"},
    {"HDF5", NULL, hdf5, "is HDF5"},
    {"GGUF", NULL, gguf, "is GGUF"},
    {"tar", NULL, old_tar, "is a tar archive"},
    {"noise", NULL, noise, "starts with bytes de ad, 8 in all"},
};

static void each_is_refused_by_name(void **state)
{
    (void)state;
    size_t failed = 0;
    guarded g = guarded_new(BLOB_ROOM);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        blob b = r->file ? blob_golden(r->file) : (blob){malloc(BLOB_ROOM), 0};
        blob_case = r->name;
        r->patch(&b);
        const uint8_t *bytes = guarded_put(&g, b.p, b.n);
        pf_weights *w = NULL;
        pf_err err = PF_ERR_INIT;
        bool ok = pf_weights_open_bytes(&w, bytes, b.n, NULL, &err);
        if (ok || w || !strstr(err.msg, r->words)) {
            print_error("%s: '%s', expected '%s'\n", r->name, ok ? "accepted" : err.msg,
                        r->words);
            failed++;
        }
        pf_weights_close(w);
        blob_free(&b);
    }
    guarded_free(&g);
    assert_int_equal(failed, 0);
}

static void the_path_is_in_front_of_the_message(void **state)
{
    (void)state;
    char folder[PF_TREE_ROOM];
    pf_weights *w;
    pf_err err = PF_ERR_INIT;
    pf_tree_make(folder);
    const char *path = pf_tree_path(folder, "model");
    pf_tree_write_text(path, "");
    assert_refused(pf_weights_open(&w, path, NULL, &err), &err, "is empty");
    assert_non_null(strstr(err.msg, path));
    pf_tree_write_text(path, "<html>");
    assert_refused(pf_weights_open(&w, path, NULL, &err), &err, "is a web page");
    assert_non_null(strstr(err.msg, path));
    pf_tree_remove(folder);
    assert_refused(pf_weights_open(&w, path, NULL, &err), &err, "No such file");
    assert_refused(pf_weights_open(&w, "/tmp", NULL, &err), &err,
                   "'/tmp' is a folder; name the checkpoint file in it");
    assert_null(w);
}

static const char *const containers[] = {
    "model.safetensors", "dtypes.safetensors", "plain.pt", "plain-legacy.pt",
    "parameters.pt",     "authors.pth",        "views.pt", "authors-legacy.pth",
    "views-legacy.pt",   "torch2.pt",          "zip64.pt", "protocol4-legacy.pt",
    "scalars.pt",
};
enum { N_CONTAINERS = sizeof containers / sizeof *containers };

/* A cut file may only open when what was cut off said nothing, and none here has such
 * an end. */
static void every_cut_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CONTAINERS; i++) {
        blob b = blob_golden(containers[i]);
        guarded g = guarded_new(b.n);
        for (size_t n = 0; n < b.n; n++) {
            const uint8_t *bytes = guarded_put(&g, b.p, n);
            pf_weights *w;
            pf_err err = PF_ERR_INIT;
            if (pf_weights_open_bytes(&w, bytes, n, NULL, &err))
                fail_msg("%s cut to %zu of %zu bytes opens", containers[i], n, b.n);
            assert_true(err.msg[0] != '\0');
        }
        guarded_free(&g);
        blob_free(&b);
    }
}

static void read_all(const pf_weights *w)
{
    for (size_t i = 0; i < pf_weights_count(w); i++)
        pf_free(tensor_floats(pf_weights_at(w, i)));
}

/* Whatever a changed byte does, opening and reading stay inside the file. Most changes
 * are of values, which nobody can notice; so nothing is said about the outcome. */
static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    const uint8_t changes[] = {0x01, 0x80};
    for (size_t i = 0; i < N_CONTAINERS; i++) {
        blob b = blob_golden(containers[i]);
        guarded g = guarded_new(b.n);
        uint8_t *p = guarded_put(&g, b.p, b.n);
        for (size_t at = 0; at < 2 * b.n; at++) {
            pf_weights *w;
            pf_err err = PF_ERR_INIT;
            p[at / 2] = b.p[at / 2] ^ changes[at % 2];
            if (pf_weights_open_bytes(&w, p, b.n, NULL, &err))
                read_all(w);
            else
                assert_true(err.msg[0] != '\0');
            pf_weights_close(w);
            p[at / 2] = b.p[at / 2];
        }
        guarded_free(&g);
        blob_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused_by_name),
        cmocka_unit_test(the_path_is_in_front_of_the_message),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(every_changed_byte_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
