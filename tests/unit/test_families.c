/*
 * test_families.c - models of every family as users have them: in parts, in half
 * precision, under two namings; and every way to have them wrong, each refused in one
 * line with the thing's name.
 *
 * The models are tiny ones of noise, drawn once. A test works on a copy of one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/model.h"
#include "tests/support/noise.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { FILE_ROOM = 4 << 20 };

static char root[PF_TREE_ROOM];
static pf_err err;

/* ---- files ---- */

static const char *at(const char *folder, const char *name)
{
    static char path[8][256];
    static int next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s%s%s", root, folder, *name ? "/" : "", name);
    return p;
}

static char *slurp(const char *path, size_t *n)
{
    char *bytes = malloc(FILE_ROOM);
    assert_non_null(bytes);
    *n = pf_tree_read(path, bytes, FILE_ROOM - 1);
    bytes[*n] = '\0';
    return bytes;
}

static void copy_file(const char *from, const char *to)
{
    size_t n;
    char *bytes = slurp(from, &n);
    pf_tree_write(to, bytes, n);
    free(bytes);
}

/* Everything that a model's folder may have here. */
static void copy_model(const char *from, const char *to)
{
    static const char *const files[] = {"config.json",
                                        "preprocessor_config.json",
                                        "open_clip_config.json",
                                        "vocab.txt",
                                        "merges.txt",
                                        "tokenizer.json",
                                        "model.safetensors",
                                        "open_clip_model.safetensors",
                                        "model.safetensors.index.json",
                                        "model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors"};
    pf_tree_remove(at(to, ""));
    assert_int_equal(mkdir(at(to, ""), 0777), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (pf_path_exists(at(from, files[i])))
            copy_file(at(from, files[i]), at(to, files[i]));
    }
}

/* ---- safetensors ---- */

static size_t head_of(const char *bytes)
{
    size_t head = 0;
    for (int i = 0; i < 8; i++)
        head |= (size_t)(uint8_t)bytes[i] << (8 * i);
    return head;
}

/* The file with another header; what follows it stays. */
static void put_head(const char *path, const char *bytes, size_t n, const char *head)
{
    const size_t size = strlen(head), old = head_of(bytes);
    char *out = malloc(8 + size + n - 8 - old);
    assert_non_null(out);
    for (int i = 0; i < 8; i++)
        out[i] = (char)(size >> (8 * i));
    memcpy(out + 8, head, size);
    memcpy(out + 8 + size, bytes + 8 + old, n - 8 - old);
    pf_tree_write(path, out, 8 + size + n - 8 - old);
    free(out);
}

/* The first `from` in a text becomes `to`; given, free() it. */
static char *swapped(const char *text, const char *from, const char *to)
{
    const char *found = strstr(text, from);
    if (!found)
        fail_msg("there is no '%s'", from);
    char *out = malloc(strlen(text) + strlen(to) + 1);
    assert_non_null(out);
    sprintf(out, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from));
    return out;
}

static void swap_in_head(const char *path, const char *from, const char *to)
{
    size_t n;
    char *bytes = slurp(path, &n);
    const char after = bytes[8 + head_of(bytes)];
    bytes[8 + head_of(bytes)] = '\0';
    char *head = swapped(bytes + 8, from, to);
    bytes[8 + head_of(bytes)] = after;
    put_head(path, bytes, n, head);
    free(head);
    free(bytes);
}

/* One tensor more, of one number. */
static void add_tensor(const char *path, const char *name)
{
    size_t n;
    char entry[256], *bytes = slurp(path, &n);
    const size_t data = n - 8 - head_of(bytes);
    bytes = realloc(bytes, n + 4);
    assert_non_null(bytes);
    memset(bytes + n, 0, 4);
    pf_tree_write(path, bytes, n + 4);
    snprintf(entry, sizeof entry,
             "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]},",
             name, data, data + 4);
    swap_in_head(path, "{", entry);
    free(bytes);
}

typedef struct {
    char name[128], shape[64];
    size_t begin, end;
} place;

/* What the header lists; how many. */
static size_t list_tensors(const char *bytes, place *out, size_t room)
{
    size_t n = 0;
    pf_json *json = NULL;
    assert_ok(pf_json_parse(&json, bytes + 8, head_of(bytes), &err), &err);
    pf_json_member m = {0};
    while (pf_json_next_member(json, &m)) {
        const pf_json *span = pf_json_get(m.value, "data_offsets");
        int64_t begin, end;
        if (!span)
            continue;
        assert_true(n < room && pf_json_to_int(pf_json_at(span, 0), &begin) &&
                    pf_json_to_int(pf_json_at(span, 1), &end));
        char *shape = pf_json_text(pf_json_get(m.value, "shape"), &err);
        snprintf(out[n].name, sizeof out[n].name, "%s", m.key);
        snprintf(out[n].shape, sizeof out[n].shape, "%s", shape);
        out[n].begin = (size_t)begin;
        out[n++].end = (size_t)end;
        pf_free(shape);
    }
    pf_json_free(json);
    return n;
}

