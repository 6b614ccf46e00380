#!/bin/sh
# demo.sh - sets everything up, indexes the sample collection with the demo model, and
# asks it a few questions. Each command is printed as you would type it.
#
#   sh scripts/demo.sh
#
# Safe to run again. What it makes lies in build/demo.
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "setting up (scripts/setup.sh)"
sh scripts/setup.sh

step "building into build/release"
generator=
[ -e build/release/CMakeCache.txt ] || generator='-G Ninja'
# shellcheck disable=SC2086
cmake --preset release $generator
cmake --build --preset release --target plainfilm-index plainfilm-query plainfilm-serve \
  -j "$(nproc)"

PATH="$PWD/build/release/bin:$PATH"
PLAINFILM_CATALOG=build/demo
export PATH PLAINFILM_CATALOG
rm -rf build/demo

show() {
  step "$1"
  shift
  printf '$'
  for word in "$@"; do
    case $word in
    *[!A-Za-z0-9_./=:-]*) printf " '%s'" "$word" ;;
    *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$@"
}

step "the catalog of this demo: export PLAINFILM_CATALOG=build/demo"
show "index the sample collection: pictures drawn for this project, with captions" \
  plainfilm-index --model data/demo-model --captions data/sample/captions.csv data/sample
show "a phrase finds pictures" \
  plainfilm-query --limit 3 subdural hematoma
show "the same, among those on the left" \
  plainfilm-query --limit 3 --filter side=left subdural hematoma
show "a picture finds similar cases (it is in the sample itself: its own case comes first)" \
  plainfilm-query --limit 3 --find cases --image data/sample/case0004-1.jpg
show "a picture finds what captions say about such pictures" \
  plainfilm-query --limit 3 --find captions --image data/sample/case0004-1.jpg
show "which label fits a picture" \
  plainfilm-query --image data/sample/case0004-1.jpg \
  --classify "head CT, chest x-ray, mammogram"
show "hits to look at" \
  plainfilm-query --limit 8 --sheet build/demo.html --format paths pleural effusion
show "how good it is: phrases with what they should find" \
  plainfilm-query --evaluate --queries data/phantoms/queries.csv
show "an answer for another program" \
  plainfilm-query --limit 1 --format json gallstones
show "a second run finds nothing to do" \
  plainfilm-index
printf '\nTo look around in the browser: build/release/bin/plainfilm-serve -c build/demo\n'
printf '(it prints the address to open, and ends with Ctrl-C)\n'
printf '\nNext: README.md tells how to get PubMedCLIP and index pictures of your own.\n'
