/*
 * test_model.c - models as users have them: which files belong together, how pictures
 * are prepared, what tells two models apart; and every way to have them wrong, each
 * refused with the thing's name.
 *
 * The models are tiny ones of noise. Each test works in a folder of its own: hf/ is
 * Hugging Face's layout with a tokenizer, openai.safetensors the same weights under
 * OpenAI's names.
 */
#include <fcntl.h>
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
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { NAME_ROOM = 256, FILE_ROOM = 8 << 20 };

static char root[64], models[64]; /* this test's folder, and where it comes from */
static pf_err err;
static pf_notes notes;

/* ---- files ---- */

/* The path of `name` in this test's folder; one of a few buffers in turn. */
static const char *in_root(const char *name)
{
    static char path[16][NAME_ROOM];
    static int next;
    char *p = path[next++ % 16];
    snprintf(p, NAME_ROOM, "%s/%s", root, name);
    return p;
}

static void put_text(const char *name, const char *text)
{
    FILE *f = fopen(in_root(name), "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        fail_msg("cannot write '%s'", name);
}

static char *slurp(const char *name, size_t *n)
{
    FILE *f = fopen(in_root(name), "rb");
    char *bytes = malloc(FILE_ROOM);
    if (!f || !bytes)
        fail_msg("cannot read '%s'", name);
    *n = fread(bytes, 1, FILE_ROOM, f);
    fclose(f);
    assert_true(*n < FILE_ROOM);
    return bytes;
}

static void spill(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(in_root(name), "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        fail_msg("cannot write '%s'", name);
}

/* A word of the file becomes another one, as often as it is there. */
static void replace(const char *name, const char *from, const char *to)
{
    size_t n, times = 0, n_from = strlen(from), n_to = strlen(to);
    char *bytes = slurp(name, &n);
    for (size_t i = 0; i + n_from <= n; i++) {
        if (memcmp(bytes + i, from, n_from) != 0)
            continue;
        memmove(bytes + i + n_to, bytes + i + n_from, n - i - n_from);
        memcpy(bytes + i, to, n_to);
        n = n - n_from + n_to;
        i += n_to - 1;
        times++;
    }
    if (times == 0)
        fail_msg("'%s' has no '%s'", name, from);
    spill(name, bytes, n);
    free(bytes);
}

/* The models are drawn once, every test gets copies. */
static int before_all(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    snprintf(root, sizeof root, "/tmp/plainfilm-models-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    memcpy(models, root, sizeof models);
    if (pf_seeded_model_write(in_root("hf"), &err) &&
        pf_noise_write(pf_noise_find("tiny-vit"), in_root("openai.safetensors"),
                       PF_NOISE_OPENAI, &err))
        return 0;
    fprintf(stderr, "%s\n", err.msg);
    return -1;
}

static int after_all(void **state)
{
    (void)state;
    pf_tree_remove(models);
    return 0;
}

static int before(void **state)
{
    static const char *const file[] = {
        "hf/config.json", "hf/merges.txt", "hf/model.safetensors",
        "hf/preprocessor_config.json", "openai.safetensors"};
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    char folder[64] = "/tmp/plainfilm-model-XXXXXX";
    if (!mkdtemp(folder))
        return -1;
    memcpy(root, folder, sizeof root);
    if (mkdir(in_root("hf"), 0777) != 0)
        return -1;
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        size_t n;
        memcpy(root, models, sizeof root);
        char *bytes = slurp(file[i], &n);
        memcpy(root, folder, sizeof root);
        spill(file[i], bytes, n);
        free(bytes);
    }
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_notes_reset(&notes);
    pf_tree_remove(root);
    return 0;
}

/* ---- opening ---- */

static pf_model_options usual(void)
{
    pf_model_options o;
    pf_model_options_init(&o);
    return o;
}

static pf_model *open_with(const char *name, const pf_model_options *o)
{
    pf_model *m = NULL;
    pf_notes_reset(&notes);
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_model_open(&m, in_root(name), o, &notes, &err), &err);
    return m;
}

static pf_model *open_usual(const char *name)
{
    pf_model_options o = usual();
    return open_with(name, &o);
}

static void refused_with(const char *name, const pf_model_options *o, pf_code code,
                         const char *words)
{
    pf_model *m = NULL;
    pf_notes_reset(&notes);
    err = (pf_err)PF_ERR_INIT;
    assert_refused(pf_model_open(&m, in_root(name), o, &notes, &err), &err, words);
    assert_null(m);
    if (err.code != code)
        fail_msg("'%s' has code %d, expected %d", err.msg, err.code, code);
}

static void refused(const char *name, pf_code code, const char *words)
{
    pf_model_options o = usual();
    refused_with(name, &o, code, words);
}

static void assert_note(const char *words)
{
    for (size_t i = 0; i < notes.count; i++) {
        if (strstr(notes.line[i], words))
            return;
    }
    fail_msg("no note says '%s' (%zu notes)", words, notes.count);
}

static pf_hash fingerprint_of(const char *name, const pf_model_options *o)
{
    pf_model *m = open_with(name, o);
    pf_hash h = pf_model_fingerprint(m);
    pf_model_close(m);
    return h;
}

static bool is_zero(pf_hash h)
{
    const pf_hash zero = {{0}};
    return pf_hash_equal(&h, &zero);
}

/* ---- which files belong together ---- */

static void test_folder(void **state)
{
    (void)state;
    pf_model *m = open_usual("hf");
    char text[128];
    pf_dims_describe(pf_clip_dims(pf_model_clip(m)), text, sizeof text);
    assert_string_equal(text, "ViT, 3 blocks of width 128, patches of 16");
    assert_string_equal(pf_model_checkpoint(m), in_root("hf/model.safetensors"));
    assert_string_equal(pf_model_container(m), "safetensors");
    assert_int_equal(pf_model_dim(m), 32);
    assert_string_equal(pf_model_preprocess(m)->name, "clip");
    assert_int_equal(pf_model_preprocess(m)->size, 64);
    assert_int_equal(pf_embed_pixels_size(m), 3 * 64 * 64);
    assert_string_equal(pf_tokenizer_path(pf_model_tokenizer(m)),
                        in_root("hf/merges.txt"));
    assert_false(is_zero(pf_model_fingerprint(m)));
    assert_int_equal(notes.count, 0);
    pf_model_close(m);
    pf_model_close(NULL);
}

/* The same weights under other names and in another file are the same model. */
static void test_file(void **state)
{
    (void)state;
    pf_model_options o = usual(), named = usual();
    pf_hash folder = fingerprint_of("hf", &o);
    pf_hash file = fingerprint_of("hf/model.safetensors", &o);
    assert_true(pf_hash_equal(&folder, &file));
    named.tokenizer = in_root("hf");
    pf_hash openai = fingerprint_of("openai.safetensors", &named);
    assert_true(pf_hash_equal(&folder, &openai));
    rename(in_root("hf/merges.txt"), in_root("merges.txt"));
    char here[NAME_ROOM];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(root), 0);
    pf_model *m = NULL;
    assert_ok(pf_model_open(&m, "openai.safetensors", &o, NULL, &err), &err);
    openai = pf_model_fingerprint(m);
    pf_model_close(m);
    assert_int_equal(chdir(here), 0);
    assert_true(pf_hash_equal(&folder, &openai));
}