enum { TENSORS_MAX = 256 };

typedef enum { AS_F32, AS_BF16 } precision;

static size_t append_head(char *head, size_t size, const place *p, const char *dtype,
                          size_t begin, size_t bytes)
{
    return size + (size_t)sprintf(head + size,
                                  "%c\"%s\":{\"dtype\":\"%s\",\"shape\":%s,"
                                  "\"data_offsets\":[%zu,%zu]}",
                                  size ? ',' : '{', p->name, dtype, p->shape, begin,
                                  begin + bytes);
}

/* Tensors first .. last - 1 of a file, as a file of its own. */
static void write_some(const char *from, const place *all, size_t first, size_t last,
                       precision as, const char *to)
{
    char *head = malloc(1 << 18), *data = malloc(FILE_ROOM);
    size_t size = 0, used = 0, n;
    char *bytes = slurp(from, &n);
    assert_true(head && data);
    for (size_t i = first; i < last; i++) {
        const char *values = bytes + 8 + head_of(bytes) + all[i].begin;
        const size_t length = all[i].end - all[i].begin;
        size_t kept = 0;
        for (size_t k = 0; k < length; k++) {
            if (as == AS_F32 || k % 4 >= 2)
                data[used + kept++] = values[k];
        }
        size =
            append_head(head, size, &all[i], as == AS_F32 ? "F32" : "BF16", used, kept);
        used += kept;
    }
    head[size++] = '}';
    char *out = malloc(8 + size + used);
    assert_non_null(out);
    for (int i = 0; i < 8; i++)
        out[i] = (char)(size >> (8 * i));
    memcpy(out + 8, head, size);
    memcpy(out + 8 + size, data, used);
    pf_tree_write(to, out, 8 + size + used);
    free(out);
    free(bytes);
    free(data);
    free(head);
}

/* A model of one file, as Hugging Face keeps large ones: two parts and an index. */
static void split(const char *folder)
{
    static place all[TENSORS_MAX];
    static const char *const part[] = {"model-00001-of-00002.safetensors",
                                       "model-00002-of-00002.safetensors"};
    size_t n_bytes;
    char *bytes = slurp(at(folder, "model.safetensors"), &n_bytes);
    const size_t n = list_tensors(bytes, all, TENSORS_MAX), half = n / 2;
    write_some(at(folder, "model.safetensors"), all, 0, half, AS_F32,
               at(folder, part[0]));
    write_some(at(folder, "model.safetensors"), all, half, n, AS_F32,
               at(folder, part[1]));
    FILE *f = fopen(at(folder, "model.safetensors.index.json"), "w");
    assert_non_null(f);
    fprintf(f, "{\"metadata\":{\"total_size\":%zu},\"weight_map\":{", n_bytes);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s\"%s\":\"%s\"", i ? ",\n" : "", all[i].name, part[i >= half]);
    fputs("}}\n", f);
    assert_int_equal(fclose(f), 0);
    unlink(at(folder, "model.safetensors"));
    free(bytes);
}

/* ---- the models ---- */

static bool write_clip(const char *variant, const char *folder, pf_noise_layout layout)
{
    if (!pf_noise_write(pf_noise_find(variant), at(folder, ""), layout, &err))
        return false;
    /* No merges: bytes, bytes that end a word, start and end. */
    pf_tree_write_text(at(folder, "merges.txt"), "#version: 0.2\n");
    return true;
}

