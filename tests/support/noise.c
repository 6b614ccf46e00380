/* noise.c - see noise.h. */
#include "tests/support/noise.h"
#include "tests/support/noise_list.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"

/* ---- NumPy's RandomState ---- */

enum { MT_WORDS = 624, MT_SHIFT = 397 };

typedef struct {
    uint32_t word[MT_WORDS];
    int next;
    double spare; /* the polar method makes two deviates at a time */
    bool has_spare;
} twister;

/* Matsumoto and Nishimura, "Mersenne Twister" (1998), with the 2002 seeding. */
static void twister_seed(twister *t, uint32_t seed)
{
    for (int i = 0; i < MT_WORDS; i++) {
        t->word[i] = seed;
        seed = 1812433253u * (seed ^ seed >> 30) + (uint32_t)i + 1;
    }
    t->next = MT_WORDS;
    t->has_spare = false;
}

static uint32_t twister_word(twister *t)
{
    if (t->next == MT_WORDS) {
        for (int i = 0; i < MT_WORDS; i++) {
            uint32_t y = (t->word[i] & 0x80000000u) |
                         (t->word[(i + 1) % MT_WORDS] & 0x7FFFFFFFu);
            t->word[i] =
                t->word[(i + MT_SHIFT) % MT_WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908B0DFu : 0);
        }
        t->next = 0;
    }
    uint32_t y = t->word[t->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680u;
    y ^= y << 15 & 0xEFC60000u;
    return y ^ y >> 18;
}

static double twister_uniform(twister *t)
{
    uint32_t a = twister_word(t) >> 5, b = twister_word(t) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

/* Marsaglia's polar method, in the order RandomState uses its two results. */
static double twister_normal(twister *t)
{
    if (t->has_spare) {
        t->has_spare = false;
        return t->spare;
    }
    double x, y, r;
    do {
        x = 2.0 * twister_uniform(t) - 1.0;
        y = 2.0 * twister_uniform(t) - 1.0;
        r = x * x + y * y;
    } while (r >= 1.0 || r == 0.0);
    double f = sqrt(-2.0 * log(r) / r);
    t->spare = f * x;
    t->has_spare = true;
    return f * y;
}

static void seed_by_name(twister *t, const char *seed, const char *name)
{
    char text[256];
    int n = snprintf(text, sizeof text, "%s/%s", seed, name);
    twister_seed(t, (uint32_t)crc32(0, (const Bytef *)text, (uInt)n));
}

/* ---- the rules ---- */

static const pf_noise_variant variants[] = {
    {"vitb32", 512, 224, 32, 768, {12}, 512, 8, 12, 77, 49408, .seed = NULL},
    {"rn50", 1024, 224, 0, 64, {3, 4, 6, 3}, 512, 8, 12, 77, 49408, .seed = NULL},
    {"rn50x4", 640, 288, 0, 80, {4, 6, 10, 6}, 640, 10, 12, 77, 49408, .seed = NULL},
    {"tiny-vit", 32, 64, 16, 128, {3}, 64, 1, 2, 77, 514, .seed = NULL},
    {"tiny-rn", 48, 64, 0, 8, {1, 2, 1, 1}, 64, 1, 2, 77, 514, .seed = NULL},
    {"vitb16", 512, 224, 16, 768, {12}, 512, 8, 12, 77, 49408, .is_newer = true},
    {"vitl14", 768, 224, 14, 1024, {24}, 768, 12, 12, 77, 49408, .is_newer = true},
    {"tiny-openclip-gelu",
     40,
     48,
     8,
     64,
     {3},
     64,
     2,
     2,
     77,
     514,
     .is_newer = true,
     .head_width = 32,
     .is_exact = true},
    {"tiny-hfclip-gelu",
     40,
     48,
     8,
     64,
     {3},
     64,
     2,
     2,
     77,
     514,
     .is_newer = true,
     .head_width = 32,
     .is_exact = true,
     .seed = "tiny-openclip-gelu"},
    {"biomedclip",
     512,
     224,
     16,
     768,
     {12},
     768,
     12,
     12,
     256,
     30522,
     .is_newer = true,
     .family = PF_NOISE_BIOMEDCLIP,
     .vision_mlp = 3072,
     .text_mlp = 3072,
     .positions = 512},
    {"tiny-biomedclip",
     32,
     48,
     8,
     128,
     {2},
     128,
     2,
     2,
     256,
     200,
     .is_newer = true,
     .family = PF_NOISE_BIOMEDCLIP,
     .vision_mlp = 136,
     .text_mlp = 80,
     .positions = 256},
    {"siglip-b16",
     768,
     224,
     16,
     768,
     {12},
     768,
     12,
     12,
     64,
     32000,
     .is_newer = true,
     .family = PF_NOISE_SIGLIP,
     .vision_mlp = 3072,
     .text_mlp = 3072},
    {"medsiglip",
     1152,
     448,
     14,
     1152,
     {27},
     1152,
     16,
     27,
     64,
     32000,
     .is_newer = true,
     .family = PF_NOISE_SIGLIP,
     .vision_mlp = 4304,
     .text_mlp = 4304,
     .head_width = 72},
    {"tiny-siglip",
     72,
     60,
     14,
     72,
     {3},
     72,
     3,
     2,
     64,
     300,
     .is_newer = true,
     .family = PF_NOISE_SIGLIP,
     .vision_mlp = 100,
     .text_mlp = 100,
     .head_width = 24},
};

const pf_noise_variant *pf_noise_find(const char *name)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (strcmp(variants[i].name, name) == 0)
            return &variants[i];
    }
    return NULL;
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

static bool begins_with(const char *s, const char *beginning)
{
    return strncmp(s, beginning, strlen(beginning)) == 0;
}

static bool is_norm(const char *name)
{
    return strstr(name, "ln_") || strstr(name, ".bn") || strstr(name, "downsample.1");
}

/* What OpenAI's convert_weights() leaves in float32. */
static bool is_single(const char *name)
{
    static const char *const whole[] = {"logit_scale",
                                        "token_embedding.weight",
                                        "positional_embedding",
                                        "visual.positional_embedding",
                                        "visual.class_embedding",
                                        "visual.attnpool.positional_embedding"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (strcmp(name, whole[i]) == 0)
            return true;
    }
    return is_norm(name) || strstr(name, "running") || strstr(name, "num_batches");
}

static bool is_turned_source(const char *name)
{
    return strcmp(name, "text_projection") == 0 || strcmp(name, "visual.proj") == 0;
}

/* (offset + scale * z) * gain / divisor, or the tanh rule of a variance. */
typedef struct {
    float offset, scale, gain, divisor;
    bool is_variance;
} rule;

static rule rule_for(const char *name, int rank, const int64_t *shape)
{
    if (ends_with(name, "running_mean"))
        return (rule){0, 0.05f, 1, 1, false};
    if (ends_with(name, "running_var"))
        return (rule){1, 0.2f, 1, 1, true};
    if (ends_with(name, "bias"))
        return (rule){0, 0.02f, 1, 1, false};
    if (is_norm(name)) {
        float gain = strstr(name, ".bn3.") && strstr(name, "layer") ? 0.4f : 1.0f;
        return (rule){1, 0.1f, gain, 1, false};
    }
    if (ends_with(name, "embedding") || strcmp(name, "token_embedding.weight") == 0)
        return (rule){0, 0.3f, 1, 1, false};
    if (rank == 4) {
        double fan_in = (double)(shape[1] * shape[2] * shape[3]);
        return (rule){0, (float)sqrt(2.0 / fan_in), 1, 1, false};
    }
    double fan_in = (double)shape[is_turned_source(name) ? 0 : rank - 1];
    return (rule){0, 1, 1, (float)sqrt(fan_in), false};
}

static bool is_table(const char *name)
{
    return strstr(name, "embedding") || strstr(name, "pos_embed") ||
           strstr(name, "cls_token") || strstr(name, "probe");
}

/* Of the variants that came later. */
static rule newer_rule_for(const char *name, int rank, const int64_t *shape)
{
    if (ends_with(name, "bias"))
        return (rule){0, 0.05f, 1, 1, false};
    if (strstr(name, "ln_") || strstr(name, "norm") || strstr(name, "Norm"))
        return (rule){1, 0.1f, 1, 1, false};
    if (begins_with(name, "text.transformer.embeddings."))
        return (rule){0, 0.02f, 1, 1, false};
    if (is_table(name) && rank != 4)
        return (rule){0, 0.3f, 1, 1, false};
    return rule_for("weight", rank, shape);
}

void pf_noise_fill(const pf_noise_variant *v, const char *name, int rank,
                   const int64_t *shape, float *out)
{
    if (strcmp(name, "logit_scale") == 0 || strcmp(name, "logit_bias") == 0) {
        out[0] = name[6] == 's' ? (float)log(100.0) : -12.5f;
        return;
    }
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)shape[i];
    const rule r = v->is_newer && !is_turned_source(name)
                       ? newer_rule_for(name, rank, shape)
                       : rule_for(name, rank, shape);
    twister t;
    seed_by_name(&t, v->seed ? v->seed : v->name, name);
    for (size_t i = 0; i < n; i++) {
        float z = (float)twister_normal(&t);
        out[i] =
            (r.offset + r.scale * (r.is_variance ? tanhf(z) : z)) * r.gain / r.divisor;
    }
}