static void test_no_files(void **state)
{
    (void)state;
    refused("absent", PF_ERR_IO, "cannot open model '");
    refused("absent", PF_ERR_IO, "absent': No such file or directory");
    assert_int_equal(mkdir(in_root("empty"), 0777), 0);
    refused("empty", PF_ERR_NOT_FOUND, "empty' holds no checkpoint");
    /* Half a download: everything but the weights. */
    unlink(in_root("hf/model.safetensors"));
    refused("hf", PF_ERR_NOT_FOUND,
            "hf' holds no checkpoint (model.safetensors, "
            "pytorch_model.bin or a .pth file)");
    put_text("hf/model.safetensors", "version https://git-lfs.github.com/spec/v1\n");
    refused("hf", PF_ERR_UNSUPPORTED, "hf/model.safetensors': is a git-lfs pointer");
    put_text("hf/model.safetensors", "");
    refused("hf", PF_ERR_FORMAT, "hf/model.safetensors': is empty");
}

static void test_several_checkpoints(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_root("many"), 0777), 0);
    rename(in_root("openai.safetensors"), in_root("many/PubMedCLIP.PTH"));
    rename(in_root("hf/merges.txt"), in_root("many/merges.txt"));
    pf_model_close(open_usual("many")); /* told by content, not by its name */
    put_text("many/notes.txt", "no checkpoint");
    pf_model_close(open_usual("many"));
    put_text("many/second.pt", "x");
    refused("many", PF_ERR_MISUSE, "many' holds several checkpoints (");
    refused("many", PF_ERR_MISUSE, "second.pt");
    refused("many", PF_ERR_MISUSE, "PubMedCLIP.PTH");
    pf_model_close(open_usual("many/PubMedCLIP.PTH"));
}

/* Hugging Face's folders often hold the weights twice. */
static void test_both_usual_names(void **state)
{
    (void)state;
    put_text("hf/pytorch_model.bin", "not looked at");
    pf_model_close(open_usual("hf"));
    assert_note("'model.safetensors' is read, 'pytorch_model.bin' beside it is not");
}

/* ---- preprocessing ---- */

