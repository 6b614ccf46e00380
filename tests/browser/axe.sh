#!/bin/sh
# axe.sh - fetches axe-core, which looks for barriers on the page (test_access.mjs), with
# npm into the user's cache, outside of this tree, and prints where it is. It is for tests
# alone: nothing of it is built into a program.
set -eu
version=4.14.1
cache=${PLAINFILM_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plainfilm-tests}
file=$cache/axe-core-$version/node_modules/axe-core/axe.min.js
if [ ! -e "$file" ]; then
  mkdir -p "$cache"
  npm install --silent --fetch-retries 1 --fetch-timeout 20000 --no-audit --no-fund --ignore-scripts \
    --prefix "$cache/axe-core-$version" "axe-core@$version" >&2
fi
echo "$file"