/* Sides are drawn as the next multiple of four and cut. */
bool pf_noise_image(const char *seed, int size, int i, float *out, pf_err *err)
{
    char name[32];
    snprintf(name, sizeof name, "input_image_%d", i);
    const size_t r = (size_t)size, cell = (r + 3) / 4, drawn = 4 * cell;
    float *z = pf_alloc_floats(3 * drawn * drawn, err);
    if (!z)
        return false;
    float coarse[3][4][4];
    twister t;
    seed_by_name(&t, seed, name);
    for (size_t k = 0; k < 3 * drawn * drawn; k++)
        z[k] = (float)twister_normal(&t);
    for (size_t k = 0; k < 48; k++)
        coarse[k / 16][k / 4 % 4][k % 4] = 1.5f * (float)twister_normal(&t);
    for (size_t k = 0; k < 3 * r * r; k++) {
        size_t c = k / (r * r), y = k / r % r, x = k % r;
        out[k] = coarse[c][y / cell][x / cell] + 0.3f * z[(c * drawn + y) * drawn + x];
    }
    pf_free(z);
    return true;
}

/* ---- the list of tensors ---- */

typedef pf_noise_entry entry;
typedef pf_noise_list entry_list;

pf_noise_entry *pf_noise_list_add(pf_noise_list *l, const char *name,
                                  const char *source, int rank, const int64_t *shape)
{
    static entry lost;
    if (l->count == l->room) {
        void *p = l->at;
        size_t room = l->room ? 2 * l->room : 256;
        if (l->failed || !pf_resize_array(&p, room, sizeof *l->at, NULL)) {
            l->failed = true;
            return &lost;
        }
        l->at = p;
        l->room = room;
    }
    entry *e = &l->at[l->count++];
    *e = (entry){.rank = rank, .third = -1};
    memcpy(e->shape, shape, sizeof e->shape);
    snprintf(e->name, sizeof e->name, "%s", name);
    snprintf(e->source, sizeof e->source, "%s", source);
    return e;
}