static const char *const clip_rest =
    "\"image_mean\":[0.48145466,0.4578275,0.40821073],"
    "\"image_std\":[0.26862954,0.26130258,0.27577711]}";

static void put_preprocess(const char *start)
{
    char text[512];
    snprintf(text, sizeof text, "{%s,%s", start, clip_rest);
    put_text("hf/preprocessor_config.json", text);
}

/* All ways of writing CLIP's own preprocessing are one fingerprint. */
static void test_preprocess_forms(void **state)
{
    (void)state;
    static const char *const same[] = {
        "\"size\":64,\"crop_size\":64,\"resample\":3",
        ("\"size\":{\"shortest_edge\":64},\"crop_size\":{\"height\":64,\"width\":64},"
         "\"do_convert_rgb\":true,\"do_rescale\":true"),
        "\"size\":{\"shortest_edge\":64},\"crop_size\":{\"shortest_edge\":64}",
        "\"do_resize\":true",
    };
    pf_model_options o = usual();
    unlink(in_root("hf/preprocessor_config.json"));
    pf_hash expected = fingerprint_of("hf", &o);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        put_preprocess(same[i]);
        o.preprocess = i % 2 ? "clip" : NULL;
        pf_hash h = fingerprint_of("hf", &o);
        assert_true(pf_hash_equal(&h, &expected));
    }
    put_preprocess("\"size\":80,\"crop_size\":64,\"resample\":2");
    pf_model *m = open_usual("hf");
    pf_hash other = pf_model_fingerprint(m);
    assert_int_equal(pf_model_preprocess(m)->resize, 80);
    assert_int_equal(pf_model_preprocess(m)->filter, PF_RESAMPLE_BILINEAR);
    assert_false(pf_hash_equal(&other, &expected));
    assert_false(pf_model_preprocess(m)->is_squashed);
    pf_model_close(m);
    /* A height and a width are what transformers resizes to, aspect or not. */
    put_preprocess("\"size\":{\"height\":64,\"width\":64},\"crop_size\":64");
    m = open_usual("hf");
    other = pf_model_fingerprint(m);
    assert_true(pf_model_preprocess(m)->is_squashed);
    assert_false(pf_hash_equal(&other, &expected));
    pf_model_close(m);
}

static void test_preprocess_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        pf_code code;
        const char *words;
    } bad[] = {
        {"{\"do_resize\":false}", PF_ERR_UNSUPPORTED, "switches a step"},
        {"{\"do_normalize\":false}", PF_ERR_UNSUPPORTED, "switches a step"},
        {"{\"crop_size\":\"64\"}", PF_ERR_UNSUPPORTED, "'crop_size' is not a side"},
        {"{\"crop_size\":{\"height\":64,\"width\":32}}", PF_ERR_UNSUPPORTED,
         "'crop_size' is not a side"},
        {"{\"crop_size\":0}", PF_ERR_UNSUPPORTED, "'crop_size' is not a side"},
        {"{\"crop_size\":-64}", PF_ERR_UNSUPPORTED, "'crop_size' is not a side"},
        {"{\"crop_size\":1000000000000}", PF_ERR_UNSUPPORTED,
         "'crop_size' is not a side"},
        {"{\"size\":32,\"crop_size\":64}", PF_ERR_UNSUPPORTED,
         "'size' is smaller than 'crop_size'"},
        {"{\"size\":9000}", PF_ERR_UNSUPPORTED, "or over 8192"},
        {"{\"size\":{\"height\":72,\"width\":72},\"crop_size\":64}", PF_ERR_UNSUPPORTED,
         "a height and a width other than 'crop_size'"},
        {"{\"do_center_crop\":false}", PF_ERR_UNSUPPORTED, "switches a step"},
        {"{\"rescale_factor\":1}", PF_ERR_UNSUPPORTED, "'rescale_factor' is not 1/255"},
        {"{\"resample\":1}", PF_ERR_UNSUPPORTED, "'resample' is neither"},
        {"{\"resample\":\"bicubic\"}", PF_ERR_UNSUPPORTED, "'resample' is neither"},
        {"{\"image_mean\":[0.5,0.5]}", PF_ERR_UNSUPPORTED, "not three numbers"},
        {"{\"image_std\":[0.5,0,0.5]}", PF_ERR_UNSUPPORTED, "not three numbers"},
        {"{\"image_std\":0.5}", PF_ERR_UNSUPPORTED, "not three numbers"},
        {"{\"size\":96,\"crop_size\":96}", PF_ERR_MISMATCH,
         "preprocessing 'clip' makes pictures of 96 pixels, the model was made for 64"},
        {"{\"size\":", PF_ERR_FORMAT, "preprocessor_config.json"},
        {"", PF_ERR_FORMAT, "preprocessor_config.json"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text("hf/preprocessor_config.json", bad[i].text);
        refused("hf", bad[i].code, bad[i].words);
        if (bad[i].code != PF_ERR_MISMATCH)
            assert_non_null(strstr(err.msg, "preprocessor_config.json"));
    }
    pf_model_options o = usual();
    put_preprocess("\"size\":64");
    o.preprocess = "siglip";
    refused_with(
        "hf", &o, PF_ERR_MISUSE,
        "preprocessing 'siglip' does not go with this model, which has 'clip'");
    o.preprocess = "imagenet";
    refused_with("hf", &o, PF_ERR_MISUSE,
                 "preprocessing 'imagenet' is not known, only 'clip' and "
                 "'pubmedclip-train' are");
}

