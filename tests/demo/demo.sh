#!/bin/sh
# demo.sh BIN_DIR PROJECT - the sample collection and the demo model, end to end.
#
# Every phrase of expected.tsv must find the picture that stands beside it first; a picture
# finds itself; the demo model says once what it is; a second run finds nothing to do.
set -eu
bin=$1 project=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
PATH=$bin:$PATH
PLAINFILM_CATALOG=$work/catalog
export PATH PLAINFILM_CATALOG
sample=$project/data/sample
failures=0

fail() {
  echo "demo: $*" >&2
  failures=$((failures + 1))
}

plainfilm-index --model "$project/data/demo-model" --captions "$sample/captions.csv" \
  "$sample" >"$work/first" 2>"$work/notice"
grep -q '^120 added, .* 0 failed' "$work/first" || fail "not all 120 pictures were added"
[ "$(grep -c 'synthetic phantoms.*PubMedCLIP' "$work/notice")" = 1 ] ||
  fail "the demo model did not say once what it is"
plainfilm-index 2>/dev/null >"$work/second"
grep -q '^0 added, .* 120 unchanged, 0 failed' "$work/second" || fail "a second run did something"
plainfilm-index --check >/dev/null || fail "the catalog is not in order"

first_hit() {
  plainfilm-query --quiet --limit 1 --format paths "$@"
}

asked=0
tab=$(printf '\t')
while IFS=$tab read -r phrase file; do
  asked=$((asked + 1))
  hit=$(first_hit "$phrase" </dev/null)
  [ "${hit##*/}" = "$file" ] || fail "'$phrase' found '${hit##*/}' first, expected '$file'"
done <"$project/tests/demo/expected.tsv"

for picture in "$sample"/case000*-1.jpg; do
  asked=$((asked + 1))
  hit=$(first_hit --image "$picture")
  [ "${hit##*/}" = "${picture##*/}" ] || fail "'${picture##*/}' found '${hit##*/}' first"
done
# What kind of study each picture of the sample is, from what captions.csv says.
cat >"$work/kinds" <<'EOF'
chest x-ray	XR chest
hip x-ray	XR hip
knee x-ray	XR knee
wrist x-ray	XR wrist
ankle x-ray	XR ankle
lumbar spine x-ray	XR lumbar spine
cervical spine x-ray	XR cervical spine
mammogram	MG breast
head CT	CT brain
abdominal CT	CT abdomen
brain MRI	MR brain
gallbladder ultrasound	US gallbladder
kidney ultrasound	US kidney
pelvic ultrasound	US uterus
EOF
labels=$(cut -f 1 "$work/kinds" | paste -sd ,)
plainfilm-query --quiet --model "$project/data/demo-model" --classify "$labels" \
  --image "$sample" --format tsv >"$work/classified"
right=0
while IFS=$tab read -r label kind; do
  # the first label of each picture is its best one
  awk -F "$tab" -v l="$label" 'NR > 1 && $1 != last { if ($2 == l) print $1 }
    { last = $1 }' "$work/classified" | sed 's|.*/||' | sort >"$work/got"
  plainfilm-query --quiet --format paths --limit 120 "$label" \
    --filter "modality=${kind%% *}" --filter "anatomy=${kind#* }" |
    sed 's|.*/||' | sort >"$work/wanted"
  right=$((right + $(comm -12 "$work/got" "$work/wanted" | wc -l)))
done <"$work/kinds"
asked=$((asked + 1))
[ "$right" -ge 118 ] || fail "$right of the 120 pictures were classified right"
# Joining meaning and words finds no less than the better of the two.
plainfilm-query --quiet --evaluate --queries "$project/data/phantoms/queries.csv" \
  --format tsv >"$work/figures"
awk -F '\t' '$3 == "recall_at_5" { r[$2] = $4 } END {
  exit !(r["both"] != "" && r["both"] >= r["meaning"] && r["both"] >= r["words"]) }' \
  "$work/figures" || fail "--by both finds less than meaning or words alone"

echo "$asked questions, $failures of them or of the runs wrong"
[ "$failures" = 0 ]