static entry *add(entry_list *l, const char *openai, const char *hf, int rank,
                  int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t shape[4] = {a, b, c, d};
    return pf_noise_list_add(l, l->is_hf ? hf : openai, openai, rank, shape);
}

/* "<stem>.weight" and "<stem>.bias"; one column means the weight is a vector. */
static void add_pair(entry_list *l, const char *openai, const char *hf, int64_t rows,
                     int64_t columns)
{
    static const char *const kind[] = {"weight", "bias"};
    for (int i = 0; i < 2; i++) {
        char a[96], b[96];
        snprintf(a, sizeof a, "%s.%s", openai, kind[i]);
        snprintf(b, sizeof b, "%s.%s", hf, kind[i]);
        add(l, a, b, i == 0 && columns > 1 ? 2 : 1, rows, columns, 0, 0);
    }
}

static void add_qkv(entry_list *l, const char *openai, const char *hf, int64_t width)
{
    static const char *const kind[] = {"weight", "bias"};
    for (int i = 0; i < 2; i++) {
        char a[96], b[96];
        snprintf(a, sizeof a, "%s.attn.in_proj_%s", openai, kind[i]);
        for (int k = 0; k < (l->is_hf ? 3 : 1); k++) {
            snprintf(b, sizeof b, "%s.self_attn.%c_proj.%s", hf, "qkv"[k], kind[i]);
            entry *e = add(l, a, b, 2 - i, 3 * width, width, 0, 0);
            e->third = l->is_hf ? k : -1;
        }
    }
}