/* 250 pixels for the models made for 224, otherwise their own size. */
static void test_train_sizes(void **state)
{
    (void)state;
    static const struct {
        int image_size, patch, size, resize;
    } row[] = {{224, 32, 250, 285}, {288, 32, 288, 329}, {64, 16, 64, 73}};
    pf_model_options o = usual();
    o.preprocess = "pubmedclip-train";
    o.tokenizer_is_optional = true;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        pf_noise_variant v = *pf_noise_find("tiny-vit");
        v.image_size = row[i].image_size;
        v.patch = row[i].patch;
        v.stages[0] = 1;
        assert_ok(pf_noise_write(&v, in_root("sized"), PF_NOISE_HF, &err), &err);
        pf_model *m = open_with("sized", &o);
        assert_string_equal(pf_model_preprocess(m)->name, "pubmedclip-train");
        assert_int_equal(pf_model_preprocess(m)->size, row[i].size);
        assert_int_equal(pf_model_preprocess(m)->resize, row[i].resize);
        pf_model_close(m);
    }
    /* 250 pixels are 15 patches of 16, and this model has positions for 14. */
    pf_noise_variant v = *pf_noise_find("tiny-vit");
    v.image_size = 224;
    assert_ok(pf_noise_write(&v, in_root("sized"), PF_NOISE_HF, &err), &err);
    refused_with("sized", &o, PF_ERR_MISMATCH,
                 "preprocessing 'pubmedclip-train' makes pictures of 250 pixels, the "
                 "model was made for 224");
}

/* ---- tokenizer ---- */

static void test_tokenizer_missing(void **state)
{
    (void)state;
    unlink(in_root("hf/merges.txt"));
    refused("hf", PF_ERR_NOT_FOUND, "there is no tokenizer in '");
    refused("hf", PF_ERR_NOT_FOUND, "merges.txt and vocab.json");
    refused("hf", PF_ERR_NOT_FOUND, "bpe_simple_vocab_16e6.txt.gz");
    pf_model_options o = usual();
    o.tokenizer_is_optional = true;
    pf_model *m = open_with("hf/model.safetensors", &o);
    assert_note("/hf': texts cannot be embedded");
    assert_null(pf_model_tokenizer(m));
    assert_true(is_zero(pf_model_fingerprint(m)));
    pf_model_close(m);
    /* One that was asked for by name must be there, optional or not. */
    o.tokenizer = in_root("absent.txt");
    refused_with("hf", &o, PF_ERR_NOT_FOUND, "absent.txt'");
    /* Pictures need none. */
    o = usual();
    o.what = PF_CLIP_IMAGE;
    pf_model_close(open_with("hf", &o));
}

static void test_tokenizer_of_another_model(void **state)
{
    (void)state;
    pf_model_options o = usual();
    put_text("hf/merges.txt", "#version: 0.2\na b</w>\n");
    refused("hf", PF_ERR_MISMATCH,
            "hf/merges.txt' has 515 tokens, the model's vocabulary 514");
    o.tokenizer_is_optional = true; /* a wrong one is no missing one */
    refused_with("hf", &o, PF_ERR_MISMATCH, "has 515 tokens");
    put_text("hf/merges.txt", "#version: 0.2\nthis is no merge\n");
    refused("hf", PF_ERR_FORMAT, "tokenizer: ");
    assert_non_null(strstr(err.msg, "merges.txt"));
}

/* ---- config.json ---- */

