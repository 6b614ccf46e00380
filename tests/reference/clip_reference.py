#!/usr/bin/python3
"""CLIP's towers in plain torch functions, on the seeded noise of tests/support/noise.h.

    /usr/bin/python3 tests/reference/clip_reference.py check GOLDEN_FOLDER [VARIANT...]
    /usr/bin/python3 tests/reference/clip_reference.py write GOLDEN_FOLDER

check compares with golden-VARIANT.json and golden-VARIANT-from-f16.json, which OpenAI's
own code made; write makes the files that are missing there: RN50x4, and the pictures of
250 pixels that PubMedCLIP was trained with. See README.md for versions and tolerances.
"""
import json
import math
import os
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_grad_enabled(False)

CONTEXT = 77
VARIANTS = {  # layers is a number for a ViT, four for a ResNet
    "vitb32": dict(embed=512, side=224, layers=12, width=768, patch=32,
                   text_width=512, text_heads=8, text_layers=12, vocab=49408),
    "rn50": dict(embed=1024, side=224, layers=(3, 4, 6, 3), width=64, patch=None,
                 text_width=512, text_heads=8, text_layers=12, vocab=49408),
    "rn50x4": dict(embed=640, side=288, layers=(4, 6, 10, 6), width=80, patch=None,
                   text_width=640, text_heads=10, text_layers=12, vocab=49408),
    "tiny-vit": dict(embed=32, side=64, layers=3, width=128, patch=16,
                     text_width=64, text_heads=1, text_layers=2, vocab=514),
    "tiny-rn": dict(embed=48, side=64, layers=(1, 2, 1, 1), width=8, patch=None,
                    text_width=64, text_heads=1, text_layers=2, vocab=514),
}


# ---- the noise rule ----

def deviates(variant, name):
    return np.random.RandomState(zlib.crc32(f"{variant}/{name}".encode()))


def is_norm(name):
    return "ln_" in name or ".bn" in name or "downsample.1" in name


def draw(variant, name, shape):
    """The tensor with OpenAI's name `name`: float32, or int64 for num_batches_tracked."""
    if name == "logit_scale":
        return np.float32(math.log(100.0)) * np.ones((), np.float32)
    if name.endswith("num_batches_tracked"):
        return np.asarray(100, np.int64)
    z = deviates(variant, name).standard_normal(shape).astype(np.float32)
    one, f32 = np.float32(1), np.float32
    if name.endswith("running_mean"):
        return f32(0.05) * z
    if name.endswith("running_var"):
        return one + f32(0.2) * np.tanh(z)
    if name.endswith("bias"):
        return f32(0.02) * z
    if is_norm(name):  # a residual branch ends in bn3: kept small, or the sum explodes
        gain = f32(0.4) if ".bn3." in name and "layer" in name else one
        return gain * (one + f32(0.1) * z)
    if name.endswith("embedding") or name == "token_embedding.weight":
        return f32(0.3) * z
    if len(shape) == 4:
        return f32(math.sqrt(2.0 / (shape[1] * shape[2] * shape[3]))) * z
    is_turned = name in ("text_projection", "visual.proj")
    return z / f32(math.sqrt(shape[0 if is_turned else -1]))


