/* preprocess.c - see preprocess.h. */
#include "core/image/preprocess.h"

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

/* Half of `n`, a half rounded down or, as Python's round() does it, to even. */
static int64_t half(int64_t n, pf_crop_rounding rounding)
{
    return n / 2 + (rounding == PF_CROP_ROUND && n % 4 == 3);
}

/* The short side becomes p->resize, the other keeps the proportion, rounded down. */
static pf_resample_axis axis_of(const pf_preprocess *p, int side, int short_side)
{
    int64_t length = (int64_t)p->resize * side / short_side;
    return (pf_resample_axis){
        .length = length,
        .start = half(length - p->size, p->rounding),
        .size = p->size,
    };
}

bool pf_preprocess_pixels(const pf_preprocess *p, const pf_picture *picture,
                          uint8_t *rgb, pf_err *err)
{
    int w = picture->width, h = picture->height, short_side = w < h ? w : h;
    if (p->size < 1 || p->resize < p->size)
        return pf_fail(err, PF_ERR_MISUSE, "cannot crop %d pixels from a side of %d",
                       p->size, p->resize);
    if (short_side < 1)
        return pf_fail(err, PF_ERR_MISUSE, "the picture has no pixels (%d x %d)", w, h);
    return pf_resample(picture, p->filter, axis_of(p, w, short_side),
                       axis_of(p, h, short_side), rgb, err);
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