static void test_config_contradicts(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        pf_code code;
        const char *words;
    } row[] = {
        {"\"projection_dim\":32", "\"projection_dim\":48", PF_ERR_FORMAT,
         "projection.weight' has shape [32, 64], expected [48, 64]"},
        {"\"hidden_size\":64", "\"hidden_size\":96", PF_ERR_FORMAT,
         "token_embedding.weight' has shape [514, 64], expected [514, 96]"},
        {"\"num_hidden_layers\":3", "\"num_hidden_layers\":4", PF_ERR_FORMAT,
         "tensor 'vision_model.encoder.layers.3."},
        {"\"num_hidden_layers\":3", "\"num_hidden_layers\":2", PF_ERR_FORMAT,
         "tensor 'vision_model.encoder.layers.2."},
        {"\"num_hidden_layers\":3", "\"num_hidden_layers\":0", PF_ERR_LIMIT,
         "'num_hidden_layers' in vision_config is 0"},
        {"\"num_hidden_layers\":3", "\"num_hidden_layers\":\"3\"", PF_ERR_FORMAT,
         "vision_config has no whole number 'num_hidden_layers'"},
        {"\"num_attention_heads\":2", "\"num_attention_heads\":3", PF_ERR_FORMAT,
         "vision_config has hidden_size 128, which 3 heads do not divide"},
        {"\"patch_size\":16", "\"patch_size\":32", PF_ERR_FORMAT,
         "patch_embedding.weight' has shape [128, 3, 16, 16], expected [128, 3, 32, "},
        {"\"image_size\":64", "\"image_size\":80", PF_ERR_FORMAT,
         "position_embedding.weight' has shape [17, 128], expected [26, 128]"},
        {"\"vocab_size\":514", "\"vocab_size\":49408", PF_ERR_FORMAT,
         "token_embedding.weight' has shape [514, 64], expected [49408, 64]"},
        {"\"quick_gelu\"", "\"relu\"", PF_ERR_UNSUPPORTED, "hidden_act 'relu'"},
        {"\"clip\"", "\"bert\"", PF_ERR_UNSUPPORTED, "model_type 'bert'"},
        {"\"vision_config\"", "\"other_config\"", PF_ERR_FORMAT,
         "config.json has no 'vision_config'"},
        {"\"projection_dim\"", "projection_dim", PF_ERR_FORMAT, "config.json"},
    };
    size_t n;
    char *good = slurp("hf/config.json", &n);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        replace("hf/config.json", row[i].from, row[i].to);
        refused("hf", row[i].code, row[i].words);
        spill("hf/config.json", good, n);
    }
    free(good);
    pf_model_close(open_usual("hf"));
}

/* The tensors tell the sizes as well, but for what their shapes do not show. */
static void test_without_config(void **state)
{
    (void)state;
    pf_model_options o = usual();
    pf_hash with = fingerprint_of("hf", &o);
    unlink(in_root("hf/config.json"));
    refused("hf", PF_ERR_NOT_FOUND, "say --activation quick-gelu");
    o.activation = "quick-gelu";
    pf_hash without = fingerprint_of("hf", &o);
    assert_true(pf_hash_equal(&with, &without));
    /* Beside OpenAI's names one belongs to something else. */
    put_text("config.json", "{\"model_type\":\"bert\"}");
    o.tokenizer = in_root("hf");
    pf_hash openai = fingerprint_of("openai.safetensors", &o);
    assert_note("config.json is passed over");
    assert_true(pf_hash_equal(&with, &openai));
}

/* ---- weights ---- */

/* The tensor's bytes in hf/model.safetensors. */
static size_t place_of(const char *tensor, const char *bytes)
{
    size_t head = 0;
    for (int i = 0; i < 8; i++)
        head |= (size_t)(uint8_t)bytes[i] << (8 * i);
    pf_json *json = NULL;
    assert_ok(pf_json_parse(&json, bytes + 8, head, &err), &err);
    int64_t at = -1;
    pf_json_to_int(
        pf_json_at(pf_json_get(pf_json_get(json, tensor), "data_offsets"), 0), &at);
    pf_json_free(json);
    if (at < 0)
        fail_msg("no tensor '%s'", tensor);
    return 8 + head + (size_t)at;
}

static void set_number(const char *tensor, size_t i, float value)
{
    size_t n;
    char *bytes = slurp("hf/model.safetensors", &n);
    memcpy(bytes + place_of(tensor, bytes) + 4 * i, &value, sizeof value);
    spill("hf/model.safetensors", bytes, n);
    free(bytes);
}

static void test_not_a_number(void **state)
{
    (void)state;
    static const char *const name = "text_model.encoder.layers.1.mlp.fc2.weight";
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        set_number(name, 64 * 256 - 1, bad[i]);
        refused("hf", PF_ERR_FORMAT,
                "tensor 'text_model.encoder.layers.1.mlp.fc2.weight'"
                " holds a NaN or an infinity");
        assert_non_null(strstr(err.msg, "hf/model.safetensors'"));
    }
    set_number(name, 64 * 256 - 1, 1.0f);
    pf_model_close(open_usual("hf"));
    set_number("logit_scale", 0, 1000);
    refused("hf", PF_ERR_FORMAT, "tensor 'logit_scale' is 1000, its exp() overflows");
}

