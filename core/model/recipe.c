/* recipe.c - see recipe.h. */
#include "core/model/recipe.h"

#include <math.h>
#include <string.h>

enum { SIDE_MAX = 4096, RESIZE_MAX = 8192 };

static bool refuse(const char *file, const char *what, pf_err *err)
{
    return pf_fail(err, PF_ERR_UNSUPPORTED, "%s: %s", file, what);
}

static bool read_triple(const pf_json *v, float out[3], double least)
{
    for (size_t i = 0; i < 3; i++) {
        double x = 0;
        if (pf_json_size(v) != 3 || !pf_json_to_real(pf_json_at(v, i), &x) ||
            !(x > least && x < 100))
            return false;
        out[i] = (float)x;
    }
    return true;
}

static bool read_normal(pf_preprocess *p, const pf_json *mean, const pf_json *std)
{
    return (!mean || read_triple(mean, p->mean, -100)) &&
           (!std || read_triple(std, p->std, 0));
}

/* What `key` says; NULL where it is absent, or null. */
static const pf_json *said(const pf_json *config, const char *key)
{
    const pf_json *v = pf_json_get(config, key);
    return v && pf_json_get_kind(v) != PF_JSON_NULL ? v : NULL;
}

/* ---- preprocessor_config.json ---- */

static const char hf[] = "preprocessor_config.json";

/* {"height": 224, "width": 224} */
static bool read_square(const pf_json *v, int64_t *side)
{
    int64_t width = 0;
    return pf_json_to_int(pf_json_get(v, "height"), side) &&
           pf_json_to_int(pf_json_get(v, "width"), &width) && width == *side;
}

/* 224, {"shortest_edge": 224}, or a square. */
static bool read_side(const pf_json *v, int64_t *side)
{
    return pf_json_to_int(v, side) ||
           pf_json_to_int(pf_json_get(v, "shortest_edge"), side) ||
           read_square(v, side);
}

static bool is_on(const pf_json *config, const char *step, bool fallback)
{
    pf_json_to_bool(pf_json_get(config, step), &fallback);
    return fallback;
}

/* Steps that a file may not switch off, or on: it would mean another preprocessing. */
static bool has_its_steps(const pf_preprocess *p, const pf_json *config)
{
    static const char *const step[] = {"do_resize", "do_normalize", "do_rescale",
                                       "do_convert_rgb"};
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        if (!is_on(config, step[i], true))
            return false;
    }
    return is_on(config, "do_center_crop", !p->is_squashed) == !p->is_squashed;
}

/* Bytes become 0 .. 1. */
static bool rescales_as_usual(const pf_json *config)
{
    double factor = 1.0 / 255;
    const pf_json *v = said(config, "rescale_factor");
    return !v || (pf_json_to_real(v, &factor) && fabs(factor * 255 - 1) < 1e-6);
}

/* The short side becomes `size` and the middle of it is cut out; a `size` of height and
 * width is what transformers resizes to, whatever that does to the picture. */
static bool read_crop(pf_preprocess *p, const pf_json *config, pf_err *err)
{
    int64_t side = p->size, resize;
    const pf_json *crop = said(config, "crop_size");
    const pf_json *size = said(config, "size");
    if ((crop && !read_side(crop, &side)) || side < 1 || side > SIDE_MAX)
        return refuse(hf, "'crop_size' is not a side in pixels", err);
    if (!read_side(size, &resize))
        resize = side;
    if (resize < side || resize > RESIZE_MAX)
        return refuse(hf, "'size' is smaller than 'crop_size', or over 8192", err);
    p->is_squashed = read_square(size, &resize);
    if (p->is_squashed && resize != side)
        return refuse(hf, "'size' has a height and a width other than 'crop_size'",
                      err);
    p->size = (int)side;
    p->resize = (int)resize;
    return true;
}

/* Both sides become `size`, whatever that does to the picture. */
static bool read_squash(pf_preprocess *p, const pf_json *config, pf_err *err)
{
    int64_t side = p->size;
    const pf_json *size = said(config, "size");
    if ((size && !pf_json_to_int(size, &side) && !read_square(size, &side)) ||
        side < 1 || side > SIDE_MAX)
        return refuse(hf, "'size' is not one height and width in pixels", err);
    p->size = p->resize = (int)side;
    return true;
}

bool pf_recipe_read_hf(pf_preprocess *p, const pf_json *config, pf_err *err)
{
    int64_t filter = 3;
    const pf_json *resample = said(config, "resample");
    if (!config)
        return true;
    if (!has_its_steps(p, config))
        return refuse(hf, "switches a step of the model's preprocessing on or off",
                      err);
    if (!rescales_as_usual(config))
        return refuse(hf, "'rescale_factor' is not 1/255", err);
    if (!(p->is_squashed ? read_squash(p, config, err) : read_crop(p, config, err)))
        return false;
    if ((resample && !pf_json_to_int(resample, &filter)) ||
        (filter != 2 && filter != 3))
        return refuse(hf, "'resample' is neither 2 (bilinear) nor 3 (bicubic)", err);
    p->filter = filter == 2 ? PF_RESAMPLE_BILINEAR : PF_RESAMPLE_BICUBIC;
    return read_normal(p, said(config, "image_mean"), said(config, "image_std")) ||
           refuse(hf, "'image_mean' or 'image_std' is not three numbers", err);
}

/* ---- open_clip_config.json ---- */

static const char open_clip[] = "open_clip_config.json";

static bool is_word(const pf_json *v, const char *word)
{
    const char *s = pf_json_string(v, NULL);
    return s && strcmp(s, word) == 0;
}

/* 224 or [224, 224], which has to be the model's. */
static bool is_size(const pf_json *v, int size)
{
    int64_t first = 0, second = 0;
    if (pf_json_to_int(v, &first))
        return first == size;
    return pf_json_size(v) == 2 && pf_json_to_int(pf_json_at(v, 0), &first) &&
           pf_json_to_int(pf_json_at(v, 1), &second) && first == size && second == size;
}

bool pf_recipe_read_open_clip(pf_preprocess *p, const pf_json *config, pf_err *err)
{
    const pf_json *c = pf_json_get(config, "preprocess_cfg");
    const pf_json *filter = said(c, "interpolation");
    const pf_json *fit = said(c, "resize_mode");
    const pf_json *mode = said(c, "mode"), *size = said(c, "size");
    pf_preprocess_set_open_clip(p);
    if (filter && !is_word(filter, "bicubic") && !is_word(filter, "bilinear"))
        return refuse(open_clip, "'interpolation' is neither bicubic nor bilinear",
                      err);
    if (fit && !is_word(fit, "shortest") && !is_word(fit, "squash"))
        return refuse(open_clip, "'resize_mode' is neither shortest nor squash", err);
    if (mode && !is_word(mode, "RGB"))
        return refuse(open_clip, "'mode' is not RGB", err);
    if (size && !is_size(size, p->size))
        return refuse(open_clip, "'size' in preprocess_cfg is not the model's", err);
    if (is_word(filter, "bilinear"))
        p->filter = PF_RESAMPLE_BILINEAR;
    p->is_squashed = is_word(fit, "squash");
    return read_normal(p, said(c, "mean"), said(c, "std")) ||
           refuse(open_clip, "'mean' or 'std' is not three numbers", err);
}