static void add_stack(entry_list *l, const char *openai, const char *hf, int layers,
                      int64_t width)
{
    static const struct {
        const char *openai, *hf;
        int64_t rows, columns; /* in widths; 0 columns: a vector */
    } part[] = {{"ln_1", "layer_norm1", 1, 0},
                {"attn.out_proj", "self_attn.out_proj", 1, 1},
                {"ln_2", "layer_norm2", 1, 0},
                {"mlp.c_fc", "mlp.fc1", 4, 1},
                {"mlp.c_proj", "mlp.fc2", 1, 4}};
    for (int i = 0; i < layers; i++) {
        char a[64], b[64], a_part[96], b_part[96];
        snprintf(a, sizeof a, "%s.resblocks.%d", openai, i);
        snprintf(b, sizeof b, "%s.encoder.layers.%d", hf, i);
        add_qkv(l, a, b, width);
        for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
            snprintf(a_part, sizeof a_part, "%s.%s", a, part[k].openai);
            snprintf(b_part, sizeof b_part, "%s.%s", b, part[k].hf);
            add_pair(l, a_part, b_part, part[k].rows * width, part[k].columns * width);
        }
    }
}

static void add_text(entry_list *l)
{
    const pf_noise_variant *v = l->v;
    add(l, "logit_scale", "logit_scale", 0, 0, 0, 0, 0);
    add(l, "token_embedding.weight", "text_model.embeddings.token_embedding.weight", 2,
        v->vocab, v->text_width, 0, 0);
    add(l, "positional_embedding", "text_model.embeddings.position_embedding.weight", 2,
        v->context, v->text_width, 0, 0);
    add_stack(l, "transformer", "text_model", v->text_layers, v->text_width);
    add_pair(l, "ln_final", "text_model.final_layer_norm", v->text_width, 0);
    add(l, "text_projection", "text_projection.weight", 2, v->text_width, v->embed, 0,
        0)
        ->is_turned = l->is_hf;
}

static void add_vit(entry_list *l)
{
    const pf_noise_variant *v = l->v;
    int64_t width = v->vision_width, grid = v->image_size / v->patch;
    add(l, "visual.class_embedding", "vision_model.embeddings.class_embedding", 1,
        width, 0, 0, 0);
    add(l, "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", 4,
        width, 3, v->patch, v->patch);
    add(l, "visual.positional_embedding",
        "vision_model.embeddings.position_embedding.weight", 2, grid * grid + 1, width,
        0, 0);
    add_pair(l, "visual.ln_pre", "vision_model.pre_layrnorm", width, 0);
    add_stack(l, "visual.transformer", "vision_model", v->stages[0], width);
    add_pair(l, "visual.ln_post", "vision_model.post_layernorm", width, 0);
    add(l, "visual.proj", "visual_projection.weight", 2, width, v->embed, 0, 0)
        ->is_turned = l->is_hf;
}

static void add_conv(entry_list *l, const char *conv, const char *norm, int64_t in,
                     int64_t out, int64_t size)
{
    static const char *const part[] = {"weight", "bias", "running_mean", "running_var"};
    char name[96];
    snprintf(name, sizeof name, "%s.weight", conv);
    add(l, name, name, 4, out, in, size, size);
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", norm, part[i]);
        add(l, name, name, 1, out, 0, 0, 0);
    }
}

static void add_part(entry_list *l, const char *stem, const char *conv,
                     const char *norm, int64_t in, int64_t out, int64_t size)
{
    char a[64], b[64];
    snprintf(a, sizeof a, "%s.%s", stem, conv);
    snprintf(b, sizeof b, "%s.%s", stem, norm);
    add_conv(l, a, b, in, out, size);
}

