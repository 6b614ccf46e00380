#!/bin/sh
# collections.sh - a large table, and a large source that is forgotten.
#
#   sh bench/collections.sh [BIN_DIR]
#
# 10,000 small pictures and a table of 100,000 rows, ten of each picture, every text
# another one; the model is the tiny one of the tests. Printed are the seconds of the
# first run with pictures alone, of the run that reads the table but changes nothing
# (--dry-run), and of the run that takes it in, embedding of 100,000 texts included. Then
# the source is forgotten: how many rows of it are left, and how many of its thumbnails
# and captions are found in the bytes of the catalog's files.
set -eu
cd "$(dirname "$0")/.."
bin=$(cd "${1:-build/release/bin}" && pwd)
box=$(mktemp -d "${TMPDIR:-/tmp}/plainfilm-collections.XXXXXX")
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
cd "$box"
PATH=$bin:$PATH

pf-seeded-catalog model seeded 1
/usr/bin/python3 - <<'END'
import os, random
random.seed(7)
os.mkdir("films")
os.mkdir("other")
words = ["effusion", "fracture", "nodule", "left", "right", "small", "large", "acute"]
with open("table.csv", "w") as table:
    table.write("file,caption,case\n")
    for i in range(10000):
        pixels = bytes(random.randrange(256) for _ in range(24 * 24))
        open(f"films/{i}.pgm", "wb").write(b"P5\n24 24\n255\n" + pixels)
        for k in range(10):
            text = " ".join(random.choice(words) for _ in range(5))
            table.write(f"{i}.pgm,Zebrafinch {i} {k} {text},{i // 4}\n")
open("other/a.pgm", "wb").write(b"P5\n24 24\n255\n" + bytes(576))
END

index() { plainfilm-index -q -c catalog --settle 0 "$@"; }
seconds() { # WHAT COMMAND...
  what=$1
  shift
  start=$(date +%s.%N)
  "$@" >said || true
  end=$(date +%s.%N)
  awk -v w="$what" -v a="$start" -v b="$end" 'BEGIN { printf "%-44s %6.1f s\n", w, b - a }'
}
index --model model other >said
seconds "10,000 pictures" index films
seconds "100,000 rows read, and matched" index --dry-run --captions table.csv films
seconds "100,000 rows taken in, with their embedding" index --captions table.csv films
sed -n 2p said
count_bytes() { # what is left of thumbnails, and of captions
  for word in JFIF Zebrafinch; do
    cat catalog/* | grep -aoi "$word" | wc -l
  done | tr '\n' ' '
}
echo "thumbnails and captions in the files: $(count_bytes)"
seconds "10,000 pictures forgotten" index --forget films
cat said
echo "thumbnails and captions in the files: $(count_bytes)"
pf-catalog-dump catalog >dump
echo "rows that name the source: $(grep -ac "$PWD/films" dump || true)"
index --check
