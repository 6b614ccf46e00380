#!/usr/bin/python3
"""Makes tests/golden/images: small pictures of every kind, and what they must show.

    /usr/bin/python3 tests/reference/make_images.py

Needs Pillow 9.4 and numpy (Debian 12: python3-pil python3-numpy). X.ppm holds the pixels
that decoding X must give: those of Pillow, or of the formula written here where Pillow
cannot read the file or drops bits. Deterministic: running it again changes nothing.
"""
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "images"
W, H = 29, 19


def scene():
    """Gradients, an edge and some noise: every channel differs, no symmetry."""
    y, x = np.mgrid[0:H, 0:W]
    noise = np.random.default_rng(7).integers(0, 24, (H, W, 3))
    rgb = np.stack([x * 8, y * 12, (x + y) * 4], axis=2) + noise
    rgb[3:8, 4:11] = (230, 40, 90)
    return rgb.clip(0, 255).astype(np.uint8)


RGB = scene()
PICTURE = Image.fromarray(RGB)


def put(name, data, pixels=None):
    (OUT / name).write_bytes(data)
    if pixels is None:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    h, w, _ = pixels.shape
    head = b"P6\n%d %d\n255\n" % (w, h)
    (OUT / (name + ".ppm")).write_bytes(head + pixels.astype(np.uint8).tobytes())


def saved(picture, kind, **options):
    f = io.BytesIO()
    picture.save(f, kind, **options)
    return f.getvalue()


def grey(v):
    return np.repeat(v[:, :, None], 3, axis=2)


def window(v):
    """The rule of core/image/window.h, in other words: sorted, not counted."""
    v = np.sort(v, axis=None).astype(np.int64)
    inner, levels = v, np.unique(v)
    if levels.size > 1:
        below, above = levels[1] - levels[0], levels[-1] - levels[-2]
        first = below > levels[-1] - levels[1]
        last = above > levels[-2] - levels[0]
        if levels.size > 3 and min(below, above) > levels[-2] - levels[1]:
            first = last = True
        if first:
            inner = inner[inner > levels[0]]
        if last:
            inner = inner[inner < levels[-1]]
    few = inner.size // 100
    for w in (inner[few:inner.size - few], inner, v):
        if w[0] < w[-1]:
            break
    return int(w[0]), int(w[-1])


def stretched(v):
    low, high = window(v)
    span = high - low
    v = v.astype(np.int64).clip(low, high)
    return grey(((v - low) * 255 + span // 2) // span)


# --- PNG, written by hand: Pillow cannot write all of them ---

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(
        ">I", zlib.crc32(kind + body))


def rows_of(samples, bits):
    """[h, w * channels] -> filter byte and packed row, for each row"""
    out = b""
    for row in samples:
        if bits == 16:
            packed = row.astype(">u2").tobytes()
        elif bits == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            text = "".join(format(int(v), "0%db" % bits) for v in row)
            text += "0" * (-len(text) % 8)
            packed = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        out += b"\0" + packed
    return out


def png(samples, colour, bits, channels=1, before=b"", tail=b"",
        interlaced=False):
    h, w = samples.shape[0], samples.shape[1]
    flat = samples.reshape(h, w, channels)
    if interlaced:
        passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2),
                  (0, 1, 2, 2), (1, 0, 2, 1))
        raw = b"".join(rows_of(p.reshape(p.shape[0], -1), bits) for p in
                       (flat[y::dy, x::dx] for y, x, dy, dx in passes) if p.size)
    else:
        raw = rows_of(flat.reshape(h, -1), bits)
    head = struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before +
            chunk(b"IDAT", zlib.compress(raw, 9) + tail) + chunk(b"IEND", b""))


def exif(orientation):
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)