static void add_resnet(entry_list *l)
{
    const pf_noise_variant *v = l->v;
    int64_t width = v->vision_width, in = width, wide = 32 * width;
    int64_t grid = v->image_size / 32;
    add_part(l, "visual", "conv1", "bn1", 3, width / 2, 3);
    add_part(l, "visual", "conv2", "bn2", width / 2, width / 2, 3);
    add_part(l, "visual", "conv3", "bn3", width / 2, width, 3);
    for (int s = 0; s < 4; s++) {
        int64_t mid = width << s;
        for (int b = 0; b < v->stages[s]; b++, in = 4 * mid) {
            char stem[48];
            snprintf(stem, sizeof stem, "visual.layer%d.%d", s + 1, b);
            add_part(l, stem, "conv1", "bn1", in, mid, 1);
            add_part(l, stem, "conv2", "bn2", mid, mid, 3);
            add_part(l, stem, "conv3", "bn3", mid, 4 * mid, 1);
            if (b == 0)
                add_part(l, stem, "downsample.0", "downsample.1", in, 4 * mid, 1);
        }
    }
    add(l, "visual.attnpool.positional_embedding", "", 2, grid * grid + 1, wide, 0, 0);
    add_pair(l, "visual.attnpool.k_proj", "", wide, wide);
    add_pair(l, "visual.attnpool.q_proj", "", wide, wide);
    add_pair(l, "visual.attnpool.v_proj", "", wide, wide);
    add_pair(l, "visual.attnpool.c_proj", "", v->embed, wide);
}

/* ---- writing ---- */

static size_t source_size(const entry *e)
{
    size_t n = 1;
    for (int i = 0; i < e->rank; i++)
        n *= (size_t)e->shape[i];
    return n;
}

static size_t entry_size(const entry *e)
{
    return source_size(e) / (e->third < 0 ? 1 : 3);
}

/* Place the tensors one after another behind the head. */
static void lay_out(entry_list *l, bool halve)
{
    size_t at = 0;
    for (size_t i = 0; i < l->count; i++) {
        entry *e = &l->at[i];
        e->is_half = halve && !is_single(e->source);
        e->at = at;
        e->bytes = entry_size(e) * (e->is_half ? 2 : 4);
        at += e->bytes;
    }
}

static bool write_head(FILE *f, const entry_list *l, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, 1 << 20);
    bool ok = pf_buf_add_str(&b, "{\"__metadata__\":{\"format\":\"pt\"}", err);
    for (size_t i = 0; ok && i < l->count; i++) {
        const entry *e = &l->at[i];
        ok = pf_buf_addf(&b, err, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", e->name,
                         e->is_half ? "F16" : "F32");
        for (int k = 0; ok && k < e->rank; k++) {
            int64_t size = e->shape[e->is_turned ? e->rank - 1 - k : k];
            ok = pf_buf_addf(&b, err, "%s%lld", k ? "," : "",
                             (long long)(k == 0 && e->third >= 0 ? size / 3 : size));
        }
        ok = ok && pf_buf_addf(&b, err, "],\"data_offsets\":[%zu,%zu]}", e->at,
                               e->at + e->bytes);
    }
    ok = ok && pf_buf_addf(&b, err, "}%*s", (int)((8 - (b.size + 1) % 8) % 8), "");
    if (ok) {
        uint8_t length[8] = {0};
        for (int i = 0; i < 8; i++)
            length[i] = (uint8_t)((uint64_t)b.size >> (8 * i));
        ok = fwrite(length, 1, 8, f) == 8 && fwrite(b.data, 1, b.size, f) == b.size;
    }
    pf_buf_free(&b);
    return ok;
}

/* Round to nearest, ties to even. Noise is never large enough to overflow a half. */
static uint16_t half_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    float size = fabsf(x);
    if (size < 6.103515625e-5f) /* 2^-14: below it steps are 2^-24 */
        return (uint16_t)(sign | (uint16_t)lrintf(size * 16777216.0f));
    bits &= 0x7FFFFFFF;
    bits += 0xFFF + (bits >> 13 & 1);
    return (uint16_t)(sign | (uint16_t)((bits >> 13) - (112u << 10)));
}

static void turn(const float *x, size_t rows, size_t columns, float *out)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++)
            out[j * rows + i] = x[i * columns + j];
    }
}

