#!/usr/bin/python3
"""Writes a full-size checkpoint of noise in a container that users have.

    /usr/bin/python3 tests/reference/make_full_size.py VARIANT LAYOUT PATH

VARIANT is vitb32, rn50 or rn50x4. LAYOUT is one of
    hf-bin      Hugging Face's folder with pytorch_model.bin (ViT only)
    plain       torch.save(state_dict), float32
    authors     as PubMedCLIP's authors saved: {'best_epoch', 'state_dict',
                'optimizer_state_dict', 'best_loss'}, OpenAI's mix of half and single
    authors-f32 the same in float32, so three times the model's size
and -legacy behind any but the first gives the format from before torch 1.6. The numbers
are those of clip_reference.py; the optimizer's are zeros.
"""
import collections
import json
import os
import sys

import torch

import clip_reference

TOP = {"token_embedding.weight": "text_model.embeddings.token_embedding.weight",
       "positional_embedding": "text_model.embeddings.position_embedding.weight",
       "visual.class_embedding": "vision_model.embeddings.class_embedding",
       "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
       "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
       "logit_scale": "logit_scale"}
STEMS = {"ln_final": "text_model.final_layer_norm",
         "visual.ln_pre": "vision_model.pre_layrnorm",  # spelt so there
         "visual.ln_post": "vision_model.post_layernorm"}
PARTS = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1",
         "mlp.c_proj": "mlp.fc2", "attn.out_proj": "self_attn.out_proj"}
TURNED = {"text_projection": "text_projection.weight",
          "visual.proj": "visual_projection.weight"}


def hf_tensors(openai, v):
    out = collections.OrderedDict()
    grid = v["side"] // v["patch"]
    for tower, positions in (("text", clip_reference.CONTEXT),
                             ("vision", grid * grid + 1)):
        out[f"{tower}_model.embeddings.position_ids"] = torch.arange(positions)[None]
    for name, t in openai.items():
        stem, _, kind = name.rpartition(".")
        if name in TOP:
            out[TOP[name]] = t
        elif name in TURNED:
            out[TURNED[name]] = t.t().contiguous()
        elif stem in STEMS:
            out[f"{STEMS[stem]}.{kind}"] = t
        else:
            tower, _, rest = name.partition("transformer.resblocks.")
            block, _, rest = rest.partition(".")
            to = f"{'vision' if tower else 'text'}_model.encoder.layers.{block}."
            if ".in_proj_" in name:
                for letter, part in zip("qkv", t.chunk(3)):
                    kind = name.rpartition("_")[2]
                    out[f"{to}self_attn.{letter}_proj.{kind}"] = part.clone()
            else:
                stem, _, kind = rest.rpartition(".")
                out[f"{to}{PARTS[stem]}.{kind}"] = t
    return out


def stack(width, layers, heads):
    return {"hidden_size": width, "intermediate_size": 4 * width,
            "num_hidden_layers": layers, "num_attention_heads": heads,
            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05}


def write_folder(variant, folder):
    v = clip_reference.VARIANTS[variant]
    text = dict(stack(v["text_width"], v["text_layers"], v["text_heads"]),
                max_position_embeddings=clip_reference.CONTEXT, vocab_size=v["vocab"])
    vision = dict(stack(v["width"], v["layers"], v["width"] // 64),
                  image_size=v["side"], patch_size=v["patch"])
    config = {"architectures": ["CLIPModel"], "model_type": "clip",
              "projection_dim": v["embed"], "text_config": text,
              "vision_config": vision}
    steps = {"do_resize": True, "size": v["side"], "resample": 3,
             "do_center_crop": True, "crop_size": v["side"], "do_normalize": True,
             "image_mean": [0.48145466, 0.4578275, 0.40821073],
             "image_std": [0.26862954, 0.26130258, 0.27577711]}
    os.makedirs(folder, exist_ok=True)
    for name, data in (("config", config), ("preprocessor_config", steps)):
        with open(f"{folder}/{name}.json", "w", encoding="utf-8") as f:
            json.dump(data, f, indent=2)
    torch.save(hf_tensors(clip_reference.weights(variant), v),
               f"{folder}/pytorch_model.bin")


def with_optimizer(state_dict):
    """Adam's two running means per parameter; buffers have none."""
    trained = [t for n, t in state_dict.items()
               if t.is_floating_point() and "running" not in n]
    state = {i: {"step": 51000, "exp_avg": torch.zeros_like(t),
                 "exp_avg_sq": torch.zeros_like(t)} for i, t in enumerate(trained)}
    group = {"lr": 1e-05, "betas": (0.9, 0.98), "eps": 1e-06, "weight_decay": 0.2,
             "amsgrad": False, "params": list(state)}
    return {"best_epoch": 12, "state_dict": state_dict,
            "optimizer_state_dict": {"state": state, "param_groups": [group]},
            "best_loss": 0.25}


def main(variant, layout, path):
    if layout == "hf-bin":
        return write_folder(variant, path)
    legacy = layout.endswith("-legacy")
    kind = layout[:-len("-legacy")] if legacy else layout
    if kind not in ("plain", "authors", "authors-f32"):
        sys.exit(__doc__)
    data = collections.OrderedDict(
        clip_reference.weights(variant, half=kind == "authors"))
    if kind != "plain":
        data = with_optimizer(data)
    torch.save(data, path, _use_new_zipfile_serialization=not legacy)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in clip_reference.VARIANTS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
