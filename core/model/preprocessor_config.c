/* preprocessor_config.c - see preprocessor_config.h. */
#include "core/model/preprocessor_config.h"

#include "core/base/json.h"

enum { MAX_BYTES = 1 << 20 };

static bool refuse(const char *what, pf_err *err)
{
    return pf_fail(err, PF_ERR_UNSUPPORTED, "%s", what);
}

/* A side is written 224, {"shortest_edge": 224} or {"height": 224, "width": 224}. */
static bool read_side(const pf_json *v, int64_t *side)
{
    int64_t width = 0;
    if (pf_json_to_int(v, side) ||
        pf_json_to_int(pf_json_get(v, "shortest_edge"), side))
        return true;
    return pf_json_to_int(pf_json_get(v, "height"), side) &&
           pf_json_to_int(pf_json_get(v, "width"), &width) && width == *side;
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

/* Steps that CLIP's preprocessing has; a file that switches one off means another one.
 */
static bool has_all_steps(const pf_json *config)
{
    static const char *const step[] = {"do_resize", "do_center_crop", "do_normalize",
                                       "do_rescale", "do_convert_rgb"};
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        bool on = true;
        pf_json_to_bool(pf_json_get(config, step[i]), &on);
        if (!on)
            return false;
    }
    return true;
}

static bool apply(pf_preprocess *p, const pf_json *config, pf_err *err)
{
    int64_t side = p->size, resize = p->resize, filter = 3;
    const pf_json *mean = pf_json_get(config, "image_mean");
    const pf_json *std = pf_json_get(config, "image_std");
    const pf_json *resample = pf_json_get(config, "resample");
    if (!has_all_steps(config))
        return refuse("switches a step of CLIP's preprocessing off", err);
    if ((pf_json_get(config, "crop_size") &&
         !read_side(pf_json_get(config, "crop_size"), &side)) ||
        side < 1 || side > 4096)
        return refuse("'crop_size' is not a side in pixels", err);
    if (!read_side(pf_json_get(config, "size"), &resize))
        resize = side;
    if (resize < side || resize > 8192)
        return refuse("'size' is smaller than 'crop_size', or over 8192", err);
    if ((resample && !pf_json_to_int(resample, &filter)) ||
        (filter != 2 && filter != 3))
        return refuse("'resample' is neither 2 (bilinear) nor 3 (bicubic)", err);
    if ((mean && !read_triple(mean, p->mean, -100)) ||
        (std && !read_triple(std, p->std, 0)))
        return refuse("'image_mean' or 'image_std' is not three numbers", err);
    p->size = (int)side;
    p->resize = (int)resize;
    p->filter = filter == 2 ? PF_RESAMPLE_BILINEAR : PF_RESAMPLE_BICUBIC;
    return true;
}

bool pf_preprocessor_config_read(pf_preprocess *p, const char *path, pf_err *err)
{
    pf_json *config = NULL;
    if (!pf_json_parse_file(&config, path, MAX_BYTES, err))
        return false;
    const bool ok = !config || apply(p, config, err) || pf_fail_in(err, "'%s'", path);
    pf_json_free(config);
    return ok;
}