/* Halves take the place of the floats, first one over first: each is read before its
 * bytes are written over. */
static void halve_in_place(float *x, size_t n)
{
    uint8_t *to = (uint8_t *)x;
    for (size_t i = 0; i < n; i++) {
        uint16_t h = half_of(x[i]);
        to[2 * i] = (uint8_t)h;
        to[2 * i + 1] = (uint8_t)(h >> 8);
    }
}

/* What the threads share. */
typedef struct {
    const entry_list *l;
    int fd;
    size_t head; /* bytes before the data */
    atomic_size_t next;
    atomic_bool failed;
} writing;

static bool write_at(const writing *w, const void *bytes, size_t n, size_t at)
{
    while (n > 0) {
        ssize_t done = pwrite(w->fd, bytes, n, (off_t)(w->head + at));
        if (done <= 0)
            return false;
        bytes = (const char *)bytes + done;
        at += (size_t)done;
        n -= (size_t)done;
    }
    return true;
}

/* The noise tensor that entry `i` starts, into all entries made of it. */
static bool write_source(const writing *w, size_t i)
{
    const entry *e = &w->l->at[i];
    if (e->third > 0)
        return true; /* drawn with its first third */
    size_t n = source_size(e);
    float *x = pf_alloc_floats(n * (e->is_turned ? 2 : 1), NULL);
    if (!x)
        return false;
    pf_noise_fill(w->l->v, e->source, e->rank, e->shape, x);
    const float *from = x;
    if (e->is_turned) {
        turn(x, (size_t)e->shape[0], (size_t)e->shape[1], x + n);
        from = x + n;
    }
    if (e->is_half)
        halve_in_place(x, n); /* OpenAI's layout only: nothing is turned there */
    bool ok = true;
    for (size_t k = 0; ok && k < (e->third < 0 ? 1 : 3); k++)
        ok = write_at(w, from + k * entry_size(e), e[k].bytes, e[k].at);
    pf_free(x);
    return ok;
}

static void *write_sources(void *context)
{
    writing *w = context;
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->l->count && !w->failed;) {
        if (!write_source(w, i))
            w->failed = true;
    }
    return NULL;
}

static bool write_data(FILE *f, const entry_list *l)
{
    enum { HELPERS = 3 };
    pthread_t helper[HELPERS];
    int n = 0;
    if (fflush(f) != 0)
        return false;
    writing w = {.l = l, .fd = fileno(f), .head = (size_t)ftell(f)};
    while (n < HELPERS && pthread_create(&helper[n], NULL, write_sources, &w) == 0)
        n++;
    write_sources(&w);
    while (n > 0)
        pthread_join(helper[--n], NULL);
    return !w.failed;
}

/* Under another name first, so that a file of that name is a whole one. */
bool pf_noise_list_write(pf_noise_list *l, const char *path, bool halve, pf_err *err)
{
    char *part = pf_strf(err, "%s.%ld.part", path, (long)getpid());
    if (!part)
        return false;
    FILE *f = fopen(part, "wb");
    bool ok = f != NULL;
    if (f) {
        lay_out(l, halve);
        ok = write_head(f, l, err) && write_data(f, l);
        ok = fclose(f) == 0 && ok && rename(part, path) == 0;
    }
    if (!ok) {
        pf_fail_errno(err, errno, "cannot write '%s'", path);
        unlink(part);
    }
    pf_free(part);
    return ok;
}

static int head_width(const pf_noise_variant *v)
{
    return v->head_width ? v->head_width : 64;
}

static void write_stack_config(pf_json_writer *w, const pf_noise_variant *v, int width,
                               int layers, int heads)
{
    pf_json_write_int(w, "hidden_size", width);
    pf_json_write_int(w, "intermediate_size", 4 * width);
    pf_json_write_int(w, "num_hidden_layers", layers);
    pf_json_write_int(w, "num_attention_heads", heads);
    pf_json_write_string(w, "hidden_act", v->is_exact ? "gelu" : "quick_gelu");
    pf_json_write_real(w, "layer_norm_eps", 1e-5, 6);
}

