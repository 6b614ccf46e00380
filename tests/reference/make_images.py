#!/usr/bin/python3
"""Makes tests/golden/images: small pictures of every kind, and what they must show.

    /usr/bin/python3 tests/reference/make_images.py

Needs Pillow 9.4 and numpy (Debian 12: python3-pil python3-numpy), and for packed DICOM
the programs of DCMTK 3.6.7 and OpenJPEG 2.5 (dcmtk libopenjp2-tools). X.ppm holds the pixels
that decoding X must give: those of Pillow, or of the formula written here where Pillow
cannot read the file or drops bits. Deterministic: running it again changes nothing.
"""
import io
import pathlib
import struct
import subprocess
import tempfile
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


# --- WebP ---

def make_webp():
    put("lossy.webp", saved(PICTURE, "WEBP", quality=80))
    put("lossless.webp", saved(PICTURE, "WEBP", lossless=True))
    ramp = np.arange(W * H, dtype=np.uint8).reshape(H, W, 1)
    rgba = Image.fromarray(np.concatenate([RGB, ramp], axis=2))
    put("alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True), RGB)
    put("lossyalpha.webp", saved(rgba, "WEBP", quality=80, exact=True))
    other = PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    put("animated.webp", saved(PICTURE, "WEBP", save_all=True, append_images=[other],
                               lossless=True), RGB)
    put("turned.webp", saved(PICTURE, "WEBP", lossless=True, exif=exif(6)),
        np.rot90(RGB, -1))


# --- TIFF, written by hand where Pillow cannot ---

def tiff(planes, bits, photometric, order="<", rows=None, tile=None, form=1, extra=(),
         orientation=1):
    """planes: [[h, w * samples], ...], one or, of several, one sample each"""
    h = planes[0].shape[0]
    w = planes[0].shape[1] // (1 if len(planes) > 1 else
                               {1: 1, 2: 3, 5: 4}.get(photometric, 1) + len(extra))
    samples = planes[0].shape[1] // w * len(planes)

    def packed(block):
        if bits >= 16:
            kind = {1: "u", 2: "i", 3: "f"}[form] + str(bits // 8)
            return block.astype(order + kind).tobytes()
        out = b""
        for row in block:
            text = "".join(format(int(v) & (1 << bits) - 1, "0%db" % bits) for v in row)
            text += "0" * (-len(text) % 8)
            out += bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        return out

    blocks = []
    for plane in planes:
        per = plane.shape[1] // w
        if tile:
            th, tw = -(-h // tile) * tile, -(-w // tile) * tile
            full = np.zeros((th, tw * per), plane.dtype)
            full[:h, :w * per] = plane
            blocks += [packed(full[y:y + tile, x * per:(x + tile) * per])
                       for y in range(0, th, tile) for x in range(0, tw, tile)]
        else:
            blocks += [packed(plane[y:y + (rows or h)]) for y in range(0, h, rows or h)]
    tags = [(256, 4, [w]), (257, 4, [h]), (258, 3, [bits] * samples), (259, 3, [1]),
            (262, 3, [photometric]), (274, 3, [orientation]), (277, 3, [samples]),
            (284, 3, [2 if len(planes) > 1 else 1]), (339, 3, [form] * samples)]
    tags += [(322, 4, [tile]), (323, 4, [tile])] if tile else [(278, 4, [rows or h])]
    where, sizes = (324, 325) if tile else (273, 279)
    tags += [(where, 4, [0] * len(blocks)), (sizes, 4, [len(b) for b in blocks])]
    tags += [(338, 3, list(extra))] if extra else []
    size = {3: "H", 4: "I"}
    tags.sort()
    room = 8 + 2 + 12 * len(tags) + 4
    long = sum(len(v) * struct.calcsize(size[k]) for _, k, v in tags
               if len(v) * struct.calcsize(size[k]) > 4)
    at, starts = room + long, []
    for b in blocks:
        starts.append(at)
        at += len(b)
    entries, values = b"", b""
    for tag, kind, v in tags:
        raw = struct.pack(order + str(len(v)) + size[kind],
                          *(starts if tag == where else v))
        head = struct.pack(order + "HHI", tag, kind, len(v))
        if len(raw) > 4:
            entries += head + struct.pack(order + "I", room + len(values))
            values += raw
        else:
            entries += head + raw.ljust(4, b"\0")
    return ((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) +
            struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) +
            values + b"".join(blocks))


def make_tiff():
    lum = RGB[:, :, 1]
    flat = RGB.reshape(H, W * 3)
    put("lzw.tif", saved(PICTURE, "TIFF", compression="tiff_lzw"))
    put("deflate.tif", saved(PICTURE, "TIFF", compression="tiff_adobe_deflate"))
    put("packbits.tif", saved(PICTURE.convert("L"), "TIFF", compression="packbits"))
    put("fax.tif", saved(PICTURE.convert("1"), "TIFF", compression="group4"))
    put("jpeg.tif", saved(PICTURE, "TIFF", compression="jpeg", quality=85))
    put("palette.tif", saved(PICTURE.quantize(32), "TIFF"))
    put("cmyk.tif", saved(PICTURE.convert("CMYK"), "TIFF"))
    other = PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    put("pages.tif", saved(PICTURE, "TIFF", save_all=True, append_images=[other]))
    put("tiles.tif", tiff([flat], 8, 2, tile=16))
    put("planes.tif", tiff(list(RGB.transpose(2, 0, 1)), 8, 2, order=">", rows=4))
    put("turned.tif", tiff([flat], 8, 2, orientation=6), np.rot90(RGB, -1))
    put("white0.tif", tiff([255 - lum], 8, 0), grey(lum))
    alpha = np.concatenate([RGB, np.full((H, W, 1), 7, np.uint8)], axis=2)
    put("alpha.tif", tiff([alpha.reshape(H, W * 4)], 8, 2, extra=(2,)), RGB)
    deep = 1000 + lum.astype(np.uint16) * 11
    deep[2, 5] = 0xFFFF
    put("grey16.tif", tiff([deep], 16, 1, order=">", rows=5), stretched(deep))
    put("tiles16.tif", tiff([deep], 16, 1, tile=16), stretched(deep))
    put("white16.tif", tiff([deep], 16, 0), 255 - stretched(deep))
    signed = deep.astype(np.int32) % 32768 - 2000
    put("signed16.tif", tiff([signed], 16, 1, form=2),
        stretched((signed + 32768).astype(np.uint16)))
    put("grey12.tif", tiff([lum.astype(np.uint16) * 16], 12, 1),
        stretched(lum.astype(np.uint16) * 16))
    put("grey32.tif", tiff([deep.astype(np.uint32) * 256], 32, 1), stretched(deep))
    put("float.tif", tiff([deep.astype(np.float32) / 16], 32, 1, form=3, rows=7),
        stretched(deep))
    put("half.tif", tiff([lum.astype(np.float32) * 8], 16, 1, form=3),
        stretched(lum.astype(np.uint16) * 8))
    put("double.tif", tiff([deep.astype(np.float64) / 3], 64, 1, form=3),
        stretched(deep))
    wide = RGB.astype(np.uint16) * 257
    put("rgb16.tif", tiff([wide.reshape(H, W * 3)], 16, 2), RGB)
    put("planes16.tif", tiff(list(wide.transpose(2, 0, 1)), 16, 2, tile=16), RGB)
    ink = np.asarray(PICTURE.convert("CMYK")).astype(np.uint16)
    put("cmyk16.tif", tiff([(ink * 257).reshape(H, W * 4)], 16, 5),
        np.asarray(PICTURE.convert("CMYK").convert("RGB")))


# --- DICOM, written by hand; what is packed, by DCMTK's and OpenJPEG's programs ---

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
J2K = "1.2.840.10008.1.2.4.90"
LONG = ("OB", "OW", "OF", "OD", "SQ", "UN")


def element(tag, vr, value, syntax):
    order = ">" if syntax == BIG else "<"
    if vr == "SQ":
        items = [b"".join(element(*e, syntax) for e in item) for item in value]
        value = b"".join(struct.pack(order + "HHI", 0xFFFE, 0xE000, len(i)) + i
                         for i in items)
    elif vr in ("US", "SS", "UL"):
        value = value if isinstance(value, (list, tuple)) else [value]
        value = struct.pack(order + {"US": "H", "SS": "h", "UL": "I"}[vr] * len(value), *value)
    elif isinstance(value, str):
        value = value.encode() + (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    value += b"\0" * (len(value) % 2)
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", len(value)) + value
    if vr in LONG:
        return head + vr.encode() + struct.pack(order + "HI", 0, len(value)) + value
    return head + vr.encode() + struct.pack(order + "H", len(value)) + value


def dicom(pixels, more=(), syntax=EXPLICIT, photometric="MONOCHROME2", stored=None,
          frames=1, bare=False, bits=None):
    """pixels: [h, w] or [h, w, 3], of several frames below each other, or bytes"""
    fields = dict()
    if isinstance(pixels, np.ndarray):
        bits = bits or pixels.dtype.itemsize * 8
        h, w = pixels.shape[0] // frames, pixels.shape[1]
        order = ">" if syntax == BIG else "<"
        samples = pixels.shape[2] if pixels.ndim == 3 else 1
        signed = int(pixels.dtype.kind == "i")
        tag, vr = 0x7FE00010, "OW" if bits > 8 or syntax == IMPLICIT else "OB"
        if pixels.dtype.kind == "f":
            tag, vr = (0x7FE00008, "OF") if bits == 32 else (0x7FE00009, "OD")
        data = np.packbits(pixels.ravel(), bitorder="little").tobytes() if bits == 1 \
            else pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        fields[tag] = (vr, data)
    stored = stored or bits
    fields.update({
        0x00080016: ("UI", "1.2.840.10008.5.1.4.1.1.7"), 0x00080018: ("UI", "1.2.3.4"),
        0x00080060: ("CS", "OT"), 0x00280002: ("US", samples),
        0x00280004: ("CS", photometric), 0x00280008: ("IS", str(frames)),
        0x00280010: ("US", h), 0x00280011: ("US", w), 0x00280100: ("US", bits),
        0x00280101: ("US", stored), 0x00280102: ("US", stored - 1),
        0x00280103: ("US", signed)})
    if samples == 3:
        fields[0x00280006] = ("US", 0)
    fields.update({tag: (vr, v) for tag, vr, v in more})
    body = b"".join(element(t, *fields[t], syntax) for t in sorted(fields))
    if syntax == DEFLATED:
        z = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = z.compress(body) + z.flush()
    if bare:
        return body
    meta = element(0x00020001, "OB", b"\0\1", EXPLICIT)
    meta += element(0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.7", EXPLICIT)
    meta += element(0x00020003, "UI", "1.2.3.4", EXPLICIT)
    meta += element(0x00020010, "UI", syntax, EXPLICIT)
    return (b"\0" * 128 + b"DICM" + element(0x00020000, "UL", len(meta), EXPLICIT) +
            meta + body)


def by(program, *options):
    """One of DCMTK's programs, from the last file to another."""
    def run(data):
        with tempfile.TemporaryDirectory() as box:
            a, b = box + "/a", box + "/b"
            pathlib.Path(a).write_bytes(data)
            subprocess.run([program, *options, a, b], check=True)
            return pathlib.Path(b).read_bytes()
    return run


def j2k(data, pixels):
    """The same file, its pixels one JPEG 2000 code stream."""
    with tempfile.TemporaryDirectory() as box:
        head = b"P5\n%d %d\n65535\n" % (pixels.shape[1], pixels.shape[0])
        pathlib.Path(box + "/a.pgm").write_bytes(head + pixels.astype(">u2").tobytes())
        subprocess.run(["opj_compress", "-i", box + "/a.pgm", "-o", box + "/a.j2k", "-n",
                        "3"], check=True, stdout=subprocess.DEVNULL)
        stream = pathlib.Path(box + "/a.j2k").read_bytes()
    stream += b"\0" * (len(stream) % 2)
    start = data.index(b"\xe0\x7f\x10\x00OW")
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    for piece in (stream[:400], stream[400:]):
        items += struct.pack("<HHI", 0xFFFE, 0xE000, len(piece)) + piece
    items += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data = data[:start] + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + items
    old = element(0x00020010, "UI", EXPLICIT, EXPLICIT)
    new = element(0x00020010, "UI", J2K, EXPLICIT)
    length = struct.unpack("<I", data[140:144])[0] + len(new) - len(old)
    return data[:140] + struct.pack("<I", length) + data[144:].replace(old, new, 1)


def voi(v, center, width):
    """PS3.3, C.11.2.1.2.1"""
    y = ((v - (center - 0.5)) / (width - 1) + 0.5) * 255
    return grey(np.floor(y.clip(0, 255) + 0.5))


def window_of(center, width):
    return [(0x00281050, "DS", str(center)), (0x00281051, "DS", str(width))]


def make_dicom():
    lum = RGB[:, :, 1]
    hu = lum.astype(np.int16) * 8 - 1000
    hu[:, :3] = -2000  # padding
    ct = [(0x00280120, "SS", -2000 + 1024), (0x00281052, "DS", "-1024"),
          (0x00281053, "DS", "1")] + window_of(40, 400)
    stored, seen = hu + 1024, voi(hu.astype(float), 40, 400)
    whole = dicom(stored, ct)
    for name, syntax in (("implicit", IMPLICIT), ("explicit", EXPLICIT), ("big", BIG),
                         ("deflated", DEFLATED)):
        more = [(0x00280120, "SS", -2000 + 1024)] + ct[1:]
        put(name + ".dcm", dicom(stored, more, syntax), seen)
    put("bare.dcm", dicom(stored, ct, IMPLICIT, bare=True), seen)
    put("rle.dcm", by("dcmcrle")(whole), seen)
    put("jpegls.dcm", by("dcmcjpls")(whole), seen)
    positive = dicom((stored + 2000).astype(np.uint16), window_of(40 + 3024, 400))
    put("lossless.dcm", by("dcmcjpeg", "+e1")(positive), seen)
    put("j2k.dcm", j2k(positive, (stored + 2000).astype(np.uint16)), seen)
    twelve = dicom(lum.astype(np.uint16) * 16, window_of(2048, 4096), stored=12)
    put("jpeg12.lossy.dcm", by("dcmcjpeg", "+ee", "+un", "+q", "90")(twelve),
        voi(lum * 16.0, 2048, 4096))
    colour = by("dcmcjpeg", "+eb", "+un", "+q", "95")(
        dicom(np.ascontiguousarray(RGB), photometric="RGB"))
    stream = io.BytesIO(colour[colour.index(b"\xff\xd8\xff"):])
    put("jpeg8.lossy.dcm", colour, np.asarray(Image.open(stream).convert("RGB")))
    # no window: percentiles, without the padding
    inner = (hu[:, 3:] + 1000).astype(np.uint16)
    low, high = window(inner)
    film = voi(hu + 1000.0, (low + high) / 2 + 0.5, high - low + 1)
    put("percentiles.dcm", dicom(hu, [(0x00280120, "SS", -2000)]), film)
    put("mono1.dcm", dicom(hu, [(0x00280120, "SS", -2000)], photometric="MONOCHROME1"),
        255 - film)
    table = [int(255 * (i / 255) ** 2) for i in range(256)]
    lut = [(0x00283002, "US", [256, 0, 8]), (0x00283006, "US", table)]
    put("voilut.dcm", dicom(np.ascontiguousarray(lum), [(0x00283010, "SQ", [lut])]),
        grey(np.array(table)[lum]))
    lut = [(0x00283002, "US", [256, 0, 16]), (0x00283004, "LO", "US"),
           (0x00283006, "US", [i * i for i in range(256)])]
    put("modlut.dcm", dicom(np.ascontiguousarray(lum), [(0x00283000, "SQ", [lut])] +
                            window_of(32512, 65025)),
        voi(lum.astype(float) ** 2, 32512, 65025))
    ramp = [[v * 257 for v in (range(256), range(255, -1, -1), [9] * 256)[c]] for c in
            range(3)]
    more = [(0x00281101 + c, "US", [256, 0, 16]) for c in range(3)]
    more += [(0x00281201 + c, "OW", struct.pack("<256H", *ramp[c])) for c in range(3)]
    put("palette.dcm", dicom(np.ascontiguousarray(lum), more, photometric="PALETTE COLOR"),
        np.stack([lum, 255 - lum, np.full_like(lum, 9)], axis=2))
    bits = np.concatenate([lum > 99, lum <= 99, RGB[:, :, 0] > 99]).astype(np.uint8)
    put("bits.dcm", dicom(bits, frames=3, bits=1), grey((lum > 99) * 255))
    three = np.concatenate([RGB, RGB[:, ::-1], RGB[::-1]])
    put("frames.dcm", dicom(three, photometric="RGB", frames=3), RGB)
    put("framesrle.dcm", by("dcmcrle")(dicom(three, photometric="RGB", frames=3)), RGB)
    put("float.dcm", dicom(inner.astype(np.float32) / 7), stretched(inner))
    put("double.dcm", dicom(inner.astype(np.float64) / 7), stretched(inner))
    put("grey32.dcm", dicom(lum.astype(np.uint32) * 70000, window_of(8925000, 17850000)),
        voi(lum * 70000.0, 8925000, 17850000))
    put("tall.dcm", dicom(np.full((10, 8), 77, np.uint8),
                          [(0x00280034, "IS", "2\\1")] + window_of(127.5, 256)),
        np.full((20, 8, 3), 77))
    frame = [[(0x00289132, "SQ", [window_of(c, 256)])] for c in (127.5, 200)]
    put("enhanced.dcm", dicom(np.concatenate([lum, lum]),
                              [(0x52009230, "SQ", frame)], frames=2),
        voi(lum.astype(float), 127.5, 256))


def make_study():
    """tests/golden/dicom: two studies whose every name is a canary."""
    out = OUT.parent / "dicom"
    out.mkdir(exist_ok=True)
    study = "1.2.826.0.1.3680043.770011"
    ramp = np.add.outer(np.arange(24), np.arange(24) * 3).astype(np.uint16)

    def write(name, pixels, more, study=study, **options):
        who = [(0x00080018, "UI", study + ".18"), (0x00080020, "DA", "20190523"),
               (0x00080021, "DA", "20190524"), (0x00080030, "TM", "112233"),
               (0x00080050, "SH", "CANARYACCESSION"), (0x00080080, "LO", "CANARYHOSPITAL"),
               (0x00080090, "PN", "CANARYREFERRER^ANN"), (0x00081010, "SH", "CANARYSTATION"),
               (0x00081030, "LO", "CANARYSTUDY"), (0x0008103E, "LO", "CANARYSERIES"),
               (0x00100010, "PN", "CANARYNAME^JOHN"), (0x00100020, "LO", "CANARYID"),
               (0x00100030, "DA", "19470312"), (0x00104000, "LT", "CANARYCOMMENT"),
               (0x0020000D, "UI", study), (0x0020000E, "UI", study + ".14"),
               (0x00200010, "SH", "CANARYSTUDYID"), (0x00290010, "LO", "CANARYCREATOR"),
               (0x00291001, "LO", "CANARYPRIVATE")]
        known = {tag for tag, _, _ in more}
        who = [e for e in who if e[0] not in known]
        (out / name).write_bytes(dicom(pixels, who + more, **options))

    ct = [(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"), (0x00080060, "CS", "CT"),
          (0x00180015, "CS", "CHEST"),
          (0x00200060, "CS", "R")]
    write("one.dcm", ramp, ct)
    write("1.2.3.77", ramp.T.copy(), ct + [(0x00185101, "CS", "PA")])
    many = np.concatenate([ramp * 0, ramp[::-1] + 9, ramp * 0, ramp * 0])
    write("frames.ima", many, [(0x00080060, "CS", "US"), (0x00280301, "CS", "NO")], frames=4,
          study="1.2.826.0.1.3680043.770022")
    write("screen.dcm", ramp[::-1].copy(), [(0x00080060, "CS", "OT"),
                                            (0x00280301, "CS", "YES")],
          study="1.2.826.0.1.3680043.770022")
    # what a hostile one may have for a code; and no picture
    write("hostile.dcm", ramp[:, ::-1].copy(), [(0x00080060, "CS", "canaryname^j"),
                                      (0x00180015, "CS", "CANARY=BODY"),
                                      (0x0020000D, "UI", "770033x")])
    write("report.dcm", np.zeros((0, 0), np.uint8), [(0x00080060, "CS", "SR"),
                                                     (0x7FE00010, "OB", b"")])


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
    make_webp()
    make_tiff()
    make_dicom()
    make_study()
    make_others()


if __name__ == "__main__":
    main()