def make_png():
    lum = RGB[:, :, 1]
    put("rgb.png", png(RGB, 2, 8, 3))
    put("interlaced.png", png(RGB, 2, 8, 3, interlaced=True))
    put("grey2.png", png(lum >> 6, 0, 2), grey((lum >> 6) * 85))
    put("bilevel.png", png(lum >> 7, 0, 1))
    alpha = np.concatenate([RGB, np.full((H, W, 1), 7, np.uint8)], axis=2)
    put("rgba.png", png(alpha, 6, 8, 4))
    entries = np.arange(48, dtype=np.uint8).reshape(16, 3) * 5
    index = (RGB[:, :, 0] >> 4)
    before = chunk(b"PLTE", entries.tobytes()) + chunk(b"tRNS", bytes(range(16)))
    put("palette.png", png(index, 3, 4, before=before), entries[index])
    deep = 1000 + lum.astype(np.uint16) * 11
    put("grey16.png", png(deep, 0, 16), stretched(deep))
    put("greyalpha16.png", png(np.stack([deep, deep * 3], axis=2), 4, 16, 2),
        stretched(deep))
    hot = deep.copy()
    hot[2, 5] = hot[11, 20] = 0xFFFF
    put("hot16.png", png(hot, 0, 16), stretched(hot))
    put("grey16flat.png", png(np.full((3, 5), 0x8080, np.uint16), 0, 16),
        np.full((3, 5, 3), 0x80))
    wide = RGB.astype(np.uint16) * 257
    put("rgb16.png", png(wide, 2, 16, 3), RGB)
    twelve = RGB.astype(np.uint16) * 16
    twelve[0, 0] = 0xFFFF
    put("rgb12.png", png(twelve, 2, 16, 3), (twelve.clip(0, 4095).astype(np.int64) * 255 + 2047) // 4095)
    put("turned.png", png(RGB, 2, 8, 3, before=chunk(b"eXIf", exif(6))),
        np.rot90(RGB, -1))
    put("padded.png", png(RGB, 2, 8, 3, before=chunk(b"tEXt", b"Title\0odd"), tail=b"behind"))
    # damaged: a pixel beyond the palette
    (OUT / "beyond.bad.png").write_bytes(
        png(index, 3, 4, before=chunk(b"PLTE", entries[:9].tobytes())))


def make_jpeg():
    put("baseline.jpg", saved(PICTURE, "JPEG", quality=85))
    put("progressive.jpg", saved(PICTURE, "JPEG", quality=85, progressive=True))
    put("grey.jpg", saved(PICTURE.convert("L"), "JPEG", quality=85))
    put("cmyk.jpg", saved(PICTURE.convert("CMYK"), "JPEG", quality=85))
    # orientation 1; the test writes the others into it
    put("exif.jpg", saved(PICTURE, "JPEG", quality=95, exif=b"Exif\0\0" + exif(1)))


def make_gif():
    quantised = PICTURE.quantize(32)
    put("plain.gif", saved(quantised, "GIF", interlace=0))
    put("interlaced.gif", saved(quantised, "GIF", interlace=1))
    put("transparent.gif", saved(quantised, "GIF", transparency=3))
    other = PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize(32)
    put("animated.gif", saved(quantised, "GIF", save_all=True, append_images=[other]))
    # enough noise to fill the table of 4096 codes, which is then kept to the end
    noise = np.random.default_rng(3).integers(0, 256, (68, 66)).astype(np.uint8)
    palette = np.repeat(np.arange(256, dtype=np.uint8)[::-1], 3)
    put("fulltable.gif", gif(noise, palette), grey(255 - noise))


def lzw(indices):
    """Codes of a GIF of 8 bits that clears the table at the start and never again."""
    bits, held, out = 256, 9, bytearray()
    table = {(i,): i for i in range(256)}
    width, following = 9, 258

    def emit(code):
        nonlocal bits, held
        bits |= code << held
        held += width
        while held >= 8:
            out.append(bits & 255)
            bits >>= 8
            held -= 8

    so_far = ()
    for i in indices:
        if so_far + (i,) in table:
            so_far += (i,)
            continue
        emit(table[so_far])
        if following < 4096:
            table[so_far + (i,)] = following
            width = min(12, following.bit_length())
            following += 1
        so_far = (i,)
    emit(table[so_far])
    emit(257)
    return bytes(out) + bytes([bits & 255])


def gif(indices, palette):
    h, w = indices.shape
    codes = lzw(indices.reshape(-1).tolist())
    blocks = b"".join(bytes([len(codes[i:i + 255])]) + codes[i:i + 255]
                      for i in range(0, len(codes), 255))
    return (b"GIF87a" + struct.pack("<HHBBB", w, h, 0xF7, 0, 0) + palette.tobytes() +
            b"," + struct.pack("<HHHHB", 0, 0, w, h, 0) + b"\x08" + blocks + b"\0;")


def make_psd(packed):
    """Four channels; the fourth, alpha, must not touch the colours."""
    alpha = np.arange(W * H, dtype=np.uint8).reshape(1, H, W)
    planes = np.concatenate([RGB.transpose(2, 0, 1), alpha])
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 4, H, W, 8, 3)
    head += struct.pack(">I4xI", 0, 0)  # no palette, resources or layers
    if not packed:
        return head + b"\0\0" + planes.tobytes()
    rows = [bytes([W - 1]) + bytes(row) for plane in planes for row in plane]
    rows[0] = b"\x80" + rows[0]  # a byte that says nothing
    sizes = b"".join(struct.pack(">H", len(r)) for r in rows)
    return head + b"\0\1" + sizes + b"".join(rows)


def make_others():
    put("rgb24.bmp", saved(PICTURE, "BMP"))
    put("palette8.bmp", saved(PICTURE.quantize(200), "BMP"))
    put("bilevel.bmp", saved(PICTURE.convert("1"), "BMP"))
    put("raw.tga", saved(PICTURE, "TGA"))
    put("runs.tga", saved(PICTURE, "TGA", compression="tga_rle"))
    put("palette.tga", saved(PICTURE.quantize(40), "TGA"))
    mirrored = bytearray(saved(PICTURE, "TGA"))
    mirrored[17] |= 0x10
    put("mirrored.tga", bytes(mirrored), RGB[:, ::-1])
    put("raw.psd", make_psd(False), RGB)
    put("packed.psd", make_psd(True), RGB)
    put("grey.pgm", saved(PICTURE.convert("L"), "PPM"))
    put("rgb.ppm", saved(PICTURE, "PPM"))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    make_png()
    make_jpeg()
    make_gif()
    make_others()


if __name__ == "__main__":
    main()