static void write_config(const pf_noise_variant *v, FILE *f)
{
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, "model_type", "clip");
    pf_json_write_int(&w, "projection_dim", v->embed);
    pf_json_begin_object(&w, "text_config");
    write_stack_config(&w, v, v->text_width, v->text_layers, v->text_heads);
    pf_json_write_int(&w, "max_position_embeddings", v->context);
    pf_json_write_int(&w, "vocab_size", v->vocab);
    pf_json_write_int(&w, "eos_token_id", 2);
    pf_json_end_object(&w);
    pf_json_begin_object(&w, "vision_config");
    write_stack_config(&w, v, v->vision_width, v->stages[0],
                       v->vision_width / head_width(v));
    pf_json_write_int(&w, "image_size", v->image_size);
    pf_json_write_int(&w, "patch_size", v->patch);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
}

static void write_preprocessor_config(const pf_noise_variant *v, FILE *f)
{
    static const double mean[] = {0.48145466, 0.4578275, 0.40821073};
    static const double std[] = {0.26862954, 0.26130258, 0.27577711};
    pf_json_writer w;
    pf_json_writer_init(&w, f);
    pf_json_begin_object(&w, NULL);
    pf_json_write_int(&w, "crop_size", v->image_size);
    pf_json_write_int(&w, "size", v->image_size);
    pf_json_write_int(&w, "resample", 3);
    for (int k = 0; k < 2; k++) {
        pf_json_begin_array(&w, k ? "image_std" : "image_mean");
        for (int i = 0; i < 3; i++)
            pf_json_write_real(&w, NULL, k ? std[i] : mean[i], 9);
        pf_json_end_array(&w);
    }
    pf_json_end_object(&w);
}

bool pf_noise_write_file(const pf_noise_variant *v, const char *folder,
                         const char *name,
                         void (*fill)(const pf_noise_variant *, FILE *), pf_err *err)
{
    char *path = pf_path_join(folder, name, err);
    FILE *f = path ? fopen(path, "w") : NULL;
    bool ok = f != NULL;
    if (f) {
        fill(v, f);
        ok = fclose(f) == 0;
    }
    if (!ok && path)
        pf_fail(err, PF_ERR_IO, "cannot write '%s'", path);
    pf_free(path);
    return ok;
}

static bool write_hf_folder(entry_list *l, const char *path, pf_err *err)
{
    if (!pf_make_folders(path, 0777, err) ||
        !pf_noise_write_file(l->v, path, "config.json", write_config, err) ||
        !pf_noise_write_file(l->v, path, "preprocessor_config.json",
                             write_preprocessor_config, err))
        return false;
    char *file = pf_path_join(path, "model.safetensors", err);
    bool ok = file && pf_noise_list_write(l, file, false, err);
    pf_free(file);
    return ok;
}

static bool write_open_clip_folder(entry_list *l, const char *path, pf_err *err)
{
    if (!pf_make_folders(path, 0777, err) ||
        !pf_noise_write_file(l->v, path, "open_clip_config.json",
                             pf_noise_write_open_clip, err))
        return false;
    char *file = pf_path_join(path, "open_clip_model.safetensors", err);
    bool ok = file && pf_noise_list_write(l, file, false, err);
    pf_free(file);
    return ok;
}

bool pf_noise_write(const pf_noise_variant *v, const char *path, pf_noise_layout layout,
                    pf_err *err)
{
    if (v->family != PF_NOISE_CLIP)
        return pf_noise_family_write(v, path, err);
    entry_list l = {.v = v, .is_hf = layout == PF_NOISE_HF};
    if (l.is_hf && v->patch == 0)
        return pf_fail(err, PF_ERR_MISUSE, "a Hugging Face folder holds ViTs only");
    add_text(&l);
    if (v->patch > 0)
        add_vit(&l);
    else
        add_resnet(&l);
    bool ok = !l.failed || pf_fail(err, PF_ERR_NOMEM, "out of memory");
    if (ok && l.is_hf)
        ok = write_hf_folder(&l, path, err);
    else if (ok && layout == PF_NOISE_OPEN_CLIP)
        ok = write_open_clip_folder(&l, path, err);
    else if (ok)
        ok = pf_noise_list_write(&l, path, layout == PF_NOISE_OPENAI_HALF, err);
    pf_free(l.at);
    return ok;
}
