#!/bin/sh
# bombs.sh - the most memory that indexing takes when eight pictures that unpack to
# hundreds of megabytes lie among 500 ordinary ones, on two workers.
#
#   sh bench/bombs.sh [BIN_DIR]
#
# Prints the peak of the indexer and of its decoders together, beside what the model
# takes, sampled every 10 ms from /proc (proportional set size), and what became of the
# pictures. The model is the demo one, so nearly all of it is pictures.
set -eu
cd "$(dirname "$0")/.."
bin=$(cd "${1:-build/release/bin}" && pwd)
box=$(mktemp -d "${TMPDIR:-/tmp}/plainfilm-bombs.XXXXXX")
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM

/usr/bin/python3 - "$box" data/sample <<'END'
import os, random, shutil, struct, sys, zlib

box, sample = sys.argv[1:]
os.mkdir(box + "/films")
pictures = sorted(f for f in os.listdir(sample) if f.endswith((".jpg", ".png")))
for i in range(500):  # each with its own bytes, or it would be embedded once only
    name = pictures[i % len(pictures)]
    to = f"{box}/films/{i:03}-{name}"
    shutil.copy(f"{sample}/{name}", to)
    if name.endswith(".jpg"):
        data = bytearray(open(to, "rb").read())
        comment = b"%06d" % i
        data[2:2] = b"\xff\xfe" + struct.pack(">H", 2 + len(comment)) + comment
        open(to, "wb").write(data)

def png(name, width, height, depth, colour):
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    row = b"\0" * (1 + (width * channels * depth + 7) // 8)
    z = zlib.compressobj(9)
    body = b"".join(z.compress(row) for _ in range(height)) + z.flush()
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    with open(f"{box}/films/{name}", "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n")
        f.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)))
        if colour == 3:
            f.write(chunk(b"PLTE", b"\0" * 768))
        f.write(chunk(b"IDAT", body) + chunk(b"IEND", b""))

png("bomb-grey.png", 10000, 10000, 1, 0)
png("bomb-deep.png", 10000, 10000, 16, 0)
png("bomb-palette.png", 9999, 10000, 8, 3)
png("bomb-colour.png", 9000, 11000, 8, 2)
png("bomb-huge.png", 60000, 60000, 1, 0)
open(f"{box}/films/bomb.gif", "wb").write(
    b"GIF89a" + struct.pack("<HHBBB", 10000, 10000, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff," +
    struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2D\1\0;")
open(f"{box}/films/bomb.pgm", "wb").write(b"P5 9999 9999 65535 " + b"\0" * (2 * 9999 * 9999))
open(f"{box}/films/bomb.tga", "wb").write(
    struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 9000, 9000, 24, 0x20) +
    b"\xff\0\0\0" * (9000 * 9000 // 128 + 1))
END

"$bin/plainfilm-index" -q -j 2 -c "$box/catalog" --model data/demo-model --format json \
  "$box/films" >"$box/report" 2>"$box/log" &
pid=$!
/usr/bin/python3 - "$pid" <<'END'
import os, sys, time

def pss(pid):
    try:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0

def children(pid):
    try:
        return [int(p) for t in os.listdir(f"/proc/{pid}/task")
                for p in open(f"/proc/{pid}/task/{t}/children").read().split()]
    except OSError:
        return []

pid, most, own = int(sys.argv[1]), 0, 0
while os.path.exists(f"/proc/{pid}") and not open(f"/proc/{pid}/stat").read().split()[2] == "Z":
    mine = pss(pid)
    most, own = max(most, mine + sum(map(pss, children(pid)))), max(own, mine)
    time.sleep(0.01)
print(f"peak of indexer and decoders: {most / 1024:.0f} MiB (indexer alone {own / 1024:.0f} MiB)")
END
wait "$pid" || echo "exit status $?"
/usr/bin/python3 - "$box/report" <<'END'
import json, os, sys

report = json.load(open(sys.argv[1]))
print(f"{report['added']} indexed, {report['failed']} refused")
for f in report["failures"]:
    print(f"  {os.path.basename(f['path'])}: {f['reason']}")
END
