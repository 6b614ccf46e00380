#!/bin/sh
# radiographs.sh BIN_DIR CHECKPOINT_FOLDER SHARED - real pictures with a full-size model.
#
# Indexes the 73 radiographs with their captions, then asks with each picture: it must
# come back first with a score of at least 0.999. Also: a second run finds nothing to do,
# the catalog is in order, a phrase and captions are answered. Exit 77 without SHARED.
set -eu
bin=$1 checkpoint=$2 shared=$3
pictures=$shared/data/radiographs
if [ ! -d "$pictures" ] || [ ! -d "$shared/tokenizer" ]; then
  echo "radiographs: no reference material in '$shared', skipped" >&2
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

die() {
  echo "radiographs: $*" >&2
  exit 1
}

mkdir "$work/model"
for f in "$checkpoint"/*; do ln -s "$f" "$work/model/"; done
ln -s "$shared/tokenizer/merges.txt" "$shared/tokenizer/vocab.json" "$work/model/"
export PLAINFILM_CATALOG="$work/catalog"
PATH=$bin:$PATH

plainfilm-index --model "$work/model" --captions "$pictures/captions.csv" "$pictures" |
  tee "$work/first"
grep -q '^73 added, 0 updated, 0 moved, 0 removed, 0 unchanged, 0 failed' "$work/first" ||
  die "not all 73 were added"
plainfilm-index | tee "$work/second"
grep -q '^0 added, .* 73 unchanged, 0 failed' "$work/second" || die "a second run did something"
plainfilm-index --check

find "$pictures/images" -type f | sort >"$work/list"
asked=0
while IFS= read -r picture; do
  plainfilm-query --limit 1 --format json --image "$picture" >"$work/answer"
  score=$(sed 's/.*"rank":1,"score":\([0-9.]*\).*/\1/' "$work/answer")
  found=$(sed 's/.*"id":[0-9]*,"path":"\([^"]*\)".*/\1/' "$work/answer")
  [ "$(realpath "$picture")" = "$found" ] || die "'$picture' found '$found' first"
  awk "BEGIN { exit !($score >= 0.999) }" || die "'$picture' found itself with $score"
  asked=$((asked + 1))
done <"$work/list"
[ "$asked" = 73 ] || die "asked $asked of 73"
plainfilm-query --limit 2 right pleural effusion
plainfilm-query --limit 2 --find captions --image "$(head -n 1 "$work/list")"
echo "73 pictures indexed; each one, asked for by itself, came first with >= 0.999"
