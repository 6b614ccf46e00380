#!/bin/sh
# throughput.sh - how fast two builds index the same pictures, in turns.
#
#   sh bench/throughput.sh OLD_BIN NEW_BIN MODEL FOLDER [COPIES] [ROUNDS]
#
# The pictures of FOLDER are taken COPIES times (default 6), each made different by a
# few bytes behind its end. Printed are images per second of each run and the best.
set -eu
old=$1 new=$2 model=$3 folder=$4 copies=${5:-6} rounds=${6:-5}
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir "$box/films"

i=0
for copy in $(seq "$copies"); do
  find "$folder" -type f -name '*.jp*g' >"$box/list"
  while read -r film; do
    i=$((i + 1))
    { cat "$film"; printf '%s' "$copy-$i"; } >"$box/films/$i.jpg"
  done <"$box/list"
done
echo "$i pictures, model $model"

one() {
  rm -rf "$box/catalog"
  "$2/plainfilm-index" -q --format json -c "$box/catalog" --model "$model" "$box/films" |
    sed "s/.*\"images_per_second\":\([0-9.]*\).*/\1/" >>"$box/$1"
}

for round in $(seq "$rounds"); do
  one old "$old"
  one new "$new"
done
for which in old new; do
  echo "$which $(tr '\n' ' ' <"$box/$which")best $(sort -n "$box/$which" | tail -1)"
done
