/*
 * noise.h - checkpoints of seeded noise, the same numbers as NumPy draws.
 *
 * Every number of a noise model is a function of (variant, OpenAI tensor name) alone: a
 * Mersenne Twister seeded with crc32("variant/name") gives standard normal deviates as
 * numpy.random.RandomState does, and a rule per kind of tensor scales them. The vectors
 * that OpenAI's own code computes from the same numbers are in tests/golden, so parity
 * is tested at full size without Python and without a download.
 */
#ifndef PF_TESTS_SUPPORT_NOISE_H
#define PF_TESTS_SUPPORT_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

typedef enum { PF_NOISE_CLIP, PF_NOISE_BIOMEDCLIP, PF_NOISE_SIGLIP } pf_noise_family;

typedef struct {
    const char *name;
    int embed, image_size, patch, vision_width;
    int stages[4]; /* ResNet: blocks per stage; ViT: {layers} */
    int text_width, text_heads, text_layers, context, vocab;

    const char *seed; /* of its numbers; NULL: its name */
    bool is_newer;    /* biases, norms and tables are scaled by the rules that the
                         variants after the first five have */
    bool is_exact;    /* the config says GELU, not QuickGELU; CLIP */
    int head_width;   /* of the image tower; 0: 64 */
    pf_noise_family family;
    int vision_mlp, text_mlp, positions; /* where the family is not CLIP */
} pf_noise_variant;

/* "vitb32", "rn50", "rn50x4", "vitb16", "vitl14", "biomedclip", "siglip-b16",
 * "medsiglip" (as large as MedSigLIP-448),
 * "tiny-vit", "tiny-rn", "tiny-openclip-gelu", "tiny-hfclip-gelu", "tiny-biomedclip",
 * "tiny-siglip"; NULL for anything else. */
const pf_noise_variant *pf_noise_find(const char *name);

/* All floats of the tensor with OpenAI's name `name` and this shape, row-major. */
void pf_noise_fill(const pf_noise_variant *v, const char *name, int rank,
                   const int64_t *shape, float *out);

/* Preprocessed picture number i of the variant `seed`: [3, size, size]. */
PF_MUST_CHECK bool pf_noise_image(const char *seed, int size, int i, float *out,
                                  pf_err *err);

typedef enum {
    PF_NOISE_HF,     /* a folder: config.json, preprocessor_config.json, safetensors */
    PF_NOISE_OPENAI, /* one safetensors file with OpenAI's names, float32 */
    PF_NOISE_OPENAI_HALF, /* the same with the mixed precision OpenAI stores */
    PF_NOISE_OPEN_CLIP, /* a folder: open_clip_config.json, safetensors in its names */
} pf_noise_layout;

/* Write the checkpoint, on all cores; the weights appear whole or not at all.
 * PF_NOISE_HF takes ViTs only and makes the folder. BiomedCLIP and SigLIP have one
 * layout, a folder with a small tokenizer of their kind, whatever `layout` says. */
PF_MUST_CHECK bool pf_noise_write(const pf_noise_variant *v, const char *path,
                                  pf_noise_layout layout, pf_err *err);

#endif
