#!/usr/bin/python3
"""What a script does in place of plainfilm-index: Pillow, PyTorch, a batch at a time.

    /usr/bin/python3 bench/peers/indexer.py CHECKPOINT.safetensors FOLDER THREADS COUNT

Embeds the first COUNT pictures of FOLDER with the ViT-B/32 of export.py's checkpoint, as CLIP's own
code prepares them, and prints a line of JSON: pictures, wall and processor seconds,
loading left out.
"""
import json
import os
import sys
import time

import numpy as np
import torch
from PIL import Image

from export import Tower, read_safetensors

BATCH = 8
MEAN = np.float32((0.48145466, 0.4578275, 0.40821073))
DEVIATION = np.float32((0.26862954, 0.26130258, 0.27577711))


def prepare(path, side):
    picture = Image.open(path)
    width, height = picture.size
    short = min(width, height)
    width, height = side * width // short, side * height // short
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    rgb = np.asarray(picture.crop((left, top, left + side, top + side)).convert("RGB"))
    return torch.from_numpy(((rgb / np.float32(255) - MEAN) / DEVIATION).transpose(2, 0, 1))


def main(checkpoint, folder, threads, count):
    torch.set_grad_enabled(False)
    torch.set_num_threads(int(threads))
    tower = Tower(read_safetensors(checkpoint), "vitb32", "image").eval()
    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))[:int(count)]
    side = tower.variant["side"]
    tower(torch.zeros(1, 3, side, side))
    start, cpu = time.perf_counter(), time.process_time()
    for i in range(0, len(paths), BATCH):
        inputs = torch.stack([prepare(p, side) for p in paths[i:i + BATCH]])
        vectors = tower(inputs)
        vectors /= vectors.norm(dim=-1, keepdim=True)
    print(json.dumps({"inputs": len(paths), "wall": time.perf_counter() - start,
                      "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
