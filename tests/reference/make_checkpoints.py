#!/usr/bin/python3
"""Writes tests/golden/containers: one micro model in every container the readers know.

    /usr/bin/python3 tests/reference/make_checkpoints.py tests/golden/containers

Needs python3-torch (made with 1.13); everything is seeded, so a second run gives the same
numbers (legacy files hold memory addresses as keys and differ in those). expected.tsv is
what each file must give: file, tensor, dtype, shape, strides, crc32 of the row-major
float32 values and the first of them, one line per tensor.
"""
import collections
import io
import json
import os
import struct
import sys
import zipfile
import zlib

import numpy as np
import torch

torch.manual_seed(20)


def model():
    """A few tensors of every kind a CLIP checkpoint has, and every dtype."""
    g = torch.Generator().manual_seed(7)
    sd = collections.OrderedDict()
    sd["visual.conv1.weight"] = torch.randn(4, 3, 2, 2, generator=g)
    sd["visual.proj"] = torch.randn(6, 4, generator=g)
    sd["transformer.ln.weight"] = torch.randn(5, generator=g)
    sd["logit_scale"] = torch.tensor(4.6051702)
    sd["visual.bn1.num_batches_tracked"] = torch.tensor(100)
    sd["module.naïve.bias"] = torch.randn(3, generator=g)
    return sd


def every_dtype():
    g = torch.Generator().manual_seed(8)
    x = torch.randn(2, 5, generator=g) * 3
    sd = {"f32": x, "f16": x.half(), "bf16": x.bfloat16(), "f64": x.double()}
    for name, dtype in (("i64", torch.int64), ("i32", torch.int32),
                        ("i16", torch.int16), ("i8", torch.int8)):
        sd[name] = (x * 5).to(dtype)
    sd["u8"] = (x * 5).abs().to(torch.uint8)
    sd["bool"] = x > 0
    half = np.array([0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00],
                    np.uint16)  # zeros, subnormals, smallest, largest, infinities
    sd["f16.special"] = torch.from_numpy(half.view(np.float16))
    return sd


def views():
    """Transposed, strided, offset and tied tensors: all over one storage."""
    base = torch.arange(60, dtype=torch.float32) * 0.5
    table = base.view(5, 12)
    return {"whole": table, "transposed": table.t(), "columns": table[:, 1::3],
            "row": table[3], "tied": table, "cube": base.view(3, 4, 5).permute(2, 0, 1),
            "half.transposed": table.half().t(), "unit": table[1:2, :1].t()}


def with_optimizer(sd):
    """The authors' layout: mixed float16, and Adam's state."""
    mixed = {n: t.half() if n in ("visual.conv1.weight", "visual.proj") else t
             for n, t in sd.items()}
    state = {i: {"step": torch.tensor(3.0) if i % 2 else 7,
                 "exp_avg": torch.zeros_like(t), "exp_avg_sq": torch.zeros_like(t)}
             for i, t in enumerate(mixed.values()) if t.is_floating_point()}
    groups = [{"lr": 1e-5, "betas": (0.9, 0.98), "eps": 1e-6, "weight_decay": 0.2,
               "amsgrad": False, "maximize": None, "params": list(state)}]
    return {"best_epoch": 12, "state_dict": mixed,
            "optimizer_state_dict": {"state": state, "param_groups": groups},
            "best_loss": 0.25}


def safetensors(tensors, metadata=True):
    kinds = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
             torch.float64: "F64", torch.int64: "I64", torch.int32: "I32",
             torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
    head, body = {"__metadata__": {"format": "pt"}} if metadata else {}, b""
    for name, t in tensors.items():
        raw = t.contiguous()
        raw = raw.view(torch.int16) if raw.dtype == torch.bfloat16 else raw
        raw = raw.numpy().tobytes()
        head[name] = {"dtype": kinds[t.dtype], "shape": list(t.shape),
                      "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def torch_bytes(obj, **options):
    out = io.BytesIO()
    torch.save(obj, out, **options)
    return out.getvalue()


def repack(data, folder, extra=(), drop=(), zip64=False):
    """The same archive written by Python's zipfile: plain headers, another folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as src, zipfile.ZipFile(out, "w") as dst:
        entries = [(i.filename.split("/", 1)[1], src.read(i)) for i in src.infolist()]
        for name, body in [e for e in entries if e[0] not in drop] + list(extra):
            info = zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0))
            with dst.open(info, "w", force_zip64=zip64) as f:
                f.write(body)
    return out.getvalue()


def line(file, name, t):
    values = t.float().contiguous().numpy()
    crc = zlib.crc32(values.tobytes())
    dims = lambda v: ",".join(map(str, v)) or "-"
    return "\t".join([file, name, str(t.dtype).split(".")[1], dims(t.shape),
                      dims(t.stride()), f"{crc:08x}", repr(float(values.flat[0]))])


def main(folder):
    os.makedirs(folder, exist_ok=True)
    plain, authors = model(), with_optimizer(model())
    plain._metadata = collections.OrderedDict([("", {"version": 1})])
    parameters = {n: torch.nn.Parameter(t, requires_grad=t.is_floating_point())
                  for n, t in model().items()}
    mixed = authors["state_dict"]
    contiguous = lambda sd: {n: t.contiguous() for n, t in sd.items()}
    zipped = torch_bytes(plain)
    extra = dict(model(), epoch=3, note="made by hand", lr=0.5)
    files = {
        "model.safetensors": (safetensors(plain), plain),
        "dtypes.safetensors": (safetensors(every_dtype(), False), every_dtype()),
        "plain.pt": (zipped, plain),
        "plain-legacy.pt": (torch_bytes(plain, _use_new_zipfile_serialization=False),
                            plain),
        "parameters.pt": (torch_bytes(parameters), model()),
        "protocol4.pt": (torch_bytes(plain, pickle_protocol=4), plain),
        "protocol4-legacy.pt": (torch_bytes(plain, pickle_protocol=4,
                                            _use_new_zipfile_serialization=False),
                                plain),
        "authors.pth": (torch_bytes(authors), mixed),
        "authors-legacy.pth": (torch_bytes(authors, _use_new_zipfile_serialization=False),
                               mixed),
        "dtypes.pt": (torch_bytes(every_dtype()), every_dtype()),
        "dtypes-legacy.pt": (torch_bytes(every_dtype(),
                                         _use_new_zipfile_serialization=False),
                             every_dtype()),
        "views.pt": (torch_bytes(views()), views()),
        "views-legacy.pt": (torch_bytes(views(), _use_new_zipfile_serialization=False),
                            views()),
        # What torch 2 adds, and the headers other writers make.
        "torch2.pt": (repack(zipped, "PubMedCLIP_ViT32", extra=[
            ("byteorder", b"little"), (".format_version", b"1"),
            (".storage_alignment", b"64"), (".data/serialization_id", b"0" * 40)]),
            plain),
        "zip64.pt": (repack(zipped, "a folder", zip64=True), plain),
        "model-key.pt": (torch_bytes({"model": plain, "epoch": 3}), plain),
        "scalars.pt": (torch_bytes(extra), model()),
    }
    with open(os.path.join(folder, "expected.tsv"), "w", encoding="utf-8") as out:
        for file, (data, tensors) in sorted(files.items()):
            with open(os.path.join(folder, file), "wb") as f:
                f.write(data)
            sd = contiguous(tensors) if file.endswith("safetensors") else tensors
            for name in sorted(sd, key=lambda n: n.encode()):
                print(line(file, name, sd[name].detach()), file=out)


if __name__ == "__main__":
    main(sys.argv[1])