/* Without looking at every number a NaN is found by what comes out. */
static void test_nan_unverified(void **state)
{
    (void)state;
    pf_model_options o = usual();
    o.what = PF_CLIP_TEXT;
    set_number("text_model.final_layer_norm.bias", 3, NAN);
    pf_model *m = open_with("hf", &o);
    pf_embedder *e = NULL;
    float out[32];
    const char *text = "lung";
    assert_ok(pf_embedder_new(&e, m, &err), &err);
    assert_refused(pf_embed_texts(e, &text, 1, out, NULL, &err), &err,
                   "the text tower gave a vector that is zero or not finite");
    pf_embedder_free(e);
    pf_model_close(m);
}

/* Rename a tensor to a name of the same length. */
static void test_tensor_names(void **state)
{
    (void)state;
    static const char *const norm = "vision_model.post_layernorm.bias";
    static const char *const other = "vision_model.post_layernorm.bies";
    replace("hf/model.safetensors", norm, other);
    refused("hf", PF_ERR_FORMAT,
            "tensor 'vision_model.post_layernorm.bias' is missing");
    assert_non_null(strstr(err.msg, "hf/model.safetensors'"));
    replace("hf/model.safetensors", other, norm);
    pf_model_close(open_usual("hf"));
    replace("hf/model.safetensors", "text_model.embeddings.token_embedding.weight",
            "text_model.embeddings.tokem_embedding.weight");
    refused("hf", PF_ERR_FORMAT,
            "tensor 'text_model.embeddings.token_embedding.weight' is missing");
}

/* One tensor more, of one number, at the end of the file. */
static void add_tensor(const char *tensor)
{
    size_t n, head = 0;
    char *bytes = slurp("hf/model.safetensors", &n), entry[256];
    for (int i = 0; i < 8; i++)
        head |= (size_t)(uint8_t)bytes[i] << (8 * i);
    size_t end = 8 + head, data = n - end;
    while (bytes[end - 1] != '}')
        end--;
    int more = snprintf(entry, sizeof entry,
                        ",\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
                        "[%zu,%zu]}}",
                        tensor, data, data + 4);
    size_t size = end - 1 - 8 + (size_t)more;
    memmove(bytes + 8 + size, bytes + 8 + head, data);
    memcpy(bytes + end - 1, entry, (size_t)more);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(size >> (8 * i));
    memset(bytes + 8 + size + data, 0, 4);
    spill("hf/model.safetensors", bytes, 8 + size + data + 4);
    free(bytes);
}

static void test_unknown_tensors(void **state)
{
    (void)state;
    add_tensor("text_model.embeddings.position_ids"); /* what releases carry along */
    pf_model_close(open_usual("hf"));
    add_tensor("adapter.weight");
    refused("hf", PF_ERR_FORMAT, "tensor 'adapter.weight' belongs to no Hugging Face");
    add_tensor("adapter.bias");
    refused("hf", PF_ERR_FORMAT,
            "tensor 'adapter.bias' and 1 more belong to no Hugging");
}

static void test_cut_short(void **state)
{
    (void)state;
    size_t n;
    char *bytes = slurp("hf/model.safetensors", &n);
    spill("hf/model.safetensors", bytes, n - 1);
    refused("hf", PF_ERR_FORMAT, "the file is cut or damaged, fetch it again");
    spill("hf/model.safetensors", bytes, 1000);
    refused("hf", PF_ERR_FORMAT, "the file is cut or damaged, fetch it again");
    free(bytes);
}

/* ---- who is who ---- */

static void test_fingerprint(void **state)
{
    (void)state;
    pf_model_options o = usual();
    pf_hash first = fingerprint_of("hf", &o), again = fingerprint_of("hf", &o);
    assert_true(pf_hash_equal(&first, &again));
    o.preprocess = "pubmedclip-train";
    pf_hash train = fingerprint_of("hf", &o);
    assert_false(pf_hash_equal(&first, &train));
    o = usual();
    o.what = PF_CLIP_TEXT | PF_CLIP_IMAGE;
    assert_true(is_zero(fingerprint_of("hf", &o)));
    o = usual();
    set_number("text_model.final_layer_norm.bias", 3, 0.25f);
    pf_hash weight = fingerprint_of("hf", &o);
    assert_false(pf_hash_equal(&first, &weight));
    replace("hf/config.json", "\"num_attention_heads\":2", "\"num_attention_heads\":4");
    pf_hash heads = fingerprint_of("hf", &o);
    assert_false(pf_hash_equal(&weight, &heads));
}

/* The same tokens under other numbers are another tokenizer. */
static void test_fingerprint_of_tokenizer(void **state)
{
    (void)state;
    pf_noise_variant v = *pf_noise_find("tiny-vit");
    v.vocab = 516;
    v.stages[0] = 1;
    pf_model_options o = usual();
    assert_ok(pf_noise_write(&v, in_root("two"), PF_NOISE_HF, &err), &err);
    put_text("two/merges.txt", "#version: 0.2\na b</w>\nc d</w>\n");
    pf_hash one = fingerprint_of("two", &o);
    put_text("two/merges.txt", "#version: 0.2\nc d</w>\na b</w>\n");
    pf_hash other = fingerprint_of("two", &o);
    assert_false(pf_hash_equal(&one, &other));
}

