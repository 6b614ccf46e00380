/* preprocess.c - see preprocess.h. */
#include "core/image/preprocess.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/image/resample.h"

void pf_preprocess_init_clip(pf_preprocess *p, int size)
{
    /* mean and deviation: OpenAI's clip/clip.py, _transform() */
    *p = (pf_preprocess){
        .name = "clip",
        .resize = size,
        .size = size,
        .filter = PF_RESAMPLE_BICUBIC,
        .rounding = PF_CROP_FLOOR,
        .mean = {0.48145466f, 0.4578275f, 0.40821073f},
        .std = {0.26862954f, 0.26130258f, 0.27577711f},
    };
}

void pf_preprocess_init_pubmedclip_train(pf_preprocess *p, int size)
{
    /* mean and deviation: ImageNet's, as torchvision's models have them */
    *p = (pf_preprocess){
        .name = "pubmedclip-train",
        .resize = (int)(size / 0.875),
        .size = size,
        .filter = PF_RESAMPLE_BILINEAR,
        .rounding = PF_CROP_ROUND,
        .mean = {0.485f, 0.456f, 0.406f},
        .std = {0.229f, 0.224f, 0.225f},
    };
}

void pf_preprocess_init_siglip(pf_preprocess *p, int size)
{
    /* transformers' SiglipImageProcessor */
    *p = (pf_preprocess){
        .name = "siglip",
        .resize = size,
        .size = size,
        .filter = PF_RESAMPLE_BICUBIC,
        .is_squashed = true,
        .mean = {0.5f, 0.5f, 0.5f},
        .std = {0.5f, 0.5f, 0.5f},
    };
}

void pf_preprocess_set_open_clip(pf_preprocess *p)
{
    /* open_clip's transform.py: Resize, CenterCrop, _convert_to_rgb */
    p->name = "open-clip";
    p->rounding = PF_CROP_ROUND;
    p->is_rgb_last = true;
}

const char *pf_preprocess_choice(const char *name)
{
    return name && strcmp(name, "pubmedclip-train") == 0 ? name : NULL;
}

/* Half of `n`, a half rounded down or, as Python's round() does it, to even. */
static int64_t half(int64_t n, pf_crop_rounding rounding)
{
    return n / 2 + (rounding == PF_CROP_ROUND && n % 4 == 3);
}

/* The short side becomes p->resize, the other keeps the proportion, rounded down. */
static pf_resample_axis axis_of(const pf_preprocess *p, int side, int short_side)
{
    if (p->is_squashed)
        return (pf_resample_axis){p->size, 0, p->size};
    int64_t length = (int64_t)p->resize * side / short_side;
    return (pf_resample_axis){
        .length = length,
        .start = half(length - p->size, p->rounding),
        .size = p->size,
    };
}

/* a * b / 255, rounded, as Pillow has it. */
static uint8_t times(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

/* Pillow's conversion from "RGBa" back: 0 and 255 leave colours alone. */
static uint8_t divided(unsigned colour, unsigned alpha)
{
    if (alpha == 0 || alpha == 255)
        return (uint8_t)colour;
    const unsigned v = 255 * colour / alpha;
    return (uint8_t)(v > 255 ? 255 : v);
}

/* `of` three times per pixel: colours times alpha, or the alpha alone. */
static void multiply(const pf_picture *in, bool has_colour, uint8_t *of)
{
    const size_t pixels = (size_t)in->width * (size_t)in->height;
    for (size_t i = 0; i < 3 * pixels; i++)
        of[i] = has_colour ? times(in->rgb[i], in->alpha[i / 3]) : in->alpha[i / 3];
}

/* Colours multiplied by their alpha, so that what cannot be seen does not shine into
 * what can; divided again afterwards. `rgb` as in pf_preprocess_pixels(). */
static bool resample_alpha(const pf_preprocess *p, const pf_picture *in,
                           pf_resample_axis x, pf_resample_axis y, uint8_t *rgb,
                           pf_err *err)
{
    const size_t n = (size_t)p->size * (size_t)p->size * 3;
    pf_picture part = *in;
    uint8_t *alpha = pf_alloc_array(n, 1, err);
    part.rgb = pf_alloc_array((size_t)in->width * (size_t)in->height, 3, err);
    bool ok = alpha && part.rgb;
    if (ok) {
        multiply(in, true, part.rgb);
        ok = pf_resample(&part, p->filter, x, y, rgb, err);
    }
    if (ok) {
        multiply(in, false, part.rgb);
        ok = pf_resample(&part, p->filter, x, y, alpha, err);
    }
    for (size_t i = 0; ok && i < n; i++)
        rgb[i] = divided(rgb[i], alpha[i]);
    pf_free(part.rgb);
    pf_free(alpha);
    return ok;
}

bool pf_preprocess_pixels(const pf_preprocess *p, const pf_picture *picture,
                          uint8_t *rgb, pf_err *err)
{
    const int w = pf_picture_whole_width(picture), h = pf_picture_whole_height(picture);
    const int short_side = w < h ? w : h;
    if (p->size < 1 || p->resize < p->size)
        return pf_fail(err, PF_ERR_MISUSE, "cannot crop %d pixels from a side of %d",
                       p->size, p->resize);
    if (short_side < 1)
        return pf_fail(err, PF_ERR_MISUSE, "the picture has no pixels (%d x %d)", w, h);
    const pf_resample_axis x = axis_of(p, w, short_side), y = axis_of(p, h, short_side);
    if (p->is_rgb_last && picture->has_table) {
        pf_resample_nearest(picture, x, y, rgb);
        return true;
    }
    return p->is_rgb_last && picture->alpha
               ? resample_alpha(p, picture, x, y, rgb, err)
               : pf_resample(picture, p->filter, x, y, rgb, err);
}

void pf_preprocess_normalise(const pf_preprocess *p, const uint8_t *rgb, float *out)
{
    const size_t pixels = (size_t)p->size * (size_t)p->size;
    for (size_t c = 0; c < 3; c++) {
        float normalised[256];
        for (int v = 0; v < 256; v++)
            normalised[v] = ((float)v / 255.0f - p->mean[c]) / p->std[c];
        for (size_t i = 0; i < pixels; i++)
            *out++ = normalised[rgb[3 * i + c]];
    }
}
