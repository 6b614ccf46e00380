#!/bin/sh
# run.sh - the tests of the page in a real browser.
#
#   sh tests/browser/run.sh BIN_DIR NAME [PART_OF_A_TEST'S_NAME]
#
# NAME is that of a file here: test_NAME.mjs. Without node, chromium or its driver the
# tests are skipped (77).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for program in node chromedriver; do
  command -v $program >/dev/null || { echo "no $program: skipped"; exit 77; }
done
command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
  { echo "no chromium: skipped"; exit 77; }
exec node "$here/run.mjs" "$1" "$here/test_$2.mjs" ${3:+"$3"}