static int before_all(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(root);
    if (!write_clip("tiny-hfclip-gelu", "hf", PF_NOISE_HF) ||
        !write_clip("tiny-openclip-gelu", "open-clip", PF_NOISE_OPEN_CLIP) ||
        !pf_noise_write(pf_noise_find("tiny-biomedclip"), at("biomedclip", ""),
                        PF_NOISE_OPEN_CLIP, &err) ||
        !pf_noise_write(pf_noise_find("tiny-siglip"), at("siglip", ""), PF_NOISE_HF,
                        &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    copy_model("siglip", "parts");
    split("parts");
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

static pf_model *open_model(const char *folder)
{
    pf_model *m = NULL;
    pf_model_options o;
    pf_model_options_init(&o);
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_model_open(&m, at(folder, ""), &o, NULL, &err), &err);
    return m;
}

/* A text and a picture, one vector behind the other. */
static void embed(const pf_model *m, float *out)
{
    const size_t n = pf_embed_pixels_size(m);
    const char *text = "a small left pleural effusion";
    pf_embedder *e = NULL;
    float *pixels = pf_alloc_floats(n, &err);
    assert_non_null(pixels);
    for (size_t i = 0; i < n; i++)
        pixels[i] = (float)(i * 2654435761u % 1000) / 500 - 1;
    assert_ok(pf_embedder_new(&e, m, &err), &err);
    assert_ok(pf_embed_texts(e, &text, 1, out, NULL, &err), &err);
    assert_ok(pf_embed_pixels(e, pixels, 1, out + pf_model_dim(m), &err), &err);
    pf_embedder_free(e);
    pf_free(pixels);
}

/* ---- what works ---- */

static void test_all_open(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *family, *preprocess;
        int context;
    } row[] = {{"hf", "Hugging Face CLIP", "clip", 77},
               {"open-clip", "OpenAI CLIP", "open-clip", 77},
               {"biomedclip", "BiomedCLIP", "open-clip", 256},
               {"siglip", "SigLIP", "siglip", 64},
               {"parts", "SigLIP", "siglip", 64}};
    float out[256];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        pf_model *m = open_model(row[i].folder);
        const pf_dims *d = pf_clip_dims(pf_model_clip(m));
        assert_string_equal(d->family->name, row[i].family);
        assert_string_equal(pf_model_preprocess(m)->name, row[i].preprocess);
        assert_int_equal(d->context, row[i].context);
        embed(m, out);
        pf_model_close(m);
    }
}

/* Whole and in parts, and in half precision: the same model, and nearly the same. */
static void test_parts_and_precision(void **state)
{
    (void)state;
    static place all[TENSORS_MAX];
    float whole[256], parts[256], half[256];
    size_t n;
    pf_model *a = open_model("siglip"), *b = open_model("parts");
    const pf_hash x = pf_model_fingerprint(a), y = pf_model_fingerprint(b);
    assert_true(pf_hash_equal(&x, &y));
    embed(a, whole);
    embed(b, parts);
    const size_t dim = (size_t)pf_model_dim(a);
    assert_memory_equal(whole, parts, 2 * dim * sizeof *whole);
    char *stamp = pf_model_stamp(b, &err);
    assert_non_null(strstr(stamp, "model-00002-of-00002.safetensors "));
    pf_free(stamp);
    pf_model_close(a);
    pf_model_close(b);

    copy_model("siglip", "half");
    char *bytes = slurp(at("siglip", "model.safetensors"), &n);
    n = list_tensors(bytes, all, TENSORS_MAX);
    write_some(at("siglip", "model.safetensors"), all, 0, n, AS_BF16,
               at("half", "model.safetensors"));
    free(bytes);
    a = open_model("half");
    embed(a, half);
    double worst = 0;
    for (size_t i = 0; i < 2 * dim; i++)
        worst = fmax(worst, fabs((double)half[i] - (double)whole[i]));
    assert_true(worst > 0 && worst < 0.05);
    pf_model_close(a);
}

/* Two names for the same numbers: the weights are one, the pictures are prepared as
 * each of the two projects does. */
static void test_two_namings(void **state)
{
    (void)state;
    pf_model *a = open_model("hf"), *b = open_model("open-clip");
    const pf_hash x = pf_clip_hash(pf_model_clip(a)),
                  y = pf_clip_hash(pf_model_clip(b));
    const pf_hash fx = pf_model_fingerprint(a), fy = pf_model_fingerprint(b);
    assert_true(pf_hash_equal(&x, &y));
    assert_false(pf_hash_equal(&fx, &fy));
    pf_model_close(a);
    pf_model_close(b);
}

/* What a token is that nobody sees: a typed [PAD] changes only where the others stand.
 * And a text of another length is padded by the tokenizer, whatever the batch. */
static void test_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"lung", "a much longer text about a lung"};
    static const char *const folder[] = {"biomedclip", "siglip", "hf"};
    for (size_t i = 0; i < 3; i++) {
        float both[256], alone[128];
        bool cut[2];
        pf_model *m = open_model(folder[i]);
        const size_t dim = (size_t)pf_model_dim(m);
        pf_embedder *e = NULL;
        assert_ok(pf_embedder_new(&e, m, &err), &err);
        assert_ok(pf_embed_texts(e, texts, 2, both, cut, &err), &err);
        assert_ok(pf_embed_texts(e, texts + 1, 1, alone, NULL, &err), &err);
        assert_memory_equal(both + dim, alone, dim * sizeof *alone);
        assert_false(cut[0] || cut[1]);
        pf_embedder_free(e);
        pf_model_close(m);
    }
}

