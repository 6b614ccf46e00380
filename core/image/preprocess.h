/*
 * preprocess.h - upright RGB pixels -> what the image tower wants: [3, size, size]
 * floats.
 *
 * Resize the short side and crop the centre, or resize to a square; normalise: the same
 * 8-bit values as Pillow, so that vectors agree with the reference code. Immutable,
 * shared by threads.
 */
#ifndef PF_CORE_IMAGE_PREPROCESS_H
#define PF_CORE_IMAGE_PREPROCESS_H

#include "core/base/err.h"
#include "core/image/picture.h"

typedef enum {
    PF_RESAMPLE_BILINEAR,
    PF_RESAMPLE_BICUBIC, /* a = -0.5, as Pillow's */
} pf_resample_filter;

typedef enum {
    PF_CROP_FLOOR, /* Hugging Face: offset (n - size) / 2, rounded down */
    PF_CROP_ROUND, /* torchvision, open_clip: rounded half to even */
} pf_crop_rounding;

typedef struct {
    const char *name; /* "clip", "open-clip", "siglip", "pubmedclip-train"; static */
    int resize;       /* the short side after resizing, in pixels */
    int size;         /* side of the square crop: the model's input */
    pf_resample_filter filter;
    pf_crop_rounding rounding;
    bool is_squashed; /* both sides are resized to `size`, and nothing is cut off */
    bool is_rgb_last; /* resized as the file has it, as Pillow does with pictures that
                         are no RGB yet: colours of a table by nearest neighbour,
                         transparent ones multiplied by their alpha */
    float mean[3], std[3]; /* of RGB values in 0..1 */
} pf_preprocess;

/* CLIP's own: bicubic, resize = size, floor crop, OpenAI's mean and deviation. */
void pf_preprocess_init_clip(pf_preprocess *p, int size);
/* What PubMedCLIP's authors evaluate with: ImageNet mean and deviation, bilinear,
 * resize the short side to size / 0.875, rounded crop. */
void pf_preprocess_init_pubmedclip_train(pf_preprocess *p, int size);
/* SigLIP's: bicubic, squashed, mean and deviation 0.5. */
void pf_preprocess_init_siglip(pf_preprocess *p, int size);
/* open_clip's way with CLIP's: rounded crop, RGB last. */
void pf_preprocess_set_open_clip(pf_preprocess *p);

/* NULL for the name of a preprocessing that models have by themselves; `name` for one
 * that a user has to name. */
const char *pf_preprocess_choice(const char *name);

/* Pixels after resize and crop, before normalising: `rgb` holds [size, size, 3] bytes.
 * Memory in use is bounded by the picture's height times the output width, whatever the
 * aspect ratio; for one with alpha, where that counts, three bytes per pixel more. */
PF_MUST_CHECK bool pf_preprocess_pixels(const pf_preprocess *p,
                                        const pf_picture *picture, uint8_t *rgb,
                                        pf_err *err);
/* What the image tower takes: `rgb` as above, `out` holds [3, size, size] floats. */
void pf_preprocess_normalise(const pf_preprocess *p, const uint8_t *rgb, float *out);

#endif
