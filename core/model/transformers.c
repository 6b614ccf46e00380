/* transformers.c - see transformers.h. */
#include "core/model/transformers.h"

bool pf_transformers_towers(pf_tower_configs *out, const pf_beside *beside, pf_err *err)
{
    *out = (pf_tower_configs){.text = {pf_json_get(beside->config, "text_config"),
                                       "config.json", "text_config"},
                              .vision = {pf_json_get(beside->config, "vision_config"),
                                         "config.json", "vision_config"}};
    return (out->text.object && out->vision.object) ||
           pf_fail(err, PF_ERR_FORMAT, "config.json has no '%s'",
                   out->text.object ? "vision_config" : "text_config");
}

static bool read_picture(pf_dims *d, const pf_config *vision, pf_err *err)
{
    int channels = 3;
    if (!pf_config_int(vision, "image_size", PF_SIDE_MAX, d->image_size, &d->image_size,
                       err) ||
        !pf_config_int(vision, "patch_size", PF_SIDE_MAX, d->patch, &d->patch, err) ||
        !pf_config_int(vision, "num_channels", 16, 3, &channels, err))
        return false;
    if (channels != 3)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "config.json: num_channels is %d, only 3 is known", channels);
    d->grid = d->image_size / d->patch;
    return d->grid > 0 ||
           pf_fail(err, PF_ERR_FORMAT,
                   "config.json: patch_size %d is larger than image_size %d", d->patch,
                   d->image_size);
}

bool pf_transformers_sizes(pf_dims *d, const pf_tower_configs *towers, pf_err *err)
{
    const pf_config *text = &towers->text;
    if (!pf_config_stack(text, &d->text, err) ||
        !pf_config_stack(&towers->vision, &d->vit, err) ||
        !pf_config_int(text, "vocab_size", PF_VOCAB_MAX, d->vocab, &d->vocab, err) ||
        !pf_config_int(text, "max_position_embeddings", PF_CONTEXT_MAX, d->context,
                       &d->context, err) ||
        !read_picture(d, &towers->vision, err))
        return false;
    d->vision = PF_VISION_VIT;
    d->positions = d->context;
    return true;
}

bool pf_transformers_activations(const pf_dims *d, const pf_beside *beside, pf_err *err)
{
    return pf_activation_agrees(d->text.activation, "text_config of config.json",
                                beside->activation, err) &&
           pf_activation_agrees(d->vit.activation, "vision_config of config.json",
                                beside->activation, err);
}