static void embed_ids(const char *folder, const int32_t *ids, size_t n, float *out)
{
    pf_model *m = open_model(folder);
    pf_session *s = NULL;
    assert_ok(pf_session_new(&s, pf_model_clip(m), &err), &err);
    assert_ok(pf_session_embed_tokens(s, ids, &n, 1, out, &err), &err);
    pf_session_free(s);
    pf_model_close(m);
}

static void swap_in_file(const char *path, const char *from, const char *to);

/* A text ends at its highest id; where the config names an end token other than 2, at
 * the first of those. A row sees none behind it, so that what follows is nothing. */
static void test_ends(void **state)
{
    (void)state;
    enum { DIM = 40 };
    static const int32_t ids[] = {512, 5, 300, 9, 513, 300, 7};
    float whole[DIM], to_highest[DIM], to_first[DIM], first_alone[DIM];
    embed_ids("hf", ids, 7, whole);
    embed_ids("hf", ids, 5, to_highest);
    assert_memory_equal(whole, to_highest, sizeof whole);
    copy_model("hf", "ends");
    swap_in_file(at("ends", "config.json"), "\"eos_token_id\":2",
                 "\"eos_token_id\":300");
    embed_ids("ends", ids, 7, to_first);
    embed_ids("ends", ids, 3, first_alone);
    assert_memory_equal(to_first, first_alone, sizeof to_first);
    assert_memory_not_equal(to_first, whole, sizeof to_first);
}

/* [PAD] is seen by nobody, wherever it stands, and the others keep their places. */
static void test_padding(void **state)
{
    (void)state;
    enum { DIM = 32 };
    static const int32_t bare[] = {2, 40, 41, 3}, padded[] = {2, 40, 41, 3, 0, 0, 0};
    static const int32_t inside[] = {2, 40, 0, 41, 3};
    float a[DIM], b[DIM], c[DIM];
    embed_ids("biomedclip", bare, 4, a);
    embed_ids("biomedclip", padded, 7, b);
    embed_ids("biomedclip", inside, 5, c);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
}

/* By parts of a description: 195,902,721 numbers, and no more. */
static void test_parameters(void **state)
{
    (void)state;
    const pf_stack_dims tower = {768, 12, 12, 3072, 1e-6f, PF_GELU};
    const pf_dims d = {.family = &pf_family_biomedclip,
                       .vision = PF_VISION_VIT,
                       .embed = 512,
                       .image_size = 224,
                       .vit = tower,
                       .patch = 16,
                       .grid = 14,
                       .text = tower,
                       .context = 256,
                       .positions = 512,
                       .vocab = 30522,
                       .middle = 640};
    char text[64];
    assert_int_equal(pf_dims_parameters(&d), 195902721);
    pf_dims_describe(&d, text, sizeof text);
    assert_string_equal(text, "ViT-B/16");
}

/* Each allocation of opening and embedding fails once: an error that says so, and
 * nothing is left behind (which the sanitizers see). */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const folder[] = {"open-clip", "biomedclip", "parts"};
    for (size_t i = 0; i < 3; i++) {
        bool is_done = false;
        for (long n = 1; !is_done; n += 1 + n / 16) { /* later ones are much alike */
            const char *text = "lung";
            float out[256];
            pf_model *m = NULL;
            pf_embedder *e = NULL;
            pf_model_options o;
            pf_model_options_init(&o);
            err = (pf_err)PF_ERR_INIT;
            pf_mem_fail_at(n);
            is_done = pf_model_open(&m, at(folder[i], ""), &o, NULL, &err) &&
                      pf_embedder_new(&e, m, &err) &&
                      pf_embed_texts(e, &text, 1, out, NULL, &err);
            pf_mem_fail_at(0);
            if (!is_done && err.code != PF_ERR_NOMEM)
                fail_msg("allocation %ld: %s", n, err.msg);
            pf_embedder_free(e);
            pf_model_close(m);
        }
    }
}

/* ---- what is refused ---- */

typedef enum {
    SWAP,  /* the first `from` in a text file becomes `to` */
    HEAD,  /* the same in the header of a safetensors file */
    MORE,  /* a tensor `from` is added to it */
    GONE,  /* the file is not there */
    CUT,   /* only its beginning is */
    CHOSE, /* the activation `from` is asked for */
    NAMED, /* the file itself is named, not its folder */
} patch;