def picture(variant, side, i):
    """Preprocessed picture i, [3, side, side]: a coarse 4 x 4 pattern and fine noise."""
    cell = -(-side // 4)
    rng = deviates(variant, f"input_image_{i}")
    z = rng.standard_normal((3, 4 * cell, 4 * cell)).astype(np.float32)
    coarse = np.float32(1.5) * rng.standard_normal((3, 4, 4)).astype(np.float32)
    whole = coarse.repeat(cell, 1).repeat(cell, 2) + np.float32(0.3) * z
    return torch.from_numpy(whole[:, :side, :side].copy())


# ---- what a checkpoint holds ----

def block_shapes(stem, width):
    yield stem + ".attn.in_proj_weight", (3 * width, width)
    yield stem + ".attn.in_proj_bias", (3 * width,)
    for name, out, size in (("attn.out_proj", width, width),
                            ("mlp.c_fc", 4 * width, width),
                            ("mlp.c_proj", width, 4 * width)):
        yield f"{stem}.{name}.weight", (out, size)
        yield f"{stem}.{name}.bias", (out,)
    for name in ("ln_1", "ln_2"):
        yield from norm_shapes(f"{stem}.{name}", width)


def norm_shapes(stem, width):
    yield stem + ".weight", (width,)
    yield stem + ".bias", (width,)


def conv_shapes(stem, conv, norm, size, out, side):
    yield f"{stem}.{conv}.weight", (out, size, side, side)
    yield from norm_shapes(f"{stem}.{norm}", out)
    yield f"{stem}.{norm}.running_mean", (out,)
    yield f"{stem}.{norm}.running_var", (out,)
    yield f"{stem}.{norm}.num_batches_tracked", ()


def vit_shapes(v):
    width, grid = v["width"], v["side"] // v["patch"]
    yield "visual.class_embedding", (width,)
    yield "visual.positional_embedding", (grid * grid + 1, width)
    yield "visual.proj", (width, v["embed"])
    yield "visual.conv1.weight", (width, 3, v["patch"], v["patch"])
    yield from norm_shapes("visual.ln_pre", width)
    for i in range(v["layers"]):
        yield from block_shapes(f"visual.transformer.resblocks.{i}", width)
    yield from norm_shapes("visual.ln_post", width)


def resnet_shapes(v):
    width, wide = v["width"], 32 * v["width"]
    for i, (size, out) in enumerate(((3, width // 2), (width // 2,) * 2,
                                     (width // 2, width)), 1):
        yield from conv_shapes("visual", f"conv{i}", f"bn{i}", size, out, 3)
    size = width
    for s, blocks in enumerate(v["layers"]):
        mid = width << s
        for b in range(blocks):
            stem = f"visual.layer{s + 1}.{b}"
            yield from conv_shapes(stem, "conv1", "bn1", size, mid, 1)
            yield from conv_shapes(stem, "conv2", "bn2", mid, mid, 3)
            yield from conv_shapes(stem, "conv3", "bn3", mid, 4 * mid, 1)
            if b == 0:
                yield from conv_shapes(stem, "downsample.0", "downsample.1", size,
                                       4 * mid, 1)
            size = 4 * mid
    yield "visual.attnpool.positional_embedding", ((v["side"] // 32) ** 2 + 1, wide)
    for part in "kqvc":
        out = v["embed"] if part == "c" else wide
        yield f"visual.attnpool.{part}_proj.weight", (out, wide)
        yield f"visual.attnpool.{part}_proj.bias", (out,)


def shapes(v):
    """(name, shape) in about the order of OpenAI's state dicts."""
    width = v["text_width"]
    yield "positional_embedding", (CONTEXT, width)
    yield "text_projection", (width, v["embed"])
    yield "logit_scale", ()
    yield from vit_shapes(v) if v["patch"] else resnet_shapes(v)
    for i in range(v["text_layers"]):
        yield from block_shapes(f"transformer.resblocks.{i}", width)
    yield "token_embedding.weight", (v["vocab"], width)
    yield from norm_shapes("ln_final", width)


SINGLE = ("logit_scale", "token_embedding.weight", "positional_embedding",
          "visual.positional_embedding", "visual.class_embedding",
          "visual.attnpool.positional_embedding")


def stays_single(name):
    """What clip/model.py's convert_weights() leaves in float32."""
    return name in SINGLE or is_norm(name)


def weights(variant, half=False):
    """{OpenAI's name: tensor}; with `half` in the mixed precision OpenAI releases."""
    out = {}
    for name, shape in shapes(VARIANTS[variant]):
        t = torch.from_numpy(np.ascontiguousarray(draw(variant, name, shape)))
        is_half = half and t.is_floating_point() and not stays_single(name)
        out[name] = t.half() if is_half else t
    return out


# ---- the towers ----

def attend(w, stem, x, heads, mask):
    """Multi-head attention of x [n, tokens, width] on itself."""
    n, tokens, width = x.shape
    qkv = F.linear(x, w[stem + ".in_proj_weight"], w[stem + ".in_proj_bias"])
    q, k, v = (p.reshape(n, tokens, heads, -1).transpose(1, 2)
               for p in qkv.split(width, -1))
    scores = q @ k.transpose(-1, -2) / math.sqrt(width // heads) + mask
    x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, tokens, width)
    return F.linear(x, w[stem + ".out_proj.weight"], w[stem + ".out_proj.bias"])


def norm(w, stem, x):
    return F.layer_norm(x, (int(x.shape[-1]),), w[stem + ".weight"], w[stem + ".bias"],
                        1e-5)


def run_blocks(w, stem, layers, x, heads, mask, tell, tower):
    for i in range(layers):
        b = f"{stem}.resblocks.{i}"
        x = x + attend(w, b + ".attn", norm(w, b + ".ln_1", x), heads, mask)
        h = F.linear(norm(w, b + ".ln_2", x), w[b + ".mlp.c_fc.weight"],
                     w[b + ".mlp.c_fc.bias"])
        h = h * torch.sigmoid(1.702 * h)
        x = x + F.linear(h, w[b + ".mlp.c_proj.weight"], w[b + ".mlp.c_proj.bias"])
        tell(f"{tower}.block{i}", x)
    return x


def vit(w, v, x, tell):
    x = F.conv2d(x, w["visual.conv1.weight"], stride=v["patch"])
    x = x.flatten(2).transpose(1, 2)
    first = w["visual.class_embedding"].expand(x.shape[0], 1, -1)
    x = torch.cat([first, x], 1) + w["visual.positional_embedding"]
    x = norm(w, "visual.ln_pre", x)
    tell("image.ln_pre", x)
    x = run_blocks(w, "visual.transformer", v["layers"], x, v["width"] // 64, 0.0, tell,
                   "image")
    return norm(w, "visual.ln_post", x[:, 0]) @ w["visual.proj"]


def convolve(w, conv, bn, x, relu=True, **options):
    x = F.conv2d(x, w[conv + ".weight"], **options)
    x = F.batch_norm(x, w[bn + ".running_mean"], w[bn + ".running_var"],
                     w[bn + ".weight"], w[bn + ".bias"], eps=1e-5)
    return F.relu(x) if relu else x


def bottleneck(w, b, x, stride):
    h = convolve(w, b + ".conv1", b + ".bn1", x)
    h = convolve(w, b + ".conv2", b + ".bn2", h, padding=1)
    h = F.avg_pool2d(h, stride) if stride > 1 else h
    h = convolve(w, b + ".conv3", b + ".bn3", h, relu=False)
    if b + ".downsample.0.weight" in w:
        x = F.avg_pool2d(x, stride) if stride > 1 else x
        x = convolve(w, b + ".downsample.0", b + ".downsample.1", x, relu=False)
    return F.relu(h + x)


def attention_pool(w, x, heads):
    """The mean token asks all tokens, itself among them."""
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([x.mean(1, keepdim=True), x], 1)
    x = x + w["visual.attnpool.positional_embedding"]
    q, k, v = (F.linear(t, w[f"visual.attnpool.{p}_proj.weight"],
                        w[f"visual.attnpool.{p}_proj.bias"])
               .reshape(x.shape[0], t.shape[1], heads, -1).transpose(1, 2)
               for p, t in (("q", x[:, :1]), ("k", x), ("v", x)))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape[0], -1)
    return F.linear(x, w["visual.attnpool.c_proj.weight"],
                    w["visual.attnpool.c_proj.bias"])


def resnet(w, v, x, tell):
    for i in (1, 2, 3):
        x = convolve(w, f"visual.conv{i}", f"visual.bn{i}", x, padding=1,
                     stride=2 if i == 1 else 1)
    x = F.avg_pool2d(x, 2)
    tell("image.stem", x)
    for s, blocks in enumerate(v["layers"]):
        for b in range(blocks):
            x = bottleneck(w, f"visual.layer{s + 1}.{b}", x, 2 if s and not b else 1)
        tell(f"image.layer{s + 1}", x)
    return attention_pool(w, x, v["width"] * 32 // 64)


def text(w, v, ids, tell):
    """ids [n, context], padded with zeros; read at the end token, the highest id."""
    x = w["token_embedding.weight"][ids] + w["positional_embedding"]
    mask = torch.full((CONTEXT, CONTEXT), -math.inf).triu(1)
    x = run_blocks(w, "transformer", v["text_layers"], x, v["text_heads"], mask, tell,
                   "text")
    x = norm(w, "ln_final", x)[torch.arange(ids.shape[0]), ids.argmax(-1)]
    return x @ w["text_projection"]


# ---- golden files ----

class Stages(dict):
    """What is written down of the first sample after each stage."""

    def __call__(self, stage, x):
        x = x[0]
        self[stage] = {"shape": list(x.shape),
                       "mean": round(x.double().mean().item(), 7),
                       "std": round(x.double().std().item(), 7),
                       "first8": [round(f, 7) for f in x.flatten()[:8].tolist()]}


def unit_rows(x):
    x = (x / x.norm(dim=-1, keepdim=True)).tolist()
    return [[round(f, 7) for f in row] for row in x]


def embed_images(w, variant, side, count, stages):
    v = VARIANTS[variant]
    x = torch.stack([picture(variant, side, i) for i in range(count)])
    return unit_rows((vit if v["patch"] else resnet)(w, v, x, stages))


def as_single(w):
    return {n: t.float() for n, t in w.items()}


def describe(variant):
    v = VARIANTS[variant]
    return {"embed_dim": v["embed"], "image_resolution": v["side"],
            "vision_layers": v["layers"], "vision_width": v["width"],
            "vision_patch_size": v["patch"], "context_length": CONTEXT,
            "vocab_size": v["vocab"], "transformer_width": v["text_width"],
            "transformer_heads": v["text_heads"],
            "transformer_layers": v["text_layers"]}


def golden(variant, half, token_ids):
    w, stages = as_single(weights(variant, half)), Stages()
    ids = torch.zeros(len(token_ids), CONTEXT, dtype=torch.long)
    for i, row in enumerate(token_ids):
        ids[i, :len(row)] = torch.tensor(row)
    out = {"variant": variant, "config": describe(variant), "token_ids": token_ids,
           "image_vectors": embed_images(w, variant, VARIANTS[variant]["side"], 4,
                                         stages),
           "text_vectors": unit_rows(text(w, VARIANTS[variant], ids, stages)),
           "logit_scale_exp": w["logit_scale"].exp().item()}
    return out if half else dict(out, stages=dict(stages))


def golden_at(variant, side):
    """One picture of another size than the model's."""
    w, stages = as_single(weights(variant)), Stages()
    vectors = embed_images(w, variant, side, 1, stages)
    return {"variant": variant, "image_size": side, "image_vectors": vectors,
            "logit_scale_exp": w["logit_scale"].exp().item(),
            "stages": {n: s for n, s in stages.items() if "block" not in n}}


def load(folder, name):
    with open(os.path.join(folder, f"golden-{name}.json"), encoding="utf-8") as f:
        return json.load(f)


def store(folder, name, data):
    with open(os.path.join(folder, f"golden-{name}.json"), "w", encoding="utf-8") as f:
        json.dump(data, f)
        f.write("\n")


def worst_of(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


def check(folder, names):
    failed = False
    for name in names:
        for half in (False, True):
            theirs = load(folder, name + "-from-f16" * half)
            ours = golden(name, half, theirs["token_ids"])
            figures = {k: worst_of(ours[k], theirs[k])
                       for k in ("image_vectors", "text_vectors", "logit_scale_exp")}
            figures["stages"] = max(
                [worst_of(ours["stages"][s][k], theirs["stages"][s][k])
                 for s in theirs.get("stages", {}) for k in ("mean", "std", "first8")],
                default=0.0)
            same = ours.get("stages", {}).keys() == theirs.get("stages", {}).keys()
            ok = (same and figures["image_vectors"] < 2e-6 and
                  figures["text_vectors"] < 2e-6 and figures["stages"] < 2e-4)
            failed |= not ok
            print("ok  " if ok else "FAIL", name + "-from-f16" * half,
                  " ".join(f"{k} {x:.1e}" for k, x in figures.items()), flush=True)
    return 1 if failed else 0


def write(folder):
    token_ids = load(folder, "rn50")["token_ids"]
    for half in (False, True):
        store(folder, "rn50x4" + "-from-f16" * half, golden("rn50x4", half, token_ids))
    for variant in ("vitb32", "rn50"):
        store(folder, f"{variant}-at-250", golden_at(variant, 250))
    return 0


def main(arguments):
    if len(arguments) >= 2 and arguments[0] == "check":
        return check(arguments[1], arguments[2:] or ["tiny-vit", "tiny-rn", "vitb32",
                                                     "rn50"])
    if len(arguments) == 2 and arguments[0] == "write":
        return write(arguments[1])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