static char *stamp_with(const pf_model_options *o)
{
    pf_model *m = open_with("hf", o);
    char *stamp = pf_model_stamp(m, &err);
    assert_non_null(stamp);
    pf_model_close(m);
    return stamp;
}

static void test_stamp(void **state)
{
    (void)state;
    static const char *const file[] = {"hf/model.safetensors", "hf/config.json",
                                       "hf/preprocessor_config.json", "hf/merges.txt"};
    pf_model_options o = usual();
    char *stamp = stamp_with(&o), *again = stamp_with(&o);
    assert_string_equal(stamp, again);
    pf_free(again);
    for (size_t i = 0; i < 4; i++) {
        const struct timespec at[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
        assert_int_equal(utimensat(AT_FDCWD, in_root(file[i]), at, 0), 0);
        char *changed = stamp_with(&o);
        assert_string_not_equal(stamp, changed);
        pf_free(stamp);
        stamp = changed;
    }
    o.preprocess = "pubmedclip-train";
    char *train = stamp_with(&o);
    assert_string_not_equal(stamp, train);
    pf_free(train);
    /* Without a tokenizer: the beginning of the same. */
    o = usual();
    o.what = PF_CLIP_IMAGE;
    char *pictures = stamp_with(&o);
    size_t n = strlen(pictures);
    assert_true(n > 0 && n < strlen(stamp) && pictures[n - 1] == '\n');
    assert_memory_equal(pictures, stamp, n);
    pf_free(pictures);
    pf_free(stamp);
    unlink(in_root("hf/preprocessor_config.json"));
    stamp = stamp_with(&o);
    assert_null(strstr(stamp, "preprocessor_config"));
    pf_free(stamp);
}

/* ---- embedding ---- */

static double cosine(const float *a, const float *b)
{
    double dot = 0;
    for (int i = 0; i < 32; i++)
        dot += (double)a[i] * b[i];
    return dot;
}

enum { PICTURE_MAX = 3 * 64 * 64 }; /* of these models, bytes */

static void fill_picture(uint8_t *rgb)
{
    for (int i = 0; i < PICTURE_MAX; i++)
        rgb[i] = (uint8_t)(i * 2654435761u >> 24);
}

static void test_embedding(void **state)
{
    (void)state;
    static const char *const texts[] = {"lung", "", "a nodule in the left upper lobe"};
    pf_model *m = open_usual("hf");
    pf_embedder *e = NULL;
    float all[3 * 32], one[32], pixels[PICTURE_MAX];
    bool cut[3] = {true, true, true};
    int32_t ids[77];
    size_t n_ids = 0;
    assert_ok(pf_embedder_new(&e, m, &err), &err);
    assert_ok(pf_embed_texts(e, texts, 0, all, NULL, &err), &err);
    assert_ok(pf_embed_texts(e, texts, 3, all, cut, &err), &err);
    for (int i = 0; i < 3; i++) {
        assert_false(cut[i]);
        assert_ok(pf_embed_texts(e, &texts[i], 1, one, NULL, &err), &err);
        assert_true(fabs(cosine(one, one) - 1) < 1e-6);
        assert_true(cosine(one, all + i * 32) > 1 - 1e-6);
    }
    assert_ok(pf_embed_token_ids(e, "", ids, &n_ids, cut, &err), &err);
    assert_int_equal(n_ids, 2); /* start and end */
    char text[400];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    const char *lengthy = text;
    assert_ok(pf_embed_texts(e, &lengthy, 1, one, cut, &err), &err);
    assert_true(cut[0]);
    uint8_t rgb[PICTURE_MAX];
    fill_picture(rgb);
    assert_ok(pf_embed_picture(e, rgb, one, &err), &err);
    pf_preprocess_normalise(pf_model_preprocess(m), rgb, pixels);
    assert_ok(pf_embed_pixels(e, pixels, 1, all, &err), &err);
    assert_memory_equal(one, all, sizeof one);
    pf_embedder_free(e);
    pf_embedder_free(NULL);
    pf_model_close(m);
}

/* ---- memory runs out ---- */

/* As small as can be: these models are opened hundreds of times. */
static void put_smallest(const char *variant, const char *name, pf_noise_layout layout)
{
    pf_noise_variant v = *pf_noise_find(variant);
    v.embed = 32;
    v.stages[0] = 1;
    v.text_layers = 1;
    if (v.patch)
        v.vision_width = 64;
    assert_ok(pf_noise_write(&v, in_root(name), layout, &err), &err);
}

static void test_each_allocation_of_opening(void **state)
{
    (void)state;
    pf_model_options named = usual();
    named.tokenizer = in_root("hf");
    pf_model_options o[] = {usual(), named};
    const char *name[] = {"hf", "openai.safetensors"};
    put_smallest("tiny-vit", "hf", PF_NOISE_HF);
    put_smallest("tiny-vit", "openai.safetensors", PF_NOISE_OPENAI_HALF);
    for (int i = 0; i < 2; i++) {
        char path[NAME_ROOM];
        snprintf(path, sizeof path, "%s", in_root(name[i]));
        long n = 1;
        for (bool ok = false; !ok; n++) {
            pf_model *m = NULL;
            err = (pf_err)PF_ERR_INIT;
            pf_mem_fail_at(n);
            ok = pf_model_open(&m, path, &o[i], NULL, &err);
            pf_mem_fail_at(0);
            if (!ok && (err.code != PF_ERR_NOMEM || m))
                fail_msg("allocation %ld: %s", n, err.msg);
            pf_model_close(m);
        }
        assert_true(n > 40);
    }
}

static bool embed_once(const pf_model *m, const uint8_t *rgb)
{
    static const char *const texts[] = {"lung", "a nodule"};
    pf_embedder *e = NULL;
    float out[2 * 32];
    bool ok = pf_embedder_new(&e, m, &err) &&
              pf_embed_texts(e, texts, 2, out, NULL, &err) &&
              pf_embed_picture(e, rgb, out, &err);
    /* What failed may be asked again, with the rooms as they are. */
    pf_err second = PF_ERR_INIT;
    if (e && !ok) {
        assert_ok(pf_embed_texts(e, texts, 2, out, NULL, &second), &second);
        assert_ok(pf_embed_picture(e, rgb, out, &second), &second);
        assert_true(fabs(cosine(out, out) - 1) < 1e-6);
    }
    pf_embedder_free(e);
    return ok;
}

static void each_allocation_of_embedding(const char *name, pf_model_options o)
{
    pf_model *m = open_with(name, &o);
    uint8_t rgb[PICTURE_MAX];
    fill_picture(rgb);
    long n = 1;
    for (bool ok = false; !ok; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = embed_once(m, rgb);
        pf_mem_fail_at(0);
        if (!ok && err.code != PF_ERR_NOMEM)
            fail_msg("allocation %ld: %s", n, err.msg);
    }
    assert_true(n > 15);
    pf_model_close(m);
}

static void test_each_allocation_of_embedding(void **state)
{
    (void)state;
    put_smallest("tiny-vit", "hf", PF_NOISE_HF);
    put_smallest("tiny-rn", "rn.safetensors", PF_NOISE_OPENAI_HALF);
    each_allocation_of_embedding("hf", usual());
    pf_model_options o = usual(); /* a ResNet keeps other rooms */
    o.tokenizer = in_root("hf");
    each_allocation_of_embedding("rn.safetensors", o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, before, after),
        cmocka_unit_test_setup_teardown(test_file, before, after),
        cmocka_unit_test_setup_teardown(test_no_files, before, after),
        cmocka_unit_test_setup_teardown(test_several_checkpoints, before, after),
        cmocka_unit_test_setup_teardown(test_both_usual_names, before, after),
        cmocka_unit_test_setup_teardown(test_preprocess_forms, before, after),
        cmocka_unit_test_setup_teardown(test_preprocess_refusals, before, after),
        cmocka_unit_test_setup_teardown(test_train_sizes, before, after),
        cmocka_unit_test_setup_teardown(test_tokenizer_missing, before, after),
        cmocka_unit_test_setup_teardown(test_tokenizer_of_another_model, before, after),
        cmocka_unit_test_setup_teardown(test_config_contradicts, before, after),
        cmocka_unit_test_setup_teardown(test_without_config, before, after),
        cmocka_unit_test_setup_teardown(test_not_a_number, before, after),
        cmocka_unit_test_setup_teardown(test_nan_unverified, before, after),
        cmocka_unit_test_setup_teardown(test_tensor_names, before, after),
        cmocka_unit_test_setup_teardown(test_unknown_tensors, before, after),
        cmocka_unit_test_setup_teardown(test_cut_short, before, after),
        cmocka_unit_test_setup_teardown(test_fingerprint, before, after),
        cmocka_unit_test_setup_teardown(test_fingerprint_of_tokenizer, before, after),
        cmocka_unit_test_setup_teardown(test_stamp, before, after),
        cmocka_unit_test_setup_teardown(test_embedding, before, after),
        cmocka_unit_test_setup_teardown(test_each_allocation_of_opening, before, after),
        cmocka_unit_test_setup_teardown(test_each_allocation_of_embedding, before,
                                        after),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