static const struct {
    const char *folder;
    patch kind;
    const char *file, *from, *to;
    pf_code code;
    const char *words;
} refusals[] = {
    /* Hugging Face's CLIP */
    {"hf", HEAD, "model.safetensors", "pre_layrnorm.weight", "pre_layernorm.weight",
     PF_ERR_FORMAT, "tensor 'vision_model.pre_layrnorm.weight' is missing"},
    {"hf", HEAD, "model.safetensors", "\"logit_scale\"", "\"logit_scail\"",
     PF_ERR_FORMAT, "tensor 'logit_scale' is missing"},
    {"hf", MORE, "model.safetensors", "adapter.weight", "", PF_ERR_FORMAT,
     "tensor 'adapter.weight' belongs to no Hugging Face CLIP of this size"},
    {"hf", MORE, "model.safetensors", "visual.conv1.weight", "", PF_ERR_FORMAT,
     "two kinds of model: 'vision_model.pre_layrnorm.weight' of Hugging Face CLIP and "
     "'visual.conv1.weight' of OpenAI CLIP"},
    {"hf", MORE, "model.safetensors", "logit_bias", "", PF_ERR_FORMAT,
     "two kinds of model"},
    {"hf", SWAP, "config.json", "\"hidden_act\":\"gelu\"", "\"hidden_act\":\"relu\"",
     PF_ERR_UNSUPPORTED, "text_config has hidden_act 'relu', only 'quick_gelu'"},
    {"hf", SWAP, "config.json", "\"hidden_act\":\"gelu\"", "\"hidden_act\":7",
     PF_ERR_UNSUPPORTED, "hidden_act 'that is no name'"},
    {"hf", GONE, "config.json", "", "", PF_ERR_NOT_FOUND,
     "say --activation quick-gelu"},
    {"hf", CHOSE, "", "gelu-tanh", "", PF_ERR_MISUSE,
     "activation 'gelu-tanh' was asked for, but text_config of config.json has 'gelu'"},
    {"hf", CHOSE, "", "swish", "", PF_ERR_MISUSE, "activation 'swish' is not known"},
    {"hf", SWAP, "config.json", "\"num_attention_heads\":2",
     "\"num_attention_heads\":3", PF_ERR_FORMAT,
     "text_config has hidden_size 64, which 3 heads do not divide"},
    {"hf", SWAP, "config.json", "\"hidden_size\":64", "\"hidden_size\":\"64\"",
     PF_ERR_FORMAT, "text_config has no whole number 'hidden_size'"},
    {"hf", SWAP, "config.json", "\"image_size\":48", "\"image_size\":56", PF_ERR_FORMAT,
     "position_embedding.weight' has shape [37, 64], expected [50, 64]"},
    {"hf", SWAP, "config.json", "\"patch_size\":8", "\"patch_size\":64", PF_ERR_FORMAT,
     "patch_size 64 is larger than image_size 48"},
    {"hf", SWAP, "config.json", "\"vocab_size\":514", "\"vocab_size\":515",
     PF_ERR_FORMAT, "token_embedding.weight' has shape [514, 64], expected [515, 64]"},
    {"hf", SWAP, "config.json", "\"model_type\":\"clip\"", "\"model_type\":\"clipseg\"",
     PF_ERR_UNSUPPORTED, "model_type 'clipseg', only 'clip' is known"},
    {"hf", SWAP, "preprocessor_config.json", "\"crop_size\":48", "\"crop_size\":96",
     PF_ERR_UNSUPPORTED, "'size' is smaller than 'crop_size'"},
    {"hf", SWAP, "merges.txt", "0.2\n", "0.2\na b\n", PF_ERR_MISMATCH,
     "has 515 tokens, the model's vocabulary 514"},
    /* open_clip's */
    {"open-clip", GONE, "open_clip_config.json", "", "", PF_ERR_NOT_FOUND,
     "there is no open_clip_config.json beside it, and the tensors do not tell the "
     "activation"},
    {"open-clip", CHOSE, "", "quick-gelu", "", PF_ERR_MISUSE,
     "'quick-gelu' was asked for, but open_clip_config.json has 'gelu'"},
    {"open-clip", SWAP, "open_clip_config.json", "\"width\":64", "\"width\":65",
     PF_ERR_MISMATCH, "'width' in vision_cfg is 65, the tensors have 64"},
    {"open-clip", SWAP, "open_clip_config.json", "\"embed_dim\":40", "\"embed_dim\":41",
     PF_ERR_MISMATCH, "'embed_dim' in model_cfg is 41, the tensors have 40"},
    {"open-clip", SWAP, "open_clip_config.json", "\"context_length\":77",
     "\"context_length\":76", PF_ERR_MISMATCH, "'context_length' in text_cfg is 76"},
    {"open-clip", SWAP, "open_clip_config.json", "\"vocab_size\":514",
     "\"vocab_size\":513", PF_ERR_MISMATCH, "'vocab_size' in text_cfg is 513"},
    {"open-clip", SWAP, "open_clip_config.json", "\"head_width\":32",
     "\"head_width\":48", PF_ERR_FORMAT,
     "image tower is 64 wide, not a multiple of 48"},
    {"open-clip", SWAP, "open_clip_config.json", "\"heads\":2", "\"heads\":3",
     PF_ERR_FORMAT, "the text tower is 64 wide, which 3 heads do not divide"},
    {"open-clip", SWAP, "open_clip_config.json", "\"patch_size\":8",
     "\"patch_size\":16", PF_ERR_MISMATCH,
     "'patch_size' in vision_cfg is 16, the tensors have 8"},
    {"open-clip", SWAP, "open_clip_config.json", "\"patch_size\":8",
     "\"patch_size\":8,\"pool_type\":\"avg\"", PF_ERR_UNSUPPORTED,
     "vision_cfg has pool_type 'avg', only 'tok' is known"},
    {"open-clip", SWAP, "open_clip_config.json", "\"heads\":2",
     "\"heads\":2,\"no_causal_mask\":true", PF_ERR_UNSUPPORTED,
     "text_cfg has 'no_causal_mask', which is not known"},
    {"open-clip", SWAP, "open_clip_config.json", "\"embed_dim\"",
     "\"quick_gelu\":\"yes\",\"embed_dim\"", PF_ERR_FORMAT,
     "'quick_gelu' in model_cfg is neither true nor false"},
    {"open-clip", SWAP, "open_clip_config.json", "\"text_cfg\"", "\"other_cfg\"",
     PF_ERR_FORMAT, "has no model_cfg with 'text_cfg'"},
    {"open-clip", SWAP, "open_clip_config.json", "{\"model_cfg\"",
     "{\"preprocess_cfg\":{\"resize_mode\":\"longest\"},\"model_cfg\"",
     PF_ERR_UNSUPPORTED, "'resize_mode' is neither shortest nor squash"},
    {"open-clip", SWAP, "open_clip_config.json", "{\"model_cfg\"",
     "{\"preprocess_cfg\":{\"interpolation\":\"nearest\"},\"model_cfg\"",
     PF_ERR_UNSUPPORTED, "'interpolation' is neither bicubic nor bilinear"},
    {"open-clip", SWAP, "open_clip_config.json", "{\"model_cfg\"",
     "{\"preprocess_cfg\":{\"mean\":[0.5,0.5]},\"model_cfg\"", PF_ERR_UNSUPPORTED,
     "'mean' or 'std' is not three numbers"},
    {"open-clip", SWAP, "open_clip_config.json", "{\"model_cfg\"",
     "{\"preprocess_cfg\":{\"size\":[64,64]},\"model_cfg\"", PF_ERR_UNSUPPORTED,
     "'size' in preprocess_cfg is not the model's"},
    {"open-clip", MORE, "open_clip_model.safetensors", "visual.trunk.attn_pool.latent",
     "", PF_ERR_UNSUPPORTED, "this is SigLIP in timm's names"},
    {"open-clip", MORE, "open_clip_model.safetensors",
     "text.transformer.resblocks.0.ln_1.weight", "", PF_ERR_UNSUPPORTED,
     "'text.transformer.resblocks'), which is not read"},
    {"open-clip", MORE, "open_clip_model.safetensors", "visual.ln_inner.weight", "",
     PF_ERR_FORMAT, "'visual.ln_inner.weight' belongs to no OpenAI CLIP of this size"},
    {"open-clip", HEAD, "open_clip_model.safetensors", "visual.proj\"", "visual.pro\"",
     PF_ERR_FORMAT, "tensor 'visual.proj' is missing"},
    {"open-clip", HEAD, "open_clip_model.safetensors",
     "\"visual.positional_embedding\":{\"dtype\":\"F32\",\"shape\":[37,64]",
     "\"visual.positional_embedding\":{\"dtype\":\"F32\",\"shape\":[64,37]",
     PF_ERR_FORMAT, "has 63 positions, not a square"},
    /* BiomedCLIP */
    {"biomedclip", SWAP, "open_clip_config.json", "\"mlp\"", "\"linear\"",
     PF_ERR_UNSUPPORTED, "text_cfg has hf_proj_type 'linear', only 'mlp' is known"},
    {"biomedclip", SWAP, "open_clip_config.json", "\"cls_last_hidden_state_pooler\"",
     "\"mean_pooler\"", PF_ERR_UNSUPPORTED, "hf_pooler_type 'mean_pooler'"},
    {"biomedclip", SWAP, "open_clip_config.json", "\"timm_pool\":\"\"",
     "\"timm_pool\":\"avg\"", PF_ERR_UNSUPPORTED, "timm_pool 'avg'"},
    {"biomedclip", SWAP, "open_clip_config.json", "\"hf_model_name\"", "\"width\"",
     PF_ERR_FORMAT, "text_cfg has no 'hf_model_name', the tensors are of a BERT"},
    {"biomedclip", SWAP, "open_clip_config.json", "\"context_length\":256",
     "\"context_length\":512", PF_ERR_MISMATCH,
     "'context_length' in text_cfg is 512, the position table has 256 rows"},
    {"biomedclip", CHOSE, "", "quick-gelu", "", PF_ERR_MISUSE, "BiomedCLIP has 'gelu'"},
    {"biomedclip", HEAD, "open_clip_model.safetensors", "blocks.1.attn.qkv.weight",
     "blocks.1.attn.qvk.weight", PF_ERR_FORMAT,
     "tensor 'visual.trunk.blocks.1.attn.qkv.weight' is missing"},
    {"biomedclip", HEAD, "open_clip_model.safetensors", "[136,128]", "[128,136]",
     PF_ERR_FORMAT, "mlp.fc1.weight' has shape [128, 136], expected [128, 128]"},
    {"biomedclip", HEAD, "open_clip_model.safetensors", "text.proj.2.weight",
     "text.proj.1.weight", PF_ERR_FORMAT, "tensor 'text.proj.2.weight' is missing"},
    {"biomedclip", MORE, "open_clip_model.safetensors", "text.transformer.roberta.x",
     "", PF_ERR_UNSUPPORTED, "its text tower is a RoBERTa"},
    {"biomedclip", MORE, "open_clip_model.safetensors", "visual.class_embedding", "",
     PF_ERR_FORMAT, "'visual.class_embedding' of OpenAI CLIP"},
    {"biomedclip", SWAP, "vocab.txt", "##z\n", "", PF_ERR_MISMATCH,
     "has 199 tokens, the model's vocabulary 200"},
    {"biomedclip", GONE, "vocab.txt", "", "", PF_ERR_NOT_FOUND,
     "there is no tokenizer"},
    /* SigLIP */
    {"siglip", GONE, "config.json", "", "", PF_ERR_NOT_FOUND,
     "the tensors of a SigLIP do not tell how many heads it has"},
    {"siglip", SWAP, "config.json", "\"siglip\"", "\"siglip2\"", PF_ERR_UNSUPPORTED,
     "this is SigLIP 2"},
    {"siglip", HEAD, "model.safetensors", "[72,3,14,14]", "[72,588]",
     PF_ERR_UNSUPPORTED, "this is SigLIP 2"},
    {"siglip", SWAP, "config.json", "\"text_config\"", "\"other_config\"",
     PF_ERR_FORMAT, "config.json has no 'text_config'"},
    {"siglip", SWAP, "config.json", "\"num_attention_heads\":3",
     "\"num_attention_heads\":5", PF_ERR_FORMAT, "which 5 heads do not divide"},
    {"siglip", SWAP, "config.json", "\"image_size\":60",
     "\"image_size\":60,\"num_channels\":1", PF_ERR_UNSUPPORTED, "num_channels is 1"},
    {"siglip", SWAP, "config.json", "\"vocab_size\":300",
     "\"vocab_size\":300,\"max_position_embeddings\":32", PF_ERR_FORMAT,
     "position_embedding.weight' has shape [64, 72], expected [32, 72]"},
    {"siglip", HEAD, "model.safetensors", "head.probe", "head.prob", PF_ERR_FORMAT,
     "tensor 'vision_model.head.probe' is missing"},
    {"siglip", HEAD, "model.safetensors", "\"logit_bias\"", "\"logit_bies\"",
     PF_ERR_FORMAT, "tensor 'logit_bias' is missing"},
    {"siglip", MORE, "model.safetensors", "vision_model.embeddings.class_embedding", "",
     PF_ERR_FORMAT, "two kinds of model"},
    {"siglip", SWAP, "preprocessor_config.json", "\"do_resize\"",
     "\"do_center_crop\":true,\"do_resize\"", PF_ERR_UNSUPPORTED, "switches a step"},
    {"siglip", SWAP, "preprocessor_config.json", "\"height\": 60", "\"height\": 61",
     PF_ERR_UNSUPPORTED, "'size' is not one height and width in pixels"},
    {"siglip", SWAP, "preprocessor_config.json", "\"resample\": 3", "\"resample\": 1",
     PF_ERR_UNSUPPORTED, "'resample' is neither"},
    {"siglip", SWAP, "tokenizer.json", "[\"a\",", "[\"\xC2\xA4!\",-20],[\"a\",",
     PF_ERR_MISMATCH, "has 301 tokens, the model's vocabulary 300"},
    {"siglip", GONE, "tokenizer.json", "", "", PF_ERR_NOT_FOUND,
     "there is no tokenizer"},
    {"siglip", GONE, "model.safetensors", "", "", PF_ERR_NOT_FOUND,
     "holds no checkpoint"},
    {"siglip", SWAP, "config.json", "\"vocab_size\":300", "\"vocab_size\":256000",
     PF_ERR_UNSUPPORTED, "this is SigLIP 2"},
    /* in parts */
    {"parts", NAMED, "model-00001-of-00002.safetensors", "", "", PF_ERR_MISUSE,
     "is one part of a checkpoint; name its folder"},
    {"parts", SWAP, "model.safetensors.index.json", "\"model-00001", "\"../model-00001",
     PF_ERR_FORMAT, "in weight_map is no file beside the index"},
    {"parts", SWAP, "model.safetensors.index.json",
     "\"model-00001-of-00002.safetensors", "\"/etc/passwd", PF_ERR_FORMAT,
     "'/etc/passwd' in weight_map is no file beside"},
    {"parts", SWAP, "model.safetensors.index.json",
     "\"model-00001-of-00002.safetensors", "\"config.json", PF_ERR_UNSUPPORTED,
     "'config.json' in weight_map is no safetensors"},
    {"parts", SWAP, "model.safetensors.index.json",
     ":\"model-00001-of-00002.safetensors\"", ":7", PF_ERR_FORMAT,
     "weight_map has no file for 'logit_scale'"},
    {"parts", SWAP, "model.safetensors.index.json", "\"weight_map\"", "\"map\"",
     PF_ERR_FORMAT, "there is no weight_map in it"},
    {"parts", SWAP, "model.safetensors.index.json", "model-00001-of", "model-00002-of",
     PF_ERR_FORMAT, "tensor 'logit_scale' is not in 'model-00002-of"},
    {"parts", SWAP, "model.safetensors.index.json",
     "\"logit_scale\":\"model-00001-of-00002.safetensors\",", "", PF_ERR_FORMAT,
     "they do not belong together"},
    {"parts", GONE, "model-00002-of-00002.safetensors", "", "", PF_ERR_NOT_FOUND,
     "'model-00002-of-00002.safetensors', a part of the model, is not there"},
    {"parts", CUT, "model-00002-of-00002.safetensors", "", "", PF_ERR_FORMAT,
     "the file is cut or damaged, fetch it again"},
    {"parts", GONE, "model.safetensors.index.json", "", "", PF_ERR_NOT_FOUND,
     "without model.safetensors.index.json"},
    {"parts", CUT, "model.safetensors.index.json", "", "", PF_ERR_FORMAT,
     "model.safetensors.index.json': not valid JSON"},
};

