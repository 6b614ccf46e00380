#!/usr/bin/python3
"""A checkpoint of pf-noise-model as ONNX: what the peers of bench/peers.py run.

    /usr/bin/python3 bench/peers/export.py VARIANT CHECKPOINT.safetensors FOLDER

FOLDER gets VARIANT-image.onnx and VARIANT-text.onnx, float32, exported by PyTorch from the
towers of tests/reference/clip_reference.py, and VARIANT-image-int8.onnx and -text-int8.onnx,
in which every product with a matrix of weights is a dynamically quantised one: what
onnxruntime.quantization.quantize_dynamic() makes of MatMul with its defaults (rows as
uint8, weights as int8 with one scale for a matrix), written here since that tool
is in none of Debian's packages.
"""
import json
import os
import sys

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "tests", "reference"))
import clip_reference  # noqa: E402

OPSET = 17  # the first with LayerNormalization


def read_safetensors(path):
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
        data = np.frombuffer(f.read(), np.uint8)
    out = {}
    for name, t in header.items():
        if name == "__metadata__" or t["dtype"] != "F32":
            continue
        begin, end = t["data_offsets"]
        out[name] = torch.from_numpy(
            data[begin:end].view(np.float32).reshape(t["shape"]).copy())
    return out


class Tower(torch.nn.Module):
    """One tower; its tensors are buffers, so that the export keeps them as weights."""

    def __init__(self, weights, variant, kind):
        super().__init__()
        self.variant, self.kind = clip_reference.VARIANTS[variant], kind
        self.names = {}
        for name, t in weights.items():
            if name.startswith("visual.") == (kind == "image") and name != "logit_scale":
                self.names[name] = name.replace(".", "__")
                self.register_buffer(self.names[name], t)

    def forward(self, x):
        w = {name: getattr(self, attribute) for name, attribute in self.names.items()}
        if self.kind == "text":
            return clip_reference.text(w, self.variant, x, lambda *_: None)
        tower = clip_reference.vit if self.variant["patch"] else clip_reference.resnet
        return tower(w, self.variant, x, lambda *_: None)


def export(weights, variant, kind, path):
    side = clip_reference.VARIANTS[variant]["side"]
    sample = (torch.ones(2, clip_reference.CONTEXT, dtype=torch.long) if kind == "text"
              else torch.zeros(2, 3, side, side))
    torch.onnx.export(Tower(weights, variant, kind).eval(), sample, path,
                      opset_version=OPSET, input_names=["input"], output_names=["vector"],
                      dynamic_axes={"input": {0: "n"}, "vector": {0: "n"}})


def quantised(matrix):
    """As quantize_dynamic() does it: one scale, no offset, -127..127."""
    scale = max(float(np.abs(matrix).max()), 1e-12) / 127
    return np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8), np.float32(scale)


def quantise(path, out):
    model = onnx.load(path)
    g = model.graph
    weights = {t.name: t for t in g.initializer}
    nodes, gone, rows = [], set(), {}
    for node in g.node:
        b = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if b is None or len(b.dims) != 2:
            nodes.append(node)
            continue
        x, y, b = node.input[0], node.output[0], b.name
        if b not in gone:
            q, scale = quantised(numpy_helper.to_array(weights[b]))
            g.initializer.append(numpy_helper.from_array(q, b + "_q"))
            g.initializer.append(numpy_helper.from_array(scale, b + "_scale"))
            gone.add(b)
        if x not in rows:  # q, k and v share theirs
            rows[x] = [x + "_q", x + "_scale", x + "_zero"]
            nodes.append(helper.make_node("DynamicQuantizeLinear", [x], rows[x]))
        q, scale, zero = rows[x]
        nodes += [
            helper.make_node("MatMulInteger", [q, b + "_q", zero], [y + "_sum"]),
            helper.make_node("Cast", [y + "_sum"], [y + "_float"],
                             to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [scale, b + "_scale"], [y + "_both"]),
            helper.make_node("Mul", [y + "_float", y + "_both"], [y])]
    used = {name for node in nodes for name in node.input}
    kept = [t for t in g.initializer if t.name in used]
    del g.node[:], g.initializer[:]
    g.node.extend(nodes)
    g.initializer.extend(kept)
    onnx.save(model, out)


def main(variant, checkpoint, folder):
    torch.set_grad_enabled(False)
    weights = read_safetensors(checkpoint)
    for kind in ("image", "text"):
        stem = os.path.join(folder, f"{variant}-{kind}")
        export(weights, variant, kind, stem + ".onnx")
        quantise(stem + ".onnx", stem + "-int8.onnx")


if __name__ == "__main__":
    main(*sys.argv[1:])