static void swap_in_file(const char *path, const char *from, const char *to)
{
    size_t n;
    char *text = slurp(path, &n), *out = swapped(text, from, to);
    pf_tree_write_text(path, out);
    free(out);
    free(text);
}

static void cut_file(const char *path)
{
    size_t n;
    char *bytes = slurp(path, &n);
    pf_tree_write(path, bytes, n / 2);
    free(bytes);
}

static void make_patch(size_t i)
{
    copy_model(refusals[i].folder, "broken");
    const char *path = at("broken", refusals[i].file);
    switch (refusals[i].kind) {
    case SWAP:
        swap_in_file(path, refusals[i].from, refusals[i].to);
        break;
    case HEAD:
        swap_in_head(path, refusals[i].from, refusals[i].to);
        break;
    case MORE:
        add_tensor(path, refusals[i].from);
        break;
    case GONE:
        assert_int_equal(unlink(path), 0);
        break;
    case CUT:
        cut_file(path);
        break;
    case CHOSE:
    case NAMED:
        break;
    }
}

/* One line with the thing's name, and nothing is left open. */
static void test_refusals(void **state)
{
    (void)state;
    const size_t n = sizeof refusals / sizeof *refusals;
    assert_true(n >= 40);
    for (size_t i = 0; i < n; i++) {
        pf_model *m = NULL;
        pf_model_options o;
        pf_model_options_init(&o);
        if (refusals[i].kind == CHOSE)
            o.activation = refusals[i].from;
        make_patch(i);
        err = (pf_err)PF_ERR_INIT;
        const char *path =
            at("broken", refusals[i].kind == NAMED ? refusals[i].file : "");
        assert_refused(pf_model_open(&m, path, &o, NULL, &err), &err,
                       refusals[i].words);
        assert_null(m);
        assert_null(strchr(err.msg, '\n'));
        if (err.code != refusals[i].code)
            fail_msg("'%s' has code %d, expected %d", err.msg, err.code,
                     refusals[i].code);
        print_message("%s\n", err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_open),    cmocka_unit_test(test_parts_and_precision),
        cmocka_unit_test(test_two_namings), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_ends),        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_parameters),  cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
